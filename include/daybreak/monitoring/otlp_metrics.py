"""OTLP metrics: the metrics as OpenTelemetry's gauges, read once and sent once."""

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from daybreak.monitoring.metric_queries import read_samples
from daybreak.monitoring.metrics import METRICS, Metric, Sample
from daybreak.monitoring.otlp import NEXT, PATIENCE, exporter_timeout, in_time, resource
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation

log = logging.getLogger("daybreak")


def send_metrics(workspace: Workspace) -> None:
    """Send all metrics as they stand now, for a bounded time; what goes wrong is a line in the log."""
    problem: list[str] = []

    def send() -> None:
        try:
            if not _send(read_samples(workspace)):
                problem.append("the collector did not take them")
        except Exception as error:
            problem.append(type(error).__name__)

    if not in_time(send):
        problem.append(f"no answer within {PATIENCE:g} s")
    if problem:
        log.warning("Metrics were not sent: %s. %s", problem[0], NEXT)


def _send(samples: Sequence[Sample]) -> bool:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricExportResult, PeriodicExportingMetricReader

    taken: list[bool] = []

    class Exporter(OTLPMetricExporter):
        def export(self, *arguments: Any, **named: Any) -> MetricExportResult:
            result = super().export(*arguments, **named)
            taken.append(result is MetricExportResult.SUCCESS)
            return result

    # Without an interval there is no thread of its own.
    reader = PeriodicExportingMetricReader(Exporter(timeout=exporter_timeout()), export_interval_millis=math.inf)
    provider = MeterProvider([reader], resource=resource(), shutdown_on_exit=False)
    meter = provider.get_meter("daybreak")
    for metric in METRICS:
        found = [sample for sample in samples if sample.metric == metric]
        meter.create_observable_gauge(instrument(metric), [_observing(found)], metric.unit, metric.help)
    provider.force_flush()
    return any(taken)


def instrument(metric: Metric) -> str:
    """Return what OpenTelemetry calls a metric."""
    return metric.name.replace("_", ".")


def _observing(samples: Sequence[Sample]) -> "Callable[[CallbackOptions], Iterable[Observation]]":
    from opentelemetry.metrics import Observation

    return lambda options: [Observation(sample.value, dict(sample.labels)) for sample in samples]
