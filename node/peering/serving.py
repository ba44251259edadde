"""What peers ask of us, read from the store as they take it: heads, bundles, cosignatures, evidence, files.

Invariant: a bundle is one read and one send; nothing is read before the peer has taken what came before it.
Spec: docs/spec/gossip/session.md
"""

import sqlite3
from collections.abc import Iterator

from node.use_cases.context import Node
from node.use_cases.fork_watch import Evidence, list_evidence, list_later_heads
from node.use_cases.shared_files import read_shared
from node.use_cases.supply.travelling import list_openings
from protocol.gossip import events, limits
from protocol.gossip.events import Action
from protocol.gossip.frames import cut_bundle, cut_head, format_frame
from protocol.gossip.frontier import Circle
from protocol.gossip.messages import Cosig, FilePart, Fork, Push, Reveal
from protocol.log.bundle import BUNDLE_ENTRIES
from protocol.log.fork import AfterEnd
from storage.log import fork_cuts, log_store
from storage.log.cosignatures import newest_by_cosigner


def serve(node: Node, action: Action, reader: str = "", circles: tuple[Circle, ...] = ()) -> Iterator[bytes]:
    """The frames that answer one Serve action of the peer `reader`, read one by one."""
    db = node.database.reader
    match action:
        case events.ServeLog():
            yield from _serve_log(db, action)
        case events.ServeBundles():
            for number in range(action.first, action.first + action.count):
                yield from cut_bundle(action.origin, number, log_store.bundle(db, action.origin, number, action.size))
        case events.ServeCosignatures():
            for found in newest_by_cosigner(db, action.origin).values():
                yield format_frame(Cosig(found.origin, found.size, found.line))
        case events.ServeForks():
            yield from _serve_forks(node, frozenset(action.origins))
        case events.ServeNote():
            head = log_store.head(db, action.origin)
            if head is not None and head.size:
                yield format_frame(Fork(action.origin, head.note, b"", b""))
        case events.ServeOpenings():
            for opening in list_openings(node, action.commitments, reader, circles):
                yield format_frame(Reveal(opening))
        case events.ServeFile():
            yield _serve_file(action, read_shared(node, action.sha256, reader, circles))


def format_evidence(evidence: Evidence) -> bytes:
    """The frame that hands evidence of a fork on."""
    return format_frame(Fork(*evidence))


def format_later_head(evidence: AfterEnd) -> bytes:
    """The frame that hands on a head which was signed after its log's end; where that was is in the records."""
    return format_frame(Fork(evidence.end.origin, evidence.note, b"", limits.AFTER_END))


def format_push(db: sqlite3.Connection, head: log_store.Head, start: int, hops: int) -> bytes:
    """The frame that leads from `start` to our head, which came over so many links; empty when too long for one."""
    if not start < head.size <= start + limits.PUSH_ENTRIES_MAX:
        return b""
    raw = log_store.span(db, head.origin, start, head.size)
    if len(raw) > limits.PART_BYTES - limits.NOTE_BYTES_MAX:
        return b""
    return format_frame(Push(head.origin, start, head.size - start, head.note, raw, hops))


def _serve_forks(node: Node, origins: frozenset[str]) -> Iterator[bytes]:
    db = node.database.reader
    told = [one for one in list_evidence(db) if one.origin in origins]
    trunks = [one for one in fork_cuts.trunks(db) if one[0] in origins]
    for evidence in told[: limits.FORKS_TOLD_MAX]:
        yield format_evidence(evidence)
    for later in [one for one in list_later_heads(db) if one.end.origin in origins][: limits.FORKS_TOLD_MAX]:
        yield format_later_head(later)
    for trunk in trunks[: limits.FORKS_TOLD_MAX]:
        yield format_frame(Fork(*trunk))
    # Perhaps this peer holds the other version of one, and where they part is still to be found.
    for origin in [one for one in fork_cuts.untraced_logs(db) if one in origins][: limits.FORKS_TOLD_MAX]:
        yield from serve(node, events.ServeNote(origin))


def _serve_log(db: sqlite3.Connection, action: events.ServeLog) -> Iterator[bytes]:
    head = log_store.head(db, action.origin)
    if head is None:
        return
    if push := format_push(db, head, action.start, action.hops):
        yield push
    elif head.size > action.start:
        first = action.start // BUNDLE_ENTRIES
        roots = log_store.bundle_roots(db, action.origin, first, head.size)
        yield from cut_head(action.origin, first, head.note, roots)


def _serve_file(action: events.ServeFile, content: bytes | None) -> bytes:
    if not content or action.offset >= len(content):
        return format_frame(FilePart(action.sha256, 0, 0, b""))
    piece = content[action.offset : action.offset + limits.PART_BYTES]
    return format_frame(FilePart(action.sha256, action.offset, len(content), piece))
