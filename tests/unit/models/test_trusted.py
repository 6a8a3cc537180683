"""What a skops file may hold is judged by exact names per loader; nothing of a file that holds more is made."""

import io
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
import skops.io

from daybreak.models.make_trusted_types import made
from daybreak.models.tree_bounds import misplaced
from daybreak.models.trusted import judge, list_of, load_trusted, minor_version

ROWS = 60
DRAW = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "amount": DRAW.normal(size=ROWS),
        "days": DRAW.integers(0, 40, ROWS).astype("float64"),
        "place": DRAW.choice(["north", "south", "east"], ROWS),
    }
)
NUMBERS = FRAME[["amount", "days"]].abs()
CLASS = np.where(FRAME["amount"] + DRAW.normal(size=ROWS) > 0, "yes", "no")
VALUE = (2 * NUMBERS["amount"] + DRAW.gamma(1.0, size=ROWS)).to_numpy()


def _columns(model: Any) -> Any:
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=5), ["place"]),
            (numbers, make_column_selector(dtype_include="number")),
        ),
        model,
    )


def _usual() -> Iterator[tuple[str, Callable[[], Any]]]:
    from sklearn import (
        calibration,
        dummy,
        ensemble,
        feature_selection,
        gaussian_process,
        linear_model,
        model_selection,
        naive_bayes,
        neighbors,
        neural_network,
        pipeline,
        preprocessing,
        svm,
        tree,
    )
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - makes the next import possible
    from sklearn.impute import IterativeImputer, KNNImputer

    classifiers = {
        "logistic regression": linear_model.LogisticRegression(),
        "random forest": ensemble.RandomForestClassifier(n_estimators=5),
        "extra trees": ensemble.ExtraTreesClassifier(n_estimators=5),
        "gradient boosting": ensemble.GradientBoostingClassifier(n_estimators=5),
        "histogram boosting": ensemble.HistGradientBoostingClassifier(max_iter=5),
        "one tree": tree.DecisionTreeClassifier(),
        "stochastic gradient": linear_model.SGDClassifier(loss="log_loss"),
        "support vectors": svm.SVC(),
        "nearest neighbours": neighbors.KNeighborsClassifier(algorithm="kd_tree"),
        "naive bayes": naive_bayes.GaussianNB(),
        "neural network": neural_network.MLPClassifier(max_iter=5),
        "calibrated": calibration.CalibratedClassifierCV(linear_model.LogisticRegression(), cv=2),
        "stacking": ensemble.StackingClassifier([("tree", tree.DecisionTreeClassifier())], cv=2),
        "voting": ensemble.VotingClassifier([("bayes", naive_bayes.GaussianNB())]),
        "searched": model_selection.GridSearchCV(linear_model.LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
        "dummy": dummy.DummyClassifier(),
        "ada boost": ensemble.AdaBoostClassifier(n_estimators=3),
        "bagging": ensemble.BaggingClassifier(n_estimators=3),
    }
    for name, model in classifiers.items():
        yield name, lambda model=model: _columns(model).fit(FRAME, CLASS)
    regressors = {
        "ridge": linear_model.Ridge(),
        "lasso": linear_model.LassoCV(cv=2),
        "poisson": linear_model.PoissonRegressor(),
        "tweedie": linear_model.TweedieRegressor(power=1.5),
        "quantiles": ensemble.HistGradientBoostingRegressor(loss="quantile", quantile=0.9, max_iter=5),
        "counts": ensemble.HistGradientBoostingRegressor(loss="poisson", max_iter=5),
        "gaussian process": gaussian_process.GaussianProcessRegressor(),
        "splines": pipeline.make_pipeline(preprocessing.SplineTransformer(), linear_model.Ridge()),
        "selected": pipeline.make_pipeline(
            feature_selection.SelectKBest(feature_selection.f_regression, k=1), linear_model.Ridge()
        ),
        "logarithm": pipeline.make_pipeline(preprocessing.FunctionTransformer(np.log1p), linear_model.Ridge()),
        "imputed in turn": pipeline.make_pipeline(IterativeImputer(max_iter=2), linear_model.Ridge()),
        "imputed by neighbours": pipeline.make_pipeline(KNNImputer(), linear_model.Ridge()),
    }
    for name, model in regressors.items():
        yield name, lambda model=model: model.fit(NUMBERS, VALUE + 0.1)
    yield (
        "categories",
        lambda: ensemble.HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype").fit(
            FRAME.astype({"place": "category"}), CLASS
        ),
    )


