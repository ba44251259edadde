"""The first-day page from what the till use case answers.

Invariant: how many households bought a good is left behind here; no page of this kind ever has it.
"""

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from node.use_cases.till import ConsumptionReport, TillReport, Wanted
from node.web.supply.model import PriceRow
from node.web.till.model import WANTED_GOODS_MAX, TakenFile, TillSummary, WantedGood
from protocol.core.quantities import Quantity

MILLI_EXPONENT = 3
NOT_NAMED = "not named in the till"

FindPrice = Callable[[Wanted], PriceRow | None]
"""What is known of a product of the till."""

GoodOf = Callable[[str, str], str | None]
"""What good of the plan a till line of this category and name counts as."""


def knows_no_good(category: str, name: str) -> str | None:
    """The rule of a co-op that has released none."""
    return None


def fill_summary(report: ConsumptionReport) -> TillSummary | None:
    """What the home holds of its till; None before the first file."""
    if not report.lines:
        return None
    weeks = sorted(report.weeks)
    first, last = (weeks[0], weeks[-1]) if weeks else ("", "")
    return TillSummary(len(report.files), report.lines, first, last, len(report.products))


def fill_wanted(report: ConsumptionReport, find_price: FindPrice) -> tuple[WantedGood, ...]:
    """The most wanted goods, by what was paid; what the till sells under several codes but counts as one is one."""
    goods: dict[tuple[str, str], WantedGood] = {}
    for product in report.products:
        good = _fill_good(product, find_price(product))
        key = (good.price_path or good.name, "" if good.price_path else good.category)
        before = goods.get(key)
        goods[key] = good if before is None else _add_good(before, good)
    bought = (good for good in goods.values() if good.paid_cents > 0)
    most = sorted(bought, key=lambda good: (-good.paid_cents, good.category, good.name))
    return tuple(most[:WANTED_GOODS_MAX])


def _fill_good(product: Wanted, known: PriceRow | None) -> WantedGood:
    good = WantedGood(
        name=product.name or product.code or NOT_NAMED,
        category=product.category,
        sold=Quantity(product.quantity_milli, "C62", MILLI_EXPONENT),
        paid_cents=product.amount_cents,
        lines=product.lines,
    )
    if known is None:
        return good
    return replace(good, known_as=known.name, maker=known.maker, state=known.state, price_path=known.path)


def _add_good(before: WantedGood, more: WantedGood) -> WantedGood:
    """Two products of one good; the good goes by its own name where it has one."""
    return replace(
        before,
        name=before.known_as or before.name,
        sold=before.sold + more.sold,
        paid_cents=before.paid_cents + more.paid_cents,
        lines=before.lines + more.lines,
        products=before.products + more.products,
    )


def fill_taken(report: TillReport) -> TakenFile:
    """What came of a file that was taken."""
    return TakenFile(report.name, report.rows_read, report.lines_new, report.columns_dropped)


def finder_of(rows: Iterable[PriceRow], good_of: GoodOf) -> FindPrice:
    """Find a product by its code (an in-house code also as the till has it), else by the good that it counts as."""
    by_code: dict[str, PriceRow] = {}
    by_name: dict[str, PriceRow] = {}
    for row in rows:
        by_name.setdefault(row.name, row)
        for code in (row.code, row.code.removeprefix("in-house:")):
            by_code.setdefault(code, row)

    def find(product: Wanted) -> PriceRow | None:
        known = by_code.get(product.code) if product.code else None
        return known or by_name.get(good_of(product.category, product.name) or "")

    return find
