"""A database that the version before has made is brought along: no row, no answer and no digest is lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa

from daybreak.errors import DaybreakError
from daybreak.local.demonstration_schema import hand_over, staged
from daybreak.run.tables import see_to_tables, upstreams_first
from daybreak.settings import PROJECT
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.migrations import migrate
from daybreak.workspace import Workspace
from parcels import NewDatabase, make_settings

DUMP = Path(__file__).parent / "database_of_before.sql"
SHOWN = ("demand_forecast", "customer_segments", "customer_recommendations", "parcel_hours", "parcel_classes")
SHOWN_AS_OF = ("demand_forecast", "customer_segments", "customer_recommendations", "parcel_hours")
# Before everything, between publications, after a rollback, and now.
INSTANTS = ("2020-01-01", "2026-11-17 06:01:45+00", "2026-11-17 06:02:45+00", "2026-11-18 06:01:45+00", "2100-01-01")

Rows = list[tuple[Any, ...]]


class Before:
    """The database of before, and workspaces of today's code on it."""

    def __init__(self, url: str, project: Path, home: Path) -> None:
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)
        self.settings = make_settings(home, project, url)
        self._opened: list[Workspace] = []

    def open(self, pipelines: str, project: Path | None = None) -> Workspace:
        """Open a workspace of other pipelines."""
        changes: dict[str, Any] = {"pipelines": pipelines, **({"project": project} if project else {})}
        self._opened.append(Workspace(self.settings.model_copy(update=changes)))
        return self._opened[-1]

    def close(self) -> None:
        for workspace in self._opened:
            workspace.close()

    def see_to_everything(self) -> dict[str, list[str]]:
        """Open the ledger and see to all tables, as the first runs after the installation do."""
        done = {}
        for workspace in (self.open("retail", PROJECT), self.open("fixture_pipelines.shadowed")):
            for pipeline in upstreams_first(workspace.pipelines):
                done[pipeline.name] = [change.says for change in see_to_tables(workspace, pipeline)]
        return done

    def rows(self, query: str) -> Rows:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query.replace("%", "%%"))]

    def execute(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    def tables(self, known: "dict[str, tuple[list[str], Rows]] | None" = None) -> dict[str, tuple[list[str], Rows]]:
        """Return the columns and all rows of the ledger's tables and of the predictions', or of those already known."""
        names = self.rows("SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('ledger', 'predictions')")
        wanted = known or {f"{schema}.{name}": ([], []) for schema, name in names if name != "migrations"}
        found = {}
        for table, (columns, _) in wanted.items():
            kept = columns or [name for name, _ in self.columns(table)]
            row = f"ROW({', '.join(kept)})::text"
            found[table] = (kept, self.rows(f"SELECT {row} FROM {table} ORDER BY {row}"))
        return found

    def columns(self, relation: str) -> list[tuple[str, str]]:
        """Return names and types of a relation's columns, in order."""
        return [
            (name, kind)
            for name, kind in self.rows(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                f"WHERE attrelid = '{relation}'::regclass AND attnum > 0 ORDER BY attnum"
            )
        ]

    def answers(self, columns: dict[str, list[str]]) -> dict[str, Rows]:
        """Return what the views show, and showed at several instants, of these columns."""
        asked = {f"predictions.{name}": columns[name] for name in columns}
        for name in SHOWN_AS_OF:
            asked |= {f"predictions.{name}_as_of('{instant}')": columns[name] for instant in INSTANTS}
        return {
            relation: self.rows(f"SELECT {', '.join(names)} FROM {relation} ORDER BY {', '.join(names)}")
            for relation, names in asked.items()
        }


@pytest.fixture
def before(new_database: NewDatabase, project: Path, tmp_path: Path) -> Iterator[Before]:
    found = Before(new_database(), project, tmp_path)
    # The dump changes settings of its connection, so it gets one of its own.
    url = found.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg2.connect(url)
    connection.cursor().execute(DUMP.read_text())
    connection.commit()
    connection.close()
    warehouse = Warehouse(url)
    with staged(warehouse, PROJECT / "sql"):
        hand_over(warehouse, PROJECT / "sql")
    warehouse.close()
    yield found
    found.close()


def names(before: Before) -> dict[str, list[str]]:
    return {name: [column for column, _ in before.columns(f"predictions.{name}")] for name in SHOWN}


def test_nothing_of_what_was_there_is_lost(before: Before) -> None:
    tables, columns = before.tables(), names(before)
    answers = before.answers(columns)
    assert all(answers[f"predictions.{name}"] for name in SHOWN), "there has to be something to lose"
    as_of = [answers[f"predictions.demand_forecast_as_of('{instant}')"] for instant in INSTANTS]
    assert len({str(rows) for rows in as_of}) == len(INSTANTS), "the instants tell the publications apart"
    # By the columns that there were: newer migrations add some.
    there = ", ".join(name for name, _ in before.columns("ledger.run_segments"))
    of_segments = f"SELECT {there} FROM ledger.run_segments ORDER BY 1, 2"
    segments = before.rows(of_segments)
    before.see_to_everything()
    kept = before.tables(tables)
    # A run with one model for all of its rows has a segment since; what was there stays as it was.
    del kept["ledger.run_segments"], tables["ledger.run_segments"]
    assert kept == tables
    now = before.rows(of_segments)
    assert [row for row in now if row in segments] == segments
    of_one_model = before.rows(
        "SELECT run_id, 1, NULL::text, model_name, model_version, model_digest, trained_through, rows_extracted, "
        "rows_quarantined, rows_failed, rows_scored FROM ledger.runs WHERE model_name IS NOT NULL ORDER BY run_id"
    )
    assert [row for row in now if row not in segments] == of_one_model != []
    assert before.answers(columns) == answers


@pytest.mark.parametrize("name", SHOWN)
def test_a_view_keeps_its_columns_their_types_and_their_order(before: Before, name: str) -> None:
    relations = [f"predictions.{name}", f"predictions.{name}_runs"]
    columns = {relation: before.columns(relation) for relation in relations}
    before.see_to_everything()
    for relation in relations:
        assert before.columns(relation)[: len(columns[relation])] == columns[relation]
    if name in SHOWN_AS_OF:
        assert before.columns(relations[0]) == columns[relations[0]]


def test_queries_views_and_grants_on_top_of_ours_go_on_working(before: Before) -> None:
    on_top = [f"public.on_{name}" for name in SHOWN_AS_OF]
    for view, name in zip(on_top, SHOWN_AS_OF, strict=True):
        before.execute(
            f"CREATE VIEW {view} AS SELECT * FROM predictions.{name}",
            f"CREATE VIEW {view}_then AS SELECT * FROM predictions.{name}_as_of('2026-11-17 06:02:45+00')",
            f"GRANT SELECT ON predictions.{name} TO pg_monitor",
        )
    answers = {view: before.rows(f"SELECT * FROM {view}") for view in (*on_top, *(f"{view}_then" for view in on_top))}
    before.see_to_everything()
    assert {view: before.rows(f"SELECT * FROM {view}") for view in answers} == answers
    for name in SHOWN_AS_OF:
        assert before.rows(f"SELECT has_table_privilege('pg_monitor', 'predictions.{name}', 'SELECT')") == [(True,)]


def test_seeing_to_the_tables_again_finds_nothing_to_do(before: Before) -> None:
    done = before.see_to_everything()
    assert set(done) == {*SHOWN, "parcel_carriers"}
    # The retailer's tables are as they were: a table is neither made nor altered.
    for name in ("demand_forecast", "customer_segments", "customer_recommendations"):
        assert [said for said in done[name] if not said.startswith(("make view", "make function", "say what"))] == []
    assert {name: said for name, said in before.see_to_everything().items() if said} == {}


def test_what_was_applied_moves_out_of_schema_public_and_nothing_is_applied_twice(before: Before) -> None:
    known = "SELECT * FROM {} WHERE name LIKE 'ledger/%' AND name < 'ledger/012' ORDER BY name"
    applied = before.rows(known.format("public.daybreak_migrations"))
    with ThreadPoolExecutor(4) as pool:
        opened = [before.open("fixture_pipelines") for _ in range(4)]
        done = list(pool.map(lambda one: migrate(one.warehouse, one.settings.sql), opened))
    new = [f"ledger/{path.name}" for path in sorted((PROJECT / "sql" / "ledger").glob("*.sql")) if path.name >= "012"]
    assert [names for names in done if names] == [new]
    assert before.rows(known.format("ledger.migrations")) == applied
    assert before.rows("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []
    assert before.rows("SELECT proname FROM pg_proc WHERE proname = 'see_to_shadow_table'") == []


def test_a_migration_that_changed_since_is_refused_and_leaves_the_database_as_it_was(before: Before) -> None:
    path = before.settings.sql / "ledger" / "001_ledger.sql"
    path.write_text(path.read_text() + "-- One comment more.\n")
    with pytest.raises(DaybreakError, match="has changed since it was applied"):
        migrate(before.open("fixture_pipelines").warehouse, before.settings.sql)
    assert before.rows("SELECT to_regclass('ledger.migrations'), to_regclass('public.daybreak_migrations')::text") == [
        (None, "daybreak_migrations")
    ]


def test_runs_are_counted_on_from_where_they_were(before: Before) -> None:
    last = before.rows("SELECT max(run_id), count(*) FROM ledger.runs")[0]
    opened = before.open("retail", PROJECT).ledger.open("demand_forecast", "2026-11-17", trigger="manual", origin=None)
    assert (opened["run_id"] > last[0], opened["attempt"]) == (True, 3)
