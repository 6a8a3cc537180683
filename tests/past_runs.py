"""Runs of the past, without waiting for them: what one run was like, on so many days before it."""

from collections.abc import Callable

from daybreak.ledger.tables import runs

_OWN = ("run_id", "partition_key", "partition_date", "window_start", "window_end")


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
