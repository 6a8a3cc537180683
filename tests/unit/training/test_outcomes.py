"""A target as numbers, whatever its type: what is not known is no number, and texts need a positive value."""

import numpy as np
import pyarrow as pa
import pytest

from daybreak.errors import ConfigurationError
from daybreak.training.outcomes import outcomes, positions


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (["Yes ", "No", None], "Yes"),
        (["1", "0", None], 1),
        ([1, 0, None], "1"),
        ([1, 2, None], 1),
        ([0.5, 1.5, None], 0.5),
        ([True, False, None], True),
        ([1, 0, None], None),
        ([1.0, 0.0, None], None),
    ],
)
def test_the_positive_value_is_one_and_the_other_nothing(values: list[object], positive: str | float | None) -> None:
    for column in (pa.array(values), pa.chunked_array([values])):
        np.testing.assert_equal(outcomes(column, positive), [1, 0, np.nan])


def test_a_value_that_is_written_in_other_letters_is_refused_and_not_counted_as_the_other_one() -> None:
    for column in (pa.array(["yes", "no", " Yes", None]), pa.chunked_array([["yes"], ["YES", None]])):
        with pytest.raises(
            ConfigurationError, match=r"The target holds '(Yes|YES)', and 'yes' is declared\. Next: write"
        ):
            outcomes(column, "yes")
    with pytest.raises(ConfigurationError, match="holds 'Lo', and 'lo', 'hi' is declared"):
        positions(pa.array(["hi", "Lo"]), ("lo", "hi"))
    np.testing.assert_equal(positions(pa.array(["a", "A"]), ("a", "A")), [0, 1])


def test_texts_of_which_none_is_positive_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="none of its values is declared to be the positive one"):
        outcomes(pa.array(["Yes", "No"]), None)


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["hi", " lo ", "none", None], ("lo", "hi")),
        ([2, 1, 3, None], (1, 2)),
        ([2.5, 1.0, 2.0, None], (1, 2.5)),
        (["2", "1", "3", None], (1, 2)),
    ],
)
def test_a_class_is_told_by_its_position_and_one_that_is_none_of_them_too(
    values: list[object], classes: tuple[str | float, ...]
) -> None:
    for column in (pa.array(values), pa.chunked_array([values])):
        np.testing.assert_equal(positions(column, classes), [1, 0, -1, np.nan])


def test_true_and_false_are_classes() -> None:
    np.testing.assert_equal(positions(pa.array([True, False, None]), (False, True)), [1, 0, np.nan])


@pytest.mark.parametrize("classes", [(1, 2), (False, True), ("a", 1)])
def test_texts_that_are_no_classes_are_refused(classes: tuple[str | float, ...]) -> None:
    with pytest.raises(ConfigurationError, match="holds texts that are none of the classes"):
        positions(pa.array(["hi", "lo"]), classes)
