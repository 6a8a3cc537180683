"""What a batch may hold is one list; all else is refused by name, with what to write, before a row is read."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, event, given, settings

from daybreak.batch.json_rows import json_rows
from daybreak.batch.snapshot import SnapshotWriter
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.errors import SourceRefused
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.described import describe_query, refuse_uncopied
from daybreak.warehouse.held_types import HELD
from daybreak.warehouse.sql_file import SqlFile
from nasty import Column, columns, selected
from parcels import NewDatabase

any_rows = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
KINDS = ("CREATE TYPE mood AS ENUM ('sad', 'glad')", "CREATE TYPE pair AS (a integer, b text)")
# The values of each type that is held, and what people read of them in the ledger.
SHOWN = {
    "'-32768'::smallint": "-32768",
    "2147483647::integer": "2147483647",
    "9007199254740993::bigint": "9007199254740993",
    "1.1::real": "1.1",
    "'NaN'::real": '"NaN"',
    "0.30000000000000004::double precision": "0.30000000000000004",
    "'-Infinity'::double precision": '"-Infinity"',
    "5.25::numeric": "5.25",
    "5.25::numeric(9, 2)": "5.25",
    "1e400::numeric": '"Infinity"',
    "'NaN'::numeric": '"NaN"',
    "true": "true",
    "'größer \"quoted\"'::text": '"gr\\u00f6\\u00dfer \\"quoted\\""',
    "'ab'::varchar(3)": '"ab"',
    "'ab'::char(3)": '"ab "',
    "'sad'::mood": '"sad"',
    "'0044-03-15 BC'::date": '"-0043-03-15"',
    "'9999-12-31'::date": '"9999-12-31"',
    "'5874897-12-31'::date": '"5874897-12-31"',
    "'23:59:59.000001'::time": '"23:59:59.000001"',
    "'24:00'::time": '"24:00:00"',
    "'9999-12-31 23:59:59.999999'::timestamp": '"9999-12-31T23:59:59.999999"',
    "'0044-03-15 12:00 BC'::timestamp": '"-0043-03-15T12:00:00.000000"',
    "'2024-03-10 02:30:00-05'::timestamptz": '"2024-03-10T07:30:00.000000+00:00"',
    "'\\x00ff'::bytea": '"\\\\x00ff"',
}
# What a batch cannot hold, and what to write in its place.
REFUSED = {
    "5.25::money": ("money", "paid::numeric AS paid"),
    "ARRAY[1, 2]": ("integer[]", "paid::text AS paid"),
    "ARRAY[[1, 2], [3, 4]]": ("integer[]", "paid::text AS paid"),
    "'{}'::json": ("json", "paid::text AS paid"),
    "'{}'::jsonb": ("jsonb", "paid::text AS paid"),
    "'1 month'::interval": ("interval", "extract(epoch FROM paid)::double precision AS paid"),
    "gen_random_uuid()": ("uuid", "paid::text AS paid"),
    "B'101'": ("bit", "paid::text AS paid"),
    "'10.0.0.1'::inet": ("inet", "paid::text AS paid"),
    "'[1,5)'::int4range": ("of a type that the driver has no name for", "paid::text AS paid"),
    "'{[1,5)}'::int4multirange": ("int4multirange", "paid::text AS paid"),
    "'12:00+02'::timetz": ("timetz", "paid::time AS paid"),
    "4294967295::oid": ("oid", "paid::bigint AS paid"),
    "ROW(1, 'a')::pair": ("pair", "paid::text AS paid"),
    "ROW(1, 2)": ("record", "paid::text AS paid"),
    "'(1,2)'::point": ("point", "paid::text AS paid"),
    "to_tsvector('a b')": ("tsvector", "paid::text AS paid"),
}
INFINITE = [
    "'infinity'::date",
    "'-infinity'::date",
    "'infinity'::timestamp",
    "'-infinity'::timestamp",
    "'infinity'::timestamptz",
    "'-infinity'::timestamptz",
    "'294276-12-31 23:59:59'::timestamp",
]


@pytest.fixture(scope="module")
def warehouse(postgres: EmbeddedPostgres) -> Iterator[Warehouse]:
    opened = Warehouse(postgres.url())
    with opened.begin() as connection:
        for statement in KINDS:
            connection.exec_driver_sql(statement)
    yield opened
    with opened.begin() as connection:
        connection.exec_driver_sql("DROP TYPE mood, pair")
    opened.close()


def sql(text: str) -> SqlFile:
    path = Path("orders/extract.sql")
    return SqlFile(path, text, tuple((path, line) for line in range(1, text.count("\n") + 2)))


def batches(warehouse: Warehouse, query: str) -> list[pa.RecordBatch]:
    with warehouse.stream(sql(query), {}) as (_, reader):
        return list(reader)


def _described(warehouse: Warehouse, query: str) -> pa.Schema:
    with warehouse.bulk() as connection, connection.cursor() as cursor:
        return cursor.adbc_execute_schema(query)


def test_every_type_that_is_held_is_tried_here(warehouse: Warehouse) -> None:
    query = sql("SELECT " + ", ".join(f"{value} AS c{n}" for n, value in enumerate(SHOWN)))
    kinds = {column.type.partition("(")[0] for column in describe_query(warehouse, query, {})}
    assert kinds == {*HELD.values(), "mood"}


def test_values_are_read_by_people_as_they_are_whatever_their_type(warehouse: Warehouse, tmp_path: Path) -> None:
    for value, shown in SHOWN.items():
        query = f"SELECT {value} AS paid UNION ALL SELECT NULL"
        warehouse.check(sql(query), {})
        [batch] = batches(warehouse, query)
        writer = SnapshotWriter(tmp_path.as_uri(), batch.schema)
        writer.write(batch)
        [read] = writer.close().batches(10)
        assert json_rows(read) == [f'{{"paid": {shown}}}', '{"paid": null}'], value


@pytest.mark.parametrize("value", REFUSED)
def test_what_no_batch_can_hold_is_refused_with_the_cast_before_and_while_it_is_read(
    warehouse: Warehouse, value: str
) -> None:
    kind, cast = REFUSED[value]
    query = f"SELECT {value} AS paid"
    for refuse in (lambda: warehouse.check(sql(query), {}), lambda: batches(warehouse, query)):
        with pytest.raises(SourceRefused, match=r"Column paid is .*, which no batch can hold") as refused:
            refuse()
        assert f"Column paid is {kind}" in str(refused.value)
        assert f"for example {cast}." in str(refused.value)
    warehouse.check(sql(f"SELECT {cast} FROM (SELECT {value} AS paid) AS source"), {})
    [batch] = batches(warehouse, f"SELECT {cast} FROM (SELECT {value} AS paid) AS source")
    assert batch.num_rows == 1


def test_a_database_whose_types_are_all_postgresqls_own_is_read_as_any_other(
    warehouse: Warehouse, new_database: NewDatabase
) -> None:
    plain, made = Warehouse(new_database()), ("::mood", "::pair")
    for value in (value for value in SHOWN if not value.endswith(made)):
        plain_one, other = (_described(one, f"SELECT {value} AS paid") for one in (plain, warehouse))
        assert plain_one.equals(other, check_metadata=True), value
    for value, (_, cast) in REFUSED.items():
        if not value.endswith(made):
            with pytest.raises(SourceRefused) as refused:
                plain.check(sql(f"SELECT {value} AS paid"), {})
            assert f"for example {cast}." in str(refused.value)
    plain.close()


def test_a_whole_row_of_a_table_is_refused_with_its_cast(new_database: NewDatabase) -> None:
    plain = Warehouse(new_database())
    with plain.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE orders AS SELECT 1 AS id")
    with pytest.raises(
        SourceRefused, match=r"Column orders is of a type .*, which no batch can hold.*orders::text AS orders"
    ):
        plain.check(sql("SELECT orders FROM orders"), {})
    plain.close()


def test_a_type_that_somebody_has_made_is_known(new_database: NewDatabase) -> None:
    theirs = Warehouse(new_database())
    with theirs.begin() as connection:
        connection.exec_driver_sql("CREATE TYPE feeling AS ENUM ('sad', 'glad')")
        connection.exec_driver_sql("CREATE TABLE felt AS SELECT 'sad'::feeling AS how")
    assert batches(theirs, "SELECT how FROM felt")[0].to_pydict() == {"how": ["sad"]}
    theirs.close()


def test_a_name_that_needs_quotes_has_them_in_the_cast(warehouse: Warehouse) -> None:
    with pytest.raises(SourceRefused, match=r'"Paid ""in"" €"::numeric AS "Paid ""in"" €"\.'):
        warehouse.check(sql('SELECT 5::money AS "Paid ""in"" €"'), {})


def test_a_numeric_is_refused_where_the_last_digit_counts_and_held_where_it_does_not(warehouse: Warehouse) -> None:
    query = sql("SELECT 9007199254740993::numeric(20) AS account, 1.5::numeric AS fee")
    warehouse.check(query, {})
    warehouse.check(query, {}, exact=["fees"])
    for kept in (["account"], ["fee"]):
        with pytest.raises(SourceRefused, match=rf"Column {kept[0]} is numeric.*{kept[0]}::bigint AS.*::text AS"):
            warehouse.check(query, {}, exact=kept)
    with pytest.raises(SourceRefused, match="Column account is numeric"):
        refuse_uncopied(describe_query(warehouse, query, {}))
    [batch] = batches(warehouse, "SELECT 9007199254740993::numeric::bigint AS account")
    assert batch.to_pylist() == [{"account": 9007199254740993}]


@pytest.mark.parametrize("value", INFINITE)
def test_what_is_no_day_is_refused_by_name_with_what_to_write(warehouse: Warehouse, value: str) -> None:
    query = f"SELECT {value} AS ends UNION ALL SELECT NULL"
    with pytest.raises(SourceRefused, match="Column ends holds infinity, or a year after 294246") as refused:
        batches(warehouse, query)
    [batch] = batches(warehouse, f"SELECT {refused.value.next_step.partition(': ')[2][:-1]} FROM ({query}) AS source")
    assert batch.to_pylist() == [{"ends": None}, {"ends": None}]


@given(column=columns(2))
@any_rows
def test_any_column_is_read_and_shown_or_refused_by_name(warehouse: Warehouse, tmp_path: Path, column: Column) -> None:
    query = selected(column)
    try:
        warehouse.check(sql(query), {})
        found = batches(warehouse, query)
    except SourceRefused as refusal:
        event("refused")
        shown = str(refusal)
    else:
        event("read")
        writer = SnapshotWriter(tmp_path.as_uri(), found[0].schema)
        writer.write(found[0])
        [read] = writer.close().batches(10)
        shown = " ".join(json_rows(read))
        assert [json.loads(row)[column.name] is None for row in json_rows(read)] == [v is None for v in column.values]
    shown.encode()
    assert "\n" not in shown


def test_a_fault_of_the_query_is_told_with_its_line(warehouse: Warehouse) -> None:
    for text, line in (("SELECT\n  1,\n  colour", 3), ("SELECT 1\nFROM nowhere", 2)):
        with pytest.raises(SourceRefused, match=rf"The source cannot be read: orders/extract\.sql:{line}: "):
            batches(warehouse, text)
        with pytest.raises(SourceRefused, match=rf"The source cannot be read: orders/extract\.sql:{line}: "):
            warehouse.rows(sql(text), {}, 2)
        with pytest.raises(SourceRefused, match=rf"The source cannot be read: orders/extract\.sql:{line}: "):
            describe_query(warehouse, sql(text), {})
