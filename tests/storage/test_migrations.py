"""A home that an older version made opens with everything in it; one that a newer version made is left alone."""

import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database as Tables
from sqlite_utils import Migrations

from protocol.core.errors import RefusedError
from protocol.core.identity import generate
from protocol.log.bundle import BUNDLE_ENTRIES, bundle_root, format_bundle
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import Tree, leaf_hash
from storage.database import Database
from storage.log import log_store
from storage.migrations import MIGRATIONS

ORIGIN = "north.example/log"
KEY = generate(bytes(32))


def make_old(path: Path, last: str) -> sqlite3.Connection:
    """A database as it was when `last` was the newest migration."""
    old = Migrations(MIGRATIONS.name)
    db = sqlite3.connect(path)
    for migration in MIGRATIONS.pending(Tables(db)):
        old(name=migration.name)(migration.fn)
        if migration.name == last:
            break
    old.apply(Tables(db))
    return db


@pytest.mark.parametrize("size", [0, 1, 255, 256, 300])
def test_entries_that_lay_in_rows_of_their_own_are_read_and_go_on(tmp_path: Path, size: int) -> None:
    entries = [b"entry %d" % number for number in range(size + 300)]
    old = make_old(tmp_path / "node.sqlite", "0006_public_heads")
    closed, grown = size // BUNDLE_ENTRIES, Tree.of(map(leaf_hash, entries[:size]))
    log_store.add_log(old, ORIGIN, KEY.public)
    note = sign_checkpoint(Checkpoint(ORIGIN, size, grown.root()), KEY)
    sql = "UPDATE log SET size = ?, root = ?, note = ?, edge = ?"
    old.execute(sql, (size, grown.root(), note, b"".join(grown.edge)))
    for number in range(closed):
        part = entries[number * BUNDLE_ENTRIES : (number + 1) * BUNDLE_ENTRIES]
        old.execute("INSERT INTO bundle VALUES (?, ?, ?, ?)", (ORIGIN, number, format_bundle(part), bundle_root(part)))
    for index in range(closed * BUNDLE_ENTRIES, size):
        old.execute("INSERT INTO open_entry VALUES (?, ?, ?)", (ORIGIN, index, entries[index]))
    old.commit()
    old.close()

    database = Database(tmp_path / "node.sqlite")
    assert log_store.entries(database.reader, ORIGIN, 0, size + 300) == entries[:size]
    database.write_and_wait(
        lambda db: log_store.append(db, ORIGIN, entries[size:], lambda head: sign_checkpoint(head, KEY))
    )
    assert log_store.entries(database.reader, ORIGIN, 0, size + 300) == entries
    head = log_store.head(database.reader, ORIGIN)
    assert head is not None and head.root == Tree.of(map(leaf_hash, entries)).root()
    database.close()


def test_a_home_that_a_newer_version_has_been_at_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "node.sqlite"
    make_old(path, "0006_public_heads").close()
    later = Migrations(MIGRATIONS.name)
    later(name="9999_what_nobody_knows_yet")(lambda tables: None)
    db = sqlite3.connect(path)
    later.apply(Tables(db))
    db.close()
    before = read_schema(path)
    with pytest.raises(RefusedError, match=r"newer version of the program has been at it \(9999_what"):
        Database(path)
    assert read_schema(path) == before


def read_schema(path: Path) -> list[tuple[str, str]]:
    db = sqlite3.connect(path)
    try:
        return db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    finally:
        db.close()
