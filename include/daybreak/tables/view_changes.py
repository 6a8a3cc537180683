"""View changes: what brings a pipeline's view and function along, without taking anything from those who read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from daybreak.errors import ConfigurationError
from daybreak.tables.found import Found, dependents, find_function, find_relation, reads
from daybreak.tables.granted import granted_again
from daybreak.tables.layout import Layout, Shown
from daybreak.tables.names import SCHEMA
from daybreak.tables.statements import Change, comment, relation
from daybreak.tables.view_statements import (
    about_function,
    about_view,
    comment_columns,
    create_ever,
    create_function,
    create_view,
    drop_ever,
    drop_function,
    drop_view,
    ever,
    function,
    select_shown,
)
from daybreak.warehouse.described import Described, without_length
from daybreak.warehouse.sql_file import SqlFile


@dataclass(frozen=True)
class ViewChanges:
    """What is done before the table is changed, and what after it."""

    before: list[Change]
    after: list[Change]
    query_is_new: bool = False


def found_view(connection: Connection, layout: Layout, table: Found | None) -> Found | None:
    """Return the pipeline's view; refuse what is there under its name and does not show its table."""
    name = layout.pipeline.name
    view = find_relation(connection, name)
    if view is not None and (view.kind != "v" or table is None or not reads(connection, view, table)):
        raise ConfigurationError(
            f"{SCHEMA}.{name} is there, and is no view of {SCHEMA}.{name}_runs.",
            next_step="rename it, or the pipeline.",
            pipeline=name,
        )
    return view


def shown_columns(
    layout: Layout, published: Sequence[Shown], described: Sequence[Described] | None, view: Found | None
) -> list[Shown]:
    """Return the view's columns in order: those that it has keep their places, what is new comes after them."""
    if described is None:
        shown = list(published)
    else:
        of_published = {column.name: column.comment for column in published}
        own = f"As sql/{layout.pipeline.name}/views.sql reckons it."
        shown = [
            Shown(c.name, c.type, layout.pipeline.columns.get(c.name) or of_published.get(c.name) or own, "")
            for c in described
        ]
    places = {name: place for place, name in enumerate(view.columns if view else ())}
    return sorted(shown, key=lambda column: places.get(column.name, len(places)))


def view_changes(
    connection: Connection,
    layout: Layout,
    view: Found | None,
    published: Sequence[Shown],
    shown: Sequence[Shown],
    views: SqlFile | None,
    *,
    retyped: bool,
) -> ViewChanges:
    """Return what brings the view and the function along.

    ``retyped`` tells that a column of the table gets another type, which no view may look at meanwhile. PostgreSQL
    keeps a function's text as it was written, and a view's not: where the one has its text, the other has its query.
    """
    names = [column.name for column in shown]
    query = select_shown(layout, published, names, views, then=True)
    of_function = _function_changes(connection, layout, shown, query)
    of_ever = _ever_changes(connection, layout, published, anew=retyped or of_function.query_is_new)
    of_view = ViewChanges([], [])
    name = relation(layout.pipeline.name)
    replaced = view is not None and not retyped and _begins(shown, view.types)
    if view is None or not replaced or of_function.query_is_new or list(view.columns) != names:
        of_view.after.append(create_view(layout, select_shown(layout, published, names, views, then=False)))
    if view is not None and not replaced:
        _refuse_dependents(connection, layout, view, f"{SCHEMA}.{layout.pipeline.name}")
        of_view.before.append(drop_view(layout))
        of_view.after.extend(given_back(connection, view, name, set(names)))
    there = view if replaced else None
    if there is None or there.comment != about_view(layout):
        of_view.after.append(comment("VIEW", name, about_view(layout), f"{SCHEMA}.{layout.pipeline.name}"))
    said = {column.name: column.comment for column in there.columns.values()} if there else {}
    of_view.after.extend(comment_columns(layout, shown, said))
    return ViewChanges(
        [*of_function.before, *of_ever.before, *of_view.before],
        [*of_view.after, *of_ever.after, *of_function.after],
    )


def _ever_changes(connection: Connection, layout: Layout, published: Sequence[Shown], *, anew: bool) -> ViewChanges:
    name = ever(layout)
    found = find_relation(connection, name)
    if found is None:
        return ViewChanges([], create_ever(layout, published))
    if found.kind != "v":
        raise ConfigurationError(
            f"{SCHEMA}.{name} is there, and is no view.",
            next_step="rename it, or the pipeline.",
            pipeline=layout.pipeline.name,
        )
    if not anew:
        return ViewChanges([], [])
    _refuse_dependents(connection, layout, found, f"{SCHEMA}.{name}")
    return ViewChanges([drop_ever(layout)], create_ever(layout, published))


def _function_changes(connection: Connection, layout: Layout, shown: Sequence[Shown], query: str) -> ViewChanges:
    name = f"{layout.pipeline.name}_as_of"
    found = find_function(connection, name)
    types = {column.name: without_length(column.type) for column in shown}
    made = create_function(layout, [replace(column, type=types[column.name]) for column in shown], query)
    same = found is not None and list(found.types.items()) == list(types.items())
    changes = ViewChanges([], [], query_is_new=not same or found is None or found.body != f"\n{query}\n")
    if changes.query_is_new:
        changes.after.append(made)
    if found is not None and not same:
        _refuse_dependents(connection, layout, found, f"{SCHEMA}.{name}")
        changes.before.append(drop_function(layout))
        changes.after.extend(given_back(connection, found, function(layout), set(types)))
    if found is None or not same or found.comment != about_function(layout):
        changes.after.append(comment("FUNCTION", function(layout), about_function(layout), f"{SCHEMA}.{name}"))
    return changes


def _begins(shown: Sequence[Shown], types: Mapping[str, str]) -> bool:
    """Tell whether a view can be replaced in place: its columns are the first ones, and of the same types."""
    wanted = [(column.name, _comparable(column.type)) for column in shown]
    return wanted[: len(types)] == [(name, _comparable(kind)) for name, kind in types.items()]


def _comparable(kind: str) -> str:
    # The precision of a time is not told of a query that is only described.
    return without_length(kind) if kind.startswith(("time", "interval")) else kind


def given_back(connection: Connection, found: Found, name: str, kept: set[str]) -> list[Change]:
    """Give what is made anew the owner and the grants that it had."""
    statements = granted_again(connection, found, name, kept)
    return [Change(statement, f"give back: {statement}") for statement in statements]


def _refuse_dependents(connection: Connection, layout: Layout, found: Found, name: str) -> None:
    if others := dependents(connection, found):
        raise ConfigurationError(
            f"{name} has to be made anew, and others depend on it: {', '.join(others)}.",
            next_step=f"drop them, run `daybreak tables {layout.pipeline.name}`, and make them again.",
            pipeline=layout.pipeline.name,
        )
