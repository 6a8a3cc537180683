"""The past of a pipeline, as a training reads it: rows by ranges of days, and what was learnt before."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from daybreak.batch.digest import ArrowDigest
from daybreak.declaration.partition import day_calendar
from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import SourceRefused
from daybreak.models.training_record import SEARCHED
from daybreak.run.plan import day_binds
from daybreak.warehouse.faults import NOT_THERE, sqlstate
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Past:
    """A pipeline's past up to ``last_day``, to be read by ranges of days.

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
            for version, settings in self.workspace.registry.tagged(ref.name, SEARCHED):
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
        binds = day_binds(first, last, declared.timezone)
        queries = self.workspace.queries(declared)
        queries.check(query, binds)
        with queries.stream(query, binds) as (_, reader):
            found = reader.read_all()
        if self.read is not None:
            self.read.add(found)
        if query == "training" and self.to_learn:
            refuse_nothing_to_learn(declared, found, first, last)
            refuse_not_finite(declared, found)
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


def refuse_not_finite(pipeline: Pipeline, rows: "pa.Table") -> None:
    """Refuse rows with a number that is infinite, or not a number: no model can be fitted on it. Null is neither."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wrong = []
    for field in rows.schema:
        if pa.types.is_floating(field.type):
            count = pc.sum(pc.invert(pc.is_finite(rows[field.name]))).as_py() or 0
            wrong += [f"{field.name} in {count:,} of {rows.num_rows:,} rows"] * bool(count)
    if wrong:
        raise SourceRefused(
            f"A number is infinite, or not a number: {', '.join(wrong)}.",
            next_step="mend the source, or make nothing of such numbers in the query, such as "
            "`CASE WHEN fee < 'infinity' THEN fee END`.",
            pipeline=pipeline.name,
        )


def held_out(last_day: date, weeks: int = 4) -> tuple[date, date]:
    """Return the first and last partition of the held-out weeks: their targets are the last days through last_day."""
    return last_day - timedelta(days=7 * weeks), last_day - timedelta(days=1)


def source_last_day(workspace: Workspace, pipeline: Pipeline) -> date | None:
    """Return the last day that the source holds data of, or None if it holds none."""
    # A query may ask for no later day than :last_day.
    today = day_calendar(pipeline.timezone).at(datetime.now(UTC)).first_day
    try:
        found = workspace.queries(pipeline).coverage(day_binds(today, today, pipeline.timezone))
    except SourceRefused as error:
        if error.__cause__ is not None and sqlstate(error.__cause__) in NOT_THERE:
            return None
        raise error.located(pipeline.name, None) from error.__cause__
    return found.last_day(pipeline.timezone) if found else None
