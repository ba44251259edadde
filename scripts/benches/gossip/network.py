"""Where the measured processes meet: a network of their own with nothing but loopback, where we may have one.

Invariant: bytes on the wire are those that crossed loopback while nobody else could be on it.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from scripts.benches.gossip.homes import HOST

IS_ALONE: Final = "ROCHDALE_BENCH_ALONE"
"""Set in the environment of a process that runs in a network of its own."""
UP_AND_RUN: Final = 'ip link set lo up && exec "$@"'


def enter_own_network(words: Sequence[str]) -> None:
    """Begin this program anew in an empty network; return where that cannot be had, or is so already."""
    tools = [shutil.which(name) for name in ("unshare", "ip", "sh")]
    if is_alone() or os.geteuid() != 0 or None in tools:
        return
    inside = [str(tools[0]), "--net", str(tools[2]), "-c", UP_AND_RUN, "sh"]
    # A container may forbid what root may do elsewhere.
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode == 0:  # noqa: S603
        os.execve(inside[0], [*inside, sys.executable, *words], {**os.environ, IS_ALONE: "1"})  # noqa: S606


def is_alone() -> bool:
    """Whether nobody else is on our loopback."""
    return IS_ALONE in os.environ


def count_wire_bytes() -> int:
    """Bytes that have crossed loopback so far, headers and acknowledgements counted."""
    lines = Path("/proc/self/net/dev").read_text().splitlines()
    line = next(line for line in lines if line.strip().startswith("lo:"))
    return int(line.partition(":")[2].split()[0])


def find_port() -> int:
    """A port that is free at the moment."""
    with socket.create_server((HOST, 0)) as listening:
        return int(listening.getsockname()[1])
