"""Till import on a real shop's lines, and on lines in the layout of the demo's source."""

from __future__ import annotations

import csv
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from node.till.line_keys import key_lines
from node.till.plain_csv import parse_plain_csv

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
KEY = bytes(32)

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared")


@needs_shared
def test_a_real_shop_month_is_read_whole_and_adds_up() -> None:
    raw = (SHARED / "pos-online-retail" / "online_retail_2011-01.csv").read_bytes()
    till_file = parse_plain_csv(raw, KEY)
    assert till_file.findings == ()
    assert till_file.columns_dropped == ("CustomerID",)
    assert till_file.columns_unused == ("Country",)

    # The same sums again, by another road: the csv module and Decimal.
    rows = list(csv.DictReader(raw.decode().splitlines()))
    cents = sum(
        int((Decimal(row["Quantity"]) * Decimal(row["UnitPrice"]) * 100).quantize(Decimal(1), ROUND_HALF_UP))
        for row in rows
    )
    assert till_file.totals.lines == len(rows) == 35_147
    assert till_file.totals.amount_cents == cents
    assert till_file.totals.refund_lines == sum(1 for row in rows if row["Quantity"].startswith("-"))
    assert till_file.totals.households == len({row["CustomerID"] for row in rows} - {""})
    assert till_file.totals.lines_without_household == sum(1 for row in rows if not row["CustomerID"])
    assert {sale.quantity_milli < 0 for sale in till_file.sales if sale.receipt.startswith("C")} == {True}

    keys = {key for key, _ in key_lines(till_file.sales)}
    assert len(keys) == len(rows)
    assert {key for key, _ in key_lines(parse_plain_csv(raw, KEY).sales)} == keys


@needs_shared
def test_lines_of_a_grocery_till_are_read_whole() -> None:
    raw = (SHARED / "pos-complete-journey" / "transactions.csv").read_bytes()
    till_file = parse_plain_csv(raw, KEY)
    assert till_file.findings == ()
    assert till_file.totals.lines == 23_460
    assert till_file.columns_dropped == ("household_id",)
    assert "retail_disc" in till_file.columns_unused
    assert till_file.totals.households == 299
    assert len({sale.week for sale in till_file.sales}) in (13, 14)
    assert len({sale.category for sale in till_file.sales}) == 1
