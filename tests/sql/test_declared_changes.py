"""A declaration that changes is followed, and takes nothing away."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from daybreak.declaration.pipeline import Top
from daybreak.declaration.prediction import Prediction
from daybreak.errors import ConfigurationError, WarehouseUnavailable
from daybreak.run.tables import foresee_tables, see_to_tables
from daybreak.workspace import Workspace
from declared import AS_OF, RUNS, VIEW, Declared
from fixture_pipelines import PARCEL_HOURS


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


def test_two_that_see_to_the_same_tables_at_once_do_not_meet(declared: Declared) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: declared.see_to(shadow="challenger"), range(4)))
    assert len([changes for changes in done if changes]) == 1


def test_a_lock_that_is_not_had_in_time_is_tried_again_later(filled: Declared) -> None:
    impatient = Workspace(filled.workspace.settings.model_copy(update={"lock_timeout_seconds": 0.2}))
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
