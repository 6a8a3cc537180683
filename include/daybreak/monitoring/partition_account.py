"""Partition account: everything of one partition that is shown: its runs, what came of its rows, how they are spread.

What is read of predictions and of the quarantine is bounded: a look costs the same whatever the batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, nextafter
from typing import Any

import sqlalchemy as sa

from daybreak.declaration.pipeline import Pipeline
from daybreak.monitoring.reading import if_quick, reading, rows_of
from daybreak.monitoring.spread import Spread, spread_of
from daybreak.tables.names import predictions_table
from daybreak.warehouse.database import Warehouse
from daybreak.warehouse.identifiers import quoted

# So many predictions and rows in quarantine are looked at, of however many there are, and so many predictions held
# against those before.
SAMPLE, COMPARED = 20_000, 5_000
Row = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """How the shown run differs from the one published before it, of the predictions that were looked at."""

    before_run: int
    looked_at: int
    came: int
    differ: int
    mean_change: float | None
    largest_change: float | None


@dataclass(frozen=True)
class Account:
    """One partition: the ``run`` that is looked at, all of its runs and publications, and what that run left.

    ``reasons`` are why rows are in quarantine, with a few of their numbers; ``examples`` are those rows by number.
    """

    run: Row | None
    runs: tuple[Row, ...]
    publications: tuple[Row, ...]
    unmet: tuple[Row, ...] = ()
    reasons: tuple[Row, ...] = ()
    examples: Mapping[int, Row] = field(default_factory=dict)
    spread: Spread | None = None
    difference: Difference | None = None


def read_account(
    warehouse: Warehouse, pipeline: Pipeline, key: str, run_id: int | None = None, *, payloads: bool = False
) -> Account:
    """Read the account of a partition, of one of its runs or of the current one, else the last.

    Why rows are in quarantine is read always, the rows themselves where ``payloads`` may be seen.
    """
    with reading(warehouse) as connection:
        runs = rows_of(connection, "partition_runs", pipeline=pipeline.name, key=key)
        publications = rows_of(connection, "partition_publications", pipeline=pipeline.name, key=key)
        run = _chosen(runs, run_id)
        if run is None:
            return Account(None, tuple(runs), tuple(publications))
        number = run["run_id"]
        reasons = if_quick(connection, lambda: rows_of(connection, "quarantine_reasons", run=number, sample=SAMPLE))
        shown = sorted({row for reason in reasons or () for row in reason["examples"]}) if payloads else []
        return Account(
            run,
            tuple(runs),
            tuple(publications),
            tuple(rows_of(connection, "unmet_expectations", run=number)),
            tuple(reasons or ()),
            {
                row["row_number"]: row
                for row in (rows_of(connection, "quarantine_examples", run=number, rows=shown) if shown else ())
            },
            if_quick(connection, lambda: _spread(connection, pipeline, run)),
            if_quick(connection, lambda: _difference(connection, pipeline, publications)),
        )


def partition_of(warehouse: Warehouse, pipeline: Pipeline, origin: str) -> tuple[str, int] | None:
    """Return partition and run that belong to an Airflow run, as ``dag_id/run_id``; None where it has none yet."""
    with reading(warehouse) as connection:
        found = rows_of(connection, "run_of_origin", origin=origin, pipeline=pipeline.name)
    return (found[0]["partition_key"], found[0]["run_id"]) if found else None


def _chosen(runs: list[Row], run_id: int | None) -> Row | None:
    if run_id is not None:
        return next((run for run in runs if run["run_id"] == run_id), None)
    current = [run for run in runs if run["current"] or run["state"] == "pushed"]
    return next(iter(current or runs), None)


def _spread(connection: sa.Connection, pipeline: Pipeline, run: Mapping[str, Any]) -> Spread | None:
    if pipeline.push or run["model_version"] is None or not run["rows_scored"]:
        return None
    column = pipeline.prediction.column
    wanted = {"model": run["model_name"], "version": run["model_version"], "column": column}
    found = rows_of(connection, "training_profile", **wanted)
    if not found:
        return None
    profile = found[0]["profile"]
    sample = f"SELECT {quoted(column)} AS value FROM {predictions_table(pipeline)} WHERE run_id = :run LIMIT {SAMPLE:d}"
    if "values" in profile:
        query = f"SELECT value::text AS bin, count(*) AS rows FROM ({sample}) AS sample GROUP BY 1"
        binds: dict[str, Any] = {"run": run["run_id"]}
        bins: list[Any] = profile["values"]
    else:
        query = (
            "SELECT width_bucket(value::double precision, CAST(:edges AS double precision[])) AS bin, count(*) AS rows "
            f"FROM ({sample}) AS sample GROUP BY 1"
        )
        edges = profile["bins"]
        # The last bin holds its upper end, too; what is above lies in none.
        binds = {"run": run["run_id"], "edges": [*edges[:-1], nextafter(edges[-1], inf)]}
        bins = list(range(1, len(edges)))
    counted: dict[Any, int] = dict(connection.execute(sa.text(query), binds).tuples().all())
    total = sum(counted.values())
    if not total:
        return None
    return spread_of(profile, [counted.get(one, 0) / total for one in bins], total)


def _difference(connection: sa.Connection, pipeline: Pipeline, publications: list[Row]) -> Difference | None:
    shown = next((one for one in publications if one["withdrawn_at"] is None), None)
    before = next((one for one in publications if shown and one["run_id"] != shown["run_id"]), None)
    if shown is None or before is None:
        return None
    table, value = predictions_table(pipeline), quoted(pipeline.prediction.column)
    # By the table's primary key: each row that is looked at costs one look-up, whatever the table holds.
    same_key = " AND ".join(f"earlier.{quoted(name)} = later.{quoted(name)}" for name in pipeline.entity_key)
    change = f"abs(later.{value}::double precision - earlier.{value}::double precision)"
    if pipeline.prediction.texts:
        change = "NULL::double precision"
    query = (
        "SELECT count(*) AS looked_at, count(*) FILTER (WHERE earlier.run_id IS NULL) AS came, "
        f"count(*) FILTER (WHERE earlier.run_id IS NOT NULL AND earlier.{value} IS DISTINCT FROM later.{value}) "
        f"AS differ, avg({change}) AS mean_change, max({change}) AS largest_change "
        f"FROM (SELECT * FROM {table} WHERE run_id = :later LIMIT {COMPARED:d}) AS later "
        f"LEFT JOIN LATERAL (SELECT earlier.* FROM {table} AS earlier WHERE earlier.run_id = :earlier AND {same_key} "
        "LIMIT 1) AS earlier ON true"
    )
    binds = {"later": shown["run_id"], "earlier": before["run_id"]}
    row = connection.execute(sa.text(query), binds).mappings().one()
    return Difference(before_run=before["run_id"], **row)
