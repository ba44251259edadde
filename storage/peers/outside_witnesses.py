"""Witnesses and mirrors beyond the federation: whom this home asks to cosign its log, and the heads that they signed.

Invariant: a kept head carries only lines that were checked, under the log's own signature.
Spec: docs/spec/log/cosigning.md
"""

import sqlite3
from typing import NamedTuple

from protocol.log.cosignature import join_signatures

KEPT_HEADS_MAX = 64
"""Heads of a log that are kept with what outsiders signed; the oldest go first."""


class OutsideWitness(NamedTuple):
    """A witness by its address (submission prefix): its vkeys, the size it cosigned last, and how asking it went."""

    url: str
    vkeys: tuple[str, ...]
    size: int = 0
    asked_ms: int = 0
    error: str = ""


def outside_witnesses(db: sqlite3.Connection) -> list[OutsideWitness]:
    """All witnesses that are asked, by address."""
    rows = db.execute("SELECT url, vkeys, size, asked_ms, error FROM outside_witness ORDER BY url")
    return [OutsideWitness(url, tuple(vkeys.split("\n")), *rest) for url, vkeys, *rest in rows]


def set_outside_witness(db: sqlite3.Connection, witness: OutsideWitness) -> None:
    """Ask this witness from now on, or remember how it answered."""
    row = (witness.url, "\n".join(witness.vkeys), witness.size, witness.asked_ms, witness.error)
    db.execute("INSERT OR REPLACE INTO outside_witness(url, vkeys, size, asked_ms, error) VALUES (?, ?, ?, ?, ?)", row)


def remove_outside_witness(db: sqlite3.Connection, url: str) -> bool:
    """Ask this witness no more; False when it was not asked. What it signed stays."""
    return db.execute("DELETE FROM outside_witness WHERE url = ?", (url,)).rowcount > 0


def kept_note(db: sqlite3.Connection, origin: str, size: int) -> bytes | None:
    """The note of an earlier or present head of a log with what outsiders signed under it, None where none is kept."""
    row = db.execute("SELECT note FROM kept_head WHERE origin = ? AND size = ?", (origin, size)).fetchone()
    return None if row is None else row[0]


def kept_sizes(db: sqlite3.Connection, origin: str) -> list[int]:
    """The sizes of the heads of a log that are kept, smallest first."""
    return [row[0] for row in db.execute("SELECT size FROM kept_head WHERE origin = ? ORDER BY size", (origin,))]


def keep_note(db: sqlite3.Connection, origin: str, size: int, note: bytes) -> None:
    """Keep a head with lines that were checked, beside those that are known of it."""
    held = kept_note(db, origin, size)
    joined = note if held is None else join_signatures(held, note)
    db.execute("INSERT OR REPLACE INTO kept_head(origin, size, note) VALUES (?, ?, ?)", (origin, size, joined))
    sql = """DELETE FROM kept_head WHERE origin = ? AND size NOT IN (
               SELECT size FROM kept_head WHERE origin = ? ORDER BY size DESC LIMIT ?)"""
    db.execute(sql, (origin, origin, KEPT_HEADS_MAX))
