"""Finding where two versions of a log part, with whoever holds the other one: question and answer, halving the gap.

Invariant: every answer is shown by the signed head it is given under; what is kept anyone can check.
Invariant: whoever answers remembers nothing; whoever asks holds one gap for each pair of heads.
Spec: docs/spec/log/branch-point.md
"""

import sqlite3
from typing import Final, NamedTuple

from node.use_cases.context import Node
from node.use_cases.fork_watch import list_evidence, read_subtree, tell_recount
from protocol.core.errors import PeerError
from protocol.gossip.messages import Fork
from protocol.log.branch_point import (
    SIZE_BYTES,
    check_side,
    check_trunk,
    format_side,
    format_trunk,
    parse_side,
    prove_side,
)
from protocol.log.checkpoint import Checkpoint, open_checkpoint
from storage.log import fork_cuts, log_store

GAPS_MAX: Final = 256
"""Pairs of heads that are looked into at a time; a further one waits for the next session."""


class _Gap(NamedTuple):
    """Two heads are one log up to `low` and are not at `high`."""

    low: int
    high: int


class BranchFinder:
    """One node's questions about where the logs part that were signed twice."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._gaps: dict[tuple[str, bytes], _Gap] = {}

    def begin(self, origin: str, their_note: bytes) -> Fork | None:
        """The first question to a peer that holds another version than ours; None where there is nothing to ask."""
        db = self._node.database.reader
        ours, theirs = self._open_both(db, origin, their_note)
        notes = _order(log_store.head(db, origin), their_note)
        is_proven = any(one.origin == origin and (one.note_a, one.note_b) == notes for one in list_evidence(db))
        if not is_proven or fork_cuts.has_trunk(db, origin, notes) or len(self._gaps) >= GAPS_MAX:
            return None
        # Asked before and perhaps cut off: the question that is still open is put again.
        gap = self._gaps.setdefault((origin, their_note), _Gap(0, min(ours.size, theirs.size)))
        return _ask(db, origin, gap)

    def answer(self, origin: str, question: bytes) -> Fork | None:
        """What our version begins with at the size that is asked for; None where we do not reach it."""
        db = self._node.database.reader
        head, size = log_store.head(db, origin), int.from_bytes(question)
        if head is None or size > head.size or not head.size:
            return None
        checkpoint = Checkpoint(origin, head.size, head.root)
        side = prove_side(size, checkpoint, lambda level, index: read_subtree(db, origin, level, index))
        return Fork(origin, head.note, b"", format_side(side))

    async def take(self, origin: str, their_note: bytes, raw: bytes) -> Fork | None:
        """An answer: the next question, or where the versions part, now kept, to be told to all; None where it was not
        asked for. PeerError where it does not show what it says."""
        gap = self._gaps.get((origin, their_note))
        if gap is None:
            return None
        db, theirs = self._node.database.reader, parse_side(raw)
        own_head, their_head = self._open_both(db, origin, their_note)
        if theirs.size != (gap.low + gap.high) // 2:
            return None
        check_side(theirs, their_head)
        ours = prove_side(theirs.size, own_head, lambda level, index: read_subtree(db, origin, level, index))
        gap = _Gap(theirs.size, gap.high) if ours.root == theirs.root else _Gap(gap.low, theirs.size)
        self._gaps[origin, their_note] = gap
        # The last question is about the lower end itself, whose answer makes the proof.
        if gap.high - gap.low > 1 or ours.root != theirs.root:
            return _ask(db, origin, gap)
        del self._gaps[origin, their_note]
        head = log_store.head(db, origin)
        notes = _order(head, their_note)
        trunk = format_trunk(*((ours, theirs) if notes[1] == their_note else (theirs, ours)))
        return await self.admit(origin, notes, trunk)

    async def admit(self, origin: str, notes: tuple[bytes, bytes], trunk: bytes) -> Fork | None:
        """Check what two heads have in common and keep it; None where as much was known. PeerError if it is not so."""
        notes = (min(notes), max(notes))
        log_key = log_store.log_key_of(self._node.database.reader, origin)
        if log_key is None:
            raise PeerError(f"log {origin} is not known here")
        size = check_trunk(*notes, trunk, log_key, origin)

        def keep(db: sqlite3.Connection) -> bool:
            is_evidence = any((one.note_a, one.note_b) == notes for one in list_evidence(db))
            if not is_evidence or not fork_cuts.add_trunk(db, origin, notes, size, trunk):
                return False
            fork_cuts.apply_cut(db, origin)
            return True

        if not await self._node.database.write(keep):
            return None
        tell_recount(self._node, origin)
        return Fork(origin, *notes, trunk)

    def _open_both(self, db: sqlite3.Connection, origin: str, their_note: bytes) -> tuple[Checkpoint, Checkpoint]:
        head, log_key = log_store.head(db, origin), log_store.log_key_of(db, origin)
        if head is None or log_key is None:
            raise PeerError(f"log {origin} is not known here")
        return Checkpoint(origin, head.size, head.root), open_checkpoint(their_note, log_key, origin)


def _ask(db: sqlite3.Connection, origin: str, gap: _Gap) -> Fork:
    head = log_store.head(db, origin)
    assert head is not None
    return Fork(origin, head.note, b"", ((gap.low + gap.high) // 2).to_bytes(SIZE_BYTES))


def _order(head: log_store.Head | None, their_note: bytes) -> tuple[bytes, bytes]:
    ours = b"" if head is None else head.note
    return min(ours, their_note), max(ours, their_note)
