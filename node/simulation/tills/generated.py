"""Made-up till lines for trying the whole road without any data package: seeded, and said to be generated everywhere.

The lines have the same columns as those of the data package, so that they come in by the same road.
Invariant: the same seed, co-op and region give the same bytes on every machine and Python version.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Final

import msgspec

from node.simulation.region.region import Coop, Good, Region
from node.simulation.tills.journey import WEEKS_MAX, StoreTill, format_csv
from protocol.core.errors import RefusedError

GENERATED_NOTICE: Final = "Generated: every till line was made up by this software's own seeded generator."

WEEKS: Final = 13
LINES_A_HOUSEHOLD_A_WEEK: Final = 5
UNMAPPED_SHARE: Final = 0.05
# How far a co-op's and a household's habits may lie from the region's: factors between 1/(1+x) and 1+x.
COOP_SPREAD: Final = 0.4
HOUSEHOLD_SPREAD: Final = 1.5
FIRST_DAY: Final = datetime(2017, 1, 2)
PRODUCTS_A_GOOD: Final = 6
UNMAPPED: Final = (("GREETING CARDS/WRAP/PARTY SPLY", "CARDS EVERYDAY"), ("MAGAZINE", "TV/MOVIE-MAGAZINE"))


class _TillProduct(msgspec.Struct, frozen=True):
    """A made-up product on a made-up shelf: what a line of it says, its price, and its share of the money."""

    product_id: int
    category: str
    kind: str
    price_cents: int
    share: float


def generate_store_tills(region: Region, seed: int, weeks: int = WEEKS) -> list[StoreTill]:
    """A made-up till file for every co-op of the region, in their order."""
    if not 1 <= weeks <= WEEKS_MAX:
        raise RefusedError(f"weeks: between 1 and {WEEKS_MAX}, not {weeks}")
    shelf = _make_shelf(region)
    return [_generate_store_till(shelf, coop, number, seed, weeks) for number, coop in enumerate(region.coops)]


def _generate_store_till(shelf: Sequence[_TillProduct], coop: Coop, number: int, seed: int, weeks: int) -> StoreTill:
    """One co-op's till file."""
    chance = Random(f"{seed} {coop.id}")  # noqa: S311
    habits = [product.share * _draw_factor(chance, COOP_SPREAD) for product in shelf]
    households = [
        list(accumulate(habit * _draw_factor(chance, HOUSEHOLD_SPREAD) for habit in habits))
        for _ in range(coop.households)
    ]
    rows = list(_generate_rows(shelf, households, chance, number, weeks))
    return StoreTill(f"generated-{coop.id}", len(rows), format_csv(iter(rows)))


def _draw_factor(chance: Random, spread: float) -> float:
    """A factor between 1/(1 + spread) and 1 + spread."""
    factor = 1 + spread * chance.random()
    return factor if chance.random() < 0.5 else 1 / factor


def _make_shelf(region: Region) -> list[_TillProduct]:
    """Some products for every good that members take home, and some that count as none."""
    shelf: list[_TillProduct] = []
    for good in region.consumer_goods:
        category, kind = _name_of_line(good)
        for size in range(PRODUCTS_A_GOOD):
            price_cents = max(20, int(good.start_price * 100 * (size + 2)) * 16 // 50)
            # A line is chosen by how often it is bought, and money is what the share counts.
            share = good.share / price_cents
            shelf.append(_TillProduct(900_000 + len(shelf), category, kind, price_cents, share))
    often = sum(product.share for product in shelf)
    for category, kind in UNMAPPED:
        shelf.append(_TillProduct(900_000 + len(shelf), category, kind, 299, often * UNMAPPED_SHARE / len(UNMAPPED)))
    return shelf


def _name_of_line(good: Good) -> tuple[str, str]:
    """Category and product type of a till line that counts as this good: those of its first rule."""
    category, _, parts = good.till[0].partition(": ")
    return category, parts.split("|")[0].strip() or good.name.upper()


def _generate_rows(
    shelf: Sequence[_TillProduct], households: Sequence[list[float]], chance: Random, number: int, weeks: int
) -> Iterator[list[object]]:
    """Week by week, each household's basket."""
    for week in range(weeks):
        for household, habits in enumerate(households):
            moment = FIRST_DAY + timedelta(days=7 * week, seconds=int(chance.random() * 7 * 86_400))
            basket = (number * 1_000 + week) * 10_000 + household
            for _ in range(int(chance.random() * 2 * LINES_A_HOUSEHOLD_A_WEEK)):
                place = min(bisect_right(habits, chance.random() * habits[-1]), len(shelf) - 1)
                product = shelf[place]
                quantity = 1 + int(chance.random() * 1.3)
                yield [
                    1_000 * (number + 1) + household,
                    number + 1,
                    basket,
                    product.product_id,
                    quantity,
                    product.price_cents * quantity / 100,
                    0.0,
                    0.0,
                    0.0,
                    week + 1,
                    moment,
                    product.category,
                    product.kind,
                    "",
                ]
