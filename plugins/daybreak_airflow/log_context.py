"""Log context: the lines of a task say which run of the ledger, pipeline, partition and stage they belong to.

Airflow's log is structlog's, whose context is on each line, as JSON where `[logging] json_logs` asks for it. What is
bound stays until the next task: Airflow tells of an error after the task's body was left.
"""

from structlog.contextvars import bind_contextvars, bound_contextvars, unbind_contextvars

from daybreak.telemetry.run_context import tell_too

_BOUND = ("run", "pipeline", "partition", "stage")


def tell_airflow(stage: str, pipeline: str | None, partition: str | None = None, run: int | None = None) -> None:
    """Have Airflow's log told what this task works on, and what the engine's stages say of it."""
    unbind_contextvars(*_BOUND)
    known = zip(_BOUND, (run, pipeline, partition, stage), strict=True)
    bind_contextvars(**{name: value for name, value in known if value is not None})
    tell_too(bound_contextvars)
