"""One line of a till receipt, and what came of reading a whole file of them.

Invariant: a sale never carries a name, a contact, a card or a customer number; a household is a keyed token, used only
to count how many households stand behind a figure.
Invariant: money and quantities are integers, exact to the last digit of the file; a refund stays negative.
Guide: docs/guides/till.md.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from protocol.core.errors import Finding


class Sale(msgspec.Struct, frozen=True, gc=False):
    """One line of a receipt.

    `line` is its line in the file (0 when read back from storage); `sold_at` a day such as 2017-01-31; `week` its ISO
    week such as 2017-W05; `quantity_milli` thousandths of the unit sold; `amount_cents` what was paid for the line.
    """

    line: int
    sold_at: str
    week: str
    receipt: str
    product_code: str
    product_name: str
    category: str
    quantity_milli: int
    amount_cents: int
    household_token: bytes | None


class Totals(msgspec.Struct, frozen=True):
    """What a file adds up to, to hold against the till's own report before it is taken."""

    lines: int = 0
    amount_cents: int = 0
    refund_lines: int = 0
    refund_cents: int = 0
    products: int = 0
    households: int = 0
    lines_without_household: int = 0
    first_day: str = ""
    last_day: str = ""


class TillFile(msgspec.Struct, frozen=True):
    """What was read from one file.

    `sales` is empty when there are findings, unless the good rows were asked for. `columns_dropped` are the personal
    and card columns, `columns_unused` the others that nothing was read from; `findings_left_off` counts findings beyond
    the limit of the list.
    """

    format: str
    sales: tuple[Sale, ...]
    findings: tuple[Finding, ...]
    columns_dropped: tuple[str, ...]
    columns_unused: tuple[str, ...]
    rows_read: int
    rows_bad: int
    findings_left_off: int
    totals: Totals


def sum_sales(sales: Iterable[Sale]) -> Totals:
    """Add up a file: lines, money in cents, refunds, and how many products and households stand behind it."""
    lines = amount_cents = refund_lines = refund_cents = without = 0
    products: set[str] = set()
    households: set[bytes] = set()
    first_day = last_day = ""
    for sale in sales:
        lines += 1
        amount_cents += sale.amount_cents
        if sale.amount_cents < 0 or sale.quantity_milli < 0:
            refund_lines += 1
            refund_cents += sale.amount_cents
        products.add(sale.product_code or sale.product_name)
        if sale.household_token is None:
            without += 1
        else:
            households.add(sale.household_token)
        first_day = sale.sold_at if not first_day else min(first_day, sale.sold_at)
        last_day = max(last_day, sale.sold_at)
    return Totals(
        lines=lines,
        amount_cents=amount_cents,
        refund_lines=refund_lines,
        refund_cents=refund_cents,
        products=len(products),
        households=len(households),
        lines_without_household=without,
        first_day=first_day,
        last_day=last_day,
    )


def sale_of_row(row: tuple[str, str, str, str, str, int, int, bytes | None]) -> Sale:
    """Read back a stored till line, its columns in the order of `SALE_COLUMNS`."""
    sold_at, week, code, name, category, quantity_milli, amount_cents, household = row
    return Sale(0, sold_at, week, "", code, name, category, quantity_milli, amount_cents, household)
