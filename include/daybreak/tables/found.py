"""Found tables: what the database has of a pipeline's tables, views and functions, and who else depends on them."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from daybreak.tables.names import SCHEMA
from daybreak.warehouse.identifiers import quoted

_RELATION = sa.text(
    "SELECT found.oid, found.relkind, obj_description(found.oid, 'pg_class'), NULL FROM pg_class AS found "
    "WHERE found.relnamespace = to_regnamespace(:schema) AND found.relname = :name"
)
_FUNCTION = sa.text(
    "SELECT found.oid, 'p', obj_description(found.oid, 'pg_proc'), found.prosrc FROM pg_proc AS found "
    "WHERE found.pronamespace = to_regnamespace(:schema) AND found.proname = :name "
    "AND oidvectortypes(found.proargtypes) = 'timestamp with time zone'"
)
_COLUMNS = sa.text(
    "SELECT attname, format_type(atttypid, atttypmod), attnotnull, coalesce(col_description(attrelid, attnum), '') "
    "FROM pg_attribute WHERE attrelid = :oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)
_RETURNED = sa.text(
    "SELECT names.name, format_type(types.kind, -1), false, '' FROM pg_proc AS found "
    "CROSS JOIN unnest(found.proargnames) WITH ORDINALITY AS names (name, place) "
    "INNER JOIN unnest(found.proallargtypes) WITH ORDINALITY AS types (kind, place) USING (place) "
    "INNER JOIN unnest(found.proargmodes) WITH ORDINALITY AS modes (mode, place) USING (place) "
    "WHERE found.oid = :oid AND modes.mode = 't' ORDER BY names.place"
)
_CONSTRAINTS = sa.text(
    "SELECT conname, contype, ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid "
    "AND attnum = ANY (conkey) ORDER BY array_position(conkey, attnum)) "
    "FROM pg_constraint WHERE conrelid = :oid AND contype IN ('p', 'u') ORDER BY contype, conname"
)
# Views hang on a relation by their rule, everything else by itself. A trigger on a view would go with it unseen.
_DEPENDENTS = sa.text(
    "SELECT DISTINCT described.type || ' ' || described.identity FROM pg_depend AS link "
    "LEFT JOIN pg_rewrite AS rule ON link.classid = 'pg_rewrite'::regclass AND rule.oid = link.objid "
    "LEFT JOIN pg_trigger AS fired ON link.classid = 'pg_trigger'::regclass AND fired.oid = link.objid "
    "CROSS JOIN LATERAL pg_identify_object(CASE WHEN rule.oid IS NULL THEN link.classid ELSE 'pg_class'::regclass END, "
    "coalesce(rule.ev_class, link.objid), 0) AS described "
    "WHERE link.refclassid = CAST(:catalog AS regclass) AND link.refobjid = :oid "
    "AND (link.deptype = 'n' OR (link.deptype = 'a' AND NOT fired.tgisinternal)) "
    "AND rule.ev_class IS DISTINCT FROM :oid AND rule.ev_class IS DISTINCT FROM :but ORDER BY 1"
)
_READS = sa.text(
    "SELECT EXISTS (SELECT FROM pg_depend AS link INNER JOIN pg_rewrite AS rule ON rule.oid = link.objid "
    "WHERE link.classid = 'pg_rewrite'::regclass AND rule.ev_class = :view AND link.refobjid = :table)"
)


@dataclass(frozen=True)
class FoundColumn:
    """A column as it is; without a comment where nothing is said of it."""

    name: str
    type: str
    required: bool
    comment: str


@dataclass(frozen=True)
class Constraint:
    """A primary key (``p``) or a unique constraint (``u``) and its columns, in order."""

    name: str
    kind: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """A relation or function of schema predictions: kind ``r`` is a table, ``v`` a view, ``p`` a function.

    The ``body`` is a function's text, as it was written.
    """

    oid: int
    kind: str
    comment: str | None
    body: str | None
    columns: dict[str, FoundColumn]

    @property
    def types(self) -> dict[str, str]:
        """The columns' types by name, in order."""
        return {column.name: column.type for column in self.columns.values()}


def find_relation(connection: Connection, name: str) -> Found | None:
    """Return the table or view of a name."""
    return _found(connection, _RELATION, _COLUMNS, name)


def find_function(connection: Connection, name: str) -> Found | None:
    """Return the function of a name that takes an instant, with the columns that it returns."""
    return _found(connection, _FUNCTION, _RETURNED, name)


def find_constraints(connection: Connection, table: Found) -> list[Constraint]:
    """Return the keys of a table."""
    return [Constraint(row[0], row[1], tuple(row[2])) for row in connection.execute(_CONSTRAINTS, {"oid": table.oid})]


def dependents(connection: Connection, found: Found, but: Found | None = None) -> list[str]:
    """Name what depends on a relation or function, itself and one other left out."""
    catalog = "pg_proc" if found.kind == "p" else "pg_class"
    values = {"catalog": catalog, "oid": found.oid, "but": but.oid if but else 0}
    return list(connection.scalars(_DEPENDENTS, values))


def reads(connection: Connection, view: Found, table: Found) -> bool:
    """Tell whether a view reads a table."""
    return bool(connection.scalar(_READS, {"view": view.oid, "table": table.oid}))


def has_rows(connection: Connection, name: str) -> bool:
    """Tell whether a table of schema predictions has a row."""
    return bool(connection.exec_driver_sql(f"SELECT EXISTS (SELECT FROM {_relation(name)})").scalar())


def is_unique(connection: Connection, name: str, columns: tuple[str, ...]) -> bool:
    """Tell whether columns have a value in every row of a table, and never the same ones twice."""
    listed = ", ".join(map(quoted, columns)).replace("%", "%%")
    empty = " OR ".join(f"{quoted(column)} IS NULL" for column in columns).replace("%", "%%")
    table = _relation(name)
    statement = (
        f"SELECT EXISTS (SELECT FROM {table} WHERE {empty}) "
        f"OR EXISTS (SELECT FROM {table} GROUP BY {listed} HAVING count(*) > 1)"
    )
    return not connection.exec_driver_sql(statement).scalar()


def _relation(name: str) -> str:
    return f"{SCHEMA}.{quoted(name)}"


def _found(connection: Connection, statement: sa.TextClause, columns: sa.TextClause, name: str) -> Found | None:
    row = connection.execute(statement, {"schema": SCHEMA, "name": name}).first()
    if row is None:
        return None
    found = [FoundColumn(*column) for column in connection.execute(columns, {"oid": row[0]})]
    return Found(row[0], row[1], row[2], row[3], {column.name: column for column in found})
