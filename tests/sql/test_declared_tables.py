"""Tables and views are what the declaration says."""

from dataclasses import replace
from typing import Any

import pytest

from daybreak.declaration.pipeline import ModelRef, PerSegment, Top
from daybreak.declaration.prediction import Prediction
from daybreak.errors import ConfigurationError, DaybreakError, SourceRefused
from daybreak.run.tables import foresee_tables, upstreams_first
from declared import AS_OF, RUNS, VIEW, Declared
from fixture_pipelines import PARCEL_CLASSES, PARCEL_HOURS


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
    assert said["predicted_hours"] == f"{PARCEL_HOURS.description} From 0 to 1000."
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
    with pytest.raises(
        SourceRefused, match=r"cannot be read: .*features\.sql:\d+: relation \"parcels.handed_in\" does not"
    ):
        filled.see_to(anyway=True)


def test_a_query_is_described_and_not_run(declared: Declared) -> None:
    declared.extract("SELECT depot, parcel_id, pg_sleep(600)::text AS zone FROM parcels.handed_in")
    declared.see_to(carries=("zone",))
    declared.extract("SELECT 'north' AS depot, parcel_id / (parcel_id - parcel_id) AS parcel_id FROM parcels.handed_in")
    declared.see_to()


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
        ({"entity_key": ("depot", "x" * 64)}, "The name 'x+' is longer than 63 bytes"),
        ({"carries": ("ä" * 32,)}, "The name 'ä+' is longer than 63 bytes"),
        ({"prediction": Prediction("ä" * 32, low=0, high=1)}, "The name 'ä+' is longer than 63 bytes"),
        ({"name": "p" * 58}, "The name 'p+_shadow' is longer than 63 bytes"),
        ({"prediction": Prediction("run_id", low=0, high=1)}, "two columns 'run_id'"),
        ({"prediction": Prediction("depot", low=0, high=1)}, "two columns 'depot'"),
        ({"carries": ("published_at",)}, "two columns 'published_at'"),
        ({"carries": ("rank",), "top": Top(1, within=("depot",))}, "two columns 'rank'"),
        ({"carries": ("nowhere",)}, "extract.sql gives no column nowhere"),
    ],
)
def test_names_that_cannot_be_are_refused(declared: Declared, changes: dict[str, Any], problem: str) -> None:
    query = "SELECT *, 'a'::text AS published_at, 1 AS rank FROM parcels.handed_in"
    declared.extract(query)
    path = declared.workspace.sql(replace(PARCEL_HOURS, **changes), "extract")
    path.parent.mkdir(exist_ok=True)
    path.write_text(query)
    with pytest.raises(DaybreakError, match=problem):
        declared.see_to(**changes)


REFUSED_TYPES = {
    "numeric(9,3)": "extra::bigint",
    "money": "extra::numeric::text",
    "interval": "extract(epoch FROM extra)::double precision",
    "json": "extra::text",
    "integer[]": "extra::text",
    "uuid": "extra::text",
    "inet": "extra::text",
    "time with time zone": "extra::text",
    "parcels.size": "extra::text",
}


@pytest.mark.parametrize(("kind", "cast"), REFUSED_TYPES.items(), ids=REFUSED_TYPES)
def test_a_type_that_the_copy_does_not_bring_is_refused_with_the_cast_to_write(
    declared: Declared, kind: str, cast: str
) -> None:
    declared.execute("CREATE TYPE parcels.size AS ENUM ('s', 'l')")
    declared.extract(f"SELECT depot, parcel_id, NULL::{kind} AS extra FROM parcels.handed_in")
    with pytest.raises(SourceRefused) as refused:
        declared.see_to(carries=("extra",))
    assert f"{cast} AS extra" in refused.value.next_step
    inner = f"(SELECT depot, parcel_id, NULL::{kind} AS extra FROM parcels.handed_in) AS source"
    declared.extract(f"SELECT depot, parcel_id, {cast} AS extra FROM {inner}")
    assert declared.see_to(carries=("extra",))


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


def test_the_statements_that_are_shown_make_the_same_tables(declared: Declared) -> None:
    foreseen = foresee_tables(declared.workspace, PARCEL_HOURS)
    declared.execute(";\n".join(change.statement for change in foreseen))
    assert declared.see_to() == []
    assert list(declared.columns(VIEW))[:3] == ["partition_date", "depot", "parcel_id"]


def test_the_tables_of_an_upstream_are_seen_to_before_those_that_read_them() -> None:
    downstream = replace(PARCEL_HOURS, upstream="parcel_classes")
    declared = {pipeline.name: pipeline for pipeline in (downstream, PARCEL_CLASSES)}
    assert [pipeline.name for pipeline in upstreams_first(declared)] == ["parcel_classes", "parcel_hours"]
    circle = {**declared, "parcel_classes": replace(PARCEL_CLASSES, upstream="parcel_hours")}
    assert {pipeline.name for pipeline in upstreams_first(circle)} == set(circle)
