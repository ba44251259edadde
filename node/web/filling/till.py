"""The first-day page from what the till use case answers.

Invariant: how many households bought a good is left behind here; no page of this kind ever has it.
"""

from collections.abc import Callable, Iterable

from node.use_cases.till import ConsumptionReport, TillReport, Wanted
from node.web.pages.first_day import WANTED_GOODS_MAX, TakenFile, TillSummary, WantedGood
from node.web.pages.prices import PriceRow
from protocol.core.quantities import Quantity

MILLI_EXPONENT = 3
NOT_NAMED = "not named in the till"

FindPrice = Callable[[str], PriceRow | None]
"""What is known of a product by the code the till has for it."""


def fill_summary(report: ConsumptionReport) -> TillSummary | None:
    """What the home holds of its till; None before the first file."""
    if not report.lines:
        return None
    weeks = sorted(report.weeks)
    first, last = (weeks[0], weeks[-1]) if weeks else ("", "")
    return TillSummary(len(report.files), report.lines, first, last, len(report.products))


def fill_wanted(report: ConsumptionReport, find_price: FindPrice) -> tuple[WantedGood, ...]:
    """The most wanted goods, by what was paid."""
    bought = (product for product in report.products if product.amount_cents > 0 or product.quantity_milli > 0)
    most = sorted(bought, key=lambda product: (-product.amount_cents, product.category, product.code))
    return tuple(_fill_good(product, find_price(product.code)) for product in most[:WANTED_GOODS_MAX])


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
    return WantedGood(
        good.name, good.category, good.sold, good.paid_cents, good.lines, known.maker, known.state, known.path
    )


def fill_taken(report: TillReport) -> TakenFile:
    """What came of a file that was taken."""
    return TakenFile(report.name, report.rows_read, report.lines_new, report.columns_dropped)


def finder_of(rows: Iterable[PriceRow]) -> FindPrice:
    """Find a product by its code; an in-house code also by what the till calls it."""
    by_code: dict[str, PriceRow] = {}
    for row in rows:
        for code in (row.code, row.code.removeprefix("in-house:")):
            by_code.setdefault(code, row)
    return by_code.get
