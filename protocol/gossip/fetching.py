"""What a session fetches: what nobody pushes becomes a Want, every head a checked transfer, bundles are asked for.

Invariant: one session fetches a log at a time, and only as many bundles are under way as the limits say.
Invariant: a log stays in `behind` until we hold what the peer said it holds, so a cursor never passes a gap.
Spec: docs/spec/gossip/session.md
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from protocol.core.errors import PeerError
from protocol.gossip import limits
from protocol.gossip.events import Action, BeginTransfer, EndTransfer, Outdo, Send, StoreBundle, StorePush
from protocol.gossip.frames import format_frame
from protocol.gossip.frontier import Frontier
from protocol.gossip.messages import Bundle, Fetch, Graft, Head, HeadMark, Prune, Push, Want
from protocol.gossip.overlay.broadcast import Move, News

_ROOT_BYTES = 32


class Stage(Enum):
    """How far the fetching of one log is."""

    ASKED = "waiting for a head or a push"
    CHECKING = "the head is being verified"
    LOADING = "bundles are coming"
    STORING = "all of it is here, the disk has it next"


@dataclass(slots=True)
class _Fetching:
    """One log under way: `missing` bundles are still to be asked for, those `ahead` are asked for."""

    stage: Stage = Stage.ASKED
    note: bytes = b""
    first: int = 0
    roots: bytearray = field(default_factory=bytearray)
    size: int = 0
    missing: deque[int] = field(default_factory=deque)
    ahead: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Assembly:
    """The one bundle whose parts are coming."""

    origin: str
    number: int
    parts: int
    pieces: list[bytes] = field(default_factory=list)


class Fetcher:
    """All that one session fetches from its peer."""

    def __init__(self, frontier: Frontier, session: int) -> None:
        self._frontier = frontier
        self._tree = frontier.tree
        self._session = session
        self.theirs: dict[str, int] = {}
        self.behind: set[str] = set()
        self._queue: dict[str, None] = {}
        self._active: dict[str, _Fetching] = {}
        self._storing: dict[str, int] = {}
        self._assembly: _Assembly | None = None
        self._hops: dict[str, int] = {}
        self._patient: dict[str, None] = {}
        self._overdue: dict[str, None] = {}

    def waits_for_peer(self) -> bool:
        """Whether the peer owes us something; what waits for our own disk does not count."""
        return any(fetch.stage is Stage.ASKED or fetch.ahead for fetch in self._active.values())

    def note_theirs(self, mark: HeadMark) -> None:
        """The peer has named its head of a log."""
        self.theirs[mark.origin] = mark.size
        self._hops[mark.origin] = mark.hops

    def is_patient(self) -> bool:
        """Whether logs that the peer holds more of wait for their parents."""
        return bool(self._patient or self._overdue)

    def lose_patience(self) -> list[Action]:
        """Ask for what has waited for its parent since the last time, one delay or two."""
        overdue, self._overdue, self._patient = self._overdue, self._patient, {}
        return [action for origin in overdue for action in self.pursue(origin, is_overdue=True)]

    def lean(self, origin: str) -> list[Action]:
        """Where the peer holds what we do and had it over fewer links, have it push the log to us."""
        # Of a log that is empty here as there nobody has anything to push yet.
        is_level = 0 < self._frontier.size(origin) == self.theirs.get(origin, 0)
        if not is_level or self._frontier.is_settled(origin):
            return []
        hops = self._hops.get(origin, limits.HOPS_MAX)
        return self._judge(origin, News.TOLD_NEARER if self._tree.is_nearer(origin, hops) else News.TOLD_LEVEL)

    def pursue(self, origin: str, is_overdue: bool = False) -> list[Action]:
        """Look again at a log: fetch it if the peer holds more than we do, let go of it if not.

        What another session is to push is awaited from there first, unless it `is_overdue`.
        """
        local = self._frontier.size(origin)
        if self._storing.get(origin, 0) <= local or origin in self._frontier.frozen:
            self._storing.pop(origin, None)
        # Nobody continues our own log but us; a peer that holds more of it shows that this home was restored.
        if self._frontier.is_settled(origin) or self.theirs.get(origin, 0) <= local:
            for waiting in (self._queue, self._patient, self._overdue):
                waiting.pop(origin, None)
            self.behind.discard(origin)
            return self._let_go(origin) + self._start_next()
        self.behind.add(origin)
        fetch = self._active.get(origin)
        if fetch is not None and 0 < fetch.size <= local:
            # This transfer is done, and the peer has moved on meanwhile.
            return self._let_go(origin) + self.pursue(origin)
        if fetch is None and self._storing.get(origin, 0) < self.theirs[origin]:
            if is_overdue or not self._tree.is_awaited(origin, self._session):
                self._queue[origin] = None
            elif origin not in self._overdue and origin not in self._queue:
                self._patient[origin] = None
        return self._start_next()

    def take_push(self, message: Push) -> list[Action]:
        """New entries: stored if they follow what we hold or are storing, else the gap before them is fetched."""
        origin, stop = message.origin, message.start + message.count
        self.theirs[origin] = max(self.theirs.get(origin, 0), stop)
        self._hops[origin] = message.hops
        reach = max(self._frontier.size(origin), self._storing.get(origin, 0))
        if self._frontier.is_settled(origin):
            return self.pursue(origin)
        actions = self._judge(origin, self._weigh(message, is_new=stop > reach))
        if stop < reach or message.start > reach:
            return actions + self.pursue(origin)
        actions += [StorePush(origin, message.start, message.count, message.note, message.entries)]
        if stop > self._frontier.size(origin):
            self._storing[origin] = stop
        fetch = self._active.get(origin)
        if fetch is not None and fetch.stage is Stage.ASKED:
            actions += self._let_go(origin)
        return actions + self.pursue(origin)

    def take_head(self, message: Head) -> list[Action]:
        """A page of the answer to a Want; what we no longer wait for is passed over."""
        fetch = self._active.get(message.origin)
        if fetch is None or fetch.stage is not Stage.ASKED:
            return []
        if not fetch.roots:
            fetch.note, fetch.first = message.note, message.first
        held = len(fetch.roots) // _ROOT_BYTES
        if message.note != fetch.note or message.first != fetch.first + held:
            raise PeerError(f"log {message.origin}: pages of a head that do not fit together")
        if held + len(message.roots) // _ROOT_BYTES > limits.TRANSFER_BUNDLES_MAX:
            raise PeerError(f"log {message.origin}: more than {limits.TRANSFER_BUNDLES_MAX} bundles in one transfer")
        fetch.roots += message.roots
        if not message.is_last:
            return []
        fetch.stage = Stage.CHECKING
        roots = bytes(fetch.roots)
        fetch.roots.clear()
        return [BeginTransfer(message.origin, fetch.first, fetch.note, roots)]

    def take_checked(self, origin: str, size: int, missing: tuple[int, ...]) -> list[Action]:
        """The head was verified: ask for the bundles that are not stored yet."""
        fetch = self._active.get(origin)
        if fetch is None or fetch.stage is not Stage.CHECKING:
            return []
        fetch.stage, fetch.size, fetch.missing = Stage.LOADING, size, deque(missing)
        return self._ask_ahead(origin, fetch)

    def take_bundle(self, message: Bundle) -> list[Action]:
        """A part of a bundle; the whole is handed on once the last part is there."""
        fetch = self._active.get(message.origin)
        if fetch is None or message.number not in fetch.ahead:
            return []
        if message.part == 0:
            self._assembly = _Assembly(message.origin, message.number, message.parts)
        building = self._assembly
        if building is None or not self._is_next(building, message):
            return []
        building.pieces.append(message.raw)
        if len(building.pieces) < building.parts:
            return []
        self._assembly = None
        fetch.ahead.remove(message.number)
        raw = building.pieces[0] if building.parts == 1 else b"".join(building.pieces)
        store: list[Action] = [StoreBundle(message.origin, message.number, raw)]
        if not fetch.ahead and not fetch.missing:
            fetch.stage = Stage.STORING
            return store + self._start_next()
        return store + self._ask_ahead(message.origin, fetch)

    def abandon(self) -> list[Action]:
        """The session ends: give back every log that it was fetching."""
        self._queue.clear()
        return [action for origin in list(self._active) for action in self._let_go(origin)]

    def _weigh(self, message: Push, is_new: bool) -> News:
        hops = self._tree.hops(message.origin)
        if is_new:
            return News.PUSHED_NEW_NEARER if message.hops < hops else News.PUSHED_NEW
        return News.PUSHED_AGAIN_NEARER if self._tree.is_nearer(message.origin, message.hops) else News.PUSHED_AGAIN

    def _judge(self, origin: str, news: News) -> list[Action]:
        """Tell the tree, and say to the peers what follows."""
        move, actions = self._tell_tree(origin, news)
        if move in (Move.GRAFT, Move.PRUNE):
            actions.append(Send(format_frame(Graft(origin) if move is Move.GRAFT else Prune(origin))))
        return actions

    def _tell_tree(self, origin: str, news: News) -> tuple[Move, list[Action]]:
        move, past = self._tree.judge(origin, self._session, news, self._hops.get(origin, limits.HOPS_MAX))
        return move, [] if past is None else [Outdo(origin, past)]

    @staticmethod
    def _is_next(building: _Assembly, message: Bundle) -> bool:
        wanted = (building.origin, building.number, building.parts, len(building.pieces))
        return (message.origin, message.number, message.parts, message.part) == wanted

    def _start_next(self) -> list[Action]:
        actions: list[Action] = []
        # What only our own disk is waited for keeps no other log from coming.
        loading = sum(fetch.stage is not Stage.STORING for fetch in self._active.values())
        while self._queue and loading < limits.TRANSFERS_MAX:
            origin = next(iter(self._queue))
            del self._queue[origin]
            # Whoever holds the claim says when it is free; then this log is looked at again.
            if self._frontier.claim(origin, self._session):
                loading += 1
                self._active[origin] = _Fetching()
                move, past = self._tell_tree(origin, News.OVERDUE)
                want = Want(origin, self._frontier.size(origin), is_grafted=move is Move.GRAFT)
                actions += [*past, Send(format_frame(want))]
        return actions

    def _ask_ahead(self, origin: str, fetch: _Fetching) -> list[Action]:
        actions: list[Action] = []
        while fetch.missing and len(fetch.ahead) + limits.FETCH_BUNDLES <= limits.BUNDLES_AHEAD_MAX:
            first = fetch.missing.popleft()
            count = 1
            while fetch.missing and count < limits.FETCH_BUNDLES and fetch.missing[0] == first + count:
                fetch.missing.popleft()
                count += 1
            fetch.ahead.update(range(first, first + count))
            actions.append(Send(format_frame(Fetch(origin, fetch.size, first, count))))
        return actions

    def _let_go(self, origin: str) -> list[Action]:
        if self._active.pop(origin, None) is None:
            return []
        if self._assembly is not None and self._assembly.origin == origin:
            self._assembly = None
        self._frontier.release(origin, self._session)
        return [EndTransfer(origin)]
