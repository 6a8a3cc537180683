"""Great Expectations fails open in several places; what is read out of it does not."""

from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import numpy as np
import pandas as pd
import pytest
from great_expectations.core import ExpectationValidationResult
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.validator.validator import Validator

from daybreak.run.expectations import read_suite
from daybreak.run.judge import Judge, Judgement

CRITICAL, WARNING = FailureSeverity.CRITICAL, FailureSeverity.WARNING
COMPLETE = {"result_format": "COMPLETE", "return_unexpected_index_query": False}
HALVES = {"bins": [0.0, 5.0, 10.0], "weights": [0.5, 0.5]}
# One of each kind that judges a frame, on columns of numbers (n, m), texts (t, u) and instants (d).
KINDS = [
    gxe.ExpectColumnValuesToBeBetween(column="n", min_value=2, max_value=7),
    gxe.ExpectColumnValuesToBeBetween(column="n", min_value=2, strict_min=True, mostly=0.5, severity=WARNING),
    gxe.ExpectColumnValuesToBeBetween(column="d", min_value=pd.Timestamp("2024-03-02")),
    gxe.ExpectColumnValuesToBeInSet(column="t", value_set=["a", "b"]),
    gxe.ExpectColumnValuesToNotBeInSet(column="t", value_set=["a", "b"]),
    gxe.ExpectColumnValuesToBeNull(column="m"),
    gxe.ExpectColumnValuesToNotBeNull(column="m"),
    gxe.ExpectColumnValuesToBeUnique(column="t"),
    gxe.ExpectColumnValuesToMatchRegex(column="t", regex="^[ab]$"),
    gxe.ExpectColumnValuesToNotMatchRegex(column="t", regex="^[ab]$"),
    gxe.ExpectColumnValuesToMatchRegexList(column="t", regex_list=["^a", "^b"], match_on="any"),
    gxe.ExpectColumnValueLengthsToBeBetween(column="t", max_value=1),
    gxe.ExpectColumnValueLengthsToEqual(column="t", value=1),
    gxe.ExpectColumnValuesToBeOfType(column="n", type_="float64"),
    gxe.ExpectColumnValueZScoresToBeLessThan(column="n", threshold=1, double_sided=True),
    gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="n", column_B="m"),
    gxe.ExpectColumnPairValuesToBeEqual(column_A="t", column_B="u"),
    gxe.ExpectColumnPairValuesToBeInSet(column_A="t", column_B="u", value_pairs_set=[("a", "a")]),
    gxe.ExpectCompoundColumnsToBeUnique(column_list=["t", "u"]),
    gxe.ExpectSelectColumnValuesToBeUniqueWithinRecord(column_list=["t", "u"]),
    gxe.ExpectMulticolumnSumToEqual(column_list=["n", "m"], sum_total=5),
    gxe.ExpectColumnMinToBeBetween(column="n", min_value=1),
    gxe.ExpectColumnMaxToBeBetween(column="d", max_value=pd.Timestamp("2024-03-04")),
    gxe.ExpectColumnMeanToBeBetween(column="n", min_value=4),
    gxe.ExpectColumnMedianToBeBetween(column="n", min_value=4),
    gxe.ExpectColumnStdevToBeBetween(column="n", max_value=2),
    gxe.ExpectColumnSumToBeBetween(column="n", max_value=20),
    gxe.ExpectColumnUniqueValueCountToBeBetween(column="t", max_value=2),
    gxe.ExpectColumnProportionOfUniqueValuesToBeBetween(column="t", min_value=0.5),
    gxe.ExpectColumnDistinctValuesToBeInSet(column="t", value_set=["a", "b"]),
    gxe.ExpectColumnDistinctValuesToContainSet(column="t", value_set=["a", "z"]),
    gxe.ExpectColumnMostCommonValueToBeInSet(column="t", value_set=["a"]),
    gxe.ExpectColumnQuantileValuesToBeBetween(
        column="n", quantile_ranges={"quantiles": [0.5], "value_ranges": [[4, None]]}
    ),
    gxe.ExpectColumnKLDivergenceToBeLessThan(column="n", partition_object=HALVES, threshold=0.1),
    gxe.ExpectTableRowCountToBeBetween(min_value=4),
    gxe.ExpectTableRowCountToEqual(value=5),
    gxe.ExpectColumnMeanToBeBetween(column="t", min_value=4),
    gxe.ExpectColumnValuesToNotBeNull(column="gone"),
]


def judged(judge: Judge, frame: pd.DataFrame, *expectations: gxe.Expectation) -> list[Judgement]:
    return judge.judge(frame, read_suite(gx.ExpectationSuite(name="test", expectations=list(expectations))).declared)


def frame_of(numbers: list[float | None], texts: list[str | None]) -> pd.DataFrame:
    days = pd.date_range("2024-03-01", periods=len(numbers), unit="us")
    columns = {"n": numbers, "m": numbers[::-1], "t": texts, "u": ["a"] * len(texts), "d": days}
    return pd.DataFrame(columns).astype({"n": "float64", "m": "float64"})


