"""What a receiver's answer says: read defensively, because it comes from outside and may say anything.

An answer may repeat what it was sent. What of it gets into a message has no decimal numbers, no long codes and no
secrets, so that no prediction gets out by that way.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import msgspec

_LONGEST_SHOWN = 300
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
# Decimal fractions and powers of ten, but not the digits inside of an identifier.
_NUMBERS = re.compile(r"\d*[.,]\d+(?:[eE][+-]?\d+)?|(?<![\w-])\d+[eE][+-]?\d+(?![\w-])")
# Signatures, digests and encoded text. A UUID has 36 characters.
_CODES = re.compile(r"[A-Za-z0-9+/=_-]{40,}")


@dataclass(frozen=True)
class Results:
    """What became of the items of a chunk: acknowledged, or rejected with the reason."""

    acknowledged: tuple[str, ...]
    rejected: Mapping[str, str]


class _Listed(msgspec.Struct):
    offer_id: str
    status: Literal["accepted", "withdrawn", "rejected"]
    reason: Any = None


class _Answer(msgspec.Struct):
    results: list[_Listed]


_ANSWER = msgspec.json.Decoder(_Answer)


def read_results(body: bytes, items: Collection[str], secrets: Collection[str]) -> Results | None:
    """Read the result of every item; None unless the answer accounts for each of them exactly once."""
    try:
        listed = _ANSWER.decode(body).results
    except (ValueError, RecursionError):
        return None
    if len(listed) != len(items) or {each.offer_id for each in listed} != set(items):
        return None
    rejected = {
        each.offer_id: presentable(str(each.reason or "no reason given"), secrets)
        for each in listed
        if each.status == "rejected"
    }
    return Results(tuple(name for name in items if name not in rejected) if rejected else tuple(items), rejected)


def presentable(text: str, secrets: Collection[str]) -> str:
    """Make text from outside fit for a message: one short line without decimal numbers, long codes and secrets."""
    text = "".join(letter if letter.isprintable() else " " for letter in text[: 20 * _LONGEST_SHOWN])
    for secret in secrets:
        text = text.replace(secret, "…")
    text = " ".join(_NUMBERS.sub("…", _CODES.sub("…", text)).split())
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return how many seconds the receiver asks to wait, whichever of its two forms it uses.

    A date is read by the receiver's own clock where it gives it, so that a clock that is off does no harm.
    """
    asked = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(asked):
        return float(asked)
    until = _http_date(asked)
    if until is None:
        return None
    here = now or datetime.now(UTC)
    return max((until - (_http_date(headers.get("date", "")) or here)).total_seconds(), 0.0)


def _http_date(text: str) -> datetime | None:
    try:
        read = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
