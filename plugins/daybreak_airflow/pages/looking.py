"""The pages over all pipelines: Today, and the calendar of the last partitions."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from daybreak_airflow.pages.access import User, readable
from daybreak_airflow.pages.opened import workspace
from daybreak_airflow.pages.rendering import page

router = APIRouter()
SHOWN = 60


@router.get("/")
def first(request: Request) -> RedirectResponse:
    """Lead to Today."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/today", 302)


@router.get("/today")
def today(request: Request, user: User) -> HTMLResponse:
    """Show what needs a person, then one line a pipeline."""
    return page(request, "today.html", found=_standing(user), tab="today")


@router.get("/calendar")
def calendar(request: Request, user: User) -> HTMLResponse:
    """Show the last partitions of each pipeline."""
    return page(request, "calendar.html", found=_standing(user, count=SHOWN), tab="calendar", shown=SHOWN)


def _standing(user: User, **wanted: Any) -> Any:
    from daybreak.monitoring.standing import read_standing

    opened, allowed = workspace(), readable(user)
    declared = [pipeline for name, pipeline in opened.pipelines.items() if name in allowed]
    # What a broken declaration would show is not known, nor who may see it: whoever sees anything is told.
    broken = opened.declared.broken if declared else {}
    return read_standing(opened.warehouse, declared, datetime.now(UTC), broken=broken, **wanted)
