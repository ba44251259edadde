"""Taking in what a peer sent: the only path that admits another node's records.

Invariant: nothing is stored before a signed head vouches for it; the head moves only with the last bundle it covers.
Invariant: the same delivery twice, or by two peers at once, changes nothing.
Invariant: on the bulk path entries are split and hashed, never decoded; the index follows from its own cursor.
Spec: docs/spec/gossip/session.md
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from node.use_cases.context import Node
from node.use_cases.fork_watch import root_at
from protocol.core.errors import PeerError
from protocol.gossip import limits
from protocol.gossip.transfer import Checked, Transfer
from protocol.log.bundle import BUNDLE_ENTRIES, parse_bundle
from protocol.log.checkpoint import Checkpoint, open_checkpoint
from storage.log import log_store, record_index
from storage.log.log_store import ForkError
from storage.peers import gossip_marks

INDEX_ENTRIES = 1_024
"""Entries folded into the index in one commit while a transfer's records are caught up with."""

INDEX_PAUSE_S = 0.05
"""How long no bundle must have come before transferred records are folded into the index."""

INDEX_PAUSES_MAX = 40
"""Of these pauses, how many the index waits while bundles go on coming; then it folds one batch all the same."""

INDEX_BATCHES = 64
"""Of these, how many a mirror waits for before it answers; what is left follows from the index's own cursor."""

Closed = tuple[int, bytes, bytes]


class BranchError(PeerError):
    """What came is signed but does not go with what we hold: perhaps the log was signed on two branches."""

    def __init__(self, origin: str, reason: str) -> None:
        super().__init__(reason)
        self.origin = origin


class Write(NamedTuple):
    """Verified bundles on their way to the disk: `done` must be awaited, it raises what went wrong."""

    done: "asyncio.Task[None]"
    raw_bytes: int


@dataclass(slots=True)
class _Running:
    """A transfer under way: bundles that wait for a commit, and those that must go in with the head."""

    transfer: Transfer
    remaining: set[int]
    overlap: int
    batch: list[Closed] = field(default_factory=list)
    batch_bytes: int = 0
    late: list[Closed] = field(default_factory=list)
    opened: Checked | None = None


