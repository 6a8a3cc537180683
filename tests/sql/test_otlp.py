"""OpenTelemetry: what a command's runs tell a collector over OTLP, and that no collector fails or holds up a run."""

import math
import time
from collections.abc import Iterator
from typing import Any

import pytest

from collectors import Collector, collecting
from command_line import Daybreak, commands
from daybreak.monitoring.message_texts import line_without_values
from daybreak.monitoring.metrics import METRICS
from daybreak.monitoring.otlp import PATIENCE
from daybreak.monitoring.otlp_metrics import instrument
from daybreak.settings import Settings
from parcels import SHORT_DAY, Parcels

pytestmark = pytest.mark.usefixtures("new_telemetry")

TRACE = "0af7651916cd43dd8448eb211c80319c"
RUN = ("run", "parcel_hours", "--partition", SHORT_DAY)


@pytest.fixture
def daybreak(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Daybreak:
    return commands(monkeypatch, capsys, settings)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as served:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", served.url)
        monkeypatch.setenv("TRACEPARENT", f"00-{TRACE}-b7ad6b7169203331-01")
        yield served


def sent_spans(collector: Collector) -> list[tuple[Any, dict[str, str]]]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found = []
    for path, body in collector.bodies:
        if path == "/v1/traces":
            for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                resource = {one.key: one.value.string_value for one in of_resource.resource.attributes}
                found += [(span, resource) for scope in of_resource.scope_spans for span in scope.spans]
    return found


def sent_metrics(collector: Collector) -> dict[str, list[tuple[dict[str, str], float]]]:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    [body] = [body for path, body in collector.bodies if path == "/v1/metrics"]
    [of_resource] = ExportMetricsServiceRequest.FromString(body).resource_metrics
    [scope] = of_resource.scope_metrics
    return {
        metric.name: [
            ({one.key: one.value.string_value for one in point.attributes}, point.as_double or float(point.as_int))
            for point in metric.gauge.data_points
        ]
        for metric in scope.metrics
    }


def test_stages_are_spans_of_the_trace_that_the_command_was_started_in(
    daybreak: Daybreak, parcels: Parcels, collector: Collector
) -> None:
    assert daybreak(*RUN)[0] == 0
    found = {span.name: (span, resource) for span, resource in sent_spans(collector)}
    assert set(found) == {"daybreak.run", "daybreak.plan", "daybreak.all"}
    root, resource = found["daybreak.run"]
    assert resource["service.name"] == "daybreak"
    assert root.trace_id.hex() == TRACE
    assert root.parent_span_id.hex() == "b7ad6b7169203331"
    stage, _ = found["daybreak.all"]
    assert stage.parent_span_id == root.span_id
    attributes = {one.key: one.value for one in stage.attributes}
    assert attributes["daybreak.run"].int_value == parcels.last_run()["run_id"]
    assert attributes["daybreak.partition"].string_value == str(SHORT_DAY)


def test_metrics_are_what_the_ledger_says(daybreak: Daybreak, parcels: Parcels, collector: Collector) -> None:
    assert daybreak(*RUN)[0] == 0
    found = sent_metrics(collector)
    assert set(found) <= {instrument(metric) for metric in METRICS}
    rows = {labels["outcome"]: value for labels, value in found["daybreak.run.rows"]}
    assert rows == {"quarantined": 0, "failed": 0, "scored": 400}
    [(stage, seconds)] = found["daybreak.run.stage.seconds"]
    assert stage == {"pipeline": "parcel_hours", "stage": "all"}
    assert math.isclose(seconds, parcels.last_run()["seconds"]["all"])
    [(_, newest)] = found["daybreak.partition.newest.end.timestamp.seconds"]
    assert newest == parcels.value(
        "SELECT extract(epoch FROM max(window_end)) FROM ledger.runs WHERE state = 'published'"
    )
    assert min(value for _, value in found["daybreak.table.bytes"]) >= 0


def test_a_stage_that_fails_is_a_span_that_says_why(daybreak: Daybreak, parcels: Parcels, collector: Collector) -> None:
    parcels.execute("UPDATE parcels.handed_in SET weight_kg = 4321.25")
    assert daybreak(*RUN)[0] == 1
    found = {span.name: span for span, _ in sent_spans(collector)}
    assert found["daybreak.all"].status.message == line_without_values(parcels.last_run()["error"])
    assert not found["daybreak.all"].events
    assert not any(b"4321" in body for _, body in collector.bodies)


@pytest.mark.parametrize("how", ["away", "answers 500", "hangs"])
def test_a_collector_in_trouble_costs_a_bounded_time_and_a_line_each(
    daybreak: Daybreak, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, parcels: Parcels, how: str
) -> None:
    with collecting(500 if how == "answers 500" else 200, hangs=20 if how == "hangs" else 0) as collector:
        address = "http://127.0.0.1:9" if how == "away" else collector.url
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        code, out, _ = daybreak(*RUN)
        ended = time.time()
    assert (code, "published" in out) == (0, True)
    assert ended - parcels.last_run()["finished_at"].timestamp() < 2 * PATIENCE + 2
    lines = [record.getMessage() for record in caplog.records if "not sent" in record.getMessage()]
    assert [line.partition(":")[0] for line in lines] == ["Spans were not sent", "Metrics were not sent"]


def test_one_signal_may_be_asked_for_alone(
    daybreak: Daybreak, monkeypatch: pytest.MonkeyPatch, collector: Collector, parcels: Parcels
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    assert daybreak(*RUN)[0] == 0
    assert {path for path, _ in collector.bodies} == {"/v1/metrics"}
