"""A target as numbers, whatever its type: what is not known is no number, and texts need a positive value."""

import numpy as np
import pyarrow as pa
import pytest

from daybreak.errors import ConfigurationError
from daybreak.training.outcomes import outcomes


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


def test_texts_of_which_none_is_positive_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="none of its values is declared to be the positive one"):
        outcomes(pa.array(["Yes", "No"]), None)
