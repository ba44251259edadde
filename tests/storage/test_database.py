"""One writer, many callers: a shared commit, and no one's mistake is another's."""

import asyncio
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from protocol.core.errors import MisuseError
from storage.database import Database, open_reader
from storage.settings import set_setting, setting


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
    pragmas = database.write_and_wait(
        lambda db: [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    )
    assert pragmas == ["wal", 2]
    other = open_reader(tmp_path / "node.sqlite")
    assert setting(other, "a") == 1
    other.close()
    database.close()


def test_opening_again_migrates_once_and_finds_everything(tmp_path: Path) -> None:
    for count in range(3):
        database = Database(tmp_path / "node.sqlite")
        database.write_and_wait(partial(set_setting, name=f"n{count}", value=count))
        database.close()
    database = Database(tmp_path / "node.sqlite")
    assert [setting(database.reader, f"n{count}") for count in range(3)] == [0, 1, 2]
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
