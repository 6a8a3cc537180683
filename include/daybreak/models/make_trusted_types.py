"""Make the list of what a skops file may hold, for the installed minor version of scikit-learn.

``python -m daybreak.models.make_trusted_types`` writes it. It is kept in the project, not made where a model is loaded:
what skops finds by itself depends on what was imported before. Read what has changed before you commit it.
"""

import json
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from daybreak.models.trusted import list_of, minor_version

# Modules whose classes estimators are made of, besides the estimators themselves.
_MADE_OF = (
    "sklearn._loss.link",
    "sklearn._loss.loss",
    "sklearn.calibration",
    "sklearn.ensemble._hist_gradient_boosting.binning",
    "sklearn.gaussian_process.kernels",
    "sklearn.metrics._scorer",
    "sklearn.model_selection._split",
    "sklearn.neural_network._stochastic_optimizers",
    "sklearn.utils._metadata_requests",
)
# One of them of older versions alone.
_REMAINDER = "_RemainderColsList"
_OBJECTS = (
    "scipy.interpolate._bsplines.BSpline",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.linear_model._glm.glm._GeneralizedLinearRegressor",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.preprocessing._encoders._BaseEncoder",
)
# Functions that estimators hold, to be called by them; each only computes.
_FUNCTIONS = (
    "numpy.clip",
    "numpy.nan_to_num",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "sklearn.metrics._classification.balanced_accuracy_score",
    "sklearn.utils.validation.check_array",
)
_SELECTING = ("chi2", "f_classif", "f_oneway", "f_regression", "r_regression")
_SCALARS = ("builtins.bool", "builtins.float", "builtins.int", "builtins.str")
_CONTAINERS = ("builtins.list", "builtins.tuple")


def made() -> dict[str, list[str]]:
    """Return the exact names by skops' loader of them: what is trusted as one thing is not trusted as another."""
    from skops.io import _trusted_types as known
    from skops.io._sklearn import ALLOWED_LOSSES
    from skops.io._utils import get_module

    dtypes = list(known.NUMPY_DTYPE_TYPE_NAMES)
    losses = [f"{get_module(loss)}.{loss.__name__}" for loss in ALLOWED_LOSSES]
    names: dict[str, Iterable[str]] = {
        "DTypeNode": ["numpy.dtype"],
        "DictNode": ["builtins.dict", "collections.OrderedDict", "sklearn.utils._bunch.Bunch"],
        "FunctionNode": [
            *known.NUMPY_UFUNC_TYPE_NAMES,
            *known.SCIPY_UFUNC_TYPE_NAMES,
            *_FUNCTIONS,
            *(f"sklearn.feature_selection._univariate_selection.{name}" for name in _SELECTING),
        ],
        "JsonNode": ["builtins.str"],
        "ListNode": ["builtins.list"],
        "LossNode": losses,
        "MaskedArrayNode": ["numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray"],
        "NdArrayNode": ["numpy.ndarray", *dtypes],
        "ObjectNode": _objects(),
        "PartialNode": ["functools.partial"],
        "RandomGeneratorNode": ["numpy.random.Generator", "numpy.random._generator.Generator"],
        "RandomStateNode": ["numpy.random.RandomState", "numpy.random.mtrand.RandomState"],
        "SetNode": ["builtins.set"],
        "SliceNode": ["builtins.slice"],
        "SparseMatrixNode": [
            f"scipy.sparse._{kind}.{kind}_{what}"
            for kind in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
            for what in ("array", "matrix")
        ],
        "TreeNode": ["sklearn.tree._tree.Tree"],
        "TupleNode": ["builtins.tuple", "sklearn.impute._iterative._ImputerTriplet"],
        "TypeNode": [*_SCALARS, *_CONTAINERS, *dtypes],
    }
    return {loader: sorted(set(found)) for loader, found in names.items()}


def _objects() -> Iterator[str]:
    import sklearn.experimental.enable_halving_search_cv
    import sklearn.experimental.enable_iterative_imputer  # noqa: F401 - estimators that are found only after it
    from sklearn.compose import _column_transformer
    from sklearn.metrics import _dist_metrics
    from sklearn.utils import all_estimators
    from skops.io import _trusted_types as known

    yield from known.SKLEARN_ESTIMATOR_TYPE_NAMES
    yield from known.SKLEARN_INTERNAL_TYPE_NAMES
    yield from _OBJECTS
    if hasattr(_column_transformer, _REMAINDER):
        yield f"{_column_transformer.__name__}.{_REMAINDER}"
    for _, estimator in all_estimators():
        yield _name(estimator)
    for module in _MADE_OF:
        yield from (_name(found) for found in _classes(import_module(module), module))
    yield from (
        f"{_dist_metrics.__name__}.{name}"
        for name in dir(_dist_metrics)
        if name.endswith(("Distance64", "Distance32", "Distance"))
    )


def _classes(module: Any, name: str) -> Iterator[type]:
    for found in vars(module).values():
        if isinstance(found, type) and found.__module__ == name:
            yield found


def _name(found: type) -> str:
    return f"{found.__module__}.{found.__name__}"


if __name__ == "__main__":
    path = list_of(minor_version())
    path.write_text(json.dumps(made(), indent=1) + "\n", encoding="utf-8")