class Receiver:
    """Verifies, stores and indexes what the node's sessions bring."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._running: dict[str, _Running] = {}
        self._to_index: dict[str, None] = {}
        self._indexing: asyncio.Task[None] | None = None
        self._writes: dict[asyncio.Task[None], str] = {}
        self._bundles = 0
        self._log_keys: dict[str, bytes] = {}
        """Of logs that have been taken in; a known log never changes its key."""

    def resume(self) -> None:
        """After a start: index what was stored before the last stop and is not indexed yet."""
        for origin in record_index.list_behind(self._node.database.reader):
            self._index_soon(origin)

    async def stop(self) -> None:
        """Finish the writes that were begun; what is not stored yet is fetched again another day."""
        await asyncio.gather(*self._writes, return_exceptions=True)
        if self._indexing is not None:
            self._indexing.cancel()
            await asyncio.gather(self._indexing, return_exceptions=True)

    async def admit_push(self, origin: str, start: int, count: int, note: bytes, raw: bytes) -> None:
        """Store `count` entries from `start` on, laid out as a bundle, under the head that they lead to.

        PeerError where anything is wrong, BranchError where it is signed all the same; nothing is stored then.
        """
        log_key = self._log_key(origin)
        checkpoint = open_checkpoint(note, log_key, origin)
        if checkpoint.size != start + count:
            raise PeerError(f"log {origin}: a push that ends at {start + count} under a head of {checkpoint.size}")
        entries = parse_bundle(raw, count)
        try:
            first, stop = await self._node.database.write(
                lambda db: _extend_and_index(db, log_key, start, entries, checkpoint, note)
            )
        except ForkError as error:
            raise BranchError(origin, error.reason) from None
        if stop > first:
            self._node.changes.publish(origin, first, stop)

    async def begin_transfer(self, origin: str, first: int, note: bytes, roots: bytes) -> tuple[int, tuple[int, ...]]:
        """Check a head and its bundle roots: (its size, the bundles that are still to come).

        PeerError where the note is not the log's; BranchError where the roots do not lead to it.
        """
        checkpoint = open_checkpoint(note, self._log_key(origin), origin)
        # What an earlier transfer is still writing need not be fetched again.
        if earlier := [writing for writing, written in self._writes.items() if written == origin]:
            await asyncio.gather(*earlier, return_exceptions=True)
        db = self._node.database.reader
        head = log_store.head(db, origin)
        assert head is not None
        if checkpoint.size <= head.size:
            return checkpoint.size, ()
        if first > head.size // BUNDLE_ENTRIES:
            raise PeerError(f"log {origin}: bundle roots from {first} on leave a gap")
        held_roots = log_store.bundle_roots(db, origin, 0, first * BUNDLE_ENTRIES)
        try:
            transfer = Transfer(checkpoint, note, held_roots, roots)
        except PeerError as error:
            raise BranchError(origin, error.reason) from None
        pending = gossip_marks.pending_roots(db, origin)
        # What we hold of the open bundle are runs of entries: its blob goes in with the head, never beside them.
        overlap = head.size // BUNDLE_ENTRIES if head.size % BUNDLE_ENTRIES else -1
        missing = transfer.list_missing({number: root for number, root in pending.items() if number != overlap})
        self._running[origin] = running = _Running(transfer, set(missing), overlap)
        if not missing:
            await self._begin_write(running).done
        return checkpoint.size, missing

    async def admit_bundle(self, origin: str, number: int, raw: bytes) -> None:
        """Check a whole bundle of a begun transfer and store it with the next batch, the last ones with the head.

        PeerError where it is not the promised bundle; waits for the batch that it completes.
        """
        write = self.take_bundle(origin, number, raw)
        if write is not None:
            await write.done

    def take_bundle(self, origin: str, number: int, raw: bytes) -> Write | None:
        """The same for who goes on while a batch is being written: the write that was begun, or None.

        Writes are done in the order in which they began. Whoever calls bounds how much is under way.
        """
        running = self._running.get(origin)
        if running is None or number not in running.remaining:
            return None
        checked = running.transfer.check_bundle(number, raw)
        running.remaining.remove(number)
        self._bundles += 1
        if len(checked.entries) < BUNDLE_ENTRIES:
            running.opened = checked
        elif number == running.overlap:
            running.late.append((number, raw, running.transfer.root(number)))
        else:
            running.batch.append((number, raw, running.transfer.root(number)))
        running.batch_bytes += len(raw)
        is_full = len(running.batch) >= limits.COMMIT_BUNDLES or running.batch_bytes >= limits.COMMIT_BYTES
        return self._begin_write(running) if is_full or not running.remaining else None

    def end_transfer(self, origin: str) -> None:
        """Forget a transfer; what it stored stays for the next one."""
        self._running.pop(origin, None)

    def is_to_index(self, origin: str) -> bool:
        """Whether transferred entries of a log wait for the index: word of them goes out when they are in it."""
        return origin in self._to_index

    def _log_key(self, origin: str) -> bytes:
        log_key = self._log_keys.get(origin)
        if log_key is None:
            log_key = log_store.log_key_of(self._node.database.reader, origin)
            if log_key is None:
                raise PeerError(f"log {origin} is not known here")
            self._log_keys[origin] = log_key
        return log_key

    def _begin_write(self, running: _Running) -> Write:
        """Write what is ready: a batch, or with the last bundle all that is left, and the head."""
        batch, raw_bytes = running.batch, running.batch_bytes
        running.batch, running.batch_bytes = [], 0
        is_last = not running.remaining
        closed, opened = (batch + running.late, running.opened) if is_last else (batch, None)
        writing = asyncio.create_task(self._write(running.transfer, closed, opened, is_last))
        self._writes[writing] = running.transfer.checkpoint.origin
        writing.add_done_callback(self._writes.pop)
        return Write(writing, raw_bytes)

    async def _write(self, transfer: Transfer, closed: Sequence[Closed], opened: Checked | None, is_last: bool) -> None:
        checkpoint = transfer.checkpoint
        entries, tree = (None, None) if opened is None else opened
        if is_last:
            # Before the head moves: whoever sees it must know that the index has still to follow.
            self._to_index[checkpoint.origin] = None
        try:
            await self._node.database.write(
                lambda db: log_store.store_bundles(db, closed, entries, checkpoint, transfer.note, tree)
            )
        except ForkError as error:
            raise BranchError(checkpoint.origin, error.reason) from None
        if is_last:
            self._index_soon(checkpoint.origin)

    def _index_soon(self, origin: str) -> None:
        self._to_index[origin] = None
        self.go_on()

    def go_on(self) -> None:
        """Once in a while: index what a full or failing disk has not let us."""
        if self._to_index and (self._indexing is None or self._indexing.done()):
            self._indexing = asyncio.create_task(self._index_waiting())

    async def _index_waiting(self) -> None:
        while self._to_index:
            await self._let_bundles_pass()
            origin = next(iter(self._to_index))
            del self._to_index[origin]
            try:
                first, stop = await self._node.database.write(partial(index_some, origin))
            except sqlite3.Error as error:
                # A full or failing disk: `go_on` begins again from the index's own cursor.
                self._node.log.error("index_not_written", origin=origin, error=type(error).__name__)
                self._to_index[origin] = None
                return
            if stop - first == INDEX_ENTRIES:
                self._to_index[origin] = None
            if stop > first:
                self._node.changes.publish(origin, first, stop)

    async def _let_bundles_pass(self) -> None:
        """Heads move in the one writer too, and would wait behind the index: it goes on when no more bundles come."""
        for _ in range(INDEX_PAUSES_MAX):
            seen = self._bundles
            if not self._running:
                return
            await asyncio.sleep(INDEX_PAUSE_S)
            if seen == self._bundles:
                return


def store_proven(
    db: sqlite3.Connection,
    closed: Sequence[Closed],
    opened: Sequence[bytes] | None,
    checkpoint: Checkpoint,
    note: bytes,
) -> None:
    """Store bundles that were proven, each on its own, to a head that the log signed; in the caller's transaction.

    The head moves once every bundle below it is there. BranchError where that is another branch than the one held.
    """
    origin = checkpoint.origin
    try:
        held = log_store.store_bundles(db, closed, opened, checkpoint, note)
    except ForkError as error:
        raise BranchError(origin, error.reason) from None
    if held is not None and held.size >= checkpoint.size and root_at(db, origin, checkpoint.size) != checkpoint.root:
        raise BranchError(origin, f"log {origin}: another root of {checkpoint.size} entries than that of ours")


async def index_stored(node: Node, origin: str) -> None:
    """Index what was stored of a log and tell whoever follows it."""
    for _ in range(INDEX_BATCHES):
        first, stop = await node.database.write(partial(index_some, origin))
        if stop <= first:
            return
        node.changes.publish(origin, first, stop)


def index_some(origin: str, db: sqlite3.Connection) -> tuple[int, int]:
    """Index some more of a log: the first entry and the end of what that was, which are equal at the end of all."""
    return record_index.catch_up(db, origin, INDEX_ENTRIES)


def _extend_and_index(
    db: sqlite3.Connection, log_key: bytes, start: int, entries: Sequence[bytes], checkpoint: Checkpoint, note: bytes
) -> record_index.Span:
    log_store.extend(db, checkpoint.origin, start, entries, checkpoint, note)
    return record_index.fold_pushed(db, checkpoint.origin, log_key, start, entries)
