"""Count the rows of healthy days, their nulls by column and what would be set aside: `tests/healthy_days.jsonl.gz`.

`PYTHONPATH=tests python tests/benchmarks/healthy_counts.py`, when features.sql or the demonstration data have changed.
Each pipeline's own query gives all days at once; nothing is run.
"""

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from daybreak.local.demonstration_data import LAST_DAY, TIMEZONE, load_demonstration_data
from daybreak.settings import PROJECT
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.sql_file import load_sql
from homes import short_lived_server

DAYS = 58
COUNTS = Path(__file__).parents[1] / "healthy_days.jsonl.gz"
# The rule of the pipeline's suite that sets rows of these days aside.
ASIDE = {"demand_forecast": "product_category = '(none)'", "daily_promotions": "department = '(none)'"}


def counted(warehouse: Warehouse, name: str) -> Iterator[dict[str, Any]]:
    """Yield what each day is like, by how many days it is before the last one."""
    features = load_sql(PROJECT / "sql" / name / "features.sql").text
    binds = {"first_day": LAST_DAY - timedelta(days=DAYS - 1), "last_day": LAST_DAY, "timezone": TIMEZONE}
    for bind, value in binds.items():
        features = features.replace(f":{bind}", f"'{value}'")
    with warehouse.begin() as connection:
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE rows AS {features}")
        columns = connection.exec_driver_sql("SELECT * FROM rows LIMIT 0").keys()
        nulls = ", ".join(f"'{column}', count(*) - count({column})" for column in columns)
        query = (
            f"SELECT date '{LAST_DAY}' - day, count(*), count(*) FILTER (WHERE {ASIDE[name]}), "
            f"json_build_object({nulls}) FROM rows GROUP BY day ORDER BY day"
        )
        for back, rows, aside, by_column in connection.exec_driver_sql(query).tuples():
            kept = {"rows_extracted": rows, "rows_quarantined": aside, "nulls": by_column}
            yield {"pipeline": name, "back": back, **kept}
        connection.exec_driver_sql("DROP TABLE rows")


def main() -> None:
    """Load the sales as they were, count, and write."""
    with short_lived_server() as server:
        warehouse = Warehouse(server.url())
        load_demonstration_data(warehouse, PROJECT / "sql", LAST_DAY)
        lines = [json.dumps(day) for name in ASIDE for day in counted(warehouse, name)]
        warehouse.close()
    COUNTS.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    print(f"{len(lines)} days in {COUNTS.name}.")


if __name__ == "__main__":
    main()
