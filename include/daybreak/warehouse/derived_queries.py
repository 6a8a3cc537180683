"""Derived queries: coverage.sql, training.sql and actuals.sql where they follow from the declaration."""

from pathlib import Path

import sqlalchemy as sa

from daybreak.declaration.cadence import WEEKDAYS, Hour
from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.source_tables import EventTable, StateTable
from daybreak.errors import ConfigurationError
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.described import describe, without_length
from daybreak.warehouse.faults import refused_by_source
from daybreak.warehouse.identifiers import quoted
from daybreak.warehouse.sql_file import SqlFile

COVERAGE, TRAINING, ACTUALS = "coverage", "training", "actuals"
# When each entity key's target was first known: no file, and of no use but where training.sql follows.
FIRST_KNOWN = "first_known"
# How a column of a type is declared.
_DECLARED_AS = {
    "date": "declare it as `day`.",
    "timestamp without time zone": "declare it as `at`, with the `timezone` that it is told in.",
    "timestamp with time zone": "declare it as `at`, without a `timezone`.",
}
_NO_TIME = "declare a column of dates as `day`, or one of instants as `at`."
_MADE_A_DATE = "declare a column of dates as `as_of`, or a view that makes a date of it as the table."


def can_be_derived(pipeline: Pipeline, name: str) -> bool:
    """Tell whether the declaration says enough for a query of this name."""
    if name == COVERAGE:
        return pipeline.reads is not None or any(files.dated for files in pipeline.files.values())
    if not isinstance(pipeline.reads, StateTable) or pipeline.target is None:
        return False
    if name == ACTUALS:
        of_two = pipeline.measures == "probability" and pipeline.positive is not None
        return of_two or pipeline.measures in ("class", "amounts", "counts")
    return name == FIRST_KNOWN or (name == TRAINING and pipeline.reads.history is None)


def derived(pipeline: Pipeline, name: str, extract: SqlFile) -> SqlFile:
    """Make a query that can be derived; ``extract`` is the extract.sql whose rows a training learns from."""
    path = extract.path.with_name(f"{name}.sql (from the declaration)")
    if pipeline.files:
        return _file(path, _covered_by_files(pipeline))
    if isinstance(pipeline.reads, EventTable):
        return _file(path, _covered_by_events(pipeline, pipeline.reads))
    if not isinstance(pipeline.reads, StateTable):
        raise ConfigurationError(f"{pipeline.name} does not say what it reads.", next_step="declare `reads`.")
    if name == COVERAGE:
        return _file(path, _covered_by_states(pipeline.reads))
    if name == ACTUALS:
        return _file(path, _told_since(pipeline, pipeline.reads))
    if name == FIRST_KNOWN:
        return _file(path, _first_known(pipeline, pipeline.reads))
    opening, closing = _around_extract(pipeline, pipeline.reads)
    return SqlFile(
        path,
        "\n".join([*opening, _of_each_day(extract), *closing]),
        (*_origins(path, opening), *extract.origins, *_origins(path, closing, len(opening))),
    )


def refuse_other_type(warehouse: Warehouse, pipeline: Pipeline) -> None:
    """Refuse a column whose type is another than ``reads`` says: its days would be others than the rows'."""
    reads = pipeline.reads
    if reads is None:
        return
    column, wanted = _dated_by(reads)
    try:
        with warehouse.begin() as connection:
            [found] = describe(connection, f"SELECT {quoted(column)} FROM {_table(reads.table)}")
    except sa.exc.SQLAlchemyError as error:
        raise refused_by_source(error, "The source") from error
    kind = without_length(found.type)
    if kind != wanted:
        raise ConfigurationError(
            f"Column {column} of {reads.table} is a {kind}, and {pipeline.name} declares it as a {wanted}.",
            next_step=_MADE_A_DATE if isinstance(reads, StateTable) else _DECLARED_AS.get(kind, _NO_TIME),
            pipeline=pipeline.name,
        )


def _dated_by(reads: EventTable | StateTable) -> tuple[str, str]:
    if isinstance(reads, StateTable):
        return reads.as_of, "date"
    if reads.day:
        return reads.day, "date"
    return str(reads.at), "timestamp without time zone" if reads.timezone else "timestamp with time zone"


