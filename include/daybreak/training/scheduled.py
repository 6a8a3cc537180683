"""Scheduled training: what a run of the DAG trains and up to which day; a task that is tried again trains once."""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime

from daybreak.declaration.partition import day_calendar
from daybreak.declaration.pipeline import Pipeline, Retrain
from daybreak.errors import ConfigurationError, SourceRefused
from daybreak.models.training_record import ORIGIN
from daybreak.models.version import ModelVersion
from daybreak.training.past import source_last_day
from daybreak.training.train import fit, register
from daybreak.workspace import Workspace


def chosen(declared: Sequence[str], named: Collection[str], asked_for: Collection[str] | None) -> list[str]:
    """Return the pipelines to train, in the order of their declaration.

    They are those that measurements asked for, where that started the run (``asked_for``, otherwise None), else those
    that a person named, else all.
    """
    wanted = set(named) if asked_for is None else set(asked_for)
    if unknown := wanted - set(declared):
        raise ConfigurationError(
            f"There is no pipeline {', '.join(sorted(unknown))}.", next_step=f"choose from {', '.join(declared)}."
        )
    return [name for name in declared if not wanted or name in wanted]


def cutoff(workspace: Workspace, pipeline: Pipeline, through: str | None, as_of: datetime) -> date:
    """Return the last day that a training may see anything of.

    It is the day that was asked for, else the last one that was complete at ``as_of`` and that the source has. A day
    that is not over, or that the source does not have yet, is refused: its targets would all be nothing.
    """
    day = day_calendar(pipeline.timezone).resolve(through, as_of=as_of).first_day
    last = source_last_day(workspace, pipeline)
    if through is None:
        return min(day, last or day)
    if last is None or day > last:
        raise SourceRefused(
            f"The source holds data through {last or 'no day'}, not through {day}.",
            next_step="choose an earlier day, or wait for the data.",
            pipeline=pipeline.name,
        )
    return day


def held_back(workspace: Workspace, pipeline: Pipeline, as_of: datetime) -> str | None:
    """Say why a training that measurements asked for is not due yet, or None: the cool-down after the last one."""
    return cooling_down(workspace, pipeline, pipeline.retrain, as_of) if pipeline.retrain else None


def train_once(
    workspace: Workspace,
    pipeline: Pipeline,
    through: date,
    *,
    origin: str,
    search: bool = True,
    progress: Callable[[str], None] = lambda step: None,
) -> list[ModelVersion]:
    """Train and register each declared model; what ``origin`` has registered already is not trained again.

    No alias is moved. The versions are in the order of the declaration.
    """
    if (known := _registered(workspace, pipeline, origin)) is not None:
        progress("registered by an earlier try")
        return known
    past, trained = fit(workspace, pipeline, through, search, progress)
    return register(past, trained, origin=origin, progress=progress)


def _registered(workspace: Workspace, pipeline: Pipeline, origin: str) -> list[ModelVersion] | None:
    # Several models are of one training: with one missing, all of them are trained and registered anew.
    found = []
    for ref in pipeline.model_refs:
        versions = [version for version, tag in workspace.registry.tagged(ref.name, ORIGIN) if tag == origin]
        if not versions:
            return None
        found.append(versions[0])
    return found


def cooling_down(workspace: Workspace, pipeline: Pipeline, retrain: Retrain, now: datetime) -> str | None:
    """Say that the last training is younger than the cool-down, or return None.

    A training registers all of a pipeline's models: one that did not get that far holds nothing back.
    """
    found = [workspace.registry.last_registered(ref.name) for ref in pipeline.model_refs]
    registered = None if None in found else min(moment for moment in found if moment)
    if registered is None or now - registered >= retrain.cool_down:
        return None
    return f"the last version was registered {registered:%Y-%m-%d %H:%M} UTC, within {retrain.cool_down.days} days"
