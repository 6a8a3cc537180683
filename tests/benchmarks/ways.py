"""Ways to predict one partition, each run in a process of its own: `python ways.py WAY JSON`.

Everything is imported, the model is loaded and a small partition was done before the clock starts. One line of JSON on
standard output says what it took.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import sqlalchemy as sa
from benchmark_pipeline import BY_HOUR, FOUR_SEGMENTS, FROM_FILES, ONE_MODEL, OWN, THROUGHPUT
from rows import bound

from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.segments import ModelRef
from daybreak.run.plan import query_binds
from daybreak.run.planning import Request, plan_run
from daybreak.run.runner import Runner
from daybreak.run.shadow import resolve_shadow
from daybreak.settings import Settings
from daybreak.warehouse.sql_file import load_sql
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

KEY = list(THROUGHPUT.entity_key)
PREDICTION = THROUGHPUT.prediction.column


class Clock:
    """Wall clock, processor time of this process and of the PostgreSQL server."""

    def __init__(self, server: Path) -> None:
        self._server = psutil.Process(int((server / "postmaster.pid").read_text().split()[0]))
        self.measured: dict[str, float] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure the body."""
        server, own, wall = self._server_seconds(), time.process_time(), time.perf_counter()
        yield
        self.measured = {
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - own,
            "postgres_cpu": self._server_seconds() - server,
        }

    def _server_seconds(self) -> float:
        # The server's processes that have ended are in its children's time.
        times = self._server.cpu_times()
        total = times.user + times.system + times.children_user + times.children_system
        for child in self._server.children(recursive=True):
            try:
                own = child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += own.user + own.system
        return total


def tutorial(workspace: Workspace, day: date, clock: Clock) -> dict[str, Any]:
    """Read with pandas, predict, write with pandas; nothing is validated, nothing is tuned."""
    import pandas as pd

    model, columns = _model(workspace)
    engine = sa.create_engine(workspace.warehouse.url)
    query = bound(workspace.sql(THROUGHPUT, "extract"), {"first_day": day})
    with clock.running():
        frame = pd.read_sql(query, engine)
        frame[PREDICTION] = model.predict(frame[columns])
        frame[[*KEY, PREDICTION]].to_sql("tutorial", engine, schema="bench", if_exists="replace", index=False)
    engine.dispose()
    return {"rows": len(frame)}


def daybreak(workspace: Workspace, day: date, clock: Clock) -> dict[str, Any]:
    """Plan, extract, validate, score and publish."""
    with clock.running():
        request = Request(day.isoformat())
        outcome = _runner(workspace, THROUGHPUT).run(plan_run(workspace, THROUGHPUT, request))
    return {"rows": outcome.counts.rows_extracted, "run_id": outcome.plan.run_id, **outcome.counts.__dict__}


def own_environment(workspace: Workspace, day: date, clock: Clock) -> dict[str, Any]:
    """Do the same with the model in an environment of its own."""
    return _run(workspace, OWN, day, clock)


def predict(workspace: Workspace, day: date, clock: Clock) -> dict[str, Any]:
    """Predict rows that are in memory already, in one call; the predictions are kept for the comparison afterwards."""
    import pyarrow as pa

    model, columns = _model(workspace)
    rows = _rows(workspace, day)
    frame = rows.select(columns).to_pandas()
    with clock.running():
        values = model.predict(frame)
    predicted = rows.select(KEY).append_column(PREDICTION, pa.array(values))
    with workspace.warehouse.bulk() as connection:
        with connection.cursor() as cursor:
            cursor.adbc_ingest("predict", predicted, mode="replace", db_schema_name="bench")
        connection.commit()
    return {"rows": len(frame)}


def one_model(workspace: Workspace, day: date, clock: Clock) -> dict[str, Any]:
    """Score rows that carry a segment with one model; nothing is in its shadow."""
    return _run(workspace, replace(ONE_MODEL, shadow=None), day, clock)


def four_segments(workspace: Workspace, day: date, clock: Clock) -> dict[str, Any]:
    """Score the same rows, each with the model of its segment."""
    return _run(workspace, FOUR_SEGMENTS, day, clock)


def from_files(workspace: Workspace, day: date, clock: Clock) -> dict[str, Any]:
    """Run the same rows from a Parquet file, through DuckDB."""
    return _run(workspace, FROM_FILES, day, clock)