def _covered_by_states(reads: StateTable) -> list[str]:
    return [
        "-- One row: the first day that the table tells of, and today, since what it tells holds until the next.",
        "SELECT",
        f"    min({quoted(reads.as_of)}) AS first_day,",
        "    CASE WHEN count(*) > 0 THEN (clock_timestamp() AT TIME ZONE :timezone)::date END AS last_day",
        f"FROM {_table(reads.table)}",
    ]


def _covered_by_events(pipeline: Pipeline, reads: EventTable) -> list[str]:
    column = quoted(reads.day or reads.at or "")
    zone = f" AT TIME ZONE {_literal(reads.timezone)}" if reads.timezone else ""
    local = f"{zone} AT TIME ZONE :timezone" if reads.at else ""
    if reads.at and isinstance(pipeline.every, Hour):
        return [
            "-- One row: the instants of the first and last row that the table holds.",
            "SELECT",
            f"    min({column}){zone} AS first_instant,",
            f"    max({column}){zone} AS last_instant",
            f"FROM {_table(reads.table)}",
        ]
    if reads.per == "day" and set(pipeline.open_on) != set(WEEKDAYS):
        return _days_of_events(pipeline, reads, column, local)
    return [
        "-- One row: the first and last local day that the table holds rows of.",
        "SELECT",
        f"    (min({column}){local})::date AS first_day,",
        f"    {_last(reads, column, local)} AS last_day",
        f"FROM {_table(reads.table)}",
    ]


def _last(reads: EventTable, column: str, local: str) -> str:
    """Write the last day that the last row tells of."""
    if reads.per == "day":
        return f"(max({column}){local})::date"
    return f"(max({column}) + interval '1 {reads.per}' - interval '1 day')::date"


def _covered_by_files(pipeline: Pipeline) -> list[str]:
    tables = [table for table, files in pipeline.files.items() if files.dated]
    days = " INTERSECT ".join(f"SELECT day FROM {quoted(f'{table}_files')}" for table in tables)
    return ["-- One row per day that there is a file of, of each table whose files have a day.", days]


def _days_of_events(pipeline: Pipeline, reads: EventTable, column: str, local: str) -> list[str]:
    # The window is told in what the column is, so that an index on it serves.
    back = max(pipeline.history_days - 1, 0)
    if reads.at:
        end = f":end AT TIME ZONE {_literal(reads.timezone)}" if reads.timezone else ":end"
        began = f"((:last_day::date - {back})::timestamp AT TIME ZONE :timezone)"
        began = f"least({began}, :start)" + (f" AT TIME ZONE {_literal(reads.timezone)}" if reads.timezone else "")
        within = f"{column} >= {began} AND {column} < {end}"
    else:
        within = f"{column} BETWEEN least(:last_day::date - {back}, :first_day::date) AND :last_day::date"
    table = _table(reads.table)
    return [
        "-- One row per local day of the query's history that the table holds rows of; and its first and last day.",
        f"SELECT DISTINCT ({column}{local})::date AS day FROM {table} WHERE {within}",
        f"UNION SELECT (min({column}){local})::date FROM {table} HAVING count(*) > 0",
        f"UNION SELECT {_last(reads, column, local)} FROM {table} HAVING count(*) > 0",
    ]


