"""View statements: what shows the current publications, and the function that shows those of any instant."""

import hashlib
from collections.abc import Sequence
from textwrap import indent

from daybreak.tables.layout import Layout, Shown, segment_column
from daybreak.tables.names import SCHEMA, predictions_table
from daybreak.tables.statements import Change, comment, listed, literal, relation
from daybreak.warehouse.described import without_length
from daybreak.warehouse.identifiers import quoted
from daybreak.warehouse.sql_file import SqlFile

INSTANT = "instant"
_CURRENT = "publications.withdrawn_at IS NULL"
# The argument by its number: a column may have its name.
_THEN = "ever.published_at <= $1\n    AND (ever.{until} > $1 OR ever.{until} IS NULL)"


def select_shown(
    layout: Layout, published: Sequence[Shown], shown: Sequence[str], views: SqlFile | None, *, then: bool
) -> str:
    """Return the query of the view, or with ``then`` of the function: the ``shown`` columns, in that order."""
    if views is None:
        by_name = {column.name: column for column in published}
        columns = [by_name[name] for name in shown]
        return _select_then(layout, published, columns) if then else _select(layout, columns, _CURRENT)
    inner = _select_then(layout, published, published) if then else _select(layout, published, _CURRENT)
    inner = indent(inner, "    ")
    return f"WITH published AS NOT MATERIALIZED (\n{inner}\n)\nSELECT {listed(shown)}\nFROM (\n{views.text}\n) AS shown"


def select_ever(layout: Layout, published: Sequence[Shown]) -> str:
    """Return the query of all publications there ever were, for whoever may read the view: the function reads it.

    A view reads with its owner's rights. A function that did would be run whole before its rows are filtered.
    """
    until = Shown(_until(published), "timestamp with time zone", "", "publications.withdrawn_at")
    return _select(layout, [*published, until], f"ledger.readable({literal(relation(layout.pipeline.name))})")


def create_view(layout: Layout, query: str) -> Change:
    """Make the view, or put another query in its place."""
    name = layout.pipeline.name
    statement = f"-- {layout.grain}: the current publications.\nCREATE OR REPLACE VIEW {relation(name)} AS\n{query}"
    return Change(statement, f"make view {SCHEMA}.{name}")


def create_function(layout: Layout, columns: Sequence[Shown], query: str) -> Change:
    """Make the function that takes an instant, or put another query in its place."""
    name = f"{layout.pipeline.name}_as_of"
    returned = ",\n    ".join(f"{quoted(column.name)} {without_length(column.type)}" for column in columns)
    mark = next(mark for n in range(len(query)) if (mark := f"$shown{n or ''}$") not in query)
    argument = "" if any(column.name == INSTANT for column in columns) else f"{INSTANT} "
    return Change(
        f"-- {layout.grain}, as it stood at an instant.\n"
        f"CREATE OR REPLACE FUNCTION {relation(name)}({argument}timestamp with time zone)\n"
        f"RETURNS TABLE (\n    {returned}\n)\nLANGUAGE sql STABLE PARALLEL SAFE\nAS {mark}\n{query}\n{mark}",
        f"make function {SCHEMA}.{name}",
    )


def create_ever(layout: Layout, published: Sequence[Shown]) -> list[Change]:
    """Make what the function reads; everybody may select from it, and sees what they may see of the view."""
    name = ever(layout)
    shown = f"{SCHEMA}.{layout.pipeline.name}"
    statements = [
        Change(
            f"-- {layout.grain} and publication.\nCREATE VIEW {relation(name)} AS\n{select_ever(layout, published)}",
            f"make view {SCHEMA}.{name}",
        ),
        Change(
            f"GRANT SELECT ON {relation(name)} TO PUBLIC",
            f"make view {SCHEMA}.{name} readable for those who may read {shown}",
        ),
        comment("VIEW", relation(name), f"What {shown}_as_of reads: all that was ever published.", f"{SCHEMA}.{name}"),
    ]
    said = {column.name: column.comment for column in published} | {_until(published): "Until when it was current."}
    return statements + [
        comment("COLUMN", f"{relation(name)}.{quoted(column)}", text, f"{column} in {SCHEMA}.{name}")
        for column, text in said.items()
    ]


