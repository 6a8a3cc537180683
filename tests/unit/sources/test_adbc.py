"""Databases by the name of their driver; SQLite's columns have the types that their values have."""

import sqlite3
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from daybreak.errors import ConfigurationError, SourceRefused, SourceUnavailable
from daybreak.sources.adbc import AdbcSource
from unit.sources.feeds import BINDS, read, sql


def database(folder: Path, *statements: str) -> AdbcSource:
    connection = sqlite3.connect(folder / "feed.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return AdbcSource.of("feed", f"adbc:sqlite:{folder / 'feed.db'}")


MANY = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70000)"


@pytest.mark.parametrize(
    ("value", "last"),
    [
        ("CASE WHEN i < 69000 THEN i ELSE i + 0.5 END", 70000.5),  # whole numbers, then others
        ("CASE WHEN i < 69000 THEN NULL ELSE 'late ' || i END", "late 70000"),  # nothing, then text
        ("CASE WHEN i < 69000 THEN NULL ELSE i END", 70000),
        ("NULL", None),
        ("x'00ff'", b"\0\xff"),
    ],
)
def test_a_columns_type_is_that_of_all_its_values(tmp_path: Path, value: str, last: object) -> None:
    source = database(tmp_path, f"CREATE TABLE t AS {MANY} SELECT i, {value} AS v FROM n")
    counted, rows = read(source, sql(tmp_path, "SELECT i, v FROM t ORDER BY i"))
    assert counted == {None: 70_000}
    assert (rows[-1], len(rows)) == ((70_000, last), 70_000)
    assert [row[0] for row in rows] == list(range(1, 70_001))


def test_a_column_of_texts_and_numbers_is_refused_with_the_cast(tmp_path: Path) -> None:
    source = database(tmp_path, "CREATE TABLE t (v)", "INSERT INTO t VALUES (1), ('one')")
    with pytest.raises(SourceRefused, match=r"Column v holds values of types integer and text.*CAST\(v AS text\) AS v"):
        read(source, sql(tmp_path, "SELECT v FROM t"))
    assert read(source, sql(tmp_path, "SELECT CAST(v AS text) AS v FROM t"))[1] == [("1",), ("one",)]


def test_a_column_without_a_value_has_its_declared_type(tmp_path: Path) -> None:
    source = database(tmp_path, "CREATE TABLE t (id integer, v, name varchar(9), price double, made date)")
    text = "SELECT id, CAST(v AS text) AS v, name, price, CAST(made AS text) AS made FROM t -- all"
    query = sql(tmp_path, text)
    source.check(query, BINDS, ["id"])
    kinds = ["bigint", "text", "text", "double precision", "text"]
    assert [column.type for column in source.describe(query, BINDS)] == kinds
    database(tmp_path, "INSERT INTO t VALUES (1, NULL, NULL, NULL, NULL)")
    assert [column.type for column in source.describe(query, BINDS)] == kinds
    with source.stream(query, BINDS) as (counted, reader):
        assert [str(kind) for kind in reader.schema.types] == ["int64", "string", "string", "double", "string"]
        assert (counted, reader.read_all().num_rows) == ({None: 1}, 1)


def test_a_type_that_nothing_tells_is_not_guessed(tmp_path: Path) -> None:
    source = database(tmp_path, "CREATE TABLE t (id)")
    query = sql(tmp_path, "SELECT id FROM t")
    source.check(query, BINDS, ["id"])
    with pytest.raises(SourceRefused, match=r"Column id is null.*CAST\(id AS text\)"):
        source.describe(query, BINDS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2024-03-09", date(2024, 3, 9)),
        ("2024-03-08 18:15:00", datetime(2024, 3, 8, 18, 15, tzinfo=UTC)),
        ("2024-03-08T18:15Z", datetime(2024, 3, 8, 18, 15, tzinfo=UTC)),
        ("2024-03-09 00:00:00.123+05:45", datetime(2024, 3, 8, 18, 15, 0, 123_000, tzinfo=UTC)),
        ("2024-02-31", "2024-02-31"),
        ("2024-03-08 25:00:00", "2024-03-08 25:00:00"),
        ("2024-03-08 18:15:00.1234567", "2024-03-08 18:15:00.1234567"),
        ("2024-03-09 and later", "2024-03-09 and later"),
    ],
)
def test_a_text_that_is_a_day_or_an_instant_tells_what_has_landed(tmp_path: Path, text: str, told: object) -> None:
    source = database(tmp_path, "CREATE TABLE t (at text)", f"INSERT INTO t VALUES ('{text}')")
    assert source.rows(sql(tmp_path, "SELECT max(at) AS at FROM t"), BINDS, 1) == (["at"], [(told,)])


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    source = database(tmp_path)
    with pytest.raises(SourceRefused, match="more than one column a"):
        source.check(sql(tmp_path, "SELECT 1 AS a, 2 AS a"), BINDS)


def test_a_missing_database_is_waited_for_and_not_made(tmp_path: Path) -> None:
    source = AdbcSource.of("feed", f"adbc:sqlite:{tmp_path / 'missing.db'}")
    with pytest.raises(SourceUnavailable, match="Source feed did not answer"):
        source.check(sql(tmp_path, "SELECT 1 AS a"), BINDS)
    assert not (tmp_path / "missing.db").exists()


def test_a_database_that_somebody_writes_to_is_read_later(tmp_path: Path) -> None:
    source = database(tmp_path, "CREATE TABLE t (id integer)", "INSERT INTO t VALUES (1)")
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('BEGIN EXCLUSIVE'); print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "feed.db")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout
        writer.stdout.readline()
        with pytest.raises(SourceUnavailable, match=r"Source feed did not answer.*locked"):
            read(source, sql(tmp_path, "SELECT id FROM t"))
        writer.communicate(b"")
    assert read(source, sql(tmp_path, "SELECT id FROM t")) == ({None: 1}, [(1,)])


def test_a_driver_that_is_not_installed_is_named_with_its_extra(tmp_path: Path) -> None:
    source = AdbcSource.of("feed", "adbc:nosuch:user:secret@account")
    with pytest.raises(ConfigurationError, match=r"needs the package adbc-driver-nosuch.*extra nosuch") as refused:
        source.describe(sql(tmp_path, "SELECT 1 AS a"), BINDS)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["adbc:", "adbc:sqlite", "adbc:sqlite:", "adbc:../x:uri", "adbc:os.path:uri"])
def test_a_url_without_a_driver_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DAYBREAK_SOURCE_FEED names no driver"):
        AdbcSource.of("feed", url)
