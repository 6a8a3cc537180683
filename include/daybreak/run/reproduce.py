"""Reproduce: derive a run's predictions again from what the ledger says it used, and compare them bit for bit."""

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from daybreak.batch.chunk import Rejected
from daybreak.batch.snapshot import Snapshot
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import DaybreakError, ModelRefused, PublicationRefused
from daybreak.ledger.segments import environments_of_run, versions_of_run
from daybreak.ledger.tables import run_segments
from daybreak.models.segment_models import SegmentModels
from daybreak.models.version import library_versions
from daybreak.run.references import COUNTED
from daybreak.run.resolve import resolve_model
from daybreak.run.runner import Runner
from daybreak.run.scorer import ValidRows
from daybreak.tables.column_types import widened
from daybreak.tables.names import SCHEMA, copied_columns, runs_name
from daybreak.warehouse.identifiers import quoted

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import RowMapping

_COMPARE = """
SELECT
    count(*) FILTER (WHERE stored.run_id IS NOT NULL AND again.run_id IS NOT NULL),
    count(*) FILTER (WHERE {different})
FROM (SELECT * FROM {table} WHERE run_id = {run_id:d}) AS stored
FULL JOIN reproduced AS again USING ({key})
"""


@dataclass(frozen=True)
class Reproduction:
    """How the predictions of a run and those derived again compare; ``changed`` names what is not as it was then.

    ``miscounted`` names the counts in the ledger that are not those of the rows that are there.
    """

    run_id: int
    rows: int
    different: int
    changed: list[str]
    miscounted: list[str] = field(default_factory=list)


def reproduce(runner: Runner, run_id: int) -> Reproduction:
    """Score a run's snapshot again with its model version and compare with what is stored under the run.

    Raises where the snapshot or the model is not the one that was used: then nothing can be said.
    """
    try:
        run = runner.workspace.ledger.get(run_id)
    except DaybreakError as error:
        raise error.located(runner.pipeline.name, None) from None
    try:
        return _reproduced(runner, run)
    except DaybreakError as error:
        raise error.located(run["pipeline"], run["partition_key"]) from error


def _reproduced(runner: Runner, run: "RowMapping") -> Reproduction:
    workspace, pipeline, run_id = runner.workspace, runner.pipeline, run["run_id"]
    if run["pipeline"] != pipeline.name or run["state"] not in ("published", "superseded"):
        raise PublicationRefused(
            f"Run {run_id} is {run['state']}: it has no predictions of {pipeline.name}.",
            next_step="choose one of `daybreak runs` that was published.",
        )
    snapshot = Snapshot(run["snapshot_uri"], run["rows_extracted"], run["snapshot_digest"])
    snapshot.verify()
    model = resolve_model(workspace.registry, pipeline, versions_of_run(workspace.warehouse, run_id))
    if model.digest != run["model_digest"]:
        raise ModelRefused(
            f"The model of {pipeline.name} (version {model.label}) has another digest than the run used.",
            next_step="restore the artifact that was registered.",
        )
    changed = [
        f"{name} was {version}, is {library_versions()[name]}"
        for name, version in run["libraries"].items()
        if library_versions().get(name) != version
    ]
    changed += _environments(runner, run_id, model)
    if run["code_digest"] != workspace.code_digest:
        changed.append("the code has changed since")
    pipeline = _as_then(runner, run, snapshot, changed)
    rows = ValidRows(snapshot, runner.quarantine(run_id).numbers("validate"), pipeline.chunk_rows)
    scoring = runner.scorer.scoring(model, None, _known_already, every_row=pipeline.top is None)

    def again() -> "Generator[pa.RecordBatch]":
        for scored in scoring.predictions(rows.chunks()):
            yield runner.publisher.rows(run_id, scored, copied_columns(pipeline))

    compared, different = _compared(runner, pipeline, run_id, again())
    return Reproduction(run_id, compared, different, changed, _miscounted(runner, run, snapshot))


def _environments(runner: Runner, run_id: int, model: SegmentModels) -> list[str]:
    """Say what is installed otherwise than it was, in the models' own environments."""
    verify = runner.workspace.registry.verify
    here = {segment: verify(version).packages for segment, version in model.versions if version.elsewhere}
    changed = []
    for segment, was in environments_of_run(runner.workspace.warehouse, run_id).items():
        before, now = (dict(package.split("==", 1) for package in one) for one in (was, here.get(segment, ())))
        name = model.by_segment[segment].name
        changed += [f"{name} was scored in an environment of its own, and is not now"] if not now else []
        changed += [
            f"{package} was {before.get(package, 'missing')}, is {now.get(package, 'missing')}, where {name} is scored"
            for package in sorted(before.keys() | now.keys())
            if now and before.get(package) != now.get(package)
        ]
    return list(dict.fromkeys(changed))


