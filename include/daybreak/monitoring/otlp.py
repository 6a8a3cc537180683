"""OTLP: what spans and metrics have in common on their way to a collector: who sends, and for how long it may take."""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from daybreak.settings import otlp_timeout_set

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

# Seconds: of an export, unless OTEL_EXPORTER_OTLP_TIMEOUT says otherwise, and of waiting for what is under way.
EXPORT, PATIENCE = 1.0, 3.0
NEXT = "Next: check OTEL_EXPORTER_OTLP_ENDPOINT and what answers there; the run itself is not concerned."


def exporter_timeout() -> float | None:
    """Return the bound of an export, None where the environment has one: ten seconds would hold a task's slot."""
    return None if otlp_timeout_set() else EXPORT


def resource() -> "Resource":
    """Return who sends: the service's name is `daybreak`, unless OpenTelemetry's own variables say otherwise."""
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource

    found = Resource.create()
    unnamed = str(found.attributes.get(SERVICE_NAME, "")).startswith("unknown_service")
    return found.merge(Resource({SERVICE_NAME: "daybreak"})) if unnamed else found


def in_time(send: Callable[[], object]) -> bool:
    """Call in a thread and wait for it no longer than ``PATIENCE``; tell whether it came to its end.

    The exporters write their own lines about what did not arrive, one for each try: ours says it once.
    """
    exporters = logging.getLogger("opentelemetry")
    before, exporters.level = exporters.level, logging.CRITICAL
    sending = threading.Thread(target=send, name="daybreak-otlp", daemon=True)
    sending.start()
    sending.join(PATIENCE)
    exporters.level = before
    return not sending.is_alive()
