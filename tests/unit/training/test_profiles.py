"""Profiles of predictions: as they are published, by the number or text that stands for a row."""

import numpy as np
import pandas as pd

from daybreak.training import Unseen
from daybreak.training.profiles import as_published, profile
from fixture_pipelines.parcel_kinds import SPEED, SPREAD


def test_all_classes_are_spread_as_their_texts() -> None:
    unseen = Unseen(pd.DataFrame(index=range(4)), None, np.array([0.0, 2.0, 2.0, 1.0]))
    published = as_published(SPEED, unseen)
    assert published.tolist() == ["slow", "very fast", "very fast", "usual"]
    assert profile(published) == {"values": ["slow", "usual", "very fast"], "weights": [0.25, 0.25, 0.5]}


def test_quantiles_are_spread_as_the_one_that_stands_for_them() -> None:
    unseen = Unseen(pd.DataFrame(index=range(3)), None, np.array([1.0, 2.0, 3.0]), np.array([True, False, True]))
    assert as_published(SPREAD, unseen).tolist() == [1.0, 3.0]
