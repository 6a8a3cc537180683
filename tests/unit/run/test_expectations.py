"""What a suite declares: what it judges, what is refused, and its digest."""

import great_expectations as gx
import great_expectations.expectations as gxe
import pytest
from great_expectations.expectations.metadata_types import FailureSeverity

from daybreak.errors import ConfigurationError
from daybreak.run.expectations import Declared, read_suite

CRITICAL, WARNING = FailureSeverity.CRITICAL, FailureSeverity.WARNING


def declared(*expectations: gxe.Expectation) -> list[Declared]:
    return read_suite(gx.ExpectationSuite(name="test", expectations=list(expectations))).declared


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
