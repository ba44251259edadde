"""One node of a large federation: the real sessions, trees and views; a disk that is a number.

Invariant: every action of a session and of the views is carried out or raises; none is passed over in silence.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from node.simulation.overlay.archive import MadeUpLog, check_push
from protocol.core.errors import MisuseError, PeerError
from protocol.gossip import events, limits
from protocol.gossip.events import Action, Event
from protocol.gossip.frames import format_frame
from protocol.gossip.frontier import Frontier, LogHead
from protocol.gossip.messages import Cosig, Fork, Push
from protocol.gossip.overlay import membership_events
from protocol.gossip.overlay.membership import Membership
from protocol.gossip.session import Session
from protocol.log.checkpoint import open_checkpoint
from protocol.log.fork import check_fork

COMMIT_MS: Final = 5
EMPTY: Final = LogHead(0, bytes(32))


@dataclass(eq=False)
class Line:
    """A node's end of a session; `far` is the other end."""

    owner: "Member"
    peer: str
    session: Session
    far: "Line | None" = None
    timer_ms: int = -1
    last_arrival_ms: int = 0
    is_open: bool = True


class World(Protocol):
    """What a node wants of the world around it."""

    def now_ms(self) -> int:
        """Virtual time."""
        ...

    def draw(self) -> bytes:
        """16 random bytes."""
        ...

    def later(self, member: "Member", at_ms: int, work: Callable[[], None]) -> None:
        """Do something then, if the node is still there."""
        ...

    def carry(self, line: Line, raw: bytes, is_asked_for: bool) -> None:
        """Bring a frame to the far end."""
        ...

    def hang_up(self, line: Line) -> None:
        """The far end hears that the line is gone, after what was sent before."""
        ...

    def call(self, member: "Member", target: str, urgency: membership_events.Urgency) -> None:
        """Call another node."""
        ...

    def note_arrival(self, member: "Member", source: str, origin: str, size: int) -> None:
        """A node has a record; for whoever counts."""
        ...

    def note_again(self, member: "Member", origin: str) -> None:
        """A node was brought what it had."""
        ...


