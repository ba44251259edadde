"""A node that keeps everything in memory: the real index, records and settings on a SQLite without a file.

Real: how records are written, parsed, indexed and read. Reduced: no keys, no signed heads, no tree of hashes; a log is
a list that only its author grows. What is in the database is what a crash leaves.
Invariant: what is published is written before anybody hears of it.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import msgspec

from node.clock import Clock
from node.config import Config
from node.simulation.world.virtual_time import pass_time
from node.use_cases.context import Node
from node.use_cases.publish import Published, Publisher
from protocol.core.encoding import to_struct, to_value
from protocol.core.identity import KEY_ID_BYTES, HomeKeys
from protocol.core.record import Record, Reference, leaf_hash_of
from protocol.core.unnumbered import Unnumbered, lay_out_record, number_record
from protocol.log.bundle import format_bundle
from protocol.record_kinds import KINDS
from storage.database import Database
from storage.files import Files
from storage.log import record_index
from storage.log.record_index import IndexedRecord, IndexRow
from storage.migrations import migrate

DISK_S = (0.0005, 0.008)
NOWHERE = Path("/nonexistent/in-memory")
KEY = bytes(32)

Result = TypeVar("Result")


@dataclass
class MemoryLog:
    """One member's log as it stands on its own disk: entries with their rows, and the records as they are read."""

    origin: str
    entries: list[tuple[bytes, IndexRow, IndexedRecord]] = field(default_factory=list)

    @cached_property
    def key_id(self) -> bytes:
        """Stands for the log's key: the same words in two logs are two records."""
        return hashlib.sha256(self.origin.encode()).digest()[:KEY_ID_BYTES]


class MemoryDatabase(Database):
    """The real tables in memory; a change takes its time and is there, or not, when the power fails."""

    def __init__(self, chance: Random) -> None:
        self.path = NOWHERE
        self._chance = chance
        self._writer = sqlite3.connect(":memory:", isolation_level=None)
        _empty_tables().backup(self._writer)
        self.reader = self._writer
        self.trouble = ""

    async def write(self, change: Callable[[sqlite3.Connection], Result]) -> Result:
        await pass_time(self._chance.uniform(*DISK_S))
        result = change(self._writer)
        await pass_time(DISK_S[0])
        return result

    def close(self) -> None:
        self._writer.close()


@cache
def _empty_tables() -> sqlite3.Connection:
    """The tables of a new home, made once."""
    made = sqlite3.connect(":memory:")
    migrate(made)
    return made


class MemoryFiles(Files):
    """Files by their hash, in memory."""

    def __init__(self) -> None:
        self._kept: dict[bytes, bytes] = {}

    def put(self, content: bytes) -> bytes:
        digest = hashlib.sha256(content).digest()
        self._kept[digest] = content
        return digest

    def get(self, digest: bytes) -> bytes | None:
        return self._kept.get(digest)

    def has(self, digest: bytes) -> bool:
        return digest in self._kept


class MemoryPublisher(Publisher):
    """Appends to this member's log without signing it."""

    def __init__(self, node: Node, log: MemoryLog) -> None:
        self._node, self._log = node, log

    async def publish(self, kind: str, body: msgspec.Struct, refs: Sequence[Reference] = ()) -> Published:
        plain = to_value(body)
        to_struct(plain, KINDS[kind].body, kind)
        unnumbered = lay_out_record(Record(kind=kind, seq=0, at=0, by=self._log.key_id, refs=tuple(refs), body=plain))
        index = await self._node.database.write(lambda db: self._put(db, unnumbered))
        self._node.changes.publish(self._log.origin, index, index + 1)
        return Published(self._log.origin, index, self._log.entries[index][1].leaf)

    def _put(self, db: sqlite3.Connection, unnumbered: Unnumbered) -> int:
        origin, index = self._log.origin, len(self._log.entries)
        raw = number_record(unnumbered, index)
        record = msgspec.structs.replace(unnumbered.record, seq=index)
        row = record_index.index_record(origin, index, leaf_hash_of(raw), record, self._log.key_id)
        body = record_index.read_body(record) if not row.void else None
        self._log.entries.append((raw, row, IndexedRecord(origin, index, row.leaf, record, body, row.void)))
        store_entries(db, self._log, index, index + 1)
        return index


def store_entries(db: sqlite3.Connection, log: MemoryLog, start: int, size: int) -> None:
    """Have a node hold entries start..size-1 of a log, indexed."""
    origin, found = log.origin, log.entries[start:size]
    db.execute("INSERT OR IGNORE INTO log(origin, log_key, root) VALUES (?, ?, ?)", (origin, KEY, KEY))
    runs = ((origin, index, 1, format_bundle([raw])) for index, (raw, _, _) in enumerate(found, start))
    db.executemany("INSERT OR REPLACE INTO open_run VALUES (?, ?, ?, ?)", runs)
    rows = ((origin, row.index, row.kind, row.subject, row.by, row.at_ms, row.leaf, row.void) for _, row, _ in found)
    db.executemany("INSERT OR REPLACE INTO record_index VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    db.execute("UPDATE log SET size = ? WHERE origin = ?", (size, origin))


def make_node(origin: str, clock: Clock, database: MemoryDatabase, files: MemoryFiles, journal: Any) -> Node:
    """A node on what its disk holds."""
    keys = HomeKeys(*(bytes([number]) * 32 for number in range(1, 7)))
    node = Node(Config(home=NOWHERE), clock, keys, database, files, origin, origin)
    node.log = journal
    return node
