"""The tables of a home, numbered and append-only: a migration and its mark are one transaction.

Invariant: a migration that was released is never edited; the next one changes what it made.
Invariant: a version of the program that does not know a migration changes nothing in a database that has it.
"""

import sqlite3
import sys

from protocol.core.errors import RefusedError
from protocol.log.bundle import format_bundle

# sqlite-utils loads these wherever they are installed, for frames and arrays that nobody asks it for: 0.3 seconds and
# 80 MB in every node.
_NOT_FOR_IT = [name for name in ("numpy", "pandas") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_NOT_FOR_IT))  # type: ignore[arg-type]
from sqlite_utils import Database, Migrations  # noqa: E402

for _name in _NOT_FOR_IT:
    del sys.modules[_name]

MIGRATIONS = Migrations("rochdale")

_LOG_TABLES = """
CREATE TABLE log (
  origin TEXT PRIMARY KEY, log_key BLOB NOT NULL, size INTEGER NOT NULL DEFAULT 0, root BLOB NOT NULL,
  note BLOB NOT NULL DEFAULT x'', edge BLOB NOT NULL DEFAULT x'', change INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX log_by_change ON log(change);
CREATE TABLE bundle (
  origin TEXT NOT NULL, number INTEGER NOT NULL, blob BLOB NOT NULL, root BLOB NOT NULL,
  PRIMARY KEY (origin, number)) WITHOUT ROWID;
CREATE TABLE open_entry (
  origin TEXT NOT NULL, idx INTEGER NOT NULL, entry BLOB NOT NULL, PRIMARY KEY (origin, idx)) WITHOUT ROWID;
CREATE TABLE counter (name TEXT PRIMARY KEY, epoch BLOB NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counter VALUES ('change', randomblob(16), 0);
CREATE TABLE cosignature (
  origin TEXT NOT NULL, size INTEGER NOT NULL, cosigner TEXT NOT NULL, line BLOB NOT NULL, time_s INTEGER NOT NULL,
  PRIMARY KEY (origin, size, cosigner)) WITHOUT ROWID;
CREATE TABLE cosigned (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE fork (
  origin TEXT NOT NULL, note_a BLOB NOT NULL, note_b BLOB NOT NULL, proof BLOB NOT NULL,
  PRIMARY KEY (origin, note_a, note_b)) WITHOUT ROWID;
CREATE TABLE peer (
  origin TEXT PRIMARY KEY, name TEXT NOT NULL, url TEXT NOT NULL, tls_certificate BLOB NOT NULL,
  log_key BLOB NOT NULL, witness_key BLOB NOT NULL, mirror_key BLOB NOT NULL,
  cursor_epoch BLOB NOT NULL DEFAULT x'', cursor_change INTEGER NOT NULL DEFAULT 0,
  last_seen_ms INTEGER NOT NULL DEFAULT 0, last_error TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
"""

_INDEX_TABLES = """
CREATE TABLE record_index (
  origin TEXT NOT NULL, idx INTEGER NOT NULL, kind TEXT NOT NULL, subject BLOB NOT NULL, by_key BLOB NOT NULL,
  at_ms INTEGER NOT NULL, leaf BLOB NOT NULL, void TEXT NOT NULL DEFAULT '', PRIMARY KEY (origin, idx)) WITHOUT ROWID;
CREATE INDEX record_by_kind ON record_index(kind, subject, origin, idx);
CREATE INDEX record_by_leaf ON record_index(leaf);
CREATE TABLE index_cursor (origin TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
"""

