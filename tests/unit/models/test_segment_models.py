"""Which version scores which segment, as it travels between tasks."""

import json
from dataclasses import replace
from datetime import date

import pytest

from daybreak.batch.signature import Signature
from daybreak.declaration.pipeline import Pipeline, Push, Top
from daybreak.declaration.prediction import Prediction
from daybreak.declaration.segments import OTHER, ModelRef, PerSegment
from daybreak.errors import ConfigurationError, ModelRefused
from daybreak.models.segment_models import SegmentModels
from daybreak.models.version import ModelVersion
from daybreak.run.plan import Plan
from local_days import local_day


def version(name: str, digest: str, through: date = date(2024, 3, 1)) -> ModelVersion:
    return ModelVersion(name, 1, "file:///m", digest, through, {}, Signature((("x", "double"),)), {})


LOYAL, LAPSING, OTHERS = ("loyal", version("a", "1")), ("lapsing", version("b", "2")), (OTHER, version("c", "3"))
MODELS = SegmentModels("segment", (LOYAL, LAPSING, OTHERS))
WITHOUT_FALLBACK = SegmentModels("segment", (LOYAL, LAPSING))


@pytest.mark.parametrize("models", [MODELS, WITHOUT_FALLBACK, SegmentModels.of(LOYAL[1])])
def test_a_plan_of_one_model_or_several_comes_out_of_json_as_it_went_in(models: SegmentModels) -> None:
    plan = Plan(1, "p", local_day(date(2024, 3, 9), "UTC"), models, upstream_run_id=4)
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert plan.binds["upstream_run_id"] == 4


def test_another_model_for_a_segment_is_another_digest() -> None:
    swapped = SegmentModels("segment", (("loyal", LAPSING[1]), ("lapsing", LOYAL[1]), OTHERS))
    digests = {MODELS.digest, swapped.digest, WITHOUT_FALLBACK.digest}
    assert len(digests) == 3


def test_what_has_been_seen_is_what_any_of_the_models_has() -> None:
    later = SegmentModels("segment", (LOYAL, LAPSING, (OTHER, version("c", "3", date(2024, 3, 5)))))
    assert later.trained_through == date(2024, 3, 5)


@pytest.mark.parametrize(
    ("other", "refused"), [("long", False), ("double", False), ("string", True), ("boolean", True)]
)
def test_segments_models_take_columns_that_one_row_can_have(other: str, *, refused: bool) -> None:
    lapsing = replace(version("b", "2"), signature=Signature((("x", other), ("y", "category"))))
    models = SegmentModels("segment", (LOYAL, ("lapsing", lapsing)))
    if not refused:
        assert models.signature.names == ["x", "y"]
        return
    with pytest.raises(ModelRefused, match=f"b version 1 takes x as {other}, another segment's model as double"):
        _ = models.signature


def test_one_model_for_all_rows_is_the_case_of_one_segment() -> None:
    one = SegmentModels.of(LOYAL[1])
    assert (one.name, one.version, one.label, one.digest) == ("a", 1, "1", "1")
    assert (one.named, one.required, one.single) == ((), None, LOYAL[1])
    assert (MODELS.name, MODELS.version, MODELS.label) == (None, None, "per segment")
    with pytest.raises(ConfigurationError, match="a model for each segment"):
        _ = MODELS.single


def test_rows_of_another_segment_need_a_fallback() -> None:
    assert MODELS.required is None
    assert WITHOUT_FALLBACK.required == ("segment", ("loyal", "lapsing"))


def test_the_ledger_is_told_of_the_rows_that_have_no_model() -> None:
    assert [(row.segment, row.model_name) for row in MODELS.recorded()] == [
        ("loyal", "a"),
        ("lapsing", "b"),
        (OTHER, "c"),
    ]
    assert [(row.segment, row.model_name) for row in WITHOUT_FALLBACK.recorded()][-1] == (OTHER, None)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"model": PerSegment("segment", {})}, "no segment"),
        ({"upstream": "p"}, "itself as its upstream"),
        ({"top": Top(0, ("a",))}, "leading columns"),
        ({"top": Top(5, ("b",))}, "leading columns"),
        ({"top": Top(5, ("a", "b"))}, "whole entity key"),
        ({"push": Push(connection="c", offers="m:O", scores="m:s"), "top": Top(5, ("a",))}, "a push together with"),
        ({"prediction": Prediction("v", 0, 5, labels=("x", "y"))}, "2 labels and a range other than 0 to 1"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused_where_it_is_made(
    changes: dict[str, object], problem: str
) -> None:
    declared = {
        "name": "p",
        "description": "",
        "timezone": "UTC",
        "entity_key": ("a", "b"),
        "model": ModelRef("m"),
        "prediction": Prediction("v", 0, 1),
        "expectations": "m:e",
        "training": "m:t",
    }
    with pytest.raises(ConfigurationError, match=problem):
        Pipeline(**(declared | changes))  # type: ignore[arg-type]