USUAL = dict(_usual())


def opened(model: Any) -> Any:
    data = skops.io.dumps(model)
    return load_trusted(data, judge(data))


@pytest.mark.parametrize("name", USUAL)
def test_the_usual_estimators_are_loaded_and_predict_the_same(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = USUAL[name]()
    data = skops.io.dumps(model)
    assert judge(data).refused == ()
    loaded = load_trusted(data, judge(data))
    assert misplaced(loaded) is None
    rows = FRAME if "place" in model.feature_names_in_ else NUMBERS
    rows = rows.astype({"place": "category"}) if name == "categories" else rows
    assert (loaded.predict(rows) == model.predict(rows)).all()


def own_function(values: Any) -> Any:
    return values


def test_a_function_of_ones_own_is_named() -> None:
    from sklearn.preprocessing import FunctionTransformer

    [refused] = judge(skops.io.dumps(FunctionTransformer(own_function))).refused
    assert refused.endswith("own_function")


def node(loader: str, name: str, **more: Any) -> dict[str, Any]:
    module, _, kind = name.rpartition(".")
    return {"__class__": kind, "__module__": module, "__loader__": loader, **more}


def text(value: Any) -> dict[str, Any]:
    return node("JsonNode", "builtins.str", content=json.dumps(value), is_json=True)


def plain_tuple(*items: Any) -> dict[str, Any]:
    return node("TupleNode", "builtins.tuple", content=list(items))


def keys(*kinds: dict[str, Any]) -> dict[str, Any]:
    return node("ListNode", "builtins.list", content=list(kinds))


def file(schema: dict[str, Any], protocol: int = 2, **members: bytes) -> bytes:
    written = io.BytesIO()
    with ZipFile(written, "w") as archive:
        archive.writestr("schema.json", json.dumps({**schema, "protocol": protocol, "_skops_version": "0.16.0"}))
        for name, content in members.items():
            archive.writestr(name, content)
    return written.getvalue()


def crafted(mark: Path) -> dict[str, bytes]:
    """Make files that run code, or reach for it, where their names are trusted without a look at where they stand."""
    script = text(f"open({str(mark)!r}, 'w').close()")
    runs = "numpy.testing._private.utils.runstring"
    log = node("FunctionNode", "numpy.log")
    estimator = "sklearn.preprocessing._function_transformer.FunctionTransformer"
    return {
        "a constructor that is exec": file(
            node(
                "ConstructorFromReduceNode",
                runs,
                content=plain_tuple(script, node("DictNode", "builtins.dict", content={}, key_types=keys())),
            )
        ),
        "a list made by a function": file(node("ListNode", runs, content=[script])),
        "a set made by a function": file(node("SetNode", "numpy.clip", content=[script])),
        "a tuple of a foreign class": file(node("TupleNode", "subprocess.CompletedProcess", content=[script])),
        "keys that are called": file(
            node(
                "DictNode",
                "builtins.dict",
                content={"x": script},
                key_types=keys(node("FunctionNode", "numpy.clip")),
            )
        ),
        "keys of a type that is made": file(
            node("DictNode", "builtins.dict", content={"x": script}, key_types=keys(node("TypeNode", "pathlib.Path")))
        ),
        "a method of an object": file(
            node("MethodNode", estimator, content={"func": "fit", "obj": node("ObjectNode", estimator)})
        ),
        "an operator": file(node("OperatorFuncNode", "operator.methodcaller", attrs=plain_tuple(text("system")))),
        "a partial of a type": file(
            node(
                "PartialNode",
                "functools.partial",
                content={
                    "func": node("TypeNode", "builtins.str"),
                    "args": plain_tuple(),
                    "kwds": node("DictNode", "builtins.dict", content={}, key_types=keys()),
                    "namespace": text(None),
                },
            )
        ),
        "another object under the same id": file(
            node(
                "ListNode",
                "builtins.list",
                content=[node("TypeNode", "builtins.str", __id__=1), {**log, "__id__": 1}],
            )
        ),
        "a default that is called": file(
            node(
                "DefaultDictNode",
                "collections.defaultdict",
                content={"main": text({}), "default_factory": node("TypeNode", "builtins.str")},
            )
        ),
        "a generator by another name": file(
            node(
                "RandomGeneratorNode",
                "numpy.random._generator.Generator",
                content={
                    "bit_generator": node(
                        "DictNode",
                        "builtins.dict",
                        content={"bit_generator": text("seed")},
                        key_types=keys(node("TypeNode", "builtins.str")),
                    ),
                    "seed_seq": text({}),
                },
            )
        ),
        "an array made by a function": file(node("NdArrayNode", "os.system", type="json", content=[], shape=script)),
        "an older protocol": file(text(1), protocol=0),
        "a class of joblib": file(node("ObjectNode", "joblib.externals.loky.process_executor.ProcessPoolExecutor")),
        "a class of scipy that reads files": file(node("ObjectNode", "scipy.io._netcdf.netcdf_file")),
        "a module's function as an object": file(node("ObjectNode", "sklearn.utils._testing.ignore_warnings")),
        "a name within a trusted module": file(node("FunctionNode", "sklearn.utils.validation.joblib.hash")),
    }


CRAFTED = sorted(crafted(Path("mark")))


@pytest.mark.parametrize("name", CRAFTED)
def test_nothing_of_a_crafted_file_is_made(name: str, tmp_path: Path) -> None:
    data = crafted(tmp_path / "mark")[name]
    assert judge(data).refused
    with pytest.raises(ValueError, match=r"\w"):
        load_trusted(data, judge(data))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [b"", b"no zip", file({}), file(node("ObjectNode", "")), b"PK\x03\x04 cut off"],
    ids=["nothing", "no archive", "no object", "no name", "cut off"],
)
def test_what_is_no_file_of_skops_is_refused_in_words(data: bytes) -> None:
    assert judge(data).refused


