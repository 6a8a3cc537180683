"""Lineage: what a command's runs tell a collector, and that no collector fails or holds up a run."""

import json
from collections.abc import Iterator
from typing import Any

import attr
import jsonschema
import pytest

from collectors import Collector, collecting
from command_line import Daybreak, commands
from daybreak.monitoring.lineage_facets import FACET, SCHEMA
from daybreak.monitoring.message_texts import line_without_values
from daybreak.settings import PROJECT, Settings
from parcels import SHORT_DAY, Parcels

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def daybreak(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Daybreak:
    return commands(monkeypatch, capsys, settings)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as served:
        monkeypatch.setenv("DAYBREAK_LINEAGE_URL", served.url)
        monkeypatch.setenv("DAYBREAK_LINEAGE_TOKEN", "hush")
        yield served


def events(collector: Collector) -> list[dict[str, Any]]:
    assert {path for path, _ in collector.bodies} <= {"/api/v1/lineage"}
    return [json.loads(body) for _, body in collector.bodies]


def hold_against_the_specification(event: dict[str, Any]) -> None:
    """Read an event into the classes that OpenLineage generates from its schemas: no field more, none missing."""
    from openlineage.client import event_v2, facet_v2

    from daybreak.monitoring.lineage_facets import DaybreakRunFacet

    facets = {
        "nominalTime": facet_v2.nominal_time_run.NominalTimeRunFacet,
        "test": facet_v2.test_run.TestRunFacet,
        "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
        "jobType": facet_v2.job_type_job.JobTypeJobFacet,
        "sql": facet_v2.sql_job.SQLJobFacet,
        "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
        "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
        "tags": facet_v2.tags_run.TagsRunFacet,  # the client's own, of its version
        FACET: DaybreakRunFacet,
    }

    def read(kind: type, value: dict[str, Any]) -> Any:
        plain = dict(value)
        assert plain.pop("schemaURL", None) in (None, kind._get_schema())
        assert plain.pop("_schemaURL", None) in (None, kind._get_schema())
        if "_producer" in plain:
            plain["producer"] = plain.pop("_producer")
        plain.pop("_deleted", None)
        return kind(**plain)

    def read_facets(found: dict[str, Any]) -> None:
        for name, facet in found.items():
            assert {"_producer", "_schemaURL"} <= set(facet)
            read(facets[name], facet)
            if name == "test":
                for test in facet["tests"]:
                    assert read(facet_v2.test_run.TestExecution, test).status in ("pass", "fail", "skip")

    read(event_v2.RunEvent, {**event, "eventType": event_v2.RunState[event["eventType"]]})
    read_facets(read(event_v2.Run, event["run"]).facets)
    read_facets(read(event_v2.Job, event["job"]).facets)
    for one in event["inputs"]:
        read_facets(read(event_v2.InputDataset, one).facets)
    for one in event["outputs"]:
        made = read(event_v2.OutputDataset, one)
        read_facets(made.facets)
        read_facets(made.outputFacets)
    schema = json.loads((PROJECT / "docs" / "observability" / "daybreak_run_facet.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == SCHEMA
    assert set(schema["properties"]) - {"_producer", "_schemaURL"} == {
        field.name for field in attr.fields(DaybreakRunFacet) if not field.name.startswith("_")
    }
    jsonschema.validate(event["run"]["facets"][FACET], schema, format_checker=jsonschema.FormatChecker())


def test_a_run_tells_its_inputs_outputs_model_counts_digests_and_expectations(
    daybreak: Daybreak, parcels: Parcels, collector: Collector
) -> None:
    assert daybreak("run", "parcel_hours", "--partition", SHORT_DAY)[0] == 0
    start, complete = events(collector)
    for event in (start, complete):
        hold_against_the_specification(event)
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == complete["run"]["runId"]
    assert complete["job"] == start["job"]
    assert complete["job"]["name"] == "parcel_hours"

    run, warehouse = parcels.last_run(), parcels.workspace.warehouse
    assert [one["name"] for one in complete["inputs"]] == [f"{warehouse.url.database}.parcels.handed_in"]
    assert complete["inputs"] == start["inputs"]
    [output] = complete["outputs"]
    assert output["name"] == f"{warehouse.url.database}.predictions.parcel_hours"
    assert output["facets"]["version"]["datasetVersion"] == str(run["run_id"])
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == run["rows_scored"] == 400
    facet = complete["run"]["facets"][FACET]
    assert facet["rows"] == {"extracted": 400, "quarantined": 0, "failed": 0, "scored": 400}
    assert facet["model"]["version"] == run["model_version"]
    assert facet["digests"] == {name: run[f"{name}_digest"] for name in ("query", "snapshot", "expectations", "code")}
    tests = complete["run"]["facets"]["test"]["tests"]
    assert tests
    assert {test["status"] for test in tests} == {"pass"}
    assert collector.headers[0]["Authorization"] == "Bearer hush"


def test_a_run_that_fails_says_why_and_with_what_expectations(
    daybreak: Daybreak, parcels: Parcels, collector: Collector
) -> None:
    parcels.execute("UPDATE parcels.handed_in SET weight_kg = 4321.25")
    assert daybreak("run", "parcel_hours", "--partition", SHORT_DAY)[0] == 1
    _, failed = events(collector)
    hold_against_the_specification(failed)
    assert failed["eventType"] == "FAIL"
    assert failed["run"]["facets"]["errorMessage"]["message"] == line_without_values(parcels.last_run()["error"])
    tests = failed["run"]["facets"]["test"]["tests"]
    assert "fail" in {test["status"] for test in tests}
    assert "4321" not in json.dumps(tests)


def test_a_run_that_is_refused_at_its_plan_fails_too(
    daybreak: Daybreak, parcels: Parcels, collector: Collector
) -> None:
    parcels.execute("DELETE FROM parcels.handed_in")
    assert daybreak("run", "parcel_hours", "--partition", SHORT_DAY)[0] == 1
    assert [event["eventType"] for event in events(collector)] == ["START", "FAIL"]


def test_each_run_of_a_backfill_is_told(daybreak: Daybreak, parcels: Parcels, collector: Collector) -> None:
    daybreak("backfill", "parcel_hours", "2024-03-09", "2024-03-10")
    told = events(collector)
    assert [event["eventType"] for event in told] == ["START", "COMPLETE"] * 2
    assert len({event["run"]["runId"] for event in told}) == 2
    for event in told:
        hold_against_the_specification(event)


def test_a_collector_that_hangs_fails_no_run(
    daybreak: Daybreak, parcels: Parcels, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with collecting(hangs=20) as collector:
        monkeypatch.setenv("DAYBREAK_LINEAGE_URL", collector.url)
        code, out, _ = daybreak("run", "parcel_hours", "--partition", SHORT_DAY)
    assert (code, "published" in out) == (0, True)
    assert sum("Lineage was not sent" in record.getMessage() for record in caplog.records) == 1
