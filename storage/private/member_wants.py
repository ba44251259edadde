"""Wishes and pledges of households: private to the node, the newest word of each counts.

Invariant: a household is a keyed token, the one its till lines bear; no name is kept.
"""

import sqlite3
from typing import NamedTuple

from protocol.core.errors import RefusedError

MEMBER_WANTS_MAX = 200_000


class MemberWant(NamedTuple):
    """What a household said of a good: as a wish in percent, as a pledge in thousandths of the good's unit."""

    household: bytes
    good: str
    amount: int


def keep_want(db: sqlite3.Connection, kind: str, want: MemberWant, told_ms: int) -> None:
    """Keep a household's newest word on a good; RefusedError when this home holds as many as it takes."""
    if db.execute("SELECT count(*) FROM member_want").fetchone()[0] >= MEMBER_WANTS_MAX:
        raise RefusedError.at("wants", f"this home keeps at most {MEMBER_WANTS_MAX} wishes and pledges")
    db.execute("INSERT OR REPLACE INTO member_want VALUES (?, ?, ?, ?, ?)", (kind, *want, told_ms))


def forget_want(db: sqlite3.Connection, kind: str, household: bytes, good: str) -> None:
    """Take a household's word on a good back."""
    db.execute("DELETE FROM member_want WHERE kind = ? AND household = ? AND good = ?", (kind, household, good))


def member_wants(db: sqlite3.Connection, kind: str) -> list[MemberWant]:
    """All wishes, or all pledges, in a fixed order."""
    sql = "SELECT household, good, amount FROM member_want WHERE kind = ? ORDER BY good, household"
    return [MemberWant(*row) for row in db.execute(sql, (kind,))]
