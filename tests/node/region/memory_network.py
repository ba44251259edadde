"""Peering without sockets: what nodes say reaches the others late, twice, out of order, batched or not at all.

Invariant: everything comes in by the real admission; the network decides only when, in which order and by whom.
Invariant: it is fair: whatever is lost is sent again while both ends are up, so every log arrives in the end.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from node.simulation.world.lives import keep_tasks
from node.simulation.world.virtual_time import VirtualTimeLoop, pass_time, run_in_virtual_time
from node.use_cases.context import Node
from node.use_cases.home import is_home
from node.use_cases.peers import PeeringReport
from node.use_cases.receive import BranchError
from protocol.core.errors import PeerError
from protocol.log.bundle import BUNDLE_ENTRIES, count_bundles, format_bundle
from storage.log import log_store
from storage.peers import peer_state
from tests.node.region.machine import Journal, Machine

DELAY_S = (0.03, 0.3)
LOST = 0.05
TWICE = 0.1
HANDED_ON = 0.2
OVERLAP_MAX = 3
LEVEL_EVERY_S = 0.5
TRANSFER_FROM = 12
"""Whoever is further behind than this gets whole bundles instead of a push."""
LOOK_EVERY_S = 0.05

Result = TypeVar("Result")


class Push(NamedTuple):
    """New entries of a log under the head that they lead to, as they stood when they were sent."""

    origin: str
    start: int
    entries: int
    note: bytes
    raw: bytes


class Bundles(NamedTuple):
    """All of a log from its bundle `first` on."""

    origin: str
    first: int
    note: bytes
    roots: bytes
    raws: tuple[bytes, ...]


class MemoryPeering:
    """What use cases want of the running sessions."""

    port = 4_001

    def __init__(self, network: "MemoryNetwork", machine: Machine, node: Node) -> None:
        self._network, self._machine, self._node = network, machine, node
        self.pinned: frozenset[str] = frozenset()
        self.refresh()

    def refresh(self) -> None:
        self.pinned = frozenset(peer.origin for peer in peer_state.peers(self._node.database.reader))

    def describe(self) -> PeeringReport:
        return PeeringReport(self.port, 0, ())

    async def fetch_file(self, sha256: bytes) -> bool:
        for other in self._network.list_linked(self._machine):
            await pass_time(self._network.draw_delay_s())
            raw = other.node.files.get(sha256) if other.is_up else None
            if raw is not None:
                return self._node.files.put(raw) == sha256
        return False


class MemoryNetwork:
    """All machines of a region and what is on its way between them."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.journal = Journal()
        self.machines: list[Machine] = []
        self.delivered = self.gaps = self.transfers = 0
        self.withheld: set[tuple[str, Machine]] = set()
        """Logs that do not reach a machine at all, by whomever."""
        self._held: dict[Machine, bool] = {}
        self._waiting: list[tuple[Machine, Machine, Push | Bundles]] = []
        self._busy: set[tuple[Machine, str]] = set()
        self._leveller: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to carry."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        keep_tasks(loop)
        loop.set_exception_handler(lambda _, found: self.journal.faults.append(str(found)))
        self._leveller = loop.create_task(self._level_for_ever())

    def __getitem__(self, name: str) -> Machine:
        return next(machine for machine in self.machines if machine.name == name)

    async def add(self, home: Path, plans: bool = True) -> Machine:
        """Boot one more machine from its folder."""
        machine = Machine(home, self.seed, self.journal, plans)
        self.machines.append(machine)
        await self.boot(machine)
        return machine

    async def boot(self, machine: Machine) -> None:
        """Switch a machine on."""
        await machine.boot(lambda machine, node: MemoryPeering(self, machine, node))
        machine.node.changes.add_listener(lambda origin, start, _: self._hear(machine, origin, start))

    def stop(self) -> None:
        """Switch everything off."""
        if self._leveller is not None:
            self._leveller.cancel()
        for machine in self.machines:
            if machine.is_up:
                machine.crash()

    def hold(self, machine: Machine, both_ways: bool) -> None:
        """Make a machine late: what it says, and perhaps what it should hear, stays on the way."""
        self._held[machine] = both_ways

    def release(self, machine: Machine) -> None:
        """Let everything that was held back go on."""
        self._held.pop(machine, None)
        waiting, self._waiting = self._waiting, []
        for source, target, message in waiting:
            self._send(source, target, message)

    def list_linked(self, machine: Machine) -> list[Machine]:
        """Machines that are up and have pinned this one as it has pinned them, in some order."""
        found = [other for other in self.machines if _are_linked(machine, other)]
        self.chance.shuffle(found)
        return found

    def draw_delay_s(self) -> float:
        """How long something is on its way."""
        return self.chance.uniform(*DELAY_S)

    def is_level(self) -> bool:
        """Whether every machine that is up holds, and has indexed, all that any of them holds of the logs it knows."""
        sizes: dict[str, int] = {}
        for machine in self.machines:
            for head in log_store.heads(machine.node.database.reader) if machine.is_up else ():
                sizes[head.origin] = max(head.size, sizes.get(head.origin, 0))
        return all(_read_sizes(machine) <= sizes.items() for machine in self.machines if machine.is_up)

    async def until(self, is_so: Callable[[], bool], what: str, within_s: float = 300.0) -> None:
        """Let time pass until something is so."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + within_s
        while not is_so():
            assert not self.journal.faults, f"seed {self.seed}: {self.journal.faults[0]}"
            assert loop.time() < end_s, f"seed {self.seed}: {what} did not come; {self._describe()}"
            await pass_time(LOOK_EVERY_S)

    async def settle(self) -> None:
        """Let everything arrive that has been said, and what is said in reply."""
        quiet = 0
        while quiet < 3:
            await self.until(self.is_level, "level logs")
            before = self._count_entries()
            await pass_time(1.0)
            quiet = quiet + 1 if self._count_entries() == before and self.is_level() else 0
        assert not self.journal.faults, f"seed {self.seed}: {self.journal.faults[0]}"

    def _count_entries(self) -> int:
        return sum(size for machine in self.machines if machine.is_up for _, size in _read_sizes(machine))

    def _describe(self) -> str:
        return "; ".join(
            f"{machine.name}: {machine.run.describe() if machine.run else machine.keeper.describe()}"
            for machine in self.machines
            if machine.is_up
        )

    def _hear(self, machine: Machine, origin: str, start: int) -> None:
        """A machine has something new: its own goes to all, another's now and then to one."""
        if not machine.is_up:
            return
        linked = self.list_linked(machine)
        if origin != machine.node.origin:
            linked = linked[:1] if self.chance.random() < HANDED_ON else []
        for target in linked:
            self._send_from(machine, target, origin, max(0, start - self.chance.randint(0, OVERLAP_MAX)))

    def _send_from(self, source: Machine, target: Machine, origin: str, start: int) -> None:
        message = _read_message(source, origin, start)
        if message is not None and self.chance.random() >= LOST:
            self._send(source, target, message)
            if self.chance.random() < TWICE:
                self._send(source, target, message)

    def _send(self, source: Machine, target: Machine, message: Push | Bundles) -> None:
        asyncio.get_running_loop().call_later(self.draw_delay_s(), self._arrive, source, target, message)

    def _arrive(self, source: Machine, target: Machine, message: Push | Bundles) -> None:
        if self._is_held(source, target):
            self._waiting.append((source, target, message))
        elif (
            target.is_up
            and (target, message.origin) not in self._busy
            and (message.origin, target) not in self.withheld
        ):
            target.begin(self._admit(target, message))

    async def _admit(self, target: Machine, message: Push | Bundles) -> None:
        self.delivered += 1
        try:
            if isinstance(message, Push):
                await target.receiver.admit_push(*message)
            else:
                await self._transfer(target, message)
        except BranchError as error:
            self.journal.faults.append(f"{target.name}: {error.reason}")
        except PeerError:
            self.gaps += 1

    async def _transfer(self, target: Machine, message: Bundles) -> None:
        place, receiver = (target, message.origin), target.receiver
        self.transfers += 1
        self._busy.add(place)
        try:
            _, missing = await receiver.begin_transfer(message.origin, message.first, message.note, message.roots)
            for number in sorted(missing, key=lambda _: self.chance.random()):
                await receiver.admit_bundle(message.origin, number, message.raws[number - message.first])
            receiver.end_transfer(message.origin)
        finally:
            self._busy.discard(place)

    async def _level_for_ever(self) -> None:
        """What gossip does besides pushing: compare now and then, and have somebody bring what is missing."""
        while True:
            await pass_time(self.chance.uniform(0.5, 1.5) * LEVEL_EVERY_S)
            for target in [machine for machine in self.machines if machine.is_up]:
                held = [(source, dict(_read_sizes(source))) for source in self.list_linked(target)]
                for origin, size in sorted(_read_sizes(target)):
                    ahead = (source for source, sizes in held if sizes.get(origin, 0) > size)
                    source = next(ahead, None) if origin != target.node.origin else None
                    if source is not None and not self._is_held(source, target):
                        self._send_from(source, target, origin, size)

    def _is_held(self, source: Machine, target: Machine) -> bool:
        return source in self._held or bool(self._held.get(target))


