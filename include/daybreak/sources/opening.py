"""Opening: which source a pipeline's queries are run by, as settings and declaration say."""

import re
from collections.abc import Callable

from daybreak.declaration.files import IcebergTable
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError
from daybreak.settings import Settings
from daybreak.sources.postgresql import PostgresSource
from daybreak.sources.source import Source
from daybreak.warehouse.database import Warehouse

_ICEBERG = "iceberg+"
_URLS = "postgresql://HOST/DATABASE, duckdb:///FOLDER, duckdb:s3://BUCKET/PREFIX or adbc:DRIVER:URI"


def open_source(
    settings: Settings, pipeline: Pipeline, elsewhere: Callable[[str], str | None] = lambda name: None
) -> Source:
    """Return the source that a pipeline names; nothing is connected to before it is asked something.

    ``elsewhere`` knows the URLs of sources that no setting names.
    """
    name = str(pipeline.source)
    setting = f"DAYBREAK_SOURCE_{name.upper()}"
    url = settings.source[name].get_secret_value() if name in settings.source else elsewhere(name)
    if url is None:
        raise ConfigurationError(
            f"{pipeline.name} reads from source {name}, and {setting} is not set.",
            next_step=f"set it to the source's URL: {_URLS}.",
            pipeline=pipeline.name,
        )
    # As Airflow has it.
    url = re.sub("^postgres:", "postgresql:", url)
    kind = url.partition(":")[0].partition("+")[0]
    if kind != "duckdb" and pipeline.files:
        raise _mismatched(
            pipeline, "files", f"source {name} is no folder of files", f"set {setting} to one, duckdb:///…"
        )
    if kind != "postgresql" and pipeline.reads:
        files = "declare `files`, or " if kind == "duckdb" else ""
        raise _mismatched(
            pipeline,
            "what it `reads`",
            f"queries follow from that for PostgreSQL alone, which source {name} is not",
            f"remove it; {files}write coverage.sql and training.sql",
        )
    if kind == "postgresql":
        try:
            return PostgresSource(Warehouse(url, settings.lock_timeout_seconds), name)
        except ConfigurationError:
            raise _no_url(pipeline, setting) from None
    if kind == "duckdb":
        from daybreak.sources.duckdb_files import DuckFiles
        from daybreak.sources.file_store import FileStore

        address = url.removeprefix("duckdb:")
        if address.startswith(_ICEBERG):
            return _in_catalog(pipeline, name, address.removeprefix(_ICEBERG))
        store, options = FileStore.of(name, address)
        return DuckFiles(name, store, pipeline.files, options)
    if kind == "adbc":
        from daybreak.sources.adbc import AdbcSource

        return AdbcSource.of(name, url)
    raise _no_url(pipeline, setting)


def _in_catalog(pipeline: Pipeline, name: str, address: str) -> Source:
    from daybreak.sources.duckdb_files import DuckFiles
    from daybreak.sources.file_store import FileStore
    from daybreak.sources.iceberg_tables import IcebergCatalog

    catalog, options = IcebergCatalog.of(name, address)
    if any(not isinstance(declared, IcebergTable) for declared in pipeline.files.values()):
        raise _mismatched(
            pipeline,
            "files that are no IcebergTable",
            f"source {name} is a catalog of those",
            f"set DAYBREAK_SOURCE_{name.upper()} to a folder, or declare the tables of the catalog",
        )
    return DuckFiles(name, FileStore(name, catalog.url), pipeline.files, options, catalog)


def _no_url(pipeline: Pipeline, setting: str) -> ConfigurationError:
    # What it looks like stays out of the message: there may be a password in it.
    return ConfigurationError(
        f"{setting} is no URL of a source.", next_step=f"write it as {_URLS}.", pipeline=pipeline.name
    )


def _mismatched(pipeline: Pipeline, what: str, why: str, step: str) -> ConfigurationError:
    return ConfigurationError(
        f"{pipeline.name} declares {what}, and {why}.", next_step=f"{step}.", pipeline=pipeline.name
    )
