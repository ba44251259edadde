"""Lines of a real shop, of two months, taken in through the same door as a co-op's own till."""

import csv
import re
from collections.abc import AsyncIterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from node.use_cases.context import Node, NoParams
from node.use_cases.till import TillParams, TillReport, import_file, show_consumption
from storage.private import till_lines
from tests.node.homes import make_node

DECEMBER, JANUARY = "online_retail_2010-12.csv", "online_retail_2011-01.csv"
ROWS = 6_000
CUSTOMER = re.compile(rb"\d{5}\.0")


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """A home that has sold nothing yet."""
    made = await make_node(tmp_path, "shop")
    yield made
    made.database.close()


async def take(node: Node, name: str, content: bytes) -> TillReport:
    return await import_file(node, TillParams(name=name, content=content))


def cut(raw: bytes, rows: int) -> bytes:
    """The header and so many rows: the lines are real, the rest only takes time."""
    return b"\n".join(raw.split(b"\n")[: rows + 1]) + b"\n"


def rows_of(raw: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(raw.decode().splitlines()))


def cents(row: dict[str, str]) -> int:
    exact = Decimal(row["Quantity"]) * Decimal(row["UnitPrice"]) * 100
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


async def test_two_months_overlap_refunds_and_nobodys_number(node: Node, shared_data: Path) -> None:
    folder = shared_data / "pos-online-retail"
    december = cut((folder / DECEMBER).read_bytes(), ROWS)
    january = cut((folder / JANUARY).read_bytes(), 2 * ROWS)
    before, rows = rows_of(december), rows_of(january)

    first = await take(node, JANUARY, january)
    assert (first.lines_new, first.rows_read) == (len(rows), 2 * ROWS)
    assert first.amount_cents == sum(map(cents, rows))
    assert first.refund_lines == sum(row["Quantity"].startswith("-") for row in rows) > 100
    assert first.households == len({row["CustomerID"] for row in rows} - {""})
    assert (first.columns_dropped, first.findings) == (("CustomerID",), ())

    again = await take(node, "the same under another name.csv", january)
    assert (again.known_file, again.lines_new, again.lines_known) == (True, 0, len(rows))

    # December and the first half of January in one file: only December is new.
    half = cut(january, ROWS).split(b"\n", 1)[1]
    joined = await take(node, "joined.csv", december + half)
    assert (joined.lines_new, joined.lines_known) == (ROWS, ROWS)

    found = await show_consumption(node, NoParams())
    assert found.lines == len(before) + len(rows) == till_lines.line_count(node.database.reader)
    assert sum(one.amount_cents for one in found.products) == sum(map(cents, before)) + sum(map(cents, rows))
    assert found.households == len({row["CustomerID"] for row in before + rows} - {""})
    audit_nobodys_number(node, before + rows)


def audit_nobodys_number(node: Node, rows: list[dict[str, str]]) -> None:
    """Every column of every table is looked at, then every byte of the home."""
    customers = {row["CustomerID"] for row in rows} - {""}
    db = node.database.reader
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        for row in db.execute(f"SELECT * FROM {table}"):
            assert customers.isdisjoint(map(str, row)), table
    node.database.close()
    kept = b"".join(path.read_bytes() for path in node.config.home.rglob("*") if path.is_file())
    assert all(CUSTOMER.fullmatch(customer.encode()) for customer in customers)
    assert customers.isdisjoint(found.decode() for found in CUSTOMER.findall(kept))
