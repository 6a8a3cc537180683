"""Ask a receiver which offers of a partition it still has: the only way to know what is to be withdrawn."""

import json
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from daybreak.delivery_answer import presentable
from daybreak.delivery_target import DeliveryTarget
from daybreak.errors import DeliveryRefused, DeliveryUnavailable

_PAGE = 1000
_AGAIN = (408, 425, 429)


def active_offers(target: DeliveryTarget, pipeline: str, partition: str) -> set[str]:
    """Return the ids of the offers that are active at the receiver.

    Raises DeliveryUnavailable after the target's deadline, DeliveryRefused where the receiver will not answer.
    """
    found: set[str] = set()
    headers = {"Authorization": f"Bearer {target.token.get_secret_value()}", "Accept": "application/json"}
    timeout = httpx.Timeout(target.read_seconds, connect=target.connect_seconds)
    with httpx.Client(
        verify=target.tls(), trust_env=False, follow_redirects=False, headers=headers, timeout=timeout
    ) as http:
        again = Retrying(
            retry=retry_if_exception_type(DeliveryUnavailable),
            stop=stop_after_delay(target.deadline_seconds),
            wait=wait_random_exponential(multiplier=target.first_pause_seconds, max=target.longest_pause_seconds),
            reraise=True,
        )
        while True:
            query = {"date": partition, "pipeline": pipeline, "state": "active", "limit": _PAGE, "offset": len(found)}
            page = again(_page, http, target, query)
            found.update(page)
            if len(page) < _PAGE:
                return found


def _page(http: httpx.Client, target: DeliveryTarget, query: dict[str, Any]) -> list[str]:
    try:
        body = bytearray()
        with http.stream("GET", target.url, params=query) as response:
            for piece in response.iter_bytes():
                body += piece
                if len(body) > target.max_answer_bytes:
                    raise _unavailable(target, "answers with more than can be read")
    except httpx.TransportError as error:
        raise _unavailable(target, f"did not answer ({type(error).__name__})") from None
    if response.status_code >= 500 or response.status_code in _AGAIN:
        raise _unavailable(target, f"answered {response.status_code}")
    if response.status_code != httpx.codes.OK:
        secrets = (target.token.get_secret_value(), target.signing_key.get_secret_value())
        said = presentable(body.decode(errors="replace"), secrets)
        raise DeliveryRefused(
            f"The receiver at {target.host} refused to list its offers ({response.status_code}): {said}.",
            next_step="check the connection's address and token.",
            status=response.status_code,
        )
    try:
        return [str(offer["offer_id"]) for offer in json.loads(body)["offers"]]
    except (ValueError, TypeError, KeyError):
        raise _unavailable(target, "answered with something that is no listing") from None


def _unavailable(target: DeliveryTarget, problem: str) -> DeliveryUnavailable:
    return DeliveryUnavailable(
        f"The receiver at {target.host} {problem} when it was asked for its offers.",
        next_step="the offers were sent; to withdraw outdated ones, `daybreak push --resume` when it is well.",
    )
