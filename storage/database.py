"""One SQLite file per home, and the one thread that writes it.

Invariant: a change is acknowledged only after the commit that holds it is on disk (WAL, synchronous=FULL).
Invariant: one writer; changes that wait together share one commit, and one that fails takes no other with it.
"""

import asyncio
import contextlib
import errno
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from protocol.core.errors import MisuseError, RefusedError
from storage.migrations import migrate

GROUP_CHANGES_MAX = 256
QUEUE_CHANGES_MAX = 4_096
BUSY_WAIT_MS = 5_000
CACHE_KIB = 4_096
DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM})

Result = TypeVar("Result")
Item = TypeVar("Item")
Answer = TypeVar("Answer")
Change = Callable[[sqlite3.Connection], Any]


@dataclass(slots=True)
class _Waiting:
    change: Change
    done: "Future[Any]"
    result: Any = None
    error: BaseException | None = None


class Database:
    """The home's database: `write` for changes, `reader` for looking things up on the loop's thread.

    A result of `reader` is read to its end at once: an open one would keep the connection at the state it began with.
    What takes long, or runs in another thread, opens a reader of its own with `open_reader`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._writer = self._connect()
        try:
            migrate(self._writer)
        except RefusedError:
            self._writer.close()
            raise
        self._writer.isolation_level = None
        self.reader = self._connect()
        self.reader.isolation_level = None
        self.reader.execute("PRAGMA query_only=1")
        self.before_commit: Change = lambda db: None
        """Done last in every commit: what must be noted with the changes themselves, or not at all."""
        self.trouble = ""
        """Why the last write did not reach the disk, in words; empty while the disk takes what it is given."""
        self._closed = False
        self._thread: threading.Thread | None = None
        self._start()

    async def write(self, change: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `change` in the writer's transaction; returns its result once that is on disk, or raises its error."""
        result: Result = await asyncio.wrap_future(self._enqueue(change))
        return result

    def write_and_wait(self, change: Callable[[sqlite3.Connection], Result]) -> Result:
        """The same for callers without an event loop."""
        result: Result = self._enqueue(change).result()
        return result

    def close(self) -> None:
        """Finish what is queued, then close; further writes are refused."""
        if self._closed:
            return
        self._closed = True
        self._stop()
        self.reader.close()
        self._writer.close()

    def _connect(self) -> sqlite3.Connection:
        """A connection to the file; a simulated machine has its own way to its own disk."""
        return connect(str(self.path))

    def _start(self) -> None:
        """Begin to write what is queued: here in a thread, in a simulation in virtual time."""
        self._thread = threading.Thread(target=self._work, name="database-writer", daemon=True)
        self._thread.start()

    def _stop(self) -> None:
        """Finish what is queued."""
        assert self._thread is not None
        self._queue.put(None)
        self._thread.join()

    def _enqueue(self, change: Change) -> "Future[Any]":
        if self._closed:
            raise MisuseError("the database is closed")
        if self._queue.qsize() >= QUEUE_CHANGES_MAX:
            raise RefusedError.at("database", f"{QUEUE_CHANGES_MAX} changes are waiting for the disk already")
        waiting = _Waiting(change, Future())
        self._queue.put(waiting)
        return waiting.done

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            group, ended = self._take_group(first)
            self._commit(group)
            if ended:
                return

    def _take_group(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        group = [first]
        while len(group) < GROUP_CHANGES_MAX:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                return group, True
            group.append(waiting)
        return group, False

    def _commit(self, group: list[_Waiting]) -> None:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            self._apply(group)
            self.before_commit(self._writer)
            self._writer.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")
            for waiting in group:
                waiting.error = waiting.error or error
        self._note_trouble([waiting.error for waiting in group])
        for waiting in group:
            # A caller that was cancelled meanwhile has nobody left to tell; what it changed stays.
            if not waiting.done.set_running_or_notify_cancel():
                continue
            if waiting.error is not None:
                waiting.done.set_exception(waiting.error)
            else:
                waiting.done.set_result(waiting.result)

    def _note_trouble(self, errors: list[BaseException | None]) -> None:
        troubles = [describe_trouble(error) for error in errors if error is not None]
        if any(troubles) or None in errors:
            self.trouble = next(filter(None, troubles), "")

    def _apply(self, group: list[_Waiting]) -> None:
        if len(group) == 1:
            # Alone it needs no mark to go back to: its error ends the transaction.
            group[0].result = group[0].change(self._writer)
            return
        for waiting in group:
            self._writer.execute("SAVEPOINT change")
            try:
                waiting.result = waiting.change(self._writer)
            except Exception as error:
                waiting.error = error
                if not self._writer.in_transaction:
                    # A disk without room: SQLite has taken all of it back itself, and there is no mark to go back to.
                    raise
                self._writer.execute("ROLLBACK TO change")
            self._writer.execute("RELEASE change")


class SharedWrite(Generic[Item, Answer]):
    """One change for many callers on one loop: while a commit is under way, what comes gathers for the next.

    An error answers all that went together.
    """

    def __init__(
        self,
        database: Database,
        change: Callable[[sqlite3.Connection, list[Item]], Sequence[Answer]],
        tell: Callable[[Sequence[Answer]], None] = lambda answers: None,
        follow: Callable[[], None] = lambda: None,
    ) -> None:
        """`tell` hears on the loop what is on disk, before the callers do; `follow` runs once all have been told and
        what they at once do has begun, but before the next commit."""
        self._database = database
        self._change = change
        self._tell = tell
        self._follow = follow
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._writing: asyncio.Task[None] | None = None

    def add(self, item: Item) -> "asyncio.Future[Answer]":
        """The answer to one item once it is on disk; RefusedError where too many wait already."""
        if len(self._waiting) >= QUEUE_CHANGES_MAX:
            raise RefusedError.at("database", f"{QUEUE_CHANGES_MAX} changes are waiting for the disk already")
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_waiting())
        return done

    async def _write_waiting(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            write_all = partial(self._write_all, [item for item, _ in group])
            try:
                answers = await self._database.write(write_all)
                self._tell(answers)
            except Exception as error:
                for _, done in group:
                    if not done.done():
                        done.set_exception(error)
                continue
            for (_, done), answer in zip(group, answers, strict=True):
                if not done.done():
                    done.set_result(answer)
            # What is told goes out in the loop's next turn: nobody waits for what follows.
            await asyncio.sleep(0)
            self._follow()

    def _write_all(self, items: list[Item], db: sqlite3.Connection) -> Sequence[Answer]:
        return self._change(db, items)


def describe_trouble(error: BaseException) -> str:
    """What is wrong with the disk, in words; empty for an error that has other causes."""
    if isinstance(error, sqlite3.OperationalError):
        return str(error)
    return error.strerror or "" if isinstance(error, OSError) and error.errno in DISK_ERRORS else ""


def open_reader(path: Path) -> sqlite3.Connection:
    """A second process's look into a home's database: reads only, never creates it."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    connection.execute(f"PRAGMA busy_timeout={BUSY_WAIT_MS}")
    return connection


def connect(
    path: str, *, uri: bool = False, factory: type[sqlite3.Connection] = sqlite3.Connection
) -> sqlite3.Connection:
    """A connection that keeps this house's promises about durability, by a path or an address that SQLite opens."""
    connection = sqlite3.connect(path, check_same_thread=False, uri=uri, factory=factory)
    connection.execute(f"PRAGMA busy_timeout={BUSY_WAIT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    return connection
