"""Saying something for good: the only path that signs a record into this home's own log.

Invariant: only this module uses the log key to sign; a checkpoint leaves the node only after it is on disk.
Invariant: what is published together is signed once, and only on top of the head that was signed last.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from node.use_cases.context import Node
from node.use_cases.own_log.own_head import own_head_of
from protocol.core.encoding import to_struct, to_value
from protocol.core.errors import MisuseError, RefusedError
from protocol.core.identity import generate, key_id
from protocol.core.record import (
    Record,
    Reference,
    Sig,
    Statement,
    embed_statement,
    format_record,
    leaf_hash_of,
)
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.record_kinds import KINDS
from storage import log_store, record_index
from storage.home.head_file import Mark

WAITING_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Published:
    """Where a record lies: `leaf` is its id."""

    origin: str
    index: int
    leaf: bytes


@dataclass(slots=True)
class _Draft:
    """A record that waits for its place in the log; everything but the sequence number is settled."""

    record: Record
    done: "asyncio.Future[Published]"


class Publisher:
    """Gathers what is published at the same time into one commit and one checkpoint."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._key = generate(node.keys.log)
        self._key_id = key_id(self._key.public)
        self._own_head = own_head_of(node)
        self._waiting: list[_Draft] = []
        self._writing: asyncio.Task[None] | None = None

    async def publish(self, kind: str, body: msgspec.Struct, refs: Sequence[Reference] = ()) -> Published:
        """Sign one record of this home's own; returns once it is on disk under a signed head."""
        expected = KINDS.get(kind)
        if expected is None or not isinstance(body, expected.body):
            raise MisuseError(f"{kind} is no kind of record with a body of {type(body).__name__}")
        plain = to_value(body)
        to_struct(plain, expected.body, kind)
        now_ms = self._node.clock.now_ms()
        record = Record(kind=kind, seq=0, at=now_ms, by=self._key_id, refs=tuple(refs), body=plain)
        return await self._add(record)

    async def publish_statement(self, statement: Statement, sigs: Sequence[Sig]) -> Published:
        """Embed a person's or a hosted workplace's signed statement; whoever calls has verified its signatures."""
        return await self._add(embed_statement(statement, tuple(sigs), 0))

    async def _add(self, record: Record) -> Published:
        format_record(record)
        self._own_head.check_open(self._node.database.reader, self._node.origin)
        if len(self._waiting) >= WAITING_MAX:
            raise RefusedError.at("publish", f"{WAITING_MAX} records are waiting for the disk already")
        draft = _Draft(record, asyncio.get_running_loop().create_future())
        self._waiting.append(draft)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_waiting())
        return await draft.done

    async def _write_waiting(self) -> None:
        while self._waiting:
            drafts, self._waiting = self._waiting, []
            try:
                start, leaves, signed = await self._node.database.write(partial(self._append, drafts=drafts))
                self._own_head.settle(signed)
            except Exception as error:
                for draft in drafts:
                    if not draft.done.cancelled():
                        draft.done.set_exception(error)
                continue
            for offset, (draft, leaf) in enumerate(zip(drafts, leaves, strict=True)):
                if not draft.done.cancelled():
                    draft.done.set_result(Published(self._node.origin, start + offset, leaf))
            self._node.changes.publish(self._node.origin, start, start + len(drafts))

    def _append(self, db: sqlite3.Connection, drafts: Sequence[_Draft]) -> tuple[int, list[bytes], Mark]:
        before = self._own_head.check(db, self._node.origin)
        entries = [format_record(_place(draft.record, seq)) for seq, draft in enumerate(drafts, before.size)]
        head = log_store.append(db, self._node.origin, entries, partial(self._sign, before))
        record_index.catch_up(db, self._node.origin)
        return before.size, [leaf_hash_of(entry) for entry in entries], Mark(head.size, head.root)

    def _sign(self, before: Mark, checkpoint: Checkpoint) -> bytes:
        # Noted outside the home before anyone can see it: a backup that is put back must not sign beside it.
        self._own_head.begin(before, Mark(checkpoint.size, checkpoint.root))
        return sign_checkpoint(checkpoint, self._key)


async def publish(node: Node, kind: str, body: msgspec.Struct, refs: Sequence[Reference] = ()) -> Published:
    """Publish a record through the node's one publisher."""
    return await publisher_of(node).publish(kind, body, refs)


async def publish_statement(node: Node, statement: Statement, sigs: Sequence[Sig]) -> Published:
    """Embed a verified statement through the node's one publisher."""
    return await publisher_of(node).publish_statement(statement, sigs)


def publisher_of(node: Node) -> Publisher:
    """The node's one publisher, made on first use."""
    found = node.parts.get("publisher")
    if found is None:
        found = node.parts["publisher"] = Publisher(node)
    assert isinstance(found, Publisher)
    return found


def _place(record: Record, seq: int) -> Record:
    return msgspec.structs.replace(record, seq=seq)
