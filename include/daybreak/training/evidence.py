"""Evidence: the record of a training, made from figures, digests, pictures and importances."""

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Literal

from daybreak.declaration.pipeline import Measures, Pipeline
from daybreak.models.answering import Answering
from daybreak.models.training_record import BY_KEY, HELD_OUT, ORIGIN, SEARCHED, TrainingRecord
from daybreak.training import pictures
from daybreak.training.metrics import PRIMARY, measured
from daybreak.training.past import Past
from daybreak.training.trained import Trained, Unseen

if TYPE_CHECKING:
    import numpy as np


# What held-out rows can show: as what is measured, or labels that nothing holds against what was right.
Kind = Measures | Literal["labels"]
# Importances are measured on so many held-out rows, each feature shuffled so often.
_SAMPLE, _REPEATS = 2_000, 3


def record(past: Past, trained: Trained, origin: str | None) -> TrainingRecord:
    """Put together what the run of a training tells in MLflow."""
    tags = {"code_digest": past.workspace.code_digest}
    if past.read is not None:
        tags |= {"data_digest": past.read.hexdigest(), "data_rows": str(past.read.rows)}
    if trained.searched is not None:
        tags[SEARCHED] = json.dumps(trained.searched, sort_keys=True, default=str)
    if trained.by_key:
        tags[HELD_OUT] = BY_KEY
    if origin:
        tags[ORIGIN] = origin
    return TrainingRecord(
        metrics=trained.metrics | {f"baseline_{metric}": value for metric, value in trained.baseline.items()},
        parameters=trained.parameters,
        candidates=trained.candidates,
        tags=tags,
        files=_files(past.pipeline, trained),
    )


def _files(pipeline: Pipeline, trained: Trained) -> dict[str, bytes]:
    drawn, shown, tables = dict(trained.pictures), trained.unseen, {}
    if shown is not None and (kind := _kind(pipeline, shown)):
        drawn |= _drawn(kind, pipeline, shown)
        if kind != "ranking":
            names, means, deviations = importances(kind, Answering.of(pipeline), trained.model, shown)
            drawn["importances.png"] = pictures.bars(names, means, deviations, _lost(kind))
            tables["importances.csv"] = _table(names, means, deviations)
    return {f"pictures/{name}": content for name, content in drawn.items()} | tables


def _kind(pipeline: Pipeline, unseen: Unseen) -> Kind | None:
    if unseen.actual is None:
        return "labels" if pipeline.prediction.texts else None
    if pipeline.prediction.classes:
        return "class"
    # A probability is one, whether or not anything is measured by it, and whatever is made of it.
    return "probability" if pipeline.prediction.method == "predict_proba" else pipeline.measures


def _drawn(kind: Kind, pipeline: Pipeline, unseen: Unseen) -> dict[str, bytes]:
    if kind == "class" and unseen.actual is not None:
        classes = list(pipeline.prediction.texts)
        return {"classes_and_actuals.png": pictures.classes_and_actuals(unseen.actual, unseen.predicted, classes)}
    if kind == "labels" or unseen.actual is None:
        labels = list(pipeline.prediction.texts)
        return {"labels.png": pictures.labels_and_features(unseen.inputs, unseen.predicted, labels)}
    both = (unseen.actual, unseen.predicted)
    drawn = {"lift.png": pictures.lift(*both)} if pipeline.measures == "ranking" else {}
    if kind == "probability":
        drawn["calibration.png"] = pictures.calibration(*both)
    elif kind != "ranking":
        drawn["predicted_and_actual.png"] = pictures.predicted_and_actual(*both)
        drawn["residuals.png"] = pictures.residuals(*both)
    return drawn


def importances(
    kind: Kind, answering: Answering, model: Any, unseen: Unseen
) -> "tuple[list[str], np.ndarray, np.ndarray]":
    """Return the features, how much worse the primary metric is when one is shuffled, and its deviation; most first.

    Of labels that nothing holds against what was right, it is the share of rows that change theirs.
    """
    import numpy as np
    from sklearn.inspection import permutation_importance
    from threadpoolctl import threadpool_limits

    def better(model: Any, rows: Any, actual: "np.ndarray") -> float:
        answers = answering.values(model, rows)
        if kind == "labels":
            return float((answers[:, 0] == actual).mean())
        units = measured(kind, actual, answers, rows)
        return -float(units.losses(PRIMARY[kind]).mean())

    sample = np.random.default_rng(0).permutation(len(unseen.inputs))[:_SAMPLE]
    known = unseen.predicted if unseen.actual is None else unseen.actual
    inputs, actual = unseen.inputs.iloc[sample], np.asarray(known, dtype=np.float64)[sample]
    # So few rows are predicted in no time by one core; several would wait for each other, and for others' work.
    with threadpool_limits(1, user_api="openmp"):
        found = permutation_importance(model, inputs, actual, scoring=better, n_repeats=_REPEATS, random_state=0)
    order = np.argsort(-found.importances_mean, kind="stable")
    return [str(inputs.columns[n]) for n in order], found.importances_mean[order], found.importances_std[order]


def _lost(kind: Kind) -> str:
    if kind == "labels":
        return "share of rows that change their label"
    return "more squared error" if PRIMARY[kind] == "rmse" else f"more {PRIMARY[kind].replace('_', ' ')}"


def _table(names: list[str], means: "np.ndarray", deviations: "np.ndarray") -> bytes:
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(["feature", "importance", "deviation"])
    lines.writerows(
        (name, f"{mean:.6g}", f"{std:.6g}") for name, mean, std in zip(names, means, deviations, strict=True)
    )
    return written.getvalue().encode()
