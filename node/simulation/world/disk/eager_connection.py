"""A connection that reads every answer to its end at once, and one that looks at one moment until it is told to go on.

Invariant: no statement is open while an error is on its way: giving it up would call our file system in the middle of
that error, which Python does not bear.
Invariant: between two commits there is one moment only, whether it is looked at in one transaction or in many.
Spec: docs/spec/simulation.md
"""

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any


class _Rows:
    """The whole answer to a statement, with what callers want of a cursor."""

    __slots__ = ("_cursor", "_rows")

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self._rows: Iterator[Any] = iter(cursor.fetchall())

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def __getattr__(self, name: str) -> Any:
        # What a cursor knows of a statement that has ended: rowcount, lastrowid, description.
        return getattr(self._cursor, name)

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)


class EagerConnection(sqlite3.Connection):
    """The real connection, but for when it reads."""

    def execute(self, *given: Any) -> Any:
        return _Rows(super().execute(*given))


class MomentConnection(EagerConnection):
    """A reader that locks, and looks for what is new, once for all it reads between two commits."""

    is_powered: Callable[[], bool] | None = None
    """Whether the life that reads goes on; None until moments are kept, while the connection is set up."""

    def execute(self, *given: Any) -> Any:
        if self.is_powered is not None:
            # What lies in its memory could be read on where the disk says nothing any more.
            if not self.is_powered():
                raise sqlite3.OperationalError("disk I/O error")
            if not self.in_transaction:
                super().execute("BEGIN")
        return super().execute(*given)

    def leave_moment(self) -> None:
        """Let go of what was seen: somebody commits, and the log that is read from may be folded."""
        if self.in_transaction:
            self.rollback()
