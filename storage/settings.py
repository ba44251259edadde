"""What this home was told and keeps to itself: small private values by name."""

import sqlite3

from protocol.core.encoding import Value, decode, encode

SETTING_BYTES_MAX = 1024 * 1024


def setting(db: sqlite3.Connection, name: str) -> Value:
    """A private value by name, None where it was never set."""
    row = db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return None if row is None else decode(row[0], SETTING_BYTES_MAX)


def names_under(db: sqlite3.Connection, prefix: str) -> list[str]:
    """What follows `prefix` in the names of all settings that begin with it, sorted."""
    sql = "SELECT substr(name, ?) FROM setting WHERE substr(name, 1, ?) = ? ORDER BY name"
    return [row[0] for row in db.execute(sql, (len(prefix) + 1, len(prefix), prefix))]


def set_setting(db: sqlite3.Connection, name: str, value: Value) -> None:
    """Keep a private value; None forgets it. RefusedError above SETTING_BYTES_MAX."""
    if value is None:
        db.execute("DELETE FROM setting WHERE name = ?", (name,))
    else:
        db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, encode(value, SETTING_BYTES_MAX)))
