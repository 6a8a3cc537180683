"""The record of a training: what its run in MLflow tells, beside the model that it registers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from daybreak.models.candidates import Candidate, log_candidates
from daybreak.models.storage import Storage

if TYPE_CHECKING:
    from mlflow import MlflowClient


# The tags of a version that are looked for: the settings that a search chose, what started the training, and how its
# held-out rows were chosen, which is by their entity keys or not told.
SEARCHED, ORIGIN, HELD_OUT = "searched", "origin", "held_out"
BY_KEY = "entity key"


@dataclass(frozen=True)
class TrainingRecord:
    """Metrics and parameters, the models it was chosen from, tags and further files, by their name.

    The tags are those of the run and of the version: what is asked of a version without its run.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    candidates: Sequence[Candidate] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def log(self, client: "MlflowClient", model: str, experiment_id: str, storage: Storage) -> str:
        """Write a run of a model's training, its files into the storage; return its id."""
        run_id: str = client.create_run(experiment_id, tags=dict(self.tags)).info.run_id
        for key, metric in self.metrics.items():
            client.log_metric(run_id, key, metric)
        for key, value in self.parameters.items():
            client.log_param(run_id, key, value)
        log_candidates(client, experiment_id, run_id, self.candidates)
        if self.files:
            storage.keep(client, model, run_id, self.files, "")
        return run_id
