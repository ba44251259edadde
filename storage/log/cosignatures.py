"""Who has cosigned which head, what this node's own witness and mirror have signed, and the evidence of forks.

Invariant: what this node's witness signed last is kept in the transaction that judged it, so it never signs two heads
of which one does not extend the other.
Invariant: a head that was signed is shown to anyone as it was signed, also when the log itself is not held here.
"""

import sqlite3
from typing import NamedTuple

COSIGNATURES_KEPT_MAX = 64
"""Heads per log and cosigner whose cosignatures are kept; older ones are superseded by the newest."""


class Cosignature(NamedTuple):
    """One cosigner's line under one head of a log; `time_s` is the time it says."""

    origin: str
    size: int
    cosigner: str
    line: bytes
    time_s: int


class PendingHead(NamedTuple):
    """A head that a log showed to this node's mirror: signed by the log, and once `is_signed` by the mirror too."""

    size: int
    root: bytes
    note: bytes
    is_signed: bool


def add_cosignature(db: sqlite3.Connection, cosignature: Cosignature) -> bool:
    """Keep a verified cosignature; False when it was known."""
    sql = "INSERT OR IGNORE INTO cosignature(origin, size, cosigner, line, time_s) VALUES (?, ?, ?, ?, ?)"
    added = db.execute(sql, cosignature).rowcount > 0
    if added:
        sql = """DELETE FROM cosignature WHERE origin = ? AND cosigner = ? AND size NOT IN (
                   SELECT size FROM cosignature WHERE origin = ? AND cosigner = ? ORDER BY size DESC LIMIT ?)"""
        key = (cosignature.origin, cosignature.cosigner)
        db.execute(sql, (*key, *key, COSIGNATURES_KEPT_MAX))
    return added


def cosignatures(db: sqlite3.Connection, origin: str, size: int) -> list[Cosignature]:
    """The cosignatures of one head, by cosigner."""
    sql = "SELECT origin, size, cosigner, line, time_s FROM cosignature WHERE origin = ? AND size = ? ORDER BY cosigner"
    return [Cosignature(*row) for row in db.execute(sql, (origin, size))]


def newest_by_cosigner(db: sqlite3.Connection, origin: str) -> dict[str, Cosignature]:
    """Each cosigner's cosignature of the largest head of a log."""
    sql = "SELECT origin, size, cosigner, line, time_s FROM cosignature WHERE origin = ? ORDER BY size"
    return {row[2]: Cosignature(*row) for row in db.execute(sql, (origin,))}


def cosigned(db: sqlite3.Connection, origin: str) -> tuple[int, bytes] | None:
    """(size, root) of the last head of a log that this node's witness signed."""
    row: tuple[int, bytes] | None = db.execute("SELECT size, root FROM cosigned WHERE origin = ?", (origin,)).fetchone()
    return row


def set_cosigned(db: sqlite3.Connection, origin: str, size: int, root: bytes) -> None:
    """Remember what this node's witness signs, in the transaction that checked it."""
    sql = "INSERT INTO cosigned VALUES (?, ?, ?) ON CONFLICT(origin) DO UPDATE SET size = ?, root = ?"
    db.execute(sql, (origin, size, root, size, root))


def add_fork(db: sqlite3.Connection, origin: str, note_a: bytes, note_b: bytes, proof: bytes) -> bool:
    """Keep two signed heads that cannot both be extended; False when known. Order of the notes does not matter."""
    first, second = sorted((note_a, note_b))
    sql = "INSERT OR IGNORE INTO fork(origin, note_a, note_b, proof) VALUES (?, ?, ?, ?)"
    return db.execute(sql, (origin, first, second, proof)).rowcount > 0


def forks(db: sqlite3.Connection) -> list[tuple[str, bytes, bytes, bytes]]:
    """All evidence of forks: (origin, note, note, proof)."""
    return list(db.execute("SELECT origin, note_a, note_b, proof FROM fork ORDER BY origin, note_a, note_b"))


def witnessed_note(db: sqlite3.Connection, prefix: str) -> bytes | None:
    """The newest head that this node's witness cosigned of the log whose origin has this hash, None for no head."""
    row = db.execute("SELECT note FROM witnessed WHERE prefix = ?", (prefix,)).fetchone()
    return None if row is None else row[0]


def set_witnessed_note(db: sqlite3.Connection, prefix: str, note: bytes) -> None:
    """Show this head from now on; called in the transaction that signs it."""
    sql = "INSERT INTO witnessed(prefix, note) VALUES (?, ?) ON CONFLICT(prefix) DO UPDATE SET note = excluded.note"
    db.execute(sql, (prefix, note))


def pending_heads(db: sqlite3.Connection, prefix: str) -> list[PendingHead]:
    """The last heads that the log with this hash showed to the mirror, by size; the signed one among them."""
    sql = "SELECT size, root, note, is_signed FROM pending_head WHERE prefix = ? ORDER BY size"
    return [PendingHead(size, root, note, bool(signed)) for size, root, note, signed in db.execute(sql, (prefix,))]


def set_pending_heads(db: sqlite3.Connection, prefix: str, heads: list[PendingHead]) -> None:
    """Keep these heads and no other; called in the transaction that judged the newest or signed one."""
    db.execute("DELETE FROM pending_head WHERE prefix = ?", (prefix,))
    sql = "INSERT INTO pending_head(prefix, size, root, note, is_signed) VALUES (?, ?, ?, ?, ?)"
    db.executemany(sql, [(prefix, *head) for head in heads])


def mirrored_note(db: sqlite3.Connection, prefix: str) -> bytes | None:
    """The newest head that this node's mirror signed of the log whose origin has this hash, None for no head."""
    sql = "SELECT note FROM pending_head WHERE prefix = ? AND is_signed ORDER BY size DESC LIMIT 1"
    row = db.execute(sql, (prefix,)).fetchone()
    return None if row is None else row[0]


def mirrored_size(db: sqlite3.Connection, prefix: str) -> int:
    """The size of the newest head that this node's mirror signed of the log with this hash, 0 for none."""
    sql = "SELECT max(size) FROM pending_head WHERE prefix = ? AND is_signed"
    row = db.execute(sql, (prefix,)).fetchone()
    return row[0] or 0
