"""What gossip needs to remember beside logs and peers: changes that are not new entries, and interrupted transfers.

Invariant: whatever a peer should hear of again after a break has a change number of its own.
Spec: docs/spec/session.md
"""

import sqlite3

from protocol.log.bundle import BUNDLE_ENTRIES


def mark_change(db: sqlite3.Connection, origin: str) -> int:
    """Number a change of a known log that did not move its head, such as a new cosignature; the number."""
    db.execute("UPDATE counter SET value = value + 1 WHERE name = 'change'")
    change: int = db.execute("SELECT value FROM counter WHERE name = 'change'").fetchone()[0]
    db.execute("UPDATE log SET change = ? WHERE origin = ?", (change, origin))
    return change


def touch(db: sqlite3.Connection) -> None:
    """Write what is there already, to see whether the disk takes it."""
    db.execute("UPDATE counter SET value = value WHERE name = 'change'")


def count_logs(db: sqlite3.Connection) -> int:
    """How many logs are known."""
    count: int = db.execute("SELECT count(*) FROM log").fetchone()[0]
    return count


def reset_cursors(db: sqlite3.Connection) -> None:
    """Have every peer tell its whole frontier again: it may know more of a log that we have only now come to know."""
    db.execute("UPDATE peer SET cursor_epoch = x'', cursor_change = 0")


def begin_epoch(db: sqlite3.Connection, epoch: bytes) -> None:
    """Number our changes anew, after a restore: no peer shall believe that it knows what it was told before. `epoch`:
    16 random bytes."""
    db.execute("UPDATE counter SET epoch = ? WHERE name = 'change'", (epoch,))


def pending_roots(db: sqlite3.Connection, origin: str) -> dict[int, bytes]:
    """Roots of the closed bundles beyond the head, by number: what an interrupted transfer already brought."""
    sql = "SELECT number, root FROM bundle WHERE origin = ? AND number >= (SELECT size / ? FROM log WHERE origin = ?)"
    return dict(db.execute(sql, (origin, BUNDLE_ENTRIES, origin)))


def drop_pending_bundles(db: sqlite3.Connection, origin: str) -> None:
    """Forget what interrupted transfers brought beyond the head: it turned out to belong to another branch."""
    sql = "DELETE FROM bundle WHERE origin = ? AND number >= (SELECT size / ? FROM log WHERE origin = ?)"
    db.execute(sql, (origin, BUNDLE_ENTRIES, origin))
