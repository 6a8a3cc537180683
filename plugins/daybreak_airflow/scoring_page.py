"""The page of a pipeline's DAG: what follows from the declaration, below what its file says in words."""

from collections.abc import Iterator
from datetime import time

from airflow.sdk import DAG

from daybreak.declaration.cadence import DAILY, WEEKDAYS, Week
from daybreak.declaration.due import Due
from daybreak.declaration.pipeline import Pipeline, Push
from daybreak.declaration.segments import OTHER, ModelRef, Segments
from daybreak_airflow.markdown import code, duration, listed, paragraphs, parameters, percent, table, tasks

_FAILED = (
    "The last line of the failed task's log says what is wrong and what to do next; the same line is in "
    "`ledger.runs.error`."
)


def scoring_page(pipeline: Pipeline, dag: DAG, *, own_schedule: bool) -> str:
    """Write the page in Markdown. With an ``own_schedule`` runs start otherwise than the declaration says."""
    return paragraphs(
        dag.doc_md,
        table(_facts(pipeline, dag, own_schedule=own_schedule)),
        _pushed(pipeline, pipeline.push) if pipeline.push else _published(pipeline, own_schedule=own_schedule),
        tasks(dag),
        parameters(dag),
    )


def _facts(pipeline: Pipeline, dag: DAG, *, own_schedule: bool) -> Iterator[tuple[str, str]]:
    yield "Partition", _partition(pipeline, own_schedule=own_schedule)
    if pipeline.due is not None:
        yield "Due", _due(pipeline, pipeline.due)
    yield "Grain", f"one row per {listed(pipeline.entity_key)}"
    yield "Reads", _reads(pipeline)
    yield "Predicts", _predicts(pipeline)
    if pipeline.push:
        yield "Sends to", f"the Airflow Connection {code(pipeline.push.connection)}"
    else:
        yield "Writes", f"{code(f'predictions.{pipeline.name}')}; with `_as_of(instant)` behind it, what was there then"
        names = [getattr(asset, "name", asset) for task in dag.tasks for asset in task.outlets]
        yield "Updates", f"the asset {listed(names)}"
    yield from _models(pipeline)
    quarantined, failed = percent(pipeline.max_quarantined_share), percent(pipeline.max_failed_share)
    yield (
        "Tolerates",
        f"{quarantined} of the rows in quarantine (`ledger.quarantine`), and {failed} that cannot be scored",
    )
    if pipeline.measures:
        by = f", and for each {code(pipeline.measured_by)}" if pipeline.measured_by else ""
        yield "Measured", f"as a whole{by}: `ledger.performance`"


def _partition(pipeline: Pipeline, *, own_schedule: bool) -> str:
    every, open_on = pipeline.every, pipeline.open_on
    day = f"one calendar {every.word} in {pipeline.timezone}"
    day += f" that starts on {every.starts.capitalize()}" if isinstance(every, Week) else ""
    day += f", of {listed([name.capitalize() for name in open_on])} only" if open_on != WEEKDAYS else ""
    if own_schedule:
        return f"{day}; when a run starts is said in this DAG's own file"
    if pipeline.upstream:
        return f"{day}, when {code(pipeline.upstream)} has published it: each publication there starts one run here"
    after = f", {duration(pipeline.ready_after)} after its end" if pipeline.ready_after else ""
    run = (
        "the run after midnight scores the day"
        if every == DAILY and not after
        else f"its run{after} scores the {every.word}"
    )
    waits = f"; it waits up to {duration(pipeline.wait)} for the source to land" if pipeline.wait else ""
    return f"{day}; {run} that has just ended{waits}"


def _due(pipeline: Pipeline, due: Due) -> str:
    if isinstance(due, time):
        return (
            f"{due:%H:%M} in {pipeline.timezone} after the {pipeline.every.word}'s end; what is not there then is late"
        )
    return f"{duration(due)} after the {pipeline.every.word}'s end; what is not there then is late"


