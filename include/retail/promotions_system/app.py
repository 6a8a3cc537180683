"""The promotions system's HTTP interface. docs/promotions-api.md describes it for those who call it."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import ASGIApp

from retail.promotions_system import contract
from retail.promotions_system.authentication import read_key, verify_signature, verify_token
from retail.promotions_system.documents import PIPELINE, Listing, Problem, Refused, State
from retail.promotions_system.faults import Faults, serve_faults
from retail.promotions_system.misbehaving import Misbehaving
from retail.promotions_system.reading import read_chunk
from retail.promotions_system.settings import PromotionsSettings
from retail.promotions_system.store import Store

_JSON = "application/json"
# What is still to come of the request is not waited for.
_CLOSE = {"Connection": "close"}
# Only for the OpenAPI document: what it finds is verified below, in constant time.
_bearer = HTTPBearer(auto_error=False)


def create_app(settings: PromotionsSettings, faults: Faults | None = None) -> ASGIApp:
    """Build the service; with faults given or allowed for, it can be told to misbehave."""
    store = Store(settings.database_url.get_secret_value())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await store.prepare()
        yield
        await store.close()

    app = FastAPI(
        title="Promotions system",
        version="1",
        description="Takes offers in chunks, each exactly once, and lists them.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    _answer_problems(app)
    verified = _verifier(settings)
    _serve_offers(app, settings, store, verified)
    contract.describe(app)
    if faults is None and not settings.allow_faults:
        return app
    faults = faults or Faults()
    serve_faults(app, faults, verified)
    return Misbehaving(app, faults)


def _serve_offers(
    app: FastAPI, settings: PromotionsSettings, store: Store, verified: Callable[..., Awaitable[None]]
) -> None:
    @app.post(
        "/v1/offers", dependencies=[Depends(verified)], responses=contract.ANSWERS, openapi_extra=contract.TAKES_CHUNK
    )
    async def take_chunk(request: Request) -> Response:
        """Take in a chunk of offers and withdrawals, all items that are right or, on a repetition, none."""
        key = read_key(request.headers)
        body = await _read(request, settings)
        verify_signature(settings, request.headers, key, body, time.time())
        answer = await store.receive(key, hashlib.sha256(body).digest(), read_chunk(body))
        headers = {"Idempotent-Replayed": "true"} if answer.repeated else None
        return Response(answer.text, answer.status, headers, _JSON)

    @app.get("/v1/offers", dependencies=[Depends(verified)], responses={n: contract.REFUSALS[n] for n in (400, 401)})
    async def list_offers(
        date: Annotated[date, Query(description="The partition.")],
        pipeline: Annotated[str | None, Query(pattern=PIPELINE)] = None,
        state: State | None = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
        offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    ) -> Listing:
        """List the offers of a day by rank, and count all of them by state."""
        return await store.listing(date, pipeline, state, limit, offset)

    @app.get("/v1/health", responses={503: contract.REFUSALS[503]})
    async def health() -> dict[str, str]:
        """Tell whether offers can be taken in."""
        await store.check()
        return {"status": "ok"}


def _verifier(settings: PromotionsSettings) -> Callable[..., Awaitable[None]]:
    async def verified(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        verify_token(settings, request.headers)

    return verified


def _answer_problems(app: FastAPI) -> None:
    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return Response(error.problem.model_dump_json(), error.status, error.headers, _JSON)

    @app.exception_handler(RequestValidationError)
    async def not_understood(_: Request, error: RequestValidationError) -> Response:
        # FastAPI's own answer would repeat what was sent.
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        return Response(Problem(code="request_wrong", message=said).model_dump_json(), 400, media_type=_JSON)

    @app.exception_handler(Exception)
    async def failed(_: Request, __: Exception) -> Response:
        problem = Problem(code="failed", message="The promotions system failed. Its log says why.")
        return Response(problem.model_dump_json(), 500, media_type=_JSON)


async def _read(request: Request, settings: PromotionsSettings) -> bytes:
    body, limit = bytearray(), settings.max_body_bytes
    try:
        async with asyncio.timeout(settings.body_seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    raise Refused(413, "chunk_too_large", f"A chunk may have {limit:,} bytes.", _CLOSE)
    except TimeoutError:
        raise Refused(
            408, "chunk_slow", f"The chunk did not arrive within {settings.body_seconds:g} s.", _CLOSE
        ) from None
    return bytes(body)
