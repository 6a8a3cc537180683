"""Evidence of predictions of several numbers: pictures, and which features matter to them."""

import csv
import io
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from daybreak.models.answering import Answering
from daybreak.settings import Settings
from daybreak.training import Past, Trained, Unseen
from daybreak.training.evidence import record
from daybreak.workspace import Workspace
from fixture_pipelines.parcel_kinds import SPEED, SPREAD
from fixture_pipelines.parcel_kinds.training import together

DAY = date(2024, 3, 8)
INPUTS = pd.DataFrame({"telling": np.linspace(0, 30, 400), "idle": np.tile([0.0, 1.0], 200), "zone": ["city"] * 400})
CLASSES = pd.cut(INPUTS["telling"], [-1, 10, 20, 31], labels=["very fast", "usual", "slow"]).astype(str).to_numpy()


def files(pipeline: Any, model: Any, actual: Any, folder: Path) -> dict[str, bytes]:
    predicted = Answering.of(pipeline).values(model, INPUTS)[:, 0]
    trained = Trained(model, INPUTS.head(), DAY, {}, {}, unseen=Unseen(INPUTS, actual, predicted))
    return dict(record(Past(Workspace(Settings(home=folder)), pipeline, DAY), trained, None).files)


def numbers(model: Any) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline

    return make_pipeline(make_column_transformer(("passthrough", ["telling", "idle"])), model)


def most_important(found: dict[str, bytes]) -> str:
    first, *others = csv.DictReader(io.StringIO(found["importances.csv"].decode()))
    assert float(first["importance"]) > max(float(line["importance"]) for line in others)
    return first["feature"]


@pytest.mark.parametrize("known", [True, False])
def test_all_classes_are_drawn_against_what_they_were_or_by_their_features(known: bool, tmp_path: Path) -> None:
    from sklearn.tree import DecisionTreeClassifier

    model = numbers(DecisionTreeClassifier(max_depth=2, random_state=0)).fit(INPUTS, CLASSES)
    texts = list(SPEED.prediction.texts)
    actual = np.array([texts.index(label) for label in CLASSES], dtype=float)
    # A class that is none of them is left out of the picture.
    actual[7] = -1
    found = files(SPEED, model, actual if known else None, tmp_path)
    drawn = "classes_and_actuals" if known else "labels"
    assert set(found) == {"importances.csv", "pictures/importances.png", f"pictures/{drawn}.png"}
    assert all(found[name].startswith(b"\x89PNG") for name in found if name.endswith("png"))
    assert most_important(found) == "telling"


def test_quantiles_are_drawn_by_the_one_that_stands_for_them(tmp_path: Path) -> None:
    from sklearn.dummy import DummyRegressor
    from sklearn.linear_model import LinearRegression

    low, high = (DummyRegressor(strategy="constant", constant=value) for value in (-1e6, 1e6))
    model = numbers(together({"low": low, "median": LinearRegression(), "high": high})).fit(INPUTS, INPUTS["telling"])
    found = files(replace(SPREAD, measures="amounts"), model, INPUTS["telling"].to_numpy(), tmp_path)
    pictures = {f"pictures/{name}.png" for name in ("predicted_and_actual", "residuals", "importances")}
    assert set(found) == {"importances.csv", *pictures}
    assert most_important(found) == "telling"
