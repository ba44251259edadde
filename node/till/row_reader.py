"""One row of cells to one sale, or to everything that is wrong with it.

Cells repeat (the same price, day, product over and over), so what was parsed once is remembered for the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from node.till.amounts import (
    CellError,
    line_amount_cents,
    parse_cents,
    parse_day,
    parse_price_micro,
    parse_quantity_milli,
)
from node.till.columns import Columns
from node.till.sale import Sale
from protocol.core.errors import Finding

CELL_CHARS_MAX: Final = 1_000
MEMO_ENTRIES_MAX: Final = 20_000
TOKEN_KEY_BYTES: Final = 32
TOKEN_BYTES: Final = 16
TOKEN_PERSON: Final = b"rochdale/till/v1"
TEXT_ROLES: Final = ("receipt", "product", "name", "size", "category")
NO_HOUSEHOLD: Final = frozenset({"", "nan", "null", "none", "n/a", "-"})

Value = TypeVar("Value")


class _Memo(Generic[Value]):
    """A parser that remembers a bounded number of cells it has read."""

    def __init__(self, parse: Callable[[str], Value]) -> None:
        self.parse = parse
        self.known: dict[str, Value] = {}

    def read(self, cell: str) -> Value:
        """The value of a cell; CellError when it has none."""
        value = self.known.get(cell)
        if value is not None:
            return value
        if len(cell) > CELL_CHARS_MAX:
            raise CellError(f"{len(cell)} characters: more than {CELL_CHARS_MAX}")
        value = self.parse(cell.strip())
        if len(self.known) < MEMO_ENTRIES_MAX:
            self.known[cell] = value
        return value


class RowReader:
    """Reads the rows of one file by its columns."""

    def __init__(self, columns: Columns, token_key: bytes) -> None:
        self.columns = columns
        self.day: _Memo[tuple[str, str]] = _Memo(lambda cell: parse_day(cell, columns.date_order))
        self.quantity = _Memo(parse_quantity_milli)
        self.money = _Memo(parse_cents if "amount" in columns.position else parse_price_micro)
        # One memory for each column of text: receipts are many and must not crowd out the products.
        self.words = {role: _Memo(_clean_words) for role in TEXT_ROLES}
        self.household = _Memo(lambda cell: make_token(cell, token_key))

    def read(self, line: int, row: list[str]) -> tuple[Sale | None, list[Finding]]:
        """The sale of this row, or what is wrong with it: every bad cell, not only the first."""
        if len(row) != self.columns.count:
            return None, [Finding(f"line {line}", f"has {len(row)} cells, the header has {self.columns.count}")]
        try:
            return self.read_sale(line, row), []
        except CellError:
            return None, self.audit_cells(line, row)

    def read_sale(self, line: int, row: list[str]) -> Sale:
        """The sale of a row that is in order; CellError at its first bad cell."""
        sold_at, week = self.day.read(self.cell(row, "date"))
        quantity_milli = self.quantity.read(self.cell(row, "quantity"))
        if "amount" in self.columns.position:
            amount_cents = self.money.read(self.cell(row, "amount"))
        else:
            amount_cents = line_amount_cents(quantity_milli, self.money.read(self.cell(row, "unit_price")))
        code, name = self.read_words(row, "product"), self.read_words(row, "name")
        if not code and not name:
            raise CellError("no product is named")
        size = self.read_words(row, "size")
        token = self.household.read(self.cell(row, "household"))
        return Sale(
            line=line,
            sold_at=sold_at,
            week=week,
            receipt=self.read_words(row, "receipt"),
            product_code=code,
            product_name=f"{name}, {size}" if name and size else name,
            category=self.read_words(row, "category"),
            quantity_milli=quantity_milli,
            amount_cents=amount_cents,
            household_token=token or None,
        )

    def audit_cells(self, line: int, row: list[str]) -> list[Finding]:
        """Every cell of the row that cannot be read, by line and column."""
        findings: list[Finding] = []
        for role, index in self.columns.position.items():
            try:
                self.reader_of(role)(row[index])
            except CellError as error:
                findings.append(Finding(f"line {line}, column {self.columns.names[role]}", str(error)))
        if not findings:
            named = " and ".join(self.columns.names[role] for role in ("product", "name") if role in self.columns.names)
            findings.append(Finding(f"line {line}, column {named}", "no product is named"))
        return findings

    def reader_of(self, role: str) -> Callable[[str], object]:
        """The parser of a role's cells."""
        if role in TEXT_ROLES:
            return self.words[role].read
        return {
            "date": self.day.read,
            "quantity": self.quantity.read,
            "amount": self.money.read,
            "unit_price": self.money.read,
            "household": self.household.read,
        }[role]

    def cell(self, row: list[str], role: str) -> str:
        """The cell of a role; empty where the file has no such column."""
        index = self.columns.position.get(role)
        return "" if index is None else row[index]

    def read_words(self, row: list[str], role: str) -> str:
        """A cell of text, cleaned."""
        return self.words[role].read(self.cell(row, role))


def make_token(cell: str, token_key: bytes) -> bytes:
    """The keyed token of a household; empty bytes where the till did not know the household."""
    if cell.casefold() in NO_HOUSEHOLD:
        return b""
    return hashlib.blake2b(cell.encode(), digest_size=TOKEN_BYTES, key=token_key, person=TOKEN_PERSON).digest()


def _clean_words(cell: str) -> str:
    """Text as it is kept: one blank between words, nothing that only steers a screen; '=1+1' stays those letters."""
    if cell.isprintable() and "  " not in cell:
        return cell
    return " ".join("".join(letter if letter.isprintable() else " " for letter in cell).split())
