"""Tables and views are what the declaration says, and a declaration that changes takes nothing away."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from daybreak.declaration.pipeline import ModelRef, PerSegment, Pipeline, Prediction, Top
from daybreak.errors import ConfigurationError, DaybreakError, SourceRefused, WarehouseUnavailable
from daybreak.run.tables import foresee_tables, see_to_tables, upstreams_first
from daybreak.settings import Settings
from daybreak.warehouse.sql_file import load_sql
from daybreak.workspace import Workspace
from fixture_pipelines import PARCEL_CLASSES, PARCEL_HOURS
from parcels import MADE, NewDatabase, make_settings

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
            "INSERT INTO ledger.publications (pipeline, partition_date, run_id, reason, published_at) "
            f"VALUES ('{pipeline}', '2024-03-0{run_id}', {run_id}, 'run', '2024-03-1{run_id}')",
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


@pytest.fixture
def settings(new_database: NewDatabase, project: Path, tmp_path: Path) -> Settings:
    return make_settings(tmp_path, project, new_database())


@pytest.fixture
def declared(settings: Settings) -> Iterator[Declared]:
    workspace = Workspace(settings)
    assert workspace.ledger
    yield Declared(workspace)
    workspace.close()


@pytest.fixture
def filled(declared: Declared) -> Declared:
    """Make the tables and publish two rows."""
    declared.see_to()
    declared.publish(1, "(1, 'north', 8001, 2.5), (1, 'south', 8002, 3.5)")
    return declared


def test_columns_are_in_their_places_with_the_types_of_the_query(declared: Declared) -> None:
    declared.see_to(shadow="challenger")
    assert declared.columns(RUNS) == {
        "run_id": "bigint",
        "depot": "text",
        "parcel_id": "integer",
        "predicted_hours": "double precision",
    }
    assert declared.columns(VIEW) == {
        "partition_date": "date",
        "depot": "text",
        "parcel_id": "integer",
        "predicted_hours": "double precision",
        "model_version": "integer",
        "leakage_allowed": "boolean",
        "published_at": "timestamp with time zone",
        "run_id": "bigint",
    }
    assert list(declared.columns("predictions.parcel_hours_shadow")) == list(declared.columns(RUNS))


def test_what_shows_the_best_of_segments_says_by_which_model_and_from_which_run(declared: Declared) -> None:
    declared.see_to(
        prediction=Prediction("likelihood", low=0, high=1),
        model=PerSegment("zone", {"city": ModelRef("city")}, fallback=ModelRef("any")),
        carries=("zone",),
        top=Top(2, within=("depot",)),
        upstream="parcel_classes",
    )
    shown = ["partition_date", "depot", "rank", "parcel_id", "likelihood", "zone", "model_name", "model_version"]
    shown += ["leakage_allowed", "published_at", "run_id", "upstream_run_id"]
    assert list(declared.columns(VIEW)) == shown
    assert [
        row[0]
        for row in declared.rows(
            f"SELECT attname FROM pg_attribute WHERE attrelid = '{RUNS}'::regclass AND attnum > 0 ORDER BY attnum"
        )
    ] == [*("run_id", "depot", "parcel_id", "zone", "rank", "likelihood")]
    declared.publish(
        1, "(1, 'north', 1, 'city', 1, 0.5), (1, 'north', 2, 'country', 2, 0.4), (1, 'west', 3, NULL, 1, 1)"
    )
    declared.execute(
        "INSERT INTO ledger.run_segments (run_id, position, segment, model_name, model_version, model_digest, "
        "trained_through) "
        "VALUES (1, 1, 'city', 'city', 3, 'd', '2024-01-01'), (1, 2, NULL, 'any', 4, 'd', '2024-01-01')"
    )
    shown_by = [(1, "city", 3), (2, "any", 4), (3, "any", 4)]
    assert declared.rows(f"SELECT parcel_id, model_name, model_version FROM {VIEW} ORDER BY 1") == shown_by
    assert (
        declared.rows(f"SELECT parcel_id, model_name, model_version FROM {AS_OF}('2025-01-01') ORDER BY 1") == shown_by
    )
    assert declared.rows(f"SELECT * FROM {AS_OF}('2024-01-01')") == []


def test_what_columns_mean_is_declared_or_taken_from_the_source_or_said_in_general(declared: Declared) -> None:
    declared.execute("COMMENT ON COLUMN parcels.handed_in.depot IS 'Where it''s \\ handed in, 100 %.'")
    declared.see_to(carries=("remark",), columns={"parcel_id": "The parcel.", "published_at": "Since when."})
    said = dict(
        declared.rows(
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute "
            f"WHERE attrelid = '{VIEW}'::regclass AND attnum > 0"
        )
    )
    assert said["depot"] == "Where it's \\ handed in, 100 %."
    assert (said["parcel_id"], said["published_at"]) == ("The parcel.", "Since when.")
    assert said["remark"] == "Carried along, as extract.sql gives it."
    assert said["predicted_hours"] == "What the model predicts, from 0 to 1000."
    assert all(said.values())


def test_what_a_column_means_is_refused_where_there_is_no_such_column(declared: Declared) -> None:
    with pytest.raises(ConfigurationError, match=r"what column parcle_id means, .* Next: choose from depot, "):
        declared.see_to(columns={"parcle_id": "The parcel."})
    assert declared.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'predictions'") == []


def test_where_nothing_changed_nothing_is_done_and_the_query_is_not_even_described(filled: Declared) -> None:
    assert filled.see_to() == []
    assert filled.see_to(anyway=True) == []
    # Without its source the query could not be described.
    filled.execute("ALTER TABLE parcels.handed_in RENAME TO away")
    assert filled.see_to() == []
    with pytest.raises(SourceRefused, match=r"The source cannot be read: relation \"parcels.handed_in\" does not"):
        filled.see_to(anyway=True)


def test_a_query_is_described_and_not_run(declared: Declared) -> None:
    declared.extract("SELECT depot, parcel_id, pg_sleep(600)::text AS zone FROM parcels.handed_in")
    declared.see_to(carries=("zone",))
    declared.extract("SELECT 'north' AS depot, parcel_id / (parcel_id - parcel_id) AS parcel_id FROM parcels.handed_in")
    declared.see_to()


def test_a_view_or_table_that_somebody_dropped_is_made_again(filled: Declared) -> None:
    filled.execute(f"DROP VIEW {VIEW}")
    assert "make view predictions.parcel_hours" in filled.see_to()
    assert len(filled.rows(f"SELECT * FROM {VIEW}")) == 2


def test_hostile_names_are_quoted_everywhere(declared: Declared) -> None:
    key, carried, predicted = 'ord"er', "Größe in % :x", "Select"
    declared.extract('SELECT depot AS "ord""er", zone AS "Größe in % :x", parcel_id AS instant FROM parcels.handed_in')
    hostile = {
        "entity_key": (key, "instant"),
        "carries": (carried,),
        "prediction": Prediction(predicted, low=0, high=1),
        "top": Top(1, within=(key,)),
        "columns": {carried: "It's $shown$ here; -- $$"},
        "shadow": "challenger",
    }
    declared.see_to(**hostile)
    declared.publish(1, "(1, 'north', 3, 'city', 1, 0.5)")
    assert list(declared.columns(VIEW))[1:6] == [key, "rank", "instant", predicted, carried]
    assert declared.rows(f"SELECT instant, \"Select\" FROM {AS_OF}('2025-01-01')") == [(3, 0.5)]
    assert declared.see_to(anyway=True, **hostile) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"entity_key": ("depot", "x" * 64)}, "longer than 63 bytes"),
        ({"prediction": Prediction("ä" * 32, low=0, high=1)}, "longer than 63 bytes"),
        ({"name": "p" * 58}, "longer than 63 bytes"),
        ({"prediction": Prediction("run_id", low=0, high=1)}, "two columns 'run_id'"),
        ({"prediction": Prediction("depot", low=0, high=1)}, "two columns 'depot'"),
        ({"carries": ("published_at",)}, "two columns 'published_at'"),
        ({"carries": ("nowhere",)}, "extract.sql gives no column nowhere"),
    ],
)
def test_names_that_cannot_be_are_refused(
    declared: Declared, project: Path, changes: dict[str, Any], problem: str
) -> None:
    long = "x" * 64
    declared.extract(f"SELECT *, 'a'::text AS published_at, 'b'::text AS {long[:-1]} FROM parcels.handed_in")
    if "entity_key" in changes:
        changes = {"entity_key": ("depot", "Ä" * 31 + "ää")}
        declared.extract("SELECT depot, parcel_id FROM parcels.handed_in")
        problem = "extract.sql gives no column"
    if "name" in changes:
        (project / "sql" / ("p" * 58)).mkdir()
        declared.workspace.sql(replace(PARCEL_HOURS, **changes), "extract").write_text(
            "SELECT depot, parcel_id FROM parcels.handed_in"
        )
    with pytest.raises(DaybreakError, match=problem):
        declared.see_to(**changes)


REFUSED_TYPES = {
    "numeric(9,3)": "double precision",
    "money": "numeric::double precision",
    "interval": "text",
    "json": "text",
    "integer[]": "text",
    "uuid": "text",
    "inet": "text",
    "time with time zone": "text",
    "parcels.size": "text",
}


@pytest.mark.parametrize(("kind", "cast"), REFUSED_TYPES.items(), ids=REFUSED_TYPES)
def test_a_type_that_the_copy_does_not_bring_is_refused_with_the_cast_to_write(
    declared: Declared, kind: str, cast: str
) -> None:
    declared.execute("CREATE TYPE parcels.size AS ENUM ('s', 'l')")
    declared.extract(f"SELECT depot, parcel_id, NULL::{kind} AS extra FROM parcels.handed_in")
    with pytest.raises(SourceRefused) as refused:
        declared.see_to(carries=("extra",))
    assert f"cast it in extract.sql, for example extra::{cast} AS extra." in str(refused.value)
    declared.extract(f"SELECT depot, parcel_id, NULL::{kind}::{cast} AS extra FROM parcels.handed_in")
    assert declared.see_to(carries=("extra",))


def test_a_column_that_is_carried_since_is_empty_in_older_runs(filled: Declared) -> None:
    filled.execute(f"CREATE VIEW public.mine AS SELECT * FROM {VIEW}")
    filled.see_to(carries=("zone",))
    filled.publish(2, "(2, 'north', 9001, 4.5, 'city')")
    assert filled.rows(f"SELECT parcel_id, zone FROM {VIEW} ORDER BY 1") == [(8001, None), (8002, None), (9001, "city")]
    assert filled.rows(f"SELECT parcel_id, zone FROM {AS_OF}('2025-01-01') ORDER BY 1")[2] == (9001, "city")
    assert list(filled.columns(VIEW))[-1] == "zone", "what is new comes last, or views on top would have to go"
    assert len(filled.rows("SELECT * FROM public.mine")) == 3


def test_a_column_that_is_carried_no_longer_stays_and_is_shown(filled: Declared) -> None:
    filled.see_to(carries=("zone",))
    filled.publish(2, "(2, 'north', 9001, 4.5, 'city')")
    before = list(filled.columns(VIEW))
    filled.see_to()
    filled.publish(3, "(3, 'north', 9002, 4.5)")
    assert list(filled.columns(VIEW)) == before
    assert filled.rows(f"SELECT parcel_id, zone FROM {VIEW} ORDER BY 1")[2:] == [(9001, "city"), (9002, None)]
    assert "add column zone (text) to predictions.parcel_hours_runs" not in filled.see_to(carries=("zone",))


WIDENED = {
    "smallint": ("integer", "7", 7),
    "integer": ("bigint", "2147483647", 2147483647),
    "real": ("double precision", "'1.1'::real", 1.100000023841858),
    "character varying(3)": ("character varying(9)", "'abc'", "abc"),
    "character varying(4)": ("text", "'abc '", "abc "),
}


@pytest.mark.parametrize(("kind", "wider"), WIDENED.items(), ids=WIDENED)
def test_a_wider_type_is_followed_and_every_value_stays(
    declared: Declared, kind: str, wider: tuple[str, str, Any]
) -> None:
    new, value, kept = wider
    declared.extract(f"SELECT depot, parcel_id, NULL::{kind} AS extra FROM parcels.handed_in")
    declared.see_to(carries=("extra",), shadow="challenger")
    declared.publish(1, f"(1, 'north', 8001, {value}, 2.5)")
    declared.extract(f"SELECT depot, parcel_id, NULL::{new} AS extra FROM parcels.handed_in")
    declared.see_to(carries=("extra",), shadow="challenger")
    assert (declared.columns(RUNS)["extra"], declared.columns(VIEW)["extra"]) == (new, new)
    assert declared.rows(f"SELECT extra FROM {VIEW}") == [(kept,)]
    assert declared.rows(f"SELECT extra FROM {AS_OF}('2025-01-01')") == [(kept,)]
    # A narrower query loses nothing in a wider table, which stays.
    declared.extract(f"SELECT depot, parcel_id, NULL::{kind} AS extra FROM parcels.handed_in")
    declared.see_to(carries=("extra",), shadow="challenger")
    assert declared.columns(RUNS)["extra"] == new


LOST: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "another type": (
        {},
        "parcel_id::text AS parcel_id",
        "parcel_id is integer in them and text in",
        "parcel_id::integer",
    ),
    "a fraction": (
        {},
        "parcel_id::double precision AS parcel_id",
        "parcel_id is integer in them",
        "parcel_id::integer",
    ),
    "a new key": ({"entity_key": ("depot", "zone")}, "parcel_id, zone", "they have no zone", "another pipeline's name"),
    "another prediction": (
        {"prediction": Prediction("hours", low=0, high=9)},
        "parcel_id",
        "they have no hours, which is what is predicted",
        "another pipeline's name",
    ),
    "labels for numbers": (
        {"prediction": Prediction("predicted_hours", low=0, high=1, labels=("a", "b"))},
        "parcel_id",
        "predicted_hours is double precision in them and text in the declaration",
        "another pipeline's name",
    ),
    "a key that is not unique": ({"entity_key": ("depot",)}, "parcel_id", "depot is empty or the same in", "as before"),
}


@pytest.mark.parametrize(("changes", "select", "problem", "next_step"), LOST.values(), ids=LOST)
def test_what_would_lose_something_is_refused_with_the_difference(
    filled: Declared, changes: dict[str, Any], select: str, problem: str, next_step: str
) -> None:
    filled.execute(f"INSERT INTO {RUNS} VALUES (1, 'north', 8003, 2.5)")
    before = (filled.columns(RUNS), filled.columns(VIEW), filled.rows(f"SELECT * FROM {VIEW} ORDER BY parcel_id"))
    filled.extract(f"SELECT depot, {select} FROM parcels.handed_in")
    with pytest.raises(ConfigurationError) as refused:
        filled.see_to(**changes)
    told, _, advice = str(refused.value).partition(" Next: ")
    assert problem in told
    assert next_step in advice
    assert (
        filled.columns(RUNS),
        filled.columns(VIEW),
        filled.rows(f"SELECT * FROM {VIEW} ORDER BY parcel_id"),
    ) == before


@pytest.mark.parametrize("name", [name for name in LOST if name != "a key that is not unique"])
def test_a_table_that_nothing_was_written_to_is_made_anew(declared: Declared, name: str) -> None:
    declared.see_to()
    declared.execute(f"GRANT SELECT ON {RUNS}, {VIEW} TO pg_monitor")
    changes, select, _, _ = LOST[name]
    declared.extract(f"SELECT depot, {select} FROM parcels.handed_in")
    assert any("which is empty" in done for done in declared.see_to(**changes))
    for relation in (RUNS, VIEW):
        assert declared.rows(f"SELECT has_table_privilege('pg_monitor', '{relation}', 'SELECT')") == [(True,)]


def test_another_key_that_the_rows_have_replaces_the_primary_key(filled: Declared) -> None:
    filled.see_to(entity_key=("parcel_id",), carries=("depot",))
    key = f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{RUNS}'::regclass AND contype = 'p'"
    assert filled.rows(key) == [("PRIMARY KEY (run_id, parcel_id)",)]
    filled.execute(f"INSERT INTO {RUNS} VALUES (1, NULL, 8003, 2.5)")
    with pytest.raises(ConfigurationError, match="depot, parcel_id is empty or the same"):
        filled.see_to()
    filled.execute(f"DELETE FROM {RUNS} WHERE depot IS NULL")
    filled.see_to()
    assert filled.rows(key) == [("PRIMARY KEY (run_id, depot, parcel_id)",)]


def test_ranks_that_come_and_go_leave_older_runs_as_they_are(filled: Declared) -> None:
    top = {"top": Top(1, within=("depot",))}
    filled.see_to(**top)
    filled.publish(2, "(2, 'north', 9001, 4.5, 1)")
    assert filled.rows(f"SELECT parcel_id, rank FROM {VIEW} ORDER BY 1") == [(8001, None), (8002, None), (9001, 1)]
    with pytest.raises(sa.exc.IntegrityError):
        filled.execute(f"INSERT INTO {RUNS} VALUES (2, 'north', 9002, 4.5, 1)")
    filled.see_to()
    filled.publish(3, "(3, 'north', 9002, 4.5)")
    assert filled.rows(f"SELECT parcel_id, rank FROM {VIEW} ORDER BY 1")[2:] == [(9001, 1), (9002, None)]


OWN = (
    "-- One row per partition and parcel.\nSELECT partition_date, partition_date + 1 AS arrives, depot, parcel_id,\n"
    "    round(predicted_hours::numeric, 1) AS hours, run_id\nFROM published\nWHERE predicted_hours < 1000"
)


def test_a_query_of_ones_own_is_what_view_and_function_show(filled: Declared) -> None:
    filled.execute(f"DROP VIEW {VIEW}")
    filled.views(OWN)
    filled.see_to(columns={"arrives": "The day after."})
    own = ["partition_date", "arrives", "depot", "parcel_id", "hours", "run_id"]
    assert list(filled.columns(VIEW)) == own
    shown = filled.rows(f"SELECT * FROM {VIEW} ORDER BY parcel_id")
    assert str(shown[0][4]) == "2.5"
    assert filled.rows(f"SELECT * FROM {AS_OF}('2025-01-01') ORDER BY parcel_id") == shown
    said = f"SELECT attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = '{VIEW}'::regclass"
    assert dict(filled.rows(said + " AND attnum > 0"))["arrives"] == "The day after."
    assert dict(filled.rows(said + " AND attnum > 0"))["hours"] == "As sql/parcel_hours/views.sql reckons it."
    assert filled.see_to(anyway=True, columns={"arrives": "The day after."}) == []


@pytest.mark.parametrize("own", [None, OWN, f"WITH mine AS (\n{OWN}\n)\nSELECT * FROM mine ORDER BY depot"])
@pytest.mark.parametrize("relation", [VIEW, f"{AS_OF}('2025-01-01')"])
def test_a_filter_on_the_partition_reaches_the_publications(declared: Declared, own: str | None, relation: str) -> None:
    if own:
        declared.views(own)
    declared.see_to()
    plan = declared.rows(f"EXPLAIN SELECT * FROM {relation} WHERE partition_date = '2024-03-09' AND depot = 'north'")
    text = "\n".join(row[0] for row in plan)
    assert "CTE" not in text
    assert "partition_date = '2024-03-09'::date" in text
    assert "depot = 'north'::text" in text


def test_what_hangs_on_a_view_that_must_be_made_anew_is_named_and_nothing_is_changed(filled: Declared) -> None:
    filled.execute(
        f"CREATE VIEW public.mine AS SELECT depot FROM {VIEW}",
        f"CREATE VIEW public.afterwards AS SELECT depot FROM {AS_OF}('2024-03-09')",
    )
    filled.views(OWN)
    with pytest.raises(
        ConfigurationError, match=r"parcel_hours_as_of has to be made anew.*: view public.afterwards\. Next: drop"
    ):
        filled.see_to()
    filled.execute("DROP VIEW public.afterwards")
    with pytest.raises(ConfigurationError, match=r"parcel_hours has to be made anew.*: view public.mine\. Next: drop"):
        filled.see_to()
    assert len(filled.rows("SELECT * FROM public.mine")) == 2
    filled.execute(
        "DROP VIEW public.mine",
        "CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        f"CREATE TRIGGER fires INSTEAD OF INSERT ON {VIEW} FOR EACH ROW EXECUTE FUNCTION public.nothing()",
    )
    with pytest.raises(ConfigurationError, match=r"trigger fires on predictions.parcel_hours"):
        filled.see_to()


def test_what_is_made_anew_keeps_owner_grants_and_options(filled: Declared, new_role: Callable[[], str]) -> None:
    owner, reader = new_role(), new_role()
    filled.execute(
        f"GRANT ALL ON SCHEMA predictions TO {owner}",
        f"GRANT SELECT ON {VIEW} TO {reader} WITH GRANT OPTION",
        f"GRANT UPDATE (depot) ON {VIEW} TO {reader}",
        f"REVOKE ALL ON FUNCTION {AS_OF} FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {AS_OF} TO {reader}",
        f"ALTER VIEW {VIEW} SET (security_invoker = true)",
        f"ALTER VIEW {VIEW} OWNER TO {owner}",
        f"ALTER FUNCTION {AS_OF} OWNER TO {owner}",
        # What is made from now on is everybody's; what there is was not.
        "ALTER DEFAULT PRIVILEGES IN SCHEMA predictions GRANT SELECT ON TABLES TO pg_monitor",
    )
    state = (
        "SELECT relacl::text[] @> ARRAY['x'], pg_get_userbyid(relowner), reloptions::text[], "
        "ARRAY(SELECT acl::text FROM unnest(relacl) AS acl ORDER BY 1), "
        "(SELECT attacl::text FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'depot'), "
        "(SELECT pg_get_userbyid(proowner) || proacl::text FROM pg_proc WHERE proname = 'parcel_hours_as_of') "
        f"FROM pg_class WHERE oid = '{VIEW}'::regclass"
    )
    before = filled.rows(state)
    filled.views(OWN)
    assert "take view predictions.parcel_hours away, to be made anew" in filled.see_to()
    assert filled.rows(state) == before


@pytest.fixture
def new_role(declared: Declared) -> Iterator[Callable[[], str]]:
    """Return a function that makes a role; they go when the test ends."""
    made: list[str] = []

    def make() -> str:
        made.append(f"role_{declared.workspace.warehouse.url.database}_{len(made)}")
        declared.execute(f"CREATE ROLE {made[-1]}")
        return made[-1]

    yield make
    for role in made:
        declared.execute(f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")


@pytest.mark.parametrize(
    "there",
    [
        "CREATE TABLE predictions.parcel_hours (a integer)",
        "CREATE VIEW predictions.parcel_hours AS SELECT 1 AS a",
        "CREATE TABLE predictions.parcel_hours_runs (a integer)",
        "CREATE VIEW predictions.parcel_hours_runs AS SELECT 1::bigint AS run_id",
        "CREATE TABLE predictions.parcel_hours_shadow (a integer)",
    ],
)
def test_what_we_did_not_make_is_left_alone(declared: Declared, there: str) -> None:
    declared.execute(there)
    name = there.split()[2]
    with pytest.raises(ConfigurationError, match=rf"{name} is there, and is no"):
        declared.see_to(shadow="challenger")
    assert declared.columns(name) in ({"a": "integer"}, {"run_id": "bigint"})


def test_two_that_see_to_the_same_tables_at_once_do_not_meet(declared: Declared) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: declared.see_to(shadow="challenger"), range(4)))
    assert len([changes for changes in done if changes]) == 1


def test_a_lock_that_is_not_had_in_time_is_tried_again_later(filled: Declared, settings: Settings) -> None:
    impatient = Workspace(settings.model_copy(update={"lock_timeout_seconds": 0.2}))
    with filled.workspace.warehouse.begin() as connection:
        connection.exec_driver_sql(f"LOCK TABLE {RUNS} IN ACCESS SHARE MODE")
        with pytest.raises(WarehouseUnavailable):
            see_to_tables(impatient, replace(PARCEL_HOURS, carries=("zone",)))
    impatient.close()
    assert "zone" not in filled.columns(RUNS)


def test_what_fails_half_way_leaves_everything_as_it_was(filled: Declared) -> None:
    # The last statement but one fails.
    filled.execute(
        "CREATE FUNCTION public.forbid() RETURNS event_trigger LANGUAGE plpgsql AS "
        "$$BEGIN IF tg_tag = 'CREATE FUNCTION' THEN RAISE EXCEPTION 'no functions today'; END IF; END$$",
        "CREATE EVENT TRIGGER forbidden ON ddl_command_end EXECUTE FUNCTION public.forbid()",
    )
    before = filled.columns(RUNS), filled.columns(VIEW)
    with pytest.raises(ConfigurationError, match=r"would not make function .*: no functions today. Next: .*--dry-run"):
        filled.see_to(carries=("zone",))
    assert (filled.columns(RUNS), filled.columns(VIEW)) == before
    filled.execute("DROP EVENT TRIGGER forbidden")
    assert filled.see_to(carries=("zone",))


def test_what_is_foreseen_is_what_is_done_and_changes_nothing(filled: Declared) -> None:
    wider = replace(PARCEL_HOURS, carries=("zone",), shadow="challenger")
    before = filled.columns(RUNS), filled.columns(VIEW)
    foreseen = foresee_tables(filled.workspace, wider)
    assert (filled.columns(RUNS), filled.columns(VIEW)) == before
    assert see_to_tables(filled.workspace, wider) == foreseen
    assert foresee_tables(filled.workspace, wider) == []


def test_the_statements_that_are_shown_make_the_same_tables(declared: Declared, new_database: NewDatabase) -> None:
    foreseen = foresee_tables(declared.workspace, PARCEL_HOURS)
    declared.execute(";\n".join(change.statement for change in foreseen))
    assert declared.see_to()
    assert declared.see_to(anyway=True) == []


def test_the_tables_of_an_upstream_are_seen_to_before_those_that_read_them() -> None:
    downstream = replace(PARCEL_HOURS, upstream="parcel_classes")
    declared = {pipeline.name: pipeline for pipeline in (downstream, PARCEL_CLASSES)}
    assert [pipeline.name for pipeline in upstreams_first(declared)] == ["parcel_classes", "parcel_hours"]
    circle = {**declared, "parcel_classes": replace(PARCEL_CLASSES, upstream="parcel_hours")}
    assert {pipeline.name for pipeline in upstreams_first(circle)} == set(circle)
