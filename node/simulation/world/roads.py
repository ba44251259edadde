"""Roads between machines in virtual time: slow, lossy, clogged, cut; and the sockets that sessions hold on to.

Invariant: within one connection what arrives arrives whole, once and in order, as TLS has it; a lost packet is a delay,
and too many of them are the end of the connection. Between connections nothing is promised.
Invariant: nothing leaves a machine whose life is over, and nothing that was sent to it arrives in its next life.
Spec: docs/spec/simulation.md
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from aiohttp import WSMessage, WSMsgType

from node.simulation.world.lives import Life
from protocol.core.errors import PeerError

WINDOW_BYTES = 64 * 1024
"""What is under way on one connection before its sender must wait."""
RESEND_S = 0.2
RESENDS_MAX = 6
"""A packet that is lost so often in a row ends the connection."""
FRAME_PACKETS_MAX = 8
DIAL_WAIT_S = 10.0
STEP_S = 1e-6
HELD_UP_S = 0.001
"""How soon comes what was due while its road was closed."""

Wire = Callable[[bytes], list[bytes]]
"""What becomes of a frame that is sent: itself, for whoever is honest."""


class Station(Protocol):
    """What roads know of a machine."""

    name: str
    place: str
    life: Life
    wire: Wire

    @property
    def is_up(self) -> bool:
        """Whether somebody is there to answer."""
        ...

    async def welcome(self, caller: Any, socket: Any) -> None:
        """Somebody calls: an error where it is not to come in."""
        ...


Stop = TypeVar("Stop", bound=Station)
"""The machines of one world."""
Finder = Callable[[dict[str, Stop], Stop, str], Stop | None]


@dataclass(frozen=True)
class Law:
    """How one road is: latency between the two bounds, loss per packet in percent, bytes a second."""

    latency_ms: tuple[int, int] = (1, 20)
    loss_percent: int = 0
    bytes_per_s: int = 10_000_000


@dataclass
class Road:
    """Between two machines: its law, why it is closed now, and the connections on it."""

    law: Law
    callers: frozenset[str]
    """Places that can call the other: one that nobody can call only dials out."""
    is_lossy: bool = True
    closures: set[str] = field(default_factory=set)
    lines: list["Line[Any]"] = field(default_factory=list)


class _Parcel(NamedTuple):
    """A frame on its way (None: a goodbye); `due_s` is not settled before it has left a closed road."""

    raw: bytes | None
    delay_s: float
    due_s: float | None = None


class End(Generic[Stop]):
    """One side's socket (node.peering.connection.Socket)."""

    def __init__(self, line: "Line[Stop]", owner: Stop) -> None:
        self.owner, self._line = owner, line
        self.life = owner.life
        self.other: End[Stop]
        self.inbox: deque[WSMessage] = deque()
        self.flying_bytes = 0
        self.is_closed = False
        self.free_s = 0.0
        self.under_way: deque[_Parcel] = deque()
        """In the order in which it was sent, which is the order in which it comes."""
        self._readers: deque[asyncio.Future[None]] = deque()
        self._writers: deque[asyncio.Future[None]] = deque()

    @property
    def is_dead(self) -> bool:
        """Whether the life that holds this socket is over."""
        return self.life.is_over

    async def receive(self) -> WSMessage:
        """The next frame, or word of the end."""
        while not self.inbox:
            if self.is_closed:
                return WSMessage(WSMsgType.CLOSED, None, None)
            await _wait_in(self._readers)
        message = self.inbox.popleft()
        if message.type is WSMsgType.BINARY:
            self.other.land(len(message.data))
        return message

    async def send_bytes(self, data: bytes) -> None:
        """Send a frame; waits while too much is under way."""
        if self.is_closed:
            raise ConnectionResetError("closed")
        for raw in self.owner.wire(data):
            self.flying_bytes += len(raw)
            self._line.carry(self, raw)
        while self.flying_bytes > WINDOW_BYTES and not self.is_closed:
            await _wait_in(self._writers)

    async def close(self) -> bool:
        """Say goodbye, behind what was sent."""
        if not self.is_closed:
            self._line.carry(self, None)
            self.end()
        return True

    def end(self) -> None:
        """Nothing more comes or goes here."""
        self.is_closed = True
        _wake(self._readers)
        _wake(self._writers)

    def land(self, size: int) -> None:
        """Something that was under way has been read."""
        self.flying_bytes -= size
        _wake(self._writers)

    def put(self, raw: bytes | None) -> None:
        """Something has arrived; None: the other side's goodbye."""
        if raw is None:
            self.inbox.append(WSMessage(WSMsgType.CLOSE, None, None))
        else:
            self.inbox.append(WSMessage(WSMsgType.BINARY, raw, None))
        _wake(self._readers)


