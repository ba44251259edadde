"""What sessions have begun and the disk has not taken yet: so many pieces of work in all, so many bytes of one session.

Invariant: strong references are held to all of it, and all of it comes to its end before the node does.
Spec: docs/spec/gossip/session.md
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from protocol.gossip import limits

TASKS_MAX: Final = 1_024

Work = Coroutine[Any, Any, None]


class Backlog:
    """Work under way; a piece of it must not raise."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._bytes: dict[int, int] = {}
        self._eased = asyncio.Event()

    def spawn(self, work: Work) -> None:
        """Begin a piece of work that nobody need wait for."""
        self._tasks.add(task := asyncio.get_running_loop().create_task(work))
        task.add_done_callback(self._note_done)

    async def add(self, session: int, work: Work, raw_bytes: int) -> None:
        """Begin work on so many bytes of a session; returns when the session may bring more."""
        self._bytes[session] = self._bytes.get(session, 0) + raw_bytes
        self.spawn(self._weigh(session, work, raw_bytes))
        while self._bytes.get(session, 0) > limits.UNVERIFIED_BYTES_MAX or len(self._tasks) >= TASKS_MAX:
            self._eased.clear()
            await self._eased.wait()

    async def end(self) -> None:
        """Let all of it come to its end."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _weigh(self, session: int, work: Work, raw_bytes: int) -> None:
        try:
            await work
        finally:
            self._bytes[session] -= raw_bytes
            if not self._bytes[session]:
                del self._bytes[session]

    def _note_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._eased.set()
