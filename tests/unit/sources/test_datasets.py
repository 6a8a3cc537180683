"""Datasets are named as OpenLineage names them, and no name holds a login."""

import pytest
from sqlalchemy.engine import make_url

from daybreak.declaration.files import DeltaTable, Files, FileTable, IcebergTable
from daybreak.sources.datasets import DatasetName, file_dataset, postgres_namespace


@pytest.mark.parametrize(
    ("root", "table", "named"),
    [
        ("/data/shop", Files("sales/{day}.parquet"), DatasetName("file", "/data/shop/sales/{day}.parquet")),
        ("s3://bucket/in", Files("sales/*.csv", columns={"a": "text"}), DatasetName("s3://bucket", "in/sales/*.csv")),
        ("gs://bucket", DeltaTable("sales"), DatasetName("gs://bucket", "sales")),
        ("postgresql://me:hush@host/catalog", IcebergTable("shop.sales"), DatasetName("iceberg", "shop.sales")),
    ],
)
def test_files_are_named_by_their_pattern_and_tables_of_a_catalog_by_their_name(
    root: str, table: FileTable, named: DatasetName
) -> None:
    assert file_dataset(root, table) == named


@pytest.mark.parametrize(
    ("url", "namespace"),
    [
        ("postgresql://me:hush@db.example.com:6432/shop", "postgres://db.example.com:6432"),
        ("postgresql://me:hush@db.example.com/shop", "postgres://db.example.com:5432"),
        ("postgresql:///shop", "postgres://localhost:5432"),
    ],
)
def test_a_database_is_named_by_host_and_port(url: str, namespace: str) -> None:
    assert postgres_namespace(make_url(url)) == namespace


def test_a_database_that_is_reached_through_a_folder_is_this_machines() -> None:
    found = postgres_namespace(make_url("postgresql://me@/shop?host=/run/postgresql"))
    assert found.startswith("postgres://")
    assert "/run" not in found