class Line(Generic[Stop]):
    """One connection on a road."""

    def __init__(self, roads: "Roads[Stop]", road: Road, caller: Stop, called: Stop, seed: str) -> None:
        self.road, self._roads = road, roads
        self._chance = Random(seed)
        self.ends = (End(self, caller), End(self, called))
        self.ends[0].other, self.ends[1].other = self.ends[1], self.ends[0]

    def carry(self, source: End[Stop], raw: bytes | None) -> None:
        """Bring a frame to the other end, in its time."""
        if source.is_dead:
            return
        delay_s = self._roads.draw_delay_s(self.road, self._chance, 0 if raw is None else len(raw))
        if delay_s is None:
            self.reset()
        else:
            source.under_way.append(_Parcel(raw, delay_s))
            if not self.road.closures:
                self._go_on(source, -1)

    def resume(self) -> None:
        """The road is open again: what was held goes on."""
        for end in self.ends:
            end.free_s = 0.0
            for place in range(len(end.under_way)):
                self._go_on(end, place)

    def reset(self, only: Stop | None = None) -> None:
        """The connection breaks; with `only` the other side does not hear of it."""
        if self in self.road.lines:
            self.road.lines.remove(self)
        for end in self.ends:
            if only is None or end.owner is only:
                end.end()

    def _go_on(self, source: End[Stop], place: int) -> None:
        """Settle when what is under way at this place comes: as was settled before, unless a closed road held it up."""
        loop, parcel = asyncio.get_running_loop(), source.under_way[place]
        wait_s = parcel.delay_s if parcel.due_s is None else max(parcel.due_s - loop.time(), HELD_UP_S)
        # Never at the same moment: what is due at once comes in any order.
        source.free_s = max(source.free_s + STEP_S, loop.time() + wait_s)
        source.under_way[place] = parcel._replace(due_s=source.free_s)
        loop.call_at(source.free_s, self._arrive, source)

    def _arrive(self, source: End[Stop]) -> None:
        now_s = asyncio.get_running_loop().time() + STEP_S / 2
        while source.under_way and not self.road.closures:
            due_s = source.under_way[0].due_s
            if due_s is None or due_s > now_s:
                return
            self._land(source, source.under_way.popleft().raw)

    def _land(self, source: End[Stop], raw: bytes | None) -> None:
        target = source.other
        if target.is_dead:
            # A machine that is off says nothing; one that is on again knows nothing of this connection.
            if target.owner.is_up:
                self.reset()
        elif not target.is_closed:
            target.put(raw)
            self._roads.arrived(source.owner, target.owner, raw)
        elif raw is not None and not source.is_closed:
            # Half open: the word to whom nobody listens comes back as a reset.
            asyncio.get_running_loop().call_later(RESEND_S, self.reset)