FRAMES = [
    frame_of([1, 9, 3.5, None, 8], ["a", "b", "ccc", None, "a"]),
    frame_of([5, 4, 6], ["b", "a", "b"]),
    frame_of([2], ["z"]),
]


@pytest.mark.parametrize("expectation", KINDS, ids=lambda one: one.expectation_type)
def test_it_judges_as_a_validator_of_great_expectations_does_also_where_it_has_judged_before(
    judge: Judge, expectation: gxe.Expectation
) -> None:
    for frame in [*FRAMES, FRAMES[0]]:
        engine = PandasExecutionEngine()
        engine.load_batch_data("rows", frame)
        validator = Validator(execution_engine=engine, data_context=gx.get_context(mode="ephemeral"))
        [told] = validator.graph_validate([expectation.configuration], {"result_format": COMPLETE})
        [found] = judged(judge, frame, expectation)
        if "exception_message" in str(told.exception_info) and not told.result:
            assert (found.success, found.unexpected, bool(found.exception)) == (False, None, True)
            continue
        assert found.exception is None
        assert found.success == told.success
        positions = told.result.get("unexpected_index_list")
        assert found.unexpected == (tuple(positions) if positions is not None else () if told.success else None)
        assert found.evaluated == told.result.get("element_count", len(frame)) - told.result.get("missing_count", 0)
        assert str(found.observed) == str(told.result.get("observed_value"))


def test_bounds_that_are_written_alike_are_told_apart(judge: Judge) -> None:
    frame = pd.DataFrame({"a": ["1", "2"]})
    for allowed, expected in ((["1"], (1,)), (["1", "2"], ()), (["2"], (0,))):
        [judgement] = judged(judge, frame, gxe.ExpectColumnValuesToBeInSet(column="a", value_set=allowed))
        assert judgement.unexpected == expected


class ExpectColumnValuesToDwindle(gxe.ExpectColumnValuesToBeBetween):
    """One of somebody's own, which takes from what it was given each time that it judges."""

    def _validate(self, metrics: dict[str, Any], **others: Any) -> Any:
        del others
        told = metrics["column_values.between.unexpected_index_list"]
        return {"success": not told, "result": {"unexpected_index_list": told, "element_count": 2}}

    def get_validation_dependencies(self, *given: Any, **others: Any) -> Any:
        found = super().get_validation_dependencies(*given, **others)
        taken.append(found.metric_configurations["column_values.between.unexpected_index_list"])
        return found


taken: list[Any] = []


def test_what_changes_its_own_arguments_is_planned_anew(judge: Judge) -> None:
    frame = pd.DataFrame({"a": [1, 50]})
    for _ in range(3):
        [judgement] = judged(judge, frame, ExpectColumnValuesToDwindle(column="a", max_value=9))
        assert judgement.unexpected == (1,)
        taken[-1].metric_value_kwargs["max_value"] = 99
    assert len(taken) == 3


class ExpectColumnValuesToRaise(gxe.ExpectColumnValuesToBeBetween):
    """One of somebody's own, which fails when it judges."""

    def _validate(self, **_: Any) -> Any:
        raise KeyError


class ExpectColumnValuesToRaiseEarly(gxe.ExpectColumnValuesToBeBetween):
    """One of somebody's own, which fails when it is asked what it needs."""

    def get_validation_dependencies(self, *_: Any, **__: Any) -> Any:
        raise ValueError("two\nlines")


class ExpectColumnValuesToSayNothing(gxe.ExpectColumnValuesToBeBetween):
    """One of somebody's own, which gives no answer."""

    def _validate(self, **_: Any) -> Any:
        return {}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (ExpectColumnValuesToRaise, "KeyError"),
        (ExpectColumnValuesToRaiseEarly, "two"),
        (ExpectColumnValuesToSayNothing, None),
    ],
)
def test_an_expectation_that_fails_has_judged_nothing_and_the_others_have(
    judge: Judge, kind: type[gxe.Expectation], said: str | None
) -> None:
    frame = pd.DataFrame({"a": [1, 50]})
    arguments = {"column": "a", "max_value": 9}
    failed, other = judged(judge, frame, kind(**arguments), gxe.ExpectColumnValuesToBeBetween(**arguments))
    assert (failed.success, failed.unexpected, failed.exception) == (False, None, said)
    assert other.unexpected == (1,)


def test_a_metric_that_fails_without_a_word_has_judged_nothing(judge: Judge) -> None:
    class Silent:
        def __add__(self, other: object) -> object:
            raise ValueError

        __radd__ = __add__

    frame = pd.DataFrame({"a": [Silent(), Silent()]})
    [judgement] = judged(judge, frame, gxe.ExpectColumnSumToBeBetween(column="a", min_value=0))
    assert (judgement.success, judgement.unexpected) == (False, None)
    assert judgement.exception


