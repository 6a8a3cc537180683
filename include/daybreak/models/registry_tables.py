"""The registry's own tables in PostgreSQL, read and written without MLflow, whose import alone takes seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url

from daybreak.errors import ConfigurationError
from daybreak.models.registry_connection import registry_unavailable
from daybreak.warehouse.faults import INSUFFICIENT_PRIVILEGE, NOT_THERE, sqlstate
from daybreak.warehouse.waits import Waits

WORKSPACE = "default"
_UNDEFINED_COLUMN = "42703"
_metadata = sa.MetaData()

versions = sa.Table(
    "model_versions",
    _metadata,
    sa.Column("workspace", sa.String(63), primary_key=True),
    sa.Column("name", sa.String(256), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("creation_time", sa.BigInteger),
    sa.Column("current_stage", sa.String(20)),
    sa.Column("source", sa.String(500)),
    sa.Column("storage_location", sa.String(500)),
    sa.Column("run_id", sa.String(32)),
)
tags = sa.Table(
    "model_version_tags",
    _metadata,
    sa.Column("workspace", sa.String(63), primary_key=True),
    sa.Column("name", sa.String(256), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("key", sa.String(250), primary_key=True),
    sa.Column("value", sa.Text),
)
aliases = sa.Table(
    "registered_model_aliases",
    _metadata,
    sa.Column("workspace", sa.String(63), primary_key=True),
    sa.Column("name", sa.String(256), primary_key=True),
    sa.Column("alias", sa.String(256), primary_key=True),
    sa.Column("version", sa.Integer),
)
metrics = sa.Table(
    "latest_metrics",
    _metadata,
    sa.Column("run_uuid", sa.String(32), primary_key=True),
    sa.Column("key", sa.String(250), primary_key=True),
    sa.Column("value", sa.Float),
    sa.Column("is_nan", sa.Boolean),
)


class RegistryTables:
    """Connect to a registry's tables, on first use; what goes wrong there is one of our errors."""

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
        return waits.engine(pool_pre_ping=True)

    def close(self) -> None:
        """Give every connection back that is kept for later."""
        if "_engine" in self.__dict__:
            self._engine.dispose()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction. Raises NoTables where nothing was ever registered."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.OperationalError as error:
            raise registry_unavailable() from error
        except sa.exc.ProgrammingError as error:
            if sqlstate(error) in NOT_THERE:
                raise NoTables from error
            if sqlstate(error) == _UNDEFINED_COLUMN:
                raise ConfigurationError(
                    "The registry's tables are those of another release of MLflow.",
                    next_step="bring them up to date: `mlflow db upgrade` with the URL of DAYBREAK_REGISTRY_URL.",
                ) from error
            if sqlstate(error) == INSUFFICIENT_PRIVILEGE:
                raise ConfigurationError(
                    f"The login of DAYBREAK_REGISTRY_URL lacks a privilege in the registry ({_first_line(error)}).",
                    next_step="grant it: docs/your-postgresql.md lists what each role needs.",
                ) from error
            raise


class NoTables(Exception):
    """The registry's database has no tables yet, and so no models."""


def _first_line(error: sa.exc.ProgrammingError) -> str:
    return str(error.orig).strip().splitlines()[0]
