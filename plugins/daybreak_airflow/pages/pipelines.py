"""The pages of one pipeline: its partitions, its models, what was measured, what was sent."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from daybreak.errors import PartitionRefused
from daybreak_airflow.pages import pictures
from daybreak_airflow.pages.access import User, can_edit, may_read
from daybreak_airflow.pages.changes import changes_of_model, changes_of_partition
from daybreak_airflow.pages.opened import pipeline_of, workspace
from daybreak_airflow.pages.rendering import page
from daybreak_airflow.pages.requests import note_of

if TYPE_CHECKING:
    from daybreak.declaration.pipeline import Pipeline
    from daybreak.monitoring.pipeline_standing import PipelineStanding

router = APIRouter(prefix="/dags/{dag_id}", dependencies=[may_read])
SHOWN = 60
# So many columns are drawn; of the others it is said how many.
_NULLS = 6


@router.get("")
def pipeline(request: Request, dag_id: str, user: User) -> HTMLResponse:
    """Show a pipeline's last partitions, the newest first."""
    found = workspace().pipelines.get(dag_id)
    if found is None:
        # The tab is on every Dag: one that runs no pipeline is nothing that went wrong.
        return page(request, "no_pipeline.html", dag_id=dag_id)
    from daybreak.monitoring.usual_history import courses, read_usual, worth_a_look

    one, calendar = _standing(found), found.calendar
    partitions = [calendar.partition(part.key) for part in one.partitions if part.there]
    measured = courses(read_usual(workspace().warehouse, found, partitions))
    nulls = [course for course in measured if course.what == "nulls"]
    return _page(
        request,
        "pipeline.html",
        found,
        user,
        tab="partitions",
        one=one,
        measured=[course for course in measured if course.what != "nulls"],
        nulls=worth_a_look(nulls, _NULLS),
        columns=len(nulls),
    )


@router.get("/partitions/{key}")
def partition(request: Request, dag_id: str, key: str, user: User, run: int | None = None) -> HTMLResponse:
    """Show the account of one partition."""
    from daybreak.monitoring.partition_account import read_account
    from daybreak.monitoring.usual_history import read_usual

    found, opened, edits = pipeline_of(dag_id), workspace(), can_edit(user, dag_id)
    try:
        wanted = found.calendar.partition(key)
    except PartitionRefused as error:
        raise HTTPException(404, error.problem) from None
    account = read_account(opened.warehouse, found, key, run, payloads=edits)
    over = wanted.end <= datetime.now(UTC)
    return _page(
        request,
        "partition.html",
        found,
        user,
        tab="partitions",
        partition=wanted,
        account=account,
        changes=changes_of_partition(found, key, account) if edits and over else [],
        way=pictures.way_of_rows(account.run) if account.run else None,
        spread=pictures.spread(account.spread) if account.spread else None,
        measured=read_usual(opened.warehouse, found, [wanted]).get(key, ()),
        before=found.calendar.before(wanted).key,
        after=found.calendar.after(wanted).key if found.calendar.after(wanted).end <= datetime.now(UTC) else None,
    )


@router.get("/runs/{run_id:path}")
def airflow_run(request: Request, dag_id: str, run_id: str) -> Any:
    """Show the partition of an Airflow run; what Airflow did not fill in is no run."""
    from daybreak.monitoring.partition_account import partition_of

    if workspace().pipelines.get(dag_id) is None:
        return page(request, "no_pipeline.html", dag_id=dag_id)
    opened, found = workspace(), pipeline_of(dag_id)
    place = partition_of(opened.warehouse, found, f"{dag_id}/{run_id}")
    root = request.scope.get("root_path", "")
    if place is None:
        return RedirectResponse(f"{root}/dags/{dag_id}", 302)
    return RedirectResponse(f"{root}/dags/{dag_id}/partitions/{place[0]}?run={place[1]}", 302)


@router.get("/model")
def model(request: Request, dag_id: str, user: User) -> HTMLResponse:
    """Show versions, champions over time, and the challenger beside the champion."""
    from daybreak.monitoring.model_account import read_models

    found, opened = pipeline_of(dag_id), workspace()
    account = read_models(opened.warehouse, found)
    edits = can_edit(user, dag_id)
    changes = {ref.name: changes_of_model(found, ref.name, account) if edits else [] for ref in found.model_refs}
    return _page(request, "model.html", found, user, tab="model", account=account, changes=changes)


@router.get("/quality")
def quality(
    request: Request, dag_id: str, user: User, column: str | None = None, partition: str | None = None
) -> HTMLResponse:
    """Show the error over partitions, by segment, drift, and how a column of a partition is spread."""
    from daybreak.monitoring.column_spread import named, read_column_spread
    from daybreak.monitoring.model_account import read_quality

    found, opened = pipeline_of(dag_id), workspace()
    one = _standing(found)
    account = read_quality(opened.warehouse, found, one.partitions[0].key)
    trained = one.last_error.trained if one.last_error else None
    chosen = read_column_spread(opened.warehouse, found, account.drift, column, partition)

    def link(name: str, key: str) -> str:
        return f"?{urlencode({'column': name, 'partition': key})}#spread"

    return _page(
        request,
        "quality.html",
        found,
        user,
        tab="quality",
        one=one,
        account=account,
        line=pictures.errors(account.errors, trained) if account.errors else None,
        heat=pictures.drift(account.drift, named, link) if account.drift else None,
        chosen=chosen,
        spread=pictures.spread(chosen.spread, f"{chosen.column} in {chosen.partition}")
        if chosen and chosen.spread
        else None,
    )


@router.get("/deliveries")
def deliveries(request: Request, dag_id: str, user: User, day: date | None = None) -> HTMLResponse:
    """Show what was sent, and what is open."""
    from daybreak.monitoring.model_account import read_deliveries

    found, opened = pipeline_of(dag_id), workspace()
    first = (datetime.now(UTC) - timedelta(days=SHOWN)).date()
    account = read_deliveries(opened.warehouse, found, first, day)
    return _page(request, "deliveries.html", found, user, tab="deliveries", account=account)


def _page(request: Request, template: str, found: "Pipeline", user: User, **values: Any) -> HTMLResponse:
    values = {"one": values.get("one") or _standing(found), "edits": can_edit(user, found.name), **values}
    return page(request, template, pipeline=found, said=note_of(request), **values)


def _standing(found: "Pipeline") -> "PipelineStanding":
    from daybreak.monitoring.standing import read_standing

    opened = workspace()
    read = read_standing(opened.warehouse, [found], datetime.now(UTC), count=SHOWN)
    return read.pipelines[0]
