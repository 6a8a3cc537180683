"""The pages that change something: first what will be done, then a button, then where its effect is seen."""

import json
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from daybreak.errors import DaybreakError, PartitionRefused
from daybreak_airflow.pages.access import User, may_edit
from daybreak_airflow.pages.changes import Change, changes_of_model, changes_of_partition, chosen
from daybreak_airflow.pages.opened import pipeline_of, workspace
from daybreak_airflow.pages.rendering import page
from daybreak_airflow.pages.requests import noted, refuse_foreign, token_for

if TYPE_CHECKING:
    from daybreak.declaration.pipeline import Pipeline

router = APIRouter(prefix="/dags/{dag_id}", dependencies=[may_edit])
Seen = Annotated[str, Form()]


@router.get("/partitions/{key}/{change}")
def ask_about_partition(request: Request, dag_id: str, key: str, change: str, user: User) -> HTMLResponse:
    """Say what will be done to a partition, and ask."""
    found = pipeline_of(dag_id)
    back = f"/dags/{dag_id}/partitions/{key}"
    return _ask(request, user, found, chosen(_of_partition(found, key), change), back, f"{found.display_name}, {key}")


@router.post("/partitions/{key}/{change}", dependencies=[Depends(refuse_foreign)])
def change_partition(
    request: Request, dag_id: str, key: str, change: str, user: User, seen: Seen = ""
) -> RedirectResponse:
    """Do it, and lead to the partition."""
    found = pipeline_of(dag_id)
    return _do(
        request, user, dag_id, chosen(_of_partition(found, key), change), seen, f"/dags/{dag_id}/partitions/{key}"
    )


@router.get("/model/{model}/{change}")
def ask_about_model(request: Request, dag_id: str, model: str, change: str, user: User) -> HTMLResponse:
    """Say what will be done about a model's champion, and ask."""
    found = pipeline_of(dag_id)
    return _ask(request, user, found, chosen(_of_model(found, model), change), f"/dags/{dag_id}/model", model)


@router.post("/model/{model}/{change}", dependencies=[Depends(refuse_foreign)])
def change_model(
    request: Request, dag_id: str, model: str, change: str, user: User, seen: Seen = ""
) -> RedirectResponse:
    """Do it, and lead to the models."""
    found = pipeline_of(dag_id)
    return _do(request, user, dag_id, chosen(_of_model(found, model), change), seen, f"/dags/{dag_id}/model")


def _of_partition(found: "Pipeline", key: str) -> list[Change]:
    from daybreak.monitoring.partition_account import read_account

    try:
        found.calendar.partition(key)
    except PartitionRefused as error:
        raise HTTPException(404, error.problem) from None
    opened = workspace()
    return changes_of_partition(found, key, read_account(opened.warehouse, found, key))


def _of_model(found: "Pipeline", model: str) -> list[Change]:
    from daybreak.monitoring.model_account import read_models

    if model not in {ref.name for ref in found.model_refs}:
        raise HTTPException(404, f"{found.name} has no model {model}.")
    opened = workspace()
    return changes_of_model(found, model, read_models(opened.warehouse, found))


def _ask(request: Request, user: User, found: "Pipeline", change: Change, back: str, about: str) -> HTMLResponse:
    token = token_for(request, user)
    return page(request, "ask.html", pipeline=found, change=change, back=back, about=about, token=token)


def _do(request: Request, user: User, dag_id: str, change: Change, seen: str, back: str) -> RedirectResponse:
    from urllib.parse import quote

    if seen != change.seen:
        raise HTTPException(409, "Things have changed since you looked. Look at the page again; nothing was done.")
    try:
        said = change.do(user)
    except DaybreakError as error:
        # A page that answers a form is asked for again by a reload: what was refused is said on the one after it.
        said = f"Nothing was done. {error.problem} What to do: {error.next_step}"
    _audit(request, user, dag_id, change, said)
    # An address that reads the same whatever is in it: `back` was made from names that were found.
    return RedirectResponse(f"{request.scope.get('root_path', '')}{quote(back)}?said={noted(said)}", 303)


def _audit(request: Request, user: User, dag_id: str, change: Change, said: str) -> None:
    from airflow.models.log import Log
    from airflow.utils.session import create_session

    extra = json.dumps({"command": change.command, "said": said, "page": request.url.path})
    entry = Log(
        event=f"daybreak_{change.name}",
        owner=user.get_id(),
        owner_display_name=user.get_name(),
        dag_id=dag_id,
        extra=extra,
    )
    with create_session() as session:
        session.add(entry)
