"""What is refused before anything is read: days, keys, models and SQL files that must not be run."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daybreak.declaration.segments import ModelRef
from daybreak.declaration.source_tables import EventTable
from daybreak.errors import (
    ConfigurationError,
    DaybreakError,
    ModelRefused,
    PartitionRefused,
    SourceRefused,
    storable,
)
from daybreak.models.version import ModelVersion, library_versions
from fixture_pipelines.parcel_hours.training import build, sample
from parcels import DAY, TRAINED_THROUGH, Parcels, refused


def today() -> date:
    return datetime.now(ZoneInfo("America/New_York")).date()


@pytest.mark.parametrize("ahead", [0, 1, 400])
def test_a_day_that_is_not_over_is_refused(parcels: Parcels, ahead: int) -> None:
    day, yesterday = today() + timedelta(days=ahead), today() - timedelta(days=1)
    place = f"parcel_hours {day}"
    with refused(parcels, PartitionRefused, "The day is not over in America/New_York", f"{yesterday}", place=place):
        parcels.plan(day)


MALFORMED = ["", "yesterday", "20240309", "2024-3-9", "2024-02-30", "2024-03-09T00:00", "2024-03-09\n", "٢٠٢٤-٠٣-٠٩"]
# What neither the ledger nor a terminal can hold.
MALFORMED += ["2024\0", "\udcff"]


@pytest.mark.parametrize("key", MALFORMED)
def test_a_malformed_key_is_refused(parcels: Parcels, key: str) -> None:
    place = "parcel_hours" if not key else f"parcel_hours {storable(key)}".replace("\n", " ")
    with refused(parcels, PartitionRefused, "is not a partition key", "as YYYY-MM-DD", place=place):
        parcels.plan(key)


def test_a_day_without_enough_history_is_refused(parcels: Parcels) -> None:
    problem = "The source begins on 2024-03-05 and 2 days of history are needed"
    with refused(parcels, PartitionRefused, problem, "2024-03-06 or a later day", place="parcel_hours 2024-03-05"):
        parcels.plan("2024-03-05")
    with refused(parcels, PartitionRefused, problem, "2024-03-06 or a later day", place="parcel_hours 2023-11-05"):
        parcels.plan("2023-11-05")


def test_a_day_that_has_not_landed_is_refused(parcels: Parcels) -> None:
    problem = "The source holds nothing of this day or a later one; its last day is 2024-03-12"
    with refused(parcels, PartitionRefused, problem, "wait until the day has landed", place="parcel_hours 2024-03-13"):
        parcels.plan("2024-03-13")


def test_a_source_without_rows_is_refused(parcels: Parcels) -> None:
    parcels.execute("TRUNCATE parcels.handed_in")
    with refused(parcels, PartitionRefused, "The source holds no data", "load it"):
        parcels.plan()


@pytest.mark.parametrize(
    ("reads", "error", "problem"),
    [
        (EventTable(table="parcels.handed", at="handed_in_at"), SourceRefused, 'relation "parcels.handed" does not'),
        (EventTable(table="parcels.handed_in", at="handed_at"), SourceRefused, 'column "handed_at" does not exist'),
        (EventTable(table="parcels.handed_in", day="zone"), ConfigurationError, "zone of parcels.handed_in is a text"),
    ],
    ids=str,
)
def test_a_declaration_of_what_is_not_there_is_refused_though_the_query_reads_well(
    reads: EventTable, error: type[DaybreakError], problem: str, parcels: Parcels
) -> None:
    parcels.workspace.sql(parcels.pipeline, "coverage").unlink()
    declared = parcels.declared(reads=EventTable(table="parcels.handed_in", at="handed_in_at"))
    declared.plan()
    with refused(parcels.declared(reads=reads), error, problem, ""):
        parcels.declared(reads=reads).plan()


def test_a_missing_alias_is_refused(parcels: Parcels) -> None:
    parcels.execute("DELETE FROM registered_model_aliases")
    with refused(parcels, ModelRefused, "Model parcel_hours has no alias 'champion'", "daybreak train parcel_hours"):
        parcels.plan()


def test_a_missing_model_and_version_are_refused(parcels: Parcels) -> None:
    with refused(parcels, ModelRefused, "Model nobody has no alias 'champion'", "daybreak train"):
        parcels.declared(model=ModelRef("nobody")).plan()
    with refused(parcels, ModelRefused, "Model parcel_hours has no version 7", "daybreak models"):
        parcels.plan(model_version=7)


def test_a_version_that_says_nothing_of_itself_is_refused(parcels: Parcels) -> None:
    parcels.execute("DELETE FROM model_version_tags WHERE key = 'digest'")
    advice = (
        "trust it by `daybreak adopt parcel_hours --version 1 --trained-through DAY`, or register one through `daybreak"
    )
    with refused(parcels, ModelRefused, "was not registered by Daybreak", advice):
        parcels.plan()


def flip_a_bit(model: Path) -> None:
    content = bytearray((model / "model.skops").read_bytes())
    content[len(content) // 2] ^= 1
    (model / "model.skops").write_bytes(content)


@pytest.mark.parametrize(
    "change",
    [
        flip_a_bit,
        lambda model: (model / "more").write_text("one file more"),
        lambda model: (model / "MLmodel").unlink(),
        lambda model: [path.unlink() for path in model.iterdir()] and model.rmdir(),
    ],
    ids=["one bit", "a file more", "a file less", "gone"],
)
def test_a_changed_artifact_is_refused(parcels: Parcels, change: Callable[[Path], object]) -> None:
    version = register(parcels)
    change(Path(version.uri.removeprefix("file://")))
    problem = "The artifact of parcel_hours version 2 "
    with refused(parcels, ModelRefused, problem, "choose another version with `--model-version`"):
        parcels.plan()
    assert parcels.run(model_version=1).publication.published


def test_an_artifact_changed_after_the_plan_is_refused(parcels: Parcels) -> None:
    version = register(parcels)
    earlier = parcels.shown()
    plan = parcels.plan()
    flip_a_bit(Path(version.uri.removeprefix("file://")))
    with pytest.raises(ModelRefused, match="was changed since it was registered"):
        parcels.runner.run(plan)
    assert parcels.last_run()["state"] == "failed"
    assert parcels.shown() == earlier


@pytest.mark.parametrize(("place", "accepted"), [(0, False), (1, False), (2, True)], ids=["major", "minor", "patch"])
def test_a_model_of_another_scikit_learn_is_refused_where_it_is_to_be_the_same(
    parcels: Parcels, place: int, *, accepted: bool
) -> None:
    # Unless that is declared, it gets an environment of its own: test_own_environments.py.
    parcels = parcels.declared(model=ModelRef("parcel_hours", environment="same"))
    parts = library_versions()["scikit-learn"].split(".")
    parts[place] = str(int(parts[place]) + 1)
    other = ".".join(parts)
    parcels.execute(
        f"UPDATE model_version_tags SET value = '{other}' WHERE key = 'library.scikit-learn'",
        f"""UPDATE ledger.trusted_versions SET libraries = libraries || '{{"scikit-learn": "{other}"}}'""",
    )
    if accepted:
        parcels.plan()
    else:
        with refused(parcels, ModelRefused, f"was trained with scikit-learn {other}, here is", "train it again"):
            parcels.plan()


def test_a_model_that_has_seen_later_days_is_refused_unless_the_run_accepts_it(parcels: Parcels) -> None:
    day = TRAINED_THROUGH - timedelta(days=1)
    problem = f"parcel_hours version 1 has seen days through {TRAINED_THROUGH}, after it"
    older = f"train one (`daybreak train parcel_hours --through {day}`), or accept it with `--allow-leakage`"
    with refused(parcels, ModelRefused, problem, older, place=f"parcel_hours {day}"):
        parcels.plan(day)
    parcels.run(day, allow_leakage=True)
    marked = parcels.rows("SELECT DISTINCT partition_date, leakage_allowed FROM predictions.parcel_hours ORDER BY 1")
    assert marked == [(day, True), (DAY, False)]
    parcels.run(TRAINED_THROUGH, allow_leakage=True)
    assert not parcels.last_run()["leakage_allowed"], "nothing leaks into the last day that the model has seen"


def register(parcels: Parcels) -> ModelVersion:
    from sklearn.tree import DecisionTreeRegressor

    rows = sample()
    return parcels.register(build(DecisionTreeRegressor()).fit(rows, rows["distance_km"]), rows)


SYNTAX = "syntax error at or near"
BAD_FILES = {
    "a word misspelt": ("extract", "ORDER BY", "ORDR BY", f"extract.sql:6: {SYNTAX} "),
    "a comma too many": ("extract", "ORDER BY depot,", "ORDER BY depot,,", f"extract.sql:6: {SYNTAX}"),
    "a quote left open": ("coverage", "AS first_day", 'AS "first_day', "coverage.sql:3: unterminated quoted"),
    "an included file": ("features", "AND handed_in_at", "AND AND handed_in_at", f"features.sql:11: {SYNTAX}"),
    "after an include": ("extract", ") AS features", ") features features", f"extract.sql:5: {SYNTAX}"),
    "after a modulo": ("features", "WHERE", "WHERE parcel_id % 2 = 0 AND AND", f"features.sql:11: {SYNTAX}"),
    "a semicolon within": ("features", "AND handed_in_at", "; SELECT handed_in_at", "features.sql:11: a query has no"),
    "an unknown bind": ("coverage", ":timezone)::date AS l", ":zone)::date AS l", "coverage.sql:4: unknown bind"),
    "an unknown bind, included": ("features", "< :window_end", "< :until", "features.sql:11: unknown bind"),
}


BAD_COVERAGES = {
    "instants of no zone": (
        "SELECT now()::timestamp, now()::timestamp",
        ConfigurationError,
        "gives datetime, datetime, not two days",
        "as a date",
    ),
    "one instant": ("SELECT now()", ConfigurationError, "gives datetime, not two days", "as a date"),
    "texts": ("SELECT '2024-03-05', '2024-03-12'", ConfigurationError, "gives str, str, not two days", "as a date"),
    "two rows": (
        "SELECT current_date, current_date FROM (VALUES (1), (2)) AS two (n)",
        ConfigurationError,
        "gives date, date in 2 rows",
        "give one row",
    ),
    "no Python's day": ("SELECT date '0044-03-15 BC', current_date", SourceRefused, "year", "mend the source"),
    "the last day": ("SELECT date '9999-12-31', date 'infinity'", PartitionRefused, "begins on 9999-12-31", "choose"),
}


@pytest.mark.parametrize(("text", "kind", "problem", "next_step"), BAD_COVERAGES.values(), ids=BAD_COVERAGES)
def test_a_coverage_that_is_not_two_days_is_refused(
    parcels: Parcels, text: str, kind: type[DaybreakError], problem: str, next_step: str
) -> None:
    parcels.workspace.sql(parcels.pipeline, "coverage").write_text(text)
    with refused(parcels, kind, problem, next_step):
        parcels.plan()


NEXT_STEPS = {"syntax": "mend the SQL file", "quoted": "mend the SQL file", "has no": "remove it", "bind": "use one of"}


@pytest.mark.parametrize(("file", "old", "new", "problem"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_malformed_sql_file_is_refused_with_file_and_line(
    parcels: Parcels, file: str, old: str, new: str, problem: str
) -> None:
    parcels.rewrite(file, old, new)
    next_step = next(step for word, step in NEXT_STEPS.items() if word in problem)
    with refused(parcels, ConfigurationError, f"parcel_hours/{problem}", next_step):
        parcels.plan()


@pytest.mark.parametrize(
    ("new", "problem"),
    [(r"\ir nowhere.sql", "nowhere.sql cannot be read"), (r"\ir extract.sql", "extract.sql includes itself")],
)
def test_a_bad_include_is_refused(parcels: Parcels, new: str, problem: str) -> None:
    parcels.rewrite("extract", r"\ir features.sql", new)
    with refused(parcels, ConfigurationError, problem, "the"):
        parcels.plan()


BAD_VIEWS = {
    "not SQL": ("-- One row.\nSELECT depot,\n, parcel_id\nFROM published", f"views.sql:3: {SYNTAX}", "mend the SQL"),
    "no column": ("SELECT\n  depo\nFROM published", 'views.sql:2: column "depo" does not exist', "mend the SQL"),
    "DDL of before": ("-- One row.\nCREATE VIEW x AS SELECT 1;\n", "views.sql:2: views.sql is one query", "delete"),
    "two statements": ("SELECT *\nFROM published;\nSELECT 2", "views.sql:2: views.sql is one query, without", "delete"),
    "another relation": ("SELECT * -- published\nFROM parcels.handed_in", "does not read `published`", "delete"),
    "a bind": ("SELECT depot\nFROM published WHERE partition_date = :day", "views.sql:2: a view has no value", "value"),
    "a column twice": ("SELECT depot, zone AS depot FROM published", 'column "zone" does not exist', "mend the SQL"),
    "a name twice": ("SELECT depot, parcel_id AS depot FROM published", "two columns are called depot", "AS"),
    "no name": ("SELECT depot, parcel_id + 1 FROM published", "a column has no name", "AS"),
}


@pytest.mark.parametrize(("text", "problem", "next_step"), BAD_VIEWS.values(), ids=BAD_VIEWS)
def test_a_views_file_that_is_no_query_over_what_is_published_is_refused(
    parcels: Parcels, text: str, problem: str, next_step: str
) -> None:
    parcels.workspace.sql(parcels.pipeline, "views").write_text(text)
    with refused(parcels, ConfigurationError, problem, next_step):
        parcels.plan()
