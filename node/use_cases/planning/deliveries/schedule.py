"""What a plan asks of each card: what it makes, what it uses, what it gives to whom and gets from whom, at which price.

Invariant: a price stands here only where producer and buyers have agreed it; everything else is "price open". Scarcity
signals of the plan are never prices to pay.
Spec: docs/spec/planning/delivery.md
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Final

import msgspec

from node.use_cases.description import Rows
from node.use_cases.planning.deliveries.known_places import HOW_TO_SAY
from node.use_cases.planning.deliveries.ways import deliver_plan
from node.use_cases.supply.board import Board
from node.use_cases.supply.matching import find_standing
from node.use_cases.supply.views import describe_line
from protocol.core.errors import RefusedError
from protocol.core.quantities import divide_half_up, format_decimal
from protocol.planning.cards import MICRO_DECIMALS, Technique
from protocol.planning.certificate import all_workplaces, goods_of
from protocol.planning.contributions import owner_of_card
from protocol.planning.delivery.document import Delivery
from protocol.planning.delivery.places import Place, metres_between
from protocol.planning.delivery.transport import list_transports
from protocol.planning.plan import Plan, digest_plan, format_plan
from protocol.planning.summary import format_amount

PRICE_OPEN: Final = "price open"
PART_DECIMALS: Final = 2
BALANCE_DECIMALS: Final = 12


class GoodAmount(msgspec.Struct, frozen=True):
    """So much of a good: a decimal in its unit."""

    good: str
    amount: str
    unit: str


class Activity(msgspec.Struct, frozen=True):
    """How often a technique is done, and what that makes and uses of its goods.

    `batches` of `batch` activities each, where it comes in batches; a draft that knows none may ask for parts of one.
    """

    technique: int
    times: str
    makes: tuple[GoodAmount, ...]
    uses: tuple[GoodAmount, ...]
    batches: str = ""
    batch: str = ""


class LoadLine(msgspec.Struct, frozen=True):
    """A load from or to `other`; `price` is the agreed one per `price_unit`, or says that it is open."""

    good: str
    amount: str
    unit: str
    other: str
    metres: int
    price: str
    price_unit: str


class CardSchedule(msgspec.Struct, frozen=True):
    """One council's or workplace's part. `gives` and `gets` are empty while nobody said where everybody is."""

    card: str
    does: tuple[Activity, ...]
    takes: tuple[GoodAmount, ...]
    gives: tuple[LoadLine, ...]
    gets: tuple[LoadLine, ...]


class Schedule(msgspec.Struct, frozen=True):
    """All cards that were asked for, councils first. `has_ways`: whether it says who brings what to whom;
    `without_place`: for want of whose place it does not."""

    plan: str
    period: str
    has_ways: bool
    cards: tuple[CardSchedule, ...]
    periods: tuple[str, ...] = ()
    without_place: tuple[str, ...] = ()


def describe_schedule(
    plan: Plan, places: Mapping[str, Place], card: str, board: Board, missing: tuple[str, ...] = ()
) -> Schedule:
    """A plan's schedules for one card, a co-op with all its cards, or (empty) everybody.

    `places` may be empty, or some be `missing`: then nothing is said of who brings what to whom.
    """
    delivery = deliver_plan(plan, places) if places and not missing else None
    names = [*(one.id for one in plan.consumers), *(one.id for one in all_workplaces(plan))]
    split = plan.goods_table.split_name
    wanted = [name for name in names if card in ("", name, split(name)[0], owner_of_card(name))]
    if not wanted:
        raise RefusedError.at("card", "no council or workplace of this plan has this name")
    loads = _list_loads(plan, delivery, board)
    cards = tuple(_describe_card(plan, name, loads.get(name, ([], []))) for name in wanted)
    digest = digest_plan(format_plan(plan)).hex()
    period, periods = str(plan.parameters.get("period", "")), plan.goods_table.period_names
    return Schedule(digest, period, delivery is not None, cards, periods, missing)


def _describe_card(plan: Plan, name: str, loads: tuple[list[LoadLine], list[LoadLine]]) -> CardSchedule:
    return CardSchedule(name, _list_activities(plan, name), _list_taken(plan, name), tuple(loads[0]), tuple(loads[1]))


def _list_activities(plan: Plan, name: str) -> tuple[Activity, ...]:
    found = []
    for card in all_workplaces(plan):
        if card.id != name:
            continue
        for number, (technique, level) in enumerate(zip(card.techniques, plan.activity[name], strict=True), 1):
            moved = [(good, amount * level) for good, amount in technique.net if amount * level]
            makes = tuple(_quantity(plan, good, -amount) for good, amount in moved if amount < 0)
            uses = tuple(_quantity(plan, good, amount) for good, amount in moved if amount > 0)
            if level:
                times = format_decimal(level, MICRO_DECIMALS)
                found.append(Activity(number, times, makes, uses, *_count_batches(technique, level)))
    return tuple(found)


def _count_batches(technique: Technique, level: int) -> tuple[str, str]:
    """How many batches of which size; nothing where the technique knows none."""
    if not technique.batch:
        return "", ""
    whole, rest = divmod(level, technique.batch)
    parts = divide_half_up(level * 10**PART_DECIMALS, technique.batch)
    return format_decimal(parts, PART_DECIMALS) if rest else str(whole), format_amount(technique.batch, MICRO_DECIMALS)


def _list_taken(plan: Plan, name: str) -> tuple[GoodAmount, ...]:
    for card in plan.consumers:
        if card.id == name:
            taken = zip(goods_of(card), plan.consumption[name], strict=True)
            decimals = [good.decimals for good in plan.goods_table.goods]
            lift = [10 ** (BALANCE_DECIMALS - places) for places in decimals]
            return tuple(_quantity(plan, good, units * lift[good]) for good, units in taken if units)
    return ()


def _quantity(plan: Plan, good: int, amount: int) -> GoodAmount:
    """`amount` in 10^-12 whole units, cut to whole units of the good."""
    card = plan.goods_table.goods[good]
    units = amount // 10 ** (BALANCE_DECIMALS - card.decimals)
    return GoodAmount(card.id, format_decimal(units, card.decimals), card.unit)


def _list_loads(
    plan: Plan, delivery: Delivery | None, board: Board
) -> dict[str, tuple[list[LoadLine], list[LoadLine]]]:
    """What each card gives, and what it gets."""
    found: dict[str, tuple[list[LoadLine], list[LoadLine]]] = {}
    if delivery is None:
        return found
    price_of = cache(lambda source, good: find_price(board, source, plan.goods_table.split_name(good)[0]))
    numbers = [one.good for one in list_transports(plan)]
    for number, good in zip(numbers, delivery.goods, strict=True):
        card = plan.goods_table.goods[number]
        for load in good.loads:
            metres = metres_between(delivery.places[load.source], delivery.places[load.to])
            amount = format_decimal(load.units, card.decimals)
            price, price_unit = price_of(load.source, card.id)
            told = (card.id, amount, card.unit)
            found.setdefault(load.source, ([], []))[0].append(LoadLine(*told, load.to, metres, price, price_unit))
            found.setdefault(load.to, ([], []))[1].append(LoadLine(*told, load.source, metres, price, price_unit))
    return found


def find_price(board: Board, source: str, good: str) -> tuple[str, str]:
    """(agreed price, unit it is for) of the good as this card's co-op makes it, or (PRICE_OPEN, empty)."""
    own = [item for item in board.facts.products if item[0] == owner_of_card(source)]
    item = find_standing(own, good, lambda one: (one[1], board.facts.products[one].body.names.values()))
    if item is None:
        return PRICE_OPEN, ""
    line = describe_line(board, item)
    return (line.price, line.unit) if line.price else (PRICE_OPEN, "")


