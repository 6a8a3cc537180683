"""coverage.sql and training.sql as they follow from a declaration, on real tables; what cannot follow is refused."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.prediction import Prediction
from daybreak.declaration.source_tables import EventTable, StateTable
from daybreak.errors import ConfigurationError, SourceRefused
from daybreak.run.plan import day_binds
from daybreak.sources.postgresql import PostgresSource
from daybreak.sources.queries import Queries
from daybreak.warehouse.database import Warehouse
from fixture_pipelines import PARCEL_HOURS
from parcels import NewDatabase
from retail.sales import SALES

ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati"]
# Half an hour before and after a midnight of UTC.
FIRST, LAST = "2024-03-09 23:30", "2024-03-12 00:30"
DAYS = {
    "UTC": (date(2024, 3, 9), date(2024, 3, 12)),
    "America/New_York": (date(2024, 3, 9), date(2024, 3, 11)),
    "Asia/Kolkata": (date(2024, 3, 10), date(2024, 3, 12)),
    "Pacific/Kiritimati": (date(2024, 3, 10), date(2024, 3, 12)),
}
EVENTS = """
CREATE SCHEMA shop;
CREATE TABLE shop.events AS
SELECT told AS told_at, told AT TIME ZONE 'UTC' AS happened_at, told::date AS day, told::text AS noted
FROM (VALUES (NULL), (timestamp '{first}'), (timestamp '2024-03-11 12:00'), (timestamp '{last}')) AS rows (told);
CREATE TABLE shop.none AS SELECT * FROM shop.events WHERE false;
"""
STATES = """
CREATE SCHEMA shop;
CREATE TABLE shop.visits (
    store text, visitor integer, told_on date, visits integer, bought text, PRIMARY KEY (told_on, store, visitor)
);
INSERT INTO shop.visits VALUES
('a', 1, '2024-03-01', 5, 'yes'), ('a', 2, '2024-03-01', 2, NULL), ('b', 1, '2024-03-01', 7, 'no'),
('a', 1, '2024-03-04', 6, 'no'), ('b', 1, '2024-03-04', 8, 'yes'), ('c', 9, '2024-03-04', 1, 'yes');
"""
VISITS = """-- One row per store and visitor.
SELECT store, visitor, visits -- as they were
FROM shop.visits
WHERE told_on = (SELECT max(told_on) FROM shop.visits WHERE told_on <= :last_day)
ORDER BY store, visitor -- the entity key
"""

Ask = Callable[..., Queries]


@pytest.fixture
def warehouse(new_database: NewDatabase) -> Iterator[Warehouse]:
    """Open a database whose sessions live in a zone of their own, which nothing may depend on."""
    opened = Warehouse(new_database())
    with opened.begin() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {opened.url.database} SET timezone = 'Asia/Tokyo'")
    opened.close()
    yield opened
    opened.close()


@pytest.fixture
def queries(warehouse: Warehouse, tmp_path: Path) -> Ask:
    """Return a function that makes tables and gives the queries of a pipeline which is declared on them."""

    def make(tables: str, extract: str = "-- One row.\nSELECT 1\n", **declared: Any) -> Queries:
        with warehouse.begin() as connection:
            connection.exec_driver_sql(tables.replace("%", "%%"))
        (tmp_path / "extract.sql").write_text(extract)
        return Queries(PostgresSource(warehouse), tmp_path, replace(PARCEL_HOURS, **declared))

    return make


def binds(day: date = date(2024, 3, 9), timezone: str = "UTC") -> dict[str, Any]:
    return day_binds(day, day, timezone)


def covered(queries: Queries, timezone: str) -> tuple[date, date] | None:
    queries.check("coverage", binds(timezone=timezone))
    found = queries.coverage(binds(timezone=timezone))
    return found and (found.first_day(timezone), found.last_day(timezone))


@pytest.mark.parametrize("timezone", ZONES)
@pytest.mark.parametrize("reads", [{"at": "told_at", "timezone": "UTC"}, {"at": "happened_at"}], ids=str)
def test_instants_cover_the_days_of_the_pipelines_zone(reads: dict[str, str], timezone: str, queries: Ask) -> None:
    made = queries(EVENTS.format(first=FIRST, last=LAST), reads=EventTable(table="shop.events", **reads))
    assert covered(made, timezone) == DAYS[timezone]


@pytest.mark.parametrize(("told_in", "last"), [("UTC", 12), ("Asia/Tokyo", 11), ("America/New_York", 12)])
def test_instants_without_a_zone_are_read_in_the_one_that_is_declared(told_in: str, last: int, queries: Ask) -> None:
    reads = EventTable(table="shop.events", at="told_at", timezone=told_in)
    first = 10 if told_in == "America/New_York" else 9
    made = queries(EVENTS.format(first=FIRST, last=LAST), reads=reads)
    assert covered(made, "UTC") == (date(2024, 3, first), date(2024, 3, last))


@pytest.mark.parametrize("timezone", ZONES)
def test_dates_are_the_days_that_they_say(timezone: str, queries: Ask) -> None:
    made = queries(EVENTS.format(first=FIRST, last=LAST), reads=EventTable(table="shop.events", day="day"))
    assert covered(made, timezone) == (date(2024, 3, 9), date(2024, 3, 12))


@pytest.mark.parametrize("timezone", ZONES)
def test_what_was_told_holds_until_today(timezone: str, queries: Ask) -> None:
    made = queries(STATES, reads=StateTable(table="shop.visits", as_of="told_on"))
    before = datetime.now(ZoneInfo(timezone)).date()
    found = covered(made, timezone)
    assert found is not None
    first_day, last_day = found
    assert first_day == date(2024, 3, 1)
    assert before <= last_day <= datetime.now(ZoneInfo(timezone)).date()


@pytest.mark.parametrize(
    "reads",
    [
        EventTable(table="shop.none", at="told_at", timezone="UTC"),
        EventTable(table="shop.none", at="happened_at"),
        EventTable(table="shop.none", day="day"),
        StateTable(table="shop.none", as_of="day"),
    ],
    ids=str,
)
def test_an_empty_table_covers_nothing(reads: EventTable | StateTable, queries: Ask) -> None:
    assert covered(queries(EVENTS.format(first=FIRST, last=LAST), reads=reads), "UTC") is None


@pytest.mark.parametrize("name", ["Day", "the day", 'a "day"', "día", "order", "100% {x} %s", ":day", "a--b;c"])
def test_names_are_quoted(name: str, queries: Ask) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    tables = f"CREATE SCHEMA {quoted}; CREATE TABLE {quoted}.{quoted} AS SELECT date '2024-03-09' AS {quoted}"
    of_events = queries(tables, reads=EventTable(table=f"{name}.{name}", day=name))
    assert covered(of_events, "UTC") == (date(2024, 3, 9), date(2024, 3, 9))
    of_states = replace(PARCEL_HOURS, reads=StateTable(table=f"{name}.{name}", as_of=name))
    made = Queries(of_events.source, Path(of_events.file("coverage").path).parent, of_states)
    found = covered(made, "UTC")
    assert found is not None
    assert found[0] == date(2024, 3, 9)


@pytest.mark.parametrize(
    ("reads", "problem", "next_step"),
    [
        ({"at": "told_at"}, "told_at of shop.events is a timestamp without time zone", "`at`, with the `timezone`"),
        ({"at": "happened_at", "timezone": "UTC"}, "happened_at of shop.events is a timestamp with", "without a `time"),
        ({"at": "day"}, "day of shop.events is a date", "declare it as `day`."),
        ({"day": "told_at"}, "told_at of shop.events is a timestamp without", "`at`, with the `timezone`"),
        ({"day": "happened_at"}, "happened_at of shop.events is a timestamp with time zone", "without a `timezone`"),
        ({"day": "noted"}, "noted of shop.events is a text", "a column of dates as `day`"),
        ({"as_of": "told_at"}, "told_at of shop.events is a timestamp without time zone", "dates as `as_of`"),
    ],
    ids=str,
)
def test_a_column_of_another_type_than_is_declared_is_refused(
    reads: dict[str, str], problem: str, next_step: str, queries: Ask
) -> None:
    kind: Any = StateTable if "as_of" in reads else EventTable
    made = queries(EVENTS.format(first=FIRST, last=LAST), reads=kind(table="shop.events", **reads))
    with pytest.raises(ConfigurationError) as refused:
        covered(made, "UTC")
    told, _, advice = str(refused.value).partition(" Next: ")
    assert problem in told
    assert next_step in advice
    assert "\n" not in str(refused.value)


def test_the_retailers_coverage_reads_two_entries_of_an_index(queries: Ask) -> None:
    made = queries(
        "CREATE SCHEMA retail; CREATE TABLE retail.transactions AS SELECT n AS transaction_id, "
        "timestamp '2017-01-01' + n * interval '1 minute' AS transaction_timestamp FROM generate_series(0, 50000) AS n;"
        "CREATE INDEX ON retail.transactions (transaction_timestamp); ANALYZE retail.transactions",
        reads=SALES,
    )
    assert covered(made, "America/New_York") == (date(2016, 12, 31), date(2017, 2, 4))
    with made.source.warehouse.begin() as connection:
        text = made.file("coverage").text.replace(":timezone", "'America/New_York'")
        plan = "\n".join(connection.execute(sa.text(f"EXPLAIN {text}")).scalars())
    assert plan.count("Index Only Scan") == 2
    assert "Seq Scan" not in plan


COMPOUND: dict[str, Any] = {
    "entity_key": ("store", "visitor"),
    "reads": StateTable(table="shop.visits", as_of="told_on"),
    "target": "bought",
}


def rows(queries: Queries, day: date) -> list[tuple[Any, ...]]:
    queries.check("training", binds(day))
    with queries.stream("training", binds(day)) as (_, reader):
        return [tuple(row.values()) for row in reader.read_all().to_pylist()]


def test_a_training_on_a_compound_key_has_each_row_with_its_own_target(queries: Ask) -> None:
    made = queries(STATES, VISITS, **COMPOUND)
    first = date(2024, 3, 1)
    # Of a's second visitor nobody knows yet; what was told on the fourth is not known on the third.
    expected = [("a", 1, 5, "yes", first), ("b", 1, 7, "no", first)]
    assert rows(made, first) == rows(made, date(2024, 3, 3)) == expected
    fourth = date(2024, 3, 4)
    assert rows(made, fourth) == [("a", 1, 6, "no", fourth), ("b", 1, 8, "yes", fourth), ("c", 9, 1, "yes", fourth)]
    assert rows(made, date(2024, 2, 29)) == []


@pytest.mark.parametrize(
    ("columns", "problem"),
    [("store, visits", "visitor does not exist"), ("store, store, visitor, visits", 'reference "store" is ambiguous')],
)
def test_a_training_whose_extract_does_not_give_the_key_once_is_refused(
    columns: str, problem: str, queries: Ask
) -> None:
    made = queries(STATES, VISITS.replace("store, visitor, visits", columns, 1), **COMPOUND)
    with pytest.raises(SourceRefused, match=problem):
        rows(made, date(2024, 3, 4))


def test_what_a_training_learns_from_is_worked_out_once_for_each_day_also_where_nothing_is_known_of_the_table(
    queries: Ask, warehouse: Warehouse
) -> None:
    """As right after a file was loaded, before the database has looked at what is in it."""
    made = queries(f"{STATES} ALTER TABLE shop.visits SET (autovacuum_enabled = off);", VISITS, **COMPOUND)
    many = (
        "INSERT INTO shop.visits SELECT 'd' || n, n, day, n, 'yes' "
        "FROM generate_series(1, 2000) AS n, (VALUES (date '2024-03-01'), ('2024-03-04')) AS days (day)"
    )
    with warehouse.begin() as connection:
        connection.exec_driver_sql(many)
        explained = sa.text(f"EXPLAIN (ANALYZE, FORMAT JSON) {made.file('training').text}")
        [plan] = connection.execute(explained, binds(date(2024, 3, 9))).scalar_one()
    scans = [node for node in _nodes(plan["Plan"]) if node.get("Relation Name") == "visits"]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) > 4_000
    assert {node["Actual Loops"] for node in scans} <= {1, 2}


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def test_a_training_names_the_extract_where_that_is_wrong(queries: Ask) -> None:
    made = queries(STATES, VISITS.replace("WHERE told_on", "WHER told_on"), **COMPOUND)
    with pytest.raises(ConfigurationError, match=r"extract\.sql:4: syntax error"):
        made.check("training", binds())


def test_a_file_goes_before_what_follows_from_the_declaration(queries: Ask, tmp_path: Path) -> None:
    made = queries(STATES, VISITS, **COMPOUND)
    (tmp_path / "coverage.sql").write_text("-- One row.\nSELECT date '2020-01-01', date '2020-01-02'\n")
    (tmp_path / "training.sql").write_text("-- One row.\nSELECT 'mine' AS store\n")
    assert covered(made, "UTC") == (date(2020, 1, 1), date(2020, 1, 2))
    assert rows(made, date(2024, 3, 1)) == [("mine",)]
    (tmp_path / "coverage.sql").unlink()
    assert covered(made, "UTC")[0] == date(2024, 3, 1)


@pytest.mark.parametrize(
    ("declared", "query", "next_step"),
    [
        ({}, "training", "write it, or declare what the pipeline `reads` and its `target`"),
        ({}, "coverage", "write it, or declare what the pipeline `reads`: see docs/add-a-pipeline.md"),
        ({"reads": StateTable(table="a.b"), "target": None}, "training", "`reads` and its `target`"),
        ({"reads": EventTable(table="a.b", day="c"), "target": "t"}, "training", "`reads` and its `target`"),
    ],
    ids=str,
)
def test_a_query_that_is_missing_and_cannot_follow_says_so_in_one_line(
    declared: dict[str, Any], query: str, next_step: str, queries: Ask
) -> None:
    made = queries("SELECT 1", **declared)
    assert not made.has(query)
    with pytest.raises(ConfigurationError) as refused:
        made.check(query, binds())
    told, _, advice = str(refused.value).partition(" Next: ")
    assert f"There is no sql/parcel_hours/{query}.sql, and it does not follow from the declaration." in told
    assert next_step in advice
    assert "\n" not in str(refused.value)


def test_what_else_is_no_file_of_the_pipeline_is_none(queries: Ask) -> None:
    pipeline: Pipeline = replace(PARCEL_HOURS, **COMPOUND)
    # Where nothing says what is measured, nobody knows what actuals would be.
    made = queries("SELECT 1", **COMPOUND, measures=None, measured_by=None)
    assert (made.has("actuals"), made.has("coverage"), pipeline.reads is not None) == (False, True, True)


MEMBERS = """
CREATE SCHEMA shop;
CREATE TABLE shop.members (member integer, months integer, left_us text, told_on date, PRIMARY KEY (told_on, member));
INSERT INTO shop.members VALUES
(1, 10, 'Yes', '2024-03-01'), (2, 20, 'No', '2024-03-01'), (3, 30, NULL, '2024-03-01'),
(4, 40, NULL, '2024-03-04'), (3, 31, NULL, '2024-03-04'),
(4, 41, 'Yes ', '2024-03-06'), (2, 22, 'Yes', '2024-03-06'), (3, 33, 'No', '2024-03-06'), (5, 50, NULL, '2024-03-06');
"""
STATE = """-- One row per member, with the last day, the window's hours and the zone that it is told in.
SELECT member, months,
    (:last_day::date - :first_day::date + extract(epoch FROM :window_end - :window_start) / 3600)::integer AS hours,
    (:window_end AT TIME ZONE :timezone)::text AS until
