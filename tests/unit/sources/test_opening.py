"""Which source a pipeline reads from is declared, where it is is set, and what does not fit together is said."""

from dataclasses import replace
from typing import Any

import pytest

from daybreak.declaration.files import Files
from daybreak.declaration.source_tables import EventTable
from daybreak.errors import ConfigurationError
from daybreak.settings import Settings
from daybreak.sources.adbc import AdbcSource
from daybreak.sources.duckdb_files import DuckFiles
from daybreak.sources.opening import open_source
from daybreak.sources.postgresql import PostgresSource
from fixture_pipelines import PARCEL_HOURS

FILES = {"sales": Files("{day}.parquet")}
PIPELINE = replace(PARCEL_HOURS, source="feed", reads=None)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("postgresql://me:secret@host/shop", PostgresSource),
        ("postgres://me:secret@host/shop", PostgresSource),
        ("duckdb:///feed", DuckFiles),
        ("duckdb:s3://feed/daily?memory_limit=1GB", DuckFiles),
        ("duckdb:iceberg+https://catalog?warehouse=shop&token=secret", DuckFiles),
        ("adbc:sqlite:/feed.db", AdbcSource),
        ("adbc:bigquery:?adbc.bigquery.sql.project_id=shop", AdbcSource),
    ],
)
def test_a_source_is_what_its_url_says(url: str, kind: type) -> None:
    assert isinstance(open_source(Settings(source={"feed": url}), PIPELINE), kind)
    assert isinstance(open_source(Settings(), PIPELINE, {"feed": url}.get), kind)


@pytest.mark.parametrize("url", ["secret", "mysql://me:secret@host/shop", "postgresql:secret", "file:///secret"])
def test_another_url_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"DAYBREAK_SOURCE_FEED is no URL.*duckdb:///FOLDER") as refused:
        open_source(Settings(source={"feed": url}), PIPELINE)
    assert "secret" not in str(refused.value)


def test_a_source_that_is_nowhere_is_refused_with_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match=r"reads from source feed, and DAYBREAK_SOURCE_FEED is not set"):
        open_source(Settings(), PIPELINE)


@pytest.mark.parametrize(
    ("url", "declared", "told"),
    [
        ("postgresql://host/shop", {"files": FILES}, "declares files, and source feed is no folder of files"),
        ("adbc:sqlite:/feed.db", {"files": FILES}, "declares files, and source feed is no folder of files"),
        ("duckdb:iceberg+https://catalog", {"files": FILES}, "declares files that are no IcebergTable"),
        (
            "duckdb:///feed",
            {"reads": EventTable(table="shop.sales", day="day")},
            "follow from that for PostgreSQL alone",
        ),
    ],
)
def test_what_does_not_fit_the_source_is_refused(url: str, declared: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        open_source(Settings(source={"feed": url}), replace(PIPELINE, **declared))


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"source": "Feed"}, "small letters"),
        ({"source": "feed;"}, "small letters"),
        ({"source": "feed", "upstream": "other"}, "a source together with an upstream"),
        ({"source": None, "files": FILES}, "files, and no source"),
        ({"files": {"Sales-1": FILES["sales"]}}, "files 'Sales-1'"),
        ({"files": FILES, "reads": EventTable(table="shop.sales", day="day")}, "files together with a table"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(declared: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        replace(PIPELINE, **declared)


@pytest.mark.parametrize(
    ("path", "declared", "told"),
    [
        ("../{day}.parquet", {}, "not below"),
        ("/etc/{day}.parquet", {}, "not below"),
        ("s3://bucket/x.parquet", {}, "not below"),
        ("{day}.xlsx", {}, "ends with neither"),
        ("{day}", {}, "ends with neither"),
        ("{day}.csv", {}, "no columns"),
        ("{day}.jsonl", {}, "no columns"),
        ("{day}.parquet", {"columns": {"id": "bigint"}}, "columns, which Parquet tells itself"),
        ("{day}.csv", {"columns": {"day": "date"}}, "two columns of one name"),
        ("{day}/{day}.parquet", {}, "two columns of one name"),
        ("{day:%y}.parquet", {}, "written other than"),
        ("{day:%Y-%m-%d-%H}.parquet", {}, "written other than"),
        ("{}.parquet", {}, "a placeholder"),
        ("**/x.parquet", {}, "a placeholder"),
        ("x.csv", {"columns": {"id": "bigint"}, "delimiter": ""}, "a delimiter"),
    ],
)
def test_files_that_cannot_be_found_or_read_are_refused(path: str, declared: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Files(path, **declared)
