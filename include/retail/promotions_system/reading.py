"""Read a chunk: the items that can be accepted, and the reasons why others cannot."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from retail.promotions_system.documents import Chunk, Refused

_LISTS = ("offers", "withdrawn")


@dataclass(frozen=True)
class Reading:
    """A chunk without its bad items, the reasons for those, and all items in the order in which they were sent."""

    chunk: Chunk
    rejected: dict[UUID, str]
    order: tuple[UUID, ...]


def read_chunk(body: bytes) -> Reading:
    """Read a chunk, refusing it whole where no item of it could be answered for."""
    rejected: dict[UUID, str] = {}
    try:
        chunk = Chunk.model_validate_json(body)
        order = (*(offer.offer_id for offer in chunk.offers), *chunk.withdrawn)
    except ValidationError as error:
        chunk, rejected, order = _without_bad_items(body, error.errors(include_url=False, include_input=False))
    if not order:
        raise Refused(400, "chunk_wrong", "The chunk has no items.")
    if len(set(order)) != len(order):
        raise Refused(400, "chunk_wrong", "An offer_id occurs more than once in the chunk.")
    return Reading(chunk, rejected, order)


def _without_bad_items(body: bytes, errors: Sequence[ErrorDetails]) -> tuple[Chunk, dict[UUID, str], tuple[UUID, ...]]:
    bad: dict[tuple[str, int], str] = {}
    for error in errors:
        place = error["loc"]
        if len(place) < 2 or place[0] not in _LISTS or not isinstance(place[1], int):
            raise Refused(400, "chunk_wrong", _said(place, error["msg"]))
        bad.setdefault((str(place[0]), place[1]), _said(place[2:], error["msg"]))
    try:
        sent: dict[str, list[Any]] = json.loads(body)
    except (ValueError, RecursionError):  # such as a number of thousands of digits
        raise Refused(400, "chunk_wrong", "The chunk cannot be read as JSON.") from None
    rejected = {_item_id(sent, place): reason for place, reason in bad.items()}
    order = tuple(_item_id(sent, (name, n)) for name in _LISTS for n in range(len(sent.get(name, []))))
    good = {name: [item for n, item in enumerate(sent.get(name, [])) if (name, n) not in bad] for name in _LISTS}
    return Chunk.model_validate_json(json.dumps({**sent, **good})), rejected, order


def _item_id(sent: dict[str, list[Any]], place: tuple[str, int]) -> UUID:
    name, position = place
    item = sent[name][position]
    try:
        return UUID(item["offer_id"] if name == "offers" else item)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Refused(400, "chunk_wrong", f"{name}.{position} has no readable offer_id to answer it by.") from None


def _said(place: Sequence[int | str], message: str) -> str:
    return f"{'.'.join(map(str, place))}: {message}" if place else message
