"""A reader sees one moment of a log, whatever the writer does between two of its statements."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol.core.identity import generate
from protocol.log.bundle import BUNDLE_ENTRIES
from protocol.log.checkpoint import sign_checkpoint
from storage.database import Database
from storage.log import log_store

ORIGIN = "north.example/log"
KEY = generate(bytes(32))


class Interrupted:
    """A connection that lets somebody write after each of its statements."""

    def __init__(self, db: Any, between: Callable[[], None]) -> None:
        self._db, self._between = db, between

    def execute(self, *given: Any) -> Iterator[Any]:
        rows = self._db.execute(*given).fetchall()
        self._between()
        return iter(rows)


@pytest.mark.parametrize("held", [1, BUNDLE_ENTRIES - 1, BUNDLE_ENTRIES, BUNDLE_ENTRIES + 3, 2 * BUNDLE_ENTRIES - 1])
def test_no_entry_is_missed_while_a_bundle_closes(tmp_path: Path, held: int) -> None:
    database = Database(tmp_path / "node.sqlite")
    entries = [b"entry %d" % number for number in range(held)]

    def append(fresh: list[bytes]) -> None:
        database.write_and_wait(lambda db: log_store.append(db, ORIGIN, fresh, lambda head: sign_checkpoint(head, KEY)))

    database.write_and_wait(lambda db: log_store.add_log(db, ORIGIN, KEY.public))
    append(entries)
    reader: Any = Interrupted(database.reader, lambda: append([b"one more"]))
    assert log_store.entries(reader, ORIGIN, 0, held) == entries
    assert log_store.entries(reader, ORIGIN, held - 1, held) == entries[-1:]
    database.close()
