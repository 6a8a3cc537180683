"""Observed tasks: spans of stages inside Airflow's trace, and metrics when a run ends, where an endpoint is set.

With `[traces] otel_on` Airflow's own exporter sends the spans, and waits as long as OTEL_EXPORTER_OTLP_TIMEOUT says.
Without, they are sent from here, below the trace that Airflow handed the task, if it did.
"""

from collections.abc import Iterator
from contextlib import contextmanager

# What ends a run; a task that fails does too.
_LAST = ("publish_run", "push")


@contextmanager
def observed_task(name: str) -> Iterator[None]:
    """Tell a collector of what a task's body does; without an endpoint nothing is loaded and nothing is done."""
    # Here: every DAG file imports this module, and settings are a fifth of what that takes.
    from daybreak.settings import otlp_signals

    signals = otlp_signals()
    ended = name in _LAST
    try:
        if "traces" in signals:
            with _traced(name):
                yield
        else:
            yield
    except Exception:
        ended = True
        raise
    finally:
        if ended and "metrics" in signals:
            _send_metrics()


@contextmanager
def _traced(name: str) -> Iterator[None]:
    from daybreak.monitoring.spans import flush_spans, root_span, sends_itself, start_spans

    start_spans()
    if not sends_itself():
        yield
        return
    try:
        with root_span(f"daybreak.task.{name.removesuffix('_run')}", _carrier()):
            yield
    finally:
        flush_spans()


def _carrier() -> dict[str, str] | None:
    from airflow.sdk import get_current_context

    try:
        return getattr(get_current_context()["ti"], "context_carrier", None)
    except RuntimeError:
        return None  # not within a task


def _send_metrics() -> None:
    from daybreak.monitoring.otlp_metrics import send_metrics
    from daybreak.settings import read_settings
    from daybreak.workspace import Workspace

    workspace = Workspace(read_settings())
    try:
        send_metrics(workspace)
    finally:
        workspace.close()