class ExpectColumnValuesToAnswerInFull(gxe.ExpectColumnValuesToBeBetween):
    """One of somebody's own, whose answer is a whole result."""

    def _validate(self, **_: Any) -> Any:
        return ExpectationValidationResult(success=False, result={"unexpected_index_list": [0], "element_count": 2})


def test_an_answer_may_be_a_whole_result(judge: Judge) -> None:
    frame = pd.DataFrame({"a": [1, 50]})
    [judgement] = judged(judge, frame, ExpectColumnValuesToAnswerInFull(column="a", max_value=9))
    assert (judgement.success, judgement.unexpected, judgement.evaluated) == (False, (0,), 2)


@pytest.mark.parametrize("kept", [1, 2])
def test_arguments_that_cannot_be_written_down_are_judged_too(judge: Judge, kept: int) -> None:
    class Local(str):
        """A text of a class that no other process knows."""

    frame = pd.DataFrame({"a": ["x", "y"]})
    [judgement] = judged(judge, frame, gxe.ExpectColumnValuesToBeInSet(column="a", value_set=[Local("x")] * kept))
    assert judgement.unexpected == (1,)


def test_the_rows_that_break_an_expectation_are_named_by_position(judge: Judge) -> None:
    frame = pd.DataFrame({"a": [1, 50, 3, 60]})
    [judgement] = judged(judge, frame, gxe.ExpectColumnValuesToBeBetween(column="a", max_value=9))
    assert (judgement.unexpected, judgement.evaluated, judgement.success) == ((1, 3), 4, False)


def test_judgements_come_in_the_order_of_the_expectations(judge: Judge) -> None:
    frame = pd.DataFrame({"b": [1, -1], "a": [-1, 1]})
    names = ["b", "a", "b", "a"]
    judgements = judged(
        judge,
        frame,
        *(gxe.ExpectColumnValuesToBeBetween(column=name, min_value=n) for n, name in enumerate(names)),
    )
    assert [j.unexpected for j in judgements] == [(1,), (0,), (0, 1), (0, 1)]


def test_the_same_expectation_twice_with_other_severity_is_judged_twice(judge: Judge) -> None:
    frame = pd.DataFrame({"a": [1, 50]})
    judgements = judged(
        judge,
        frame,
        gxe.ExpectColumnValuesToBeBetween(column="a", max_value=9, severity=CRITICAL),
        gxe.ExpectColumnValuesToBeBetween(column="a", max_value=9, severity=WARNING),
    )
    assert [j.unexpected for j in judgements] == [(1,), (1,)]


@pytest.mark.parametrize("dtype", ["int16", "int32", "int64", "uint8", "float32", "float64", "Int32"])
def test_a_number_is_compared_as_a_number_whatever_its_width(judge: Judge, dtype: str) -> None:
    frame = pd.DataFrame({"a": pd.Series([1, 50, 3], dtype=dtype)})
    [judgement] = judged(judge, frame, gxe.ExpectColumnValuesToBeBetween(column="a", max_value=9))
    assert judgement.unexpected == (1,)


def test_dates_are_compared_as_dates(judge: Judge) -> None:
    days = pd.Series(np.array(["2026-10-15", "2026-10-17"], dtype="datetime64[ms]"))
    [judgement] = judged(
        judge,
        pd.DataFrame({"day": days}),
        gxe.ExpectColumnValuesToBeBetween(column="day", max_value=pd.Timestamp("2026-10-16")),
    )
    assert (judgement.unexpected, judgement.exception) == ((1,), None)


def test_nulls_are_counted_out_of_what_was_evaluated(judge: Judge) -> None:
    [judgement] = judged(
        judge, pd.DataFrame({"a": [1.0, None, 50.0]}), gxe.ExpectColumnValuesToBeBetween(column="a", max_value=9)
    )
    assert (judgement.evaluated, judgement.unexpected) == (2, (2,))


@pytest.mark.parametrize(
    "expectation",
    [
        gxe.ExpectColumnValuesToBeBetween(column="text", min_value=0),
        gxe.ExpectColumnValuesToBeBetween(column="gone", min_value=0),
        gxe.ExpectColumnMeanToBeBetween(column="text", min_value=0),
        gxe.ExpectColumnMeanToBeBetween(column="gone", min_value=0),
    ],
)
def test_what_cannot_be_judged_is_never_a_success(judge: Judge, expectation: gxe.Expectation) -> None:
    [judgement] = judged(judge, pd.DataFrame({"text": ["a", "b"]}), expectation)
    assert not judgement.success
    assert judgement.exception or judgement.unexpected is None


def test_a_batch_level_expectation_tells_what_was_observed(judge: Judge) -> None:
    [judgement] = judged(
        judge, pd.DataFrame({"a": [1, 2, 3]}), gxe.ExpectColumnMeanToBeBetween(column="a", min_value=5)
    )
    assert (judgement.success, judgement.observed, judgement.exception) == (False, 2.0, None)
