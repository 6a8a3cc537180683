"""The comparison of classifiers: which rows are held out, and what they are measured by."""

import numpy as np
import pandas as pd
import pytest

from daybreak.training.classifiers import SETTINGS, SHOWN, build, measure
from daybreak.training.over_keys import held_out_rows

KEYS = pd.DataFrame({"customer_id": [f"{n:04d}-MADE" for n in range(2_000)]})


def held_out(keys: pd.DataFrame) -> set[str]:
    return set(keys["customer_id"][held_out_rows(keys)])


def test_a_fifth_of_the_rows_is_held_out() -> None:
    assert held_out_rows(KEYS).mean() == pytest.approx(0.2, abs=0.03)


def test_a_row_is_held_out_whatever_the_order_and_the_other_rows() -> None:
    everybody = held_out(KEYS)
    assert held_out(KEYS.sample(frac=1, random_state=0)) == everybody
    some = KEYS.iloc[700:1_200]
    assert held_out(some) == everybody & set(some["customer_id"])


def test_the_choice_is_the_same_in_every_release() -> None:
    """A version that was measured on some rows must not meet a later one that was fitted on them."""
    assert sorted(held_out(KEYS.head(30))) == [
        "0001-MADE",
        "0007-MADE",
        "0008-MADE",
        "0009-MADE",
        "0017-MADE",
        "0019-MADE",
        "0020-MADE",
    ]


@pytest.mark.parametrize("name", SETTINGS)
def test_every_candidate_takes_empty_cells_and_texts_it_never_saw(name: str) -> None:
    rows = pd.DataFrame({"n": [0.0, 1.0] * 60, "t": pd.Series(["a", "b"] * 60, dtype="str")})
    model = build(name, ["n"], ["t"]).fit(rows, np.array([False, True] * 60))
    strange = pd.DataFrame({"n": [None, 1.0], "t": pd.Series(["unheard-of", None], dtype="str")})
    probabilities = model.predict_proba(strange)[:, 1]
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert model.predict_proba(rows)[1, 1] > 0.5 > model.predict_proba(rows)[0, 1]


def test_measures_are_those_of_the_positive_class() -> None:
    actual = np.array([True, True, True, False, False])
    found = measure(actual, np.array([0.9, 0.5, 0.1, 0.6, 0.2]))
    assert tuple(found) == SHOWN
    assert found["accuracy"] == pytest.approx(3 / 5)
    assert found["precision"] == found["recall"] == found["f1"] == pytest.approx(2 / 3)


def test_who_never_says_positive_has_no_precision_and_no_f1() -> None:
    found = measure(np.array([True, False]), np.array([0.4, 0.4]))
    assert (found["precision"], found["recall"], found["f1"]) == (0, 0, 0)
