"""Stored versions: read from the registry's own tables, four short queries instead of MLflow's client and its store."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from daybreak.declaration.segments import ModelRef
from daybreak.models.found import FoundVersion
from daybreak.models.registry_tables import WORKSPACE, NoTables, RegistryTables, aliases, metrics, tags, versions

# How MLflow marks a version that was deleted; its row stays.
_DELETED = "Deleted_Internal"
_LOGGED_MODEL = "models:/"


class StoredVersions:
    """Look versions up in MLflow's SQL store."""

    def __init__(self, tables: RegistryTables) -> None:
        self._tables = tables

    def get(self, name: str, version: int) -> FoundVersion | None:
        """Return one version of a model, or None."""
        return next(iter(self._found(name, versions.c.version == version)), None)

    def pointed_to(self, model: ModelRef) -> FoundVersion | None:
        """Return the version that the alias points to, or None."""
        pointed = (
            sa.select(aliases.c.version)
            .where(aliases.c.workspace == WORKSPACE, aliases.c.name == model.name, aliases.c.alias == model.alias)
            .scalar_subquery()
        )
        return next(iter(self._found(model.name, versions.c.version == pointed)), None)

    def all(self, name: str) -> list[FoundVersion]:
        """List the versions of a model, the newest first."""
        return self._found(name, sa.true())

    def metrics(self, run_id: str) -> Mapping[str, float]:
        """Return the metrics of the run that a version came from; none where the run was removed."""
        try:
            with self._tables.begin() as connection:
                rows = connection.execute(sa.select(metrics).where(metrics.c.run_uuid == run_id))
                return {row.key: float("nan") if row.is_nan else row.value for row in rows}
        except NoTables:
            return {}

    def _found(self, name: str, which: sa.ColumnElement[bool]) -> list[FoundVersion]:
        of_model = versions.c.workspace == WORKSPACE, versions.c.name == name
        kept = versions.c.current_stage.is_distinct_from(_DELETED)
        try:
            with self._tables.begin() as connection:
                wanted = sa.select(versions).where(*of_model, kept, which).order_by(versions.c.version.desc())
                rows = connection.execute(wanted).all()
                numbers = [row.version for row in rows]
                tagged = _tags(connection, name, numbers)
                named = _aliases(connection, name, numbers)
        except NoTables:
            return []
        return [
            FoundVersion(
                name=row.name,
                version=row.version,
                source=str(row.source),
                location=_location(str(row.source), row.storage_location),
                run_id=row.run_id or None,
                registered=datetime.fromtimestamp((row.creation_time or 0) / 1000, UTC),
                tags=tagged[row.version],
                aliases=tuple(named[row.version]),
            )
            for row in rows
        ]


def _tags(connection: Connection, name: str, numbers: list[int]) -> dict[int, dict[str, str]]:
    of_them = tags.c.workspace == WORKSPACE, tags.c.name == name, tags.c.version.in_(numbers)
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for row in connection.execute(sa.select(tags.c.version, tags.c.key, tags.c.value).where(*of_them)):
        found[row.version][row.key] = row.value
    return found


def _aliases(connection: Connection, name: str, numbers: list[int]) -> dict[int, list[str]]:
    of_them = aliases.c.workspace == WORKSPACE, aliases.c.name == name, aliases.c.version.in_(numbers)
    found: dict[int, list[str]] = defaultdict(list)
    wanted = sa.select(aliases.c.version, aliases.c.alias).where(*of_them).order_by(aliases.c.alias)
    for row in connection.execute(wanted):
        found[row.version].append(row.alias)
    return found


def _location(source: str, storage_location: str | None) -> str:
    return storage_location or source if source.startswith(_LOGGED_MODEL) else source
