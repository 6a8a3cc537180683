"""Evidence: the record of a training, made from figures, digests, pictures and importances."""

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from daybreak import pictures
from daybreak.metrics import PRIMARY, measured
from daybreak.pipeline import Measures, Pipeline
from daybreak.training_record import TrainingRecord
from daybreak.trial import values_of

if TYPE_CHECKING:
    import numpy as np

    from daybreak.train import Past, Trained, Unseen

# The tags of a version that are looked for: the settings that a search chose, and what started the training.
SEARCHED, ORIGIN = "searched", "origin"
# Importances are measured on so many held-out rows, each feature shuffled so often.
_SAMPLE, _REPEATS = 2_000, 3


def record(past: "Past", trained: "Trained", origin: str | None) -> TrainingRecord:
    """Put together what the run of a training tells in MLflow."""
    tags = {"code_digest": past.workspace.code_digest}
    if past.read is not None:
        tags |= {"data_digest": past.read.hexdigest(), "data_rows": str(past.read.rows)}
    if trained.searched is not None:
        tags[SEARCHED] = json.dumps(trained.searched, sort_keys=True, default=str)
    if origin:
        tags[ORIGIN] = origin
    return TrainingRecord(
        metrics=trained.metrics | {f"baseline_{metric}": value for metric, value in trained.baseline.items()},
        parameters=trained.parameters,
        candidates=trained.candidates,
        tags=tags,
        files=_files(past.pipeline, trained),
    )


def _files(pipeline: Pipeline, trained: "Trained") -> dict[str, bytes]:
    # A probability is one, whether or not anything is measured by it.
    kind = pipeline.measures or ("probability" if pipeline.prediction.method == "predict_proba" else None)
    unseen = trained.unseen
    if unseen is None or unseen.actual is None or kind is None or kind == "ranking":
        return {}
    if kind == "probability":
        drawn = {"calibration.png": pictures.calibration(unseen.actual, unseen.predicted)}
    else:
        drawn = {
            "predicted_and_actual.png": pictures.predicted_and_actual(unseen.actual, unseen.predicted),
            "residuals.png": pictures.residuals(unseen.actual, unseen.predicted),
        }
    names, means, deviations = importances(kind, pipeline.prediction.method, trained.model, unseen)
    lost = "squared error" if PRIMARY[kind] == "rmse" else PRIMARY[kind].replace("_", " ")
    drawn["importances.png"] = pictures.bars(names, means, deviations, lost)
    return {f"pictures/{name}": content for name, content in drawn.items()} | {
        "importances.csv": _table(names, means, deviations)
    }


def importances(
    kind: Measures, method: str, model: Any, unseen: "Unseen"
) -> "tuple[list[str], np.ndarray, np.ndarray]":
    """Return the features, how much worse the primary metric is when one is shuffled, and its deviation; most first."""
    import numpy as np
    from sklearn.inspection import permutation_importance

    def better(model: Any, rows: Any, actual: "np.ndarray") -> float:
        units = measured(kind, actual, values_of(model, method, rows), rows)
        return -float(units.losses(PRIMARY[kind]).mean())

    sample = np.random.default_rng(0).permutation(len(unseen.inputs))[:_SAMPLE]
    inputs, actual = unseen.inputs.iloc[sample], np.asarray(unseen.actual, dtype=np.float64)[sample]
    found = permutation_importance(model, inputs, actual, scoring=better, n_repeats=_REPEATS, random_state=0)
    order = np.argsort(-found.importances_mean, kind="stable")
    return [str(inputs.columns[n]) for n in order], found.importances_mean[order], found.importances_std[order]


def _table(names: list[str], means: "np.ndarray", deviations: "np.ndarray") -> bytes:
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(["feature", "importance", "deviation"])
    lines.writerows(
        (name, f"{mean:.6g}", f"{std:.6g}") for name, mean, std in zip(names, means, deviations, strict=True)
    )
    return written.getvalue().encode()