def list_schedule_lines(schedule: Schedule) -> list[tuple[str, ...]]:
    """Every line of a schedule for a spreadsheet, below its heading; the last column is empty without periods."""
    heading = ("card", "what", "good", "amount", "unit", "with", "metres", "price", "price_unit", "period")
    lines: list[tuple[str, ...]] = []
    for card in schedule.cards:
        for activity in card.does:
            if activity.batches:
                lines.append((card.card, "batches", activity.batch, activity.batches, "", "", "", "", ""))
            for what, quantities in (("makes", activity.makes), ("uses", activity.uses)):
                lines += [(card.card, what, one.good, one.amount, one.unit, "", "", "", "") for one in quantities]
        lines += [(card.card, "takes", one.good, one.amount, one.unit, "", "", "", "") for one in card.takes]
        for what, loads in (("gives", card.gives), ("gets", card.gets)):
            for one in loads:
                told = (one.good, one.amount, one.unit, one.other, str(one.metres), one.price, one.price_unit)
                lines.append((card.card, what, *told))
    return [heading, *((*line, _period_of(schedule, line[2]) or _period_of(schedule, line[0])) for line in lines)]


def _period_of(schedule: Schedule, name: str) -> str:
    period = name.rpartition(" in ")[2]
    return period if period in schedule.periods else ""


def tell_schedule(schedule: Schedule) -> Iterator[str | Rows]:
    """A table for each card, for the wall of the bakery and the driver's seat."""
    for card in schedule.cards:
        yield f"\n{card.card}{', ' if schedule.period else ''}{schedule.period}"
        rows = _list_done(card)
        rows += [] if schedule.has_ways else _list_amounts("takes", card.takes)
        rows += [*_list_ways("gives", "to", card.gives), *_list_ways("gets", "from", card.gets)]
        yield Rows(("", "good", "amount", "unit", "with", "price"), rows)
    if not schedule.has_ways:
        lacking = schedule.without_place
        known = f"Nobody has said where these are: {', '.join(lacking)}. " if lacking else ""
        yield f"Who brings what to whom is not told. {known}{HOW_TO_SAY} Or give a file with --places."


def _list_done(card: CardSchedule) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for one in card.does:
        if one.batches:
            rows.append(("batches", f"technique {one.technique}", one.batches, f"of {one.batch}", "", ""))
        rows += [*_list_amounts("makes", one.makes), *_list_amounts("uses", one.uses)]
    return rows


def _list_amounts(what: str, amounts: Iterable[GoodAmount]) -> list[tuple[str, ...]]:
    return [(what, one.good, one.amount, one.unit, "", "") for one in amounts]


def _list_ways(what: str, towards: str, loads: Iterable[LoadLine]) -> list[tuple[str, ...]]:
    return [
        (
            what,
            one.good,
            one.amount,
            one.unit,
            f"{towards} {one.other}, {one.metres / 1_000:.1f} km",
            f"{one.price} a {one.price_unit}" if one.price_unit else one.price,
        )
        for one in loads
    ]
