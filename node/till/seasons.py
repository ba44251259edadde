"""What a till sold by the weeks of the year: a plan of several periods wants in each what was bought in its weeks.

Every week of a period counts like a week that the till has seen in it, so that a till of a year and a half, or of three
months of summer, gives no season more than it is due. A period in whose weeks the till has no line yet counts like
all its weeks.
Invariant: proportions only, in whole numbers, the same for the same lines in any order.
Spec: docs/spec/planning/periods.md
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from node.till.goods_mapping import GoodSales, GoodsMapping, MappedSales
from node.till.sale import Sale
from protocol.planning.cards import YEAR_WEEKS, Period
from protocol.planning.periods.names import name_in

MILLI: Final = 1_000
"""Sums are kept in thousandths of a cent a week, so that a rare good is not rounded away."""


def sum_seasons(
    sales: Iterable[Sale], mapping: GoodsMapping, periods: Sequence[Period]
) -> tuple[MappedSales, frozenset[str]]:
    """Sales by good and period, under the names of the goods table; and the periods whose weeks the till has not seen.

    Amounts are thousandths of a cent in the whole period. One pass; the order of the lines does not matter.
    """
    by_week: dict[tuple[str, int], GoodSales] = {(rule.good, 0): GoodSales() for rule in mapping.rules}
    seen: dict[int, set[str]] = {}
    lines = amount_cents = lines_unmapped = unmapped_cents = 0
    for sale in sales:
        lines += 1
        amount_cents += sale.amount_cents
        week = _week_of_year(sale.week)
        seen.setdefault(week, set()).add(sale.week)
        good = mapping.good_of(sale.category, sale.product_name)
        if good is None:
            lines_unmapped += 1
            unmapped_cents += sale.amount_cents
            continue
        sums = by_week.setdefault((good, week), GoodSales())
        sums.amount_cents += sale.amount_cents
        sums.lines += 1
        if sale.household_token is not None:
            sums.households.add(sale.household_token)
    unseen = frozenset(period.id for period in periods if not any(week in seen for week in list_weeks(period)))
    goods: dict[str, GoodSales] = {}
    for period in periods:
        weeks = set(seen) if period.id in unseen else set(list_weeks(period))
        count = max(1, sum(len(seen[week]) for week in weeks if week in seen))
        for good, week in by_week:
            total = goods.setdefault(name_in(good, period.id), GoodSales())
            if week in weeks:
                _add(total, by_week[good, week])
        for good in {good for good, _ in by_week}:
            total = goods[name_in(good, period.id)]
            total.amount_cents = total.amount_cents * MILLI * period.weeks // count
    return MappedSales(goods, lines, amount_cents, lines_unmapped, unmapped_cents), unseen


def _week_of_year(week: str) -> int:
    """`2017-W05` is 5; the 53rd week of a long year counts with the 52nd."""
    return min(int(week.rpartition("W")[2]), YEAR_WEEKS)


def list_weeks(period: Period) -> list[int]:
    """The weeks of the year that a period has."""
    return [(period.first_week - 1 + step) % YEAR_WEEKS + 1 for step in range(period.weeks)]


def _add(total: GoodSales, sums: GoodSales) -> None:
    total.amount_cents += sums.amount_cents
    total.lines += sums.lines
    total.households |= sums.households
