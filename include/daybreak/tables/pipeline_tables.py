"""Pipeline tables: see to the table, shadow table, view and function of a pipeline, as its declaration wants them.

All in one transaction under a lock of the pipeline's: a process that dies leaves them as they were, and of two at once
one finds that nothing is left to do.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError
from daybreak.sources.source import Source
from daybreak.tables.layout import lay_out
from daybreak.tables.names import predictions_table, shadow_table
from daybreak.tables.statements import Change, relation
from daybreak.tables.to_make import changes_to
from daybreak.tables.views_file import load_views
from daybreak.warehouse import described as describing
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.faults import is_transient, sqlstate
from daybreak.warehouse.roles import give_to_roles
from daybreak.warehouse.sql_file import SqlFile, load_sql

_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name || '/tables', 0))")
_CURRENT = sa.text(
    "SELECT digest = :digest AND to_regclass(:runs) IS NOT NULL AND to_regclass(:view) IS NOT NULL "
    "AND (CAST(:shadow AS text) IS NULL OR to_regclass(:shadow) IS NOT NULL) "
    "FROM ledger.migrations WHERE name = :name || '/tables'"
)
_REMEMBER = sa.text(
    "INSERT INTO ledger.migrations (name, digest) VALUES (:name || '/tables', :digest) "
    "ON CONFLICT (name) DO UPDATE SET digest = excluded.digest, applied_at = clock_timestamp()"
)


@dataclass(frozen=True)
class PipelineTables:
    """What one pipeline's tables follow from: its declaration, its extract.sql and its views.sql, if it has one."""

    warehouse: Warehouse
    pipeline: Pipeline
    extract: SqlFile
    views: SqlFile | None
    source: Source

    @staticmethod
    def of(warehouse: Warehouse, pipeline: Pipeline, folder: Path, source: Source) -> "PipelineTables":
        """Read the SQL files of a pipeline from their folder."""
        extract, views = load_sql(folder / "extract.sql"), load_views(folder / "views.sql")
        return PipelineTables(warehouse, pipeline, extract, views, source)

    @property
    def digest(self) -> str:
        """SHA-256 of all that the tables follow from."""
        pipeline = self.pipeline
        declared = [
            *(pipeline.name, pipeline.description, pipeline.entity_key, pipeline.carries, pipeline.upstream),
            *(repr(pipeline.prediction), repr(pipeline.model), repr(pipeline.top), pipeline.shadow),
            *(pipeline.source, repr(pipeline.files)),
            *(sorted(pipeline.columns.items()), self.extract.digest, self.views and self.views.digest),
        ]
        return hashlib.sha256(json.dumps([_generator(), *declared]).encode()).hexdigest()

    def see_to(self, binds: dict[str, Any], *, anyway: bool = False) -> list[Change]:
        """Bring the tables along; return what was done.

        Costs one look-up where nothing of what they follow from has changed; ``anyway`` looks at the source and at the
        tables all the same. Raises ConfigurationError where something would be lost, SourceRefused where the query
        cannot be read or gives what cannot be kept.
        """
        if not anyway and self._is_current():
            return []
        described = self.source.describe(self.extract, binds)
        layout = lay_out(self.pipeline, described)
        with self.warehouse.begin() as connection:
            connection.execute(_LOCK, {"name": self.pipeline.name})
            if not anyway and self._current(connection):
                return []
            changes = changes_to(self.warehouse, connection, layout, self.views, holding=True)
            for change in changes:
                self._apply(connection, change)
            if changes:
                give_to_roles(connection)
            connection.execute(_REMEMBER, {"name": self.pipeline.name, "digest": self.digest})
        return changes

    def foresee(self, binds: dict[str, Any]) -> list[Change]:
        """Return what ``see_to`` would do, without doing it."""
        layout = lay_out(self.pipeline, self.source.describe(self.extract, binds))
        with self.warehouse.begin() as connection:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            return changes_to(self.warehouse, connection, layout, self.views, holding=False)

    def _is_current(self) -> bool:
        with self.warehouse.begin() as connection:
            return self._current(connection)

    def _current(self, connection: Connection) -> bool:
        values = {
            "name": self.pipeline.name,
            "digest": self.digest,
            "runs": predictions_table(self.pipeline),
            "view": relation(self.pipeline.name),
            "shadow": shadow_table(self.pipeline) if self.pipeline.shadow else None,
        }
        return bool(connection.scalar(_CURRENT, values))

    def _apply(self, connection: Connection, change: Change) -> None:
        try:
            connection.exec_driver_sql(change.statement.replace("%", "%%"))
        except sa.exc.DBAPIError as error:
            if is_transient(error):
                raise
            diagnosis = getattr(error.orig, "diag", None)
            told = [getattr(diagnosis, part, None) for part in ("message_primary", "message_detail")]
            allowed = sqlstate(error) != "42501"
            by = "mend it" if allowed else "have it done by a role that may"
            raise ConfigurationError(
                f"PostgreSQL would not {change.says}: {'; '.join(text for text in told if text)}.",
                next_step=f"{by}; `daybreak tables {self.pipeline.name} --dry-run` shows the statements.",
                pipeline=self.pipeline.name,
            ) from error


@cache
def _generator() -> str:
    """Return a digest of the code that makes the statements: where it changes, the tables are looked at again."""
    digest = hashlib.sha256()
    for path in (*sorted(Path(__file__).parent.glob("*.py")), Path(describing.__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()
