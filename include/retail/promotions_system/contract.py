"""What FastAPI cannot see by itself: a chunk is read as bytes, because its signature is over bytes."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from retail.promotions_system.documents import Chunk, ChunkAnswer, Problem

REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The chunk cannot be read, or a header is missing. Nothing was kept."},
    401: {"model": Problem, "description": "Token, timestamp or signature is wrong. Nothing was kept."},
    408: {"model": Problem, "description": "The chunk did not arrive in time. Nothing was kept."},
    409: {"model": Problem, "description": "The Idempotency-Key came with another body before. Nothing was kept."},
    413: {"model": Problem, "description": "The chunk is too large. Nothing was kept."},
    503: {"model": Problem, "description": "The database does not answer. Try again after Retry-After seconds."},
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": ChunkAnswer, "description": "Every item was accepted or withdrawn."},
    207: {"model": ChunkAnswer, "description": "Some items were rejected; the others were accepted or withdrawn."},
    **REFUSALS,
}
TAKES_CHUNK: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Chunk"}}},
    },
    "parameters": [
        {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string", **schema}}
        for name, text, schema in (
            ("Idempotency-Key", "Names the chunk; the same chunk keeps it.", {"pattern": "^[A-Za-z0-9_-]{16,128}$"}),
            ("Request-Timestamp", "Whole seconds since 1970-01-01 UTC.", {"pattern": "^[0-9]{1,12}$"}),
            (
                "Request-Signature",
                "v1= and the HMAC-SHA-256, in hex, of timestamp, full stop, key, full stop, body.",
                {"pattern": "^v1=[0-9a-f]{64}$"},
            ),
        )
    ],
}


def describe(app: FastAPI) -> None:
    """Let the app's OpenAPI document name the chunk too."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            _, sent = models_json_schema([(Chunk, "validation")], ref_template="#/components/schemas/{model}")
            document["components"]["schemas"].update(sent["$defs"])
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
