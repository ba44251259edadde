"""What if a need were higher, an oven broke, a cap were lower? The plan tried again, and who gains and who lacks.

Invariant: the plan in force and its logs are never touched; a guess stands beside a guess, both made alike.
"""

from typing import Annotated

import msgspec

from node.use_cases.planning.exploring.gone import drop_goods, find_gone
from node.use_cases.planning.exploring.stand_in import StandIns, Tried, UnmetError, guess_members, try_plan
from protocol.core.errors import Finding, RefusedError
from protocol.core.quantities import format_decimal, parse_decimal
from protocol.planning.card_rules import quantity_most
from protocol.planning.cards import ConsumerCard, GoodsTable, Nest, WorkplaceCard
from protocol.planning.certificate import capacity_used, goods_of, measure_left
from protocol.planning.clearing import BALANCE_DECIMALS
from protocol.planning.plan import Plan

CHANGES_MAX = 100
PERCENT_MAX = 1_000
PPM = 1_000_000

Percent = Annotated[int, msgspec.Meta(ge=0, le=PERCENT_MAX)]
Name = Annotated[str, msgspec.Meta(max_length=128)]
Amount = Annotated[str, msgspec.Meta(max_length=30)]


class Changes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What would be different: floors in whole units a head (all councils that have the good), capacities and
    endowments (caps, hours, land, outside money, stock) in percent of today's."""

    floors: Annotated[dict[Name, Amount], msgspec.Meta(max_length=CHANGES_MAX)] = {}
    capacities: Annotated[dict[Name, Percent], msgspec.Meta(max_length=CHANGES_MAX)] = {}
    endowments: Annotated[dict[Name, Percent], msgspec.Meta(max_length=CHANGES_MAX)] = {}


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


class WhatIf(msgspec.Struct, frozen=True):
    """What would come of it. `unmet`: basic needs that could not all be met, `trouble`: why the rounds came to no plan;
    nothing else is said then. `gone`: goods that nobody could make any more."""

    unmet: tuple[Finding, ...]
    rounds: int
    trouble: str = ""
    gone: tuple[str, ...] = ()
    councils: tuple[CouncilChange, ...] = ()
    goods: tuple[GoodChange, ...] = ()
    means: tuple[GoodChange, ...] = ()
    workplaces: tuple[WorkplaceChange, ...] = ()


NOTICED_PPM = 5_000
"""A change below this is within what a plan's tolerance leaves open."""
GOODS_TOLD = 5


def ask_what_if(plan: Plan, changes: Changes) -> WhatIf:
    """Try the plan as it is with guessed members, then with the changes; RefusedError names what is not in the plan."""
    table, consumers, workplaces = apply_changes(plan, changes)
    members = guess_members(plan)
    before = try_plan(plan.goods_table, plan.consumers, plan.workplaces, members)
    gone = find_gone(table, (*workplaces, *table.trade))
    names = tuple(table.goods[good].id for good in sorted(gone))
    if lost := _list_lost_needs(table, consumers, gone):
        return WhatIf(tuple(lost), 0, gone=names)
    left = [drop_goods(card, members.tastes[card.id], gone) for card in consumers]
    if not all(card.nests for card, _ in left):
        return WhatIf((), 0, trouble="a council would be left with nothing to choose from", gone=names)
    members = StandIns({card.id: tastes for card, tastes in left}, members.efforts)
    try:
        after = try_plan(table, tuple(card for card, _ in left), workplaces, members, before)
    except UnmetError as error:
        return WhatIf(error.findings, 0, gone=names)
    except RefusedError as error:
        return WhatIf((), 0, trouble=error.reason, gone=names)
    return msgspec.structs.replace(compare_plans(before, after), gone=names)


def _list_lost_needs(table: GoodsTable, consumers: tuple[ConsumerCard, ...], gone: frozenset[int]) -> list[Finding]:
    """The basic needs among the goods that are gone."""
    missing: dict[int, int] = {}
    for card in consumers:
        for nest in card.nests:
            for good, floor in zip(nest.goods, nest.floors, strict=True):
                if good in gone and floor:
                    missing[good] = missing.get(good, 0) + floor
    found = []
    for number, units in sorted(missing.items()):
        row = table.goods[number]
        told = f"{format_decimal(units, row.decimals)} {row.unit} of the basic needs cannot be met"
        found.append(Finding(row.id, told))
    return found


def compare_plans(before: Tried, after: Tried) -> WhatIf:
    """Who gains and who lacks, and what of the means is used, from one plan to the other."""
    goods, means = _compare_goods(before.plan, after.plan)
    return WhatIf(
        unmet=(),
        rounds=after.report.round,
        councils=tuple(_compare_council(before.plan, after.plan, card) for card in before.plan.consumers),
        goods=goods,
        means=means,
        workplaces=tuple(_compare_workplace(before.plan, after.plan, card) for card in before.plan.workplaces),
    )


