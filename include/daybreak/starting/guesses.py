"""Guesses: which columns of a file or table are its key, target and time, each with the reason why."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from daybreak.declaration.cadence import CADENCES
from daybreak.starting.csv_values import EMPTY, trimmed
from daybreak.starting.dated_table import BOOLEAN, DATE, INSTANT, NUMBERS, TEXTS, TIMESTAMP, WHOLE, Column, Readable
from daybreak.warehouse.identifiers import as_written

if TYPE_CHECKING:
    import pyarrow as pa

# A key has such a name more often than not.
_NAMED_KEY = re.compile(r"(?:^|[^a-z])(?:id|key|code|number|nr|no)$|id$|^(?:id|key)", re.IGNORECASE)
_FEW = 6


@dataclass(frozen=True)
class Guess:
    """What is proposed, and why; of a key it may be several columns."""

    values: tuple[str, ...]
    reason: str


def key_of_file(header: Sequence[str], cells: "pa.Table") -> Guess | None:
    """Propose the columns that tell the rows of a file apart: one where it can be, else the first two that do."""
    columns = {name: trimmed(column, EMPTY) for name, column in zip(header, cells.columns, strict=True)}
    filled = [name for name, column in columns.items() if not column.null_count]
    single = [name for name in filled if _differ([columns[name]])]
    if single:
        named = [name for name in single if _NAMED_KEY.search(name)]
        return Guess(((named or single)[0],), "filled and different in every row")
    for pair in combinations(filled[:_FEW], 2):
        if _differ([columns[name] for name in pair]):
            return Guess(pair, "together they are different in every row")
    return None


def target_of_file(
    header: Sequence[str], cells: "pa.Table", keys: Iterable[str], new: Sequence[str] | None = None
) -> Guess | None:
    """Propose the column to predict: one that ``new`` rows lack, else the last one of two values, else the last one."""
    import pyarrow.compute as pc

    columns = {name: trimmed(column, EMPTY) for name, column in zip(header, cells.columns, strict=True)}
    others = [name for name in header if name not in set(keys)]
    distinct = {name: sorted(pc.unique(columns[name].drop_null()).to_pylist()) for name in others}
    lacking = [name for name in others if new is not None and name not in new and len(distinct[name]) > 1]
    two = [name for name in (lacking or others) if len(distinct[name]) == 2]
    if two:
        chosen = (two if lacking else two[::-1])[0]
        told = f"its two values are {' and '.join(distinct[chosen])}"
        return Guess((chosen,), f"the new rows do not have it, and {told}" if lacking else told)
    if lacking:
        return Guess((lacking[0],), "the new rows do not have it")
    several = [name for name in others if len(distinct[name]) > 1]
    if not several:
        return None
    return Guess((several[-1],), f"the last column; it has {len(distinct[several[-1]]):,} different values")


def time_of_table(columns: Sequence[Column]) -> Guess | None:
    """Propose the column that says of when a row is."""
    times = [column for column in columns if column.type in (DATE, TIMESTAMP, INSTANT)]
    if not times:
        return None
    which = "the only column" if len(times) == 1 else "the first column"
    return Guess((times[0].name,), f"{which} of a date or time, a {times[0].type}")


def key_of_table(table: Readable, time: str) -> Guess | None:
    """Propose the columns that tell the rows of one time apart."""
    if time in table.primary and (rest := tuple(name for name in table.primary if name != time)):
        return Guess(rest, f"with {time} they are the primary key of the table")
    able = [column.name for column in table.columns if column.type in (*WHOLE, *TEXTS, "uuid") and column.name != time]
    able = sorted(able[:_FEW], key=lambda name: _NAMED_KEY.search(name) is None)
    for several in (*combinations(able, 1), *combinations(able, 2)):
        if _tells_apart(table, several, time):
            return Guess(several, f"with {time} no two rows are the same")
    return None


def target_of_table(table: Readable, keys: Sequence[str], time: str) -> Guess | None:
    """Propose the column to predict: the last number that changes over time, else the last such text or boolean."""
    others = [column for column in table.columns if column.name not in (*keys, time)]
    for kinds, what in ((NUMBERS, "number"), ((BOOLEAN, *TEXTS), "text or boolean")):
        able = [column for column in others if column.type in kinds]
        found = [column for column in able[:-_FEW:-1] if changes(table, keys, column.name)]
        if found:
            which = "the only" if len(able) == 1 else "the last"
            changing = "" if found[0] == able[-1] else " that changes"
            return Guess((found[0].name,), f"{which} {what}{changing} besides key and time")
    return None


def changes(table: Readable, keys: Sequence[str], column: str) -> bool:
    """Tell whether a column has more than one value of any key: else there is nothing to predict."""
    told = f"{as_written(column)}::text"
    [row] = table.read(
        f"SELECT bool_or(least <> most) AS changes FROM (SELECT min({told}) AS least, max({told}) AS most "
        f"FROM {table.written} GROUP BY {', '.join(map(as_written, keys))}) AS of_keys",
        "UTC",
    )
    return bool(row["changes"])


def longer_than(every: str, guess: Guess | None) -> bool:
    """Tell whether what is proposed is longer than a partition that was asked for."""
    order = list(CADENCES)
    return guess is not None and order.index(guess.values[0]) > order.index(every)


def every_of_table(table: Readable, time: str) -> Guess | None:
    """Propose how long a partition is, by how far apart most of the times are; nothing of what is no time."""
    if not any(column.name == time and column.type in (DATE, TIMESTAMP, INSTANT) for column in table.columns):
        return None
    written = as_written(time)
    [[apart]] = [
        row.values()
        for row in table.read(
            "SELECT extract(epoch FROM mode() WITHIN GROUP (ORDER BY apart)) / 86400 AS days FROM ("
            f"SELECT told - lag(told) OVER (ORDER BY told) AS apart FROM (SELECT DISTINCT {written}::timestamp AS told "
            f"FROM {table.written} WHERE isfinite({written})) AS times) AS gaps",
            "UTC",
        )
    ]
    if apart is None:
        return None
    days = float(apart)
    every = "hour" if days < 0.9 else "day" if days < 6 else "week" if days < 20 else "month"
    told = f"{days:g} day{'' if days == 1 else 's'}" if days >= 1 else f"{days * 24:.3g} hours"
    return Guess((every,), f"most of its times are {told} apart")


def _differ(columns: "Sequence[pa.ChunkedArray]") -> bool:
    import pyarrow as pa

    names = [f"c{n}" for n in range(len(columns))]
    table = pa.table(dict(zip(names, columns, strict=True)))
    return bool(table.num_rows and table.group_by(names).aggregate([]).num_rows == table.num_rows)


def _tells_apart(table: Readable, columns: Sequence[str], time: str) -> bool:
    listed = ", ".join(as_written(name) for name in (*columns, time))
    filled = " AND ".join(f"bool_and({as_written(name)} IS NOT NULL)" for name in columns)
    [row] = table.read(
        f"SELECT coalesce(max(n), 0) < 2 AND bool_and(filled) AS differ FROM (SELECT count(*) AS n, {filled} AS filled "
        f"FROM {table.written} GROUP BY {listed}) AS rows",
        "UTC",
    )
    return bool(row["differ"])
