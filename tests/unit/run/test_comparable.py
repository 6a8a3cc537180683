"""Rules on days, instants, decimals and booleans: what is declared is held against a column as what it is there."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from daybreak.declaration.row_rules import RowRules
from daybreak.errors import ConfigurationError
from daybreak.run.expectations import read_suite
from daybreak.run.judge import Judge, Judgement

DAY, INSTANT, LOCAL = pa.date32(), pa.timestamp("us", "UTC"), pa.timestamp("us")
EAST = timezone(timedelta(hours=2))
Judged = Callable[..., Judgement]


@pytest.fixture
def judged(judge: Judge) -> Judged:
    """Return a function that judges one column, as a batch holds it, by one expectation."""

    def judging(kind: Any, values: list[Any], column: pa.DataType, **arguments: Any) -> Judgement:
        rows = pa.RecordBatch.from_pydict({"a": pa.array(values, column)})
        suite = read_suite(gx.ExpectationSuite(name="test", expectations=[kind(column="a", **arguments)]))
        [judgement] = judge.judge(rows.to_pandas(date_as_object=False), suite.declared)
        return judgement

    return judging


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


DAYS = [date(2024, 2, 28), None, date(2024, 2, 29), date(9999, 12, 31), date(1, 1, 1)]
INSTANTS = [datetime(2024, 2, 29, tzinfo=UTC), None, datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)]
LOCALS = [local("2024-02-29 12:00"), local("9999-12-31"), local("0001-01-01")]
IN_SET = {
    "days in days": (DAYS, DAY, [date(2024, 2, 28), date(9999, 12, 31)], (2, 4)),
    "days in text": (DAYS, DAY, ["2024-02-28", "9999-12-31"], (2, 4)),
    "days in midnights": (DAYS, DAY, [local("2024-02-28"), np.datetime64("0001-01-01")], (2, 3)),
    "instants in days": (INSTANTS, INSTANT, [date(2024, 2, 29)], (2,)),
    "instants in text": (INSTANTS, INSTANT, ["2024-02-29T02:00:00+02:00"], (2,)),
    "instants in instants": (INSTANTS, INSTANT, [datetime(2024, 2, 29, 2, tzinfo=EAST)], (2,)),
    "local times in text": (LOCALS, LOCAL, ["2024-02-29 12:00", "0001-01-01"], (1,)),
    "times in text": ([time(12), time(23, 59)], pa.time64("us"), ["12:00"], (1,)),
    "doubles in decimals": ([1.1, 2.0, 3.5], pa.float64(), [Decimal("1.10"), Decimal(2)], (2,)),
    "doubles in text": ([1.1, 2.0, 3.5], pa.float64(), ["1.10", "2"], (2,)),
    "whole numbers in text": ([9007199254740993, 2], pa.int64(), ["9007199254740993"], (1,)),
    "booleans in booleans": ([True, None, False], pa.bool_(), [True], (2,)),
    "booleans in text": ([True, False], pa.bool_(), ["true"], (1,)),
    "booleans in numbers": ([True, None, False], pa.bool_(), [0], (0,)),
    "texts in texts": (["a", None, "b"], pa.string(), ["a", None], (2,)),
}


@pytest.mark.parametrize(("values", "column", "allowed", "broken"), IN_SET.values(), ids=IN_SET)
def test_a_set_is_of_what_the_column_holds(
    judged: Judged, values: list[Any], column: pa.DataType, allowed: list[Any], broken: tuple[int, ...]
) -> None:
    inside = judged(gxe.ExpectColumnValuesToBeInSet, values, column, value_set=allowed)
    assert (inside.exception, inside.unexpected) == (None, broken)
    outside = judged(gxe.ExpectColumnValuesToNotBeInSet, values, column, value_set=allowed)
    there = {n for n, value in enumerate(values) if value is not None}
    assert (outside.exception, set(outside.unexpected or ())) == (None, there - set(broken))


BETWEEN = {
    "days": (DAYS, DAY, date(2024, 2, 29), date(9999, 12, 30), (0, 3, 4)),
    "days by text": (DAYS, DAY, "2024-02-29", None, (0, 4)),
    "days by midnights": (DAYS, DAY, None, local("2024-02-28"), (2, 3)),
    "instants by days": (INSTANTS, INSTANT, date(2024, 3, 1), None, (0,)),
    "instants": (INSTANTS, INSTANT, None, datetime(2024, 2, 29, 2, tzinfo=EAST), (2,)),
    "local times": (LOCALS, LOCAL, local("2024-02-29 12:00"), "9999-12-30", (1, 2)),
    "doubles by decimals": ([1.1, 2.0], pa.float64(), Decimal("1.5"), None, (0,)),
    "open below": ([-1e308, float("inf"), 5.0], pa.float64(), float("-inf"), 4, (1, 2)),
    "open on both sides": ([-1e308, 5.0], pa.float64(), float("-inf"), float("inf"), ()),
    "days, open above": (DAYS, DAY, "2024-02-29", float("inf"), (0, 4)),
    "instants, open below": (INSTANTS, INSTANT, float("-inf"), "2024-03-01", (2,)),
    "whole numbers, open above": ([1, 5], pa.int64(), 2, float("inf"), (0,)),
}


@pytest.mark.parametrize(("values", "column", "low", "high", "broken"), BETWEEN.values(), ids=BETWEEN)
def test_bounds_are_of_what_the_column_holds(
    judged: Judged, values: list[Any], column: pa.DataType, low: Any, high: Any, broken: tuple[int, ...]
) -> None:
    found = judged(gxe.ExpectColumnValuesToBeBetween, values, column, min_value=low, max_value=high)
    assert (found.exception, found.unexpected) == (None, broken)


@pytest.mark.parametrize(
    ("values", "column", "allowed", "why"),
    [
        (DAYS, DAY, ["yesterday"], "'yesterday' is no day or instant as YYYY-MM-DD"),
        (DAYS, DAY, [20240229], "20240229 is no day or instant"),
        (DAYS, DAY, ["2024-02-29T00:00:00+02:00"], "has an offset from UTC, and the column has none"),
        ([1.5], pa.float64(), ["much"], "'much' is no number"),
        ([1.5], pa.float64(), [date(2024, 1, 1)], "is no number"),
        ([True], pa.bool_(), ["maybe"], "'maybe' is neither true nor false"),
        ([time(12)], pa.time64("us"), ["noon"], "'noon' is no time"),
        (["1"], pa.string(), [1], "1 is no text"),
    ],
)
def test_what_no_value_of_the_column_can_be_is_said_and_breaks_no_row(
    judged: Judged, values: list[Any], column: pa.DataType, allowed: list[Any], why: str
) -> None:
    found = judged(gxe.ExpectColumnValuesToBeInSet, values, column, value_set=allowed)
    assert found.unexpected is None
    assert why in (found.exception or "")


def test_a_day_that_microseconds_do_not_reach_is_said(judge: Judge) -> None:
    frame = pd.DataFrame({"a": np.array(["5874897-12-31"], dtype="datetime64[s]")})
    suite = read_suite(
        gx.ExpectationSuite(name="test", expectations=[gxe.ExpectColumnValuesToBeBetween(column="a", max_value=1)])
    )
    [found] = judge.judge(frame, suite.declared)
    assert (found.success, found.exception) == (False, "column a holds a day after the year 294246")


@pytest.mark.parametrize("column", [DAY, LOCAL, INSTANT], ids=str)
def test_what_was_observed_is_told_without_a_zone_that_the_column_has_not(judged: Judged, column: pa.DataType) -> None:
    zone = UTC if column == INSTANT else None
    values = [datetime(2024, 2, 28, tzinfo=zone), datetime(9999, 12, 31, tzinfo=zone)]
    found = judged(gxe.ExpectColumnMaxToBeBetween, values, column, max_value=date(2024, 12, 31))
    assert (found.success, found.observed) == (False, pd.Timestamp("9999-12-31", tz=zone))
    assert judged(gxe.ExpectColumnMinToBeBetween, values, column, min_value="2024-01-01").success


def test_a_decimal_that_is_not_a_number_is_in_no_column(judged: Judged) -> None:
    for values, column in (([1.0], pa.float64()), ([None], pa.int64()), ([None], pa.string())):
        found = judged(gxe.ExpectColumnValuesToBeInSet, values, column, value_set=[Decimal("NaN")])
        assert found.unexpected == (() if values == [None] else (0,))
    with pytest.raises(ConfigurationError, match="expect_column_values_to_be_in_set declares what cannot be written"):
        judged(gxe.ExpectColumnValuesToBeInSet, [1.0], pa.float64(), value_set=[Decimal("sNaN")])
    rules = RowRules(rows=(1, 2), ranges={"a": (Decimal("sNaN"), None)})
    with pytest.raises(ConfigurationError, match="on a has a min_value that is not a number"):
        read_suite(rules())


def test_a_bound_that_is_not_a_number_is_refused() -> None:
    rule = gxe.ExpectColumnValuesToBeBetween(column="a", min_value=float("nan"), max_value=1)
    with pytest.raises(ConfigurationError, match="on a has a min_value that is not a number"):
        read_suite(gx.ExpectationSuite(name="test", expectations=[rule]))


def test_row_rules_take_days_and_open_bounds(judge: Judge) -> None:
    rules = RowRules(
        rows=(1, 9),
        ranges={
            "since": (date(2020, 1, 1), None),
            "until": (None, "2030-12-31"),
            "fee": (Decimal("0.5"), float("inf")),
            "note": (float("-inf"), float("inf")),
        },
        values={"told": ["2024-02-29", date(2024, 3, 1)], "paid": [True]},
    )
    rows = pa.RecordBatch.from_pydict(
        {
            "since": [date(2019, 12, 31), date(2020, 1, 1)],
            "until": [date(2030, 12, 31), date(9999, 12, 31)],
            "fee": [0.25, 1e300],
            "note": [1e300, -1e300],
            "told": [date(2024, 2, 29), date(2024, 2, 28)],
            "paid": [True, False],
        }
    ).to_pandas(date_as_object=False)
    suite = read_suite(rules())
    broken = {
        declared.columns[0]: judgement.unexpected
        for declared, judgement in zip(suite.row_level, judge.judge(rows, suite.row_level), strict=True)
        if judgement.unexpected
    }
    assert broken == {"since": (0,), "until": (1,), "fee": (0,), "told": (1,), "paid": (1,)}
