"""The aliases in the registry's own tables: read and moved without MLflow, whose import alone takes seconds."""

from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Engine, make_url

from daybreak.declaration.segments import ModelRef
from daybreak.errors import ConfigurationError, ModelRefused
from daybreak.models.registry_connection import registry_unavailable
from daybreak.warehouse.waits import Waits

_WORKSPACE = "default"
_metadata = sa.MetaData()
_aliases = sa.Table(
    "registered_model_aliases",
    _metadata,
    sa.Column("workspace", sa.String(63), primary_key=True),
    sa.Column("name", sa.String(256), primary_key=True),
    sa.Column("alias", sa.String(256), primary_key=True),
    sa.Column("version", sa.Integer),
)
_versions = sa.Table(
    "model_versions",
    _metadata,
    sa.Column("workspace", sa.String(63), primary_key=True),
    sa.Column("name", sa.String(256), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
)


class AliasStore:
    """Read and move aliases in MLflow's SQL store."""

    def __init__(self, url: str, lock_timeout_seconds: float = 60) -> None:
        self._url = url
        self._lock_timeout_seconds = lock_timeout_seconds

    @cached_property
    def _engine(self) -> Engine:
        url = make_url(self._url)
        if not url.drivername.startswith("postgresql"):
            raise ConfigurationError(
                f"Aliases are moved in the registry's PostgreSQL store, not through {url.drivername}.",
                next_step="set DAYBREAK_REGISTRY_URL to the database of the registry.",
            )
        waits = Waits(url.set(drivername="postgresql+psycopg2"), self._lock_timeout_seconds)
        return waits.engine(poolclass=sa.NullPool)

    def get(self, model: ModelRef) -> int | None:
        """Return the version that the alias points to, or None."""
        try:
            with self._engine.connect() as connection:
                found: int | None = connection.scalar(sa.select(_aliases.c.version).where(*_of(model)))
        except sa.exc.ProgrammingError:  # a registry that nothing was ever registered in has no tables
            return None
        except sa.exc.OperationalError as error:
            raise registry_unavailable() from error
        return found

    def set(self, model: ModelRef, version: int) -> None:
        """Point the alias to a version that there is."""
        moved = insert(_aliases).values(workspace=_WORKSPACE, name=model.name, alias=model.alias, version=version)
        moved = moved.on_conflict_do_update(
            index_elements=["workspace", "name", "alias"], set_={"version": moved.excluded.version}
        )
        known = sa.select(_versions.c.version).where(
            _versions.c.workspace == _WORKSPACE, _versions.c.name == model.name, _versions.c.version == version
        )
        try:
            with self._engine.begin() as connection:
                if connection.scalar(known) is None:
                    raise ModelRefused(
                        f"Model {model.name} has no version {version}.", next_step="choose one of `daybreak models`."
                    )
                connection.execute(moved)
        except sa.exc.OperationalError as error:
            raise registry_unavailable() from error

    def remove(self, model: ModelRef) -> None:
        """Remove the alias; one that is not there is no error."""
        try:
            with self._engine.begin() as connection:
                connection.execute(_aliases.delete().where(*_of(model)))
        except sa.exc.OperationalError as error:
            raise registry_unavailable() from error


def _of(model: ModelRef) -> tuple[sa.ColumnElement[bool], ...]:
    return _aliases.c.workspace == _WORKSPACE, _aliases.c.name == model.name, _aliases.c.alias == model.alias
