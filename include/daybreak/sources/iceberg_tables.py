"""Iceberg tables: read at one snapshot, which a catalog knows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from daybreak.declaration.files import IcebergTable
from daybreak.errors import ConfigurationError, DaybreakError, SourceRefused, SourceUnavailable
from daybreak.sources.pinned_tables import Pinned
from daybreak.warehouse.faults import first_line

# How a URL of the catalogs that are reached over HTTP starts; others are databases that SQLAlchemy knows.
_REST = ("http://", "https://")
_REFUSING = ("UnauthorizedError", "ForbiddenError", "AuthorizationExpiredError", "OAuthError")
_MISSING = ("NoSuchTableError", "NoSuchNamespaceError", "NoSuchIdentifierError")
_PASSING = ("RESTError", "ServerError", "ServiceUnavailableError", "OperationalError")


@dataclass(frozen=True)
class IcebergCatalog:
    """A catalog by its URL; ``options`` are its own, such as ``warehouse`` and ``token``."""

    name: str
    url: str = field(repr=False)
    options: Mapping[str, str] = field(repr=False)

    @staticmethod
    def of(name: str, address: str) -> "tuple[IcebergCatalog, dict[str, str]]":
        """Read a URL with options after a question mark; return the catalog, and what is the engine's of them."""
        url, _, query = address.partition("?")
        options = dict(parse_qsl(query))
        ours = {key: options.pop(key) for key in ("memory_limit",) if key in options}
        return IcebergCatalog(name, url, options), ours

    def pin(self, table: IcebergTable) -> Pinned:
        """Open a table at its newest snapshot, or at the one that is declared.

        Raises ConfigurationError where the library is missing or the catalog refuses, SourceRefused where the table or
        the snapshot is missing, SourceUnavailable where the catalog does not answer.
        """
        try:
            from pyiceberg.catalog import load_catalog
        except ImportError as error:
            raise ConfigurationError(
                f"Iceberg table {table.name} of source {self.name} needs the package pyiceberg ({error}).",
                next_step="install it with the extra iceberg: see docs/sources.md.",
            ) from error
        with self._faults(table):
            opened = load_catalog(self.name, **self._properties()).load_table(table.name)
            if table.snapshot is not None and opened.snapshot_by_id(table.snapshot) is None:
                raise SourceRefused(
                    f"Iceberg table {table.name} of source {self.name} has no snapshot {table.snapshot}.",
                    next_step="declare one that there is, or none to read the newest.",
                )
            version = table.snapshot
            if version is None and (newest := opened.current_snapshot()):
                version = newest.snapshot_id
            # The newest has the columns of today, which none has been written with perhaps; it is that of the metadata
            # that was loaded, whoever writes meanwhile.
            return Pinned(str(opened.metadata.table_uuid), version, _Rows(opened.scan(snapshot_id=table.snapshot)))

    def _properties(self) -> dict[str, str]:
        if self.url.startswith(_REST):
            return {"type": "rest", "uri": self.url, **self.options}
        url = self.url
        if url.startswith("sqlite:///"):
            # A file that is missing would be made.
            url = f"sqlite:///file:{url.removeprefix('sqlite:///')}?mode=ro&uri=true"
        return {"type": "sql", "uri": url, "init_catalog_tables": "false", **self.options}

    def _told(self, error: Exception) -> str:
        told = first_line(error)
        # There may be a password in any of them.
        for secret in (self._properties()["uri"], self.url, *self.options.values()):
            told = told.replace(secret, "…")
        return told

    @contextmanager
    def _faults(self, table: IcebergTable) -> Iterator[None]:
        named, setting = f"Iceberg table {table.name} of source {self.name}", f"DAYBREAK_SOURCE_{self.name.upper()}"
        try:
            yield
        except DaybreakError:
            raise
        # The library's errors have no class in common, and those of its parts come through.
        except Exception as error:
            kinds = {kind.__name__ for kind in type(error).__mro__}
            if kinds & set(_MISSING):
                raise SourceRefused(
                    f"Source {self.name} has no Iceberg table {table.name}.",
                    next_step=f"load it, or mend the name that is declared, or the catalog that {setting} names.",
                ) from error
            if kinds & set(_REFUSING):
                raise ConfigurationError(
                    f"{named} may not be read ({type(error).__name__}).",
                    next_step=f"mend the token or the credential in {setting}.",
                ) from error
            if isinstance(error, OSError) or kinds & set(_PASSING):
                raise SourceUnavailable(
                    f"The catalog of {named} did not answer ({self._told(error)}).",
                    next_step=f"it is tried again; if it lasts, check what {setting} names.",
                ) from error
            raise SourceRefused(
                f"{named} cannot be read ({self._told(error)}).", next_step="mend the table or the declaration."
            ) from error


@dataclass(frozen=True)
class _Rows:
    """The rows of one snapshot, from the start each time that the engine asks: it does so for the count too."""

    scan: Any

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        import pyarrow as pa
        from pyiceberg.io.pyarrow import schema_to_pyarrow

        schema = schema_to_pyarrow(self.scan.projection())
        reader = pa.RecordBatchReader.from_batches(schema, self._batches(schema))
        return reader.__arrow_c_stream__(requested_schema)

    def _batches(self, schema: Any) -> Iterator[Any]:
        from pyiceberg.io.pyarrow import ArrowScan

        scan = self.scan
        reading = ArrowScan(scan.table_metadata, scan.io, scan.projection(), scan.row_filter)
        # One file after the other: of all at once the library holds what has not been asked for yet.
        for task in scan.plan_files():
            for batch in reading.to_record_batches([task]):
                yield batch.cast(schema)
