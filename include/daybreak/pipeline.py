"""Pipeline: what a batch-inference pipeline declares. Light to import: it is read whenever Airflow parses a DAG."""

import importlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from daybreak.errors import ConfigurationError


@dataclass(frozen=True)
class ModelRef:
    """A registered model and the alias that says which of its versions is used."""

    name: str
    alias: str = "champion"


@dataclass(frozen=True)
class Prediction:
    """The output contract: the predicted column and the closed range its values must lie in.

    ``method`` is the model's: ``predict``, or ``predict_proba`` for the probability of a classifier's second class.
    """

    column: str
    low: float
    high: float
    method: str = "predict"


@dataclass(frozen=True, kw_only=True)
class Push:
    """Predictions that are sent to another system and stored nowhere.

    ``connection`` is its Airflow Connection. ``offers`` names a class that keeps the best candidates in memory,
    ``scores`` a function that builds the expectation suite of the scores. A partition that ended longer ago than
    ``max_staleness`` is not pushed; offers are valid for ``valid_for`` from the partition's end.
    """

    connection: str
    offers: str
    scores: str
    max_staleness: timedelta = timedelta(hours=36)
    valid_for: timedelta = timedelta(days=1)
    chunk_items: int = 100


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A daily batch: where its rows come from, what they must fulfil, and what is predicted for them.

    ``sql/<name>/`` holds its queries. ``expectations`` and ``training`` name functions as ``module:function``, so that
    declaring a pipeline imports nothing heavy. ``history_days`` is how many days, the partition included, the query
    looks back on; partitions with less history in the source are refused. Predictions are published, or pushed where
    ``push`` says how.
    """

    name: str
    description: str
    timezone: str
    entity_key: tuple[str, ...]
    model: ModelRef
    prediction: Prediction
    expectations: str
    training: str
    history_days: int = 1
    max_quarantined_share: float = 0.05
    max_failed_share: float = 0.01
    chunk_rows: int = 131_072
    push: Push | None = None


def load_pipelines(module: str) -> dict[str, Pipeline]:
    """Import the module that declares ``PIPELINES`` and return them by name."""
    try:
        declared: tuple[Pipeline, ...] = importlib.import_module(module).PIPELINES
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"No pipelines are declared in module '{module}' ({error}).",
            next_step="set DAYBREAK_PIPELINES to a module that has a tuple PIPELINES.",
        ) from error
    return {pipeline.name: pipeline for pipeline in declared}


def find_pipeline(module: str, name: str) -> Pipeline:
    """Return a pipeline by name, or say which there are."""
    pipelines = load_pipelines(module)
    if name not in pipelines:
        raise ConfigurationError(f"There is no pipeline '{name}'.", next_step=f"choose from {', '.join(pipelines)}.")
    return pipelines[name]


def load_function(reference: str) -> Any:
    """Import what ``module:function`` names."""
    module, _, function = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"'{reference}' cannot be imported ({error}).", next_step="mend the pipeline's declaration."
        ) from error
