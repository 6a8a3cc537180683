"""Ask a receiver which offers of a partition it still has: the only way to know what is to be withdrawn."""

import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from daybreak.errors import DeliveryRefused, DeliveryUnavailable
from daybreak.push.answer import presentable, retry_after
from daybreak.push.target import DeliveryTarget

# Some 400 bytes an offer: a page stays below half of what is read of an answer.
_PAGE = 1000
_AGAIN = (408, 425, 429)


def active_offers(target: DeliveryTarget, pipeline: str, partition: str) -> Iterator[tuple[list[UUID], int]]:
    """Yield the ids of the offers that are active at the receiver, page by page, and how many it counts in all.

    Raises DeliveryUnavailable after the target's deadline, which all pages share, and DeliveryRefused where the
    receiver will not answer.
    """
    headers = {"Authorization": f"Bearer {target.token.get_secret_value()}", "Accept": "application/json"}
    timeout = httpx.Timeout(target.read_seconds, connect=target.connect_seconds)
    again = _tries(target)
    with httpx.Client(
        verify=target.tls(), trust_env=False, follow_redirects=False, headers=headers, timeout=timeout
    ) as http:
        offset, last = 0, None
        while True:
            query = {"date": partition, "pipeline": pipeline, "state": "active", "limit": _PAGE, "offset": offset}
            page, active = again(_page, http, target, query)
            if page and page == last:
                raise _unavailable(target, "lists the same offers again and again")
            yield page, active
            if len(page) < _PAGE:
                return
            offset, last = offset + len(page), page


def _tries(target: DeliveryTarget) -> Retrying:
    deadline = time.monotonic() + target.deadline_seconds
    backoff = wait_random_exponential(multiplier=target.first_pause_seconds, max=target.longest_pause_seconds)

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked: float | None = error.details["pause"] if isinstance(error, DeliveryUnavailable) else None
        # Never earlier than asked; a little later, so that not all come back at once.
        return backoff(state) if asked is None else asked + min(backoff(state), target.first_pause_seconds)

    def late(state: RetryCallState) -> bool:
        return time.monotonic() + state.upcoming_sleep >= deadline

    return Retrying(retry=retry_if_exception_type(DeliveryUnavailable), stop=late, wait=pause, reraise=True)


def _page(http: httpx.Client, target: DeliveryTarget, query: dict[str, Any]) -> tuple[list[UUID], int]:
    ends = time.monotonic() + target.request_seconds
    try:
        body = bytearray()
        with http.stream("GET", target.url, params=query) as response:
            for piece in response.iter_bytes():
                body += piece
                if len(body) > target.max_answer_bytes:
                    raise _unavailable(target, "answers with more than can be read")
                if time.monotonic() > ends:
                    raise _unavailable(target, "gave no whole answer in time")
    except httpx.TransportError as error:
        raise _unavailable(target, f"did not answer ({type(error).__name__})") from None
    if response.status_code >= 500 or response.status_code in _AGAIN:
        raise _unavailable(target, f"answered {response.status_code}", retry_after(response.headers))
    if response.status_code != httpx.codes.OK:
        secrets = (target.token.get_secret_value(), target.signing_key.get_secret_value())
        said = presentable(body.decode(errors="replace"), secrets)
        raise DeliveryRefused(
            f"The receiver at {target.host} refused to list its offers ({response.status_code}): {said}.",
            next_step="check the connection's address and token.",
            status=response.status_code,
        )
    try:
        listing = json.loads(body)
        return [UUID(offer["offer_id"]) for offer in listing["offers"]], int(listing["counts"]["active"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _unavailable(target, "answered with something that is no listing") from None


def _unavailable(target: DeliveryTarget, problem: str, pause: float | None = None) -> DeliveryUnavailable:
    return DeliveryUnavailable(
        f"The receiver at {target.host} {problem} when it was asked for its offers.",
        next_step="the offers were sent; to withdraw outdated ones, `daybreak push --resume` when it is well.",
        pause=pause,
    )
