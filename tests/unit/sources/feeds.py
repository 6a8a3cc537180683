"""The same sales in each kind of source there is, for tests that all of them have to pass."""

import sqlite3
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from daybreak.declaration.files import DeltaTable, Files, IcebergTable
from daybreak.sources.duckdb_files import DuckFiles
from daybreak.sources.file_store import FileStore
from daybreak.sources.iceberg_tables import IcebergCatalog
from daybreak.sources.postgresql import PostgresSource
from daybreak.sources.source import Source
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.sql_file import SqlFile, load_sql

DAY = date(2024, 3, 9)
BINDS = {
    "first_day": DAY,
    "last_day": DAY,
    "timezone": "Asia/Kathmandu",
    "window_start": datetime(2024, 3, 8, 18, 15, tzinfo=UTC),
    "window_end": datetime(2024, 3, 9, 18, 15, tzinfo=UTC),
}
# A key, a text with what has to be quoted, a number that is missing, a day.
Row = tuple[int, str | None, float | None, date]
SHOPS = ("O'Brien", "Café", "100%", None)
ROWS: tuple[Row, ...] = tuple(
    (number, SHOPS[number % 4], None if number % 10 == 3 else number / 4, date(2024, 3, 1 + number % 9))
    for number in range(1, 201)
)
TYPES = {"id": "bigint", "shop": "text", "amount": "double", "sold_on": "date"}


class Feed(ABC):
    """A source with the sales in it, and what a test does to it from outside."""

    source: Source

    @abstractmethod
    def add(self, *rows: Row) -> None:
        """Add rows, as another process does."""

    def day(self, bind: str) -> str:
        """Write a bound day so that it compares with ``sold_on``."""
        return bind


class InPostgres(Feed):
    """A table."""

    def __init__(self, url: str, folder: Path) -> None:
        self._warehouse = Warehouse(url)
        self.source = PostgresSource(self._warehouse, "feed")
        with self._warehouse.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE sales (id bigint, shop text, amount float8, sold_on date)")
        self.add(*ROWS)

    def add(self, *rows: Row) -> None:
        with self._warehouse.begin() as connection:
            for row in rows:
                connection.exec_driver_sql("INSERT INTO sales VALUES (%s, %s, %s, %s)", row)


class InFiles(Feed):
    """One file of all rows so far, and one more each time that some are added."""

    def __init__(self, url: str, folder: Path) -> None:
        store, options = FileStore.of("feed", url or f"//{folder / 'feed'}")
        self.store, self._files = store, 0
        if store.filesystem is None:
            (folder / "feed").mkdir()
        self.add(*ROWS)
        self.source = DuckFiles("feed", store, {"sales": self.declared}, options)

    declared = Files("sales/*.parquet")

    def add(self, *rows: Row) -> None:
        self._files += 1
        self.write(f"{self._files:03}", table(rows))

    def write(self, name: str, table: pa.Table) -> None:
        """Write one file."""
        with self.opened(f"sales/{name}.parquet") as file:
            pq.write_table(table, file)

    def opened(self, name: str) -> Any:
        """Open a file to write it."""
        if self.store.filesystem is not None:
            return self.store.filesystem.open(f"{self.store.root}/{name}", "wb")
        path = Path(self.store.root) / name
        path.parent.mkdir(exist_ok=True)
        return path.open("wb")


class InCsv(InFiles):
    """The same as text."""

    declared = Files("sales/*.csv", TYPES)

    def write(self, name: str, table: pa.Table) -> None:
        with self.opened(f"sales/{name}.csv") as file:
            pc.write_csv(table, file)


class InDelta(Feed):
    """A Delta table, of which each addition is a version."""

    def __init__(self, url: str, folder: Path) -> None:
        store, options = FileStore.of("feed", url or f"//{folder / 'feed'}")
        self.path = f"{store.root}/sales"
        self.add(*ROWS)
        self.source = DuckFiles("feed", store, {"sales": DeltaTable("sales")}, options)

    def add(self, *rows: Row) -> None:
        from deltalake import write_deltalake

        write_deltalake(self.path, table(rows), mode="append")


class InIceberg(Feed):
    """An Iceberg table in a catalog of SQLite, of which each addition is a snapshot."""

    def __init__(self, url: str, folder: Path) -> None:
        from pyiceberg.catalog import load_catalog

        url = f"sqlite:///{folder}/catalog.db"
        self.catalog = load_catalog("made", type="sql", uri=url, warehouse=f"file://{folder}/warehouse")
        self.catalog.create_namespace("shop")
        self.table = self.catalog.create_table("shop.sales", schema=table(ROWS).schema)
        self.add(*ROWS)
        self.source = in_catalog(url, IcebergTable("shop.sales"))

    def add(self, *rows: Row) -> None:
        self.table.refresh().append(table(rows))


def in_catalog(url: str, declared: IcebergTable) -> DuckFiles:
    """Return the source over a table of a catalog; a catalog in SQLite is known there by its name."""
    more = "?" if "?" not in url else "&"
    catalog, options = IcebergCatalog.of("made", url + (f"{more}warehouse=file:///nowhere" if "sqlite" in url else ""))
    return DuckFiles("feed", FileStore("feed", catalog.url), {"sales": declared}, options, catalog)


class InSqlite(Feed):
    """A table of SQLite, which keeps days as text."""

    def __init__(self, url: str, folder: Path) -> None:
        from daybreak.sources.adbc import AdbcSource

        self._path = folder / "feed.db"
        with sqlite3.connect(self._path) as connection:
            connection.execute("PRAGMA journal_mode = wal")
            connection.execute("CREATE TABLE sales (id integer, shop text, amount real, sold_on date)")
            connection.executemany("INSERT INTO sales VALUES (?, ?, ?, ?)", [(*r[:3], r[3].isoformat()) for r in ROWS])
        connection.close()
        self.source = AdbcSource.of("feed", f"adbc:sqlite:file:{self._path}?mode=ro")

    def add(self, *rows: Row) -> None:
        # In a process of its own: two libraries in one do not see each other's locks.
        values = [(*row[:3], row[3].isoformat()) for row in rows]
        program = (
            f"import sqlite3; c = sqlite3.connect({str(self._path)!r}); "
            f"c.executemany('INSERT INTO sales VALUES (?, ?, ?, ?)', {values!r}); c.commit(); c.close()"
        )
        subprocess.run([sys.executable, "-c", program], check=True)


def table(rows: Sequence[Row]) -> pa.Table:
    """Return rows as they are written to files."""
    kinds = [pa.int64(), pa.string(), pa.float64(), pa.date32()]
    columns = [pa.array([row[i] for row in rows], kind) for i, kind in enumerate(kinds)]
    return pa.table(dict(zip(TYPES, columns, strict=True)))


def sql(folder: Path, text: str, **others: str) -> SqlFile:
    """Write a query, and files that it includes, and read it."""
    (folder / "sales_by_shop").mkdir(exist_ok=True)
    for name, content in others.items():
        (folder / "sales_by_shop" / f"{name}.sql").write_text(content)
    path = folder / "sales_by_shop" / "extract.sql"
    path.write_text(text)
    return load_sql(path)


def read(source: Source, query: SqlFile, binds: Mapping[str, Any] = BINDS, **how: Any) -> tuple[Any, list[Any]]:
    """Run a query; return the source's count and its rows."""
    with source.stream(query, dict(binds), **how) as (counted, reader):
        return counted, [tuple(row.values()) for row in reader.read_all().to_pylist()]
