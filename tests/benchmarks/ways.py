"""Three ways to predict one partition, each run in a process of its own: `python ways.py WAY JSON`.

Everything is imported, the model is loaded and a small partition was done before the clock starts. One line of JSON on
standard output says what it took.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import sqlalchemy as sa
from benchmark_pipeline import THROUGHPUT
from rows import bound

from daybreak.partition import Partition
from daybreak.plan import query_binds
from daybreak.planning import Request, plan_run
from daybreak.runner import Runner
from daybreak.settings import Settings
from daybreak.sql import load_sql
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
        outcome = _runner(workspace).run(plan_run(workspace, THROUGHPUT, request))
    return {"rows": outcome.counts.rows_extracted, "run_id": outcome.plan.run_id, **outcome.counts.__dict__}


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


WAYS: dict[str, Callable[[Workspace, date, Clock], dict[str, Any]]] = {
    "tutorial": tutorial,
    "daybreak": daybreak,
    "predict": predict,
}
_runners: dict[int, Runner] = {}


def _runner(workspace: Workspace) -> Runner:
    return _runners.setdefault(id(workspace), Runner(workspace, THROUGHPUT))


def _model(workspace: Workspace) -> tuple[Any, list[str]]:
    version = workspace.registry.resolve(THROUGHPUT.model)
    return workspace.registry.load(version), version.signature.names


def _rows(workspace: Workspace, day: date) -> "pa.Table":
    partition = Partition(day, THROUGHPUT.timezone)
    query = load_sql(workspace.sql(THROUGHPUT, "extract"))
    with workspace.warehouse.stream(query, query_binds(partition, partition), count=False) as (_, reader):
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
    way(workspace, date.fromisoformat(asked["warm_up"]), clock)
    result = way(workspace, date.fromisoformat(asked["day"]), clock)
    workspace.close()
    print(json.dumps(result | clock.measured | {"peak_bytes": _peak_bytes()}))


if __name__ == "__main__":
    main()
