"""Till lines: counted once each, whichever file brings them, and summed under the name that people know."""

import sqlite3
from pathlib import Path

import pytest

from storage.database import Database
from storage.private import till_lines
from storage.private.till_lines import Consumption, TillRow


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "node.sqlite")


def row(number: int, name: str = "Wheat loaf", household: bytes | None = b"a") -> TillRow:
    key = number.to_bytes(16, "big")
    return TillRow(key, "2026-11-02", "2026-W45", "4711", name, "BREAD", 1_000, 320, household)


def take(database: Database, name: str, rows: list[TillRow]) -> tuple[int, bool]:
    def add(db: sqlite3.Connection) -> tuple[int, bool]:
        return till_lines.add_file(db, name, name.encode().ljust(32), 0, rows)

    return database.write_and_wait(add)


def test_the_same_file_twice_and_an_overlapping_one_add_only_what_is_new(database: Database) -> None:
    assert take(database, "week 1", [row(1), row(2)]) == (2, True)
    assert take(database, "week 1", [row(1), row(2)]) == (0, False)
    assert take(database, "weeks 1 and 2", [row(1), row(2), row(3)]) == (1, True)
    assert till_lines.line_count(database.reader) == 3
    assert [one[2:] for one in till_lines.files(database.reader)] == [(3, 1), (2, 2)]
    database.close()


def test_a_product_is_summed_under_the_name_of_most_of_its_lines(database: Database) -> None:
    rows = [row(1), row(2, "wrongly coded"), row(3, "Wheat loaf", b"b"), row(4, "Wheat loaf", None)]
    take(database, "week 1", rows)
    assert till_lines.consumption(database.reader) == [Consumption("BREAD", "4711", "Wheat loaf", 4_000, 1_280, 4, 2)]
    assert till_lines.household_count(database.reader) == 2
    assert till_lines.household_count(database.reader, ["BREAD", "MILK"]) == 2
    assert till_lines.weeks(database.reader) == ["2026-W45"]
    database.close()
