"""View statements: what shows the current publications, and the function that shows those of any instant."""

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
_THEN = "publications.published_at <= $1\n    AND (publications.withdrawn_at > $1 OR publications.withdrawn_at IS NULL)"


def select_shown(
    layout: Layout, published: Sequence[Shown], shown: Sequence[str], views: SqlFile | None, *, then: bool
) -> str:
    """Return the query of the view, or with ``then`` of the function: the ``shown`` columns, in that order."""
    condition = _THEN if then else _CURRENT
    if views is None:
        by_name = {column.name: column for column in published}
        return _select(layout, [by_name[name] for name in shown], condition)
    inner = indent(_select(layout, published, condition), "    ")
    return f"WITH published AS NOT MATERIALIZED (\n{inner}\n)\nSELECT {listed(shown)}\nFROM (\n{views.text}\n) AS shown"


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
