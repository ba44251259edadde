"""What a live peer says, frame by frame, and what follows from it.

Invariant: of logs that are not known here nothing is taken; they are counted.
Invariant: what a peer may not have is to it as if it were not known here.
Spec: docs/spec/gossip/session.md
"""

from collections.abc import Callable
from typing import Any, Final

from protocol.core.errors import PeerError
from protocol.gossip import events, limits
from protocol.gossip.announcing import Announcer
from protocol.gossip.cosignature_asks import CosignatureAsks
from protocol.gossip.events import Action
from protocol.gossip.fetching import Fetcher
from protocol.gossip.file_fetching import FileFetcher
from protocol.gossip.frontier import Comparison, Frontier
from protocol.gossip.messages import (
    Ask,
    Bundle,
    Cosig,
    Fetch,
    FilePart,
    FileWant,
    Fork,
    Graft,
    Have,
    Head,
    HeadMark,
    Message,
    OpeningWant,
    Prune,
    Push,
    Reveal,
    Want,
)
from protocol.log.bundle import count_bundles


class Hearing:
    """One session's ear: what it has told, fetches and waits for."""

    def __init__(self, frontier: Frontier, session: int, peer: str) -> None:
        self.strangers = 0
        self.announcer = Announcer(frontier, peer)
        self.fetcher = Fetcher(frontier, session)
        self.files = FileFetcher(frontier.begun_files, session)
        self.cosignatures = CosignatureAsks(frontier)
        self._session = session
        self._checked: dict[str, int] = {}
        self._ahead: dict[str, HeadMark] = {}
        """Heads told by the peer that ours has not reached yet, one for each log that is known here."""
        self._frontier = frontier
        self._peer = peer

    def take(self, message: Message) -> list[Action]:
        """What is to be done about a frame of CONTENT_TYPES; PeerError where the peer may not say it."""
        return _TAKES[type(message)](self, message)

    def compare_ways(self, message: Have) -> list[Action]:
        """The peer has told of heads as they came to it: where that was over fewer links, have it push them to us."""
        actions: list[Action] = []
        for mark in message.heads:
            actions += self.fetcher.lean(mark.origin)
        return actions

    def _take_have(self, message: Have) -> list[Action]:
        actions: list[Action] = []
        for mark in message.heads:
            actions += self._take_mark(mark)
        return actions + self.cosignatures.ask(mark.origin for mark in message.heads)

    def _take_mark(self, mark: HeadMark) -> list[Action]:
        compared = self._frontier.compare(mark)
        if compared is Comparison.UNKNOWN:
            self.strangers += 1
            return []
        if not self._frontier.is_shared(mark.origin, self._peer):
            self.fetcher.note_theirs(mark)
            return self.fetcher.pursue(mark.origin)
        self.cosignatures.note_theirs(mark)
        if compared is Comparison.FORKED and mark.origin not in self._frontier.frozen:
            return [events.ServeNote(mark.origin)]
        self.fetcher.note_theirs(mark)
        if compared is Comparison.BEHIND:
            self._ahead[mark.origin] = mark
        actions: list[Action] = []
        if compared is Comparison.AHEAD and mark.size and self._checked.get(mark.origin) != mark.size:
            self._checked[mark.origin] = mark.size
            actions.append(events.CheckPast(mark.origin, mark.size, mark.root_mark))
        self.announcer.note_theirs(mark.origin, mark.size)
        return actions + self.fetcher.pursue(mark.origin)

    def compare_again(self, origin: str) -> list[Action]:
        """Our head has reached one that the peer told before: by whomever it came, it may be of another version."""
        mark = self._ahead.get(origin)
        if mark is None or self._frontier.size(origin) < mark.size or origin in self._frontier.frozen:
            return []
        del self._ahead[origin]
        compared = self._frontier.compare(mark)
        if compared is Comparison.AHEAD:
            return [events.CheckPast(origin, mark.size, mark.root_mark)]
        return [events.ServeNote(origin)] if compared is Comparison.FORKED else []

    def _take_want(self, message: Want) -> list[Action]:
        if message.is_grafted:
            self._take_graft(message)
        if message.start >= self._shown_size(message.origin):
            return self.announcer.answer([message.origin])
        return [events.ServeLog(message.origin, message.start, self._frontier.tree.hops(message.origin))]

    def _take_ask(self, message: Ask) -> list[Action]:
        if message.cosignatures:
            known = [origin for origin in message.origins if self._shown_size(origin)]
            return [events.ServeCosignatures(origin) for origin in known]
        return self.announcer.answer(message.origins)

    def _take_head(self, message: Head) -> list[Action]:
        return self.fetcher.take_head(message)

    def _take_fetch(self, message: Fetch) -> list[Action]:
        is_beyond = message.first + message.count > count_bundles(message.size)
        if is_beyond or message.size > self._shown_size(message.origin):
            raise PeerError(f"fetch: bundles beyond the end of {message.origin}")
        return [events.ServeBundles(message.origin, message.size, message.first, message.count)]

    def _take_bundle(self, message: Bundle) -> list[Action]:
        return self.fetcher.take_bundle(message)

    def _take_push(self, message: Push) -> list[Action]:
        if self._is_stranger(message.origin):
            return []
        actions = self.fetcher.take_push(message)
        if message.origin in self._frontier.frozen:
            # Nothing more is taken of it; that it was signed may be evidence.
            actions.append(events.CheckFork(message.origin, message.note, b"", limits.AFTER_END))
        return actions

    def _take_graft(self, message: Graft | Want) -> list[Action]:
        if not self._is_stranger(message.origin) and self._frontier.is_shared(message.origin, self._peer):
            self._frontier.tree.add_child(message.origin, self._session)
        return []

    def _take_prune(self, message: Prune) -> list[Action]:
        self._frontier.tree.drop_child(message.origin, self._session)
        return []

    def _take_cosig(self, message: Cosig) -> list[Action]:
        if self._is_stranger(message.origin):
            return []
        return self.cosignatures.take(message)

    def _take_fork(self, message: Fork) -> list[Action]:
        if self._is_stranger(message.origin) or not self._frontier.is_shared(message.origin, self._peer):
            return []
        return [events.CheckFork(message.origin, message.note_a, message.note_b, message.proof)]

    def _take_file_want(self, message: FileWant) -> list[Action]:
        return [events.ServeFile(message.sha256, message.offset)]

    def _take_file(self, message: FilePart) -> list[Action]:
        return self.files.take(message)

    def _take_opening_want(self, message: OpeningWant) -> list[Action]:
        return [events.ServeOpenings(message.commitments)]

    def _take_reveal(self, message: Reveal) -> list[Action]:
        return [events.StoreOpening(message.opening)]

    def _shown_size(self, origin: str) -> int:
        """How far we hold a log, as this peer may know it."""
        return self._frontier.size(origin) if self._frontier.is_shared(origin, self._peer) else 0

    def _is_stranger(self, origin: str) -> bool:
        is_unknown = origin not in self._frontier.heads
        self.strangers += is_unknown
        return is_unknown


_TAKES: Final[dict[type[Message], Callable[[Hearing, Any], list[Action]]]] = {
    Have: Hearing._take_have,
    Want: Hearing._take_want,
    Ask: Hearing._take_ask,
    Head: Hearing._take_head,
    Fetch: Hearing._take_fetch,
    Bundle: Hearing._take_bundle,
    Push: Hearing._take_push,
    Graft: Hearing._take_graft,
    Prune: Hearing._take_prune,
    Cosig: Hearing._take_cosig,
    Fork: Hearing._take_fork,
    FileWant: Hearing._take_file_want,
    FilePart: Hearing._take_file,
    OpeningWant: Hearing._take_opening_want,
    Reveal: Hearing._take_reveal,
}

CONTENT_TYPES: Final = tuple(_TAKES)
"""The frames that speak of logs, files and openings; the others keep the session itself going."""
