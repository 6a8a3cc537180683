"""Where chunks are delivered to, as whom, and how long that may take. A target that is not safe cannot be made."""

import re
import ssl
from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import httpx
from pydantic import SecretStr

from daybreak.errors import ConfigurationError

# What RFC 6750 allows in a bearer token. So it can break no header, and nothing needs to be escaped where it is echoed.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)
_SHORTEST_KEY = 32


@dataclass(frozen=True, kw_only=True)
class DeliveryTarget:
    """One receiver: https, or http on this very machine, at a host that is allowed.

    Times are in seconds. ``request_seconds`` bounds one request whole, from the connection to the last byte of its
    answer; ``deadline_seconds`` bounds the delivery with all its repetitions. After ``open_circuit_after`` failures
    without an answer between them, over all requests in flight, the delivery stops. Every ``receipt_seconds`` receipts
    are written down, which also tells whether the partition's lock is still held; those that a killed process had not
    written are sent again under the same key, and answered with the first answer.
    """

    base_url: str = field(repr=False)
    path: str
    token: SecretStr
    signing_key: SecretStr
    allowed_hosts: Collection[str]
    ca_file: Path | None = None
    max_in_flight: int = 4
    connect_seconds: float = 5
    read_seconds: float = 15
    request_seconds: float = 30
    deadline_seconds: float = 600
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 30
    open_circuit_after: int = 50
    receipt_seconds: float = 0.2
    max_answer_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        """Refuse what is not safe or makes no sense."""
        self._refuse_url()
        self._refuse_secrets()
        times = ("connect", "read", "request", "deadline", "first_pause", "longest_pause", "receipt")
        for name in (*(f"{time}_seconds" for time in times), "max_in_flight", "open_circuit_after", "max_answer_bytes"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"The delivery's {name} is not above 0.", next_step="give a larger number.")

    @property
    def url(self) -> httpx.URL:
        """The address that chunks are posted to."""
        return httpx.URL(self.base_url.rstrip("/") + self.path)

    @property
    def host(self) -> str:
        """The receiver's host, as messages name it."""
        return self.url.host

    def tls(self) -> ssl.SSLContext:
        """Make the context that verifies the receiver's certificate, by the given authorities or the usual ones."""
        if self.url.scheme == "http":
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used, and quicker to make
        if self.ca_file is None:
            return httpx.create_ssl_context(trust_env=False)
        try:
            return ssl.create_default_context(cafile=str(self.ca_file))
        except OSError as error:
            raise ConfigurationError(
                f"The certificate authorities in {self.ca_file} cannot be read ({error.strerror or error}).",
                next_step="name a PEM file with the certificate of the authority that signed the receiver's.",
            ) from None

    def _refuse_url(self) -> None:
        try:
            url = httpx.URL(self.base_url)
        except (httpx.InvalidURL, ValueError):
            url = httpx.URL()
        if url.scheme not in ("http", "https") or not url.host:
            raise ConfigurationError(
                "The receiver's address is not one of http or https.",
                next_step="give it as https://HOST or https://HOST:PORT.",
            )
        if url.userinfo or url.query or url.fragment or not _PATH.fullmatch(self.path):
            raise ConfigurationError(
                f"The receiver's address at {url.host} has more than scheme, host, port and a plain path.",
                next_step="give the token as the connection's password, and nothing after the path.",
            )
        if url.host.lower() not in {host.lower() for host in self.allowed_hosts}:
            raise ConfigurationError(
                f"The host {url.host} is not allowed to receive deliveries.",
                next_step="correct the address, or add the host to the allow-list of the settings.",
            )
        if url.scheme == "http" and not _is_loopback(url.host):
            raise ConfigurationError(
                f"Plain http to {url.host} would show the token and the offers to everybody on the way.",
                next_step="use https; plain http is for this very machine (127.0.0.1).",
            )

    def _refuse_secrets(self) -> None:
        if not _TOKEN.fullmatch(self.token.get_secret_value()):
            raise ConfigurationError(
                "The delivery's token is empty or has characters that no bearer token has.",
                next_step="copy the token from the receiver again, without blanks and line breaks.",
            )
        if len(self.signing_key.get_secret_value()) < _SHORTEST_KEY:
            raise ConfigurationError(
                f"The delivery's signing key has fewer than {_SHORTEST_KEY} characters.",
                next_step="make one (`openssl rand -hex 32`) and give it to the receiver too.",
            )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
