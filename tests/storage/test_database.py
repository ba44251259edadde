"""One writer, many callers: a shared commit, and no one's mistake is another's."""

import asyncio
import errno
import sqlite3
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from protocol.core.errors import MisuseError, RefusedError
from storage.database import QUEUE_CHANGES_MAX, Database, SharedWrite, describe_trouble, open_reader
from storage.settings import set_setting, setting

WAIT_S = 30
HELD_S = 0.05
SHARED_MAX = 256


async def test_many_callers_share_commits_and_each_gets_its_own_answer(tmp_path: Path) -> None:
    database = Database(tmp_path / "node.sqlite")

    def remember(db: sqlite3.Connection, number: int) -> int:
        set_setting(db, str(number), number)
        return number * 2

    answers = await asyncio.gather(*(database.write(partial(remember, number=number)) for number in range(100)))
    assert answers == [number * 2 for number in range(100)]
    assert [setting(database.reader, str(number)) for number in range(100)] == list(range(100))
    database.close()


async def test_one_that_fails_leaves_nothing_and_takes_no_other_with_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "node.sqlite")

    def fail(db: sqlite3.Connection) -> None:
        set_setting(db, "half", 1)
        raise ValueError("wrong")

    results = await asyncio.gather(
        database.write(lambda db: set_setting(db, "a", 1)),
        database.write(fail),
        database.write(lambda db: set_setting(db, "b", 2)),
        return_exceptions=True,
    )
    assert isinstance(results[1], ValueError)
    assert [setting(database.reader, name) for name in ("a", "half", "b")] == [1, None, 2]
    database.close()
    with pytest.raises(MisuseError, match="closed"):
        database.write_and_wait(lambda db: None)


def test_readers_cannot_write_and_the_disk_is_synced_on_every_commit(tmp_path: Path) -> None:
    database = Database(tmp_path / "node.sqlite")
    database.write_and_wait(lambda db: set_setting(db, "a", 1))
    with pytest.raises(sqlite3.OperationalError):
        set_setting(database.reader, "a", 2)
    promised = {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 5_000, "foreign_keys": 1, "cache_size": -4_096}
    kept = database.write_and_wait(lambda db: {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in promised})
    assert kept == promised
    other = open_reader(tmp_path / "node.sqlite")
    assert setting(other, "a") == 1
    other.close()
    database.close()


def test_a_long_read_has_a_connection_of_its_own_and_hides_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "node.sqlite")
    for name in ("a", "b"):
        database.write_and_wait(partial(set_setting, name=name, value=1))
    other = open_reader(database.path)
    long_read = other.execute("SELECT name FROM setting")
    long_read.fetchone()
    database.write_and_wait(lambda db: set_setting(db, "c", 1))
    assert setting(database.reader, "c") == 1
    assert setting(other, "c") is None, "a result that is still open keeps its connection at an old state"
    other.close()
    database.close()


async def test_what_waits_together_is_written_together_and_each_gets_its_own_answer(tmp_path: Path) -> None:
    database = Database(tmp_path / "node.sqlite")
    groups: list[list[int]] = []
    told: list[int] = []

    def double(db: sqlite3.Connection, items: list[int]) -> list[int]:
        groups.append(items)
        for item in items:
            set_setting(db, str(item), item)
        return [item * 2 for item in items]

    shared = SharedWrite(database, double, told.extend)

    async def call(first: int) -> None:
        for number in range(first, first + 20):
            assert await shared.add(number) == number * 2
            assert number * 2 in told and setting(database.reader, str(number)) == number

    await asyncio.gather(*(call(caller * 100) for caller in range(10)))
    assert len(groups) == 20 and {len(group) for group in groups} == {10}
    database.close()


async def test_what_follows_runs_after_what_was_told_and_before_the_next_commit(tmp_path: Path) -> None:
    database = Database(tmp_path / "node.sqlite")
    order: list[str] = []

    def write(db: sqlite3.Connection, items: list[str]) -> list[str]:
        order.append(f"write {items}")
        return items

    async def send() -> None:
        order.append("sent")

    def tell(answers: Sequence[str]) -> None:
        order.append(f"tell {list(answers)}")
        sending.append(asyncio.create_task(send()))

    def follow() -> None:
        order.append("follow")
        if order.count("follow") == 2:
            ended.set()

    sending: list[asyncio.Task[None]] = []
    ended = asyncio.Event()
    shared = SharedWrite(database, write, tell, follow)
    first = shared.add("a")
    await asyncio.sleep(0)
    second = shared.add("b")
    await asyncio.gather(first, second)
    await asyncio.wait_for(ended.wait(), WAIT_S)
    assert order == ["write ['a']", "tell ['a']", "sent", "follow", "write ['b']", "tell ['b']", "sent", "follow"]
    database.close()


async def test_an_error_answers_all_who_went_together_and_those_after_go_on(tmp_path: Path) -> None:
    database = Database(tmp_path / "node.sqlite")

    def refuse_odd(db: sqlite3.Connection, items: list[int]) -> list[int]:
        set_setting(db, "last", items[-1])
        if any(item % 2 for item in items):
            raise ValueError("odd")
        return items

    shared = SharedWrite(database, refuse_odd)
    given_up, *first = [shared.add(number) for number in (4, 0, 1)]
    given_up.cancel()
    assert [type(found) for found in await asyncio.gather(*first, return_exceptions=True)] == [ValueError] * 2
    assert setting(database.reader, "last") is None
    assert list(await asyncio.gather(shared.add(2), shared.add(8))) == [2, 8]
    database.close()
    with pytest.raises(MisuseError, match="closed"):
        await shared.add(6)


