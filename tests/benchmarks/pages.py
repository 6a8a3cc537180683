"""Measure the pages over a ledger of years, in Airflow's own API server: `python tests/benchmarks/pages.py`."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from daybreak.cli.display import print_table
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.settings import PROJECT
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.migrations import migrate

HERE = Path(__file__).parent
PARTITIONS, WANTED_MS, TURNS = 1_000, 300, 15
PIPELINES = {
    "demand_forecast": False,
    "daily_promotions": True,
    "customer_segments": False,
    "customer_recommendations": False,
}
# Two runs of the newest day, of which the second is shown: what a page compares and whose spread it draws.
PREDICTIONS = """
CREATE TABLE predictions.demand_forecast_runs (
    run_id bigint, store_id integer, product_category text, predicted_units double precision,
    PRIMARY KEY (run_id, store_id, product_category)
);
INSERT INTO predictions.demand_forecast_runs
SELECT run_id, n / 150, 'category ' || n % 150, random()
FROM ledger.runs CROSS JOIN generate_series(0, 17999) AS places (n)
WHERE pipeline = 'demand_forecast' ORDER BY run_id DESC LIMIT 10 * 18000;
INSERT INTO ledger.training_profiles (model_name, model_version, column_name, profile)
SELECT 'demand_forecast', 1, name, '{"bins": [0, 0.1, 0.4, 0.7, 1], "weights": [0.1, 0.3, 0.3, 0.3]}'
FROM unnest(ARRAY['predicted_units', 'column 1', 'column 2', 'column 3', 'column 4', 'column 5']) AS columns (name);
INSERT INTO ledger.trusted_versions (model_name, version, digest, trained_through, how, metrics)
SELECT DISTINCT pipeline, 1, 'm', date '2026-01-01', 'registered', '{"log_loss": 0.3}'::jsonb FROM ledger.runs;
ANALYZE;
"""


def measure_pages(folder: Path) -> list[dict[str, Any]]:
    """Fill a ledger below the folder, and measure each page in a process of its own."""
    server = EmbeddedPostgres(folder / "home").use()
    try:
        warehouse = Warehouse(server.url())
        migrate(warehouse, PROJECT / "sql")
        last = fill(warehouse)
        warehouse.close()
        environment = {
            **os.environ,
            "DAYBREAK_HOME": str(folder / "home"),
            "DAYBREAK_PIPELINES": "retail",
            "DAYBREAK_WAREHOUSE_URL": server.url(),
            "AIRFLOW_HOME": str(folder / "airflow"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "ada:admin",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        }
        done = subprocess.run(
            [sys.executable, __file__, "serve", last.isoformat()],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    finally:
        server.stop()
        server.release()
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def show_pages(measured: list[dict[str, Any]]) -> None:
    """Print what was measured as a table."""
    print_table(
        f"Pages at {PARTITIONS:,} partitions and {len(PIPELINES)} pipelines; wanted: below {WANTED_MS} ms",
        ["page", "median ms", "slowest ms", "kB"],
        [[m["page"], m["median"], m["slowest"], m["kilobytes"]] for m in measured],
    )


def fill(warehouse: Warehouse) -> date:
    """Fill a ledger as it is after years; return its last day."""
    last = (datetime.now(UTC) - timedelta(hours=30)).date()
    statement = sa.text((HERE / "sql" / "pages.sql").read_text())
    binds = {"pipelines": list(PIPELINES), "pushes": list(PIPELINES.values()), "partitions": PARTITIONS, "last": last}
    with warehouse.begin() as connection:
        connection.execute(statement, binds)
    with warehouse.begin() as connection:
        connection.exec_driver_sql(PREDICTIONS.replace("%", "%%"))
    return last


def _serve(last: str) -> list[dict[str, Any]]:
    """Ask Airflow's API server for each page again and again, as somebody who is logged in."""
    from airflow.api_fastapi.app import create_app, get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    from airflow.utils.db import initdb
    from fastapi.testclient import TestClient

    initdb()
    DagBundlesManager().sync_bundles_to_db()
    folder = PROJECT / "dags"
    sync_bag_to_db(BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder"), "dags-folder", None)
    client = TestClient(create_app(apps="core"), headers={"Accept": "text/html"})
    user = SimpleAuthManagerUser(username="ada", role="admin")
    client.cookies.set("_token", get_auth_manager().generate_jwt(user))
    own = "dags/demand_forecast"
    pages = {
        "Today": "today",
        "Calendar": "calendar",
        "Pipeline": own,
        "Partition": f"{own}/partitions/{last}",
        "Model": f"{own}/model",
        "Quality": f"{own}/quality",
        "Deliveries": "dags/daily_promotions/deliveries",
    }
    return [{"page": name, **_timed(client, f"/daybreak/{address}")} for name, address in pages.items()]


def _timed(client: Any, address: str) -> dict[str, Any]:
    taken, answer = [], client.get(address)
    for _ in range(TURNS):
        started = time.perf_counter()
        answer = client.get(address)
        taken.append(1000 * (time.perf_counter() - started))
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}: {answer.text[:500]}")
    return {
        "median": round(median(taken)),
        "slowest": round(max(taken)),
        "kilobytes": round(len(answer.content) / 1000, 1),
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        print(json.dumps(_serve(sys.argv[2])))
    else:
        with TemporaryDirectory(prefix="daybreak-bench-") as made:
            show_pages(measure_pages(Path(made)))
