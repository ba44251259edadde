"""What a node asks its store again and again costs the same with many logs as with few."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.database import Database
from storage.log import fork_cuts, log_store, record_index

LOGS = 2_000
KEY = bytes(32)
ASKED: dict[str, Callable[[sqlite3.Connection], object]] = {
    "heads beyond an end": fork_cuts.later_heads,
    "logs that have ended": fork_cuts.retired_logs,
    "heads that moved": lambda db: log_store.heads_since(db, 0),
    "the newest change": log_store.change_counter,
}


def add_all(db: sqlite3.Connection) -> None:
    for number in range(LOGS):
        log_store.add_log(db, f"log{number}.example", KEY)


@pytest.mark.parametrize("name", ASKED)
def test_what_is_asked_each_second_reads_no_log_that_it_is_not_about(name: str, tmp_path: Path) -> None:
    database = Database(tmp_path / "node.sqlite")
    database.write_and_wait(add_all)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    database.reader.set_progress_handler(count, 1)
    found = ASKED[name](database.reader)
    database.reader.set_progress_handler(None, 0)
    assert record_index.list_behind(database.reader) == []
    database.close()
    assert found in ([], {}) or isinstance(found, tuple)
    assert 0 < steps < LOGS / 4
