"""Measures appending to a log and publishing in it, against what SQLite and the disk allow in the same seconds.

Each is measured in turns of half a second, so that a disk that slows down for a while slows down all of them.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from node.clock import Clock
from node.config import Config
from node.use_cases.context import Node
from node.use_cases.home import init_home, open_node
from node.use_cases.publish import publish
from protocol.core.identity import generate
from protocol.federation.grants import KeyGrant
from protocol.log.checkpoint import sign_checkpoint
from scripts.benches.figures import LEAST, MOST, Figure, percentile
from storage.database import Database, SharedWrite
from storage.log import log_store

CALLERS = 64
TURNS = 10
TURN_S = 0.5
ENTRY_BYTES = 400
KEY = generate(bytes(32))
ORIGIN = "bench.example/log"


@dataclass
class Pace:
    """How often something was done, in how many seconds, and how long each caller waited."""

    count: int = 0
    spent_s: float = 0.0
    waits_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """How often a second."""
        return self.count / self.spent_s


async def measure_appends(folder: Path) -> list[Figure]:
    """Entries appended and records published, by one caller and by 64 at once, and rows in a bare table."""
    node, database, bare_db = await _make_home(folder / "appends"), Database(folder / "log.sqlite"), _open_bare(folder)
    append, bare_database = await _open_log(database), Database(folder / "shared.sqlite")
    insert = await _open_shared_table(bare_database)
    bare, shared, appended_alone, appended, published_alone, published = (Pace() for _ in range(6))
    for _ in range(TURNS):
        measure_bare_commits(bare_db, bare)
        await _count(shared, CALLERS, lambda: insert(os.urandom(ENTRY_BYTES)))
        await _count(appended, CALLERS, lambda: append(os.urandom(ENTRY_BYTES)))
        await _count(published, CALLERS, lambda: _publish_one(node))
        await _count(appended_alone, 1, lambda: append(os.urandom(ENTRY_BYTES)))
        await _count(published_alone, 1, lambda: _publish_one(node))
    storage = _measure_storage(node)
    for opened in (node.database, database, bare_database, bare_db):
        opened.close()
    return [
        Figure("bare SQLite, 64 rows a commit, nobody waits", bare.rate, "rows/s"),
        Figure("bare SQLite, 64 callers share a commit", shared.rate, "rows/s"),
        Figure("entries appended one by one", appended_alone.rate, "entries/s"),
        Figure("entries appended by 64 callers", appended.rate, "entries/s"),
        Figure("appended by 64 callers, against one", appended.rate / appended_alone.rate, "times", LEAST, 5),
        Figure(
            "appended by 64 callers, against 64 callers of bare SQLite",
            appended.rate / shared.rate,
            "times",
            LEAST,
            0.5,
        ),
        Figure("appended by 64 callers, against rows that nobody waits for", appended.rate / bare.rate, "times"),
        Figure("appended by 64 callers, 99 of 100 within", percentile(appended.waits_ms, 99), "ms", MOST, 30),
        Figure("records published one by one", published_alone.rate, "records/s"),
        Figure("records published by 64 callers", published.rate, "records/s"),
        Figure("published by 64 callers, against one", published.rate / published_alone.rate, "times", LEAST, 5),
        Figure("published by 64 callers, against 64 callers of bare SQLite", published.rate / shared.rate, "times"),
        Figure("published by 64 callers, 99 of 100 within", percentile(published.waits_ms, 99), "ms", MOST, 30),
        *storage,
    ]


def measure_bare_commits(db: sqlite3.Connection, pace: Pace) -> None:
    """Rows of the size of an entry, 64 to a durable commit, for one turn: what SQLite and the disk allow."""
    started = time.perf_counter()
    while (now := time.perf_counter()) - started < TURN_S:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO entry(entry) VALUES (?)", ((os.urandom(ENTRY_BYTES),) for _ in range(CALLERS)))
        db.execute("COMMIT")
        pace.count += CALLERS
    pace.spent_s += now - started


def _open_bare(folder: Path) -> sqlite3.Connection:
    db = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        db.execute(f"PRAGMA {pragma}")
    db.execute("CREATE TABLE entry (idx INTEGER PRIMARY KEY, entry BLOB NOT NULL)")
    return db


async def _open_shared_table(database: Database) -> Callable[[bytes], Awaitable[int]]:
    """A bare table behind the same group commit: what 64 callers reach who only want rows to be durable."""

    def create(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE entry (idx INTEGER PRIMARY KEY, entry BLOB NOT NULL)")

    def insert(db: sqlite3.Connection, rows: Sequence[bytes]) -> Sequence[int]:
        db.executemany("INSERT INTO entry(entry) VALUES (?)", [(row,) for row in rows])
        return range(len(rows))

    await database.write(create)
    return SharedWrite(database, insert).add


async def _open_log(database: Database) -> Callable[[bytes], Awaitable[int]]:
    """A log of ready-made entries that signs as `publish` does: what appends one, and answers once it is durable."""
    await database.write(lambda db: log_store.add_log(db, ORIGIN, KEY.public))
    sign = partial(sign_checkpoint, log_key=KEY)

    def append(db: sqlite3.Connection, entries: Sequence[bytes]) -> Sequence[int]:
        head = log_store.append(db, ORIGIN, entries, sign)
        return range(head.size - len(entries), head.size)

    return SharedWrite(database, append).add


async def _make_home(home: Path) -> Node:
    config = Config(home=home, name="Bench")
    await init_home(config, Clock())
    return open_node(config, Clock())


async def _publish_one(node: Node) -> None:
    await publish(node, "key.grant", KeyGrant(key=os.urandom(32), role="approver", holder="h" * 40, ends=False))


async def _count(pace: Pace, callers: int, work: Callable[[], Awaitable[object]]) -> None:
    """Have so many callers do the work for one turn, each as soon as its last is done."""
    started = time.perf_counter()

    async def call() -> None:
        while (begun := time.perf_counter()) - started < TURN_S:
            await work()
            pace.waits_ms.append((time.perf_counter() - begun) * 1_000)

    before = len(pace.waits_ms)
    await asyncio.gather(*(call() for _ in range(callers)))
    pace.spent_s += time.perf_counter() - started
    pace.count += len(pace.waits_ms) - before


def _measure_storage(node: Node) -> list[Figure]:
    """Bytes on disk for each record: the log itself, and with the derived index over it."""
    head = log_store.head(node.database.reader, node.origin)
    assert head is not None
    entries = log_store.entries(node.database.reader, node.origin, 0, head.size)
    entry_bytes = sum(map(len, entries)) / head.size
    log_bytes = sum(map(partial(_table_bytes, node.database.reader), ("bundle", "open_run", "tile", "log")))
    index_bytes = sum(map(partial(_table_bytes, node.database.reader), ("record_index", "index_cursor")))
    return [
        Figure("bytes of a record", entry_bytes, "bytes"),
        Figure("log on disk, a record", log_bytes / head.size, "bytes", MOST, 1.15 * entry_bytes + 32),
        Figure("index over it, a record (derived)", index_bytes / head.size, "bytes"),
    ]


def _table_bytes(db: sqlite3.Connection, table: str) -> int:
    """Bytes of the pages of a table and its indexes."""
    sql = "SELECT total(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_master WHERE tbl_name = ?)"
    return int(db.execute(sql, (table,)).fetchone()[0])
