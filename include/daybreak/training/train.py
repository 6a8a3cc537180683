"""Train: fit a pipeline's model on its past, hold it against a baseline, register it, point the alias to it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from daybreak.batch.digest import ArrowDigest
from daybreak.declaration.partition import Partition
from daybreak.declaration.pipeline import ModelRef, Pipeline, load_function
from daybreak.errors import ModelRefused, SourceRefused
from daybreak.models.aliases import COMMAND_LINE, Aliases, Decision
from daybreak.models.candidates import Candidate
from daybreak.models.registry import ModelVersion
from daybreak.run.plan import query_binds
from daybreak.training import evidence
from daybreak.training.profiles import keep_watched, refuse_unknown_features
from daybreak.warehouse.sql_file import load_sql
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

CHALLENGER = "challenger"


@dataclass(frozen=True)
class Unseen:
    """Held-out rows: what the model takes of them, what really happened, and what the model made of them.

    ``actual`` is None where nothing says what would have been right. ``kept`` marks the rows that would be published,
    where a pipeline publishes only the best.
    """

    inputs: "pd.DataFrame"
    actual: "np.ndarray | None"
    predicted: "np.ndarray"
    kept: "np.ndarray | None" = None


@dataclass(frozen=True)
class Trained:
    """A fitted model and what was measured of it.

    ``trained_through`` is the last day that the fit has seen anything of, targets included. ``metrics`` are those on
    held-out days; ``baseline`` holds the same ones for what the model has to beat. Lower is better but for those that
    ``greater_is_better`` names. ``score_profile`` is the spread of the scores on those days, as bins and weights, for
    pipelines that check it before they push. ``candidates`` are the models that it was chosen from, where there were
    several; ``searched`` are the settings, where a search chose them. ``unseen`` are the held-out rows themselves, for
    what is kept of them: how they are spread, what matters. ``pictures`` are further ones, by their file's name.
    """

    model: Any
    sample: "pd.DataFrame"
    trained_through: date
    metrics: dict[str, float]
    baseline: dict[str, float]
    parameters: dict[str, Any] = field(default_factory=dict)
    score_profile: dict[str, list[float]] | None = None
    greater_is_better: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    unseen: Unseen | None = None
    searched: Mapping[str, Any] | None = None
    pictures: Mapping[str, bytes] = field(default_factory=dict)

    def beats_baseline(self, metric: str) -> bool:
        """Tell whether the model is better than its baseline in a metric; equal is not, and neither is no number."""
        model, baseline = self.metrics[metric], self.baseline[metric]
        return model > baseline if metric in self.greater_is_better else model < baseline


@dataclass(frozen=True)
class Past:
    """A pipeline's past up to ``last_day``, to be read by ranges of partition days.

    A training is ``searching`` when it is to compare settings. ``read`` digests what it reads. Rows that nothing can be
    learnt from are refused, unless they are not read ``to_learn``: a single day may well have one target only.
    """

    workspace: Workspace
    pipeline: Pipeline
    last_day: date
    searching: bool = False
    read: ArrowDigest | None = None
    to_learn: bool = True

    def last_searched(self, seen: date) -> dict[str, Any] | None:
        """Return the settings that the last search chose, of those that have seen nothing after a day."""
        for ref in self.pipeline.model_refs:
            for version, settings in self.workspace.registry.tagged(ref.name, evidence.SEARCHED):
                if version.trained_through <= seen:
                    return dict(json.loads(settings))
        return None

    def champion(self, pipeline: str) -> Any:
        """Load the champion of another pipeline, for what is trained on its predictions."""
        return self.workspace.registry.load(
            self.workspace.registry.resolve(self.workspace.pipeline(pipeline).single_ref)
        )

    def rows(self, first: date, last: date, query: str = "training", pipeline: str | None = None) -> "pa.Table":
        """Read training.sql for the partitions from first to last, whose targets must be known by ``last_day``.

        ``query`` names another file, ``pipeline`` another pipeline whose file it is.
        """
        declared = self.pipeline if pipeline is None else self.workspace.pipeline(pipeline)
        binds = query_binds(Partition(first, declared.timezone), Partition(last, declared.timezone))
        sql = load_sql(self.workspace.sql(declared, query))
        self.workspace.warehouse.check(sql, binds)
        with self.workspace.warehouse.stream(sql, binds, count=False) as (_, reader):
            found = reader.read_all()
        if self.read is not None:
            self.read.add(found)
        if query == "training" and self.to_learn:
            refuse_nothing_to_learn(declared, found, first, last)
        return found


def refuse_nothing_to_learn(pipeline: Pipeline, rows: "pa.Table", first: date, last: date) -> None:
    """Refuse rows that no model can learn from: none, or all with one target, which for a classifier is one class."""
    import pyarrow.compute as pc

    problem = None
    if not rows.num_rows:
        problem = f"training.sql gives no row from {first} to {last}."
    elif pipeline.target in rows.column_names:
        different = pc.unique(rows[pipeline.target]).drop_null()
        if len(different) < 2:
            only = different[0] if len(different) else "null"
            problem = f"The target {pipeline.target} is {only} in all {rows.num_rows:,} rows from {first} to {last}."
    if problem:
        raise SourceRefused(
            problem, next_step="mend the source or training.sql, or choose other days.", pipeline=pipeline.name
        )


def train(
    workspace: Workspace,
    pipeline: Pipeline,
    *,
    through: date | None = None,
    promote: bool = True,
    search: bool = False,
    decided_by: str = COMMAND_LINE,
    progress: Callable[[str], None] = lambda step: None,
) -> list[tuple[ModelVersion, Trained]]:
    """Train on what was known at the end of ``through`` (default: the source's last day) and register versions.

    There is one for each model that the pipeline declares. A version becomes the challenger, or the champion where
    there is none yet and ``promote`` is not False. With ``search`` the declared settings are compared first. Raises
    SourceRefused or ModelRefused, and registers nothing, where there is nothing to learn from or a model does not beat
    its baseline on held-out days.
    """
    past, trained = fit(workspace, pipeline, through or source_last_day(workspace, pipeline), search, progress)
    # All are registered before the first alias is moved: one that cannot be leaves every alias where it was.
    versions = register(past, trained, progress=progress)
    aliases = challenge(workspace, pipeline, [v.version for v in versions], first=promote, decided_by=decided_by)
    return [
        (replace(version, aliases=(alias,)), trained[version.name])
        for version, alias in zip(versions, aliases, strict=True)
    ]


def fit(
    workspace: Workspace,
    pipeline: Pipeline,
    last_day: date | None,
    search: bool,
    progress: Callable[[str], None] = lambda step: None,
) -> tuple[Past, dict[str, Trained]]:
    """Fit each declared model on what was known at the end of a day, and hold it against its baseline."""
    if last_day is None:
        raise SourceRefused(
            "The source holds no data.",
            next_step="load it (for the demonstration: `daybreak load-demo`), then train again.",
            pipeline=pipeline.name,
        )
    past = Past(workspace, pipeline, last_day, search, ArrowDigest())
    found = load_function(pipeline.training)(past, progress)
    trained: dict[str, Trained] = {pipeline.single_ref.name: found} if isinstance(found, Trained) else dict(found)
    if other := {ref.name for ref in pipeline.model_refs} ^ trained.keys():
        raise ModelRefused(
            f"Training gives other models than are declared ({', '.join(sorted(other))}).",
            next_step=f"make {pipeline.training} return each declared model by its name.",
            pipeline=pipeline.name,
        )
    for name, model in trained.items():
        _refuse_no_better(pipeline, name, model)
        if model.unseen:
            refuse_unknown_features(pipeline, model.unseen)
    return past, trained


def register(
    past: Past,
    trained: Mapping[str, Trained],
    *,
    origin: str | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> list[ModelVersion]:
    """Register what was fitted, in the order of the declaration; ``origin`` is what started the training."""
    versions = []
    for ref in past.pipeline.model_refs:
        progress(f"registering {ref.name}")
        versions.append(_register(past, ref.name, trained[ref.name], origin))
    return versions


def challenge(
    workspace: Workspace, pipeline: Pipeline, versions: list[int], *, first: bool, decided_by: str
) -> list[str]:
    """Point an alias to each new version: the champion where there is none yet and ``first`` allows it.

    The versions are in the order of the declaration; so are the aliases returned.
    """
    aliases = []
    for ref, number in zip(pipeline.model_refs, versions, strict=True):
        version = workspace.registry.resolve(ref, number)
        decision = Decision(f"trained through {version.trained_through}", decided_by=decided_by)
        aliases.append(_aliased(workspace, ref, number, decision, first=first))
    return aliases


def _refuse_no_better(pipeline: Pipeline, name: str, trained: Trained) -> None:
    worse = [metric for metric in trained.baseline if not trained.beats_baseline(metric)]
    if worse:
        shown = ", ".join(f"{n} {trained.metrics[n]:.4f} against {trained.baseline[n]:.4f}" for n in worse)
        which = "The model" if len(pipeline.model_refs) == 1 else f"Model {name}"
        raise ModelRefused(
            f"{which} is no better than its baseline on held-out days ({shown}).",
            next_step="look at the features or train on a longer window (`--through`).",
            pipeline=pipeline.name,
        )


def _register(past: Past, name: str, trained: Trained, origin: str | None) -> ModelVersion:
    workspace, pipeline = past.workspace, past.pipeline
    version = workspace.registry.register(
        name,
        trained.model,
        trained.sample,
        trained_through=trained.trained_through,
        record=evidence.record(past, trained, origin),
        method=pipeline.prediction.method,
        score_profile=trained.score_profile,
    )
    if trained.unseen:
        keep_watched(workspace.ledger.warehouse, pipeline, version, trained.unseen)
    return version


def _aliased(workspace: Workspace, model: ModelRef, version: int, decision: Decision, *, first: bool) -> str:
    champion = Aliases(workspace, model)
    if champion.current() == version:
        return model.alias  # a task that is tried again
    moved = champion if first and champion.current() is None else Aliases(workspace, ModelRef(model.name, CHALLENGER))
    moved.move(version, decision)
    return moved.model.alias


def held_out(last_day: date, weeks: int = 4) -> tuple[date, date]:
    """Return the first and last partition of the held-out weeks: their targets are the last days through last_day."""
    return last_day - timedelta(days=7 * weeks), last_day - timedelta(days=1)


def source_last_day(workspace: Workspace, pipeline: Pipeline) -> date | None:
    """Return the last day that the source holds data of, or None if it holds none."""
    any_day = Partition(date(1970, 1, 1), pipeline.timezone)
    coverage = load_sql(workspace.sql(pipeline, "coverage"))
    try:
        found: date | None = workspace.warehouse.row(coverage, query_binds(any_day, any_day))[1]
    except sa.exc.ProgrammingError:  # its tables are not there yet
        return None
    return found
