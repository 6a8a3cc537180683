"""HTTP to servers on this machine. To read every authority's certificate takes a client 20 ms, so it is done once."""

import ssl
from functools import cache

import httpx

from waiting import LONG


def loopback() -> httpx.Client:
    """Return a new client: it has no cookie of another's, and each of its requests has a connection of its own."""
    without = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(verify=_authorities(), trust_env=False, timeout=LONG, limits=without)


def is_well(url: str) -> bool:
    """Tell whether a server is there and well."""
    try:
        return loopback().get(url, timeout=10).is_success
    except httpx.TransportError:
        return False


@cache
def _authorities() -> ssl.SSLContext:
    return ssl.create_default_context()