def by_hour(workspace: Workspace, day: date, clock: Clock) -> dict[str, Any]:
    """Plan and publish each hour of the day, each with its share of the rows."""
    whole, hours = THROUGHPUT.calendar.partition(day.isoformat()), BY_HOUR.calendar
    rows = 0
    with clock.running():
        for hour in hours.between(hours.at(whole.start), hours.before(hours.at(whole.end))):
            outcome = _runner(workspace, BY_HOUR).run(plan_run(workspace, BY_HOUR, Request(hour.key)))
            rows += outcome.counts.rows_extracted
    return {"rows": rows}


def shadow(workspace: Workspace, day: date, clock: Clock) -> dict[str, Any]:
    """Publish with the champion; then the clock runs for all that a run with a challenger does besides.

    That is to resolve and verify it when the run is planned, and to score and write once the run is published.
    """
    runner = _runner(workspace, ONE_MODEL)
    plan = plan_run(workspace, ONE_MODEL, Request(day.isoformat()))
    # Stage by stage, as Airflow does: a run as one stream would do the shadow too.
    snapshot = runner.extract(plan)
    runner.validate(plan, snapshot)
    counts = runner.score(plan, snapshot)
    runner.publish(plan, counts)
    with clock.running():
        resolve_shadow(workspace.warehouse, workspace.registry, workspace.alias_store, ONE_MODEL, plan)
        shadowed = runner.shadow(plan, snapshot)
    assert shadowed is not None, "there is no challenger"
    assert (shadowed.problem, shadowed.rows_scored) == (None, counts.rows_scored), shadowed
    return {"rows": snapshot.rows}


def champion(workspace: Workspace, day: date, clock: Clock) -> dict[str, Any]:
    """Resolve and load the champion in a workspace that has no connection yet; the second time, imports are done."""
    fresh = Workspace(workspace.settings)
    with clock.running():
        fresh.registry.load(fresh.registry.resolve(THROUGHPUT.single_ref))
    fresh.close()
    return {"rows": 1}


def challenger(workspace: Workspace, day: date, clock: Clock) -> dict[str, Any]:
    """Predict rows that are in memory already with the challenger, in one call."""
    version = workspace.registry.resolve(ModelRef(THROUGHPUT.single_ref.name, "challenger"))
    model = workspace.registry.load(version)
    frame = _rows(workspace, day).select(version.signature.names).to_pandas()
    with clock.running():
        model.predict(frame)
    return {"rows": len(frame)}


WAYS: dict[str, Callable[[Workspace, date, Clock], dict[str, Any]]] = {
    "tutorial": tutorial,
    "daybreak": daybreak,
    "own_environment": own_environment,
    # Nothing is imported, loaded or started before the clock starts.
    "first_run": daybreak,
    "first_run_of_its_own": own_environment,
    "predict": predict,
    "one_model": one_model,
    "four_segments": four_segments,
    "from_files": from_files,
    "by_hour": by_hour,
    "shadow": shadow,
    "champion": champion,
    "challenger": challenger,
}
COLD = ("first_run", "first_run_of_its_own")
_runners: dict[tuple[int, str], Runner] = {}


def _run(workspace: Workspace, pipeline: Pipeline, day: date, clock: Clock) -> dict[str, Any]:
    with clock.running():
        outcome = _runner(workspace, pipeline).run(plan_run(workspace, pipeline, Request(day.isoformat())))
    return {"rows": outcome.counts.rows_extracted}


def _runner(workspace: Workspace, pipeline: Pipeline) -> Runner:
    return _runners.setdefault((id(workspace), pipeline.name), Runner(workspace, pipeline))


def _model(workspace: Workspace) -> tuple[Any, list[str]]:
    version = workspace.registry.resolve(THROUGHPUT.single_ref)
    return workspace.registry.load(version), version.signature.names


def _rows(workspace: Workspace, day: date) -> "pa.Table":
    partition = THROUGHPUT.calendar.partition(day.isoformat())
    query = load_sql(workspace.sql(THROUGHPUT, "extract"))
    with workspace.warehouse.stream(query, query_binds(partition), count=False) as (_, reader):
        return reader.read_all()


def _peak_bytes() -> int:
    # The rusage of a fresh process still holds its parent's peak; the kernel's own line does not.
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def main() -> None:
    """Run one way on one partition, after a small one to warm up."""
    way, asked = WAYS[sys.argv[1]], json.loads(sys.argv[2])
    workspace = Workspace(Settings(**asked["settings"]))
    clock = Clock(Path(asked["settings"]["home"]) / "postgres")
    if sys.argv[1] not in COLD:
        way(workspace, date.fromisoformat(asked["warm_up"]), clock)
    result = way(workspace, date.fromisoformat(asked["day"]), clock)
    workspace.close()
    print(json.dumps(result | clock.measured | {"peak_bytes": _peak_bytes()}))


if __name__ == "__main__":
    main()
