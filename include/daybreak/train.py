"""Train: fit a pipeline's model on its past, hold it against a baseline, register it, point the alias to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from daybreak.candidates import Candidate
from daybreak.errors import ModelRefused, SourceRefused
from daybreak.ledger import lock
from daybreak.partition import Partition
from daybreak.pipeline import ModelRef, Pipeline, load_function
from daybreak.plan import query_binds
from daybreak.registry import ModelVersion
from daybreak.sql import load_sql
from daybreak.tables import alias_history
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class Trained:
    """A fitted model and what was measured of it.

    ``trained_through`` is the last day that the fit has seen anything of, targets included. ``metrics`` are those on
    held-out days; ``baseline`` holds the same ones for what the model has to beat (lower is better). ``score_profile``
    is the spread of the scores on those days, as bins and weights, for pipelines that check it before they push.
    ``candidates`` are the models that it was chosen from, where there were several.
    """

    model: Any
    sample: "pd.DataFrame"
    trained_through: date
    metrics: dict[str, float]
    baseline: dict[str, float]
    parameters: dict[str, Any] = field(default_factory=dict)
    score_profile: dict[str, list[float]] | None = None
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class Past:
    """A pipeline's past up to ``last_day``, to be read by ranges of partition days."""

    workspace: Workspace
    pipeline: Pipeline
    last_day: date

    def rows(self, first: date, last: date) -> "pa.Table":
        """Read training.sql for the partitions from first to last, whose targets must be known by ``last_day``."""
        timezone = self.pipeline.timezone
        binds = query_binds(Partition(first, timezone), Partition(last, timezone))
        query = load_sql(self.workspace.sql(self.pipeline, "training"))
        self.workspace.warehouse.check(query, binds)
        with self.workspace.warehouse.stream(query, binds, count=False) as (_, reader):
            return reader.read_all()


def train(
    workspace: Workspace,
    pipeline: Pipeline,
    *,
    through: date | None = None,
    promote: bool = True,
    progress: Callable[[str], None] = lambda step: None,
) -> tuple[ModelVersion, Trained]:
    """Train on what was known at the end of ``through`` (default: the source's last day) and register a version.

    Raises ModelRefused, and registers nothing, where the model does not beat its baseline on held-out days.
    """
    last_day = through or source_last_day(workspace, pipeline)
    if last_day is None:
        raise SourceRefused(
            "The source holds no data.",
            next_step="load it (for the demonstration: `daybreak load-demo`), then train again.",
            pipeline=pipeline.name,
        )
    trained: Trained = load_function(pipeline.training)(Past(workspace, pipeline, last_day), progress)
    worse = [name for name, value in trained.baseline.items() if not trained.metrics[name] < value]
    if worse:
        shown = ", ".join(f"{n} {trained.metrics[n]:.4f} against {trained.baseline[n]:.4f}" for n in worse)
        raise ModelRefused(
            f"The model is no better than its baseline on held-out days ({shown}).",
            next_step="look at the features or train on a longer window (`--through`).",
            pipeline=pipeline.name,
        )
    progress("registering")
    metrics = trained.metrics | {f"baseline_{name}": value for name, value in trained.baseline.items()}
    version = workspace.registry.register(
        pipeline.model.name,
        trained.model,
        trained.sample,
        trained_through=trained.trained_through,
        metrics=metrics,
        parameters=trained.parameters,
        method=pipeline.prediction.method,
        score_profile=trained.score_profile,
        candidates=trained.candidates,
    )
    if promote:
        point_alias(workspace, pipeline.model, version.version, f"trained through {trained.trained_through}")
    return version, trained


def point_alias(workspace: Workspace, model: ModelRef, version: int, reason: str) -> None:
    """Point an alias to a version and write it into the alias history; two at once follow each other."""
    with workspace.ledger.warehouse.begin() as connection:
        lock(connection, f"alias/{model.name}/{model.alias}")
        workspace.registry.set_alias(model, version)
        now = connection.scalar(sa.select(sa.func.clock_timestamp()))
        current = (alias_history.c.model_name == model.name) & (alias_history.c.alias == model.alias)
        connection.execute(alias_history.update().where(current, alias_history.c.until.is_(None)).values(until=now))
        connection.execute(
            alias_history.insert().values(
                model_name=model.name, alias=model.alias, version=version, since=now, reason=reason
            )
        )


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
