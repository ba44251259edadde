"""What a session tells its peer: new entries at once of logs that it pushes, other heads in batches, nothing twice.

Invariant: when a counter is said, every change up to it was said before or is known to be with the peer.
Spec: docs/spec/gossip/session.md
"""

from collections.abc import Iterable

from protocol.gossip.events import Action, Send
from protocol.gossip.frames import cut_have, format_frame
from protocol.gossip.frontier import Frontier
from protocol.gossip.messages import HeadMark, Ping


class Announcer:
    """What was said to one peer, and what is still to be said."""

    def __init__(self, frontier: Frontier, peer: str) -> None:
        self._frontier = frontier
        self._peer = peer
        self._told: dict[str, int] = {}
        self._dirty: dict[str, None] = {}
        self.told_counter = 0

    def is_due(self) -> bool:
        """Whether heads wait to be announced."""
        return bool(self._dirty)

    def is_counter_due(self) -> bool:
        """Whether the peer has not been told our newest change number, and no batch is about to tell it."""
        return not self._dirty and self.told_counter < self._frontier.counter

    def tell_all(self, heads: Iterable[HeadMark], counter: int) -> list[Action]:
        """The first announcement of a session: everything that changed since the peer's cursor."""
        marks = [mark for mark in heads if self._frontier.is_shared(mark.origin, self._peer)]
        for mark in marks:
            self._told[mark.origin] = max(self._told.get(mark.origin, 0), mark.size)
        self.told_counter = counter
        return [Send(raw) for raw in cut_have(marks, counter)]

    def note_moved(self, origin: str, theirs: int, push: bytes) -> list[Action]:
        """A head has moved: `push` goes out at once, else the head waits for the batch, unless the peer has it."""
        size = self._frontier.size(origin)
        if max(self._told.get(origin, 0), theirs) >= size or not self._frontier.is_shared(origin, self._peer):
            return []
        if push:
            self._told[origin] = size
            self._dirty.pop(origin, None)
            return [Send(push)]
        self._dirty[origin] = None
        return []

    def note_theirs(self, origin: str, theirs: int) -> None:
        """The peer has named a smaller head than ours: say ours, unless this session has said it."""
        if max(self._told.get(origin, 0), theirs) < self._frontier.size(origin):
            self._dirty[origin] = None

    def answer(self, origins: Iterable[str]) -> list[Action]:
        """Our heads of these logs, asked for by name; says nothing about the counter."""
        marks = [self._frontier.shown_mark(origin, self._peer) for origin in origins]
        return [Send(raw) for raw in cut_have(marks, 0, is_last=False)]

    def flush(self, theirs: dict[str, int]) -> list[Action]:
        """The batch of heads that the peer is not known to have, with our counter."""
        marks = []
        for origin in self._dirty:
            mark = self._frontier.mark(origin)
            if max(self._told.get(origin, 0), theirs.get(origin, 0)) < mark.size:
                marks.append(mark)
        self._dirty.clear()
        if not marks:
            return []
        return self.tell_all(marks, self._frontier.counter)

    def ping(self) -> list[Action]:
        """A sign of life that carries the counter, if all before it was said."""
        counter = self.told_counter if self._dirty else self._frontier.counter
        self.told_counter = counter
        return [Send(format_frame(Ping(counter)))]
