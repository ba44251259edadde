"""What happens when, and how long it is on its way: one queue of happenings in virtual time, wires between networks.

Invariant: the same seed gives the same run; what is on one wire arrives in the order in which it was sent.
Invariant: whoever has vanished does nothing and hears nothing; nobody is told, they notice it by silence.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final

NEAR_MS: Final = (4, 20)
FAR_MS: Final = (20, 120)
"""One way, within a network and between two; each pair of nodes draws its own."""
CALL_TURNS: Final = 5
"""Ways of a call before the called node judges it: TCP, TLS and the request."""
CALL_FAILS_MS: Final = 10_000

FRAME_CLASSES: Final[dict[int, str]] = {0x02: "lazy", 0x08: "eager", 0x09: "cosignatures", 0x0A: "forks"}
"""What a frame's first byte is counted as; all others are control. Entries that were asked for are told apart."""


class Queue:
    """Happenings in the order of their times."""

    def __init__(self, seed: int) -> None:
        self.now_ms = 0
        self.chance = Random(seed)  # noqa: S311
        self._count = 0
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []

    def put(self, at_ms: int, work: Callable[[], None]) -> None:
        """Do something at a time."""
        self._count += 1
        heapq.heappush(self._waiting, (max(at_ms, self.now_ms), self._count, work))

    def run_until(self, until_ms: int, is_done: Callable[[], bool] = lambda: False) -> None:
        """Let time pass, to the end or until something is so."""
        while self._waiting and self._waiting[0][0] <= until_ms:
            self.now_ms, _, work = heapq.heappop(self._waiting)
            work()
            if is_done():
                return
        self.now_ms = until_ms


class Wires:
    """How long the way between two nodes takes, and what has arrived over it, in bytes."""

    def __init__(self, queue: Queue, networks: dict[str, str]) -> None:
        self._queue = queue
        self._networks = networks
        self._delays: dict[frozenset[str], int] = {}
        self.received: Counter[str] = Counter()
        """Bytes by class over all nodes, as they arrive."""

    def delay_ms(self, one: str, other: str) -> int:
        """One way between two nodes."""
        pair = frozenset((one, other))
        if pair not in self._delays:
            bounds = NEAR_MS if self._networks[one] == self._networks[other] else FAR_MS
            self._delays[pair] = self._queue.chance.randint(*bounds)
        return self._delays[pair]

    def note(self, raw: bytes, is_asked_for: bool) -> None:
        """Count a frame that has arrived."""
        found = FRAME_CLASSES.get(raw[0], "control")
        self.received["fetched" if found == "eager" and is_asked_for else found] += len(raw)
