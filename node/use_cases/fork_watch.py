"""Evidence that a log was signed on two branches, or after its end: judged, kept, held against nothing but the log.

Invariant: only heads that the log itself signed count, and only with a proof that anyone can check.
Invariant: evidence ends a log's views where its versions part: at once at nothing, then as far as is shown.
Spec: docs/spec/gossip/session.md, docs/spec/log/branch-point.md, docs/spec/log/fork-evidence.md
"""

import contextlib
import sqlite3
from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

from node.use_cases.context import Node
from protocol.core.errors import PeerError
from protocol.gossip import limits
from protocol.log.bundle import BUNDLE_ENTRIES, BUNDLE_LEVEL, bundle_roots_fold
from protocol.log.checkpoint import Checkpoint, open_checkpoint
from protocol.log.fork import AfterEnd, check_after_end, check_fork, is_beyond, prove_fork, strip_note
from protocol.log.merkle import fold, leaf_hash
from storage.log import fork_cuts, log_store
from storage.log.cosignatures import add_fork, forks

ROOTS_PART = "known_roots"
ROOTS_KEPT_MAX = 1_024
"""Earlier heads whose roots are remembered: all the cosigners of a head speak of the same one, and mostly late."""
LATER_HEADS_PER_LOG_MAX = 4
LATER_HEADS_WAITING_MAX = 256
"""Logs of which a head is remembered that may turn out to lie beyond an end that is not known here yet."""
FORKS_PER_LOG_MAX = 4
"""Pieces of evidence kept for one log: one is enough to convict, more only show further branches."""


class Evidence(NamedTuple):
    """Two signed heads of one log and the proof that no tree begins with both."""

    origin: str
    note_a: bytes
    note_b: bytes
    proof: bytes


def root_at(db: sqlite3.Connection, origin: str, size: int) -> bytes:
    """The root of the first `size` entries of a log that we hold at least as far."""
    return bundle_roots_fold(log_store.bundle_roots(db, origin, 0, size))


def known_root(node: Node, origin: str, size: int) -> bytes:
    """The same, for the loop's thread, from memory where it was asked before: below its head a log never changes."""
    read: Callable[[str, int], bytes] | None = node.parts.get(ROOTS_PART)
    if read is None:
        read = node.parts[ROOTS_PART] = lru_cache(ROOTS_KEPT_MAX)(partial(root_at, node.database.reader))
    return read(origin, size)


def is_past_of_ours(db: sqlite3.Connection, origin: str, size: int, root_mark: bytes) -> bool:
    """Whether a peer's smaller head is one that our log has gone through."""
    return root_at(db, origin, size)[: limits.ROOT_MARK_BYTES] == root_mark


async def judge_note(node: Node, origin: str, note: bytes) -> tuple[Evidence | None, bool]:
    """Hold a peer's signed head against ours: (new evidence of a fork, whether ours should be sent back).

    Ours is sent back when the peer's is the longer one: whoever holds the longer branch can prove. PeerError where
    the note is not the log's.
    """
    db = node.database.reader
    head, log_key = log_store.head(db, origin), log_store.log_key_of(db, origin)
    if head is None or log_key is None:
        raise PeerError(f"log {origin} is not known here")
    theirs = open_checkpoint(note, log_key, origin)
    if await admit_later_head(node, origin, note):
        return None, False
    if head.size == 0 or theirs.size == 0:
        return None, False
    if theirs.size > head.size:
        return None, True
    ours = open_checkpoint(head.note, log_key, origin)
    proof = prove_fork(theirs, ours, lambda level, index: read_subtree(db, origin, level, index))
    if proof is None:
        return None, False
    return await _keep(node, Evidence(origin, note, head.note, proof)), False


async def admit_evidence(node: Node, evidence: Evidence) -> Evidence | None:
    """Check evidence that a peer sent and keep it; None when it is known, or as much is kept of this log as is.

    PeerError where it proves nothing, or the log is not known here.
    """
    log_key = log_store.log_key_of(node.database.reader, evidence.origin)
    if log_key is None:
        raise PeerError(f"log {evidence.origin} is not known here")
    check_fork(evidence.note_a, evidence.note_b, evidence.proof, log_key, evidence.origin)
    return await _keep(node, evidence)


