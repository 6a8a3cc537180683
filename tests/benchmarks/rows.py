"""The rows that are measured: real feature rows of the demand forecast under new keys, as many as asked for."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from daybreak.local.demonstration_data import load_demonstration_data
from daybreak.run.plan import day_binds
from daybreak.training.train import train
from daybreak.warehouse.sql_file import load_sql
from daybreak.workspace import Workspace

SQL = Path(__file__).parent / "sql"
# About a million distinct real rows.
REAL_DAYS = 60
# The model is trained on what was known so many days before the data ends: with the four held-out weeks it has seen
# nothing of the last ninety days.
TRAINED_BEFORE = 61


def prepare_model(workspace: Workspace, last_day: date, say: Callable[[str], None]) -> None:
    """Load the demonstration data and train the demand forecast; does nothing where both were done."""
    from daybreak.errors import ModelRefused

    workspace.see_to_ledger()
    try:
        workspace.registry.resolve(workspace.pipeline("throughput").model)
    except ModelRefused:
        say("loading the demonstration data")
        load_demonstration_data(workspace.warehouse, workspace.settings.sql, last_day)
        say("training the demand forecast")
        from retail.demand_forecast import DEMAND_FORECAST

        train(workspace, DEMAND_FORECAST, through=last_day - timedelta(days=TRAINED_BEFORE))


def prepare_rows(workspace: Workspace, last_day: date, sizes: dict[date, int], say: Callable[[str], None]) -> None:
    """Fill ``bench.features`` with one partition for each number of rows; does nothing where it is so already."""
    if _laid_out(workspace) == sizes:
        return
    say("computing real feature rows")
    timezone = workspace.pipeline("throughput").timezone
    first_day = last_day - timedelta(days=REAL_DAYS - 1)
    binds = day_binds(first_day, last_day, timezone)
    with workspace.warehouse.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA IF EXISTS bench CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA bench")
        connection.exec_driver_sql(bound(SQL / "real_rows.sql", binds))
        real, places = connection.exec_driver_sql("SELECT count(*), max(place) + 1 FROM bench.real_rows").one()
        connection.exec_driver_sql(load_sql(SQL / "rows.sql").text)
    for day, rows in sizes.items():
        say(f"laying out {rows:,} rows")
        with workspace.warehouse.begin() as connection:
            connection.exec_driver_sql(
                bound(SQL / "fill.sql", {"partition": day, "rows": rows, "real": real, "places": places})
            )
    say("indexing them")
    with workspace.warehouse.begin() as connection:
        connection.exec_driver_sql("DROP TABLE bench.real_rows")
        connection.exec_driver_sql("ALTER TABLE bench.features ADD PRIMARY KEY (day, store_id, product_category, copy)")
    settle(workspace, "VACUUM ANALYZE bench.features")


def _laid_out(workspace: Workspace) -> dict[date, int]:
    with workspace.warehouse.begin() as connection:
        if connection.exec_driver_sql("SELECT to_regclass('bench.features')").scalar() is None:
            return {}
        return dict(connection.exec_driver_sql("SELECT day, count(*) FROM bench.features GROUP BY day").tuples().all())


def bound(path: Path, values: Mapping[str, Any]) -> str:
    """Return a SQL file's text with values in it that come from this benchmark alone."""
    file = load_sql(path)
    return file.render(
        {name: f"{values[name]}" if isinstance(values[name], int) else f"'{values[name]}'" for name in file.binds}
    ).text


def settle(workspace: Workspace, *statements: str) -> None:
    """Run statements outside of a transaction, then write everything out, so that no measurement pays for another."""
    with workspace.warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in (*statements, "CHECKPOINT"):
            connection.exec_driver_sql(statement)


def disagreements(workspace: Workspace, other: str, run_id: int) -> dict[str, int]:
    """Compare a run's predictions with those in another table of the same rows."""
    key = ", ".join(workspace.pipeline("throughput").entity_key)
    compared = (
        "SELECT count(theirs.predicted_units) AS theirs, count(ours.predicted_units) AS ours, "
        "count(*) FILTER (WHERE ours.predicted_units IS NULL) AS unmatched, "
        "count(*) FILTER (WHERE ours.predicted_units IS NULL AND product_category = '(none)') AS unknown, "
        "count(*) FILTER (WHERE ours.predicted_units <> theirs.predicted_units) AS different "
        f"FROM bench.{other} AS theirs "
        f"FULL JOIN (SELECT * FROM predictions.throughput_runs WHERE run_id = {run_id:d}) AS ours USING ({key})"
    )
    with workspace.warehouse.begin() as connection:
        return dict(connection.exec_driver_sql(compared).mappings().one())