class Member:
    """A node in memory."""

    def __init__(self, world: World, origin: str, logs: Mapping[str, MadeUpLog]) -> None:
        self.origin = origin
        self.frontier = Frontier(origin, origin.encode()[:16].ljust(16, b"."))
        self.membership = Membership(origin)
        self.lines: dict[str, Line] = {}
        self.cosigned: set[tuple[str, bytes]] = set()
        self.evidence: set[bytes] = set()
        self._world = world
        self._logs = logs
        self._cursors: dict[str, tuple[bytes, int]] = {}
        self._changes: list[str] = []
        self._sessions = 0
        self._views_timer_ms = -1
        for name in logs:
            self.frontier.know(name, EMPTY)

    def size(self, origin: str) -> int:
        """How many entries of a log are here."""
        return self.frontier.size(origin)

    def publish(self) -> None:
        """One more entry of our own, on disk a moment later."""
        log = self._logs[self.origin]
        log.publish()
        size = log.size
        self._world.later(self, self._world.now_ms() + COMMIT_MS, lambda: self._move(self.origin, size, ""))

    def cosign(self, origin: str, line: bytes) -> None:
        """A cosignature is new here; its form alone is real."""
        self._learn(origin, line, 0)

    def hear_fork(self, evidence: Fork) -> None:
        """Evidence of a fork has come to this node from elsewhere."""
        self._keep(evidence)

    def open_line(self, peer: str) -> Line:
        """Our end of a new session; say Opened once both ends are there."""
        self._sessions += 1
        cursor = self._cursors.get(peer, (b"", 0))
        line = self.lines[peer] = Line(self, peer, Session(self._sessions, peer, cursor, self.frontier))
        return line

    def lose(self, line: Line, is_parting: bool) -> None:
        """The transport of a line is gone."""
        if not line.is_open:
            return
        line.is_open = False
        self.tell(line, events.Lost("gone"))
        if self.lines.get(line.peer) is line:
            del self.lines[line.peer]
        for origin in self.frontier.release_all(line.session.number):
            self.broadcast(events.ClaimFreed(origin))
        self.hear_views(membership_events.Down(line.peer, is_parting))

    def tell(self, line: Line, event: Event) -> None:
        """Hand an event to a session and carry out what it wants."""
        for action in line.session.handle(event, self._world.now_ms()):
            self._carry_out(line, action)

    def broadcast(self, event: Event) -> None:
        """Hand an event to all sessions."""
        for line in list(self.lines.values()):
            self.tell(line, event)

    def hear_views(self, event: membership_events.Event) -> bool:
        """Hand an event to the views and carry out what they want; whether a caller is let in."""
        is_let_in = False
        for action in self.membership.handle(event, self._world.now_ms(), self._world.draw()):
            match action:
                case membership_events.Call(target, urgency):
                    self._world.call(self, target, urgency)
                case membership_events.Say(target, message):
                    if target in self.lines:
                        self._world.carry(self.lines[target], format_frame(message), False)
                case membership_events.HangUp(target, reason):
                    if target in self.lines:
                        self.tell(self.lines[target], events.Stop(reason))
                case membership_events.SetTimer(at_ms):
                    self._views_timer_ms = at_ms
                    self._world.later(self, at_ms, partial(self._ring_views, at_ms))
                case membership_events.Accept():
                    is_let_in = True
                case membership_events.Refuse():
                    is_let_in = False
                case _:
                    raise MisuseError(f"{type(action).__name__} is not for a simulated node")
        return is_let_in

    def _ring_views(self, at_ms: int) -> None:
        if at_ms == self._views_timer_ms:
            self.hear_views(membership_events.Due())

    def _ring(self, line: Line, at_ms: int) -> None:
        if at_ms == line.timer_ms and line.is_open:
            self.tell(line, events.Due())

    def _carry_out(self, line: Line, action: Action) -> None:
        match action:
            case events.Send(raw):
                self._world.carry(line, raw, False)
            case events.SetTimer(at_ms):
                line.timer_ms = at_ms
                self._world.later(self, at_ms, lambda: self._ring(line, at_ms))
            case events.StorePush():
                self._check(line, action)
            case events.ServeLog(origin, start, _):
                self._world.carry(line, self._format_push(origin, start), True)
            case events.ReadHeads(since):
                names = dict.fromkeys(self._changes[since:])
                marks = tuple(self.frontier.mark(name, with_cosigners=True) for name in names)
                self.tell(line, events.HeadsRead(marks, len(self._changes)))
            case events.SaveCursor(epoch, change):
                self._cursors[line.peer] = (epoch, change)
            case events.Outdo(origin, session):
                self.broadcast(events.Outdone(origin, session))
            case events.EndTransfer(origin):
                self.broadcast(events.ClaimFreed(origin))
            case events.TakeMembership(message):
                self.hear_views(membership_events.Heard(line.peer, message))
            case events.StoreCosignature(origin, _, signed):
                self._learn(origin, signed, line.session.number)
            case events.CheckFork(origin, note_a, note_b, proof) if note_b:
                check_fork(note_a, note_b, proof, self._logs[origin].public, origin)
                self._keep(Fork(origin, note_a, note_b, proof))
            case events.ServeForks():
                for raw in self.evidence:
                    self._world.carry(line, raw, False)
            case events.ServeCosignatures(origin):
                for name, signed in self.cosigned:
                    if name == origin:
                        self._world.carry(line, format_frame(Cosig(origin, self.size(origin), signed)), False)
            case events.CheckPast():
                # Everyone holds a beginning of the same log here, so an older head is always a past of ours.
                pass
            case events.Close(_, fault):
                self._world.hang_up(line)
                self.lose(line, is_parting=fault is None)
            case _:
                raise MisuseError(f"{type(action).__name__} is not for a simulated node")

    def _format_push(self, origin: str, start: int) -> bytes:
        log, size = self._logs[origin], self.size(origin)
        if not start < size <= start + limits.PUSH_ENTRIES_MAX:
            raise MisuseError("a simulated log is never so long that a push does not do")
        push = Push(
            origin, start, size - start, log.notes[size], log.bundle(start, size), self.frontier.tree.hops(origin)
        )
        return format_frame(push)

    def _check(self, line: Line, action: events.StorePush) -> None:
        origin, held = action.origin, self.size(action.origin)
        found = check_push(self._logs[origin], held, action.start, action.count, action.note, action.entries)
        if found is None:
            raise PeerError(f"log {origin}: a push that does not hold")
        if found.size <= held:
            self._world.note_again(self, origin)
        else:
            at_ms = self._world.now_ms() + COMMIT_MS
            self._world.later(self, at_ms, lambda: self._move(origin, found.size, line.peer))

    def _move(self, origin: str, size: int, source: str) -> None:
        held, log = self.size(origin), self._logs[origin]
        if size <= held:
            self._world.note_again(self, origin)
            return
        self._changes.append(origin)
        self.frontier.counter = len(self._changes)
        self.frontier.move(origin, size, open_checkpoint(log.notes[size], log.public, origin).root)
        self._world.note_arrival(self, source, origin, size)
        push = self._format_push(origin, held) if self.frontier.tree.is_pushed(origin) else b""
        self.broadcast(events.HeadMoved(origin, push))

    def _learn(self, origin: str, signed: bytes, source: int) -> None:
        if (origin, signed) in self.cosigned:
            return
        self.cosigned.add((origin, signed))
        self.frontier.note_cosigner(origin, signed.decode().split()[1], self.size(origin))
        self._changes.append(origin)
        self.frontier.counter = len(self._changes)
        frame = format_frame(Cosig(origin, self.size(origin), signed))
        self.broadcast(events.CosignatureLearned(origin, frame, source))

    def _keep(self, found: Fork) -> None:
        raw = format_frame(found)
        if raw not in self.evidence:
            self.evidence.add(raw)
            self.frontier.frozen.add(found.origin)
            self.broadcast(events.ForkKnown(found.origin, raw, 0))
