"""Cosignatures that a peer holds and we do not: found by their mark, asked for by name, kept until the head is here.

Invariant: a difference of marks is asked about once in a session, so two nodes that judge differently do not loop.
Spec: docs/spec/session.md
"""

from collections.abc import Iterable, Iterator

from protocol.gossip import limits
from protocol.gossip.events import Action, Send, StoreCosignature
from protocol.gossip.frames import format_frame
from protocol.gossip.frontier import NO_COSIGNERS, Frontier
from protocol.gossip.messages import Ask, Cosig, HeadMark


class CosignatureAsks:
    """What one session still has to ask about cosignatures, and those that came before their head."""

    def __init__(self, frontier: Frontier) -> None:
        self._frontier = frontier
        self._marks: dict[str, HeadMark] = {}
        self._held: dict[str, list[Cosig]] = {}
        self._held_count = 0

    def note_theirs(self, mark: HeadMark) -> None:
        """The peer has said what it holds for a log we know."""
        if mark.cosigners_mark == NO_COSIGNERS:
            return
        if mark.cosigners_mark != self._frontier.cosigners_mark(mark.origin):
            self._marks[mark.origin] = mark

    def ask(self, origins: Iterable[str]) -> list[Action]:
        """Ask for the cosignatures of those of these logs that we now hold as far as the peer does."""
        ready = [origin for origin in origins if self._is_ready(origin)]
        for origin in ready:
            del self._marks[origin]
        return [Send(format_frame(Ask(page, cosignatures=True))) for page in _cut(ready)]

    def _is_ready(self, origin: str) -> bool:
        mark = self._marks.get(origin)
        return mark is not None and mark.size <= self._frontier.size(origin)

    def take(self, message: Cosig) -> list[Action]:
        """A line: to be verified now, or once our head is there; beyond the limit it is left for the next session."""
        if message.size <= self._frontier.size(message.origin):
            return [StoreCosignature(message.origin, message.size, message.line)]
        if self._held_count < limits.COSIGNATURES_HELD_MAX:
            self._held.setdefault(message.origin, []).append(message)
            self._held_count += 1
        return []

    def release(self, origin: str) -> list[Action]:
        """The head of a log has moved: verify the lines that waited for it."""
        waiting = self._held.pop(origin, None)
        if waiting is None:
            return []
        self._held_count -= len(waiting)
        return [action for message in waiting for action in self.take(message)]


def _cut(origins: list[str]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(origins), limits.ASK_ORIGINS_MAX):
        yield tuple(origins[start : start + limits.ASK_ORIGINS_MAX])
