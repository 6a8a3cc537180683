"""Row rules become expectations that the engine reads: each column's own, and none may be empty unless it is said."""

from datetime import time
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from daybreak.declaration.row_rules import RowRules
from daybreak.errors import ConfigurationError
from daybreak.run.expectations import read_suite

if TYPE_CHECKING:
    from daybreak.run.judge import Judge

RULES = RowRules(
    rows=(2, 10),
    ranges={"age": (0, 120), "score": (-1, 1)},
    values={("home", "away"): ["No", "Yes"]},
    texts=["city"],
    may_be_empty=["score"],
    also=lambda gxe: [gxe.ExpectColumnMeanToBeBetween(column="age", min_value=18, severity="warning")],
)
GOOD = pd.DataFrame(
    {"age": [30, 40], "score": [0.5, None], "home": ["Yes", "No"], "away": ["No", "No"], "city": "Bonn"}
)


def broken(judge: "Judge", **changed: object) -> set[str]:
    """Return the row-level rules that the second row breaks."""
    suite = read_suite(RULES())
    rows = GOOD.astype({"age": "float"})
    for column, value in changed.items():
        rows.loc[1, column] = value
    found = zip(suite.row_level, judge.judge(rows, suite.row_level), strict=True)
    return {f"{d.columns[0]} {d.kind}" for d, judgement in found if judgement.unexpected == (1,)}


def test_rows_that_fulfil_the_rules_break_none(judge: "Judge") -> None:
    assert broken(judge) == set()


def test_each_rule_names_the_row_that_breaks_it(judge: "Judge") -> None:
    assert broken(judge, age=121) == {"age expect_column_values_to_be_between"}
    assert broken(judge, score=-2) == {"score expect_column_values_to_be_between"}
    assert broken(judge, away="Maybe") == {"away expect_column_values_to_be_in_set"}
    for column in ("age", "home", "away", "city"):
        assert broken(judge, **{column: None}) == {f"{column} expect_column_values_to_not_be_null"}


def test_the_batch_has_a_size_and_ones_own_rules_keep_their_severity() -> None:
    batch = {declared.kind: declared.severity for declared in read_suite(RULES()).batch_level}
    assert batch == {
        "expect_table_row_count_to_be_between": "critical",
        "expect_column_mean_to_be_between": "warning",
    }


def test_the_same_rules_have_the_same_digest() -> None:
    assert read_suite(RULES()).digest == read_suite(RULES()).digest


@pytest.mark.parametrize("bound", ["yesterday", b"x", time(12), object()], ids=lambda bound: type(bound).__name__)
def test_a_bound_that_is_none_is_refused_by_the_name_of_its_column(bound: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"The range of age goes from .* to 5, which are no numbers, days"):
        RowRules(rows=(1, 2), ranges={"age": (bound, 5)})()