async def test_where_sqlite_drops_the_transaction_for_want_of_room_all_that_went_together_hear_why(
    tmp_path: Path,
) -> None:
    database = Database(tmp_path / "node.sqlite")
    begun, may_end = threading.Event(), threading.Event()

    def hold(db: sqlite3.Connection) -> None:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages + 2}")
        begun.set()
        may_end.wait(WAIT_S)

    held = asyncio.create_task(database.write(hold))
    assert await asyncio.to_thread(begun.wait, WAIT_S)
    sizes = {"small": 1, "large": 100_000, "late": 1}
    together = [
        asyncio.create_task(database.write(partial(set_setting, name=name, value=bytes(size))))
        for name, size in sizes.items()
    ]
    await asyncio.sleep(0)
    may_end.set()
    await held
    told = await asyncio.gather(*together, return_exceptions=True)
    assert [str(error) for error in told] == ["database or disk is full"] * 3
    assert database.trouble == "database or disk is full"
    assert [setting(database.reader, name) for name in sizes] == [None] * 3
    await database.write(partial(set_setting, name="small", value=1))
    assert (setting(database.reader, "small"), database.trouble) == (1, "")
    database.close()


async def test_so_many_changes_and_no_more_share_a_commit(tmp_path: Path) -> None:
    database = Database(tmp_path / "node.sqlite")
    begun, may_end = threading.Event(), threading.Event()
    written: list[int] = []
    commits: list[int] = []

    def hold(db: sqlite3.Connection) -> None:
        begun.set()
        may_end.wait(WAIT_S)

    held = asyncio.create_task(database.write(hold))
    assert await asyncio.to_thread(begun.wait, WAIT_S)
    database.before_commit = lambda db: commits.append(len(written))
    waiting = [asyncio.create_task(database.write(lambda db: written.append(1))) for _ in range(SHARED_MAX + 2)]
    await asyncio.sleep(0)
    may_end.set()
    await asyncio.gather(held, *waiting)
    assert commits == [0, SHARED_MAX, SHARED_MAX + 2]
    database.close()


async def test_whoever_no_longer_waits_holds_up_nobody(tmp_path: Path) -> None:
    database = Database(tmp_path / "node.sqlite")
    begun, may_end = threading.Event(), threading.Event()

    def hold(db: sqlite3.Connection) -> None:
        begun.set()
        may_end.wait(WAIT_S)

    held = asyncio.create_task(database.write(hold))
    assert await asyncio.to_thread(begun.wait, WAIT_S)
    names = ("gone", "there")
    gone, there = (asyncio.create_task(database.write(partial(set_setting, name=name, value=1))) for name in names)
    await asyncio.sleep(0)
    gone.cancel()
    may_end.set()
    async with asyncio.timeout(WAIT_S):
        await asyncio.gather(held, there)
        await database.write(lambda db: set_setting(db, "later", 1))
    # What was begun stays, though nobody is told of it.
    assert [setting(database.reader, name) for name in (*names, "later")] == [1, 1, 1]
    database.close()


async def test_closing_waits_for_what_is_queued(tmp_path: Path) -> None:
    database = Database(tmp_path / "node.sqlite")
    begun, may_end = threading.Event(), threading.Event()

    def hold(db: sqlite3.Connection) -> None:
        begun.set()
        may_end.wait(WAIT_S)
        set_setting(db, "first", 1)

    held = asyncio.create_task(database.write(hold))
    assert await asyncio.to_thread(begun.wait, WAIT_S)
    queued = asyncio.create_task(database.write(lambda db: set_setting(db, "second", 2)))
    await asyncio.sleep(0)
    # Long enough for whoever would not wait to have closed it under the one who writes.
    asyncio.get_running_loop().call_later(HELD_S, may_end.set)
    await asyncio.to_thread(database.close)
    await asyncio.gather(held, queued)
    again = open_reader(tmp_path / "node.sqlite")
    assert [setting(again, name) for name in ("first", "second")] == [1, 2]
    again.close()


async def test_no_more_waits_than_is_allowed(tmp_path: Path) -> None:
    database = Database(tmp_path / "node.sqlite")
    begun, may_end = threading.Event(), threading.Event()

    def hold(db: sqlite3.Connection) -> None:
        begun.set()
        may_end.wait(WAIT_S)

    held = asyncio.create_task(database.write(hold))
    assert await asyncio.to_thread(begun.wait, WAIT_S)
    waiting = [asyncio.create_task(database.write(lambda db: None)) for _ in range(QUEUE_CHANGES_MAX)]
    shared: SharedWrite[int, int] = SharedWrite(database, lambda db, items: items)
    shares = [shared.add(number) for number in range(QUEUE_CHANGES_MAX)]
    with pytest.raises(RefusedError, match="waiting for the disk"):
        shared.add(QUEUE_CHANGES_MAX)
    await asyncio.sleep(0)
    with pytest.raises(RefusedError, match="waiting for the disk"):
        await database.write(lambda db: None)
    may_end.set()
    await asyncio.gather(held, *waiting)
    await asyncio.gather(*shares, return_exceptions=True)
    database.close()


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.EROFS, "Read-only file system"), "Read-only file system"),
        (sqlite3.OperationalError("disk I/O error"), "disk I/O error"),
        (OSError(errno.EBADF, "Bad file descriptor"), ""),
        (sqlite3.IntegrityError("UNIQUE constraint failed"), ""),
        (ValueError("made up"), ""),
    ],
)
def test_the_disk_is_blamed_for_its_own_troubles_alone(error: Exception, trouble: str) -> None:
    assert describe_trouble(error) == trouble
