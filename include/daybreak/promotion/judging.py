"""Judging: what a challenger is held against before it becomes the champion, one check for each question."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from daybreak.declaration.pipeline import Pipeline
from daybreak.errors import ModelRefused
from daybreak.ledger.tables import performance
from daybreak.models.answering import Answering
from daybreak.models.measured_models import BY_MODEL
from daybreak.models.version import ModelVersion
from daybreak.promotion.bootstrap import Interval, least_days, paired_interval
from daybreak.run.tables import extract_schema
from daybreak.training.comparison import Compared, by_group, compare, unseen
from daybreak.training.metrics import PRIMARY
from daybreak.training.trial import Trial, try_in_fresh_process
from daybreak.training.unseen_keys import compare_by_keys, told_by_keys
from daybreak.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

# The name of the check, and what it asks of.
COLUMNS, EXTRACT_FILE = "columns of extract.sql", "extract.sql"
# A group with fewer held-out rows says more of chance than of the model; such groups are judged together.
LEAST_GROUP_ROWS = 200
# Of a table of states each key is one row, and says nothing of the others: with fewer, an interval says little.
LEAST_KEYS = 30


@dataclass(frozen=True)
class Check:
    """One question and its answer; ``met`` is None where it could not be asked, which stops nothing."""

    name: str
    met: bool | None
    says: str

    def to_json(self) -> dict[str, Any]:
        """Turn the check into what the alias history keeps."""
        return {"check": self.name, "met": self.met, "says": self.says}


def judge(
    workspace: Workspace,
    pipeline: Pipeline,
    challenger: ModelVersion,
    champion: ModelVersion | None,
    progress: Callable[[str], None] = lambda step: None,
) -> list[Check]:
    """Ask every question; one that is answered with no does not keep the others from being asked."""
    checks = [_columns(workspace, pipeline, challenger, champion)]
    if not checks[0].met:
        return checks  # the next run, or the one after it was taken back, would be refused
    if pipeline.target is None or pipeline.measures is None:
        lacking = "declares no target" if pipeline.target is None else "does not declare what it `measures`"
        return [*checks, Check("held-out rows", False, f"the pipeline {lacking}")]
    if champion and (otherwise := _answers_otherwise(workspace, pipeline, champion)):
        checks.append(otherwise)
        champion = None
    compared = _compared(workspace, pipeline, challenger, champion, progress)
    if not compared.rows and not compared.days:
        neither = "that neither has seen" if champion else "that it has not seen"
        what = f"no key has a known target {neither}" if compared.by_key else f"no day has passed {neither}"
        return [*checks, Check("held-out rows", False, what)]
    if champion:
        checks.append(_held_out(pipeline, compared))
        checks.append(_shadow(workspace, pipeline, challenger, champion))
        checks += [_group(pipeline, compared, group) for group in pipeline.groups if compared.challenger]
    checks.append(_contract(pipeline, compared))
    progress("scoring a sample in a fresh process")
    checks.append(_fresh_process(workspace, pipeline, challenger, compared))
    return checks


def _compared(
    workspace: Workspace,
    pipeline: Pipeline,
    challenger: ModelVersion,
    champion: ModelVersion | None,
    progress: Callable[[str], None],
) -> Compared:
    if told_by_keys(workspace, pipeline):
        return compare_by_keys(workspace, pipeline, challenger, champion, progress)
    on = unseen(workspace, pipeline, [model for model in (challenger, champion) if model])
    return compare(workspace, pipeline, challenger, champion, on, progress) if on else Compared(days=[])


def _columns(
    workspace: Workspace, pipeline: Pipeline, challenger: ModelVersion, champion: ModelVersion | None
) -> Check:
    """Ask whether both can score what extract.sql gives by now, as a run asks it; how they differ is shown."""
    given = extract_schema(workspace, pipeline)
    if unlike := challenger.signature.unlike(given, EXTRACT_FILE):
        return Check(COLUMNS, False, "; ".join(unlike))
    if champion and (unlike := champion.signature.unlike(given, EXTRACT_FILE)):
        return Check(COLUMNS, False, f"the champion, version {champion.version}, {'; '.join(unlike)}")
    told = [f"{len(challenger.signature.columns)} columns"]
    if champion and (difference := signature_difference(challenger, champion)):
        told.append(f"other than version {champion.version}: {difference}")
    return Check(COLUMNS, True, "; ".join(told))


def signature_difference(challenger: ModelVersion, champion: ModelVersion) -> str:
    """Say how the columns that two versions take differ; nothing where they do not."""
    new, old = dict(challenger.signature.columns), dict(champion.signature.columns)
    told = [f"takes {name} ({new[name]}) too" for name in new.keys() - old.keys()]
    told += [f"no longer takes {name}" for name in old.keys() - new.keys()]
    told += [f"takes {n} as {new[n]}, not {old[n]}" for n in old.keys() & new.keys() if new[n] != old[n]]
    return "; ".join(sorted(told))


def _answers_otherwise(workspace: Workspace, pipeline: Pipeline, champion: ModelVersion) -> Check | None:
    """Say how a champion is not what the pipeline predicts by now: no run can use it, so none is held against it."""
    loaded = workspace.registry.load(champion)
    try:
        Answering.of(pipeline).refuse_other(loaded, f"the champion, version {champion.version},")
    except ModelRefused as error:
        return Check("same prediction", None, error.problem.rstrip("."))
    return None


def _held_out(pipeline: Pipeline, compared: Compared) -> Check:
    name, least = "better on held-out rows", least_days(pipeline.horizon)
    if compared.by_key:
        return _unseen_keys(pipeline, compared, name)
    word = pipeline.measured_every.word
    if len(compared.days) < least or not compared.challenger:
        return Check(
            name,
            False,
            f"{len(compared.days)} {word}s that neither has seen, {least} are needed; wait, or train again",
        )
    challenger, champion = np.concatenate(compared.challenger), np.concatenate(compared.champion)
    interval = paired_interval(challenger - champion, np.concatenate(compared.day), horizon=pipeline.horizon)
    return Check(name, interval.high < 0, _told(pipeline, champion.mean(), challenger.mean(), interval))


def _unseen_keys(pipeline: Pipeline, compared: Compared, name: str) -> Check:
    keys = sum(map(len, compared.challenger))
    if keys < LEAST_KEYS:
        return Check(name, False, f"{keys} keys that neither was fitted on, {LEAST_KEYS} are needed; load newer files")
    challenger, champion = np.concatenate(compared.challenger), np.concatenate(compared.champion)
    interval = paired_interval(challenger - champion, np.concatenate(compared.day))
    told = _told(pipeline, champion.mean(), challenger.mean(), interval)
    return Check(name, interval.high < 0, f"{told.rpartition(' on ')[0]} on {keys:,} keys that neither was fitted on")


def _shadow(workspace: Workspace, pipeline: Pipeline, challenger: ModelVersion, champion: ModelVersion) -> Check:
    name, metric = "better on live shadow rows", PRIMARY[pipeline.measures]  # type: ignore[index]
    # Where each segment has its own model, those of its rows that both predicted, not those that it stood in for.
    by, segment = (BY_MODEL, challenger.name) if pipeline.segments.column else ("", "(all)")
    one, other = performance.alias(), performance.alias()
    same_rows = (one.c.run_id == other.c.run_id) & (one.c.metric == other.c.metric) & (one.c.rows == other.c.rows)
    wanted = (
        sa.select(one.c.partition_date, one.c.rows, one.c.value, other.c.value)
        .join(other, same_rows)
        .where(one.c.pipeline == pipeline.name, one.c.metric == metric)
        .where(*(side.c.segment_by == by for side in (one, other)))
        .where(*(side.c.segment == segment for side in (one, other)))
        .where(one.c.role == "champion", one.c.model_version == champion.version)
        .where(other.c.role == "shadow", other.c.model_version == challenger.version)
    )
    with workspace.ledger.warehouse.begin() as connection:
        found = connection.execute(wanted).all()
    days, least = len({row[0] for row in found}), least_days(pipeline.horizon)
    if days < least:
        return Check(name, None, f"{days} of the {least} {pipeline.measured_every.word}s that are needed are measured")
    day, rows = np.array([row[0].toordinal() for row in found]), np.array([row[1] for row in found], dtype=float)
    values = np.array([[row[2], row[3]] for row in found], dtype=float)
    losses = -values if metric == "precision_at_5" else values**2 if metric == "rmse" else values
    interval = paired_interval(losses[:, 1] - losses[:, 0], day, rows, horizon=pipeline.horizon)
    means = np.average(losses, axis=0, weights=rows)
    return Check(name, interval.high < 0, _told(pipeline, means[0], means[1], interval))


def _group(pipeline: Pipeline, compared: Compared, group: str) -> Check:
    """Ask whether a group gets worse by more than the margin, as a share of the champion's loss over all rows.

    As a share of its own loss, a group that hardly anything happens in would decide. What a few days may have brought
    about by chance is left aside.
    """
    margin, worse, largest, judged = pipeline.group_margin, [], 0.0, 0
    champion, day = np.concatenate(compared.champion), np.concatenate(compared.day)
    horizon = 1 if compared.by_key else pipeline.target_days
    differences = (np.concatenate(compared.challenger) - champion) / abs(champion.mean())
    for name, mask in by_group(compared, group, LEAST_GROUP_ROWS):
        judged += 1
        change = float(differences[mask].mean())
        if change > margin and paired_interval(differences[mask], day[mask], horizon=horizon).low > 0:
            worse.append((change, name))
        else:
            largest = max(largest, change)
    if worse:
        named = ", ".join(f"{name} by {change:.1%}" for change, name in sorted(worse, reverse=True)[:3])
        says = f"{len(worse)} of {judged} get worse by more than {margin:.1%}: {named}"
    else:
        says = f"{judged} judged, {margin:.1%} are allowed" + ("" if largest <= margin else ", above it only by chance")
    return Check(f"no worse for any {group}", not worse, says)


def _contract(pipeline: Pipeline, compared: Compared) -> Check:
    share = compared.failed / max(compared.rows, 1)
    says = f"{compared.failed:,} of {compared.rows:,} rows without a prediction in the declared range"
    return Check("output contract", compared.rows > 0 and share <= pipeline.max_failed_share, says)


def _fresh_process(workspace: Workspace, pipeline: Pipeline, challenger: ModelVersion, compared: Compared) -> Check:
    name, sample = "fresh process", compared.sample
    if sample is None:
        return Check(name, False, "there is no row to try it on")
    answering = Answering.of(pipeline)
    here = _answers(workspace, answering, challenger, sample)
    if challenger.elsewhere:
        # Each time that it is loaded it is in another process, of its own environment.
        same = _answers(workspace, answering, challenger, sample).tobytes() == here.tobytes()
        problem = None if same else "two processes of its own do not predict the same"
    else:
        problem = try_in_fresh_process(workspace.registry.artifacts, answering, [Trial(challenger, sample, here)])
    return Check(name, problem is None, problem or f"{sample.num_rows} rows scored as here, bit for bit")


def _answers(workspace: Workspace, answering: Answering, version: ModelVersion, sample: "pa.RecordBatch") -> np.ndarray:
    loaded = workspace.registry.load(version)
    try:
        return answering.values(loaded, sample.to_pandas())
    finally:
        if version.elsewhere:
            loaded.close()


def _told(pipeline: Pipeline, champion: float, challenger: float, interval: Interval) -> str:
    metric = PRIMARY[pipeline.measures]  # type: ignore[index]
    shown = {"rmse": "squared error", "precision_at_5": "precision at 5, negated"}.get(metric, metric.replace("_", " "))
    return (
        f"{shown} {challenger:.5f} against {champion:.5f}, difference {interval.mean:+.5f} "
        f"(95 %: {interval.low:+.5f} to {interval.high:+.5f}) on {interval.rows:,} rows of "
        f"{interval.days} {pipeline.measured_every.word}s"
    )
