"""One process at a time signs for a home: a lock that the operating system lets go of when its holder dies.

Invariant: two processes never hold a home's keys and log at once.
"""

import os
import sqlite3
from pathlib import Path

from protocol.core.errors import RefusedError

LOCK_FILE = "lock.sqlite"


class HomeLock:
    """Held from `take` to `release`, or until the process ends however it ends; works wherever SQLite does."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def take(cls, home: Path) -> "HomeLock":
        """Take the home's lock; RefusedError when another process holds it, or nothing can be written there."""
        if home.is_dir() and not os.access(home, os.W_OK):
            reason = "nothing can be written there: the disk is read-only, or the folder is somebody else's"
            raise RefusedError.at(str(home), reason)
        try:
            connection = sqlite3.connect(home / LOCK_FILE, isolation_level=None, timeout=0, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise RefusedError.at(str(home), f"the home cannot be locked: {error}") from None
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            connection.close()
            is_held = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
            reason = (
                "another process is at work in this home; stop it first" if is_held else f"cannot be locked: {error}"
            )
            raise RefusedError.at(str(home), reason) from None
        return cls(connection)

    def release(self) -> None:
        """Let the next process in."""
        self._connection.close()
