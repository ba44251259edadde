"""A co-op's machine: a real home with real storage, use cases and sessions, on a disk and roads that fail.

Invariant: what a crash leaves is the platter alone.
Invariant: the parts are those that `rochdale run` starts, without pages and planner.
Spec: docs/spec/simulation.md
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import cached_property, partial
from random import Random
from typing import Any, Protocol, TypeVar

from aiohttp import web

from node.config import Config
from node.peering.connection import Socket
from node.peering.dialer import Dialer, TurnedAwayError
from node.peering.listener import Listener
from node.peering.peering import Peering
from node.simulation.world.disk.group_commit import SimulatedDatabase
from node.simulation.world.disk.platter import Platter
from node.simulation.world.disk.sqlite_vfs import forget
from node.simulation.world.homes import PORT, HomeImage
from node.simulation.world.lives import Life, begin_life
from node.simulation.world.roads import End, Roads, Station
from node.simulation.world.virtual_time import SeededClock
from node.use_cases.context import Node
from node.use_cases.federation.keeper import RosterKeeper
from node.use_cases.home import open_node
from node.use_cases.keys.ends import EndKeeper
from node.use_cases.own_log.restored import Return, prepare_return
from protocol.core.errors import PeerError
from protocol.federation.peer_certificate import make_certificate
from storage.peers.peer_state import Peer

Result = TypeVar("Result")


class Watcher(Protocol):
    """Who is told of what happens at a machine."""

    def note_commit(self, machine: "Machine") -> None:
        """A commit is on disk."""
        ...

    def note_end(self, machine: "Machine", is_noticed: bool) -> None:
        """A life has ended; `is_noticed`: the others' connections end too."""
        ...

    def note_log(self, machine: "Machine", level: str, event: str, fields: dict[str, Any]) -> None:
        """The node has logged something."""
        ...