_PRIVATE_TABLES = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE opening (
  commitment BLOB PRIMARY KEY, scope TEXT NOT NULL, opening BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE till_file (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 BLOB NOT NULL UNIQUE, imported_ms INTEGER NOT NULL,
  lines INTEGER NOT NULL, lines_new INTEGER NOT NULL);
CREATE TABLE till_line (
  key BLOB PRIMARY KEY, file_id INTEGER NOT NULL REFERENCES till_file(id), sold_at TEXT NOT NULL, week TEXT NOT NULL,
  product_code TEXT NOT NULL, product_name TEXT NOT NULL, category TEXT NOT NULL,
  quantity_milli INTEGER NOT NULL, amount_cents INTEGER NOT NULL, household BLOB) WITHOUT ROWID;
CREATE INDEX till_line_by_category ON till_line(category, product_code);
"""

_FORK_TABLES = """
CREATE TABLE fork_trunk (
  origin TEXT NOT NULL, note_a BLOB NOT NULL, note_b BLOB NOT NULL, size INTEGER NOT NULL, proof BLOB NOT NULL,
  PRIMARY KEY (origin, note_a, note_b)) WITHOUT ROWID;
CREATE TABLE retired_log (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL) WITHOUT ROWID;
"""

# A bundle's root lies behind its blob: without an index of their own, the roots of a log are as slow to read as all of
# its entries.
_TILE_TABLES = """
CREATE INDEX bundle_root ON bundle(origin, number, root);
CREATE TABLE tile (
  origin TEXT NOT NULL, level INTEGER NOT NULL, number INTEGER NOT NULL, hashes BLOB NOT NULL,
  PRIMARY KEY (origin, level, number)) WITHOUT ROWID;
"""

_PUBLIC_HEAD_TABLES = """
CREATE TABLE witnessed (prefix TEXT PRIMARY KEY, note BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE pending_head (
  prefix TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL, is_signed INTEGER NOT NULL,
  PRIMARY KEY (prefix, size)) WITHOUT ROWID;
"""

_RUN_TABLES = """
CREATE TABLE open_run (
  origin TEXT NOT NULL, idx INTEGER NOT NULL, count INTEGER NOT NULL, run BLOB NOT NULL,
  PRIMARY KEY (origin, idx)) WITHOUT ROWID;
"""

_OUTSIDE_TABLES = """
CREATE TABLE outside_witness (
  url TEXT PRIMARY KEY, vkeys TEXT NOT NULL, size INTEGER NOT NULL DEFAULT 0, asked_ms INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE kept_head (
  origin TEXT NOT NULL, size INTEGER NOT NULL, note BLOB NOT NULL, PRIMARY KEY (origin, size)) WITHOUT ROWID;
"""

_STANDING_TABLES = """
CREATE TABLE peer_standing (
  origin TEXT PRIMARY KEY, points INTEGER NOT NULL, noted_ms INTEGER NOT NULL, times_away INTEGER NOT NULL,
  away_ms INTEGER NOT NULL) WITHOUT ROWID;
"""

_SHARED_TABLES = """
CREATE TABLE shared_file (sha256 BLOB PRIMARY KEY, scope TEXT NOT NULL) WITHOUT ROWID;
"""

_LATER_HEAD_TABLES = """
CREATE TABLE later_head (origin TEXT NOT NULL, note BLOB NOT NULL, PRIMARY KEY (origin, note)) WITHOUT ROWID;
"""

_MEMBER_WANT_TABLES = """
CREATE TABLE member_want (
  kind TEXT NOT NULL, household BLOB NOT NULL, good TEXT NOT NULL, amount INTEGER NOT NULL, told_ms INTEGER NOT NULL,
  PRIMARY KEY (kind, household, good)) WITHOUT ROWID;
"""

_PAST_EPOCH_TABLES = """
CREATE TABLE past_epoch (number INTEGER PRIMARY KEY, epoch BLOB NOT NULL UNIQUE, value INTEGER NOT NULL);
"""


def migrate(connection: sqlite3.Connection) -> None:
    """Apply what is pending, each migration with its mark in one transaction.

    Raises RefusedError, before anything is changed, for a database that a newer version has been at.
    """
    database = Database(connection)
    known = {migration.name for migration in MIGRATIONS.pending(Database(memory=True))}
    later = sorted({migration.name for migration in MIGRATIONS.applied(database)} - known)
    if later:
        raise RefusedError.at("database", f"a newer version of the program has been at it ({later[0]}): use that one")
    MIGRATIONS.apply(database)
    connection.commit()


def _run(database: Database, script: str) -> None:
    # One statement at a time: executescript would commit the migration's transaction behind its back.
    for statement in script.split(";\n"):
        if statement.strip():
            database.conn.execute(statement)


@MIGRATIONS(name="0001_logs")
def add_logs(database: Database) -> None:
    """Logs as bundles with an open bundle's rows, cosignatures, fork evidence and peers."""
    _run(database, _LOG_TABLES)


@MIGRATIONS(name="0002_record_index")
def add_record_index(database: Database) -> None:
    """The derived index over records: droppable, rebuilt by replay."""
    _run(database, _INDEX_TABLES)


@MIGRATIONS(name="0003_private")
def add_private(database: Database) -> None:
    """What never leaves the node: settings, openings of commitments, till lines."""
    _run(database, _PRIVATE_TABLES)


@MIGRATIONS(name="0004_forks")
def add_forks(database: Database) -> None:
    """How far two versions of a log are one, and which logs were ended."""
    _run(database, _FORK_TABLES)


@MIGRATIONS(name="0005_tiles")
def add_tiles(database: Database) -> None:
    """The tiles above the bundles' roots, derived: droppable, grown again from the roots."""
    _run(database, _TILE_TABLES)


@MIGRATIONS(name="0006_public_heads")
def add_public_heads(database: Database) -> None:
    """The heads that the witness and the mirror show to anyone."""
    _run(database, _PUBLIC_HEAD_TABLES)


@MIGRATIONS(name="0007_runs")
def add_runs(database: Database) -> None:
    """The open bundle in runs of entries, one for each append and laid out as a bundle is; until now a row for each."""
    _run(database, _RUN_TABLES)
    kept = database.conn.execute("SELECT origin, idx, 1, entry FROM open_entry").fetchall()
    rows = ((origin, index, count, format_bundle([entry])) for origin, index, count, entry in kept)
    database.conn.executemany("INSERT INTO open_run(origin, idx, count, run) VALUES (?, ?, ?, ?)", rows)
    database.conn.execute("DROP TABLE open_entry")


@MIGRATIONS(name="0008_outside_witnesses")
def add_outside_witnesses(database: Database) -> None:
    """Witnesses that this home asks for cosignatures itself, and the heads that they signed."""
    _run(database, _OUTSIDE_TABLES)


@MIGRATIONS(name="0009_peer_standing")
def add_peer_standing(database: Database) -> None:
    """What is held against peers that broke the rules."""
    _run(database, _STANDING_TABLES)


@MIGRATIONS(name="0010_shared_files")
def add_shared_files(database: Database) -> None:
    """Which files other co-ops may fetch."""
    _run(database, _SHARED_TABLES)


@MIGRATIONS(name="0011_later_heads")
def add_later_heads(database: Database) -> None:
    """Heads that were signed after their log had ended."""
    _run(database, _LATER_HEAD_TABLES)


@MIGRATIONS(name="0012_member_wants")
def add_member_wants(database: Database) -> None:
    """Wishes and pledges of households, private."""
    _run(database, _MEMBER_WANT_TABLES)


@MIGRATIONS(name="0013_past_epochs")
def add_past_epochs(database: Database) -> None:
    """The epochs of former runs, and the last change of each that this database went through."""
    _run(database, _PAST_EPOCH_TABLES)
