"""Parameters: what a run can be told in Airflow's form."""

from airflow.sdk import Param

from daybreak.declaration.pipeline import Pipeline

# A pipeline with a model for each segment has no one version that could be forced.
SEGMENTS = {
    "backfill_policy": Param(
        None,
        type=["null", "string"],
        pattern="^(current|as_of|[1-9][0-9]*)$",
        description="Version for the past: current, as_of or a number; if empty, the pipeline's policy for backfills.",
    ),
    "allow_leakage": Param(False, type="boolean", description="Accept a model that has seen days after the partition."),
}
SCORING = {
    "model_version": Param(
        None, type=["null", "integer"], minimum=1, description="Use this model version, not the champion."
    ),
    **SEGMENTS,
}
PUSHING = {
    **SCORING,
    "push_backfill": Param(False, type="boolean", description="Send what a backfill scores, too."),
    "resume": Param(
        False, type="boolean", description="Send what is open, with the model version that the last run planned."
    ),
    "dry_run": Param(False, type="boolean", description="Do everything but send."),
}


def scoring(pipeline: Pipeline) -> dict[str, Param]:
    """Return what a run of the pipeline can be told."""
    if pipeline.push:
        return PUSHING
    return SCORING if pipeline.segments.column is None else SEGMENTS


TRAINING = {
    "pipelines": Param([], type="array", items={"type": "string"}, description="Train these; all, if empty."),
    "through": Param(
        None,
        type=["null", "string"],
        format="date",
        description="Last day that may be seen, held-out weeks included; the last complete one, if empty.",
    ),
    "search": Param(True, type="boolean", description="Compare the declared settings first."),
}
