"""The peers this node was told to talk to, with the keys they are pinned by."""

import sqlite3
from typing import NamedTuple

PEERS_MAX = 10_000


class Peer(NamedTuple):
    """A pinned peer: `url` empty means that it dials us; the cursor is the last of its changes we have seen."""

    origin: str
    name: str
    url: str
    tls_certificate: bytes
    log_key: bytes
    witness_key: bytes
    mirror_key: bytes
    cursor_epoch: bytes = b""
    cursor_change: int = 0
    last_seen_ms: int = 0
    last_error: str = ""


_COLUMNS = ", ".join(Peer._fields)


def add_peer(db: sqlite3.Connection, peer: Peer) -> bool:
    """Pin a peer, or take its new address and name; its keys never change under one origin. False when it is full."""
    if db.execute("SELECT count(*) FROM peer").fetchone()[0] >= PEERS_MAX:
        return False
    marks = ", ".join("?" * len(peer))
    sql = f"INSERT INTO peer({_COLUMNS}) VALUES ({marks}) ON CONFLICT(origin) DO UPDATE SET name = ?, url = ?"
    db.execute(sql, (*peer, peer.name, peer.url))
    return True


def remove_peer(db: sqlite3.Connection, origin: str) -> bool:
    """Forget a peer's address and pins; what it signed stays. False when it was unknown."""
    db.execute("DELETE FROM peer_standing WHERE origin = ?", (origin,))
    return db.execute("DELETE FROM peer WHERE origin = ?", (origin,)).rowcount > 0


def peer(db: sqlite3.Connection, origin: str) -> Peer | None:
    """One pinned peer by its origin."""
    row = db.execute(f"SELECT {_COLUMNS} FROM peer WHERE origin = ?", (origin,)).fetchone()
    return None if row is None else Peer(*row)


def peers(db: sqlite3.Connection) -> list[Peer]:
    """All pinned peers, by origin."""
    return [Peer(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM peer ORDER BY origin")]


def set_cursor(db: sqlite3.Connection, origin: str, epoch: bytes, change: int) -> None:
    """Remember the last change of a peer's own table that we have taken in."""
    sql = "UPDATE peer SET cursor_epoch = ?, cursor_change = ? WHERE origin = ?"
    db.execute(sql, (epoch, change, origin))


def note_contact(db: sqlite3.Connection, origin: str, now_ms: int, error: str = "") -> None:
    """Remember when we last met a peer, or why we could not."""
    if error:
        db.execute("UPDATE peer SET last_error = ? WHERE origin = ?", (error[:200], origin))
    else:
        db.execute("UPDATE peer SET last_seen_ms = ?, last_error = '' WHERE origin = ?", (now_ms, origin))


def standings(db: sqlite3.Connection) -> dict[str, tuple[int, ...]]:
    """What is held against peers: points, when they were noted, times sent away, until when; wall milliseconds."""
    rows = db.execute("SELECT origin, points, noted_ms, times_away, away_ms FROM peer_standing")
    return {row[0]: row[1:] for row in rows}


def set_standing(db: sqlite3.Connection, origin: str, standing: tuple[int, ...]) -> None:
    """Keep what is held against a pinned peer; nothing is kept of one that was removed meanwhile."""
    sql = "INSERT OR REPLACE INTO peer_standing SELECT origin, ?, ?, ?, ? FROM peer WHERE origin = ?"
    db.execute(sql, (*standing, origin))
