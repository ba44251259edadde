"""Ports of this machine that nobody listens on now."""

import socket
from contextlib import ExitStack


def find_free_ports(count: int) -> list[int]:
    """So many different free loopback ports: all are held at once, then let go."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
