"""Files that somebody here waits for: one peer is asked after the other, and all who wait hear the answer.

Invariant: a file is asked of one peer at a time, however many wait for it.
Spec: docs/spec/gossip/session.md
"""

import asyncio
from collections.abc import Callable

from node.use_cases.context import Node

AskNext = Callable[[bytes, set[int]], bool]
"""Ask one more live session for a file, and add its number to those that were asked; False when there is none."""


class FileWaits:
    """Who waits for which file."""

    def __init__(self, node: Node, ask_next: AskNext) -> None:
        self._node = node
        self._ask_next = ask_next
        self._waits: dict[bytes, asyncio.Future[bool]] = {}

    async def fetch(self, sha256: bytes) -> bool:
        """Have a file from whichever peer has it; False when none of those now connected does."""
        if self._node.files.has(sha256):
            return True
        asked: set[int] = set()
        while True:
            waiting = self._waits.get(sha256)
            if waiting is None:
                waiting = self._waits[sha256] = asyncio.get_running_loop().create_future()
                if not self._ask_next(sha256, asked):
                    self.settle(sha256, False)
                    return False
            if await asyncio.shield(waiting):
                return True

    def settle(self, sha256: bytes, is_here: bool) -> None:
        """The file has come, or the peer that was asked does not have it."""
        waiting = self._waits.pop(sha256, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(is_here)

    async def store(self, sha256: bytes, raw: bytes) -> None:
        """Keep a file that came whole and hashes to its name."""
        await asyncio.to_thread(self._node.files.put, raw)
        self.settle(sha256, True)
