"""Ports for servers that are told theirs before they listen."""

import os
import random
import socket

# Below those that the kernel gives to outgoing connections: it cannot give one away before its server has started.
FIRST, LAST = 20_000, 32_000
_drawn = random.Random(os.getpid())


def free_port() -> int:
    """Find a port on loopback that nobody listens on; processes of one session hardly ever draw the same."""
    while True:
        port = _drawn.randrange(FIRST, LAST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
