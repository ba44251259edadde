"""What gossip needs to remember beside logs and peers: changes that are not new entries, and interrupted transfers.

Invariant: whatever a peer should hear of again after a break has a change number of its own.
Invariant: an epoch belongs to one run of the node, so a change number that was told in it is given to nothing else.
Spec: docs/spec/gossip/session.md
"""

import sqlite3
from typing import Final

from protocol.log.bundle import BUNDLE_ENTRIES
from storage.log import log_store

PAST_EPOCHS_MAX: Final = 64


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


def begin_epoch(db: sqlite3.Connection, epoch: bytes, value: int) -> None:
    """A run has begun at change number `value`, and tells its changes in this epoch (16 random bytes).

    What was told in the epoch before counts up to there: a backup that was put back holds nothing beyond. A second
    call with the same epoch changes nothing.
    """
    sql = "INSERT INTO past_epoch(epoch, value) SELECT epoch, ? FROM counter WHERE name = 'change' AND epoch <> ?"
    db.execute(sql, (value, epoch))
    db.execute("DELETE FROM past_epoch WHERE number <= (SELECT max(number) FROM past_epoch) - ?", (PAST_EPOCHS_MAX,))
    db.execute("UPDATE counter SET epoch = ? WHERE name = 'change'", (epoch,))


def follow_epoch(db: sqlite3.Connection, epoch: bytes, value: int) -> None:
    """Begin this epoch at change number `value` once there is a change beyond it; called before each commit."""
    held, present = log_store.change_counter(db)
    if present > value and held != epoch:
        begin_epoch(db, epoch, value)


def past_epochs(db: sqlite3.Connection) -> dict[bytes, int]:
    """The epochs of former runs, the last one among them, and up to which change number each counts."""
    epochs = dict(db.execute("SELECT epoch, value FROM past_epoch"))
    return epochs | dict(db.execute("SELECT epoch, value FROM counter WHERE name = 'change'"))


def pending_roots(db: sqlite3.Connection, origin: str) -> dict[int, bytes]:
    """Roots of the closed bundles beyond the head, by number: what an interrupted transfer already brought."""
    sql = "SELECT number, root FROM bundle WHERE origin = ? AND number >= (SELECT size / ? FROM log WHERE origin = ?)"
    return dict(db.execute(sql, (origin, BUNDLE_ENTRIES, origin)))


def drop_pending_bundles(db: sqlite3.Connection, origin: str) -> None:
    """Forget what interrupted transfers brought beyond the head: it turned out to belong to another branch."""
    sql = "DELETE FROM bundle WHERE origin = ? AND number >= (SELECT size / ? FROM log WHERE origin = ?)"
    db.execute(sql, (origin, BUNDLE_ENTRIES, origin))
