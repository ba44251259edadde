"""A co-op's machine in a simulated region: real home, storage and use cases; it can be switched off at any instant.

Invariant: what a crash leaves is the folder alone; no task of a life that is over goes on.
"""

import asyncio
import random
import sqlite3
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from node.config import Config
from node.simulation.world.lives import begin_life
from node.simulation.world.virtual_time import SeededClock, pass_time
from node.use_cases.context import Node
from node.use_cases.federation.keeper import RosterKeeper
from node.use_cases.home import open_node
from node.use_cases.planning.rounds.planner import Planner
from node.use_cases.planning.rounds.run import PlanRun
from node.use_cases.receive import Receiver
from storage.database import Database

DISK_S = (0.0005, 0.008)
ACKNOWLEDGED_S = 0.0004
"""Between the commit and the word of it: a crash in between leaves a record that nobody here remembers."""

Result = TypeVar("Result")


class SlowDisk(Database):
    """The real database on a disk that takes its time, one change after the other, in virtual time."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        super().__init__(path)
        # A crash here ends a process, never the operating system under it: nothing need reach the platter.
        self._writer.execute("PRAGMA synchronous=OFF")
        self._chance = chance
        self._free_s = 0.0

    async def write(self, change: Callable[[sqlite3.Connection], Result]) -> Result:
        now_s = asyncio.get_running_loop().time()
        self._free_s = max(self._free_s, now_s) + self._chance.uniform(*DISK_S)
        await pass_time(self._free_s - now_s)
        try:
            return self.write_and_wait(change)
        finally:
            await pass_time(ACKNOWLEDGED_S)


class Journal:
    """What a node logs; what it did not expect is kept and fails the test."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def info(self, event: str, **fields: object) -> None:
        """Nothing to see to."""

    def warning(self, event: str, **fields: object) -> None:
        """A person would be told; a test looks at the node itself."""

    def error(self, event: str, **fields: object) -> None:
        self.faults.append(f"{event} {fields}")

    def exception(self, event: str, **fields: object) -> None:
        self.faults.append(f"{event} {fields}\n{traceback.format_exc()}")


class Machine:
    """One home and, while it is up, the node that runs it."""

    def __init__(self, home: Path, seed: int, journal: Journal, plans: bool = True) -> None:
        self.config = Config(home=home, name=home.name)
        self.name = home.name
        self.journal = journal
        self.boots = 0
        self.plans = plans
        self._seed = seed
        self._node: Node | None = None
        self._receiver: Receiver | None = None
        self._life, self._context = begin_life()

    @property
    def is_up(self) -> bool:
        return self._node is not None

    @property
    def node(self) -> Node:
        assert self._node is not None, f"{self.name} is down"
        return self._node

    @property
    def receiver(self) -> Receiver:
        assert self._receiver is not None
        return self._receiver

    @property
    def keeper(self) -> RosterKeeper:
        found = self.node.parts["roster"]
        assert isinstance(found, RosterKeeper)
        return found

    @property
    def run(self) -> PlanRun | None:
        """The one plan call of the region as this node follows it."""
        planner = self.node.parts.get("planner")
        if not isinstance(planner, Planner):
            return None
        call = next(iter(planner.describe()), None)
        return None if call is None else planner.run_of(bytes.fromhex(call))

    async def boot(self, make_peering: Callable[["Machine", Node], object]) -> None:
        """Open the home from its folder and start what a node runs."""
        assert not self.is_up
        self.boots += 1
        self._life, self._context = begin_life()
        chance = random.Random(f"{self._seed} {self.name} {self.boots}")
        node = open_node(self.config, SeededClock(f"{self.name} {self.boots}"))
        node.database.close()
        node.database = SlowDisk(node.config.database_path, chance)
        node.log = self.journal
        node.parts["peering"] = make_peering(self, node)
        self._node, self._receiver = node, Receiver(node)
        await self.do(self._start_parts(node))

    async def _start_parts(self, node: Node) -> None:
        keeper = node.parts["roster"] = RosterKeeper(node)
        self.receiver.resume()
        if self.plans:
            node.parts["planner"] = Planner(node)
        above = node.parts["roster_above"] = RosterKeeper(node, above=True)
        await keeper.start()
        await above.start()
        if self.plans:
            await node.parts["planner"].start()

    def begin(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        """Have this machine do something: it ends with the machine's life."""
        return asyncio.get_running_loop().create_task(work, context=self._context)

    async def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Have this machine do something, and wait for it."""
        return await self.begin(work)

    def crash(self) -> None:
        """Power cut: what is not on disk is gone, and so is whoever waited for it."""
        node, self._node, self._receiver = self.node, None, None
        self._life.end()
        node.database.close()
