"""Prediction tables: where a pipeline's predictions and those of its challengers are kept, and in which columns."""

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import PublicationRefused
from daybreak.warehouse.identifiers import quoted

SCHEMA = "predictions"


def runs_name(pipeline: Pipeline) -> str:
    """Return the name of the table that holds every run's predictions."""
    return f"{_named(pipeline)}_runs"


def shadow_name(pipeline: Pipeline) -> str:
    """Return the name of the table that holds what challengers predicted."""
    return f"{_named(pipeline)}_shadow"


def predictions_table(pipeline: Pipeline) -> str:
    """Return the table that holds every run's predictions, as a statement names it."""
    return f"{SCHEMA}.{quoted(runs_name(pipeline))}"


def shadow_table(pipeline: Pipeline) -> str:
    """Return the table that holds what challengers predicted, as a statement names it."""
    return f"{SCHEMA}.{quoted(shadow_name(pipeline))}"


def copied_columns(pipeline: Pipeline) -> tuple[str, ...]:
    """Return the columns of extract.sql that are kept beside a prediction."""
    return tuple(dict.fromkeys((*pipeline.entity_key, *pipeline.carries)))


def copied_to_shadow(pipeline: Pipeline) -> tuple[str, ...]:
    """Return those that are kept beside a challenger's: what else is known of a row stands beside the champion's.

    A challenger's list may name rows that the champion's does not.
    """
    return copied_columns(pipeline) if pipeline.top else pipeline.entity_key


def shadow_columns(pipeline: Pipeline) -> list[str]:
    """Return the columns of the shadow table, the run's id left out."""
    return [*copied_to_shadow(pipeline), *(["rank"] if pipeline.top else []), *pipeline.prediction.columns]


def _named(pipeline: Pipeline) -> str:
    if not pipeline.name.isidentifier():
        raise PublicationRefused(f"'{pipeline.name}' cannot name a table.", next_step="rename the pipeline.")
    return pipeline.name
