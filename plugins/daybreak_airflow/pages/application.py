"""The application of the pages: routes, what every answer carries, and what a person sees of an error."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.middleware.base import RequestResponseEndpoint

from daybreak.errors import DaybreakError, TransientError
from daybreak_airflow.pages import acting, looking, measured, pipelines
from daybreak_airflow.pages.rendering import page

_STATIC = Path(__file__).parent / "static"
# Nothing from elsewhere, no script but ours, and framed by Airflow alone.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def make_application() -> FastAPI:
    """Make the application, without pages of its own about its interface."""
    application = FastAPI(title="Daybreak", docs_url=None, redoc_url=None, openapi_url=None)
    application.middleware("http")(_with_headers)
    application.mount("/static", StaticFiles(directory=_STATIC), name="static")
    application.include_router(looking.router)
    application.include_router(pipelines.router)
    application.include_router(acting.router)
    application.include_router(measured.router)
    application.exception_handler(HTTPException)(_refused)
    application.exception_handler(DaybreakError)(_failed)
    application.exception_handler(Exception)(_unforeseen)
    return application


async def _with_headers(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _refused(request: Request, error: Any) -> Response:
    from airflow.api_fastapi.app import get_auth_manager

    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": error.detail}, error.status_code)
    if error.status_code == 401:
        return RedirectResponse(get_auth_manager().get_url_login(next_url=str(request.url)), 302)
    said = {403: "Your login may not see or do this.", 404: "There is no such page."}
    told = error.detail if error.status_code not in said or error.detail not in ("Forbidden", "Not Found") else ""
    return page(request, "refused.html", status=error.status_code, problem=told or said.get(error.status_code, ""))


def _unforeseen(request: Request, error: Exception) -> Response:
    """Say where the traceback is; the server writes it into its log, too."""
    from daybreak.unforeseen import as_ours
    from daybreak_airflow.pages.opened import workspace

    ours = as_ours(error, workspace().settings.tracebacks)
    return page(request, "refused.html", status=500, problem=ours.problem, next_step=ours.next_step)


def _failed(request: Request, error: Any) -> Response:
    status = 503 if isinstance(error, TransientError) else 500
    return page(request, "refused.html", status=status, problem=error.problem, next_step=error.next_step)
