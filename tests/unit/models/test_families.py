"""Models of LightGBM, XGBoost and CatBoost: saved, judged, loaded and asked again, they predict the same bits."""

import importlib.util
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import skops.io

from daybreak.batch.signature import CATEGORY
from daybreak.models.artifacts import SKOPS, digest_of
from daybreak.models.canonical import canonical
from daybreak.models.describing import CATEGORIES
from daybreak.models.opening import open_skops
from daybreak.models.saving import saved_files
from daybreak.models.trusted import judge
from daybreak.models.version import library_versions

ROWS = 300
DRAW = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "amount": DRAW.normal(size=ROWS),
        "days": DRAW.integers(0, 40, ROWS).astype("float64"),
        "place": pd.Series(DRAW.choice(["north", "south", "east"], ROWS), dtype="category"),
    }
)
NUMBERS = FRAME[["amount", "days"]]
LABELS = np.where(FRAME["amount"] + DRAW.normal(size=ROWS) > 0, "yes", "no")
CLASSES = (LABELS == "yes").astype(int)
VALUES = 2 * FRAME["amount"] + FRAME["days"]


def library(family: str) -> Any:
    try:
        return pytest.importorskip(family, reason=f"needs requirements/{family}.txt")
    except OSError as error:
        pytest.skip(f"needs a library of the system's for {family} ({error})")


def lightgbm(kind: str, **settings: Any) -> Any:
    module = library("lightgbm")
    return getattr(module, f"LGBM{kind}")(n_estimators=8, n_jobs=1, verbose=-1, **settings)


def xgboost(kind: str, **settings: Any) -> Any:
    module = library("xgboost")
    return getattr(module, f"XGB{kind}")(n_estimators=8, n_jobs=1, **settings)


def catboost(kind: str, **settings: Any) -> Any:
    module = library("catboost")
    settings = {"iterations": 8, "thread_count": 1, "verbose": False, "allow_writing_files": False, **settings}
    return getattr(module, f"CatBoost{kind}")(**settings)


def piped(model: Any) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    return make_pipeline(make_column_transformer((OneHotEncoder(), ["place"]), remainder="passthrough"), model)


def calibrated(model: Any) -> Any:
    from sklearn.calibration import CalibratedClassifierCV

    return CalibratedClassifierCV(model, cv=2)


# Each is fitted and gives itself, what it is asked and on which rows.
Fitted = tuple[Any, str, pd.DataFrame]
MODELS: dict[str, Callable[[], Fitted]] = {
    "LightGBM, labels": lambda: (lightgbm("Classifier").fit(NUMBERS, LABELS), "predict_proba", NUMBERS),
    "LightGBM, values": lambda: (lightgbm("Regressor").fit(NUMBERS, VALUES), "predict", NUMBERS),
    "LightGBM, categories": lambda: (lightgbm("Classifier").fit(FRAME, LABELS), "predict_proba", FRAME),
    "LightGBM, stopped early": lambda: (
        lightgbm("Classifier").fit(NUMBERS, LABELS, eval_set=[(NUMBERS, LABELS)]),
        "predict_proba",
        NUMBERS,
    ),
    "LightGBM, in a pipeline": lambda: (piped(lightgbm("Classifier")).fit(FRAME, LABELS), "predict_proba", FRAME),
    "LightGBM, calibrated": lambda: (calibrated(lightgbm("Classifier")).fit(NUMBERS, LABELS), "predict_proba", NUMBERS),
    "XGBoost, classes": lambda: (xgboost("Classifier").fit(NUMBERS, CLASSES), "predict_proba", NUMBERS),
    "XGBoost, values": lambda: (xgboost("Regressor").fit(NUMBERS, VALUES), "predict", NUMBERS),
    "XGBoost, categories": lambda: (
        xgboost("Classifier", enable_categorical=True).fit(FRAME, CLASSES),
        "predict_proba",
        FRAME,
    ),
    "XGBoost, in a pipeline": lambda: (piped(xgboost("Regressor")).fit(FRAME, VALUES), "predict", FRAME),
    "CatBoost, labels": lambda: (catboost("Classifier").fit(NUMBERS, LABELS), "predict_proba", NUMBERS),
    "CatBoost, values": lambda: (catboost("Regressor").fit(NUMBERS, VALUES), "predict", NUMBERS),
    "CatBoost, categories": lambda: (
        catboost("Classifier", cat_features=["place"]).fit(FRAME, LABELS),
        "predict_proba",
        FRAME,
    ),
    "CatBoost, in a pipeline": lambda: (piped(catboost("Regressor")).fit(FRAME, VALUES), "predict", FRAME),
}