async def admit_later_head(node: Node, origin: str, note: bytes) -> bool:
    """Keep a signed head of a log that has ended if it lies beyond that end, and say whether it does.

    Where none is known here it is remembered for a while: the word of the end may still be on its way. PeerError
    where the note is not the log's.
    """
    db = node.database.reader
    log_key = log_store.log_key_of(db, origin)
    if log_key is None:
        raise PeerError(f"log {origin} is not known here")
    head, end = open_checkpoint(note, log_key, origin), fork_cuts.retired_at(db, origin)
    waiting: dict[str, bytes] = node.parts.setdefault("later_heads_waiting", {})
    if end is None or not is_beyond(Checkpoint(origin, *end), head.size, head.root):
        if origin in waiting or len(waiting) < LATER_HEADS_WAITING_MAX:
            waiting[origin] = note
        return False
    stripped = strip_note(note, log_key, origin)
    held = log_store.head(db, origin)
    is_held = held is not None and (held.size, held.root) == (head.size, head.root)
    if not is_held and (origin, stripped) not in fork_cuts.later_heads(db):
        kept = await node.database.write(
            lambda db: fork_cuts.add_later_head(db, origin, stripped, LATER_HEADS_PER_LOG_MAX)
        )
        if kept:
            node.log.warning("signed_after_end", origin=origin, size=head.size)
    return True


async def judge_waiting_heads(node: Node) -> None:
    """An end has become known: look again at the heads that came before the word of it."""
    waiting: dict[str, bytes] = node.parts.get("later_heads_waiting", {})
    for origin in sorted(waiting.keys() & fork_cuts.retired_logs(node.database.reader).keys()):
        await admit_later_head(node, origin, waiting.pop(origin))


def list_later_heads(db: sqlite3.Connection) -> list[AfterEnd]:
    """Every head known here that was signed beyond its log's end."""
    found = []
    for origin, note in fork_cuts.later_heads(db):
        end, log_key = fork_cuts.retired_at(db, origin), log_store.log_key_of(db, origin)
        if end is None or log_key is None:
            continue
        evidence = AfterEnd(Checkpoint(origin, *end), strip_note(note, log_key, origin))
        with contextlib.suppress(PeerError):
            # An end may have moved since, and the head be within it.
            check_after_end(evidence, log_key)
            found.append(evidence)
    return found


def list_evidence(db: sqlite3.Connection) -> list[Evidence]:
    """All the evidence that this node keeps."""
    return [Evidence(*row) for row in forks(db)]


async def _keep(node: Node, evidence: Evidence) -> Evidence | None:
    def keep(db: sqlite3.Connection) -> bool:
        held = sum(origin == evidence.origin for origin, *_ in forks(db))
        if held >= FORKS_PER_LOG_MAX or not add_fork(db, *evidence):
            return False
        fork_cuts.apply_cut(db, evidence.origin)
        return True

    if not await node.database.write(keep):
        return None
    node.log.warning("fork_evidence", origin=evidence.origin)
    tell_recount(node, evidence.origin)
    return evidence


def tell_recount(node: Node, origin: str) -> None:
    """Have whoever follows a log's records look at all of them again."""
    head = log_store.head(node.database.reader, origin)
    if head is not None and head.size:
        node.changes.publish(origin, 0, head.size)


def read_subtree(db: sqlite3.Connection, origin: str, level: int, index: int) -> bytes:
    """The root of a complete subtree of a stored log (merkle.HashReader)."""
    start, stop = index << level, (index + 1) << level
    if level >= BUNDLE_LEVEL:
        return fold(log_store.bundle_roots(db, origin, start // BUNDLE_ENTRIES, stop))
    return fold([leaf_hash(entry) for entry in log_store.entries(db, origin, start, stop)])
