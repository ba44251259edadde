"""Being a mirror for any log known here that hands over its entries itself, over the web.

Invariant: every package is proven to a head that the log signed before it is kept, and kept on its own, so that an
upload that breaks off goes on where it stopped; several may run at once.
Invariant: the entries lie where those of sessions lie; there is one copy of a log in a node.
Spec: docs/spec/log/mirror.md (c2sp.org/tlog-mirror)
"""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import NamedTuple

from node.use_cases.context import Node
from node.use_cases.cosign import list_verifiers, sign_as_mirror
from node.use_cases.public.witnessing import keep_contradiction, keep_later_head
from node.use_cases.receive import BranchError, index_stored, store_proven
from protocol.core.errors import PeerError
from protocol.core.note import format_note, verify_note
from protocol.log.bundle import BUNDLE_ENTRIES, format_bundle, parse_bundle
from protocol.log.checkpoint import Checkpoint
from protocol.log.merkle import leaf_hash
from protocol.log.mirror import (
    EntriesHeader,
    MirrorState,
    Package,
    Span,
    apply_pending,
    check_package,
    judge_packages,
    judge_upload,
    list_spans,
    mirror_prefix,
    parse_entries_header,
    parse_package,
)
from protocol.log.witness import (
    BAD_REQUEST,
    OK,
    UNPROCESSABLE,
    AddCheckpoint,
    CosignedHead,
    Verdict,
    judge_checkpoint,
    parse_add_checkpoint,
)
from storage.log import fork_cuts, log_store
from storage.log.cosignatures import PendingHead, pending_heads, set_pending_heads
from storage.peers.gossip_marks import drop_pending_bundles, pending_roots


class _Kept(NamedTuple):
    """What came of an upload: packages proven, whether the next was refused, the last bundle's entries if not full."""

    saved: int
    is_refused: bool = False
    opened: tuple[bytes, ...] | None = None


async def add_checkpoint(node: Node, raw: bytes) -> Verdict:
    """The mirror's answer to the body of an add-checkpoint request: the head waits for its entries, unsigned."""
    try:
        request = parse_add_checkpoint(raw)
    except PeerError as error:
        return Verdict(BAD_REQUEST, f"{error.reason}\n")
    verdict = await node.database.write(lambda db: _judge_pending(db, node, request))
    await keep_later_head(node, request.checkpoint.origin, request.note)
    if verdict.is_evidence:
        heads = pending_heads(node.database.reader, mirror_prefix(request.checkpoint.origin))
        await keep_contradiction(node, request.checkpoint.origin, request.note, heads[-1].note if heads else None)
    return verdict


async def add_entries(node: Node, chunks: AsyncIterator[bytes]) -> Verdict:
    """The mirror's answer to an add-entries request, whose body comes in chunks; it is read no further than needed."""
    body = _Body(chunks)
    try:
        header = await body.read_header()
    except PeerError as error:
        return Verdict(BAD_REQUEST, f"{error.reason}\n")
    state = _read_state(node.database.reader, node, header.origin)
    refusal = judge_upload(header, state)
    if refusal is not None:
        return refusal
    assert state is not None
    return await _finish(node, header, await _keep_packages(node, header, state.pending[header.end], body))


def _read_state(db: sqlite3.Connection, node: Node, origin: str) -> MirrorState | None:
    """How far this node's mirror is with a log, None for one that it does not mirror."""
    if _find_key(db, node, origin) is None:
        return None
    heads = pending_heads(db, mirror_prefix(origin))
    signed_size = max((head.size for head in heads if head.is_signed), default=0)
    return MirrorState({head.size: head.root for head in heads}, signed_size, _count_held(db, origin))


