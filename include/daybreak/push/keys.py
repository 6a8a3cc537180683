"""Names that stay the same over retries, runs and crashes: of an item, and of a chunk of items.

What could be guessed and tried, such as a probability, is digested with a secret key.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from uuid import UUID, uuid5

from pydantic import SecretStr

# Names are unique below this one. It never changes: a receiver would take every offer for a new one.
_NAMESPACE = UUID("6c1b8c5e-6f0d-4b0a-9d43-7a2f4a0e5d11")
_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True)


def offer_id(pipeline: str, partition: str, entity_key: Sequence[str | int]) -> UUID:
    """Name one item of a partition; a number and the text of its digits are different keys."""
    return uuid5(_NAMESPACE, _joined(pipeline, partition, list(entity_key)))


def chunk_key(
    secret: SecretStr,
    pipeline: str,
    partition: str,
    model_version: int,
    snapshot_digest: str,
    position: int,
    content: bytes,
) -> str:
    """Name one chunk of a partition; it tells nothing of the content to whoever lacks the secret."""
    named = _joined(pipeline, partition, model_version, snapshot_digest, position)
    return _keyed(secret, "chunk key", named.encode(), content)


def content_digest(secret: SecretStr, content: bytes) -> str:
    """Digest content so that only who has the secret can tell what it was by trying."""
    return _keyed(secret, "content digest", content)


def _joined(*parts: str | int | list[str | int]) -> str:
    # As JSON, no two lists of parts read the same: ("a", "bc") is not ("ab", "c").
    return _JSON.encode(parts)


def _keyed(secret: SecretStr, purpose: str, *parts: bytes) -> str:
    # JSON has no line breaks outside of strings, and the content comes last: the parts cannot run into each other.
    text = b"\n".join((b"daybreak " + purpose.encode(), *parts))
    return hmac.new(secret.get_secret_value().encode(), text, hashlib.sha256).hexdigest()