def _miscounted(runner: Runner, run: "RowMapping", snapshot: Snapshot) -> list[str]:
    """Hold the ledger's counts against the snapshot, the quarantine, the predictions and the run's segments."""
    run_id, quarantine = run["run_id"], runner.quarantine(run["run_id"])
    with runner.workspace.warehouse.begin() as connection:
        stored = connection.exec_driver_sql(
            f"SELECT count(*) FROM {runner.publisher.table} WHERE run_id = {run_id:d}".replace("%", "%%")
        ).scalar_one()
        sums = sa.select(*(sa.func.sum(run_segments.c[name]).label(name) for name in COUNTED))
        segments = connection.execute(sums.where(run_segments.c.run_id == run_id)).mappings().one()
    there = {
        "rows_extracted": (snapshot.rows_there, "in the snapshot"),
        "rows_quarantined": (len(quarantine.numbers("validate")), "in the quarantine"),
        "rows_failed": (len(quarantine.numbers("score")), "in the quarantine"),
        "rows_scored" if run["rows_kept"] is None else "rows_kept": (stored, "stored under the run"),
    }
    # Segments were not counted in all versions of the ledger.
    counted = {name: (segments[name], "in the run's segments") for name in COUNTED if segments[name] is not None}
    return [
        f"{name} is {run[name]:,} in the ledger and {found:,} {where}"
        for name, (found, where) in [*there.items(), *counted.items()]
        if run[name] != found
    ]


def _as_then(runner: Runner, run: "RowMapping", snapshot: Snapshot, changed: list[str]) -> Pipeline:
    """Return the pipeline without what it declares since the run, and say so in ``changed``."""
    pipeline = runner.pipeline
    if run["rows_kept"] is not None and pipeline.top is None:
        raise PublicationRefused(
            f"Run {run['run_id']} published the best of each group alone, which {pipeline.name} no longer declares.",
            next_step="declare its top as it was.",
        )
    if pipeline.top and run["rows_kept"] is None:
        changed.append("a top is declared since")
        pipeline = replace(pipeline, top=None)
    further = pipeline.prediction.further if run["rows_scored"] else ()
    written = _written(runner, run["run_id"], (*pipeline.carries, *further))
    if lacking := [name for name in further if name not in written]:
        raise PublicationRefused(
            f"Run {run['run_id']} published no {', '.join(lacking)}, which {pipeline.name} predicts since.",
            next_step="declare its prediction as it was.",
        )
    since = [name for name in pipeline.carries if name not in written or name not in snapshot.schema.names]
    changed += [f"nothing was kept of {name} then" for name in since]
    return replace(pipeline, carries=tuple(name for name in pipeline.carries if name not in since))


def _written(runner: Runner, run_id: int, columns: tuple[str, ...]) -> list[str]:
    """Return the columns that have a value in any row of a run."""
    if not columns:
        return []
    found = ", ".join(f"coalesce(bool_or({quoted(column)} IS NOT NULL), false)" for column in columns)
    with runner.workspace.warehouse.begin() as connection:
        statement = f"SELECT {found} FROM {runner.publisher.table} WHERE run_id = {run_id:d}".replace("%", "%%")
        row = connection.exec_driver_sql(statement).one()
    return [column for column, there in zip(columns, row, strict=True) if there]


def _compared(runner: Runner, pipeline: Pipeline, run_id: int, batches: "Generator[pa.RecordBatch]") -> tuple[int, int]:
    import pyarrow as pa

    table = runner.publisher.table
    with runner.workspace.warehouse.bulk() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE reproduced (LIKE {table})")
        kept = connection.adbc_get_table_schema(runs_name(pipeline), db_schema_filter=SCHEMA)
        for batch in (widened(rows, kept) for rows in batches):
            reader = pa.RecordBatchReader.from_batches(batch.schema, [batch])
            cursor.adbc_ingest("reproduced", reader, mode="append", temporary=True)
        key = ", ".join(map(quoted, pipeline.entity_key))
        cursor.execute(_COMPARE.format(table=table, run_id=run_id, different=_different(pipeline), key=key))
        both, different = cursor.fetchone()
    return int(both), int(different)


def _different(pipeline: Pipeline) -> str:
    prediction = pipeline.prediction
    numbers = prediction.further if prediction.texts else prediction.columns
    others = [
        *pipeline.carries,
        *(["rank"] if pipeline.top else []),
        *([prediction.column] if prediction.texts else []),
    ]
    # Numbers are compared bit for bit; what else a row holds, as it is.
    compared = [f"float8send({{side}}.{quoted(name)})" for name in numbers]
    compared += [f"{{side}}.{quoted(name)}" for name in others]
    return " OR ".join(f"{c.format(side='stored')} IS DISTINCT FROM {c.format(side='again')}" for c in compared)


def _known_already(rejected: Rejected) -> None:
    """Leave rows that failed then and fail again where they are: in the quarantine."""
