"""Rows that break a critical expectation are set aside with their reasons; a batch that breaks one stops."""

from collections.abc import Callable
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pyarrow as pa
import pytest
from great_expectations.expectations.metadata_types import FailureSeverity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nasty
from daybreak.batch.chunk import Rejected
from daybreak.batch.signature import Signature
from daybreak.declaration.row_rules import RowRules
from daybreak.errors import DaybreakError, ExpectationsFailed, SourceRefused
from daybreak.run.expectations import Suite, read_suite
from daybreak.run.judge import Judge
from daybreak.run.validate import Rules, Validation

CRITICAL, WARNING = FailureSeverity.CRITICAL, FailureSeverity.WARNING
SMALL = gxe.ExpectColumnValuesToBeBetween(column="x", max_value=100, severity=CRITICAL)
# 24:00, which a database holds and Python does not.
END = 86_400_000_000
TOO_BIG = "x: column values to be between (max_value=100.0)"


class Validated:
    """One batch through a suite, in chunks, and what came of each row."""

    def __init__(self, judge: Judge, allowed: float, chunk_rows: int, *expectations: gxe.Expectation) -> None:
        self.suite: Suite = read_suite(gx.ExpectationSuite(name="test", expectations=list(expectations or [SMALL])))
        self.rules = Rules(("key",), Signature((("x", "double"),)), allowed)
        self.judge, self.chunk_rows = judge, chunk_rows
        self.passed: list[int] = []
        self.rejected: list[Rejected] = []

    def run(self, x: list[Any], key: list[Any] | None = None, **others: list[Any]) -> "Validated":
        columns = {"key": key or [f"k{n}" for n in range(len(x))], "x": pa.array(x, pa.float64()), **others}
        table = pa.table(columns)
        validation = Validation(self.suite, self.judge, self.rules, len(x), self.rejected.append)
        for chunk in validation.valid(table.to_batches(self.chunk_rows)):
            assert chunk.rows["key"].equals(table["key"].take(pa.array(chunk.numbers)).combine_chunks())
            self.passed += chunk.numbers.tolist()
        self.validation = validation
        validation.conclude(lambda columns: table.select(columns).to_batches())
        return self

    @property
    def reasons(self) -> dict[int, list[str]]:
        return {
            int(number): reasons
            for rejected in self.rejected
            for number, reasons in zip(rejected.chunk.numbers, rejected.reasons, strict=True)
        }


Validate = Callable[..., Validated]


@pytest.fixture
def validate(judge: Judge) -> Validate:
    def make(*expectations: gxe.Expectation, allowed: float = 0.5, chunk_rows: int = 100) -> Validated:
        return Validated(judge, allowed, chunk_rows, *expectations)

    return make


def test_where_most_rows_cannot_be_kept_that_is_told_and_no_rule_that_few_break(validate: Validate) -> None:
    keyless = validate()
    with pytest.raises(ExpectationsFailed, match=r"3 of 4 rows .* or cannot be kept, for example 'key: entity key is"):
        keyless.run([1, 2, 500, 4], key=[None, None, "a", "b"])
    broken = validate()
    with pytest.raises(ExpectationsFailed, match=r"3 of 4 rows .* most often 'x: column values to be between"):
        broken.run([1, 500, 500, 4], key=[None, "c", "a", "b"])


@pytest.mark.parametrize("chunk_rows", [1, 3, 100])
def test_rows_that_break_it_are_set_aside_wherever_the_chunks_end(validate: Validate, chunk_rows: int) -> None:
    done = validate(chunk_rows=chunk_rows).run([1, 500, 2, 3, 700, 4, 5])
    assert done.passed == [0, 2, 3, 5, 6]
    assert done.reasons == {1: [TOO_BIG], 4: [TOO_BIG]}
    [declared] = done.suite.declared
    assert (declared.evaluated, declared.unexpected, declared.success) == (7, 2, False)


def test_a_row_is_set_aside_once_with_every_reason(validate: Validate) -> None:
    other = gxe.ExpectColumnValuesToNotBeInSet(column="kind", value_set=["(none)"], severity=CRITICAL)
    done = validate(SMALL, other).run([1, 500, 2], kind=["a", "(none)", "b"])
    assert [reason.split(":")[0] for reason in done.reasons[1]] == ["x", "kind"]
    assert done.validation.quarantined == 1


def test_a_warning_is_recorded_and_sets_no_row_aside(validate: Validate) -> None:
    done = validate(
        gxe.ExpectColumnValuesToBeBetween(column="x", max_value=100, severity=WARNING),
        gxe.ExpectColumnMeanToBeBetween(column="x", max_value=1, severity=WARNING),
    ).run([1, 500])
    assert done.passed == [0, 1]
    assert [(d.success, d.unexpected) for d in done.suite.declared] == [(False, 1), (False, 0)]


