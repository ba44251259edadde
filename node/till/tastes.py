"""What members want, from what their till sold: proportions only, never a share of the region.

Credits and floors are so much for each person, by the charter: the till changes neither. It says how a
co-op would spread its credits beyond the floors, if every good stood at its start price.
Invariant: no weight stands for fewer than k households: rarer goods of a nest are summed and share their sum evenly.
Invariant: exact decimals throughout, so that the same lines give the same weights on every machine.
Source: PLANNING section 2 (CES nests) turned round: weights from the shares that were bought.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

import msgspec

from node.till.goods_mapping import GoodSales, MappedSales
from protocol.core.errors import MisuseError, RefusedError

K_LEAST: Final = 5
WEIGHT_DIGITS: Final = 12
# A good that nobody wants beyond its floor keeps this part of its nest's largest weight: planning knows no weight 0,
# and where goods are poor substitutes (sigma up to 1) a want that rounds to nothing would make its nest worth nothing.
WEIGHT_LEAST: Final = Decimal("1e-4")
# A nest from which nothing was bought keeps this part of the credits, shared evenly by its goods.
EMPTY_NEST_SHARE: Final = Decimal("0.001")
EXACT: Final = Context(prec=34, rounding=ROUND_HALF_EVEN)
SHORT: Final = Context(prec=WEIGHT_DIGITS, rounding=ROUND_HALF_EVEN)


class NestShape(msgspec.Struct, frozen=True):
    """Goods that stand in for one another (or, at sigma 0, only go together), as the goods table groups them."""

    id: str
    name: str
    sigma: Decimal
    goods: tuple[str, ...]


class Allotment(msgspec.Struct, frozen=True):
    """What the charter gives a council: its people, credits for each in millionths, floors for each in the good's unit;
    and what others approved for it beyond that, in all."""

    people: int
    credits_per_person_micro: int
    floors_per_person: dict[str, Decimal]
    extra_credits_micro: int = 0
    extra_floors: dict[str, Decimal] = {}

    @property
    def credits_micro(self) -> int:
        """All credits of the council."""
        return self.people * self.credits_per_person_micro + self.extra_credits_micro

    def floor_of(self, good: str) -> Decimal:
        """All that is due of a good as a basic need."""
        return self.floors_per_person.get(good, Decimal(0)) * self.people + self.extra_floors.get(good, Decimal(0))


class TasteGood(msgspec.Struct, frozen=True):
    """One good of a nest: its CES weight and its floor in the good's unit; `is_wanted`: also beyond that floor."""

    good: str
    weight: Decimal
    floor: Decimal
    is_wanted: bool


class TasteNest(msgspec.Struct, frozen=True):
    """One nest with its credits in millionths."""

    id: str
    name: str
    sigma: Decimal
    credits_micro: int
    goods: tuple[TasteGood, ...]


class Tastes(msgspec.Struct, frozen=True):
    """A council's tastes. Weights are private; `summed` names what was too rare to stand alone."""

    nests: tuple[TasteNest, ...]
    summed: tuple[str, ...]
    households: int
    lines: int
    lines_unmapped: int


def tastes_from_consumption(
    mapped: MappedSales,
    nests: Sequence[NestShape],
    start_prices: Mapping[str, Decimal],
    allotment: Allotment,
    k_households: int = K_LEAST,
) -> Tastes:
    """Turn a till's sums into nests with credits, weights and floors.

    `start_prices` are in credits a unit. Raises RefusedError when fewer than `k_households` households are known.
    """
    _check_tastes_input(mapped, nests, start_prices, k_households)
    summed: list[str] = []
    spent: dict[str, int] = {}
    for nest in nests:
        cells = {good: mapped.goods.get(good, GoodSales()) for good in nest.goods}
        spent |= _sum_rare(cells, k_households, summed)
    spent = sum_rare_nests(spent, mapped, nests, k_households, summed)
    wants = _wants_beyond_floors(spent, start_prices, allotment)
    wants |= _want_of_empty_nests(nests, wants, allotment)
    nest_wants = [sum((wants[good] for good in nest.goods), Decimal(0)) for nest in nests]
    credits_micro = split_whole(allotment.credits_micro, nest_wants)
    made = tuple(
        _make_nest(nest, credits, wants, start_prices, allotment)
        for nest, credits in zip(nests, credits_micro, strict=True)
    )
    return Tastes(made, tuple(sorted(summed)), len(_known_households(mapped)), mapped.lines, mapped.lines_unmapped)


def _check_tastes_input(
    mapped: MappedSales, nests: Sequence[NestShape], start_prices: Mapping[str, Decimal], k_households: int
) -> None:
    """Refuse what no tastes can be made of."""
    if k_households < K_LEAST:
        raise MisuseError(f"k_households must be at least {K_LEAST}, not {k_households}")
    goods = [good for nest in nests for good in nest.goods]
    if len(set(goods)) != len(goods):
        raise MisuseError("a good stands in two nests")
    if any(start_prices[good] <= 0 for good in goods):
        raise MisuseError("a good has no start price")
    if not any(sums.amount_cents > 0 for sums in mapped.goods.values()):
        raise RefusedError("till: no line counts as a good of the plan")
    # A file without any household column is summed by nest as a whole: that says nothing about a household.
    households = _known_households(mapped)
    if households and len(households) < k_households:
        raise RefusedError(f"till: {len(households)} households, fewer than {k_households}: too few to publish from")