def run_region(
    homes: Path, seed: int, work: Callable[[MemoryNetwork], Coroutine[Any, Any, Result]], *, without_planner: str = ""
) -> Result:
    """Boot every home of a folder, by name, and do `work` with them in virtual time."""

    found = sorted(home for home in homes.iterdir() if is_home(home))

    async def live() -> Result:
        network = MemoryNetwork(seed)
        network.start()
        try:
            for home in found:
                await network.add(home, plans=home.name != without_planner)
            return await work(network)
        finally:
            network.stop()

    return run_in_virtual_time(live, seed)


def _are_linked(one: Machine, other: Machine) -> bool:
    if one is other or not (one.is_up and other.is_up):
        return False
    return (
        other.node.origin in one.node.parts["peering"].pinned and one.node.origin in other.node.parts["peering"].pinned
    )


def _read_sizes(machine: Machine) -> set[tuple[str, int]]:
    """(origin, size held and indexed) of every log that a machine knows."""
    db = machine.node.database.reader
    indexed = dict(db.execute("SELECT origin, next FROM index_cursor"))
    return {(head.origin, min(head.size, indexed.get(head.origin, 0))) for head in log_store.heads(db)}


def _read_message(source: Machine, origin: str, start: int) -> Push | Bundles | None:
    """What a machine would send of a log to somebody who holds `start` entries of it."""
    db = source.node.database.reader
    head = log_store.head(db, origin)
    if head is None or head.size <= start:
        return None
    if head.size - start < TRANSFER_FROM:
        entries = log_store.entries(db, origin, start, head.size)
        return Push(origin, start, len(entries), head.note, format_bundle(entries))
    first = start // BUNDLE_ENTRIES
    raws = tuple(log_store.bundle(db, origin, number, head.size) for number in range(first, count_bundles(head.size)))
    return Bundles(origin, first, head.note, b"".join(log_store.bundle_roots(db, origin, first, head.size)), raws)