def test_mostly_on_a_warning_counts_over_the_whole_batch(validate: Validate) -> None:
    mostly = gxe.ExpectColumnValuesToBeBetween(column="x", max_value=100, mostly=0.7, severity=WARNING)
    assert validate(mostly, chunk_rows=2).run([1, 2, 500, 3]).suite.declared[0].success
    assert not validate(mostly, chunk_rows=2).run([1, 600, 500, 3]).suite.declared[0].success


def test_as_many_rows_as_are_allowed_may_be_set_aside_and_not_one_more(validate: Validate) -> None:
    assert validate(allowed=0.3).run([1] * 7 + [500] * 3).validation.quarantined == 3
    with pytest.raises(ExpectationsFailed, match=r"4 of 10 rows \(40\.0%\).*x: column values.*30\.0% are allowed"):
        validate(allowed=0.3).run([1] * 6 + [500] * 4)


def test_a_batch_of_which_nothing_is_left_stops_whatever_is_allowed(validate: Validate) -> None:
    with pytest.raises(ExpectationsFailed, match="2 of 2 rows"):
        validate(allowed=1.0).run([500, 600])


def test_rows_set_aside_beyond_the_allowed_share_are_not_all_kept(validate: Validate) -> None:
    done = validate(allowed=0.1, chunk_rows=10)
    with pytest.raises(ExpectationsFailed, match="100 of 100"):
        done.run([500] * 100)
    assert 10 <= len(done.reasons) <= 20


def test_a_row_without_its_entity_key_is_set_aside(validate: Validate) -> None:
    done = validate().run([1, 2, 3], key=["a", None, "c"])
    assert done.reasons == {1: ["key: entity key is null"]}
    assert done.passed == [0, 2]


@pytest.mark.parametrize("chunk_rows", [1, 2, 100])
def test_an_entity_key_that_occurs_twice_stops_the_batch_and_is_shown(validate: Validate, chunk_rows: int) -> None:
    with pytest.raises(SourceRefused, match=r"1 entity keys occur more than once, for example key=b"):
        validate(chunk_rows=chunk_rows).run([1, 2, 3, 4], key=["a", "b", "c", "b"])


def test_a_key_whose_other_row_is_set_aside_does_not_occur_twice(validate: Validate) -> None:
    assert validate().run([1, 2, 500, 4], key=["a", "b", "b", "c"]).passed == [0, 1, 3]


@pytest.mark.parametrize("rule", [gxe.ExpectColumnValuesToNotBeNull, gxe.ExpectColumnValuesToBeUnique])
def test_a_time_of_day_that_python_does_not_know_is_refused_by_name(validate: Validate, rule: Any) -> None:
    ends = pa.array([0, END], pa.time64("us"))
    with pytest.raises(SourceRefused, match=r"^Column until holds 24:00, .* Next: .*: CASE WHEN until < time '24:00' "):
        validate(rule(column="until", severity=CRITICAL)).run([1, 2], until=ends)
    assert validate().run([1, 2], until=ends).passed == [0, 1]


def test_keys_that_python_does_not_know_are_told_apart(validate: Validate) -> None:
    for keys, told in (
        (pa.array([END, 0, END], pa.time64("us")), "key=24:00:00"),
        (pa.array([-900_000, 0, -900_000], pa.int32()).view(pa.date32()), "key=-0495-11-20"),
    ):
        with pytest.raises(SourceRefused, match=rf"1 entity keys occur more than once, for example {told}\."):
            validate().run([1, 2, 3], key=keys)
        assert validate().run([1, 2], key=keys[:2]).passed == [0, 1]


@pytest.mark.parametrize("empty", [None, float("nan")], ids=["null", "nan"])
def test_a_column_without_any_value_stops_the_batch(validate: Validate, empty: float | None) -> None:
    with pytest.raises(SourceRefused, match=r"Column x is null in all 3 rows"):
        validate(chunk_rows=2).run([empty] * 3)
    assert validate(chunk_rows=2).run([empty, empty, 1]).passed == [0, 1, 2]


def test_a_column_only_an_expectation_names_must_have_values_too(validate: Validate) -> None:
    named = gxe.ExpectColumnValuesToBeBetween(column="y", max_value=1, severity=WARNING)
    with pytest.raises(SourceRefused, match="Column y is null in all 2 rows"):
        validate(named).run([1, 2], y=pa.array([None, None], pa.float64()))
    with pytest.raises(SourceRefused, match="Column y is missing"):
        validate(named).run([1, 2])


def test_an_empty_batch_stops(validate: Validate) -> None:
    with pytest.raises(SourceRefused, match="The batch is empty"):
        validate().run([])


def test_a_mistyped_column_stops_before_anything_is_judged(validate: Validate) -> None:
    done = validate(gxe.ExpectColumnValuesToNotBeNull(column="key", severity=CRITICAL))
    rows = pa.RecordBatch.from_pydict({"key": ["a"], "x": ["1.0"]})
    validation = Validation(done.suite, done.judge, done.rules, 1, done.rejected.append)
    with pytest.raises(SourceRefused, match="Column x is string"):
        list(validation.valid([rows]))


