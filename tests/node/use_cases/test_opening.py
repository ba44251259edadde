"""A home that cannot be opened lets go of its database."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from node.clock import Clock
from node.use_cases.home import open_node
from storage.database import Database
from storage.settings import set_setting
from tests.node.homes import make_node


async def test_a_disk_without_room_for_a_new_index_leaves_nothing_open(tmp_path: Path) -> None:
    opened: list[Database] = []

    class FullDatabase(Database):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            opened.append(self)

        def write_and_wait(self, change: Any) -> Any:
            raise sqlite3.OperationalError("database or disk is full")

    node = await make_node(tmp_path, "north")
    await node.database.write(lambda db: set_setting(db, "index_rules", None))
    node.database.close()
    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        open_node(node.config, Clock(), FullDatabase)
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        opened[0].reader.execute("SELECT 1")
    again = open_node(node.config, Clock())
    assert again.origin == node.origin
    again.database.close()
