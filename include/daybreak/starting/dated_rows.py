"""Dated rows: what one query over a dated table finds out of its rows, and what it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from daybreak.declaration.cadence import WEEKDAYS, Cadence, Hour, Month, Week
from daybreak.declaration.prediction import Label
from daybreak.errors import SourceRefused
from daybreak.starting.dated_periods import Periods
from daybreak.starting.dated_table import BOOLEAN, DATE, NUMBERS, TEXTS, DatedTable, Read
from daybreak.starting.target_kinds import MOST_CLASSES
from daybreak.training.over_time import LEAST, held_out_of

_SAMPLE = 1_000
# The last one has no target yet, and the first ones little to look back on.
LEAST_HISTORY = LEAST + 4


@dataclass(frozen=True)
class DatedRows:
    """What the rows are: how many, from when to when, of how many keys and partitions, and what their target is like.

    ``least`` and ``greatest`` are the numbers of the target, or its first and last text, and ``frequent`` is what most
    rows have; ``whole`` says that no number has decimals. Rows whose target is null are ``unknown``, and not counted.
    ``classes`` are how many rows each text or code has, in all and in the last partitions, which are held out.
    """

    periods: Periods
    rows: int
    unknown: int
    keys: int
    partitions: int
    first: date | datetime
    last: date | datetime
    distinct: int
    least: Any
    greatest: Any
    whole: bool
    frequent: Any
    classes: tuple[Mapping[Label, int], Mapping[Label, int]] = ({}, {})


def look_at(read: Read, table: DatedTable, every: Cadence, timezone: str) -> DatedRows:
    """Read a dated table once; refuse rows from which nothing can be predicted."""
    if isinstance(every, Hour) and table.time.type == DATE:
        raise SourceRefused(
            f"Column {table.time.name} is a date, which tells of no hour.",
            next_step="choose `--every day`, or a `--time` of type timestamptz.",
        )
    if isinstance(every, Hour) and table.files:
        raise SourceRefused(
            "Hours are not made of files.", next_step="choose `--every day`, or load the rows into the warehouse."
        )
    periods = _periods(read, table, every, timezone)
    [found] = read(_query(table, periods), timezone)
    if periods.dated_first and found["off"]:
        periods = replace(periods, dated_first=False)
        [found] = read(_query(table, periods), timezone)
    _refuse_rows(table, every, found)
    return DatedRows(
        periods=periods,
        rows=found["rows"] - found["unknown"],
        unknown=found["unknown"],
        keys=found["keys"],
        partitions=found["partitions"],
        first=found["first"],
        last=found["last"],
        distinct=found["distinct"],
        least=found["least"],
        greatest=found["greatest"],
        whole=bool(found["whole"]),
        frequent=found["frequent"],
        classes=_classes(read, table, periods, found, timezone),
    )


def _classes(
    read: Read, table: DatedTable, periods: Periods, found: Any, timezone: str
) -> tuple[dict[Label, int], dict[Label, int]]:
    """Count the rows of each text or code; none where the target is a number of too many values, or two."""
    most = 2 if table.target.type in NUMBERS and not found["whole"] else MOST_CLASSES * 4
    if found["distinct"] <= 2 or (table.target.type in NUMBERS and found["distinct"] > most):
        return {}, {}
    late = held_out_of(periods.every, found["partitions"]) + 1
    rows = read(
        f"""
        WITH told AS (
            SELECT trim({table.target.written}::text) AS label, {periods.period} AS period FROM {table.written}
            WHERE {table.target.written} IS NOT NULL
        ),
        ends AS (SELECT DISTINCT period FROM told ORDER BY period DESC OFFSET {late - 1} LIMIT 1)
        SELECT label, count(*) AS rows, count(*) FILTER (WHERE told.period >= ends.period) AS late
        FROM told CROSS JOIN ends
        WHERE label <> ''
        GROUP BY label ORDER BY rows DESC, label LIMIT {_SAMPLE}
        """,
        timezone,
    )
    return {row["label"]: row["rows"] for row in rows}, {row["label"]: row["late"] for row in rows}


def _periods(read: Read, table: DatedTable, every: Cadence, timezone: str) -> Periods:
    """Find out on which day of the week weekly rows are dated, or whether monthly ones are on the first."""
    if not isinstance(every, Week | Month):
        return Periods(every, table.time)
    part = _part(every)
    day = Periods(every, table.time).local_day
    query = (
        f"SELECT DISTINCT extract({part} FROM {day})::integer AS part FROM "
        f"(SELECT {table.time.written} FROM {table.written} LIMIT {_SAMPLE}) AS sampled"
    )
    parts = [row["part"] for row in read(query, timezone)]
    if len(parts) != 1 or parts[0] is None or (isinstance(every, Month) and parts != [1]):
        return Periods(every, table.time)
    return Periods(Week(starts=WEEKDAYS[parts[0] - 1]) if isinstance(every, Week) else every, table.time, True)


def _part(every: Cadence) -> str:
    return "isodow" if isinstance(every, Week) else "day"


def _off(periods: Periods) -> str:
    """Write that some row is dated on another day of its week or month than those that were looked at first."""
    if not periods.dated_first:
        return "false"
    first = WEEKDAYS.index(periods.every.starts) + 1 if isinstance(periods.every, Week) else 1
    return f"bool_or(extract({_part(periods.every)} FROM period) <> {first})"


def _query(table: DatedTable, periods: Periods) -> str:
    """Write the one query: rows by key and partition, and over these what they are."""
    keys = [f"{column.written} AS key_{n}" for n, column in enumerate(table.keys)]
    names = [f"key_{n}" for n in range(len(keys))]
    value = _value(table)
    is_number = table.target.type in NUMBERS
    shown = ", ".join([*(f"{name}::text" for name in names), "period::text"])
    return f"""
        SELECT
            coalesce(sum(rows), 0)::bigint AS rows,
            coalesce(sum(rows - known), 0)::bigint AS unknown,
            count(*) FILTER (WHERE rows > 1) AS doubles,
            min(concat_ws(', ', {shown})) FILTER (WHERE rows > 1) AS double,
            coalesce(sum(rows) FILTER (WHERE {" OR ".join(f"{name} IS NULL" for name in names)}), 0)::bigint AS no_key,
            coalesce(sum(rows) FILTER (WHERE period IS NULL), 0)::bigint AS no_time,
            coalesce(sum(rows) FILTER (WHERE NOT isfinite(period)), 0)::bigint AS no_day,
            coalesce(sum(not_finite), 0)::bigint AS not_finite,
            count(DISTINCT ({", ".join(names)})) AS keys,
            count(DISTINCT period) FILTER (WHERE known > 0) AS partitions,
            min(period) FILTER (WHERE known > 0 AND isfinite(period)) AS first,
            max(period) FILTER (WHERE known > 0 AND isfinite(period)) AS last,
            count(DISTINCT value) AS distinct,
            min(value) AS least,
            max(value) AS greatest,
            {"bool_and(value = trunc(value))" if is_number else "false"} AS whole,
            mode() WITHIN GROUP (ORDER BY value) AS frequent,
            {_off(periods)} AS off
        FROM (
            SELECT
                {", ".join(keys)},
                {periods.period} AS period,
                count(*) AS rows,
                count({table.target.written}) AS known,
                {f"count(*) FILTER (WHERE {_not_finite(table)})" if is_number else "0"} AS not_finite,
                min({value}) AS value
            FROM {table.written}
            GROUP BY {", ".join(map(str, range(1, len(keys) + 2)))}
        ) AS told
    """


def _value(table: DatedTable) -> str:
    kind, written = table.target.type, table.target.written
    if kind in NUMBERS:
        exact = "double precision" if table.files else "numeric"
        return f"CASE WHEN NOT ({_not_finite(table)}) THEN {written}::{exact} END"
    if kind == BOOLEAN or kind in TEXTS:
        return f"{written}::text"
    raise SourceRefused(
        f"Column {table.target.name} is {kind}, which cannot be predicted.",
        next_step="choose as `--target` a number, or a text or boolean of two values.",
    )


def _not_finite(table: DatedTable) -> str:
    return f"lower({table.target.written}::text) IN ('nan', 'infinity', '-infinity', 'inf', '-inf')"


def _refuse_rows(table: DatedTable, every: Cadence, found: Any) -> None:
    keys = " and ".join(column.name for column in table.keys)
    time, target = table.time.name, table.target.name
    if not found["rows"]:
        raise SourceRefused(f"Table {table.shown} holds no rows.", next_step="load it first.")
    for count, what in (
        (found["no_key"], f"no {keys}"),
        (found["no_time"], f"no {time}"),
        (found["no_day"], f"infinity as their {time}"),
        (found["not_finite"], f"a {target} that is infinite or not a number"),
    ):
        if count:
            raise SourceRefused(
                f"{count:,} of the {found['rows']:,} rows of {table.shown} have {what}.",
                next_step="make a view without them, and name that.",
            )
    if found["doubles"]:
        raise SourceRefused(
            f"{found['doubles']:,} times there is more than one row of the same {keys} and {every.word} in "
            f"{table.shown}, for example of {found['double']}.",
            next_step=f"name a further `--key`, a shorter `--every`, or a view that adds them up by {every.word}.",
        )
    if found["unknown"] == found["rows"]:
        raise SourceRefused(
            f"{target} is null in every row of {table.shown}.",
            next_step="load what is known, or choose another target.",
        )
    if found["partitions"] < LEAST_HISTORY:
        raise SourceRefused(
            f"{target} is known in {found['partitions']} {every.word}s of {table.shown}; at least {LEAST_HISTORY} are "
            "needed to learn from.",
            next_step="load more of the past, or choose a shorter `--every`.",
        )
