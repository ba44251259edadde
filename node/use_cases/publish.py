"""Saying something for good: the only path that signs a record into this home's own log.

Invariant: only this module uses the log key to sign; a checkpoint leaves the node only after it is on disk.
Invariant: what is published together is signed once, and only on top of the head that was signed last.
"""

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from node.use_cases.context import Node
from node.use_cases.own_log.own_head import own_head_of
from protocol.core.encoding import to_struct, to_value
from protocol.core.errors import MisuseError
from protocol.core.identity import generate, key_id
from protocol.core.record import (
    Record,
    Reference,
    Sig,
    Statement,
    embed_statement,
)
from protocol.core.unnumbered import Unnumbered, lay_out_record, number_record
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import leaf_hashes
from protocol.record_kinds import KINDS
from storage.database import SharedWrite
from storage.home.head_file import Mark
from storage.log import log_store, record_index
from storage.log.record_index import IndexRow


class Published(msgspec.Struct, frozen=True, gc=False):
    """Where a record lies: `leaf` is its id."""

    origin: str
    index: int
    leaf: bytes


class _Waiting(NamedTuple):
    """A record that waits for its number in the log, with its row in the index."""

    unnumbered: Unnumbered
    row: IndexRow


class Publisher:
    """Gathers what is published at the same time into one commit and one checkpoint."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._key = generate(node.keys.log)
        self._key_id = key_id(self._key.public)
        self._own_head = own_head_of(node)
        self._shared = SharedWrite(node.database, self._append, self._tell, self._own_head.settle)

    async def publish(self, kind: str, body: msgspec.Struct, refs: Sequence[Reference] = ()) -> Published:
        """Sign one record of this home's own; returns once it is on disk under a signed head.

        MisuseError for a body that is not of this kind; RefusedError for what no node would parse, and where this home
        may sign nothing now (its log has ended, parted, or comes from a backup).
        """
        expected = KINDS.get(kind)
        if expected is None or not isinstance(body, expected.body):
            raise MisuseError(f"{kind} is no kind of record with a body of {type(body).__name__}")
        plain = to_value(body)
        to_struct(plain, expected.body, kind)
        now_ms = self._node.clock.now_ms()
        return await self._add(Record(kind=kind, seq=0, at=now_ms, by=self._key_id, refs=tuple(refs), body=plain))

    async def publish_statement(self, statement: Statement, sigs: Sequence[Sig]) -> Published:
        """Embed a person's or a hosted workplace's signed statement; whoever calls has verified its signatures.

        RefusedError as `publish`.
        """
        return await self._add(embed_statement(statement, tuple(sigs), 0))

    async def _add(self, record: Record) -> Published:
        # Its number is the one thing that is still open, and a record of ours always lies where it says.
        unnumbered = lay_out_record(record)
        row = record_index.index_record(self._node.origin, record.seq, b"", record, self._key_id)
        return await self._shared.add(_Waiting(unnumbered, row))

    def _append(self, db: sqlite3.Connection, items: Sequence[_Waiting]) -> list[Published]:
        origin, before = self._node.origin, self._own_head.check(db, self._node.origin)
        entries = [number_record(waiting.unnumbered, seq) for seq, waiting in enumerate(items, before.size)]
        leaves = leaf_hashes(entries)
        log_store.append(db, origin, entries, partial(self._sign, before), leaves)
        appended = [(waiting.row, leaf) for waiting, leaf in zip(items, leaves, strict=True)]
        record_index.fold_appended(db, origin, before.size, appended)
        return [Published(origin, index, leaf) for index, leaf in enumerate(leaves, before.size)]

    def _tell(self, published: Sequence[Published]) -> None:
        self._node.changes.publish(self._node.origin, published[0].index, published[-1].index + 1)

    def _sign(self, before: Mark, checkpoint: Checkpoint) -> bytes:
        # Noted outside the home before anyone can see it: a backup that is put back must not sign beside it.
        self._own_head.begin(before, Mark(checkpoint.size, checkpoint.root))
        return sign_checkpoint(checkpoint, self._key)


async def publish(node: Node, kind: str, body: msgspec.Struct, refs: Sequence[Reference] = ()) -> Published:
    """Publish a record through the node's one publisher; errors as `Publisher.publish`."""
    return await _publisher_of(node).publish(kind, body, refs)


async def publish_statement(node: Node, statement: Statement, sigs: Sequence[Sig]) -> Published:
    """Embed a verified statement through the node's one publisher; errors as `Publisher.publish_statement`."""
    return await _publisher_of(node).publish_statement(statement, sigs)


def _publisher_of(node: Node) -> Publisher:
    """The node's one publisher, made on first use."""
    found = node.parts.get("publisher")
    if found is None:
        found = node.parts["publisher"] = Publisher(node)
    assert isinstance(found, Publisher)
    return found
