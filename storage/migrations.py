"""The tables of a home, numbered and append-only: a migration and its mark are one transaction.

Invariant: a migration that was released is never edited; the next one changes what it made.
Invariant: a version of the program that does not know a migration changes nothing in a database that has it.
"""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

from protocol.core.errors import RefusedError
from protocol.log.bundle import format_bundle

Change = Callable[[sqlite3.Connection], None]

# Logs as bundles with an open bundle's rows, cosignatures, fork evidence and peers.
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

# The derived index over records: droppable, rebuilt by replay.
_INDEX_TABLES = """
CREATE TABLE record_index (
  origin TEXT NOT NULL, idx INTEGER NOT NULL, kind TEXT NOT NULL, subject BLOB NOT NULL, by_key BLOB NOT NULL,
  at_ms INTEGER NOT NULL, leaf BLOB NOT NULL, void TEXT NOT NULL DEFAULT '', PRIMARY KEY (origin, idx)) WITHOUT ROWID;
CREATE INDEX record_by_kind ON record_index(kind, subject, origin, idx);
CREATE INDEX record_by_leaf ON record_index(leaf);
CREATE TABLE index_cursor (origin TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
"""

# What never leaves the node: settings, openings of commitments, till lines.
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

# How far two versions of a log are one, and which logs were ended.
_FORK_TABLES = """
CREATE TABLE fork_trunk (
  origin TEXT NOT NULL, note_a BLOB NOT NULL, note_b BLOB NOT NULL, size INTEGER NOT NULL, proof BLOB NOT NULL,
  PRIMARY KEY (origin, note_a, note_b)) WITHOUT ROWID;
CREATE TABLE retired_log (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL) WITHOUT ROWID;
"""

# A bundle's root lies behind its blob: without an index of their own, the roots of a log are as slow to read as all of
# its entries.
# The tiles above the bundles' roots, derived: droppable, grown again from the roots.
_TILE_TABLES = """
CREATE INDEX bundle_root ON bundle(origin, number, root);
CREATE TABLE tile (
  origin TEXT NOT NULL, level INTEGER NOT NULL, number INTEGER NOT NULL, hashes BLOB NOT NULL,
  PRIMARY KEY (origin, level, number)) WITHOUT ROWID;
"""

# The heads that the witness and the mirror show to anyone.
_PUBLIC_HEAD_TABLES = """
CREATE TABLE witnessed (prefix TEXT PRIMARY KEY, note BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE pending_head (
  prefix TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL, is_signed INTEGER NOT NULL,
  PRIMARY KEY (prefix, size)) WITHOUT ROWID;
"""

# The open bundle in runs of entries, one for each append and laid out as a bundle is; until now a row for each.
_RUN_TABLES = """
CREATE TABLE open_run (
  origin TEXT NOT NULL, idx INTEGER NOT NULL, count INTEGER NOT NULL, run BLOB NOT NULL,
  PRIMARY KEY (origin, idx)) WITHOUT ROWID;
"""

# Witnesses that this home asks for cosignatures itself, and the heads that they signed.
_OUTSIDE_TABLES = """
CREATE TABLE outside_witness (
  url TEXT PRIMARY KEY, vkeys TEXT NOT NULL, size INTEGER NOT NULL DEFAULT 0, asked_ms INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE kept_head (
  origin TEXT NOT NULL, size INTEGER NOT NULL, note BLOB NOT NULL, PRIMARY KEY (origin, size)) WITHOUT ROWID;
"""

# What is held against peers that broke the rules.
_STANDING_TABLES = """
CREATE TABLE peer_standing (
  origin TEXT PRIMARY KEY, points INTEGER NOT NULL, noted_ms INTEGER NOT NULL, times_away INTEGER NOT NULL,
  away_ms INTEGER NOT NULL) WITHOUT ROWID;
"""

