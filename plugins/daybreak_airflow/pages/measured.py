"""Measured: the metrics for Prometheus, with a token of their own, since a scraper cannot log in to Airflow."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import PlainTextResponse, Response

from daybreak.errors import DaybreakError
from daybreak_airflow.pages.opened import workspace

router = APIRouter()


@router.get("/metrics")
def metrics(authorization: Annotated[str, Header()] = "") -> Response:
    """Answer with all metrics as they stand now; without a token in the settings there is no such page."""
    from daybreak.monitoring.metric_queries import read_samples
    from daybreak.monitoring.prometheus_text import CONTENT_TYPE, exposition

    token = workspace().settings.metrics_token
    if token is None or not token.get_secret_value():
        return PlainTextResponse("DAYBREAK_METRICS_TOKEN is not set.\n", 404)
    scheme, _, given = authorization.partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.get_secret_value().encode())
    if not same or scheme.lower() != "bearer":
        return PlainTextResponse("The bearer token is another.\n", 401, {"WWW-Authenticate": "Bearer"})
    try:
        return Response(exposition(read_samples(workspace())), media_type=CONTENT_TYPE)
    except DaybreakError as error:
        return PlainTextResponse(f"{error}\n", 503)