class Roads(Generic[Stop]):
    """All roads of a world."""

    def __init__(self, seed: int, arrived: Callable[[Stop, Stop, bytes | None], None]) -> None:
        """`arrived` is called after every frame that has come."""
        self.seed, self.arrived = seed, arrived
        self.roads: dict[frozenset[str], Road] = {}
        self.machines: dict[str, Stop] = {}
        self.finder: Finder[Stop] | None = None
        """Who says which machine answers, where not all machines go by their own name."""
        self._lines = 0

    def build(self, one: str, other: str, law: Law, callers: frozenset[str]) -> None:
        """Let two places reach each other; `callers` of them can begin."""
        self.roads[frozenset((one, other))] = Road(law, callers)

    def are_joined(self, one: Stop, other: Stop) -> bool:
        """Whether there is a road between two machines."""
        return frozenset((one.place, other.place)) in self.roads

    def list_lines(self, one: Stop, other: Stop) -> list[Line[Stop]]:
        """The connections between two machines."""
        road = self.roads.get(frozenset((one.place, other.place)))
        lines = [] if road is None else road.lines
        return [line for line in lines if {end.owner for end in line.ends} == {one, other}]

    def close(self, pair: frozenset[str], cause: str) -> None:
        """Let nothing through, until this cause is lifted."""
        self.roads[pair].closures.add(cause)

    def open(self, pair: frozenset[str], cause: str) -> None:
        """Lift a cause; without any left what was held goes on."""
        road = self.roads[pair]
        road.closures.discard(cause)
        if not road.closures:
            for line in list(road.lines):
                line.resume()

    def calm(self) -> None:
        """No more loss, no road closed."""
        for pair, road in self.roads.items():
            road.is_lossy = False
            for cause in list(road.closures):
                self.open(pair, cause)

    def draw_delay_s(self, road: Road, chance: Random, size: int) -> float | None:
        """How long something is on its way; None when the road loses it too often."""
        low, high = road.law.latency_ms
        delay_s = chance.uniform(low, high) / 1_000 + size / road.law.bytes_per_s
        losses = road.law.loss_percent if road.is_lossy else 0
        if not losses:
            return delay_s
        for _ in range(min(FRAME_PACKETS_MAX, 1 + size // 1_400)):
            lost = 0
            while chance.randrange(100) < losses:
                delay_s += RESEND_S * (1 << lost)
                lost += 1
                if lost == RESENDS_MAX:
                    return None
        return delay_s

    async def dial(self, caller: Stop, name: str) -> End[Stop]:
        """A connection to the machine of this name; PeerError where there is none."""
        called = self.find(caller, name)
        road = self.roads.get(frozenset((caller.place, name)))
        if called is None or road is None or road.closures or caller.place not in road.callers:
            await asyncio.sleep(DIAL_WAIT_S)
            raise PeerError("cannot be reached: no answer")
        self._lines += 1
        seed = f"{self.seed} {caller.name} {called.name} {self._lines}"
        line = Line(self, road, caller, called, seed)
        delay_s = self.draw_delay_s(road, Random(seed), 0)
        await asyncio.sleep(DIAL_WAIT_S if delay_s is None else 2 * delay_s)
        if delay_s is None or road.closures or not called.is_up:
            raise PeerError("cannot be reached: no answer")
        # A start of the machine in between is a start of the connection with it.
        line.ends[1].life = called.life
        await called.welcome(caller, line.ends[1])
        road.lines.append(line)
        return line.ends[0]

    def find(self, caller: Stop, name: str) -> Stop | None:
        """Which machine answers when this caller asks for a name."""
        return self.machines.get(name) if self.finder is None else self.finder(self.machines, caller, name)

    def lose(self, machine: Stop, is_noticed: bool) -> None:
        """A life is over: its connections are gone; with the power, nobody is told."""
        for road in self.roads.values():
            for line in [line for line in road.lines if machine in (end.owner for end in line.ends)]:
                for end in line.ends:
                    if end.is_dead:
                        end.end()
                if is_noticed:
                    asyncio.get_running_loop().call_later(RESEND_S, line.reset)


async def _wait_in(queue: "deque[asyncio.Future[None]]") -> None:
    waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    queue.append(waiting)
    await waiting


def _wake(queue: "deque[asyncio.Future[None]]") -> None:
    while queue:
        waiting = queue.popleft()
        if not waiting.done():
            waiting.set_result(None)
