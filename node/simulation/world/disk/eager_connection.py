"""A connection that reads every answer to its end at once.

Invariant: no statement is open while an error is on its way: giving it up would call our file system in the middle of
that error, which Python does not bear.
Spec: docs/spec/simulation.md
"""

import sqlite3
from collections.abc import Iterator
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
