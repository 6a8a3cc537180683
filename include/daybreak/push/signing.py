"""Sign a request, so that its receiver can tell who sent it, when, and that nothing was changed on the way."""

import hashlib
import hmac

from pydantic import SecretStr

KEY_HEADER = "Idempotency-Key"
TIMESTAMP_HEADER = "Request-Timestamp"
SIGNATURE_HEADER = "Request-Signature"


def signature(signing_key: SecretStr, timestamp: int, key: str, body: bytes) -> str:
    """Return the HMAC-SHA-256 over timestamp, idempotency key and body, in hex.

    The three are joined by full stops, which neither a timestamp nor a key contains.
    """
    signed = hmac.new(signing_key.get_secret_value().encode(), f"{timestamp}.{key}.".encode(), hashlib.sha256)
    signed.update(body)
    return signed.hexdigest()


def signed_headers(signing_key: SecretStr, timestamp: int, key: str, body: bytes) -> dict[str, str]:
    """Return the headers that name and sign a request."""
    return {
        KEY_HEADER: key,
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: f"v1={signature(signing_key, timestamp, key, body)}",
    }
