"""Offered: a model that was fitted elsewhere, opened by the rules of a run and tried before it is registered."""

from dataclasses import dataclass
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Any

from daybreak.declaration.pipeline import Pipeline
from daybreak.declaration.segments import ModelRef
from daybreak.errors import ModelRefused, ScoringFailed
from daybreak.models.answering import Answering
from daybreak.models.opening import open_skops, uninstalled
from daybreak.run.score import outside
from daybreak.training.brought import Brought
from daybreak.training.pickles import resaved
from daybreak.training.taken import features, scored
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

# What a signature and a trial are made of; all rows are measured.
TRIED = 1_000
_SAVE_AGAIN = "save it again, or bring another one."


@dataclass(frozen=True)
class Offered:
    """A model that is offered, rows of its input, and the last day that it has seen anything of."""

    brought: Brought
    sample: "pa.Table"
    trained_through: date


@dataclass(frozen=True)
class Opened:
    """A model that was opened: rows as it takes them, what it makes of them, and of the first ``TRIED`` alone.

    What it makes of a row are its main value and further ones.
    """

    model: Any
    rows: "pa.RecordBatch"
    predicted: "np.ndarray"
    tried: "np.ndarray"


def open_offered(workspace: Workspace, pipeline: Pipeline, ref: ModelRef, offered: Offered) -> Opened:
    """Open a model by the rules of a run and score the sample; nothing is written.

    Raises ModelRefused where a run could not use it, SourceRefused where the sample is not what it takes.
    """
    brought, answering = offered.brought, Answering.of(pipeline)
    content, before = brought.content, None
    unnamed = list(brought.columns) or _beside(pipeline, offered.sample)
    if brought.pickled:
        _refuse_pickle(workspace, ref, brought)
        again = resaved(content, brought.place, answering, offered.sample.slice(0, TRIED), unnamed)
        content, before = again.skops, again.predicted
    what = f"The model of {brought.place}"
    model = _from_own_format(brought, what) if brought.own else open_skops(content, what, _SAVE_AGAIN)
    rows = features(model, offered.sample, unnamed)
    answering.refuse_other(model, what)
    try:
        rows, predicted = scored(model, answering, rows)
    except ScoringFailed as error:
        raise ModelRefused(error.problem, next_step=error.next_step, pipeline=pipeline.name) from error
    except Exception as error:  # whatever a model raises where the rows are not what it takes
        raise ModelRefused(
            f"The model of {brought.place} cannot score the sample: {type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]}.",
            next_step="give a sample with the columns and types that it was fitted on.",
            pipeline=pipeline.name,
        ) from error
    tried = answering.values(model, rows.slice(0, TRIED).to_pandas())
    if before is not None and tried.tobytes() != before:
        raise ModelRefused(
            f"The model of {brought.place} predicts otherwise once it is saved as a skops file.",
            next_step="save it as one where it was fitted, and look what differs.",
        )
    _refuse_out_of_range(pipeline, brought, predicted)
    return Opened(model, rows, predicted, tried)


def _from_own_format(brought: Brought, what: str) -> Any:
    """Read a model that its library saved in a format of its own."""
    family, made = brought.own or ("", "")
    try:
        model = getattr(import_module(family), made)()
        if family == "xgboost":
            model.load_model(bytearray(brought.content))
        else:
            model.load_model(blob=brought.content)
    except ImportError as error:
        raise uninstalled(what, family) from error
    except Exception as error:  # whatever the library raises
        raise ModelRefused(f"{what} cannot be opened ({type(error).__name__}).", next_step=_SAVE_AGAIN) from error
    return model


def _beside(pipeline: Pipeline, sample: "pa.Table") -> list[str]:
    """Return the columns of a sample that may be features, where nothing says which are."""
    beside = {*pipeline.entity_key, *pipeline.carries, pipeline.target}
    return [name for name in sample.column_names if name not in beside]


def _refuse_pickle(workspace: Workspace, ref: ModelRef, brought: Brought) -> None:
    if ref.name not in workspace.settings.may_be_pickled:
        raise ModelRefused(
            f"{brought.place} is a pickle: to open it runs whatever its writer put into it.",
            next_step="save it as a skops file; or, if you trust its writer, set "
            f"DAYBREAK_PICKLED_MODELS={ref.name} for this one command.",
        )


def _refuse_out_of_range(pipeline: Pipeline, brought: Brought, predicted: "np.ndarray") -> None:
    asked = pipeline.prediction
    failed = outside(asked, predicted)
    if len(failed) > pipeline.max_failed_share * len(predicted):
        raise ModelRefused(
            f"Of {len(predicted):,} rows of the sample, the model of {brought.place} predicts {len(failed):,} as "
            f"something else than a number from {asked.low:g} to {asked.high:g}: a run would refuse them.",
            next_step=f"bring a model that predicts {asked.column}, or declare another range.",
            pipeline=pipeline.name,
        )
