"""Table changes: what brings a table of predictions to what its pipeline declares, without losing anything."""

from collections.abc import Iterator, Sequence

from sqlalchemy.engine import Connection

from daybreak.errors import ConfigurationError
from daybreak.tables.column_types import holds
from daybreak.tables.found import Constraint, Found, find_constraints, is_unique
from daybreak.tables.layout import Column, Layout
from daybreak.tables.names import SCHEMA, runs_name, shadow_name
from daybreak.tables.statements import (
    Change,
    add_column,
    add_key,
    change_type,
    comment,
    create_table,
    drop_constraint,
    drop_not_null,
    relation,
)
from daybreak.warehouse.identifiers import quoted


def make_runs(layout: Layout) -> list[Change]:
    """Make the table of every run's predictions."""
    name = runs_name(layout.pipeline)
    grain = layout.grain.replace("per partition", "per run")
    made = create_table(name, grain, layout.columns, layout.key, layout.places)
    return [made, *_comments(name, _about_runs(layout), layout.columns, None)]


def change_runs(connection: Connection, layout: Layout, found: Found) -> list[Change]:
    """Bring the table of every run's predictions along; ``refuse_loss`` has let it through."""
    name = runs_name(layout.pipeline)
    constraints = find_constraints(connection, found)
    changes = [
        drop_constraint(name, constraint.name)
        for constraint in constraints
        if (constraint.kind == "p" and set(constraint.columns) != set(layout.key))
        or (_of_ranks(constraint) and constraint.columns != layout.places)
    ]
    dropped = {change.statement for change in changes}
    standing = [c for c in constraints if drop_constraint(name, c.name).statement not in dropped]
    changes += _columns(name, layout.columns, found)
    if not any(constraint.kind == "p" for constraint in standing):
        changes.append(add_key(name, layout.key, "PRIMARY KEY"))
    if layout.places and not any(_of_ranks(constraint) for constraint in standing):
        changes.append(add_key(name, layout.places, "UNIQUE"))
    return [*changes, *_comments(name, _about_runs(layout), layout.columns, found)]


def shadow_changes(connection: Connection, layout: Layout, found: Found | None, types: dict[str, str]) -> list[Change]:
    """Make or bring along the table that challengers' predictions go to; ``types`` are those of the champion's table.

    It has no key, which would be kept in order while rows are written: they are those of a run whose predictions have
    one, and a run's rows lie together, which is all that the index has to know.
    """
    name, wanted = shadow_name(layout.pipeline), layout.shadow or ()
    wanted = tuple(Column(c.name, types.get(c.name, c.type), c.comment, c.name == "run_id") for c in wanted)
    about = "What challengers predicted for the rows of a run. Never published: read "
    about += f"{SCHEMA}.{layout.pipeline.name} instead."
    changes: list[Change] = []
    if found is None:
        grain = layout.grain.replace("per partition", "per run")
        changes.append(create_table(name, grain, wanted, (), None))
    else:
        changes += [drop_constraint(name, each.name) for each in find_constraints(connection, found)]
        changes += _columns(name, wanted, found)
    if found is None or not has_index(connection, found):
        changes.append(
            Change(
                f"CREATE INDEX ON {relation(name)} USING brin (run_id) WITH (autosummarize = on)",
                f"index {SCHEMA}.{name} by run",
            )
        )
    return [*changes, *_comments(name, about, wanted, found)]


def refuse_loss(connection: Connection, layout: Layout, found: Found) -> None:
    """Refuse a declaration to which the table's rows cannot be brought, saying where they differ."""
    pipeline, name = layout.pipeline, runs_name(layout.pipeline)
    problems: list[str] = []
    steps: list[str] = []
    for column in layout.columns:
        known = found.columns.get(column.name)
        if known is None:
            if column.name in layout.key:
                problems.append(f"they have no {column.name}, which is part of the entity key")
            elif column.name == pipeline.prediction.column:
                problems.append(f"they have no {column.name}, which is what is predicted")
        elif not holds(column.type, known.type) and not holds(known.type, column.type):
            problems.append(
                f"{column.name} is {known.type} in them and {column.type} in the declaration or extract.sql"
            )
            if column.name not in ("run_id", "rank", *pipeline.prediction.columns):
                steps.append(f"{column.name}::{known.type} AS {column.name}")
    keys = [each for each in find_constraints(connection, found) if each.kind == "p"]
    key_is_there = all(column in found.columns for column in layout.key)
    proven = any(set(key.columns) <= set(layout.key) for key in keys) and all(
        found.columns[column].required for column in layout.key if key_is_there
    )
    if key_is_there and not proven and not is_unique(connection, name, layout.key):
        problems.append(f"{', '.join(pipeline.entity_key)} is empty or the same in several of a run")
    if problems:
        cast = f"write {', '.join(steps)} in extract.sql, or " if steps else ""
        raise ConfigurationError(
            f"{SCHEMA}.{name} holds rows that the declaration does not fit: {'; '.join(problems)}.",
            next_step=f"{cast}declare what was published as before, or under another pipeline's name what is new.",
            pipeline=pipeline.name,
        )


def refuse_foreign(layout: Layout, found: Found, name: str) -> None:
    """Refuse a relation that stands where a table of ours is to be."""
    run_id = found.columns.get("run_id")
    if found.kind != "r" or run_id is None or run_id.type != "bigint":
        raise ConfigurationError(
            f"{SCHEMA}.{name} is there, and is no table of predictions.",
            next_step="rename it, or the pipeline.",
            pipeline=layout.pipeline.name,
        )


def has_index(connection: Connection, found: Found) -> bool:
    """Tell whether a table's rows can be found by their run."""
    statement = (
        "SELECT EXISTS (SELECT FROM pg_index AS found INNER JOIN pg_attribute AS columns "
        "ON columns.attrelid = found.indrelid AND columns.attnum = found.indkey[0] "
        f"INNER JOIN pg_class AS indexes ON indexes.oid = found.indexrelid WHERE found.indrelid = {found.oid:d} "
        "AND columns.attname = 'run_id' AND indexes.relam = (SELECT oid FROM pg_am WHERE amname = 'brin'))"
    )
    return bool(connection.exec_driver_sql(statement).scalar())


def _of_ranks(constraint: Constraint) -> bool:
    return constraint.kind == "u" and constraint.columns[0] == "run_id" and constraint.columns[-1] == "rank"


def _columns(name: str, wanted: Sequence[Column], found: Found) -> Iterator[Change]:
    for column in wanted:
        known = found.columns.get(column.name)
        if known is None:
            yield add_column(name, column)
            continue
        if not holds(known.type, column.type):
            yield change_type(name, column.name, known.type, column.type)
        if known.required and not column.required:
            yield drop_not_null(name, column.name)
    names = {column.name for column in wanted}
    # What is not written any more stays, and may be empty.
    for known in found.columns.values():
        if known.name not in names and known.required:
            yield drop_not_null(name, known.name)


def _about_runs(layout: Layout) -> str:
    return f"Predictions of every run, current or not. Read {SCHEMA}.{layout.pipeline.name} instead."


def _comments(name: str, about: str, columns: Sequence[Column], found: Found | None) -> Iterator[Change]:
    if found is None or found.comment != about:
        yield comment("TABLE", relation(name), about, f"{SCHEMA}.{name}")
    for column in columns:
        known = found.columns.get(column.name) if found else None
        if known is None or known.comment != column.comment:
            place = f"{relation(name)}.{quoted(column.name)}"
            yield comment("COLUMN", place, column.comment, f"{column.name} in {SCHEMA}.{name}")
