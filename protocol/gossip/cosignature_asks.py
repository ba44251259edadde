"""Cosignatures that a peer holds and we do not: found by their mark, asked for by name, kept until the head is here.

Invariant: a difference of marks is asked about once in a session, so two nodes that judge differently do not loop.
Invariant: an answer has come only when its lines give the mark that was asked about, so a cursor never passes a line.
Spec: docs/spec/gossip/session.md
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from protocol.core.errors import PeerError
from protocol.core.note import parse_signature
from protocol.gossip import limits
from protocol.gossip.events import Action, Send, StoreCosignature
from protocol.gossip.frames import format_frame
from protocol.gossip.frontier import NO_COSIGNERS, Frontier, mark_cosigners
from protocol.gossip.messages import Ask, Cosig, HeadMark


@dataclass(slots=True)
class _Answer:
    """What has come of one log's lines since they were asked for: each cosigner's largest size."""

    mark: bytes
    sizes: dict[str, int] = field(default_factory=dict)


class CosignatureAsks:
    """What one session still has to ask about cosignatures, and those that came before their head."""

    def __init__(self, frontier: Frontier) -> None:
        self._frontier = frontier
        self._marks: dict[str, HeadMark] = {}
        self._answers: dict[str, _Answer] = {}
        self._noted_count = 0
        self._held: dict[str, list[Cosig]] = {}
        self._held_count = 0
        self._has_dropped = False

    def is_lacking(self) -> bool:
        """Whether the peer has told of lines that have not come, or that were left for the next session."""
        return self._has_dropped or bool(self._answers)

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
            self._settle(origin)
            self._answers[origin] = _Answer(self._marks.pop(origin).cosigners_mark)
        return [Send(format_frame(Ask(page, cosignatures=True))) for page in _cut(ready)]

    def _is_ready(self, origin: str) -> bool:
        mark = self._marks.get(origin)
        return mark is not None and mark.size <= self._frontier.size(origin)

    def take(self, message: Cosig) -> list[Action]:
        """A line: to be verified now, or once our head is there; what is beyond the limit is asked for again then."""
        self._note_answer(message)
        if message.size <= self._frontier.size(message.origin):
            return [StoreCosignature(message.origin, message.size, message.line)]
        if self._held_count >= limits.COSIGNATURES_HELD_MAX:
            self._has_dropped = True
            self._marks[message.origin] = HeadMark(message.origin, message.size, b"", NO_COSIGNERS)
            return []
        self._held.setdefault(message.origin, []).append(message)
        self._held_count += 1
        return []

    def _note_answer(self, message: Cosig) -> None:
        """Who has signed what, until it is all that the peer had said it holds; what is true of it is judged later."""
        answer = self._answers.get(message.origin)
        cosigner = "" if answer is None else _read_cosigner(message.line)
        if answer is None or not cosigner:
            return
        if cosigner not in answer.sizes:
            if self._noted_count >= limits.COSIGNERS_NOTED_MAX:
                return
            self._noted_count += 1
        answer.sizes[cosigner] = max(message.size, answer.sizes.get(cosigner, 0))
        if mark_cosigners(answer.sizes) == answer.mark:
            self._settle(message.origin)

    def _settle(self, origin: str) -> None:
        answer = self._answers.pop(origin, None)
        if answer is not None:
            self._noted_count -= len(answer.sizes)

    def release(self, origin: str) -> list[Action]:
        """The head of a log has moved: verify the lines that waited for it."""
        waiting = self._held.pop(origin, None)
        if waiting is None:
            return []
        self._held_count -= len(waiting)
        return [action for message in waiting for action in self.take(message)]


def _read_cosigner(line: bytes) -> str:
    """The name on a signature line; empty where it is none, which is for whoever verifies it to say."""
    try:
        return parse_signature(line.decode()).name
    except (UnicodeDecodeError, PeerError):
        return ""


def _cut(origins: list[str]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(origins), limits.ASK_ORIGINS_MAX):
        yield tuple(origins[start : start + limits.ASK_ORIGINS_MAX])