FROM shop.members AS told
WHERE told_on = (SELECT max(told.told_on) FROM shop.members AS told WHERE told.told_on <= :last_day)
ORDER BY member
"""
LEAVING: dict[str, Any] = {
    "entity_key": ("member",),
    "reads": StateTable(table="shop.members", as_of="told_on"),
    "target": "left_us",
    "positive": "Yes",
    "measures": "probability",
    "measured_by": None,
}


def told(queries: Queries, name: str, day: date, timezone: str = "UTC") -> list[tuple[Any, ...]]:
    queries.check(name, binds(day, timezone))
    with queries.stream(name, binds(day, timezone)) as (_, reader):
        return [tuple(row.values()) for row in reader.read_all().to_pylist()]


def test_a_training_learns_from_every_file_that_told_an_outcome(queries: Ask) -> None:
    made = queries(MEMBERS, STATE, **LEAVING)
    first, second, third = date(2024, 3, 1), date(2024, 3, 4), date(2024, 3, 6)
    midnight, zone = "2024-03-02 00:00:00", "Asia/Tokyo"
    known = [(1, 10, 24, midnight, "Yes", first), (2, 20, 24, midnight, "No", first)]
    # The file of the fourth tells nothing of them, and is no reason to forget them.
    assert told(made, "training", first, zone) == told(made, "training", second, zone) == known
    assert [(row[0], row[1], row[4], row[5]) for row in told(made, "training", third, zone)] == [
        (1, 10, "Yes", first),
        (2, 22, "Yes", third),
        (3, 33, "No", third),
        (4, 41, "Yes ", third),
    ]


def test_actuals_are_what_was_told_since_of_those_nobody_knew(queries: Ask) -> None:
    made = queries(MEMBERS, STATE, **LEAVING)
    assert told(made, "actuals", date(2024, 3, 1)) == [(3, 0), (4, 1)]
    assert told(made, "actuals", date(2024, 3, 6)) == []
    assert not queries("SELECT 1", STATE, **LEAVING | {"positive": None}).has("actuals")


def test_the_actuals_of_all_classes_are_what_was_told_as_it_is(queries: Ask) -> None:
    prediction = Prediction("leaves", 0, 1, method="predict_proba", classes=("Yes", "No"))
    classes = {"positive": None, "measures": "class", "prediction": prediction}
    made = queries(MEMBERS, STATE, **LEAVING | classes)
    assert told(made, "actuals", date(2024, 3, 1)) == [(3, "No"), (4, "Yes ")]


@pytest.mark.parametrize(
    ("kind", "positive", "wrong"), [("integer", 1, 0), ("boolean", True, False), ("text", "it's", "")]
)
def test_a_positive_value_is_one_of_its_type(kind: str, positive: Any, wrong: Any, queries: Ask) -> None:
    text = str(positive).replace("'", "''")
    made = queries(
        f"CREATE SCHEMA shop; CREATE TABLE shop.members (member integer, left_us {kind}, told_on date);"
        f"INSERT INTO shop.members VALUES (1, NULL, '2024-03-01'), (2, NULL, '2024-03-01'),"
        f"(1, '{text}', '2024-03-02'), (2, '{wrong}', '2024-03-02')",
        STATE,
        **LEAVING | {"positive": positive},
    )
    assert told(made, "actuals", date(2024, 3, 1)) == [(1, 1), (2, 0)]