def _reads(pipeline: Pipeline) -> str:
    days = f"{pipeline.history_days} days" if pipeline.history_days > 1 else "the day"
    query = f"{code(f'sql/{pipeline.name}/extract.sql')}: {days} up to the partition's end"
    if pipeline.upstream:
        query += f", and one publication of {code(pipeline.upstream)}, written down when the run is planned"
    return query


def _predicts(pipeline: Pipeline) -> str:
    predicted, top = pipeline.prediction, pipeline.top
    values = listed(predicted.texts, "or") if predicted.texts else f"from {predicted.low:,g} to {predicted.high:,g}"
    if predicted.further:
        of = "the probability of each" if predicted.classes else "the quantiles"
        values += f"; {of} in {listed(predicted.further)}"
    best = f"; published are the {top.k} highest of each {listed(top.within)}, with their rank" if top else ""
    return f"{code(predicted.column)}, {values}{best}"


def _models(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    if pipeline.segments.column is not None:
        yield "Models", _per_segment(pipeline.segments)
    else:
        ref = pipeline.single_ref
        yield "Model", f"{code(ref.name)}, alias {code(ref.alias)}, resolved once per run"
    if pipeline.shadow:
        kept = f"into {code(f'predictions.{pipeline.name}_shadow')}, which only measurements read"
        yield "Shadow", f"the version of the alias {code(pipeline.shadow)} scores the same rows, {kept}"


def _per_segment(segments: Segments) -> str:
    by_segment = [f"{code(segment)}: {_of(ref)}" for segment, ref in segments.refs.items() if segment is not OTHER]
    others = f"of any other: {_of(segments.refs[OTHER])}" if OTHER in segments.refs else "of any other: quarantined"
    return f"by {code(str(segments.column))}, each resolved once per run; {'; '.join([*by_segment, others])}"


def _of(ref: ModelRef) -> str:
    # An alias that is not the usual one is worth a word.
    return code(ref.name) if ref.alias == ModelRef.alias else f"{code(ref.name)}, alias {code(ref.alias)}"


def _published(pipeline: Pipeline, *, own_schedule: bool) -> str:
    backfill = "start a backfill of that day (*Trigger → Backfill*, reprocess *All Runs*), or clear the whole run"
    if own_schedule:
        again = "After the source was corrected, clear the whole run"
    elif pipeline.upstream:
        again = f"Run {code(pipeline.upstream)} again: its publication starts this one. Or {backfill}"
    else:
        again = f"After the source was corrected, {backfill}"
    return paragraphs(
        "### If a run fails",
        f"{_FAILED} Nothing of a failed run is visible to anybody.",
        "### To run a day again",
        f"{again}. Until the new predictions are complete, everybody sees the old ones.",
    )


def _pushed(pipeline: Pipeline, push: Push) -> str:
    resume = code(f"daybreak push {pipeline.name} DAY --resume")
    unsent = code(f"daybreak deliveries {pipeline.name} DAY --open")
    return paragraphs(
        "### If a run fails",
        _FAILED,
        "### To resume a push",
        "Clear the task `push`: what it needs is cleared with it, and the model is the champion of the moment, or the "
        f"version in `model_version`. {resume} keeps the version that was planned. Both score the day again and send "
        f"what is not acknowledged yet; {unsent} lists that. A partition that ended more than "
        f"{duration(push.max_staleness)} ago is refused.",
        "### What is kept",
        "Counts, digests and expectation results (`ledger.runs`), the quarantined rows, and a receipt for each chunk "
        "that was sent (`ledger.deliveries`: key, items, keyed digest, state). **Not kept** are the predictions: they "
        "are in the memory of the task `push` and nowhere else. The rows they were made from are removed by `discard`. "
        "There is no asset either, since nothing could be read when its event comes.",
        "### If `push` was skipped",
        "Nothing was sent, and its log says why:",
        "* `not pushed: backfill`: a backfill scores and checks its days, and sends only if `push_backfill` says so.\n"
        "* `not pushed: dry run`: `dry_run` was asked for.\n"
        "* `not pushed: run N, which is newer, …`: a later run of the day was first.",
    )