def _around_extract(pipeline: Pipeline, reads: StateTable) -> tuple[list[str], list[str]]:
    key = [quoted(name) for name in pipeline.entity_key]
    table, target, as_of = _table(reads.table), quoted(str(pipeline.target)), quoted(reads.as_of)
    listed = ", ".join(key)
    same = [f"source.{name} = daybreak_told.{name}" for name in key]
    opening = [
        "-- One row per entity key whose target was known at the end of :last_day, by the newest row that tells it:",
        "-- the features that extract.sql gives for the day of that row. They are worked out day by day, before they",
        "-- are joined: a planner that knows nothing of the table yet would work them out anew for each key.",
        "WITH daybreak_known AS MATERIALIZED (",
        f"    SELECT DISTINCT ON ({listed}) {listed}, {target}, {as_of}",
        f"    FROM {table}",
        f"    WHERE {target} IS NOT NULL AND {as_of} <= :last_day",
        f"    ORDER BY {listed}, {as_of} DESC",
        "),",
        f"daybreak_days AS (SELECT DISTINCT {as_of} AS told_on FROM daybreak_known),",
        "daybreak_told AS MATERIALIZED (",
        f"SELECT daybreak_days.told_on AS daybreak_day, {', '.join(f'daybreak_features.{name}' for name in key)},",
        "    daybreak_features",
        "FROM daybreak_days",
        "CROSS JOIN LATERAL (",
    ]
    closing = [
        ") AS daybreak_features",
        ")",
        f"SELECT (daybreak_told.daybreak_features).*, source.{target}, source.{as_of}",
        "FROM daybreak_told",
        f"INNER JOIN daybreak_known AS source ON source.{as_of} = daybreak_told.daybreak_day AND {' AND '.join(same)}",
        f"ORDER BY {', '.join(f'daybreak_told.{name}' for name in key)}",
    ]
    return opening, closing


def _of_each_day(extract: SqlFile) -> str:
    """Bind the partition of extract.sql to each of several days."""
    day = "daybreak_days.told_on"
    begins, ends = f"({day}::timestamp AT TIME ZONE :timezone)", f"(({day} + 1)::timestamp AT TIME ZONE :timezone)"
    of_day = {
        "first_day": day,
        "last_day": day,
        "start": begins,
        "end": ends,
        "window_start": begins,
        "window_end": ends,
    }
    return extract.render({name: of_day.get(name, f":{name}") for name in extract.binds}).text


def _first_known(pipeline: Pipeline, reads: StateTable) -> list[str]:
    key = ", ".join(quoted(name) for name in pipeline.entity_key)
    target, as_of = quoted(str(pipeline.target)), quoted(reads.as_of)
    return [
        "-- One row per entity key whose target is known: the day at whose end it was told first.",
        f"SELECT {key}, min({as_of}) AS first_known",
        f"FROM {_table(reads.told)}",
        f"WHERE {target} IS NOT NULL AND {as_of} <= :last_day",
        f"GROUP BY {key}",
    ]


def _told_since(pipeline: Pipeline, reads: StateTable) -> list[str]:
    key = ", ".join(quoted(name) for name in pipeline.entity_key)
    same = " AND ".join(f"before.{quoted(name)} = source.{quoted(name)}" for name in pipeline.entity_key)
    table, target, as_of = _table(reads.told), quoted(str(pipeline.target)), quoted(reads.as_of)
    return [
        "-- One row per entity key whose target was not known at the end of :last_day and was told since. What was",
        "-- known already says nothing of how good a prediction is: the model may have been fitted on it.",
        f"SELECT DISTINCT ON ({key}) {key}, {_happened(pipeline, f'source.{target}')} AS actual",
        f"FROM {table} AS source",
        f"WHERE source.{target} IS NOT NULL AND source.{as_of} > :last_day AND NOT EXISTS (",
        f"    SELECT FROM {table} AS before",
        f"    WHERE {same} AND before.{target} IS NOT NULL AND before.{as_of} <= :last_day",
        ")",
        f"ORDER BY {key}, source.{as_of} DESC",
    ]


def _happened(pipeline: Pipeline, target: str) -> str:
    positive = pipeline.positive
    if pipeline.measures == "class":
        return target
    if pipeline.measures in ("amounts", "counts"):
        return f"{target}::double precision"
    if isinstance(positive, str):
        return f"(btrim({target}::text) = {_literal(positive.strip())})::integer"
    return f"({target} = {str(positive).lower() if isinstance(positive, bool) else repr(positive)})::integer"


def _table(name: str) -> str:
    return ".".join(quoted(part) for part in name.split("."))


def _literal(text: str) -> str:
    """Quote a text."""
    return "'" + text.replace("'", "''") + "'"


def _file(path: Path, lines: list[str]) -> SqlFile:
    return SqlFile(path, "\n".join(lines), _origins(path, lines))


def _origins(path: Path, lines: list[str], after: int = 0) -> tuple[tuple[Path, int], ...]:
    return tuple((path, number) for number in range(after + 1, after + len(lines) + 1))
