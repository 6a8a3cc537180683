"""Pinned tables: those whose every state has a number, read at one of them."""

from dataclasses import dataclass
from typing import Any

from daybreak.sources.file_tables import literal
from daybreak.warehouse.identifiers import quoted


@dataclass(frozen=True)
class Pinned:
    """A table at one version: whoever writes to it writes another, and disturbs nobody who reads this one.

    ``rows`` are what the engine reads, as often as it is asked to; an empty table may have no version.
    """

    table_id: str
    version: int | None
    rows: Any


def version_view(name: str, pinned: Pinned) -> str:
    """Return the statement that makes the view of a table's version, ``<name>_version``."""
    version = "NULL" if pinned.version is None else pinned.version
    return (
        f"CREATE VIEW {quoted(f'{name}_version')} AS SELECT {version}::bigint AS version, "
        f"{literal(pinned.table_id)} AS table_id"
    )
