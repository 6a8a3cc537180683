"""One HTTP client for all servers on this machine: to read every authority's certificate takes a new one 20 ms."""

from functools import cache

import httpx

from waiting import LONG


@cache
def loopback() -> httpx.Client:
    """Return the client; each of its requests has a connection of its own, as those of different clients have."""
    return httpx.Client(trust_env=False, timeout=LONG, limits=httpx.Limits(max_keepalive_connections=0))


def is_well(url: str) -> bool:
    """Tell whether a server is there and well."""
    try:
        return loopback().get(url).is_success
    except httpx.TransportError:
        return False
