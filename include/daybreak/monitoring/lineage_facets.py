"""Lineage facets: what an OpenLineage event says of a run, made from what the ledger has recorded of it.

Only counts, digests, names and versions are in them. This module loads OpenLineage's client: it is imported where
lineage is asked for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import attr
from openlineage.client import facet_v2
from openlineage.client.generated.base import RunFacet

from daybreak.monitoring.message_texts import line_without_values

PRODUCER = "urn:daybreak"
SCHEMA = "urn:daybreak:lineage:DaybreakRunFacet:1-0-0"
FACET = "daybreak_run"


@attr.define(kw_only=True)
class DaybreakRunFacet(RunFacet):
    """What the ledger knows of a run; docs/observability/daybreak_run_facet.json is its schema."""

    run: int
    pipeline: str
    partition: str
    attempt: int
    trigger: str
    state: str
    model: dict[str, Any] | None = None
    digests: dict[str, str] = attr.field(factory=dict)
    rows: dict[str, int] = attr.field(factory=dict)

    _additional_skip_redact = ["run", "pipeline", "partition", "model", "digests", "rows"]  # noqa: RUF012

    @staticmethod
    def _get_schema() -> str:
        return SCHEMA


def run_facets(run: Mapping[str, Any], expectations: Sequence[Mapping[str, Any]]) -> dict[str, RunFacet]:
    """Return the facets of a run, of its row in the ledger and of what its expectations said."""
    digests = {name: run[f"{name}_digest"] for name in ("query", "snapshot", "expectations", "code")}
    rows = {name: run[f"rows_{name}"] for name in ("extracted", "quarantined", "failed", "scored", "kept")}
    model = {name: run[f"model_{name}"] for name in ("name", "version", "digest")}
    if run["trained_through"] is not None:
        model["trained_through"] = run["trained_through"].isoformat()
    facets: dict[str, RunFacet] = {
        FACET: DaybreakRunFacet(
            producer=PRODUCER,
            run=run["run_id"],
            pipeline=run["pipeline"],
            partition=run["partition_key"],
            attempt=run["attempt"],
            trigger=run["trigger"],
            state=run["state"],
            model=_known(model) or None,
            digests=_known(digests),
            rows=_known(rows),
        )
    }
    if run["window_start"] is not None:
        start, end = run["window_start"].isoformat(), run["window_end"].isoformat()
        facets["nominalTime"] = facet_v2.nominal_time_run.NominalTimeRunFacet(start, end, producer=PRODUCER)
    if expectations:
        tests = [_test(said) for said in expectations]
        facets["test"] = facet_v2.test_run.TestRunFacet(tests, producer=PRODUCER)
    if run["error"]:
        facets["errorMessage"] = facet_v2.error_message_run.ErrorMessageRunFacet(
            line_without_values(run["error"]), "PYTHON", producer=PRODUCER
        )
    return facets


def _test(said: Mapping[str, Any]) -> facet_v2.test_run.TestExecution:
    # What was observed, and what was expected of which values, is left out: it is made of the rows.
    column = (said["arguments"] or {}).get("column")
    return facet_v2.test_run.TestExecution(
        name=f"{said['position']}. {said['expectation']}" + (f" {column}" if isinstance(column, str) else ""),
        status="pass" if said["success"] else "fail",
        severity="error" if said["severity"] == "critical" else "warn",
        type=said["expectation"],
        params={"level": said["level"], "evaluated": said["evaluated"], "unexpected": said["unexpected"]},
    )


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
