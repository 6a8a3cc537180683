"""Which version scores which segment, as it travels between tasks."""

import json
from dataclasses import replace
from datetime import date

import pytest

from daybreak.batch.signature import Signature
from daybreak.declaration.partition import Partition
from daybreak.declaration.pipeline import ModelRef, PerSegment, Pipeline, Prediction, Push, Top
from daybreak.errors import ConfigurationError
from daybreak.models.registry import ModelVersion
from daybreak.models.segment_models import SegmentModels
from daybreak.run.plan import Plan


def version(name: str, digest: str, through: date = date(2024, 3, 1)) -> ModelVersion:
    return ModelVersion(name, 1, "file:///m", digest, through, {}, Signature((("x", "double"),)), {})


MODELS = SegmentModels("segment", (("loyal", version("a", "1")), ("lapsing", version("b", "2"))), version("c", "3"))


@pytest.mark.parametrize("models", [MODELS, replace(MODELS, fallback=None)])
def test_a_plan_of_several_models_comes_out_of_json_as_it_went_in(models: SegmentModels) -> None:
    plan = Plan(1, "p", Partition(date(2024, 3, 9), "UTC"), models, upstream_run_id=4)
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert plan.binds["upstream_run_id"] == 4


def test_another_model_for_a_segment_is_another_digest() -> None:
    swapped = SegmentModels("segment", (("loyal", version("b", "2")), ("lapsing", version("a", "1"))), MODELS.fallback)
    digests = {MODELS.digest, swapped.digest, replace(MODELS, fallback=None).digest}
    assert len(digests) == 3


def test_what_has_been_seen_is_what_any_of_the_models_has() -> None:
    later = replace(MODELS, fallback=version("c", "3", date(2024, 3, 5)))
    assert later.trained_through == date(2024, 3, 5)


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
