"""Candidates: models that were fitted and measured beside each other; one of them is registered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Candidate:
    """What was measured of one model; ``chosen`` is the registered one.

    ``measured_on`` says on what, the same for all that are to be compared. ``failure`` says why there is nothing to
    measure.
    """

    name: str
    metrics: Mapping[str, float]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    chosen: bool = False
    failure: str | None = None
    measured_on: str = "held-out rows"


def log_candidates(client: "MlflowClient", experiment_id: str, run_id: str, candidates: Sequence[Candidate]) -> None:
    """Log each candidate as a run of its own below the run that registers the chosen one."""
    for candidate in candidates:
        tags = {"mlflow.parentRunId": run_id, "chosen": str(candidate.chosen).lower()}
        tags["measured_on"] = candidate.measured_on
        if candidate.failure:
            tags["failure"] = candidate.failure
        run = client.create_run(experiment_id, tags=tags, run_name=candidate.name)
        for name, value in candidate.metrics.items():
            client.log_metric(run.info.run_id, name, value)
        for name, setting in candidate.parameters.items():
            client.log_param(run.info.run_id, name, setting)
        client.set_terminated(run.info.run_id, "FAILED" if candidate.failure else "FINISHED")
