"""Models as others save them: by skops, pickle, joblib, and through MLflow."""

import pickle
from pathlib import Path
from typing import Any

import joblib
import sklearn
import skops.io


def skopsed(model: Any, path: Path) -> Path:
    path.write_bytes(skops.io.dumps(model))
    return path


def pickled(model: Any, path: Path) -> Path:
    path.write_bytes(pickle.dumps(model))
    return path


def joblibbed(model: Any, path: Path) -> Path:
    joblib.dump(model, path, compress=3)
    return path


def by_mlflow(model: Any, path: Path, **also: Any) -> Path:
    import mlflow.sklearn

    types = skops.io.get_untrusted_types(data=skops.io.dumps(model))
    also = {"serialization_format": "skops", "skops_trusted_types": types, **also}
    # Where none are named, MLflow looks for them in a process of its own.
    mlflow.sklearn.save_model(model, path, pip_requirements=[f"scikit-learn=={sklearn.__version__}"], **also)
    return path


def pickled_by_mlflow(model: Any, path: Path) -> Path:
    return by_mlflow(model, path, serialization_format="cloudpickle", skops_trusted_types=None)
