"""The home's database in virtual time: the same commits, made on the loop, acknowledged a moment after.

Invariant: what is waiting together is committed together, and acknowledged only after the commit; power may fail in
between.
Spec: docs/spec/simulation.md
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from node.simulation.world.disk.eager_connection import MomentConnection
from node.simulation.world.disk.platter import Platter
from node.simulation.world.disk.sqlite_vfs import open_platter
from node.simulation.world.lives import Life
from node.simulation.world.virtual_time import settle
from storage.database import Database

DISK_S = (0.0005, 0.008)
ACKNOWLEDGED_S = 0.0004
"""Between the commit and the word of it: a crash in between leaves a change that nobody here remembers."""

Result = TypeVar("Result")


class SimulatedDatabase(Database):
    """The real database on a platter."""

    def __init__(self, path: Path, platter: Platter, life: Life, chance: Random, committed: Callable[[], None]) -> None:
        """`committed` is called after every commit."""
        self._platter, self._life, self._chance, self._committed = platter, life, chance, committed
        self._is_writing = False
        started = platter.life
        super().__init__(path)
        self._glance.is_powered = lambda: platter.life == started

    async def write(self, change: Callable[[sqlite3.Connection], Result]) -> Result:
        loop = asyncio.get_running_loop()
        told: asyncio.Future[Result] = loop.create_future()
        self._enqueue(change).add_done_callback(partial(self._acknowledge, loop, told))
        self._begin_group()
        return await told

    def write_and_wait(self, change: Callable[[sqlite3.Connection], Result]) -> Result:
        done = self._enqueue(change)
        self._write_group()
        result: Result = done.result()
        return result

    def count_waiting(self) -> int:
        """How many changes wait for the disk."""
        return self._queue.qsize()

    def _connect(self) -> sqlite3.Connection:
        return open_platter(self._platter, self.path)

    @property
    def _glance(self) -> MomentConnection:
        assert isinstance(self.reader, MomentConnection)
        return self.reader

    def _start(self) -> None:
        """The loop writes."""

    def _stop(self) -> None:
        """What waits for the disk at the end of a life is lost."""

    def _begin_group(self) -> None:
        if not self._is_writing and not self._life.is_over:
            self._is_writing = True
            asyncio.get_running_loop().call_later(self._chance.uniform(*DISK_S), self._write_waiting)

    def _write_waiting(self) -> None:
        self._is_writing = False
        if not self._life.is_over:
            self._write_group()
        if not self._queue.empty():
            self._begin_group()

    def _write_group(self) -> None:
        first = None if self._queue.empty() else self._queue.get_nowait()
        if first is not None:
            group, _ = self._take_group(first)
            self._glance.leave_moment()
            self._commit(group)
            # A change may have looked at what was before it.
            self._glance.leave_moment()
            if not self._life.is_over:
                self._committed()

    def _acknowledge(self, loop: asyncio.AbstractEventLoop, told: "asyncio.Future[Any]", done: "Future[Any]") -> None:
        # A life that ended in this commit hears nothing of it.
        if not self._life.is_over and not done.cancelled():
            error = done.exception()
            loop.call_later(ACKNOWLEDGED_S, settle, told, None if error else done.result(), error)
