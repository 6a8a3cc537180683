"""Canonical artifacts: the same fit gives the same bytes, in whatever process, and they still load."""

import io
import os
import subprocess
import sys
import zipfile
from typing import Any

import pytest

from daybreak.models.artifacts import SKOPS, digest_of
from daybreak.models.canonical import canonical
from daybreak.models.saving import saved_files
from daybreak.models.version import library_versions
from daybreak.settings import PROJECT

_SCRIPT = """
import sys; sys.path.insert(0, {tests!r})
from unit.models.test_canonical import made
from daybreak.models.artifacts import digest_of
from daybreak.models.canonical import canonical
print(digest_of(canonical(made())))
"""


def fitted(seed: int = 0) -> Any:
    """Fit a model with all that skops writes: arrays, texts, shared objects, an array of objects."""
    import numpy as np
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.model_selection import KFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, TargetEncoder

    random = np.random.default_rng(0)
    rows = pd.DataFrame({"a": random.choice(list("xyz"), 200), "b": random.choice(list("uv"), 200), "c": range(200)})
    model = make_pipeline(
        make_column_transformer(
            (TargetEncoder(cv=KFold(5, shuffle=True, random_state=seed)), ["a"]), (OneHotEncoder(), ["b"])
        ),
        HistGradientBoostingRegressor(max_iter=3, random_state=seed),
    )
    return model.fit(rows, random.poisson(2, 200) + seed * (rows["c"] % 2)), rows


def made(seed: int = 0) -> Any:
    """Save what was fitted, as the registry does."""
    model, rows = fitted(seed)
    return saved_files(model, rows.head(), "predict", library_versions())


def test_as_saved_two_fits_of_the_same_rows_differ() -> None:
    assert digest_of(made()) != digest_of(made()), "if they do not any more, nothing has to be made canonical"


def test_two_fits_of_the_same_rows_give_the_same_digest() -> None:
    assert digest_of(canonical(made())) == digest_of(canonical(made()))


def test_a_fit_of_other_rows_gives_another_digest() -> None:
    assert digest_of(canonical(made())) != digest_of(canonical(made(1)))


@pytest.mark.parametrize("hashed", ["1", "2"])
def test_another_process_gives_the_same_digest(hashed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hashed, "PYTHONPATH": str(PROJECT / "include")}
    script = _SCRIPT.format(tests=str(PROJECT / "tests"))
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == digest_of(canonical(made()))


def test_what_is_loaded_predicts_the_same() -> None:
    import skops.io

    model, rows = fitted()
    data = canonical(made())[SKOPS]
    again = skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    assert (again.predict(rows) == model.predict(rows)).all()
    # An object that two share is still one: the encoder's folds before and after fitting.
    assert len(zipfile.ZipFile(io.BytesIO(data)).namelist()) == len(
        zipfile.ZipFile(io.BytesIO(made()[SKOPS])).namelist()
    )


def test_mlflow_reads_the_description() -> None:
    import yaml
    from mlflow.models import Model

    described = Model.from_dict(yaml.safe_load(canonical(made())["MLmodel"]))
    assert described.signature is not None
    assert set(described.flavors) == {"python_function", "sklearn"}
    assert described.flavors["sklearn"]["serialization_format"] == "skops"


def neighbours() -> dict[str, Any]:
    """Return models that count what they are asked, or keep an address."""
    from sklearn.ensemble import VotingRegressor
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
    from sklearn.linear_model import LinearRegression
    from sklearn.neighbors import KernelDensity, KNeighborsRegressor, LocalOutlierFactor, RadiusNeighborsRegressor
    from sklearn.pipeline import make_pipeline

    return {
        "kd tree": KNeighborsRegressor(algorithm="kd_tree"),
        "ball tree": KNeighborsRegressor(algorithm="ball_tree", p=3),
        "radius": RadiusNeighborsRegressor(radius=50, algorithm="kd_tree"),
        "outliers": LocalOutlierFactor(novelty=True, algorithm="ball_tree"),
        "density": KernelDensity(),
        "within another": VotingRegressor([("k", KNeighborsRegressor(algorithm="kd_tree")), ("l", LinearRegression())]),
        "words": make_pipeline(TfidfVectorizer(stop_words=["not"]), LinearRegression()),
        "hashed words": make_pipeline(HashingVectorizer(n_features=8), LinearRegression()),
    }


@pytest.mark.parametrize("kind", neighbours())
def test_what_a_model_was_asked_and_where_it_lay_leave_no_trace(kind: str) -> None:
    import numpy as np
    import skops.io

    rows: Any = np.arange(200.0).reshape(100, 2)
    if "words" in kind:
        rows = [f"the word{n % 7} not" for n in range(100)]

    def saved(asked: int) -> tuple[Any, bytes]:
        # The other list of words lies elsewhere in memory.
        model = neighbours()[kind].fit(rows, np.arange(100.0) % 9)
        for _ in range(asked):
            _asked(model, rows[: 10 * asked])
        return model, canonical({SKOPS: skops.io.dumps(model)})[SKOPS]

    model, once = saved(1)
    _, often = saved(3)
    assert once == often
    again = skops.io.loads(often, trusted=skops.io.get_untrusted_types(data=often))
    assert (_asked(again, rows) == _asked(model, rows)).all()


def _asked(model: Any, rows: Any) -> Any:
    return model.predict(rows) if hasattr(model, "predict") else model.score_samples(rows)


def test_making_canonical_twice_changes_nothing_more() -> None:
    once = canonical(made())
    assert canonical(once) == once


def test_other_files_stay_as_they_are() -> None:
    assert canonical({"model.pkl": b"\x80", "notes.txt": b"x"}) == {"model.pkl": b"\x80", "notes.txt": b"x"}