def drop_ever(layout: Layout) -> Change:
    """Take away what the function reads, to be made anew."""
    name = ever(layout)
    return Change(f"DROP VIEW {relation(name)} RESTRICT", f"take view {SCHEMA}.{name} away, to be made anew")


def ever(layout: Layout) -> str:
    """Return the name of what the function reads."""
    return f"{layout.pipeline.name}_ever"


def drop_view(layout: Layout) -> Change:
    """Take the view away, to be made anew; refused where others depend on it."""
    name = layout.pipeline.name
    return Change(f"DROP VIEW {relation(name)} RESTRICT", f"take view {SCHEMA}.{name} away, to be made anew")


def drop_function(layout: Layout) -> Change:
    """Take the function away, to be made anew; refused where others depend on it."""
    name = f"{layout.pipeline.name}_as_of"
    return Change(f"DROP FUNCTION {function(layout)} RESTRICT", f"take function {SCHEMA}.{name} away, to be made anew")


def function(layout: Layout) -> str:
    """Return the function as statements name it."""
    return f"{relation(f'{layout.pipeline.name}_as_of')}(timestamp with time zone)"


def about_view(layout: Layout) -> str:
    """Return what the view is for."""
    return f"{layout.pipeline.description} {layout.grain}: the current publications."


def about_function(layout: Layout) -> str:
    """Return what the function is for."""
    name = layout.pipeline.name
    return f"What {SCHEMA}.{name} showed at an instant: {SCHEMA}.{name}_as_of('2026-11-17 09:00+00')."


def comment_columns(layout: Layout, columns: Sequence[Shown], known: dict[str, str]) -> list[Change]:
    """Say what the columns of the view mean, where it is not ``known`` yet."""
    name = layout.pipeline.name
    return [
        comment(
            "COLUMN", f"{relation(name)}.{quoted(column.name)}", column.comment, f"{column.name} in {SCHEMA}.{name}"
        )
        for column in columns
        if known.get(column.name) != column.comment
    ]


def _until(published: Sequence[Shown]) -> str:
    """Name the column that no other one is named like."""
    names = {column.name for column in published}
    return next(name for n in range(len(names) + 1) if (name := "withdrawn_at" + "_" * n) not in names)


def _select_then(layout: Layout, published: Sequence[Shown], columns: Sequence[Shown]) -> str:
    named = ",\n    ".join(f"ever.{quoted(column.name)}" for column in columns)
    # PostgreSQL keeps this text as it is, and not that of the view: here stands what the view was made from.
    made_from = hashlib.sha256(select_ever(layout, published).encode()).hexdigest()
    condition = _THEN.format(until=_until(published))
    return f"-- {made_from}\nSELECT\n    {named}\nFROM {relation(ever(layout))} AS ever\nWHERE\n    {condition}"


def _select(layout: Layout, columns: Sequence[Shown], condition: str) -> str:
    listed_columns = ",\n    ".join(
        f"{column.source}"
        if column.source.endswith((f".{column.name}", f".{quoted(column.name)}"))
        else f"{column.source} AS {quoted(column.name)}"
        for column in columns
    )
    lines = [
        f"SELECT\n    {listed_columns}",
        "FROM ledger.publications",
        "INNER JOIN ledger.runs USING (run_id)",
        f"INNER JOIN {predictions_table(layout.pipeline)} AS predicted USING (run_id)",
    ]
    if column := segment_column(layout.pipeline):
        lines += [
            "-- A segment without a model of its own was scored by the fallback, whose row has no segment.",
            "LEFT JOIN ledger.run_segments AS own",
            f"    ON own.run_id = predicted.run_id AND own.segment = predicted.{quoted(column)}::text",
            "LEFT JOIN ledger.run_segments AS models",
            "    ON models.run_id = predicted.run_id AND models.segment IS NOT DISTINCT FROM own.segment",
        ]
    lines += ["WHERE", f"    publications.pipeline = {literal(layout.pipeline.name)}", f"    AND {condition}"]
    return "\n".join(lines)
