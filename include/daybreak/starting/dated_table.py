"""A table of the warehouse as somebody names it: found in the catalog, with the columns that they mean."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from daybreak.errors import SourceRefused
from daybreak.warehouse.database import rendered
from daybreak.warehouse.faults import is_transient, refused_by_source
from daybreak.warehouse.identifiers import as_written
from daybreak.warehouse.sql_file import SqlFile

# Tables and whatever else gives rows as they do: views, foreign tables, partitioned ones.
_TABLES = sa.text(
    "SELECT c.oid, n.nspname, c.relname, obj_description(c.oid, 'pg_class') "
    "FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'ledger') "
    "AND n.nspname !~ '^pg_(toast|temp)' ORDER BY 2, 3"
)
# Of a domain the type that it is made of.
_COLUMNS = sa.text(
    "SELECT a.attname, format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END, NULL), "
    "t.typtype = 'e', col_description(a.attrelid, a.attnum) "
    "FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid "
    "WHERE a.attrelid = :table AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
)
_PRIMARY = sa.text(
    "SELECT a.attname FROM pg_index AS i "
    "JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
    "WHERE i.indrelid = :table AND i.indisprimary ORDER BY array_position(i.indkey::smallint[], a.attnum)"
)
WHOLE = ("smallint", "integer", "bigint")
NUMBERS = (*WHOLE, "numeric", "real", "double precision")
TEXTS = ("text", "character varying", "character", "enumeration")
BOOLEAN = "boolean"
DATE, TIMESTAMP, INSTANT = "date", "timestamp without time zone", "timestamp with time zone"
# What tells rows apart, each with how a query gives it; a numeric is held as a double, which may lose digits.
_KEYS = {
    **dict.fromkeys((*WHOLE, "text", "character varying"), "{0}"),
    **dict.fromkeys(("character", "enumeration", "numeric", "uuid"), "{0}::text"),
    BOOLEAN: "{0}::integer",
}


@dataclass(frozen=True)
class Column:
    """One column of a table, its type by PostgreSQL's name, and what is said of it."""

    name: str
    type: str
    comment: str | None

    @property
    def written(self) -> str:
        """The column as a query names it."""
        return as_written(self.name)

    @property
    def as_key(self) -> str:
        """What a query gives of a column that tells rows apart."""
        return _KEYS[self.type].format(self.written)


@dataclass(frozen=True)
class FilesOf:
    """Files that make a table: of which source, by which pattern below its folder, and what a sentence calls them.

    ``setting`` is the command that names the source's folder, where nothing does so far.
    """

    source: str
    pattern: str
    shown: str
    setting: str | None = None


# Runs a query that binds :timezone, whose value comes second, and gives its rows by column.
Read = Callable[[str, str], Sequence[Mapping[str, Any]]]


class _Named:
    """What a table of the warehouse or of files is called."""

    schema: str
    name: str
    files: FilesOf | None

    @property
    def written(self) -> str:
        """The table as a query names it."""
        return as_written(self.name) if self.files else f"{as_written(self.schema)}.{as_written(self.name)}"

    @property
    def shown(self) -> str:
        """The table as a sentence names it."""
        return self.files.shown if self.files else f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Readable(_Named):
    """A table that can be read: its names, columns and primary key, and how its queries are run."""

    schema: str
    name: str
    comment: str | None
    columns: list[Column]
    read: Read
    primary: tuple[str, ...] = ()
    files: FilesOf | None = None


@dataclass(frozen=True)
class DatedTable(_Named):
    """A table with a row for each key and time: which columns are which; ``others`` are the rest of them."""

    schema: str
    name: str
    comment: str | None
    keys: tuple[Column, ...]
    target: Column
    time: Column
    others: tuple[Column, ...] = ()
    files: FilesOf | None = None


def in_warehouse(connection: Connection, wanted: str) -> Readable:
    """Find a table in the catalog; refuse what is not there, naming what is nearest.

    The table is named ``schema.table``, letter by letter or as a query would.
    """
    tables = [tuple(row) for row in connection.execute(_TABLES)]
    found = [row for row in tables if wanted in (f"{row[1]}.{row[2]}", f"{as_written(row[1])}.{as_written(row[2])}")]
    if not found:
        raise SourceRefused(
            f"There is no table {wanted} in the warehouse.",
            next_step=_nearest("--from-table", wanted, [f"{schema}.{name}" for _, schema, name, _ in tables])
            or "load one, or name the warehouse that has it in DAYBREAK_WAREHOUSE_URL.",
        )
    oid, schema, name, comment = found[0]
    columns = [
        Column(column, "enumeration" if enumeration else kind, said)
        for column, kind, enumeration, said in connection.execute(_COLUMNS, {"table": oid})
    ]
    primary = tuple(connection.execute(_PRIMARY, {"table": oid}).scalars())

    def read(query: str, timezone: str) -> Sequence[Mapping[str, Any]]:
        text = rendered(SqlFile(Path("rows.sql"), query, ()), {"timezone": timezone}).text
        try:
            return [dict(row) for row in connection.exec_driver_sql(text.replace("%", "%%")).mappings()]
        except sa.exc.DBAPIError as error:
            if is_transient(error):
                raise
            raise refused_by_source(error, "The table") from error

    return Readable(schema, name, comment, columns, read, primary)


def find_table(table: Readable, keys: Iterable[str], target: str, time: str) -> DatedTable:
    """Find the columns that somebody means; refuse what is not there, naming what is nearest."""
    columns, wanted = table.columns, table.shown
    key_columns = tuple(_column(columns, key, "--key", wanted) for key in dict.fromkeys(keys))
    target_column = _column(columns, target, "--target", wanted)
    time_column = _column(columns, time, "--time", wanted)
    used = (*key_columns, target_column, time_column)
    if twice := [column.name for column in used if used.count(column) > 1]:
        raise SourceRefused(
            f"Column {twice[0]} is named as more than one of key, target and time.",
            next_step="name columns that differ.",
        )
    _refuse_types(key_columns, time_column)
    others = tuple(column for column in columns if column not in used)
    return DatedTable(
        table.schema, table.name, table.comment, key_columns, target_column, time_column, others, table.files
    )


def _column(columns: list[Column], wanted: str, option: str, table: str) -> Column:
    named = [column for column in columns if wanted in (column.name, column.written)]
    alike = [column for column in columns if column.name.lower() == wanted.lower()]
    if named or len(alike) == 1:
        return (named or alike)[0]
    raise SourceRefused(
        f"Table {table} has no column {wanted}.",
        next_step=_nearest(option, wanted, [column.name for column in columns]) or "choose another table.",
    )


def _nearest(option: str, wanted: str, names: list[str]) -> str | None:
    """Name what is most like what was asked for, or else some of what there is."""
    by_lower = {name.lower(): name for name in names}
    if near := get_close_matches(wanted.lower(), by_lower, n=1):
        return f"is it {by_lower[near[0]]}? Say so with `{option}`."
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"choose `{option}` from {', '.join(names[:20])}{more}." if names else None


def _refuse_types(keys: Iterable[Column], time: Column) -> None:
    for key in keys:
        if key.type not in _KEYS:
            raise SourceRefused(
                f"Column {key.name} is {key.type}, which tells no rows apart.",
                next_step="choose as `--key` whole numbers, texts or a uuid, or make a view that casts it.",
            )
    if time.type not in (DATE, TIMESTAMP, INSTANT):
        raise SourceRefused(
            f"Column {time.name} is {time.type}, which is no time.",
            next_step="name as `--time` a column of type date, timestamp or timestamptz, or make a view that casts it.",
        )