class _Journal:
    """What one life of a node logs."""

    def __init__(self, machine: "Machine", life: Life) -> None:
        self._machine, self._life = machine, life

    def _note(self, level: str, event: str, fields: dict[str, Any]) -> None:
        if not self._life.is_over:
            self._machine.watcher.note_log(self._machine, level, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        self._note("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._note("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        self._note("error", event, fields)

    def exception(self, event: str, **fields: Any) -> None:
        self._note("exception", event, fields)


class _RoadDialer(Dialer):
    def __init__(self, roads: "Roads[Machine]", machine: "Machine") -> None:
        self._roads, self._machine = roads, machine

    async def dial(self, peer: Peer, reason: str = "") -> Socket:
        name = peer.url.removeprefix("wss://").partition(":")[0]
        try:
            return await self._roads.dial(self._machine, name)
        except web.HTTPTooManyRequests as refusal:
            raise TurnedAwayError(int(refusal.headers["Retry-After"])) from None
        except web.HTTPException as refusal:
            raise PeerError(f"refused with status {refusal.status}") from None

    async def stop(self) -> None:
        """Nothing is open."""


class _RoadListener(Listener):
    def __init__(self) -> None:
        """Nobody listens: the roads bring callers to the machine."""

    @property
    def port(self) -> int:
        return PORT

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing to close."""


class RoadPeering(Peering):
    """The real sessions and all that is kept about peers, on simulated roads."""

    def __init__(self, node: Node, roads: "Roads[Machine]", machine: "Machine") -> None:
        self._roads, self._machine = roads, machine
        super().__init__(node)

    def _make_dialer(self) -> Dialer:
        return _RoadDialer(self._roads, self._machine)

    def _make_listener(self) -> Listener:
        return _RoadListener()

    def take_caller(self, certificate: bytes, socket: "End[Machine]") -> None:
        """Begin a session with whoever shows this certificate; an HTTP error where it is not to come in."""
        peer = self._judge_caller(certificate)
        self._keep(self._talk_in(peer, socket))

    async def _talk_in(self, peer: Peer, socket: "End[Machine]") -> None:
        await self._talk(peer, socket, dialled_by_us=False)

    def live_with(self) -> frozenset[str]:
        """Origins of those with whom a session stands."""
        return frozenset(origin for origin, link in self._links.items() if link.is_live)


class Machine(Station):
    """One home and, while it is up, the node that runs it."""

    def __init__(self, name: str, image: HomeImage, seed: str, roads: "Roads[Machine]", watcher: Watcher) -> None:
        """`name` tells machines apart, also two that run copies of one home."""
        home, files = image.home, image.files
        self.origin, self.first_head = image.card.origin, image.head
        self.name, self.place, self.watcher = name, home.name, watcher
        self.signed_folder = home.with_name(f"{home.name}-signed")
        url = f"wss://{self.place}:{PORT}"
        self.config = Config(home=home, name=self.place, peer_url=url, signed_folder=str(self.signed_folder))
        self.platter = Platter(files, f"{seed} {name}", self._fall)
        self.boots = 0
        self.largest_frame = 0
        self.offset_ms = 0
        self.wire: Callable[[bytes], list[bytes]] = lambda raw: [raw]
        self.life = Life(is_over=True)
        self.clock = SeededClock(f"{seed} {name}")
        self._seed, self._roads = seed, roads
        self._context = begin_life()[1]
        self._node: Node | None = None

    @property
    def is_up(self) -> bool:
        """Whether a node runs here."""
        return self._node is not None and not self.life.is_over

    @property
    def node(self) -> Node:
        """The running node."""
        assert self._node is not None, f"{self.name} is down"
        return self._node

    @cached_property
    def certificate(self) -> bytes:
        """What this machine shows to those whom it calls."""
        return make_certificate(self.node.keys.tls)

    @property
    def peering(self) -> RoadPeering:
        """The running node's sessions."""
        found = self.node.parts["peering"]
        assert isinstance(found, RoadPeering)
        return found

    @property
    def database(self) -> SimulatedDatabase:
        """The running node's database."""
        found = self.node.database
        assert isinstance(found, SimulatedDatabase)
        return found

    async def boot(self) -> None:
        """Open the home from its platter and start what a node runs; it may be cut off on the way."""
        assert self._node is None
        self.platter.wake()
        self.boots += 1
        self.life, self._context = begin_life()
        self.clock = SeededClock(f"{self._seed} {self.name} {self.boots}", self.offset_ms)
        chance = Random(f"{self._seed} {self.name} {self.boots} disk")
        life = self.life
        await asyncio.wait([self.begin(self._open_and_start(life, chance))])

    async def _open_and_start(self, life: Life, chance: Random) -> None:
        committed = partial(self.watcher.note_commit, self)
        try:
            node = open_node(
                self.config,
                self.clock,
                lambda path: SimulatedDatabase(path, self.platter, life, chance, committed),
                self.platter,
            )
            if life.is_over:
                node.database.close()
                return
            self._node = node
            node.log = node.changes.log = _Journal(self, life)
            await self._start_parts(node)
        except Exception as error:
            if not life.is_over:
                self.watcher.note_log(self, "exception", "start_failed", {"error": repr(error)})

    async def _start_parts(self, node: Node) -> None:
        await prepare_return(node)
        keeper, peering = RosterKeeper(node), RoadPeering(node, self._roads, self)
        await EndKeeper(node).start()
        returning = Return(node, peering, keeper.start)
        node.parts.update(peering=peering, roster=keeper, restored=returning)
        keeper.follow()
        await peering.start()
        await returning.start()

    async def welcome(self, caller: "Machine", socket: "End[Machine]") -> None:
        """Somebody calls: an HTTP error where it is not to come in."""
        if "peering" not in self.node.parts:
            raise PeerError("cannot be reached: connection refused")
        self._context.run(self.peering.take_caller, caller.certificate, socket)

    def begin(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        """Have this machine do something: it ends with the machine's life."""
        return asyncio.get_running_loop().create_task(work, context=self._context)

    def cut(self) -> None:
        """Power is cut."""
        self.platter.cut()
        self._fall()

    def kill(self) -> None:
        """The process is killed."""
        self.platter.kill()
        self._end(is_noticed=True)

    def dispose(self) -> None:
        """The world ends."""
        if self._node is not None:
            self.platter.kill()
            self.life.end()
            self._node.database.close()
        forget(self.platter)

    def _fall(self) -> None:
        """The platter has lost its power, perhaps in the middle of a call: the rest follows when that is over."""
        self._end(is_noticed=False)

    def _end(self, is_noticed: bool) -> None:
        self.life.is_over = True
        asyncio.get_running_loop().call_soon(self._bury, self._node, self.life, is_noticed)

    def _bury(self, node: Node | None, life: Life, is_noticed: bool) -> None:
        life.end()
        self._node = None
        if node is not None:
            node.database.close()
        self.watcher.note_end(self, is_noticed)
