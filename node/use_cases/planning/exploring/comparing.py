"""Two tries of a plan side by side: who gains, who lacks, what is used of caps, hours, land and outside money.

Invariant: what a council gets is weighed by the scarcity before the change, on both sides alike.
"""

from collections.abc import Sequence

import msgspec

from node.use_cases.planning.exploring.stand_in import Tried
from protocol.core.quantities import format_decimal
from protocol.planning.cards import PPM, ConsumerCard, WorkplaceCard
from protocol.planning.certificate import capacity_used, goods_of, measure_left
from protocol.planning.clearing import BALANCE_DECIMALS
from protocol.planning.plan import Plan


class GoodChange(msgspec.Struct, frozen=True):
    """What members take home of a good, or what is used of an endowment, before and after."""

    good: str
    kind: str
    unit: str
    before: str
    after: str
    ppm: int


class CouncilChange(msgspec.Struct, frozen=True):
    """How much more (parts per million) all that a council gets is worth at the scarcity before; and what it lacks."""

    card: str
    ppm: int
    less_of: tuple[str, ...]
    more_of: tuple[str, ...]


class WorkplaceChange(msgspec.Struct, frozen=True):
    """How much of its capacity before the change a workplace uses, before and after: parts per million."""

    card: str
    before_ppm: int
    after_ppm: int


class Unmet(msgspec.Struct, frozen=True):
    """Basic needs of one good that cannot all be met: what is missing of what is needed, as decimals in its unit;
    `share_ppm` is the part of the need that everybody gets where what there is is shared equally."""

    good: str
    unit: str
    missing: str
    needed: str
    share_ppm: int


class WhatIf(msgspec.Struct, frozen=True):
    """What would come of it. `unmet`: basic needs that could not all be met, `trouble`: why the rounds came to no plan;
    nothing else is said then. `gone`: goods that nobody could make any more. `goods` sums what those take home who are
    in both plans."""

    unmet: tuple[Unmet, ...]
    rounds: int
    trouble: str = ""
    gone: tuple[str, ...] = ()
    councils: tuple[CouncilChange, ...] = ()
    goods: tuple[GoodChange, ...] = ()
    means: tuple[GoodChange, ...] = ()
    workplaces: tuple[WorkplaceChange, ...] = ()


NOTICED_PPM = 5_000
"""A change below this is within what the rounds leave open."""
GOODS_TOLD = 5


def compare_plans(before: Tried, after: Tried) -> WhatIf:
    """Who gains and who lacks, and what of the means is used, from one plan to the other."""
    stayed = [card for card in before.plan.consumers if card.id in after.plan.consumption]
    goods, means = _compare_goods(before.plan, after.plan, stayed)
    return WhatIf(
        unmet=(),
        rounds=after.report.round,
        councils=tuple(_compare_council(before.plan, after.plan, card) for card in stayed),
        goods=goods,
        means=means,
        workplaces=tuple(_compare_workplace(before.plan, after.plan, card) for card in before.plan.workplaces),
    )


def _compare_council(before: Plan, after: Plan, card: ConsumerCard) -> CouncilChange:
    goods = before.goods_table.goods
    changed = next(one for one in after.consumers if one.id == card.id)
    old = dict(zip(goods_of(card), before.consumption[card.id], strict=True))
    new = dict(zip(goods_of(changed), after.consumption[card.id], strict=True))
    worth = {good: before.prices[good] * 10 ** (BALANCE_DECIMALS - goods[good].decimals) for good in old | new}
    had = sum(worth[good] * units for good, units in old.items())
    has = sum(worth[good] * units for good, units in new.items())
    moved = []
    for good in old | new:
        was, now = old.get(good, 0), new.get(good, 0)
        if abs(now - was) * PPM > NOTICED_PPM * was:
            moved.append(((now - was) * PPM // was if was else PPM, goods[good].id))
    moved.sort()
    less = tuple(name for ppm, name in moved if ppm < 0)[:GOODS_TOLD]
    more = tuple(name for ppm, name in reversed(moved) if ppm > 0)[:GOODS_TOLD]
    return CouncilChange(card.id, (has - had) * PPM // had if had else 0, less, more)


def _compare_goods(
    before: Plan, after: Plan, stayed: Sequence[ConsumerCard]
) -> tuple[tuple[GoodChange, ...], tuple[GoodChange, ...]]:
    taken, means = [], []
    left_before, left_after = measure_left(before), measure_left(after)
    old, new = _sum_taken(before, stayed), _sum_taken(after, after.consumers)
    for number, good in enumerate(before.goods_table.goods):
        if old.get(number) or new.get(number):
            taken.append(_tell(good.id, good.kind, good.unit, good.decimals, old.get(number, 0), new.get(number, 0)))
        if good.endowment:
            part = 10 ** (BALANCE_DECIMALS - good.decimals)
            used = good.endowment - left_before[number] // part
            now = after.goods_table.goods[number].endowment - left_after[number] // part
            means.append(_tell(good.id, good.kind, good.unit, good.decimals, used, now))
    return tuple(taken), tuple(means)


def _sum_taken(plan: Plan, cards: Sequence[ConsumerCard]) -> dict[int, int]:
    found: dict[int, int] = {}
    for card in cards:
        for good, units in zip(goods_of(card), plan.consumption[card.id], strict=True):
            found[good] = found.get(good, 0) + units
    return found


def _tell(good: str, kind: str, unit: str, decimals: int, before: int, after: int) -> GoodChange:
    ppm = (after - before) * PPM // before if before else 0
    return GoodChange(good, kind, unit, format_decimal(before, decimals), format_decimal(after, decimals), ppm)


def _compare_workplace(before: Plan, after: Plan, card: WorkplaceCard) -> WorkplaceChange:
    changed = next((one for one in after.workplaces if one.id == card.id), None)
    used = 0 if changed is None else capacity_used(after, changed)
    return WorkplaceChange(card.id, capacity_used(before, card) // card.capacity, used // card.capacity)
