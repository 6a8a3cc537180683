"""A database whose tables are made from declarations, for tests that change those."""

from dataclasses import replace
from typing import Any

from daybreak.declaration.pipeline import Pipeline
from daybreak.run.tables import see_to_tables
from daybreak.warehouse.sql_file import load_sql
from daybreak.workspace import Workspace
from fixture_pipelines import PARCEL_HOURS
from parcels import MADE

RUNS, VIEW, AS_OF = "predictions.parcel_hours_runs", "predictions.parcel_hours", "predictions.parcel_hours_as_of"


class Declared:
    """A database with the parcels' source, and tables made from declarations; no model is needed for that."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.execute(load_sql(MADE / "source.sql").text)

    def see_to(self, pipeline: Pipeline = PARCEL_HOURS, *, anyway: bool = False, **changes: Any) -> list[str]:
        """Declare the pipeline, see to its tables, and return what was done."""
        declared = replace(pipeline, **changes)
        return [change.says for change in see_to_tables(self.workspace, declared, anyway=anyway)]

    def publish(self, run_id: int, values: str, table: str = RUNS, pipeline: str = "parcel_hours") -> None:
        """Put rows under a run and publish it."""
        self.execute(
            "INSERT INTO ledger.runs (run_id, pipeline, partition_key, partition_date, attempt, trigger, model_version)"
            f" OVERRIDING SYSTEM VALUE VALUES ({run_id}, '{pipeline}', '2024-03-0{run_id}', '2024-03-0{run_id}', 1, "
            "'manual', 7)",
            "INSERT INTO ledger.publications (pipeline, partition_key, partition_date, run_id, reason, published_at) "
            f"VALUES ('{pipeline}', '2024-03-0{run_id}', '2024-03-0{run_id}', {run_id}, 'run', '2024-03-1{run_id}')",
            f"INSERT INTO {table} VALUES {values}",
        )

    def execute(self, *statements: str) -> None:
        with self.workspace.warehouse.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.workspace.warehouse.begin() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query.replace("%", "%%"))]

    def columns(self, relation: str) -> dict[str, str]:
        """Return the columns of a table or view with their types, in order."""
        return dict(
            self.rows(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                f"WHERE attrelid = '{relation}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
            )
        )

    def extract(self, text: str) -> None:
        """Write another extract.sql."""
        self.workspace.sql(PARCEL_HOURS, "extract").write_text(text)

    def views(self, text: str) -> None:
        """Write a views.sql."""
        self.workspace.sql(PARCEL_HOURS, "views").write_text(text)
