"""The power fails between any two writes, or in the middle of one: what was committed is there, and nothing else."""

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from protocol.core.identity import generate
from protocol.log.bundle import BUNDLE_ENTRIES, bundle_roots_fold, format_bundle
from protocol.log.checkpoint import sign_checkpoint
from storage.database import Database
from storage.log import log_store
from storage.peers import gossip_marks

ORIGIN = "north.example/log"
KEY = generate(bytes(32))
ENTRIES = [b"entry %d" % number for number in range(3 * BUNDLE_ENTRIES)]
# What lies there before and how much comes in one commit: inside a bundle, up to its end, over it, over two ends.
STEPS = [(0, 1), (0, 256), (3, 200), (200, 56), (200, 57), (255, 1), (255, 258), (256, 255), (257, 511)]
WAL_HEADER_BYTES, FRAME_BYTES = 32, 24 + 4_096


class Watched:
    """A connection that calls somebody after each of its statements."""

    def __init__(self, db: sqlite3.Connection, after: Callable[[], None]) -> None:
        self._db, self._after = db, after

    def execute(self, *given: Any) -> Any:
        cursor = self._db.execute(*given)
        self._after()
        return cursor


class PowerCutError(Exception):
    """Stands for everything that ends a process between two statements."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    Database(folder / "node.sqlite").close()
    return folder


def connect(folder: Path) -> sqlite3.Connection:
    db = sqlite3.connect(folder / "node.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    log_store.add_log(db, ORIGIN, KEY.public)
    return db


def append(db: Any, entries: Sequence[bytes]) -> None:
    log_store.append(db, ORIGIN, entries, lambda head: sign_checkpoint(head, KEY))


def prepare(folder: Path, held: int) -> sqlite3.Connection:
    """A log of `held` entries, the open ones in runs of one, two, three and so on."""
    db = connect(folder)
    start, length = 0, 1
    while start < held:
        append(db, ENTRIES[start : min(held, start + length)])
        start, length = start + length, length + 1
    return db


def check_whole(db: sqlite3.Connection, sizes: Sequence[int]) -> None:
    """The log has one of these sizes, holds exactly its entries, goes on from there, and ends as it would have."""
    head = log_store.head(db, ORIGIN)
    assert head is not None and head.size in sizes
    assert log_store.entries(db, ORIGIN, 0, len(ENTRIES)) == ENTRIES[: head.size]
    assert bundle_roots_fold(log_store.bundle_roots(db, ORIGIN, 0, head.size)) == head.root
    assert gossip_marks.pending_roots(db, ORIGIN) == {}
    append(db, ENTRIES[head.size :])
    for number in range(len(ENTRIES) // BUNDLE_ENTRIES):
        part = ENTRIES[number * BUNDLE_ENTRIES : (number + 1) * BUNDLE_ENTRIES]
        assert log_store.bundle(db, ORIGIN, number, len(ENTRIES)) == format_bundle(part)
    assert db.execute("SELECT count(*) FROM open_run").fetchone() == (0,)


@pytest.mark.parametrize(("held", "count"), STEPS)
def test_the_power_fails_between_any_two_statements(home: Path, tmp_path: Path, held: int, count: int) -> None:
    db = prepare(home, held)
    kept: list[tuple[Path, bool]] = []
    is_committed = False

    def keep() -> None:
        kept.append((tmp_path / f"after{len(kept)}", is_committed))
        shutil.copytree(home, kept[-1][0])

    db.execute("BEGIN IMMEDIATE")
    append(Watched(db, keep), ENTRIES[held : held + count])
    db.execute("COMMIT")
    is_committed = True
    keep()
    db.close()
    assert len(kept) > 3
    for folder, was_committed in kept:
        found = connect(folder)
        check_whole(found, [held + count if was_committed else held])
        found.close()


@pytest.mark.parametrize(("held", "count"), [(200, 57), (255, 258)])
def test_the_power_fails_inside_a_commit(home: Path, tmp_path: Path, held: int, count: int) -> None:
    db = prepare(home, held)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("BEGIN IMMEDIATE")
    append(db, ENTRIES[held : held + count])
    db.execute("COMMIT")
    written = (home / "node.sqlite-wal").read_bytes()
    seen = set()
    for cut in [*range(0, len(written), FRAME_BYTES // 2), len(written) - 1, len(written)]:
        folder = tmp_path / f"cut{cut}"
        folder.mkdir()
        shutil.copy(home / "node.sqlite", folder)
        (folder / "node.sqlite-wal").write_bytes(written[:cut])
        found = sqlite3.connect(folder / "node.sqlite", isolation_level=None)
        head = log_store.head(found, ORIGIN)
        assert head is not None
        seen.add(head.size)
        assert (head.size == held + count) == (cut == len(written))
        check_whole(found, [held, held + count])
        found.close()
    db.close()
    assert seen == {held, held + count} and len(written) > WAL_HEADER_BYTES + 3 * FRAME_BYTES


@pytest.mark.parametrize(("held", "count"), STEPS)
def test_a_change_that_fails_at_any_statement_leaves_nothing(home: Path, held: int, count: int) -> None:
    db = prepare(home, held)
    before = log_store.change_counter(db)
    for allowed in range(1, 100):
        left = allowed

        def use_up() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise PowerCutError

        db.execute("BEGIN IMMEDIATE")
        try:
            append(Watched(db, use_up), ENTRIES[held : held + count])
        except PowerCutError:
            db.execute("ROLLBACK")
            assert log_store.entries(db, ORIGIN, 0, len(ENTRIES)) == ENTRIES[:held]
            assert log_store.change_counter(db) == before
            continue
        db.execute("COMMIT")
        break
    check_whole(db, [held + count])
    db.close()


def test_a_signature_that_cannot_be_made_leaves_nothing(home: Path) -> None:
    db = prepare(home, 250)

    def refuse(_: object) -> bytes:
        raise PowerCutError

    db.execute("BEGIN IMMEDIATE")
    with pytest.raises(PowerCutError):
        log_store.append(db, ORIGIN, ENTRIES[250:300], refuse)
    db.execute("ROLLBACK")
    check_whole(db, [250])
    db.close()


def test_another_process_appends_in_between(home: Path) -> None:
    ours, theirs = connect(home), connect(home)
    start = 0
    for turn, length in enumerate([100, 100, 100, 212, 1, 255]):
        db = (ours, theirs)[turn % 2]
        db.execute("BEGIN IMMEDIATE")
        append(db, ENTRIES[start : start + length])
        db.execute("COMMIT")
        start += length
    assert start == len(ENTRIES)
    check_whole(ours, [start])
    ours.close()
    theirs.close()
