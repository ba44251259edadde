"""What this home was told and keeps to itself: small private values by name."""

import sqlite3

from protocol.core.encoding import Value, decode, encode

SETTING_BYTES_MAX = 1024 * 1024


def setting(db: sqlite3.Connection, name: str) -> Value:
    """A private value by name, None where it was never set."""
    row = db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return None if row is None else decode(row[0], SETTING_BYTES_MAX)


def set_setting(db: sqlite3.Connection, name: str, value: Value) -> None:
    """Keep a private value; None forgets it."""
    if value is None:
        db.execute("DELETE FROM setting WHERE name = ?", (name,))
    else:
        db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, encode(value, SETTING_BYTES_MAX)))