def _known_households(mapped: MappedSales) -> set[bytes]:
    """The tokens of all households that bought a good of the plan."""
    return set().union(*(sums.households for sums in mapped.goods.values()))


def _sum_rare(cells: Mapping[str, GoodSales], k_households: int, summed: list[str]) -> dict[str, int]:
    """Cents of each cell, those under k households summed with the next smallest until k stand behind the sum."""
    ordered = sorted(cells, key=lambda name: (len(cells[name].households), name))
    pool: list[str] = []
    behind: set[bytes] = set()
    for name in ordered:
        enough_alone = len(cells[name].households) >= k_households
        if enough_alone and (not pool or len(behind) >= k_households):
            break
        pool.append(name)
        behind |= cells[name].households
    spent = {name: max(0, cells[name].amount_cents) for name in cells}
    summed += pool
    return spent | _share_evenly(pool, sum(spent[name] for name in pool))


def sum_rare_nests(
    spent: dict[str, int], mapped: MappedSales, nests: Sequence[NestShape], k_households: int, summed: list[str]
) -> dict[str, int]:
    """The same for whole nests: those that fewer than k households bought from are summed and share evenly."""
    if not _known_households(mapped):
        return spent
    sizes: dict[str, GoodSales] = {}
    for nest in nests:
        behind = set().union(*(mapped.goods.get(good, GoodSales()).households for good in nest.goods))
        sizes[nest.id] = GoodSales(sum(spent[good] for good in nest.goods), 0, behind)
    pooled: list[str] = []
    totals = _sum_rare(sizes, k_households, pooled)
    for nest in nests:
        if nest.id in pooled:
            spent |= _share_evenly(nest.goods, totals[nest.id])
            summed += [good for good in nest.goods if good not in summed]
    return spent


def _share_evenly(names: Sequence[str], cents: int) -> dict[str, int]:
    """A sum shared evenly, the odd cents to the first."""
    return {name: cents // len(names) + (index < cents % len(names)) for index, name in enumerate(names)}


def _wants_beyond_floors(
    spent: Mapping[str, int], start_prices: Mapping[str, Decimal], allotment: Allotment
) -> dict[str, Decimal]:
    """Credits that a council would spend on each good beyond its floor, at start prices."""
    total = sum(spent.values())
    all_credits = _whole_credits(allotment)
    wants: dict[str, Decimal] = {}
    for good, cents in spent.items():
        gross = EXACT.divide(EXACT.multiply(all_credits, Decimal(cents)), Decimal(total))
        floor = allotment.floor_of(good)
        wants[good] = max(Decimal(0), EXACT.subtract(gross, EXACT.multiply(floor, start_prices[good])))
    return wants


def _want_of_empty_nests(
    nests: Sequence[NestShape], wants: Mapping[str, Decimal], allotment: Allotment
) -> dict[str, Decimal]:
    """A small even want for the goods of nests that have none, so that no nest is left without credits."""
    nest_credits = EXACT.multiply(_whole_credits(allotment), EMPTY_NEST_SHARE)
    return {
        good: EXACT.divide(nest_credits, Decimal(len(nest.goods)))
        for nest in nests
        if not any(wants[good] for good in nest.goods)
        for good in nest.goods
    }


def _whole_credits(allotment: Allotment) -> Decimal:
    """All credits of a council."""
    return EXACT.divide(Decimal(allotment.credits_micro), Decimal(1_000_000))


def split_whole(total: int, parts: Sequence[Decimal]) -> list[int]:
    """Split a whole number in proportion, to the last unit: what rounding leaves goes to the largest remainders."""
    whole = sum(parts, Decimal(0))
    exact = [EXACT.divide(EXACT.multiply(Decimal(total), part), whole) for part in parts]
    split = [int(share) for share in exact]
    by_remainder = sorted(range(len(parts)), key=lambda index: (split[index] - exact[index], index))
    for index in by_remainder[: total - sum(split)]:
        split[index] += 1
    return split


def _make_nest(
    nest: NestShape,
    credits_micro: int,
    wants: Mapping[str, Decimal],
    start_prices: Mapping[str, Decimal],
    allotment: Allotment,
) -> TasteNest:
    """One nest: at start prices a CES buyer with these weights buys just the wanted proportions."""
    weights = {good: _weight_of(wants[good], start_prices[good], nest.sigma, allotment.people) for good in nest.goods}
    least = SHORT.multiply(max(weights.values()), WEIGHT_LEAST)
    goods = tuple(
        TasteGood(
            good=good,
            weight=max(weights[good], least),
            floor=allotment.floor_of(good),
            is_wanted=wants[good] > 0,
        )
        for good in nest.goods
    )
    return TasteNest(nest.id, nest.name, nest.sigma, credits_micro, goods)


def _weight_of(want: Decimal, price: Decimal, sigma: Decimal, people: int) -> Decimal:
    """The CES weight of a person: spending goes as weight times price^(1 - sigma), so the weight is their ratio."""
    scale = EXACT.power(price, Decimal(1) - sigma)
    return SHORT.divide(want, EXACT.multiply(scale, Decimal(people)))