def files(model: Any, method: str, rows: pd.DataFrame) -> dict[str, bytes]:
    return canonical(saved_files(model, rows.head(20), method, library_versions()))


@pytest.mark.parametrize("name", MODELS)
def test_it_is_loaded_and_predicts_the_same_bits(name: str) -> None:
    model, method, rows = MODELS[name]()
    before = np.asarray(getattr(model, method)(rows))
    saved = files(model, method, rows)
    assert judge(saved[SKOPS]).refused == ()
    loaded = open_skops(saved[SKOPS], "The model", "nothing")
    assert np.asarray(getattr(loaded, method)(rows)).tobytes() == before.tobytes()
    if method == "predict_proba":
        assert list(loaded.classes_) == list(model.classes_)


@pytest.mark.parametrize("name", MODELS)
def test_the_same_training_gives_the_same_digest(name: str) -> None:
    assert digest_of(files(*MODELS[name]())) == digest_of(files(*MODELS[name]()))


def test_what_it_needs_is_told() -> None:
    model, method, rows = MODELS["LightGBM, in a pipeline"]()
    saved = files(model, method, rows)
    assert judge(saved[SKOPS]).families == ["lightgbm"]
    assert f"lightgbm=={library_versions()['lightgbm']}" in saved["requirements.txt"].decode()


def test_categories_are_given_as_such_whichever_of_them_a_batch_holds() -> None:
    import yaml

    from daybreak.batch.signature import Signature

    model, method, rows = MODELS["LightGBM, categories"]()
    described = yaml.safe_load(files(model, method, rows)["MLmodel"])
    assert described["metadata"] == {CATEGORIES: ["place"]}
    inputs = [(column["name"], column["type"]) for column in json.loads(described["signature"]["inputs"])]
    signature = Signature(tuple((name, CATEGORY if name == "place" else kind) for name, kind in inputs))
    some = rows[rows["place"] != "north"]
    batch = pa.RecordBatch.from_pandas(some.astype({"place": "str"}), preserve_index=False)
    given = signature.conform(batch).to_pandas()
    assert set(given["place"].cat.categories) == {"south", "east"}
    assert (getattr(model, method)(given) == getattr(model, method)(rows)[rows["place"] != "north"]).all()


def test_a_library_that_lacks_one_of_the_systems_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from daybreak.errors import ModelRefused

    model, _, _ = MODELS["LightGBM, values"]()
    saved = skops.io.dumps(model)

    def lacking(name: str) -> Any:
        raise OSError("libgomp.so.1: cannot open shared object file")

    monkeypatch.setattr(importlib, "import_module", lacking)
    with pytest.raises(ModelRefused, match=r"of lightgbm, which cannot be loaded here \(libgomp.so.1: .*libgomp1"):
        open_skops(saved, "The model", "nothing")


def test_a_model_of_a_library_that_is_not_installed_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from daybreak.errors import ModelRefused

    model, _, _ = MODELS["LightGBM, values"]()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelRefused, match=r"is of lightgbm, which is not .*requirements/lightgbm.txt"):
        open_skops(skops.io.dumps(model), "The model", "nothing")
