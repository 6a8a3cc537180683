"""Past runs: copies of the run that is published, for other partitions, as a ledger has them after weeks."""

from datetime import date
from typing import Any

from daybreak.ledger.tables import runs
from parcels import Parcels

COLUMNS = [column.name for column in runs.columns if column.name != "run_id"]


def past_run(parcels: Parcels, day: date | str, pipeline: str = "parcel_hours", **changes: Any) -> int:
    """Write down one more run, published where its state is that; ``changes`` are its columns as SQL. Return it."""
    where = {"pipeline": f"'{pipeline}'", "partition_key": f"'{day}'", "partition_date": f"'{day}'", "origin": "NULL"}
    values = {**{name: name for name in COLUMNS}, **where, "attempt": "100", **changes}
    made: int = parcels.value(
        f"INSERT INTO ledger.runs ({', '.join(values)}) SELECT {', '.join(map(str, values.values()))} "
        "FROM ledger.runs WHERE run_id = (SELECT min(run_id) FROM ledger.runs) RETURNING run_id"
    )
    parcels.execute(
        "INSERT INTO ledger.publications (pipeline, partition_key, partition_date, run_id, reason, published_at) "
        "SELECT pipeline, partition_key, partition_date, run_id, 'run', clock_timestamp() "
        f"FROM ledger.runs WHERE run_id = {made} AND state = 'published'"
    )
    return made
