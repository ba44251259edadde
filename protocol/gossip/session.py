"""One session between two nodes, from greeting to goodbye, as a table: event and time in, actions out.

Invariant: every pair of state and event is in the table; what the peer must not say in a state ends the session.
Invariant: no clock, no randomness, no input or output; the same events at the same times give the same actions.
Invariant: gossip only hurries: every gap ends in a Want and every reconnect starts from the counter.
Spec: docs/spec/gossip/session.md
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from protocol.core.errors import MisuseError, PeerError
from protocol.gossip import events, limits
from protocol.gossip.events import Action, Event
from protocol.gossip.frames import format_frame, parse_frame
from protocol.gossip.frontier import Frontier
from protocol.gossip.hearing import CONTENT_TYPES, Hearing
from protocol.gossip.messages import (
    Ask,
    Bundle,
    Bye,
    FilePart,
    ForwardJoin,
    Have,
    Head,
    Hello,
    Message,
    OpeningWant,
    Ping,
    Pong,
    Prune,
    Push,
    Shuffle,
)
from protocol.gossip.peers import Fault
from protocol.gossip.timing import Timing

Cursor = tuple[bytes, int]
"""(the peer's epoch, the last of its changes that we took in); epoch empty: none yet."""


class State(Enum):
    """Where a session is in its life."""

    NEW = "no transport yet"
    GREETING = "waiting for the peer's hello"
    LIVE = "greeted on both sides"
    CLOSING = "goodbye said"
    CLOSED = "over"


class Session:
    """What this node says to one peer and takes from it, over one connection."""

    def __init__(self, number: int, peer_origin: str, cursor: Cursor, frontier: Frontier) -> None:
        """`number` tells sessions of this node apart; `peer_origin` is whom the certificate belongs to."""
        self.number = number
        self.peer_origin = peer_origin
        self.state = State.NEW
        self._frontier = frontier
        self._saved: Cursor = cursor
        self._taken: Cursor = cursor
        self._held_back: set[str] = set()
        self._timing = Timing()
        self._hearing = hearing = Hearing(frontier, number, peer_origin)
        self._announcer = hearing.announcer
        self._fetcher = hearing.fetcher
        self._files = hearing.files
        self._cosignatures = hearing.cosignatures
        self._forks_told: set[bytes] = set()
        self.has_heard_all = False
        """Whether the peer has told all heads that it holds, or that changed since our cursor."""

    @property
    def theirs(self) -> dict[str, int]:
        """The sizes of logs that the peer said it holds."""
        return self._fetcher.theirs

    @property
    def strangers(self) -> int:
        """How often the peer spoke of logs that are not known here."""
        return self._hearing.strangers

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """What is to be done about an event, in order; MisuseError for one that cannot come in this state."""
        step = _TABLE[self.state][type(event)]
        if step is None:
            raise MisuseError(f"{type(event).__name__} cannot come while {self.state.value}")
        waited = self._waits_for_peer()
        try:
            actions = step(self, event, now_ms)
        except PeerError as error:
            actions = self._close(error.reason, Fault.FORM)
        if any(isinstance(action, events.Send) for action in actions):
            self._timing.sent_ms = now_ms
        if not waited and self._waits_for_peer():
            self._timing.progress_ms = now_ms
        return actions + self._rearm(now_ms)

    def _open(self, event: events.Opened, now_ms: int) -> list[Action]:
        self.state = State.GREETING
        self._timing.open(now_ms)
        epoch, change = self._saved
        hello = Hello(limits.PROTOCOL_VERSION, self._frontier.own_origin, self._frontier.epoch, epoch, change)
        return [events.Send(format_frame(hello))]

    def _receive(self, event: events.Received, now_ms: int) -> list[Action]:
        self._timing.heard_ms = now_ms
        message = parse_frame(event.raw)
        takes = _FRAMES[self.state].get(type(message))
        if takes is None:
            raise PeerError(f"a {type(message).__name__} frame while {self.state.value}")
        return takes(self, message, now_ms)

    def _greet(self, message: Hello, now_ms: int) -> list[Action]:
        if message.protocol != limits.PROTOCOL_VERSION:
            raise PeerError(f"hello: protocol {message.protocol}, we speak {limits.PROTOCOL_VERSION}")
        if message.origin != self.peer_origin:
            raise PeerError("hello: an origin that does not go with the certificate")
        self.state = State.LIVE
        self._frontier.tree.meet(self.number, self.peer_origin)
        if message.epoch != self._taken[0]:
            self._taken = (message.epoch, 0)
        knows_us = self._frontier.has_told(message.seen_epoch, message.seen_change)
        shared = tuple(sorted(origin for origin in self._frontier.frozen if self._shares(origin)))
        return [events.ReadHeads(message.seen_change if knows_us else 0), events.ServeForks(shared)]

    def _tell_heads(self, event: events.HeadsRead, now_ms: int) -> list[Action]:
        return self._announcer.tell_all(event.heads, event.counter)

    def _take_content(self, message: Message, now_ms: int) -> list[Action]:
        if isinstance(message, _ANSWERS):
            self._timing.progress_ms = now_ms
        actions = self._hearing.take(message)
        if isinstance(message, Have):
            if self.has_heard_all:
                actions += self._hearing.compare_ways(message)
            self._held_back.difference_update(mark.origin for mark in message.heads)
            if message.is_last:
                self._note_counter(message.counter)
                self.has_heard_all = True
        return actions

    def _note_counter(self, counter: int) -> None:
        self._taken = (self._taken[0], max(self._taken[1], counter))

    def _take_ping(self, message: Ping, now_ms: int) -> list[Action]:
        self._note_counter(message.counter)
        return [events.Send(format_frame(Pong()))]

    def _take_pong(self, message: Pong, now_ms: int) -> list[Action]:
        return []

    def _take_membership(self, message: ForwardJoin | Shuffle, now_ms: int) -> list[Action]:
        return [events.TakeMembership(message)]

    def _take_bye(self, message: Bye, now_ms: int) -> list[Action]:
        actions = self._end()
        self.state = State.CLOSING
        return [*actions, events.Close(f"the peer said: {message.reason}", None)]

    def _note_moved(self, event: events.HeadMoved, now_ms: int) -> list[Action]:
        theirs = self._fetcher.theirs.get(event.origin, 0)
        push = event.push if self._frontier.tree.is_child(event.origin, self.number) else b""
        actions = self._announcer.note_moved(event.origin, theirs, push)
        actions += self._fetcher.pursue(event.origin) + self._fetcher.lean(event.origin)
        actions += self._hearing.compare_again(event.origin)
        return actions + self._cosignatures.release(event.origin) + self._cosignatures.ask([event.origin])

    def _note_checked(self, event: events.TransferChecked, now_ms: int) -> list[Action]:
        self._timing.progress_ms = now_ms
        return self._fetcher.take_checked(event.origin, event.size, event.missing)

    def _hand_on_cosignature(self, event: events.CosignatureLearned, now_ms: int) -> list[Action]:
        is_told = event.source == self.number or not self._shares(event.origin)
        return [] if is_told else [events.Send(event.frame)]

    def _hand_on_fork(self, event: events.ForkKnown, now_ms: int) -> list[Action]:
        actions = self._fetcher.pursue(event.origin)
        is_told = event.frame in self._forks_told or len(self._forks_told) >= limits.FORKS_TOLD_MAX
        is_told = is_told or not self._shares(event.origin)
        if event.source == self.number or is_told:
            return actions
        self._forks_told.add(event.frame)
        return [*actions, events.Send(event.frame)]

    def _shares(self, origin: str) -> bool:
        return self._frontier.is_shared(origin, self.peer_origin)

    def _ask_for_log(self, event: events.LogAdded, now_ms: int) -> list[Action]:
        # The peer's counter may have passed this log's changes before we knew the log.
        self._held_back.add(event.origin)
        return [events.Send(format_frame(Ask((event.origin,), cosignatures=False)))]

    def _note_freed(self, event: events.ClaimFreed, now_ms: int) -> list[Action]:
        return self._fetcher.pursue(event.origin)

    def _prune(self, event: events.Outdone, now_ms: int) -> list[Action]:
        return [events.Send(format_frame(Prune(event.origin)))] if event.session == self.number else []

    def _want_file(self, event: events.FileWanted, now_ms: int) -> list[Action]:
        return self._files.want(event.sha256)

    def _want_openings(self, event: events.OpeningsWanted, now_ms: int) -> list[Action]:
        return [events.Send(format_frame(OpeningWant(event.commitments)))]

    def _miss_file(self, event: events.FileWanted, now_ms: int) -> list[Action]:
        return [events.MissFile(event.sha256)]

    def _refuse(self, event: events.Refused, now_ms: int) -> list[Action]:
        # Where two branches may be, the peer gets our signed head: whoever holds the longer branch can prove it.
        note: list[Action] = [events.ServeNote(event.forked_origin)] if event.forked_origin else []
        return note + self._close(event.reason, event.fault)

    def _stop(self, event: events.Stop, now_ms: int) -> list[Action]:
        if not event.has_stored:
            self._taken = self._saved
        return self._close(event.reason, None)

    def _lose(self, event: events.Lost, now_ms: int) -> list[Action]:
        actions = self._end()
        self.state = State.CLOSED
        return actions

    def _ignore(self, event: Event, now_ms: int) -> list[Action]:
        return []

    def _tick(self, event: events.Due, now_ms: int) -> list[Action]:
        self._timing.armed_ms = None
        late = self._timing.find_late(now_ms, self.state is State.GREETING, self._waits_for_peer())
        if late:
            return self._close(late, Fault.SLOW)
        if self.state is not State.LIVE:
            return []
        actions: list[Action] = []
        if self._timing.is_flush_due(now_ms):
            actions += self._announcer.flush(self._fetcher.theirs)
        if self._timing.is_graft_due(now_ms):
            actions += self._fetcher.lose_patience()
        if self._timing.is_ping_due(now_ms, self._announcer.is_counter_due()):
            actions += self._announcer.ping()
        if self._timing.is_save_due(now_ms):
            actions += self._save_cursor()
        return actions

    def _rearm(self, now_ms: int) -> list[Action]:
        """Have the timer go off when the next thing is due; one that goes off too early finds nothing to do."""
        if self.state not in (State.GREETING, State.LIVE):
            return []
        is_live = self.state is State.LIVE
        self._timing.note_flush(now_ms, is_live and self._announcer.is_due())
        self._timing.note_graft(now_ms, is_live and self._fetcher.is_patient())
        self._timing.note_counter(now_ms, is_live and self._announcer.is_counter_due())
        self._timing.note_save(now_ms, is_live and self._is_cursor_due())
        at_ms = self._timing.next_due(self.state is State.GREETING, self._waits_for_peer())
        return [] if at_ms is None else [events.SetTimer(at_ms)]

    def _waits_for_peer(self) -> bool:
        return self._fetcher.waits_for_peer() or self._files.waits_for_peer()

    def _is_cursor_due(self) -> bool:
        has_news = self._taken != self._saved and self._taken[1] > 0
        is_lacking = self._fetcher.behind or self._held_back or self._cosignatures.is_lacking()
        return has_news and not is_lacking

    def _save_cursor(self) -> list[Action]:
        if not self._is_cursor_due():
            return []
        self._saved = self._taken
        return [events.SaveCursor(*self._saved)]

    def _close(self, reason: str, fault: Fault | None) -> list[Action]:
        actions = self._end()
        self.state = State.CLOSING
        short = reason[: limits.REASON_LENGTH_MAX]
        return [*actions, events.Send(format_frame(Bye(short))), events.Close(short, fault)]

    def _end(self) -> list[Action]:
        saved = self._save_cursor() if self.state is State.LIVE else []
        self._frontier.tree.forget(self.number)
        return [*saved, *self._fetcher.abandon(), *self._files.abandon()]


Step = Callable[[Session, Any, int], list[Action]]

# None: our own caller's fault. What the rest of the node broadcasts is passed over outside LIVE: the counter
# exchange of the next session makes up for it.
_BROADCASTS: Final[tuple[type[Event], ...]] = (
    events.HeadsRead,
    events.HeadMoved,
    events.TransferChecked,
    events.CosignatureLearned,
    events.ForkKnown,
    events.LogAdded,
    events.ClaimFreed,
    events.Outdone,
    events.OpeningsWanted,
    events.Refused,
    events.Due,
)
_PASSED_OVER: Final[dict[type[Event], Step | None]] = dict.fromkeys(_BROADCASTS, Session._ignore)

_TABLE: Final[dict[State, dict[type[Event], Step | None]]] = {
    State.NEW: {
        **_PASSED_OVER,
        events.Opened: Session._open,
        events.Received: None,
        events.Lost: Session._lose,
        events.Stop: Session._lose,
        events.FileWanted: Session._miss_file,
    },
    State.GREETING: {
        **_PASSED_OVER,
        events.Opened: None,
        events.Received: Session._receive,
        events.Lost: Session._lose,
        events.Stop: Session._stop,
        events.Due: Session._tick,
        events.FileWanted: Session._miss_file,
    },
    State.LIVE: {
        events.Opened: None,
        events.Received: Session._receive,
        events.Lost: Session._lose,
        events.Stop: Session._stop,
        events.HeadsRead: Session._tell_heads,
        events.HeadMoved: Session._note_moved,
        events.TransferChecked: Session._note_checked,
        events.CosignatureLearned: Session._hand_on_cosignature,
        events.ForkKnown: Session._hand_on_fork,
        events.LogAdded: Session._ask_for_log,
        events.ClaimFreed: Session._note_freed,
        events.Outdone: Session._prune,
        events.Refused: Session._refuse,
        events.Due: Session._tick,
        events.FileWanted: Session._want_file,
        events.OpeningsWanted: Session._want_openings,
    },
    State.CLOSING: {
        **_PASSED_OVER,
        events.Opened: None,
        events.Received: Session._ignore,
        events.Lost: Session._lose,
        events.Stop: Session._ignore,
        events.FileWanted: Session._miss_file,
    },
    State.CLOSED: {
        **_PASSED_OVER,
        events.Opened: None,
        events.Received: Session._ignore,
        events.Lost: Session._ignore,
        events.Stop: Session._ignore,
        events.FileWanted: Session._miss_file,
    },
}

_FRAMES: Final[dict[State, dict[type[Message], Callable[[Session, Any, int], list[Action]]]]] = {
    State.GREETING: {Hello: Session._greet, Bye: Session._take_bye},
    State.LIVE: {
        **dict.fromkeys(CONTENT_TYPES, Session._take_content),
        ForwardJoin: Session._take_membership,
        Shuffle: Session._take_membership,
        Ping: Session._take_ping,
        Pong: Session._take_pong,
        Bye: Session._take_bye,
    },
}

_ANSWERS: Final = (Head, Bundle, Push, FilePart)