@pytest.mark.parametrize(
    "expectation",
    [
        gxe.ExpectColumnValuesToBeBetween(column="text", min_value=0, severity=CRITICAL),
        gxe.ExpectColumnValuesToBeBetween(column="text", min_value=0, severity=WARNING),
        gxe.ExpectColumnMeanToBeBetween(column="text", min_value=0, severity=WARNING),
    ],
    ids=["critical", "warning", "batch"],
)
def test_an_expectation_that_cannot_be_judged_stops_the_batch(validate: Validate, expectation: Any) -> None:
    with pytest.raises(ExpectationsFailed, match=r"could not be judged: .*Next: mend the expectation"):
        validate(expectation).run([1, 2], text=["a", "b"])


def test_a_critical_expectation_on_the_batch_stops_it_with_what_was_observed(validate: Validate) -> None:
    with pytest.raises(ExpectationsFailed, match=r"1 critical expectation\(s\).*mean.*\(observed 250\.5\)"):
        validate(gxe.ExpectColumnMeanToBeBetween(column="x", max_value=9, severity=CRITICAL)).run([1, 500])


def test_the_batch_is_judged_without_the_rows_set_aside(validate: Validate) -> None:
    mean = gxe.ExpectColumnMeanToBeBetween(column="x", max_value=9, severity=CRITICAL)
    count = gxe.ExpectTableRowCountToBeBetween(min_value=3, max_value=3, severity=CRITICAL)
    done = validate(SMALL, mean, count).run([1, 500, 2, 3])
    assert [d.success for d in done.suite.batch_level] == [True, True]


def test_uniqueness_is_judged_over_the_whole_batch(validate: Validate) -> None:
    unique = gxe.ExpectColumnValuesToBeUnique(column="x", severity=CRITICAL)
    with pytest.raises(ExpectationsFailed, match="unique"):
        validate(unique, chunk_rows=1).run([1, 2, 1])


def test_every_refusal_names_the_next_step_on_one_line(validate: Validate) -> None:
    for values in ([], [500.0, 500.0], [None, None]):
        with pytest.raises(DaybreakError) as refused:
            validate(allowed=0.1).run(values)
        assert refused.value.next_step
        assert "\n" not in str(refused.value)


def test_a_rule_is_held_against_days_that_python_does_not_know(judge: Judge) -> None:
    done = Validated(judge, 1.0, 2)
    done.suite = read_suite(RowRules(rows=(0, 9), ranges={"y": ("2020-01-01", None)})())
    # In the years 4713 before, 2024 and 11,999.
    done.run([1.0, 1.0, 1.0], y=pa.array([-2_440_588, 20_000, 3_663_000], pa.date32()))
    assert (done.passed, list(done.reasons)) == ([1, 2], [0])


def hold_one_line(error: DaybreakError) -> None:
    assert error.next_step
    assert "\n" not in str(error)


COLUMNS = st.one_of(
    st.tuples(st.just(pa.float64()), st.lists(st.one_of(st.none(), st.floats()), min_size=1, max_size=4)),
    st.tuples(st.just(pa.int64()), st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1)),
    st.tuples(st.just(pa.string()), st.lists(st.one_of(st.none(), nasty.texts), min_size=1, max_size=4)),
    st.tuples(st.just(pa.bool_()), st.lists(st.one_of(st.none(), st.booleans()), min_size=1, max_size=4)),
    st.tuples(st.just(pa.date32()), st.lists(st.one_of(st.none(), st.dates()), min_size=1, max_size=4)),
    st.tuples(st.just(pa.timestamp("us")), st.lists(st.one_of(st.none(), st.datetimes()), min_size=1, max_size=4)),
    st.tuples(
        st.just(pa.time64("us")), st.lists(st.one_of(st.none(), st.times(), st.just(END)), min_size=1, max_size=4)
    ),
    st.tuples(st.just(pa.binary()), st.lists(st.one_of(st.none(), st.binary(max_size=4)), min_size=1, max_size=4)),
)


@given(column=COLUMNS, low=nasty.bounds, high=nasty.bounds, allowed=st.none() | st.lists(nasty.bounds, max_size=3))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_rule_on_any_column_judges_each_row_or_stops_with_one_line(
    judge: Judge, column: tuple[pa.DataType, list[Any]], low: Any, high: Any, allowed: list[Any] | None
) -> None:
    kind, values = column
    try:
        rules = RowRules(
            rows=(0, 9), ranges={"y": (low, high)} if allowed is None else {}, values={"y": allowed} if allowed else {}
        )
        done = Validated(judge, 1.0, 2)
        done.suite = read_suite(rules())
        done.run([1.0] * len(values), y=pa.array(values, kind))
    except DaybreakError as error:
        hold_one_line(error)
    else:
        assert sorted([*done.passed, *done.reasons]) == list(range(len(values)))
