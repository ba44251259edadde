"""The till lines a co-op has imported: private to the node, counted once each.

Invariant: the same file, or a line of an overlapping file, twice changes nothing.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class TillRow(NamedTuple):
    """One till line as stored: quantity in thousandths, money in cents, the household as a keyed token or None."""

    key: bytes
    sold_at: str
    week: str
    product_code: str
    product_name: str
    category: str
    quantity_milli: int
    amount_cents: int
    household: bytes | None


class Consumption(NamedTuple):
    """What was sold of one product: sums over lines, and how many households stand behind them."""

    category: str
    product_code: str
    product_name: str
    quantity_milli: int
    amount_cents: int
    lines: int
    households: int


def add_file(
    db: sqlite3.Connection, name: str, sha256: bytes, imported_ms: int, rows: Sequence[TillRow]
) -> tuple[int, bool]:
    """Take a till file whole: (lines that were new, whether the file was new)."""
    if db.execute("SELECT 1 FROM till_file WHERE sha256 = ?", (sha256,)).fetchone():
        return 0, False
    sql = "INSERT INTO till_file(name, sha256, imported_ms, lines, lines_new) VALUES (?, ?, ?, ?, 0)"
    file_id = db.execute(sql, (name, sha256, imported_ms, len(rows))).lastrowid
    before = line_count(db)
    marks = ", ".join("?" * (len(TillRow._fields) + 1))
    sql = f"INSERT OR IGNORE INTO till_line VALUES ({marks})"
    db.executemany(sql, ((row[0], file_id, *row[1:]) for row in rows))
    added = line_count(db) - before
    db.execute("UPDATE till_file SET lines_new = ? WHERE id = ?", (added, file_id))
    return added, True


def line_count(db: sqlite3.Connection) -> int:
    """How many till lines this home holds."""
    return int(db.execute("SELECT count(*) FROM till_line").fetchone()[0])


def files(db: sqlite3.Connection) -> list[tuple[str, int, int, int]]:
    """Imported files, newest first: (name, imported at in ms, lines, lines that were new)."""
    return list(db.execute("SELECT name, imported_ms, lines, lines_new FROM till_file ORDER BY id DESC"))


_CONSUMPTION = """
WITH named AS (SELECT category, product_code, product_name, row_number() OVER (
    PARTITION BY category, product_code ORDER BY count(*) DESC, product_name) AS place
  FROM till_line GROUP BY category, product_code, product_name)
SELECT line.category, line.product_code, named.product_name, sum(quantity_milli), sum(amount_cents), count(*),
  count(DISTINCT household)
FROM till_line AS line JOIN named USING (category, product_code) WHERE named.place = 1
GROUP BY line.category, line.product_code ORDER BY line.category, line.product_code
"""


def consumption(db: sqlite3.Connection) -> list[Consumption]:
    """Sums per category and product, refunds taken off, in a fixed order; a product bears the name of most lines."""
    return [Consumption(*row) for row in db.execute(_CONSUMPTION)]


def household_count(db: sqlite3.Connection, categories: Iterable[str] | None = None) -> int:
    """How many different households stand behind all lines, or behind those of some categories."""
    if categories is None:
        return int(db.execute("SELECT count(DISTINCT household) FROM till_line").fetchone()[0])
    names = sorted(set(categories))
    marks = ", ".join("?" * len(names))
    sql = f"SELECT count(DISTINCT household) FROM till_line WHERE category IN ({marks})"
    return int(db.execute(sql, names).fetchone()[0])


def weeks(db: sqlite3.Connection) -> list[str]:
    """The weeks that till lines fall into, in order."""
    return [row[0] for row in db.execute("SELECT DISTINCT week FROM till_line ORDER BY week")]


def sale_rows(db: sqlite3.Connection) -> Iterator[tuple[str, str, str, str, str, int, int, bytes | None]]:
    """Every till line in the order of its key: sold at, week, code, name, category, quantity, amount, household."""
    sql = """SELECT sold_at, week, product_code, product_name, category, quantity_milli, amount_cents, household
             FROM till_line ORDER BY key"""
    return iter(db.execute(sql))
