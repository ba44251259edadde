"""What was consumed: sums of till lines by category, product and week. Private to the node.

Invariant: every figure carries the number of households behind it, so that nothing under k leaves the node unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from node.till.sale import Sale


class Consumption(msgspec.Struct, frozen=True):
    """One sum: of a category, a product or a week (or "category week"), refunds taken off.

    `quantity_milli` thousandths of the units sold, which may be of several sizes; `amount_cents` what was paid;
    `households` how many known households bought.
    """

    place: str
    quantity_milli: int
    amount_cents: int
    lines: int
    households: int


class Sum:
    """A sum that is still being added up."""

    __slots__ = ("amount_cents", "households", "lines", "quantity_milli")

    def __init__(self) -> None:
        self.quantity_milli = 0
        self.amount_cents = 0
        self.lines = 0
        self.households: set[bytes] = set()

    def add(self, sale: Sale) -> None:
        """Add one line."""
        self.quantity_milli += sale.quantity_milli
        self.amount_cents += sale.amount_cents
        self.lines += 1
        if sale.household_token is not None:
            self.households.add(sale.household_token)


def consumption_by_category(sales: Iterable[Sale]) -> list[Consumption]:
    """What was consumed of each category, by name; one pass, any order of lines gives the same sums."""
    return _consumption_by(sales, lambda sale: sale.category)


def consumption_by_product(sales: Iterable[Sale]) -> list[Consumption]:
    """What was consumed of each product: its code, or its name where the till has no code."""
    return _consumption_by(sales, lambda sale: sale.product_code or sale.product_name)


def consumption_by_week(sales: Iterable[Sale]) -> list[Consumption]:
    """What was consumed in each ISO week."""
    return _consumption_by(sales, lambda sale: sale.week)


def _consumption_by(sales: Iterable[Sale], place_of: Callable[[Sale], str]) -> list[Consumption]:
    """Sums by any place, sorted by it."""
    sums: dict[str, Sum] = {}
    for sale in sales:
        sums.setdefault(place_of(sale), Sum()).add(sale)
    return [
        Consumption(place, total.quantity_milli, total.amount_cents, total.lines, len(total.households))
        for place, total in sorted(sums.items())
    ]
