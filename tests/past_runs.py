"""Past runs: copies of the run that is published, for other partitions, as a ledger has them after weeks."""

from collections.abc import Callable
from datetime import date
from typing import Any

from daybreak.ledger.tables import runs
from parcels import Parcels

COLUMNS = [column.name for column in runs.columns if column.name != "run_id"]
_OWN = ("run_id", "partition_key", "partition_date", "window_start", "window_end")


def past_run(parcels: Parcels, day: date | str, pipeline: str = "parcel_hours", **changes: Any) -> int:
    """Write down one more run, published where its state is that; ``changes`` are its columns as SQL. Return it."""
    where = {"pipeline": f"'{pipeline}'", "partition_key": f"'{day}'", "partition_date": f"'{day}'", "origin": "NULL"}
    values = {**{name: name for name in COLUMNS}, **where, "attempt": "100", **changes}
    made: int = parcels.value(
        f"INSERT INTO ledger.runs ({', '.join(values)}) SELECT {', '.join(map(str, values.values()))} "
        "FROM ledger.runs WHERE run_id = (SELECT min(run_id) FROM ledger.runs) RETURNING run_id"
    )
    parcels.execute(
        "INSERT INTO ledger.publications (pipeline, partition_key, partition_date, run_id, reason, published_at) "
        "SELECT pipeline, partition_key, partition_date, run_id, 'run', clock_timestamp() "
        f"FROM ledger.runs WHERE run_id = {made} AND state = 'published'"
    )
    return made


def repeat_run(execute: Callable[[str], object], run: int, first: int, last: int) -> None:
    """Have a published run have been there on each day that is ``first`` to ``last`` days before its partition."""
    names = ", ".join(column.name for column in runs.columns if column.name not in _OWN)
    execute(
        f"INSERT INTO ledger.runs (partition_key, partition_date, window_start, window_end, {names}) "
        "SELECT (partition_date - n)::text, partition_date - n, window_start - n * interval '1 day', "
        f"window_end - n * interval '1 day', {names} "
        f"FROM ledger.runs, generate_series({first:d}, {last:d}) AS n WHERE run_id = {run:d}"
    )
    execute(
        "INSERT INTO ledger.publications (pipeline, partition_key, partition_date, run_id, reason, published_at) "
        "SELECT made.pipeline, made.partition_key, made.partition_date, made.run_id, 'run', now() "
        "FROM ledger.runs AS made INNER JOIN ledger.runs AS one ON made.pipeline = one.pipeline "
        f"AND made.partition_date BETWEEN one.partition_date - {last:d} AND one.partition_date - {first:d} "
        f"WHERE one.run_id = {run:d}"
    )
