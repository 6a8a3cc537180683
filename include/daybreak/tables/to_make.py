"""Tables to make: all that is to be done to a pipeline's tables, in the order in which PostgreSQL allows it."""

from collections.abc import Mapping

from sqlalchemy.engine import Connection

from daybreak.errors import ConfigurationError
from daybreak.tables.changes import change_runs, make_runs, refuse_foreign, refuse_loss, shadow_changes
from daybreak.tables.column_types import holds
from daybreak.tables.found import Found, FoundColumn, find_relation, has_rows
from daybreak.tables.layout import Column, Layout, Shown, published
from daybreak.tables.names import SCHEMA, runs_name, shadow_name
from daybreak.tables.statements import Change, relation
from daybreak.tables.view_changes import found_view, given_back, shown_columns, view_changes
from daybreak.tables.views_file import describe_views
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.sql_file import SqlFile


def changes_to(
    warehouse: Warehouse,
    connection: Connection,
    layout: Layout,
    views: SqlFile | None,
    *,
    holding: bool,
) -> list[Change]:
    """Return what brings the tables to their layout, nothing where they have it.

    ``holding`` tells that a table may be locked against the rows of others while it is looked at.
    """
    runs, shadow = runs_name(layout.pipeline), shadow_name(layout.pipeline)
    table, shadowed = find_relation(connection, runs), find_relation(connection, shadow)
    if table is not None:
        refuse_foreign(layout, table, runs)
    if shadowed is not None and layout.shadow:
        refuse_foreign(layout, shadowed, shadow)
    view = found_view(connection, layout, table)
    anew: list[Change] = []
    if table is not None:
        try:
            refuse_loss(connection, layout, table)
        except ConfigurationError:
            there = [runs, *([shadow] if shadowed and layout.shadow else [])]
            if not _empty(connection, there, holding=holding):
                raise
            # Nothing is lost by making a table anew that nothing was written to yet.
            anew = [_drop_table(name) for name in there]
    known = {} if table is None or anew else table.types
    types = {c.name: _kept_type(known.get(c.name), c.type) for c in layout.columns}
    shown_of = published(layout, [] if table is None or anew else _kept(layout, table, view, views), types)
    described = None if views is None else describe_views(warehouse, views, shown_of)
    shown = shown_columns(layout, shown_of, described, view)
    _refuse_unknown(layout, shown)
    retyped = bool(anew) or any(known.get(name, kind) != kind for name, kind in types.items())
    around = view_changes(connection, layout, view, shown_of, shown, views, retyped=retyped)
    of_table = make_runs(layout) if table is None or anew else change_runs(connection, layout, table)
    if table is not None and anew:
        of_table += given_back(connection, table, relation(runs), set(types))
    of_shadow = shadow_changes(connection, layout, None if anew else shadowed, types) if layout.shadow else []
    return [*around.before, *anew, *of_table, *of_shadow, *around.after]


def _kept_type(known: str | None, wanted: str) -> str:
    return known if known is not None and holds(known, wanted) else wanted


def _kept(layout: Layout, table: Found, view: Found | None, views: SqlFile | None) -> list[Column]:
    """Return the columns that are no longer written and are shown all the same, or can be by a query of its own."""
    names = {column.name for column in layout.columns}
    said: Mapping[str, FoundColumn] = view.columns if view else {}
    return [
        Column(
            known.name, known.type, _said(said, known.name) or known.comment or "Empty since it is no longer carried."
        )
        for known in table.columns.values()
        if known.name not in names and (known.name in said or views is not None)
    ]


def _said(columns: Mapping[str, FoundColumn], name: str) -> str:
    return columns[name].comment if name in columns else ""


def _refuse_unknown(layout: Layout, shown: list[Shown]) -> None:
    names = {column.name for column in layout.columns} | {column.name for column in shown}
    if unknown := [name for name in layout.pipeline.columns if name not in names]:
        raise ConfigurationError(
            f"{layout.pipeline.name} says what column {', '.join(unknown)} means, and has no such column.",
            next_step=f"choose from {', '.join(sorted(names))} in `columns` of the declaration.",
            pipeline=layout.pipeline.name,
        )


def _empty(connection: Connection, names: list[str], *, holding: bool) -> bool:
    if holding:
        # Or rows that are being written now would go with the table.
        connection.exec_driver_sql("; ".join(f"LOCK TABLE {relation(name)} IN ACCESS EXCLUSIVE MODE" for name in names))
    return not any(has_rows(connection, name) for name in names)


def _drop_table(name: str) -> Change:
    return Change(
        f"DROP TABLE {relation(name)} RESTRICT", f"take {SCHEMA}.{name} away, which is empty, to be made anew"
    )
