"""Loading: find the declared pipelines by name. One that cannot be imported keeps no other one from being used."""

import importlib
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from daybreak.declaration.cadence import Week
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ConfigurationError, DaybreakError


@dataclass(frozen=True)
class Declared:
    """What a module declares: the pipelines by name, and by reference what is wrong with those that are broken."""

    pipelines: dict[str, Pipeline]
    broken: dict[str, ConfigurationError]


def load_declared(module: str) -> Declared:
    """Import what the module's ``PIPELINES`` name, each by itself.

    An entry is ``module:NAME``, which is imported here, or a pipeline.
    """
    pipelines: dict[str, Pipeline] = {}
    broken: dict[str, ConfigurationError] = {}
    references: dict[str, str] = {}
    for entry in _entries(module):
        try:
            pipeline = _resolve(entry)
        except ConfigurationError as error:
            broken[str(entry)] = error
            continue
        if pipeline.name in pipelines:
            raise ConfigurationError(
                f"{module} declares two pipelines '{pipeline.name}'.", next_step="give one of them another name."
            )
        pipelines[pipeline.name] = pipeline
        references[pipeline.name] = str(entry) if isinstance(entry, str) else pipeline.name
    for name in list(pipelines):
        if problem := _other_calendar(pipelines[name], pipelines):
            broken[references[name]] = _broken(references[name], *problem)
    return Declared({name: found for name, found in pipelines.items() if references[name] not in broken}, broken)


def load_pipelines(module: str) -> dict[str, Pipeline]:
    """Return by name the pipelines that a module declares, without those that are broken."""
    return load_declared(module).pipelines


def find_pipeline(module: str, name: str) -> Pipeline:
    """Return a pipeline by name, or say which there are and which are broken."""
    declared = load_declared(module)
    if name in declared.pipelines:
        return declared.pipelines[name]
    for reference, error in declared.broken.items():
        if name in _names(reference):
            raise error
    # A broken declaration does not say its pipeline's name: it may be the one that is looked for.
    also = f"; or mend {', '.join(declared.broken)}, which cannot be used" if declared.broken else ""
    raise ConfigurationError(
        f"There is no pipeline '{name}'.", next_step=f"choose from {', '.join(declared.pipelines)}{also}."
    )


def _other_calendar(pipeline: Pipeline, pipelines: dict[str, Pipeline]) -> tuple[str, str] | None:
    """Say why a pipeline cannot be made from its upstream, and the next step; None where it can."""
    upstream = pipelines.get(pipeline.upstream or "")
    if upstream is None:
        return None
    if upstream.every != pipeline.every:
        # One publication of the upstream is read, of the same partition, and it starts the run.
        return (
            f"it is {_every(pipeline)} and its upstream {upstream.name} {_every(upstream)}: "
            "a partition is made from the upstream's publication of the same one",
            f"declare `every` as {upstream.name} does; or leave `upstream` out, and let extract.sql read what "
            f"predictions.{upstream.name} shows of the time between :start and :end.",
        )
    if upstream.timezone != pipeline.timezone:
        return (
            f"its time zone is {pipeline.timezone} and that of its upstream {upstream.name} {upstream.timezone}",
            "declare the same, so that a partition is the same time in both.",
        )
    return None


def _every(pipeline: Pipeline) -> str:
    starts = f" from {pipeline.every.starts}" if isinstance(pipeline.every, Week) else ""
    return f"{pipeline.every.adverb}{starts}"


def _entries(module: str) -> tuple[Any, ...]:
    if not module:
        raise ConfigurationError(
            "It is not said which module declares the pipelines.",
            next_step="set DAYBREAK_PIPELINES to its name; `daybreak init --package FOLDER` makes one.",
        )
    try:
        entries = importlib.import_module(module).PIPELINES
    except Exception as error:
        raise ConfigurationError(
            f"No pipelines are declared in module '{module}' ({_told(error)}).",
            next_step="set DAYBREAK_PIPELINES to a module that has a tuple PIPELINES.",
        ) from error
    if not isinstance(entries, tuple | list):
        raise ConfigurationError(
            f"PIPELINES of module '{module}' is no tuple.", next_step='write `PIPELINES = ("module:NAME",)` there.'
        )
    return tuple(entries)


def _resolve(entry: Any) -> Pipeline:
    found = entry
    if isinstance(entry, str):
        module, _, name = entry.partition(":")
        try:
            found = getattr(importlib.import_module(module), name)
        except DaybreakError as error:
            raise _broken(entry, error.problem, error.next_step) from error
        # Whatever a module does when it is imported: only its own pipeline is broken by it.
        except Exception as error:
            raise _broken(entry, _told(error), "mend the pipeline's declaration.") from error
    if not isinstance(found, Pipeline):
        raise _broken(entry, f"it is a {type(found).__name__}, not a Pipeline", "name a pipeline's constant there.")
    return found


def _broken(entry: Any, why: str, next_step: str) -> ConfigurationError:
    return ConfigurationError(f"The pipeline {entry} cannot be used: {why.removesuffix('.')}.", next_step=next_step)


def _told(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        place, said = (error.filename, error.lineno), error.msg
    else:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place, said = (last.filename, last.lineno), str(error)
    # Where no file of a pipeline was reached, the place is here or in the import system, and says nothing.
    where = "" if place[0] == __file__ or "importlib" in str(place[0]) else f" in {place[0]}, line {place[1]}"
    return f"{type(error).__name__}: {said}{where}"


def _names(reference: str) -> Iterator[str]:
    module, _, constant = reference.partition(":")
    yield from (module.rpartition(".")[2], constant.lower())
