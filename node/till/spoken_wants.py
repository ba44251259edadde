"""What members say beside what they buy: wishes move their own share of a good, pledges bring in what no till knows.

Invariant: a good's wishes (and its pledges) wait until k households have spoken for it.
Invariant: whole numbers throughout, in any order the same; only proportions come of it, as of the till.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from node.till.goods_mapping import GoodSales, MappedSales

ALIKE_PERCENT: Final = 100
MICRO_PER_CENT: Final = 10_000
"""Where no till says what a credit buys, a cent counts as a hundredth of a credit."""


class Spoken(NamedTuple):
    """What one household said of a good: percent of what it buys (wish), or thousandths of a unit (pledge)."""

    household: bytes
    good: str
    amount: int


Voices = dict[str, dict[bytes, int]]
"""Good -> household -> what it said."""
Sources = dict[str, list[str]]
"""Good -> where its want comes from, in sentences."""


def group_voices(spoken: Iterable[Spoken], goods: Collection[str]) -> Voices:
    """What was said of these goods, by good and household."""
    voices: Voices = {}
    for household, good, amount in spoken:
        if good in goods:
            voices.setdefault(good, {})[household] = amount
    return voices


def apply_wishes(mapped: MappedSales, wishes: Voices, k_households: int, sources: Sources) -> None:
    """Each household that wishes moves its own share of what is bought of a good, and no one else's."""
    for good, voices in sorted(wishes.items()):
        if len(voices) < k_households:
            sources.setdefault(good, []).append(f"wishes wait until {k_households} households have one")
            continue
        sales = mapped.goods.setdefault(good, GoodSales())
        everybody = len(sales.households | voices.keys())
        moved = sum(percent - ALIKE_PERCENT for percent in voices.values())
        sales.amount_cents = max(0, sales.amount_cents) * (ALIKE_PERCENT * everybody + moved)
        sales.amount_cents //= ALIKE_PERCENT * everybody
        sources.setdefault(good, []).append(f"wishes of {len(voices)} households: {moved / everybody:+.1f} %")


def apply_pledges(
    mapped: MappedSales,
    pledges: Voices,
    start_price_micro: Mapping[str, int],
    credits_micro: int,
    k_households: int,
    sources: Sources,
) -> None:
    """A good that was pledged counts for at least what was pledged, at its start price and the council's credits."""
    total_cents = sum(max(0, mapped.goods[good].amount_cents) for good in start_price_micro if good in mapped.goods)
    for good, voices in sorted(pledges.items()):
        if len(voices) < k_households:
            sources.setdefault(good, []).append(f"pledges wait until {k_households} households have one")
            continue
        value_micro = sum(voices.values()) * start_price_micro[good] // 1_000
        cents = value_micro * total_cents // credits_micro if total_cents else value_micro // MICRO_PER_CENT
        sales = mapped.goods.setdefault(good, GoodSales())
        said = f"pledges of {len(voices)} households"
        if cents > sales.amount_cents:
            sales.amount_cents = cents
            sales.households |= voices.keys()
            said += ": more than is bought, so they count"
        else:
            said += ": no more than is bought already"
        sources.setdefault(good, []).append(said)


def describe_till(mapped: MappedSales, goods: Iterable[str], k_households: int) -> Sources:
    """What the till says of each good, in words that show no group of fewer than k households."""
    return {good: [_describe_sales(mapped.goods.get(good, GoodSales()), k_households)] for good in goods}


def _describe_sales(sales: GoodSales, k_households: int) -> str:
    if not sales.lines:
        return "till: no lines"
    if not sales.households:
        return "till: households unknown, so only whole nests count"
    if len(sales.households) < k_households:
        return f"till: fewer than {k_households} households, so it is summed with others"
    return f"till: {len(sales.households)} households"
