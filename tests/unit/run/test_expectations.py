"""Great Expectations fails open in several places; what is read out of it does not."""

import great_expectations as gx
import great_expectations.expectations as gxe
import numpy as np
import pandas as pd
import pytest
from great_expectations.expectations.metadata_types import FailureSeverity

from daybreak.errors import ConfigurationError
from daybreak.run.expectations import Declared, Judge, Judgement, read_suite

CRITICAL, WARNING = FailureSeverity.CRITICAL, FailureSeverity.WARNING


def declared(*expectations: gxe.Expectation) -> list[Declared]:
    return read_suite(gx.ExpectationSuite(name="test", expectations=list(expectations))).declared


def judged(judge: Judge, frame: pd.DataFrame, *expectations: gxe.Expectation) -> list[Judgement]:
    return judge.judge(frame, declared(*expectations))


def test_expectations_are_told_apart_by_what_they_judge() -> None:
    found = declared(
        gxe.ExpectColumnValuesToNotBeNull(column="a", severity=CRITICAL),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="a", column_B="b"),
        gxe.ExpectMulticolumnSumToEqual(column_list=["a", "b"], sum_total=3),
        gxe.ExpectColumnValuesToBeUnique(column="a"),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["a", "b"]),
        gxe.ExpectColumnMeanToBeBetween(column="a", min_value=0),
        gxe.ExpectTableRowCountToBeBetween(min_value=1, severity=WARNING),
    )
    assert [d.level for d in found] == ["row"] * 3 + ["batch"] * 4
    assert [d.position for d in found] == [1, 2, 3, 4, 5, 6, 7]
    assert [d.columns for d in found] == [("a",), ("a", "b"), ("a", "b"), ("a",), ("a", "b"), ("a",), ()]
    assert [found[0].severity, found[6].severity] == ["critical", "warning"]


def test_an_empty_suite_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="empty"):
        declared()


def test_mostly_on_a_critical_row_level_expectation_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"mostly=0\.9.*max_quarantined_share"):
        declared(gxe.ExpectColumnValuesToNotBeNull(column="a", mostly=0.9, severity=CRITICAL))
    assert declared(gxe.ExpectColumnValuesToNotBeNull(column="a", mostly=0.9, severity=WARNING))


def test_an_expectation_on_the_columns_themselves_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="signature"):
        declared(gxe.ExpectTableColumnsToMatchSet(column_set=["a"]))


def test_the_digest_is_that_of_what_is_expected() -> None:
    def digest(maximum: int, severity: FailureSeverity = CRITICAL) -> str:
        expectation = gxe.ExpectColumnValuesToBeBetween(column="a", max_value=maximum, severity=severity)
        return read_suite(gx.ExpectationSuite(name="test", expectations=[expectation])).digest

    assert digest(1) == digest(1)
    assert len({digest(1), digest(2), digest(1, WARNING)}) == 3


def test_a_sentence_says_what_is_expected_of_what() -> None:
    between, count = declared(
        gxe.ExpectColumnValuesToBeBetween(column="units", min_value=0, max_value=9),
        gxe.ExpectTableRowCountToBeBetween(min_value=1),
    )
    assert between.sentence == "units: column values to be between (min_value=0.0, max_value=9.0)"
    assert count.sentence == "batch: table row count to be between (min_value=1)"


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