def apply_changes(
    plan: Plan, changes: Changes
) -> tuple[GoodsTable, tuple[ConsumerCard, ...], tuple[WorkplaceCard, ...]]:
    """The cards with the changes in them; RefusedError names every good and workplace that the plan does not have."""
    goods = {good.id: number for number, good in enumerate(plan.goods_table.goods)}
    makers = {card.id for card in (*plan.workplaces, *plan.goods_table.trade)}
    unknown = [
        Finding(f"{place}.{name}", "is not in this plan")
        for place, named, known in (
            ("floors", changes.floors, goods.keys()),
            ("endowments", changes.endowments, goods.keys()),
            ("capacities", changes.capacities, makers),
        )
        for name in named
        if name not in known
    ]
    if unknown:
        raise RefusedError("; ".join(map(str, unknown)), unknown)
    floors = {goods[name]: _read_floor(plan, goods[name], text) for name, text in changes.floors.items()}
    table = msgspec.structs.replace(
        plan.goods_table,
        goods=tuple(
            msgspec.structs.replace(good, endowment=good.endowment * changes.endowments.get(good.id, 100) // 100)
            for good in plan.goods_table.goods
        ),
        trade=_scale_all(plan.goods_table.trade, changes),
    )
    consumers = tuple(_raise_floors(plan, card, floors) for card in plan.consumers)
    return table, consumers, _scale_all(plan.workplaces, changes)


def _read_floor(plan: Plan, good: int, text: str) -> int:
    card = plan.goods_table.goods[good]
    units = parse_decimal(text, card.decimals, f"floors.{card.id}")
    if not 0 <= units <= quantity_most(card.decimals):
        raise RefusedError.at(f"floors.{card.id}", "must be 0 or more, and within what a plan can count")
    return units


def _raise_floors(plan: Plan, card: ConsumerCard, floors: dict[int, int]) -> ConsumerCard:
    def changed(nest: Nest) -> Nest:
        new = []
        for good, floor in zip(nest.goods, nest.floors, strict=True):
            most = quantity_most(plan.goods_table.goods[good].decimals)
            new.append(min(floors[good] * card.heads, most) if good in floors else floor)
        wants = tuple(max(floor, want) for floor, want in zip(new, nest.wants, strict=True))
        return msgspec.structs.replace(nest, floors=tuple(new), wants=wants)

    return msgspec.structs.replace(card, nests=tuple(map(changed, card.nests)))


def _scale_all(cards: tuple[WorkplaceCard, ...], changes: Changes) -> tuple[WorkplaceCard, ...]:
    """The workplaces with their new capacities; those of none stand still and are left out."""
    shares = [(card, changes.capacities.get(card.id, 100)) for card in cards]
    return tuple(_scale(card, percent) for card, percent in shares if percent)


def _scale(card: WorkplaceCard, percent: int) -> WorkplaceCard:
    capacity = max(1, card.capacity * percent // 100)
    return msgspec.structs.replace(card, capacity=capacity, least=min(card.least, capacity))


def _compare_council(before: Plan, after: Plan, card: ConsumerCard) -> CouncilChange:
    goods = before.goods_table.goods
    changed = next(one for one in after.consumers if one.id == card.id)
    old = dict(zip(goods_of(card), before.consumption[card.id], strict=True))
    new = dict(zip(goods_of(changed), after.consumption[card.id], strict=True))
    worth = {good: before.prices[good] * 10 ** (BALANCE_DECIMALS - goods[good].decimals) for good in old}
    had = sum(worth[good] * units for good, units in old.items())
    has = sum(worth[good] * new.get(good, 0) for good in old)
    moved = []
    for good, was in old.items():
        now = new.get(good, 0)
        if was and abs(now - was) * PPM > NOTICED_PPM * was:
            moved.append(((now - was) * PPM // was, goods[good].id))
    moved.sort()
    less = tuple(name for ppm, name in moved if ppm < 0)[:GOODS_TOLD]
    more = tuple(name for ppm, name in reversed(moved) if ppm > 0)[:GOODS_TOLD]
    return CouncilChange(card.id, (has - had) * PPM // had if had else 0, less, more)


def _compare_goods(before: Plan, after: Plan) -> tuple[tuple[GoodChange, ...], tuple[GoodChange, ...]]:
    taken, means = [], []
    left_before, left_after = measure_left(before), measure_left(after)
    old, new = _sum_taken(before), _sum_taken(after)
    for number, good in enumerate(before.goods_table.goods):
        if old.get(number) or new.get(number):
            taken.append(_tell(good.id, good.kind, good.unit, good.decimals, old.get(number, 0), new.get(number, 0)))
        if good.endowment:
            part = 10 ** (BALANCE_DECIMALS - good.decimals)
            used = good.endowment - left_before[number] // part
            now = after.goods_table.goods[number].endowment - left_after[number] // part
            means.append(_tell(good.id, good.kind, good.unit, good.decimals, used, now))
    return tuple(taken), tuple(means)


def _sum_taken(plan: Plan) -> dict[int, int]:
    found: dict[int, int] = {}
    for card in plan.consumers:
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
