"""Saving: a model as the files of an artifact, as MLflow and skops write them."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from daybreak.models.artifacts import Files
from daybreak.models.canonical import forget_moment
from daybreak.models.describing import CATEGORIES
from daybreak.models.trusted import judge
from daybreak.models.version import NEEDED

if TYPE_CHECKING:
    import pandas as pd


def saved_files(model: Any, sample: "pd.DataFrame", method: str, libraries: Mapping[str, str]) -> Files:
    """Save a model as MLflow and skops do, and return the files."""
    import mlflow.sklearn
    import skops.io
    from mlflow.models import infer_signature

    forget_moment(model)
    saved = skops.io.dumps(model)
    # MLflow calls them texts.
    categories = [str(name) for name, kind in sample.dtypes.items() if kind == "category"]
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        # Integer columns that turn out to have nulls are conformed before they reach the model.
        warnings.filterwarnings("ignore", message=".*Inferred schema contains integer column.*")
        mlflow.sklearn.save_model(
            model,
            f"{folder}/model",
            serialization_format="skops",
            signature=infer_signature(sample, getattr(model, method)(sample)),
            pyfunc_predict_fn=method,
            pip_requirements=[f"{package}=={libraries[package]}" for package in (*NEEDED, *judge(saved).families)],
            skops_trusted_types=skops.io.get_untrusted_types(data=saved),
            metadata={CATEGORIES: categories} if categories else None,
        )
        return {path.name: path.read_bytes() for path in Path(folder, "model").iterdir()}
