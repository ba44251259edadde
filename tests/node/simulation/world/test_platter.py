"""A disk that forgets: what was synced is there after every cut, and SQLite on it loses nothing that it promised."""

import sqlite3
from pathlib import Path
from random import Random

import pytest

from node.simulation.world.disk.platter import DurableView, Platter
from node.simulation.world.disk.sqlite_vfs import faults, forget, is_available, open_platter
from storage.disk import write_durably

PATH = Path("/home/node.sqlite")
CUTS = 60
COMMITS = 40

pytestmark = pytest.mark.skipif(not is_available(), reason="this Python's SQLite cannot be reached")


def live_and_cut(seed: int, synchronous: str) -> tuple[int, int, str]:
    """(rows acknowledged, rows found after the cut, what SQLite says of the file)."""
    platter = Platter({}, str(seed))
    db = open_platter(platter, PATH)
    db.isolation_level = None
    db.execute("CREATE TABLE row_(number INTEGER PRIMARY KEY, content BLOB)")
    db.execute(f"PRAGMA synchronous={synchronous}")
    platter.cut_in(Random(seed).randint(1, 200))
    acknowledged = 0
    try:
        for number in range(COMMITS):
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO row_ VALUES (?, ?)", (number, bytes(1_500)))
            db.execute("COMMIT")
            acknowledged = number + 1
    except sqlite3.OperationalError:
        assert platter.is_dead
    if not platter.is_dead:
        platter.cut()
    db.close()
    platter.wake()
    db = open_platter(platter, PATH)
    found = db.execute("SELECT count(*) FROM row_").fetchone()[0]
    verdict = db.execute("PRAGMA integrity_check").fetchone()[0]
    db.close()
    forget(platter)
    return acknowledged, found, verdict


def test_sqlite_loses_no_commit_when_power_is_cut_at_any_write() -> None:
    outcomes = [live_and_cut(seed, "FULL") for seed in range(CUTS)]
    assert all(found >= acknowledged and verdict == "ok" for acknowledged, found, verdict in outcomes), outcomes
    assert len({acknowledged for acknowledged, _, _ in outcomes}) > CUTS // 4
    assert not faults


def test_with_half_the_syncs_it_does_which_shows_that_the_platter_forgets() -> None:
    outcomes = [live_and_cut(seed, "NORMAL") for seed in range(CUTS)]
    assert sum(found < acknowledged for acknowledged, found, _ in outcomes) > CUTS // 4


def test_a_reader_stays_at_one_moment_until_it_goes_on_and_sees_nothing_after_a_cut() -> None:
    platter = Platter({}, "")
    writer, reader = open_platter(platter, PATH), open_platter(platter, PATH)
    writer.isolation_level = reader.isolation_level = None
    reader.is_powered = lambda: not platter.is_dead
    writer.execute("CREATE TABLE row_(number INTEGER)")
    assert reader.execute("SELECT count(*) FROM row_").fetchone() == (0,)
    writer.execute("INSERT INTO row_ VALUES (1)")
    assert reader.execute("SELECT count(*) FROM row_").fetchone() == (0,)
    reader.leave_moment()
    assert reader.execute("SELECT count(*) FROM row_").fetchone() == (1,)
    platter.cut()
    with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
        reader.execute("SELECT count(*) FROM row_")
    reader.close()
    writer.close()
    forget(platter)


@pytest.mark.parametrize("steps", range(1, 9))
def test_a_file_written_durably_is_whole_or_the_old_one(steps: int) -> None:
    path = Path("/home/name")
    for seed in range(20):
        platter = Platter({str(path): b"old" * 700}, f"{steps} {seed}")
        platter.cut_in(steps)
        is_done = True
        try:
            write_durably(path, b"new" * 700, disk=platter)
        except OSError:
            is_done = False
        if not platter.is_dead:
            platter.cut()
        platter.wake()
        found = platter.read(path)
        assert found == b"new" * 700 if is_done else found in (b"old" * 700, b"new" * 700)


def test_what_is_not_synced_is_not_in_the_durable_view() -> None:
    path = Path("/home/name")
    platter = Platter({}, "")
    platter.write(path, b"one", is_truncated=True, is_synced=True)
    with pytest.raises(FileNotFoundError):
        DurableView(platter).read(path)
    platter.sync_folder(path.parent)
    platter.write(path, b"two", is_truncated=False, is_synced=False)
    assert DurableView(platter).read(path) == b"one" and platter.read(path) == b"two"


def test_a_full_disk_takes_nothing_new_and_a_failed_sync_keeps_nothing() -> None:
    path = Path("/home/name")
    platter = Platter({str(path): b"one"}, "")
    platter.is_full = True
    with pytest.raises(OSError, match="full"):
        platter.write(path, b"longer", is_truncated=False, is_synced=False)
    platter.is_full, platter.failing_syncs = False, 1
    with pytest.raises(OSError, match="failed"):
        platter.write(path, b"two", is_truncated=False, is_synced=True)
    assert platter.read(path) == b"two" and DurableView(platter).read(path) == b"one"