def test_a_file_of_any_depth_is_judged() -> None:
    deep: dict[str, Any] = text(1)
    for _ in range(200):
        deep = node("ListNode", "builtins.list", content=[deep])
    assert judge(file(deep)).refused == ()


def test_the_list_is_that_of_the_installed_version() -> None:
    kept = json.loads(list_of(minor_version()).read_text())
    assert kept == made(), "run `python -m daybreak.models.make_trusted_types` and read what has changed"


@pytest.mark.parametrize("name", ["random forest", "gradient boosting", "one tree", "ada boost"])
@pytest.mark.parametrize(("field", "value"), [("left_child", 2_000_000), ("right_child", 0), ("feature", 77)])
def test_a_tree_that_points_beyond_itself_is_found(name: str, field: str, value: int) -> None:
    model = opened(USUAL[name]())
    last = model[-1]
    tree = last if name == "one tree" else np.ravel(last.estimators_)[0]
    state = tree.tree_.__getstate__()
    state["nodes"][field][0] = value
    tree.tree_.__setstate__(state)
    assert misplaced(model)


@pytest.mark.parametrize(("field", "value"), [("left", 2_000_000), ("right", 0), ("feature_idx", 77)])
def test_a_tree_of_histogram_boosting_that_points_beyond_itself_is_found(field: str, value: int) -> None:
    model = opened(USUAL["histogram boosting"]())
    nodes = model[-1]._predictors[0][0].nodes
    nodes[field][0] = value
    assert misplaced(model)


def test_a_tree_that_asks_for_categories_that_it_does_not_hold_is_found() -> None:
    model = opened(USUAL["categories"]())
    nodes = model._predictors[0][0].nodes
    nodes["is_categorical"][0], nodes["bitset_idx"][0] = 1, 2_000_000
    assert "points to categories" in str(misplaced(model))
