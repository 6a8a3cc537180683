"""Predictions of more than one number: tables, shadow, measuring, diff and reproduce know all of their columns."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.prediction import Prediction
from daybreak.errors import ModelRefused, PublicationRefused
from daybreak.models.answering import Answering
from daybreak.models.version import ModelVersion
from daybreak.monitoring.measure import measure
from daybreak.promotion.promoting import promote
from daybreak.run.diff import diff_publications
from daybreak.run.reproduce import reproduce
from daybreak.run.tables import see_to_tables
from daybreak.training.bringing import bring
from daybreak.training.brought import find
from daybreak.training.offered import Offered
from daybreak.training.train import train
from daybreak.training.trial import Trial, try_in_fresh_process
from fixture_pipelines import PARCEL_HOURS
from fixture_pipelines.parcel_hours.training import sample
from fixture_pipelines.parcel_kinds import KINDS, SPEED, SPREAD
from fixture_pipelines.parcel_kinds.training import STEADY, steady
from parcels import DAY, TRAINED_THROUGH, Parcels

several = pytest.mark.parametrize("kind", ["all classes", "quantiles"], indirect=True)
of_classes = pytest.mark.parametrize("kind", ["all classes"], indirect=True)
of_quantiles = pytest.mark.parametrize("kind", ["quantiles"], indirect=True)


def columns(parcels: Parcels, relation: str) -> dict[str, tuple[str, str]]:
    """Return the predicted columns of a relation in order, each with its type and what it means."""
    found = parcels.rows(
        "SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) FROM pg_attribute "
        f"WHERE attrelid = '{relation}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    wanted = parcels.pipeline.prediction.columns
    return {name: (kind, comment) for name, kind, comment in found if name in wanted}


@several
def test_each_number_has_a_column_of_its_own(kind: Parcels) -> None:
    found = columns(kind, "predictions.parcel_hours")
    assert list(found) == list(kind.pipeline.prediction.columns)
    assert columns(kind, "predictions.parcel_hours_runs") == found
    main, *further = [type_ for type_, _ in found.values()]
    assert (main, set(further)) == ("text" if kind.pipeline is SPEED else "double precision", {"double precision"})
    said = [comment.removeprefix(f"{kind.pipeline.description} ") for _, comment in found.values()]
    assert said == (
        [
            "The most probable of slow, usual, very fast.",
            "Probability that it is slow.",
            "Probability that it is usual.",
            "Probability that it is very fast.",
        ]
        if kind.pipeline is SPEED
        else [f"The {quantile} quantile, from 0 to 1000." for quantile in (0.5, 0.1, 0.5, 0.9)]
    )


@of_classes
def test_the_label_is_the_most_probable_class(kind: Parcels) -> None:
    for label, *probabilities in kind.answers().values():
        assert sum(probabilities) == pytest.approx(1)
        assert label == SPEED.prediction.texts[max(range(3), key=lambda at: probabilities[at])]
    # They come from where they should: what took long was slow.
    wrong = kind.value(
        "SELECT count(*) FROM predictions.parcel_hours INNER JOIN parcels.handed_in USING (depot, parcel_id) "
        "WHERE speed <> CASE WHEN hours_taken < 12 THEN 'very fast' WHEN hours_taken < 25 THEN 'usual' ELSE 'slow' END"
    )
    assert wrong < 40


@of_quantiles
def test_quantiles_are_in_order_and_the_median_stands_for_them(kind: Parcels) -> None:
    for main, low, median, high in kind.answers().values():
        assert low <= median <= high
        assert main == median


@several
def test_the_view_of_an_instant_shows_them_too(kind: Parcels) -> None:
    wanted = ", ".join(kind.pipeline.prediction.columns)
    query = f"SELECT {wanted} FROM predictions.parcel_hours{{}} ORDER BY depot, parcel_id"
    assert kind.rows(query.format("_as_of(clock_timestamp())")) == kind.rows(query.format(""))


@several
def test_a_challenger_is_kept_and_measured_by_all_of_its_numbers(kind: Parcels) -> None:
    classes = kind.pipeline is SPEED
    shadowed = kind.shadowed(measures="class" if classes else "amounts")
    if classes:
        fast = "CASE WHEN hours_taken < 12 THEN ' very fast' WHEN hours_taken < 25 THEN 'usual' ELSE 'lost' END"
        shadowed.rewrite("actuals", "hours_taken AS actual", f"{fast} AS actual")
    version = shadowed.challenge(steady(kind.pipeline), sample())
    outcome = shadowed.run()
    assert outcome.shadow is not None
    assert outcome.shadow.problem is None
    wanted = ", ".join(kind.pipeline.prediction.columns)
    assert shadowed.rows(f"SELECT DISTINCT {wanted} FROM predictions.parcel_hours_shadow") == [
        STEADY[kind.pipeline.single_ref.name]
    ]
    [measured] = measure(shadowed.workspace, shadowed.pipeline)
    assert measured.problem is None
    performance: dict[str, dict[str, float]] = {"champion": {}, "shadow": {}}
    for role, metric, value in shadowed.rows("SELECT role, metric, value FROM ledger.performance"):
        performance[role][metric] = value
    if classes:
        assert performance["champion"].keys() == performance["shadow"].keys() == {"log_loss", "share_right"}
        taken = "SELECT avg((hours_taken >= 12 AND hours_taken < 25)::int)::float8 FROM parcels.handed_in "
        usual = shadowed.value(f"{taken} WHERE parcel_id / 1000 = 8")
        assert performance["shadow"]["share_right"] == pytest.approx(usual)
        assert performance["champion"]["share_right"] > 0.5
    else:
        names = {"pinball_q10", "pinball_q50", "pinball_q90", "coverage_q10_q90", "mae", "rmse", "bias"}
        assert performance["champion"].keys() == performance["shadow"].keys() == names
        mean = shadowed.value("SELECT avg(hours_taken) FROM parcels.handed_in WHERE parcel_id / 1000 = 8")
        # It takes far less than 400 hours: each quantile is too high by as much.
        assert performance["shadow"]["pinball_q10"] == pytest.approx(0.9 * (400 - mean))
        assert performance["shadow"]["pinball_q90"] == pytest.approx(0.1 * (600 - mean))
        assert performance["shadow"]["coverage_q10_q90"] == 0
        assert 0.3 < performance["champion"]["coverage_q10_q90"] <= 1
    assert version.version == 2


@several
def test_a_row_differs_by_any_of_its_numbers(kind: Parcels) -> None:
    kind.run()
    column = kind.pipeline.prediction.columns[-1]
    kind.execute(f"UPDATE predictions.parcel_hours_runs SET {column} = 0.0625 WHERE run_id = 2 AND parcel_id = 8007")
    found = diff_publications(kind.runner, str(DAY), None)
    assert (found.total.differ, found.total.same) == (1, 399)
    assert found.moved == []
    [(_, parcel, before, after)] = found.largest
    assert parcel == "8007"
    assert before == after


# What the hours become: the same table, the same model's name.
QUANTILES = replace(
    SPREAD,
    model=PARCEL_HOURS.model,
    prediction=replace(SPREAD.prediction, column="predicted_hours"),
    measures="amounts",
    target="hours_taken",
)


@pytest.mark.parametrize("kind", ["a value"], indirect=True)
def test_quantiles_can_be_declared_for_a_table_that_has_rows(kind: Parcels) -> None:
    before = kind.forecasts()
    kind.pipeline = QUANTILES
    done = [change.says for change in see_to_tables(kind.workspace, QUANTILES)]
    assert [told for told in done if told.startswith("add column")] == [
        f"add column predicted_hours_q{q} (double precision) to predictions.parcel_hours_runs" for q in (10, 50, 90)
    ]
    # What was published stays, and says nothing of them.
    assert kind.answers() == {key: (value, None, None, None) for key, value in before.items()}
    told = r"Run 1 published no predicted_hours_q10, .*, which parcel_hours predicts since\. Next: declare its pred"
    with pytest.raises(PublicationRefused, match=told):
        reproduce(kind.runner, 1)
    train(kind.workspace, QUANTILES, through=DAY.replace(day=8))
    # The champion of before can be used by no run any more: the challenger is judged alone.
    verdict = promote(kind.workspace, QUANTILES)
    assert verdict.moved, verdict.reason
    asked = {check.name: (check.met, check.says) for check in verdict.checks}
    assert asked["same prediction"] == (None, "the champion, version 1, has no method transform")
    kind.run()
    assert all(None not in answer for answer in kind.answers().values())
    assert reproduce(kind.runner, 2).different == 0


# What the champion of the one kind is declared to be, and what is said of it.
OTHERWISE: dict[str, tuple[str, Prediction, str]] = {
    "another class": (
        "a class",
        Prediction("late_probability", 0, 1, method="predict_proba", of="tardy"),
        "late version 1 has the classes 'late', 'punctual', and the probability of 'tardy' is declared",
    ),
    "no class": (
        "all classes",
        Prediction("p", 0, 1, method="predict_proba"),
        "speed version 1 has the classes 'slow', 'usual', 'very fast', and it is not declared whose probability",
    ),
    "other classes": (
        "all classes",
        replace(SPEED.prediction, classes=("slow", "usual")),
        "speed version 1 has the classes 'slow', 'usual', 'very fast', and 'slow', 'usual' are declared",
    ),
    "no such method": (
        "a value",
        replace(SPREAD.prediction, method="transform"),
        "parcel_hours version 1 has no method transform",
    ),
}


@pytest.mark.parametrize(("kind", "prediction", "told"), OTHERWISE.values(), ids=list(OTHERWISE), indirect=["kind"])
def test_a_champion_that_answers_otherwise_than_declared_is_refused(
    kind: Parcels, prediction: Prediction, told: str
) -> None:
    other = kind.declared(prediction=prediction, positive=None, measures=None, measured_by=None)
    kind.execute("DROP TABLE predictions.parcel_hours_runs CASCADE", "DROP FUNCTION predictions.parcel_hours_as_of")
    with pytest.raises(ModelRefused, match=f"^parcel_hours {DAY}: {told}") as refused:
        other.run()
    assert "\n" not in str(refused.value)
    assert (kind.last_run()["state"], kind.last_run()["error"]) == ("failed", str(refused.value))


@pytest.mark.parametrize(
    ("pipeline", "changes", "told"),
    [
        (SPEED, {"classes": ("slow", "usual")}, "The model that was fitted for speed has the classes"),
        (SPREAD, {"quantiles": (0.1, 0.9)}, "The model gave 3 predictions for each row, 2 are declared"),
        (SPREAD, {"quantiles": ()}, "The model gave 3 predictions for each row, 1 is declared"),
    ],
    ids=["classes", "quantiles", "a value"],
)
def test_a_training_that_fits_something_else_registers_nothing(
    parcels: Parcels, pipeline: Pipeline, changes: dict[str, Any], told: str
) -> None:
    other = replace(pipeline, measures=None, prediction=replace(pipeline.prediction, **changes))
    with pytest.raises(ModelRefused, match=told):
        train(parcels.workspace, other, through=TRAINED_THROUGH)
    assert parcels.workspace.registry.listed(pipeline.single_ref.name) == []


@pytest.mark.parametrize("kind", [each for each in KINDS if each != "a value"], indirect=True)
def test_a_version_is_tried_with_all_of_its_numbers(kind: Parcels) -> None:
    registry, answering = kind.workspace.registry, Answering.of(kind.pipeline)
    version = registry.resolve(kind.pipeline.single_ref)
    rows = version.signature.conform(pa.RecordBatch.from_pandas(sample(), preserve_index=False))
    here = answering.values(registry.load(version), rows.to_pandas())
    assert here.shape == (rows.num_rows, len(kind.pipeline.prediction.columns))
    assert try_in_fresh_process(registry.artifacts, answering, [Trial(version, rows, here)]) is None
    other = here.copy()
    other[-1, -1] = np.nextafter(other[-1, -1], 2.0)
    told = try_in_fresh_process(registry.artifacts, answering, [Trial(version, rows, other)])
    assert told == "its predictions differ from those made in this process"


def brought(parcels: Parcels, pipeline: Pipeline, folder: Path) -> tuple[ModelVersion, dict[str, float]]:
    """Bring a model that says the same of every parcel, with rows whose outcome is known."""
    import skops.io

    file = folder / "model.skops"
    file.write_bytes(skops.io.dumps(steady(pipeline)))
    known = sample().assign(hours_taken=[float(n) for n in range(12)], speed_class=["slow"] * 3 + ["usual"] * 9)
    offered = Offered(find(str(file), ""), pa.Table.from_pandas(known, preserve_index=False), TRAINED_THROUGH)
    return bring(parcels.workspace, pipeline, pipeline.single_ref, offered)


def test_models_from_elsewhere_are_tried_and_measured_by_all_of_their_numbers(parcels: Parcels, tmp_path: Path) -> None:
    version, metrics = brought(parcels, SPEED, tmp_path)
    assert (version.name, version.version) == ("speed", 1)
    assert metrics == {"log_loss": pytest.approx(-np.log([0.25] * 3 + [0.5] * 9).mean()), "share_right": 0.75}
    version, metrics = brought(parcels, replace(SPREAD, measures="amounts", target="hours_taken"), tmp_path)
    assert (version.name, metrics["mae"], metrics["coverage_q10_q90"]) == ("spread", 500 - 5.5, 0)
    assert metrics["pinball_q10"] == pytest.approx(0.9 * (400 - 5.5))


def test_a_model_from_elsewhere_that_answers_otherwise_is_registered_by_no_one(
    parcels: Parcels, tmp_path: Path
) -> None:
    two = replace(SPEED.prediction, classes=("slow", "usual"))
    with pytest.raises(
        ModelRefused, match=r"The model of .*model\.skops has the classes 'slow', 'usual', 'very fast', and"
    ):
        brought(parcels, replace(SPEED, prediction=two), tmp_path)
    five = replace(SPREAD.prediction, quantiles=(0.1, 0.2, 0.5, 0.8, 0.9))
    with pytest.raises(ModelRefused, match="The model gave 3 predictions for each row, 5 are declared"):
        brought(parcels, replace(SPREAD, prediction=five), tmp_path)
    for name in ("speed", "spread"):
        assert parcels.workspace.registry.listed(name) == []
