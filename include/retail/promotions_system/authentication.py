"""Who sent a request, and whether it is what they sent: token, timestamp and signature."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

from retail.promotions_system.documents import Refused
from retail.promotions_system.settings import PromotionsSettings

_KEY = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


def verify_token(settings: PromotionsSettings, headers: Mapping[str, str]) -> None:
    """Refuse a request that carries neither the token nor, while it is changed, that of before."""
    accepted = (f"Bearer {token.get_secret_value()}" for token in (settings.token, settings.previous_token) if token)
    if not _is_one_of(headers.get("authorization", ""), accepted):
        raise Refused(401, "token_wrong", "The bearer token is missing or wrong.", {"WWW-Authenticate": "Bearer"})


def read_key(headers: Mapping[str, str]) -> str:
    """Return the request's idempotency key."""
    key = headers.get("idempotency-key", "")
    if not _KEY.fullmatch(key):
        raise Refused(
            400, "idempotency_key_missing", "Idempotency-Key must be 16 to 128 of the characters A-Z a-z 0-9 _ -."
        )
    return key


def verify_signature(
    settings: PromotionsSettings, headers: Mapping[str, str], key: str, body: bytes, now: float
) -> None:
    """Refuse a request that was not signed with the key (or that of before, while it is changed), or not just now."""
    timestamp = headers.get("request-timestamp", "")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise Refused(401, "timestamp_wrong", "Request-Timestamp must be whole seconds since 1970-01-01 UTC.")
    if abs(now - int(timestamp)) > settings.timestamp_window_seconds:
        raise Refused(
            401,
            "timestamp_wrong",
            f"Request-Timestamp is more than {settings.timestamp_window_seconds:g} s off; it is {int(now)} here.",
        )
    signed = f"{timestamp}.{key}.".encode() + body
    accepted = (
        f"v1={hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()}"
        for secret in (settings.signing_key, settings.previous_signing_key)
        if secret
    )
    if not _is_one_of(headers.get("request-signature", ""), accepted):
        raise Refused(401, "signature_wrong", "Request-Signature is missing or does not match the request.")


def _is_one_of(given: str, accepted: Iterable[str]) -> bool:
    # Header values come decoded as Latin-1; each is compared in constant time.
    return any(hmac.compare_digest(given.encode("latin-1"), expected.encode()) for expected in accepted)