# Which files other co-ops may fetch.
_SHARED_TABLES = """
CREATE TABLE shared_file (sha256 BLOB PRIMARY KEY, scope TEXT NOT NULL) WITHOUT ROWID;
"""

# Heads that were signed after their log had ended.
_LATER_HEAD_TABLES = """
CREATE TABLE later_head (origin TEXT NOT NULL, note BLOB NOT NULL, PRIMARY KEY (origin, note)) WITHOUT ROWID;
"""

# Wishes and pledges of households, private.
_MEMBER_WANT_TABLES = """
CREATE TABLE member_want (
  kind TEXT NOT NULL, household BLOB NOT NULL, good TEXT NOT NULL, amount INTEGER NOT NULL, told_ms INTEGER NOT NULL,
  PRIMARY KEY (kind, household, good)) WITHOUT ROWID;
"""

# The epochs of former runs, and the last change of each that this database went through.
_PAST_EPOCH_TABLES = """
CREATE TABLE past_epoch (number INTEGER PRIMARY KEY, epoch BLOB NOT NULL UNIQUE, value INTEGER NOT NULL);
"""


def _lay_out_runs(connection: sqlite3.Connection) -> None:
    _run(connection, _RUN_TABLES)
    kept = connection.execute("SELECT origin, idx, 1, entry FROM open_entry").fetchall()
    rows = ((origin, index, count, format_bundle([entry])) for origin, index, count, entry in kept)
    connection.executemany("INSERT INTO open_run(origin, idx, count, run) VALUES (?, ?, ?, ?)", rows)
    connection.execute("DROP TABLE open_entry")


MIGRATIONS: Final[Mapping[str, str | Change]] = {
    "0001_logs": _LOG_TABLES,
    "0002_record_index": _INDEX_TABLES,
    "0003_private": _PRIVATE_TABLES,
    "0004_forks": _FORK_TABLES,
    "0005_tiles": _TILE_TABLES,
    "0006_public_heads": _PUBLIC_HEAD_TABLES,
    "0007_runs": _lay_out_runs,
    "0008_outside_witnesses": _OUTSIDE_TABLES,
    "0009_peer_standing": _STANDING_TABLES,
    "0010_shared_files": _SHARED_TABLES,
    "0011_later_heads": _LATER_HEAD_TABLES,
    "0012_member_wants": _MEMBER_WANT_TABLES,
    "0013_past_epochs": _PAST_EPOCH_TABLES,
}
"""What has been done to the tables so far, in this order: statements, or what moves rows."""

_SET: Final = "rochdale"
# Named and laid out as sqlite-utils does it, which kept the marks of homes that were made before.
_MARKS: Final = """
CREATE TABLE IF NOT EXISTS _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS idx__sqlite_migrations_migration_set_name
  ON _sqlite_migrations(migration_set, name);
"""


def migrate(connection: sqlite3.Connection, migrations: Mapping[str, str | Change] = MIGRATIONS) -> None:
    """Apply what is pending, each migration with its mark in one transaction.

    Raises RefusedError, before anything is changed, for a database that a newer version has been at.
    """
    applied = _list_applied(connection)
    if later := sorted(applied - migrations.keys()):
        raise RefusedError.at("database", f"a newer version of the program has been at it ({later[0]}): use that one")
    for name, change in migrations.items():
        if name not in applied:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                _run(connection, _MARKS)
                _run(connection, change)
                connection.execute("INSERT INTO _sqlite_migrations(migration_set, name) VALUES (?, ?)", (_SET, name))


def _list_applied(connection: sqlite3.Connection) -> set[str]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone():
        return set()
    rows = connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = ?", (_SET,))
    return {name for (name,) in rows}


def _run(connection: sqlite3.Connection, change: str | Change) -> None:
    if not isinstance(change, str):
        change(connection)
        return
    # One statement at a time: executescript would commit the migration's transaction behind its back.
    for statement in change.split(";\n"):
        if statement.strip():
            connection.execute(statement)
