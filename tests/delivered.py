"""The parcels' source elsewhere than in the warehouse: the same rows as files of a day each, in a lake, in SQLite."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from daybreak.declaration.cadence import Cadence, Hour
from daybreak.declaration.files import DeltaTable, Files, IcebergTable

if TYPE_CHECKING:
    import pyarrow as pa

# What parcels.handed_in holds, as SQLite declares it.
COLUMNS = {
    "depot": "text",
    "parcel_id": "integer",
    "handed_in_at": "text",
    "weight_kg": "real",
    "distance_km": "real",
    "pieces": "integer",
    "zone": "text",
    "remark": "text",
    "hours_taken": "real",
}
ROWS = f"SELECT {', '.join(COLUMNS)} FROM parcels.handed_in ORDER BY handed_in_at, parcel_id"
_INSTANTS = """-- One row: the instants of the first and the last parcel.
SELECT min(handed_in_at) AS first_instant, max(handed_in_at) AS last_instant FROM handed_in
"""


@dataclass(frozen=True)
class Delivery:
    """Where parcels are delivered to: its URL, what a pipeline declares, how rows get there.

    ``coverage`` is its coverage.sql, None where that follows from the declaration.
    """

    url: str
    declared: Mapping[str, Any]
    coverage: str | None
    deliver: Callable[[Sequence[Sequence[Any]]], None]


def as_files(folder: Path, every: Cadence, timezone: str) -> Delivery:
    """Deliver one Parquet file a local day, and none of a day without parcels."""
    folder.mkdir()

    def deliver(rows: Sequence[Sequence[Any]]) -> None:
        import pyarrow.parquet as pq

        days: dict[str, list[Sequence[Any]]] = {}
        for row in rows:
            days.setdefault(f"{_instant(row).astimezone(ZoneInfo(timezone)):%Y-%m-%d}", []).append(row)
        for gone in {path.stem for path in folder.iterdir()} - set(days):
            (folder / f"{gone}.parquet").unlink()
        for day, some in days.items():
            pq.write_table(_table(some), folder / f"{day}.parquet")

    # What days there are files of says nothing of hours.
    coverage = _INSTANTS if isinstance(every, Hour) else None
    return Delivery(f"duckdb://{folder}", {"files": {"handed_in": Files("{day}.parquet")}}, coverage, deliver)


def as_delta(folder: Path, every: Cadence, timezone: str) -> Delivery:
    """Deliver a Delta table, each time a version that replaces all rows."""
    deltalake = pytest.importorskip("deltalake", reason="needs requirements/delta.txt")
    folder.mkdir()

    def deliver(rows: Sequence[Sequence[Any]]) -> None:
        deltalake.write_deltalake(folder / "handed_in", _table(rows), mode="overwrite")

    return Delivery(f"duckdb://{folder}", {"files": {"handed_in": DeltaTable("handed_in")}}, _INSTANTS, deliver)


def as_iceberg(folder: Path, every: Cadence, timezone: str) -> Delivery:
    """Deliver an Iceberg table, each time a snapshot that replaces all rows; the catalog is a database of SQLite."""
    catalogs = pytest.importorskip("pyiceberg.catalog", reason="needs requirements/iceberg.txt")
    folder.mkdir()
    url, warehouse = f"sqlite:///{folder}/catalog.db", f"file://{folder}/warehouse"
    # A catalog of this kind keeps tables by the name that it was called by.
    catalog = catalogs.load_catalog("feed", type="sql", uri=url, warehouse=warehouse)
    catalog.create_namespace("parcels")
    table = catalog.create_table("parcels.handed_in", schema=_table([]).schema)

    def deliver(rows: Sequence[Sequence[Any]]) -> None:
        filled = table.refresh().current_snapshot() is not None
        (table.overwrite if filled else table.append)(_table(rows))

    declared = {"files": {"handed_in": IcebergTable("parcels.handed_in")}}
    return Delivery(f"duckdb:iceberg+{url}?warehouse={warehouse}", declared, _INSTANTS, deliver)


def as_sqlite(folder: Path, every: Cadence, timezone: str) -> Delivery:
    """Deliver a database of SQLite, made anew each time."""
    folder.mkdir()
    path, made = folder / "feed.db", folder / "feed.db.new"

    def deliver(rows: Sequence[Sequence[Any]]) -> None:
        connection = sqlite3.connect(made)
        with connection:
            connection.execute(f"CREATE TABLE handed_in ({', '.join(f'{n} {kind}' for n, kind in COLUMNS.items())})")
            values = [(*row[:2], f"{_instant(row):%Y-%m-%d %H:%M:%S}", float(row[3]), *row[4:]) for row in rows]
            connection.executemany(f"INSERT INTO handed_in VALUES ({', '.join('?' * len(COLUMNS))})", values)
        connection.close()
        made.replace(path)

    return Delivery(f"adbc:sqlite:{path}", {}, _INSTANTS, deliver)


DELIVERIES: dict[str, Callable[[Path, Cadence, str], Delivery]] = {
    "files": as_files,
    "SQLite": as_sqlite,
    "Delta": as_delta,
    "Iceberg": as_iceberg,
}


def _table(rows: Sequence[Sequence[Any]]) -> "pa.Table":
    import pyarrow as pa

    types = {"integer": pa.int64(), "real": pa.float64(), "text": pa.string()}
    kinds = {name: types[kind] for name, kind in COLUMNS.items()} | {"handed_in_at": pa.timestamp("us", "UTC")}
    values = [dict(zip(COLUMNS, row, strict=True)) | {"weight_kg": float(row[3])} for row in rows]
    return pa.Table.from_pylist(values, pa.schema(list(kinds.items())))


def _instant(row: Sequence[Any]) -> datetime:
    found: datetime = row[2].astimezone(UTC)
    return found
