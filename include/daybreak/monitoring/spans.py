"""Spans: runs and their stages as OpenTelemetry's spans, where an endpoint is set.

Where somebody else has set OpenTelemetry up in this process, as Airflow does if `[traces] otel_on` is set, spans go the
way of theirs. Otherwise they are sent from here over HTTP, and waited for no longer than ``PATIENCE`` says.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from daybreak.errors import DaybreakError
from daybreak.monitoring.message_texts import line_without_values
from daybreak.monitoring.otlp import NEXT, PATIENCE, exporter_timeout, in_time, resource
from daybreak.telemetry.run_context import tell_too

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = logging.getLogger("daybreak")

# What the exporter in its own thread could not hand over.
_refused: list[bool] = []


def sends_itself() -> bool:
    """Tell whether spans are sent from here: nobody else has set OpenTelemetry up in this process."""
    return _provider() is not None


def start_spans() -> None:
    """Have each stage of a run from now on be a span."""
    _provider()
    tell_too(stage_span)


@contextmanager
def root_span(name: str, carrier: Mapping[str, str] | None = None, **attributes: Any) -> Iterator[None]:
    """Open a span, below the one that the carrier names as W3C's ``traceparent`` if it does."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    parent = TraceContextTextMapPropagator().extract(carrier) if carrier else None
    with _span(name, attributes, parent):
        yield


@contextmanager
def stage_span(run: int, pipeline: str, partition: str, stage: str) -> Iterator[None]:
    """Open the span of a stage."""
    place = {"run": run, "pipeline": pipeline, "partition": partition, "stage": stage}
    with _span(f"daybreak.{stage}", {f"daybreak.{name}": value for name, value in place.items()}, None):
        yield


def flush_spans() -> None:
    """Send what is finished, for a bounded time; what goes by somebody else's way is left to them."""
    provider = _provider()
    if provider is None:
        return
    _refused.clear()
    if not in_time(provider.force_flush):
        log.warning("Spans were not sent: no answer within %g s. %s", PATIENCE, NEXT)
    elif _refused:
        log.warning("Spans were not sent: the collector did not take them. %s", NEXT)


@contextmanager
def _span(name: str, attributes: Mapping[str, Any], parent: Any) -> Iterator[None]:
    from opentelemetry import trace

    tracer = (_provider() or trace.get_tracer_provider()).get_tracer("daybreak")
    # Texts and tracebacks of errors that are not ours may hold values of rows.
    with tracer.start_as_current_span(
        name, context=parent, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except BaseException as error:
            said = line_without_values(str(error)) if isinstance(error, DaybreakError) else None
            span.set_status(trace.StatusCode.ERROR, said)
            span.set_attribute("error.type", type(error).__name__)
            raise


@cache
def _provider() -> "TracerProvider | None":
    """Set OpenTelemetry up, once in a process; None where somebody else has."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return None

    class Exporter(OTLPSpanExporter):
        def export(self, *arguments: Any, **named: Any) -> SpanExportResult:
            result = super().export(*arguments, **named)
            if result is not SpanExportResult.SUCCESS:
                _refused.append(True)
            return result

    # Its own way of ending a process would wait for half a minute.
    provider = TracerProvider(resource=resource(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Exporter(timeout=exporter_timeout())))
    return provider