class _Body:
    """The bytes of an upload as they come; no more than one package of them is held."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""

    async def read_header(self) -> EntriesHeader:
        """PeerError where there is none."""
        while (found := parse_entries_header(self._held)) is None:
            if not await self._read_more():
                raise PeerError("add-entries: it ends within its header")
        self._held = self._held[found[1] :]
        return found[0]

    async def read_package(self, span: Span) -> Package | None:
        """The next package, None where the bytes end before it does or cannot be one."""
        try:
            while (found := parse_package(self._held, span)) is None:
                if not await self._read_more():
                    return None
        except PeerError:
            return None
        self._held = self._held[found[1] :]
        return found[0]

    async def _read_more(self) -> bool:
        chunk = await anext(self._chunks, b"")
        self._held += chunk
        return bool(chunk)


def _judge_pending(db: sqlite3.Connection, node: Node, request: AddCheckpoint) -> Verdict:
    """The check and the write of the pending head are this one transaction."""
    head, prefix = request.checkpoint, mirror_prefix(request.checkpoint.origin)
    heads = pending_heads(db, prefix)
    last = CosignedHead(heads[-1].size, heads[-1].root) if heads else CosignedHead()
    verifiers = list_verifiers(head.origin, _find_key(db, node, head.origin))
    verdict = judge_checkpoint(request, verifiers, last)
    if verdict.status != OK or (heads and head.size == last.size):
        return verdict
    text, of_the_log = verify_note(request.note, verifiers)
    heads.append(PendingHead(head.size, head.root, format_note(text, of_the_log), False))
    signed_size = max((one.size for one in heads if one.is_signed), default=0)
    state = MirrorState({one.size: one.root for one in heads[:-1]}, signed_size, 0)
    kept = apply_pending(state, head.size, head.root).pending
    set_pending_heads(db, prefix, [one for one in heads if one.size in kept])
    return verdict


async def _keep_packages(node: Node, header: EntriesHeader, root: bytes, body: _Body) -> _Kept:
    """Check package after package and keep each full bundle; the last one, if not full, goes in with the head."""
    saved, opened = 0, None
    for span in list_spans(header.start, header.end):
        package = await body.read_package(span)
        held = None if package is None else _read_held(node.database.reader, header.origin, span)
        if package is None or held is None:
            break
        try:
            bundle_root = check_package(span, [leaf_hash(entry) for entry in held], package, header.end, root)
            entries = (*held, *package.entries)
            if len(entries) == BUNDLE_ENTRIES:
                closed = (span.base // BUNDLE_ENTRIES, format_bundle(entries), bundle_root)
                await node.database.write(partial(_store, header, [closed], None))
            else:
                opened = entries
        except PeerError:
            return _Kept(saved, is_refused=True)
        saved += 1
    return _Kept(saved, opened=opened)


def _store(
    header: EntriesHeader,
    closed: list[tuple[int, bytes, bytes]],
    opened: Sequence[bytes] | None,
    db: sqlite3.Connection,
) -> PendingHead | None:
    """Store what is proven to a head that is still pending; that head, or None."""
    pending = _find_pending(db, header)
    if pending is not None and pending.size:
        store_proven(db, closed, opened, Checkpoint(header.origin, pending.size, pending.root), pending.note)
    return pending


async def _finish(node: Node, header: EntriesHeader, kept: _Kept) -> Verdict:
    """The answer to an upload; with 200 the log's head has moved to the upload's and is signed, all of it on disk."""
    time_s = node.clock.now_ms() // 1_000
    try:
        verdict = await node.database.write(lambda db: _sign_uploaded(db, node, header, kept, time_s))
    except BranchError:
        return await _answer_branch(node, header)
    if verdict.status == OK:
        await index_stored(node, header.origin)
    return verdict


def _sign_uploaded(db: sqlite3.Connection, node: Node, header: EntriesHeader, kept: _Kept, time_s: int) -> Verdict:
    """The last check, the move of the head and the signature are this one transaction."""
    pending = _store(header, [], kept.opened, db)
    state = _read_state(db, node, header.origin)
    if state is None or pending is None:
        return Verdict(UNPROCESSABLE, "this head is pending no more\n")
    verdict = judge_packages(header, state, kept.saved, kept.is_refused)
    if verdict.status != OK:
        return verdict
    head = Checkpoint(header.origin, pending.size, pending.root)
    return Verdict(OK, "".join(sign_as_mirror(db, node, head, pending.note, time_s, is_asked=True)))


async def _answer_branch(node: Node, header: EntriesHeader) -> Verdict:
    """All was proven, and does not go with what is held: bundles of another branch are in the way, or it is forked."""
    await node.database.write(lambda db: drop_pending_bundles(db, header.origin))
    pending = _find_pending(node.database.reader, header)
    if pending is not None:
        await keep_contradiction(node, header.origin, pending.note, None)
    again = judge_upload(header, _read_state(node.database.reader, node, header.origin))
    return again or Verdict(UNPROCESSABLE, "another branch than that of the entries held here\n")


def _find_pending(db: sqlite3.Connection, header: EntriesHeader) -> PendingHead | None:
    heads = pending_heads(db, mirror_prefix(header.origin))
    return next((head for head in heads if head.size == header.end), None)


def _find_key(db: sqlite3.Connection, node: Node, origin: str) -> bytes | None:
    """The key of a log that is mirrored here: any that is known, but our own and those with two versions."""
    if origin == node.origin or fork_cuts.stands_still(db, origin):
        return None
    return log_store.log_key_of(db, origin)


def _count_held(db: sqlite3.Connection, origin: str) -> int:
    """The first entry that is not here: the log's own, and whole bundles that wait beyond its head."""
    head = log_store.head(db, origin)
    size = 0 if head is None else head.size
    waiting = pending_roots(db, origin)
    number = size // BUNDLE_ENTRIES
    while number in waiting:
        number += 1
    return max(size, number * BUNDLE_ENTRIES)


def _read_held(db: sqlite3.Connection, origin: str, span: Span) -> list[bytes] | None:
    """The entries of a package's bundle that came before it; None where they are not here any more."""
    count = span.start - span.base
    if count == 0:
        return []
    found = log_store.entries(db, origin, span.base, span.start)
    if len(found) < count and span.base // BUNDLE_ENTRIES in pending_roots(db, origin):
        whole = log_store.bundle(db, origin, span.base // BUNDLE_ENTRIES, span.base + BUNDLE_ENTRIES)
        found = parse_bundle(whole, BUNDLE_ENTRIES)[:count]
    return found if len(found) == count else None
