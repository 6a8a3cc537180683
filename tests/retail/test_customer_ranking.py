"""How lists are measured: by hand, with ties, lists that are too short, and households that bought nothing."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from retail.customer_recommendations.ranking import best, popularity

DAY = date(2026, 6, 30)


def candidates(bought: str, household: int = 1, day: date = DAY, also: int = 0) -> pd.DataFrame:
    """Make a candidate for each letter of ``bought``: y for what was bought, and so many purchases outside of them."""
    marks = np.array([mark == "y" for mark in bought])
    return pd.DataFrame(
        {
            "day": day,
            "household_id": household,
            "product_category": [f"C{n}" for n in range(len(bought))],
            "bought_next_7d": marks,
            "categories_next_7d": marks.sum() + also,
        }
    )


@pytest.mark.parametrize(
    ("bought", "also", "precision", "average_precision"),
    [
        ("yyyyy", 0, 1, 1),
        ("ynnnn", 0, 1 / 5, 1),
        ("nnnny", 0, 1 / 5, 1 / 5),
        ("ynyn", 0, 2 / 5, (1 + 2 / 3) / 2),
        ("nnnnny", 0, 0, 0),
        ("nnnnn", 0, 0, 0),
        ("ynnnn", 3, 1 / 5, 1 / 4),
        ("yyyyyy", 9, 1, 1),
    ],
)
def test_a_list_is_measured_by_what_of_it_was_bought_and_where_it_stood(
    bought: str, also: int, precision: float, average_precision: float
) -> None:
    found = best(candidates(bought, also=also), -np.arange(len(bought), dtype=float))
    assert found.precision == pytest.approx([precision])
    assert found.average_precision == pytest.approx([average_precision])


def test_the_order_of_the_rows_decides_between_equal_scores() -> None:
    assert best(candidates("ynnnny"), np.zeros(6)).average_precision == pytest.approx([1 / 2])


def test_each_household_has_a_list_for_each_day() -> None:
    rows = pd.concat([candidates("yn"), candidates("ny", household=2), candidates("nn", 2, DAY + timedelta(days=7))])
    found = best(rows, np.tile([1.0, 0.0], 3))
    assert found.average_precision == pytest.approx([1, 1 / 2, 0])
    assert found.measured(np.array([True, True, False])) == pytest.approx({"precision_at_5": 0.2, "map_at_5": 0.75})


def test_favourites_are_counted_within_segment_and_day_those_without_a_segment_by_themselves() -> None:
    rows = pd.concat(
        [candidates("nn", household, day) for day in (DAY, DAY + timedelta(days=7)) for household in (1, 2, 3)]
    )
    rows["segment"] = np.tile(["loyal", "loyal", "loyal", "loyal", None, None], 2)
    rows["bought_days_28d"] = [2, 0, 1, 1, 5, 5, 0, 0, 0, 1, 1, 1]
    expected = [2, 1, 2, 1, 1, 1, 0, 1, 0, 1, 1, 1]
    assert popularity(rows.reset_index(drop=True)).tolist() == expected
