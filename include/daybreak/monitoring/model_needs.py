"""Model needs: what measurements and decisions about a pipeline's models need a person for."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from daybreak.monitoring.clocks import ago
from daybreak.monitoring.needs import Need
from daybreak.monitoring.pipeline_standing import Approval, Crossed, PipelineStanding

# A training that was asked for has come to a version by then, or failed.
TRAINED_WITHIN = timedelta(hours=12)


def model_needs(pipeline: PipelineStanding, now: datetime) -> Iterator[Need]:
    """Yield what a pipeline's models need: an answer, or to be looked at."""
    for approval in pipeline.approvals:
        yield _approval(pipeline, approval, now)
    if pipeline.crossed:
        yield from _crossed(pipeline, pipeline.crossed, now)


def _approval(pipeline: PipelineStanding, approval: Approval, now: datetime) -> Need:
    name = f"{approval.model}/{approval.version}"
    problem = (
        f"Version {approval.version} of model '{approval.model}' passed its checks and waits for a person since "
        f"{ago(approval.asked_at, now)}."
    )
    next_step = "approve or reject it under Required Actions in Airflow; the champion goes on scoring until then."
    command = f"daybreak promote {pipeline.name} --model {approval.model} --dry-run"
    return Need("approval", pipeline.name, None, problem, next_step, command, since=approval.asked_at, about=name)


def _crossed(pipeline: PipelineStanding, crossed: Crossed, now: datetime) -> Iterator[Need]:
    name, key, since = pipeline.name, crossed.partition, crossed.requested_at
    then = f"no training is asked for: {crossed.held_back}" if crossed.held_back else "a training is asked for"
    if crossed.errors:
        problem = f"{'; '.join(crossed.errors)}; {then}."
        next_step = "see whether the source or the world has changed; train by hand if it cannot wait."
        yield Need("error", name, key, problem, next_step, f"daybreak performance {name}", since=since)
    if crossed.drifts:
        problem = f"{'; '.join(crossed.drifts)}; {then}."
        next_step = "see on the page which columns, and whether the source fills them as before."
        yield Need("drift", name, key, problem, next_step, f"daybreak show {name} {key}", since=since)
    if not crossed.held_back and crossed.trained_at is None and since + TRAINED_WITHIN <= now:
        problem = f"A training was asked for {ago(since, now)} ago, and no version has come of it."
        next_step = "read the log of train_models in Airflow, or train by hand."
        yield Need("retraining", name, None, problem, next_step, f"daybreak train {name}", since=since)
