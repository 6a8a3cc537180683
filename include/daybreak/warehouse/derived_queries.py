"""Derived queries: coverage.sql and training.sql where they follow from the declaration."""

from pathlib import Path

from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.source_tables import EventTable, StateTable
from daybreak.errors import ConfigurationError
from daybreak.warehouse.prediction_tables import quoted
from daybreak.warehouse.sql_file import SqlFile

COVERAGE, TRAINING = "coverage", "training"


def can_be_derived(pipeline: Pipeline, name: str) -> bool:
    """Tell whether the declaration says enough for a query of this name."""
    if name == COVERAGE:
        return pipeline.reads is not None
    return name == TRAINING and isinstance(pipeline.reads, StateTable) and pipeline.target is not None


def derived(pipeline: Pipeline, name: str, extract: SqlFile) -> SqlFile:
    """Make a query that can be derived; ``extract`` is the extract.sql whose rows a training learns from."""
    path = extract.path.with_name(f"{name}.sql (from the declaration)")
    if isinstance(pipeline.reads, EventTable):
        return _file(path, _covered_by_events(pipeline.reads))
    if not isinstance(pipeline.reads, StateTable):
        raise ConfigurationError(f"{pipeline.name} does not say what it reads.", next_step="declare `reads`.")
    if name == COVERAGE:
        return _file(path, _covered_by_states(pipeline.reads))
    opening, closing = _around_extract(pipeline, pipeline.reads)
    return SqlFile(
        path,
        "\n".join([*opening, extract.text, *closing]),
        (*_origins(path, opening), *extract.origins, *_origins(path, closing, len(opening))),
    )


def _covered_by_states(reads: StateTable) -> list[str]:
    return [
        "-- One row: the first day that the table tells of, and today, since what it tells holds until the next.",
        "SELECT",
        f"    min({quoted(reads.as_of)}) AS first_day,",
        "    CASE WHEN count(*) > 0 THEN (clock_timestamp() AT TIME ZONE :timezone)::date END AS last_day",
        f"FROM {_table(reads.table)}",
    ]


def _covered_by_events(reads: EventTable) -> list[str]:
    column = quoted(reads.day or reads.at or "")
    zone = f" AT TIME ZONE {_literal(reads.timezone)}" if reads.timezone else ""
    local = f"{zone} AT TIME ZONE :timezone" if reads.at else ""
    return [
        "-- One row: the first and last local day that the table holds rows of.",
        "SELECT",
        f"    (min({column}){local})::date AS first_day,",
        f"    (max({column}){local})::date AS last_day",
        f"FROM {_table(reads.table)}",
    ]


def _around_extract(pipeline: Pipeline, reads: StateTable) -> tuple[list[str], list[str]]:
    key = [quoted(name) for name in pipeline.entity_key]
    table, target, as_of = _table(reads.table), quoted(str(pipeline.target)), quoted(reads.as_of)
    same = [f"source.{name} = features.{name}" for name in key]
    newest = f"source.{as_of} = (SELECT max(told.{as_of}) FROM {table} AS told WHERE told.{as_of} <= :last_day)"
    opening = [
        "-- One row per entity key whose target was known at the end of :last_day, with the features of extract.sql.",
        f"SELECT features.*, source.{target}, source.{as_of}",
        "FROM (",
    ]
    closing = [
        ") AS features",
        f"INNER JOIN {table} AS source ON {' AND '.join([*same, newest])}",
        f"WHERE source.{target} IS NOT NULL",
        f"ORDER BY {', '.join(f'features.{name}' for name in key)}",
    ]
    return opening, closing


def _table(name: str) -> str:
    return ".".join(quoted(part) for part in name.split("."))


def _literal(text: str) -> str:
    """Quote a text."""
    return "'" + text.replace("'", "''") + "'"


def _file(path: Path, lines: list[str]) -> SqlFile:
    return SqlFile(path, "\n".join(lines), _origins(path, lines))


def _origins(path: Path, lines: list[str], after: int = 0) -> tuple[tuple[Path, int], ...]:
    return tuple((path, number) for number in range(after + 1, after + len(lines) + 1))
