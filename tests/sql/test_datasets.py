"""What a query reads is what PostgreSQL's plan says: tables below views, and the table of which partitions are."""

from pathlib import Path

from daybreak.sources.datasets import tables_read
from daybreak.warehouse.sql_file import load_sql
from parcels import Parcels


def read(parcels: Parcels, folder: Path, text: str) -> list[str]:
    file = folder / "extract.sql"
    file.write_text(text)
    warehouse = parcels.workspace.warehouse
    prefix = f"{warehouse.url.database}."
    found = tables_read(warehouse, load_sql(file), {"start": "2024-03-01"})
    assert all(one.name.startswith(prefix) and "@" not in one.namespace for one in found)
    return [one.name.removeprefix(prefix) for one in found]


def test_tables_are_found_below_views_functions_subqueries_and_partitions(parcels: Parcels, tmp_path: Path) -> None:
    parcels.execute(
        "CREATE TABLE parcels.by_month (at date, n integer) PARTITION BY RANGE (at)",
        "CREATE TABLE parcels.march PARTITION OF parcels.by_month FOR VALUES FROM ('2024-03-01') TO ('2024-04-01')",
        "CREATE TABLE parcels.april PARTITION OF parcels.by_month FOR VALUES FROM ('2024-04-01') TO ('2024-05-01')",
        'CREATE TABLE parcels."Odd % Name" (n integer)',
        'CREATE VIEW parcels.seen AS SELECT n FROM parcels.by_month UNION ALL SELECT n FROM parcels."Odd % Name"',
    )
    query = (
        "-- One row a parcel; 100 %.\n"
        "WITH few AS MATERIALIZED (SELECT parcel_id FROM parcels.handed_in WHERE handed_in_at > :start)\n"
        "SELECT parcel_id, (SELECT max(n) FROM parcels.seen) AS n FROM few"
    )
    assert read(parcels, tmp_path, query) == ["parcels.Odd % Name", "parcels.by_month", "parcels.handed_in"]


def test_a_query_of_no_table_reads_none(parcels: Parcels, tmp_path: Path) -> None:
    assert read(parcels, tmp_path, "-- One row.\nSELECT 1 AS n") == []
