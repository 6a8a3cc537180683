"""Delta tables: read at one version, of which the table's log says which files are in it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from daybreak.declaration.files import DeltaTable
from daybreak.errors import ConfigurationError, DaybreakError, SourceRefused, SourceUnavailable, on_one_line
from daybreak.sources.file_store import FileStore
from daybreak.sources.pinned_tables import Pinned

if TYPE_CHECKING:
    import pyarrow.dataset as pads

_MAPPING = "delta.columnMapping.mode"


def pin(store: FileStore, table: DeltaTable) -> Pinned:
    """Open a table at its newest version, or at the one that is declared.

    Raises ConfigurationError where the library, the folder or the bucket is missing, SourceRefused where the table or
    the version is, or what writes it uses what cannot be read, SourceUnavailable where the storage does not answer.
    """
    try:
        from deltalake import DeltaTable as Opened
    except ImportError as error:
        raise ConfigurationError(
            f"Delta table {table.path} of source {store.name} needs the package deltalake ({error}).",
            next_step="install it with the extra delta: see docs/sources.md.",
        ) from error
    store.refuse_missing()
    with _faults(store, table):
        opened = Opened(f"{store.root}/{table.path}")
        if table.version is not None:
            if table.version > opened.version():
                raise SourceRefused(
                    f"Delta table {table.path} of source {store.name} has no version {table.version}; "
                    f"its newest is {opened.version()}.",
                    next_step="declare one that there is, or none to read the newest.",
                )
            opened.load_as_version(table.version)
        _refuse_mapped(store, table, opened)
        return Pinned(str(opened.metadata().id), opened.version(), _in_order(opened.to_pyarrow_dataset()))


def _in_order(dataset: Any) -> "pads.Dataset":
    """Read the files by their names: in the log they stand in whatever order they were written or packed up in."""
    import pyarrow.dataset as pads

    fragments = sorted(dataset.get_fragments(), key=lambda fragment: fragment.path)
    return pads.FileSystemDataset(fragments, dataset.schema, dataset.format, dataset.filesystem)


def _refuse_mapped(store: FileStore, table: DeltaTable, opened: Any) -> None:
    # Files call columns otherwise then, which are read as missing values.
    if opened.metadata().configuration.get(_MAPPING, "none") != "none":
        raise SourceRefused(
            f"Delta table {table.path} of source {store.name} maps its columns to other names, which is not read.",
            next_step=f"write it anew with {_MAPPING} none.",
        )


def _told(error: Exception) -> str:
    # What led to what is on lines of their own, in colours, and a place in the library's code may follow.
    first, *others = re.sub(r"\x1b\[[0-9]+m", "", str(error)).strip().splitlines() or [""]
    return on_one_line(": ".join([first, *(line.split("↳")[1].strip() for line in others if "↳" in line)]))[:300]


@contextmanager
def _faults(store: FileStore, table: DeltaTable) -> Iterator[None]:
    from deltalake.exceptions import DeltaError, DeltaProtocolError, TableNotFoundError

    named = f"Delta table {table.path} of source {store.name}"
    try:
        yield
    except DaybreakError:
        raise
    except TableNotFoundError as error:
        raise SourceRefused(
            f"Source {store.name} has no Delta table {table.path}.",
            next_step=f"load it, or mend the path that is declared, or the folder that {store.setting} names.",
        ) from error
    except DeltaProtocolError as error:
        raise SourceRefused(
            f"{named} cannot be read ({_told(error)}).",
            next_step="write it anew without what is named, or have it copied to a table that does.",
        ) from error
    except OSError as error:
        raise SourceUnavailable(
            f"{named} could not be read ({_told(error)}).",
            next_step=f"it is tried again; if it lasts, check what {store.setting} names and the credentials for it.",
        ) from error
    except (DeltaError, ValueError) as error:
        version = "" if table.version is None else f" at version {table.version}"
        raise SourceRefused(
            f"{named} cannot be read{version} ({_told(error)}).",
            next_step="mend the table, or declare a version whose log is still there.",
        ) from error
