"""Beside the plan, on the same cards: without floors, credits by what was bought so far, last orders repeated.

Invariant: the same guessed members stand on all sides; what each way does to basic needs is counted, not judged.
"""

import msgspec

from node.use_cases.planning.exploring.stand_in import Tried, guess_members, try_plan
from protocol.core.errors import RefusedError
from protocol.core.quantities import format_decimal
from protocol.planning.cards import PPM, ConsumerCard, Nest
from protocol.planning.certificate import goods_of
from protocol.planning.clearing import BALANCE_DECIMALS
from protocol.planning.plan import Plan

NO_FLOORS = "without floors"
BY_TURNOVER = "credits by what was bought so far"
REPEATED = "last orders repeated"
PLANNED = "the plan"


class Lack(msgspec.Struct, frozen=True):
    """A council that gets less of a good than its floor: what it gets and what it needs, in whole units."""

    card: str
    good: str
    gets: str
    floor: str


class Way(msgspec.Struct, frozen=True):
    """One way to share. `people_below`: people in councils that lack a basic need. `short` and `surplus`: goods of
    which more was ordered than there is, or less, with the share in parts per million; `least_ppm` and `most_ppm`: the
    council with the least and the most for each person, against the region's mean, at the plan's scarcity."""

    name: str
    lacks: tuple[Lack, ...]
    people_below: int
    short: tuple[tuple[str, int], ...]
    surplus: tuple[tuple[str, int], ...]
    least_ppm: int
    most_ppm: int
    trouble: str = ""


def compare_ways(plan: Plan) -> tuple[Way, ...]:
    """The plan and three other ways, all on its own cards."""
    members = guess_members(plan)
    planned = try_plan(plan.goods_table, plan.consumers, plan.workplaces, members)
    ways = [_describe(PLANNED, plan, planned.plan.consumption)]
    for name, cards in ((NO_FLOORS, _drop_floors(plan)), (BY_TURNOVER, _share_by_turnover(plan))):
        try:
            tried: Tried = try_plan(plan.goods_table, cards, plan.workplaces, members, planned)
        except RefusedError as error:
            ways.append(Way(name, (), 0, (), (), 0, 0, str(error)))
        else:
            ways.append(_describe(name, plan, tried.plan.consumption))
    ways.append(_repeat_orders(plan, planned.plan))
    return tuple(ways)


def _drop_floors(plan: Plan) -> tuple[ConsumerCard, ...]:
    def dropped(nest: Nest) -> Nest:
        return msgspec.structs.replace(nest, floors=(0,) * len(nest.floors))

    return tuple(msgspec.structs.replace(card, nests=tuple(map(dropped, card.nests))) for card in plan.consumers)


def _share_by_turnover(plan: Plan) -> tuple[ConsumerCard, ...]:
    """The same credits in all, divided by what each council wanted at the start prices instead of by people."""
    goods = plan.goods_table.goods

    def worth(nest: Nest) -> int:
        wanted = zip(nest.goods, nest.wants, strict=True)
        prices = [good.start_price_micro * 10 ** (BALANCE_DECIMALS - good.decimals) for good in goods]
        return sum(prices[good] * units for good, units in wanted)

    credits = sum(nest.credits_micro for card in plan.consumers for nest in card.nests)
    total = max(1, sum(worth(nest) for card in plan.consumers for nest in card.nests))

    def shared(nest: Nest) -> Nest:
        return msgspec.structs.replace(nest, credits_micro=max(1, credits * worth(nest) // total))

    return tuple(msgspec.structs.replace(card, nests=tuple(map(shared, card.nests))) for card in plan.consumers)


def _repeat_orders(plan: Plan, planned: Plan) -> Way:
    """Everybody orders what it wanted at the start, workplaces make what the plan makes; what is short is cut alike."""
    goods = plan.goods_table.goods
    ordered: dict[int, int] = {}
    there: dict[int, int] = {}
    for card in plan.consumers:
        wants = [want for nest in card.nests for want in nest.wants]
        for good, want, units in zip(goods_of(card), wants, planned.consumption[card.id], strict=True):
            ordered[good] = ordered.get(good, 0) + want
            there[good] = there.get(good, 0) + units
    consumption = {}
    for card in plan.consumers:
        wants = [want for nest in card.nests for want in nest.wants]
        rows = zip(goods_of(card), wants, strict=True)
        consumption[card.id] = tuple(
            want if ordered[good] <= there[good] else want * there[good] // ordered[good] for good, want in rows
        )
    shares = {good: (there[good] - ordered[good]) * PPM // max(ordered[good], 1) for good in ordered}
    way = _describe(REPEATED, plan, consumption)
    short = sorted((ppm, goods[good].id) for good, ppm in shares.items() if ppm < -PPM // 100)
    over = sorted(((ppm, goods[good].id) for good, ppm in shares.items() if ppm > PPM // 100), reverse=True)
    return msgspec.structs.replace(
        way, short=tuple((name, -ppm) for ppm, name in short), surplus=tuple((name, ppm) for ppm, name in over)
    )


def _describe(name: str, plan: Plan, consumption: dict[str, tuple[int, ...]]) -> Way:
    goods = plan.goods_table.goods
    lacks, worth, people_below = [], {}, 0
    for card in plan.consumers:
        floors = [floor for nest in card.nests for floor in nest.floors]
        is_below = False
        total = 0
        for good, floor, units in zip(goods_of(card), floors, consumption[card.id], strict=True):
            total += plan.prices[good] * units * 10 ** (BALANCE_DECIMALS - goods[good].decimals)
            if units < floor:
                is_below = True
                decimals = goods[good].decimals
                told = format_decimal(units, decimals), format_decimal(floor, decimals)
                lacks.append(Lack(card.id, goods[good].id, *told))
        people_below += card.people if is_below else 0
        worth[card.id] = total // card.people
    people = sum(card.people for card in plan.consumers)
    mean = max(1, sum(worth[card.id] * card.people for card in plan.consumers) // people)
    least, most = min(worth.values()) * PPM // mean, max(worth.values()) * PPM // mean
    return Way(name, tuple(lacks), people_below, (), (), least, most)
