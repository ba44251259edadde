"""What this home may open: the private side of the commitments in its own log and in others'.

Invariant: an opening is found by its commitment alone and never stands in a log.
"""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple


class KeptOpening(NamedTuple):
    """Canonical opening bytes, and for whom they are."""

    scope: str
    opening: bytes


def keep_openings(db: sqlite3.Connection, kept: Iterable[tuple[bytes, KeptOpening]]) -> None:
    """Keep openings by their commitments; a commitment has one only, so a second time changes nothing."""
    rows = [(commitment, *opening) for commitment, opening in kept]
    db.executemany("INSERT OR IGNORE INTO opening VALUES (?, ?, ?)", rows)


def find_opening(db: sqlite3.Connection, commitment: bytes) -> KeptOpening | None:
    """The opening of a commitment, None where this home has none."""
    row = db.execute("SELECT scope, opening FROM opening WHERE commitment = ?", (commitment,)).fetchone()
    return None if row is None else KeptOpening(*row)
