"""The aliases in the registry's own tables: read and moved without MLflow, whose import alone takes seconds."""

from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from daybreak.declaration.segments import ModelRef
from daybreak.errors import ModelRefused
from daybreak.models.registry_tables import WORKSPACE, NoTables, RegistryTables, aliases, versions


class AliasStore:
    """Read and move aliases in MLflow's SQL store."""

    def __init__(self, tables: RegistryTables) -> None:
        self._tables = tables

    def get(self, model: ModelRef) -> int | None:
        """Return the version that the alias points to, or None."""
        found: int | None = None
        with suppress(NoTables), self._tables.begin() as connection:
            found = connection.scalar(sa.select(aliases.c.version).where(*_of(model)))
        return found

    def set(self, model: ModelRef, version: int) -> None:
        """Point the alias to a version that there is."""
        moved = insert(aliases).values(workspace=WORKSPACE, name=model.name, alias=model.alias, version=version)
        moved = moved.on_conflict_do_update(
            index_elements=["workspace", "name", "alias"], set_={"version": moved.excluded.version}
        )
        known = sa.select(versions.c.version).where(
            versions.c.workspace == WORKSPACE, versions.c.name == model.name, versions.c.version == version
        )
        missing = ModelRefused(
            f"Model {model.name} has no version {version}.", next_step="choose one of `daybreak models`."
        )
        try:
            with self._tables.begin() as connection:
                if connection.scalar(known) is None:
                    raise missing
                connection.execute(moved)
        except NoTables:
            raise missing from None

    def remove(self, model: ModelRef) -> None:
        """Remove the alias; one that is not there is no error."""
        with suppress(NoTables), self._tables.begin() as connection:
            connection.execute(aliases.delete().where(*_of(model)))


def _of(model: ModelRef) -> tuple[sa.ColumnElement[bool], ...]:
    return aliases.c.workspace == WORKSPACE, aliases.c.name == model.name, aliases.c.alias == model.alias
