"""A home that an older version made opens with everything in it; one that a newer version made is left alone."""

import sqlite3
from pathlib import Path

import pytest

from protocol.core.errors import RefusedError
from protocol.core.identity import generate
from protocol.log.bundle import BUNDLE_ENTRIES, bundle_root, format_bundle
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import Tree, leaf_hash
from storage.database import Database
from storage.log import log_store
from storage.migrations import MIGRATIONS, migrate

ORIGIN = "north.example/log"
KEY = generate(bytes(32))


def make_old(path: Path, last: str) -> sqlite3.Connection:
    """A database as it was when `last` was the newest migration."""
    names = list(MIGRATIONS)
    db = sqlite3.connect(path)
    migrate(db, {name: MIGRATIONS[name] for name in names[: names.index(last) + 1]})
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
    db = sqlite3.connect(path)
    migrate(db, {**MIGRATIONS, "9999_what_nobody_knows_yet": ""})
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


def test_a_migration_that_breaks_off_leaves_nothing_of_itself_and_is_done_over_again(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "node.sqlite")
    first = {"0001_good": "CREATE TABLE good(name TEXT);\nINSERT INTO good VALUES ('oats');\n"}
    broken = {**first, "0002_price": "CREATE TABLE price(cents INTEGER);\nCREATE TABLE good(name TEXT);\n"}
    with pytest.raises(sqlite3.OperationalError, match="good already exists"):
        migrate(db, broken)
    assert not db.in_transaction and read_tables(db) == ["_sqlite_migrations", "good"]
    migrate(db, {**first, "0002_price": "CREATE TABLE price(cents INTEGER);\n"})
    assert read_tables(db) == ["_sqlite_migrations", "good", "price"]
    assert db.execute("SELECT name FROM good").fetchall() == [("oats",)]
    db.close()


def test_the_marks_of_a_home_made_before_are_read(tmp_path: Path) -> None:
    """As sqlite-utils wrote them, which did this until November 2026."""
    path = tmp_path / "node.sqlite"
    db = make_old(path, "0012_member_wants")
    db.executescript(
        'DROP TABLE _sqlite_migrations; CREATE TABLE "_sqlite_migrations" (\n   "id" INTEGER PRIMARY KEY,\n'
        '   "migration_set" TEXT,\n   "name" TEXT,\n   "applied_at" TEXT\n);\n'
        'CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"\n'
        '    ON "_sqlite_migrations" ("migration_set", "name");'
    )
    marks = [("rochdale", name, "2026-11-22 11:53:57.849927+00:00") for name in list(MIGRATIONS)[:-1]]
    db.executemany("INSERT INTO _sqlite_migrations(migration_set, name, applied_at) VALUES (?, ?, ?)", marks)
    db.commit()
    db.close()
    Database(path).close()
    db = sqlite3.connect(path)
    assert [name for (name,) in db.execute("SELECT name FROM _sqlite_migrations ORDER BY id")] == list(MIGRATIONS)
    assert "past_epoch" in read_tables(db)
    db.close()


def read_tables(db: sqlite3.Connection) -> list[str]:
    return [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
