"""Table statements: what makes and alters the tables of predictions, each with a word on what it does."""

from collections.abc import Iterable
from dataclasses import dataclass

from daybreak.tables.layout import Column
from daybreak.tables.names import SCHEMA
from daybreak.warehouse.identifiers import quoted


@dataclass(frozen=True)
class Change:
    """One statement, and what it does in a few words."""

    statement: str
    says: str


def literal(text: str) -> str:
    """Write a text as a value."""
    return "'" + text.replace("'", "''") + "'" if "\\" not in text else _escaped(text)


def relation(name: str) -> str:
    """Write the name of a table or view of predictions as statements call it."""
    return f"{SCHEMA}.{quoted(name)}"


def listed(columns: Iterable[str]) -> str:
    """Write columns one after the other."""
    return ", ".join(map(quoted, columns))


def create_table(
    name: str, grain: str, columns: Iterable[Column], key: tuple[str, ...], unique: tuple[str, ...] | None
) -> Change:
    """Make a table; its ``grain`` says what one row of it is."""
    lines = [f"{quoted(c.name)} {c.type}{' NOT NULL' if c.required else ''}" for c in columns]
    lines += [f"PRIMARY KEY ({listed(key)})"] * bool(key)
    lines += [f"UNIQUE ({listed(unique)})"] if unique else []
    body = ",\n    ".join(lines)
    return Change(f"-- {grain}.\nCREATE TABLE {relation(name)} (\n    {body}\n)", f"make table {SCHEMA}.{name}")


def add_column(name: str, column: Column) -> Change:
    """Add a column that rows of before have nothing in."""
    return Change(
        f"ALTER TABLE {relation(name)} ADD COLUMN {quoted(column.name)} {column.type}",
        f"add column {column.name} ({column.type}) to {SCHEMA}.{name}",
    )


def change_type(name: str, column: str, old: str, new: str) -> Change:
    """Give a column a type that holds all that is in it."""
    return Change(
        f"ALTER TABLE {relation(name)} ALTER COLUMN {quoted(column)} TYPE {new}",
        f"turn column {column} of {SCHEMA}.{name} from {old} into {new}",
    )


def drop_not_null(name: str, column: str) -> Change:
    """Let a column be empty from now on."""
    return Change(
        f"ALTER TABLE {relation(name)} ALTER COLUMN {quoted(column)} DROP NOT NULL",
        f"let column {column} of {SCHEMA}.{name} be empty",
    )


def drop_constraint(name: str, constraint: str) -> Change:
    """Take a key away."""
    return Change(
        f"ALTER TABLE {relation(name)} DROP CONSTRAINT {quoted(constraint)}",
        f"drop key {constraint} of {SCHEMA}.{name}",
    )


def add_key(name: str, columns: tuple[str, ...], kind: str) -> Change:
    """Add a primary key or a unique constraint."""
    return Change(
        f"ALTER TABLE {relation(name)} ADD {kind} ({listed(columns)})",
        f"make {', '.join(columns)} {'the primary key' if kind == 'PRIMARY KEY' else 'unique'} in {SCHEMA}.{name}",
    )


def comment(kind: str, named: str, text: str, says: str) -> Change:
    """Say what something is for."""
    return Change(f"COMMENT ON {kind} {named} IS {literal(text)}", f"say what {says} is")


def _escaped(text: str) -> str:
    # A backslash means itself in a plain literal unless the server was set otherwise.
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
