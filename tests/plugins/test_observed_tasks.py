"""Stages of a task are spans below the one that Airflow opened for it."""

import subprocess
import sys

from daybreak.settings import PROJECT

IN_AIRFLOWS_TRACE = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from daybreak.errors import SourceRefused
from daybreak.telemetry.run_context import working_on
from daybreak_airflow.observed_tasks import observed_task

kept, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(kept))
trace.set_tracer_provider(provider)
try:
    with trace.get_tracer("airflow").start_as_current_span("worker.score", record_exception=False):
        with observed_task("score"), working_on(7, "sales", "2026-01-02", "score"):
            raise SourceRefused("Empty.", next_step="wait.")
except SourceRefused:
    pass
stage, worker = kept.get_finished_spans()
print(stage.name, worker.name, stage.parent.span_id == worker.context.span_id, stage.status.description)
"""


def test_with_airflows_own_tracing_stages_are_in_its_trace() -> None:
    environment = {
        "PYTHONPATH": str(PROJECT / "plugins"),
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces",
    }
    command = [sys.executable, "-c", IN_AIRFLOWS_TRACE]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "daybreak.score worker.score True Empty. Next: wait."
    assert found.stderr == ""
