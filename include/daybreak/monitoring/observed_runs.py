"""Observed runs: what the platform's own tools are told of the runs of a command, where settings ask for it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import DaybreakError
from daybreak.monitoring.lineage_sending import LineageSender
from daybreak.settings import otlp_signals, trace_parent
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

Begun = Callable[[int], None]


class ObservedRuns:
    """Tell of runs as they begin and end; without a setting that asks for it nothing is loaded and nothing is done."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lineage = LineageSender(workspace.settings) if workspace.settings.lineage_url else None
        self._signals = otlp_signals()
        if "traces" in self._signals:
            from daybreak.monitoring.spans import start_spans

            start_spans()

    @contextmanager
    def one(self, pipeline: Pipeline) -> Iterator[Begun]:
        """Tell of one run; what is yielded is called with its number once it is planned."""
        begun: list[int] = []

        def begin(run_id: int) -> None:
            begun.append(run_id)
            self._tell(pipeline, run_id, "START")

        try:
            with self._span(pipeline):
                yield begin
        except DaybreakError as error:
            if run_id := error.run or next(iter(begun), None):
                if not begun:
                    self._tell(pipeline, run_id, "START")
                self._tell(pipeline, run_id, "FAIL")
            raise
        except BaseException:
            for run_id in begun:
                self._tell(pipeline, run_id, "ABORT")
            raise
        for run_id in begun:
            self._tell(pipeline, run_id, "COMPLETE")

    def _tell(self, pipeline: Pipeline, run_id: int, state: str) -> None:
        if self._lineage is None:
            return
        workspace = self._workspace

        def event() -> "RunEvent":
            from openlineage.client.event_v2 import RunState

            from daybreak.monitoring.lineage_events import RunLineage

            return RunLineage(workspace, pipeline, run_id).event(RunState[state])

        self._lineage.send(event)

    def _span(self, pipeline: Pipeline) -> AbstractContextManager[None]:
        if "traces" not in self._signals:
            return nullcontext()
        from daybreak.monitoring.spans import root_span

        return root_span("daybreak.run", trace_parent(), **{"daybreak.pipeline": pipeline.name})

    def close(self) -> None:
        """Send what is left, and wait a bounded time for what is under way."""
        if self._lineage:
            self._lineage.close()
        if "traces" in self._signals:
            from daybreak.monitoring.spans import flush_spans

            flush_spans()
        if "metrics" in self._signals:
            from daybreak.monitoring.otlp_metrics import send_metrics

            send_metrics(self._workspace)


@contextmanager
def observed_runs(workspace: Workspace) -> Iterator[ObservedRuns]:
    """Tell of the runs of a command, and wait at its end for what is under way."""
    runs = ObservedRuns(workspace)
    try:
        yield runs
    finally:
        runs.close()
