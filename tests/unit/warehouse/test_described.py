"""Every type that may be kept beside a prediction comes back from source, snapshot and copy as it went in."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from daybreak.batch.snapshot import SnapshotWriter
from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.errors import SourceRefused
from daybreak.tables.column_types import held_by, holds, widened
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.described import Described, describe_query, refuse_uncopied, without_length
from daybreak.warehouse.held_types import COPIED
from daybreak.warehouse.sql_file import SqlFile

VALUES = {
    "smallint": ("-32768", "32767"),
    "integer": ("-2147483648", "2147483647"),
    "bigint": ("-9223372036854775808", "9223372036854775807"),
    "real": ("1.1", "NaN", "-0", "Infinity", "1e-40"),
    "double precision": ("0.1", "NaN", "-0", "-Infinity", "5e-324"),
    "boolean": ("true", "false"),
    "text": ("", "größer, 東京", "  blanks  ", "it''s"),
    "character varying(5)": ("", "ab  "),
    "character varying": ("x ",),
    "character(5)": ("ab",),
    "date": ("2024-02-29", "0044-03-15 BC", "4713-01-01 BC", "5874897-12-31"),
    "time without time zone": ("23:59:59.999999", "24:00"),
    "timestamp without time zone": ("2024-03-10 02:30:00.123456", "4713-01-01 BC", "9999-12-31 23:59:59.999999"),
    "timestamp with time zone": ("2024-03-10 07:30:00.123456+00", "0001-01-01+00", "294246-12-31+00"),
    "bytea": ("\\x00ff", ""),
}


@pytest.fixture(scope="module")
def warehouse(postgres: EmbeddedPostgres) -> Iterator[Warehouse]:
    opened = Warehouse(postgres.url())
    yield opened
    opened.close()


def sql(text: str) -> SqlFile:
    return SqlFile(Path("orders/extract.sql"), text, ((Path("orders/extract.sql"), 1),))


def test_every_type_that_is_let_through_is_tried_here() -> None:
    assert {kind.partition("(")[0] for kind in VALUES} == COPIED


@pytest.mark.parametrize("kind", VALUES)
def test_values_come_back_bit_for_bit(warehouse: Warehouse, kind: str, tmp_path: Path) -> None:
    values = ", ".join(f"({n}, '{value}'::{kind})" for n, value in enumerate(VALUES[kind]))
    with warehouse.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS went_in, came_out")
        connection.exec_driver_sql(f"CREATE TABLE went_in (n integer, kept {kind})")
        connection.exec_driver_sql("CREATE TABLE came_out (LIKE went_in)")
        connection.exec_driver_sql(f"INSERT INTO went_in VALUES {values}, (99, NULL)")
    query = sql("SELECT * FROM went_in")
    refuse_uncopied(describe_query(warehouse, query, {}))
    with warehouse.stream(query, {}) as (_, reader):
        batches = list(reader)
    writer = SnapshotWriter(tmp_path.as_uri(), batches[0].schema)
    for batch in batches:
        writer.write(batch)
    read = list(writer.close().batches(100))
    with warehouse.bulk() as connection:
        with connection.cursor() as cursor:
            rows = pa.RecordBatchReader.from_batches(read[0].schema, read)
            cursor.adbc_ingest("came_out", rows, mode="append", db_schema_name="public")
        connection.commit()
    with warehouse.begin() as connection:
        send = connection.exec_driver_sql(
            "SELECT typsend FROM pg_type INNER JOIN pg_attribute ON atttypid = pg_type.oid "
            "WHERE attrelid = 'went_in'::regclass AND attname = 'kept'"
        ).scalar()
        different = connection.exec_driver_sql(
            f"SELECT * FROM went_in FULL JOIN came_out USING (n) "
            f"WHERE {send}(went_in.kept) IS DISTINCT FROM {send}(came_out.kept)"
        ).all()
    assert different == []


def test_a_domain_is_what_it_is_made_of_and_its_comment_is_found_through_subqueries(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        connection.exec_driver_sql("CREATE DOMAIN small AS integer CHECK (VALUE < 9)")
        connection.exec_driver_sql("CREATE TABLE goods (size small, name varchar(7), code char(3), at timestamp(3))")
        connection.exec_driver_sql("COMMENT ON COLUMN goods.name IS 'What it is called.'")
    query = "WITH found AS (SELECT * FROM goods) SELECT size, name AS called, code, at, name || '' AS made FROM found"
    assert describe_query(warehouse, sql(query), {}) == [
        Described("size", "integer", None),
        Described("called", "character varying(7)", "What it is called."),
        Described("code", "character(3)", None),
        Described("at", "timestamp without time zone", None),
        Described("made", "text", None),
    ]


def test_describing_changes_nothing(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE counted (n integer)")
    with pytest.raises(SourceRefused, match="The source cannot be read: "):
        describe_query(
            warehouse, sql("WITH made AS (INSERT INTO counted VALUES (1) RETURNING n) SELECT * FROM made"), {}
        )
    assert warehouse.rows(sql("SELECT count(*) FROM counted"), {}, 2)[1] == [(0,)]


@pytest.mark.parametrize(
    ("kind", "other", "held"),
    [
        ("bigint", "integer", True),
        ("integer", "smallint", True),
        ("integer", "bigint", False),
        ("double precision", "real", True),
        ("real", "double precision", False),
        # Each would be kept to the last bit, and be shown as something else.
        ("double precision", "integer", False),
        ("timestamp without time zone", "date", False),
        ("text", "character varying(3)", True),
        ("character varying", "text", True),
        ("character varying(3)", "character varying(4)", False),
        ("character varying(4)", "character varying(3)", True),
        ("character varying(4)", "text", False),
        # The blanks that fill it up would go.
        ("text", "character(3)", False),
        ("character(4)", "character(3)", True),
        ("character(3)", "character(4)", False),
        ("timestamp without time zone", "timestamp(3) without time zone", True),
        ("timestamp(3) without time zone", "timestamp without time zone", False),
        ("timestamp with time zone", "timestamp without time zone", False),
        ("boolean", "integer", False),
    ],
)
def test_a_type_holds_another_where_nothing_is_lost(kind: str, other: str, held: bool) -> None:
    assert holds(kind, other) is held
    assert holds(kind, kind)


def test_rows_are_widened_to_what_the_table_keeps_and_never_narrowed() -> None:
    rows = pa.RecordBatch.from_pydict({"a": pa.array([7], pa.int32()), "b": pa.array([1.5], pa.float32()), "c": ["x"]})
    wide = pa.schema([("c", pa.string()), ("b", pa.float64()), ("a", pa.int64())])
    assert widened(rows, wide).schema == pa.schema([("a", pa.int64()), ("b", pa.float64()), ("c", pa.string())])
    assert widened(rows, wide).to_pylist() == rows.to_pylist()
    assert widened(rows, pa.schema([("a", pa.int16()), ("b", pa.int64())])).schema == rows.schema
    assert not held_by(pa.int64(), pa.float64())


def test_functions_take_types_without_their_length() -> None:
    kinds = ("character varying(7)", "character(3)", "numeric(9,-2)", "timestamp(3) without time zone", "text")
    assert [without_length(kind) for kind in kinds] == [
        *("character varying", "bpchar", "numeric", "timestamp without time zone", "text")
    ]
