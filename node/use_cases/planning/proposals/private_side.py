"""What a member brings to a plan: tastes from its own till, its workplaces' effort; only cards and answers go out.

Invariant: till, wishes and pledges give proportions only; credits and floors are so much for each person.
Invariant: nothing is answered for a call that a person has not released; tastes and effort costs never leave the node.
"""

import contextlib
from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from itertools import starmap
from typing import Annotated, Any

import msgspec
import numpy as np

from node.till.goods_mapping import MappedSales, parse_rules
from node.till.sale import sale_of_row
from node.till.spoken_wants import Sources, Spoken, apply_pledges, apply_wishes, describe_till, group_voices
from node.till.tastes import Allotment, NestShape, TasteNest, tastes_from_consumption
from node.use_cases.context import Node
from node.use_cases.planning.periods.wants import (
    leave_out_of_season,
    shape_nests,
    spread_needs,
    spread_voices,
    sum_till,
)
from protocol.core.errors import RefusedError
from protocol.planning.call import CardAnswer, PlanCards
from protocol.planning.card_rules import allotted_credits, allotted_floors
from protocol.planning.cards import MICRO, CardTerms, ConsumerCard, GoodsTable, Nest, WorkplaceCard
from protocol.planning.contributions import workplace_id
from protocol.planning.economy import Economy, Floats
from protocol.planning.economy_file import read_workplace
from protocol.planning.periods.expansion import expand_workplaces
from protocol.planning.periods.names import name_in
from protocol.planning.responses import (
    Effort,
    NestTastes,
    Tastes,
    answer_consumer,
    answer_workplace,
    want_at_prices,
)
from protocol.planning.state import State
from storage.database import open_reader
from storage.private import till_lines
from storage.private.member_wants import member_wants

NESTS_MAX = 64
WORKPLACES_MAX = 64
PERCENT_MAX = 1_000
Edits = dict[str, Annotated[int, msgspec.Meta(ge=0, le=PERCENT_MAX)]]
"""Good -> percent of what till, wishes and pledges say."""
WISH, PLEDGE = "wish", "pledge"


class NestWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods that stand in for one another (sigma above 0) or only go together (sigma 0, as a decimal string)."""

    id: str
    name: str
    sigma: str
    goods: tuple[str, ...]


class Council(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a co-op turns its till into wants: which till lines count as which good, what goes together, and what the
    committee has changed, in percent of what the till says."""

    till: dict[str, tuple[str, ...]]
    nests: Annotated[tuple[NestWish, ...], msgspec.Meta(max_length=NESTS_MAX)]
    edits_percent: Edits = {}


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person releases for one reading: the council's wishes, and workplaces as in an economy file.

    `region` is the id (hex) of the call of a region that this member speaks for, in a call of the level above.
    """

    council: Council | None = None
    workplaces: Annotated[tuple[dict[str, Any], ...], msgspec.Meta(max_length=WORKPLACES_MAX)] = ()
    region: Annotated[str, msgspec.Meta(max_length=64)] = ""


class PrivateSide(msgspec.Struct, frozen=True):
    """A member's cards with what stays behind them; `spoken` is the card that stands for another level, if one does."""

    cards: PlanCards
    tastes: dict[str, Tastes]
    efforts: dict[str, Effort]
    lines_unmapped: int
    summed: tuple[str, ...]
    sources: dict[str, tuple[str, ...]] = {}
    """Good -> where the council's want of it comes from, in sentences."""
    spoken: str = ""


def prepare_side(
    node: Node,
    release: Release,
    call: bytes,
    reading: int,
    table: GoodsTable,
    people: int,
    terms: CardTerms,
    k_households: int,
) -> PrivateSide:
    """A member's cards for one reading, from its release and its own till; RefusedError names what does not fit."""
    workplaces, efforts = _prepare_workplaces(node.origin, release, table)
    consumers: tuple[ConsumerCard, ...] = ()
    tastes: dict[str, Tastes] = {}
    unmapped, summed, sources = 0, tuple[str, ...](), Sources()
    if release.council is not None:
        mapped, sources = _sum_wants(node, release.council, table, allotted_credits(people, terms), k_households)
        card, taste, summed = _prepare_council(node.origin, release.council, mapped, table, people, terms, k_households)
        consumers, tastes, unmapped = (card,), {card.id: taste}, mapped.lines_unmapped
    cards = PlanCards(call, reading, consumers, workplaces)
    told = {good: tuple(said) for good, said in sources.items()}
    return PrivateSide(cards, tastes, efforts, unmapped, summed, told)


def answer_cards(side: PrivateSide, state: State, economy: Economy) -> tuple[CardAnswer, ...]:
    """The answers of all a member's cards to one state, but of the one that stands for another level."""
    answers = [
        CardAnswer(card.id, tuple(answer_consumer(card, side.tastes[card.id], state, economy)))
        for card in side.cards.consumers
    ]
    answers += [
        CardAnswer(card.id, tuple(answer_workplace(card, side.efforts[card.id], state, economy)))
        for card in side.cards.workplaces
        if card.id != side.spoken
    ]
    return tuple(answers)


def _prepare_workplaces(
    origin: str, release: Release, table: GoodsTable
) -> tuple[tuple[WorkplaceCard, ...], dict[str, Effort]]:
    index = {good.id: place for place, good in enumerate(table.goods)}
    cards: list[WorkplaceCard] = []
    efforts: dict[str, Effort] = {}
    rows: Sequence[dict[str, Any]] = release.workplaces
    if table.periods:
        lasting = [good.id for good in table.goods if not table.split_name(good.id)[1]]
        rows = expand_workplaces(rows, table.period_names, lasting)
    for position, row in enumerate(rows):
        card, effort = read_workplace(row, position, index)
        named = msgspec.structs.replace(card, id=workplace_id(origin, card.id))
        cards.append(named)
        efforts[named.id] = effort
    return tuple(cards), efforts


def _sum_wants(
    node: Node, council: Council, table: GoodsTable, credits_micro: int, k_households: int
) -> tuple[MappedSales, Sources]:
    """What the till sold, moved by wishes, pledges and the committee, in this order; with where each sum comes from."""
    wanted = {good for nest in shape_council(council, table) for good in nest.goods}
    periods = table.periods
    start_price_micro = {good.id: good.start_price_micro for good in table.goods if good.id in wanted}
    # A connection of its own: a long read on the node's reader would hide from everybody what is committed meanwhile.
    with contextlib.closing(open_reader(node.database.path)) as db:
        sales = map(sale_of_row, till_lines.sale_rows(db))
        mapped, unseen = sum_till(sales, parse_rules(council.till), periods)
        wishes, pledges = (
            group_voices(
                spread_voices(starmap(Spoken, member_wants(db, kind)), periods, kind == PLEDGE), start_price_micro
            )
            for kind in (WISH, PLEDGE)
        )
    sources = describe_till(mapped, start_price_micro, k_households)
    for good in start_price_micro:
        if table.split_name(good)[1] in unseen:
            sources[good].append("no till lines of these weeks yet: as in all weeks")
    apply_wishes(mapped, wishes, k_households, sources)
    apply_pledges(mapped, pledges, start_price_micro, credits_micro, k_households, sources)
    for good, percent in council.edits_percent.items():
        named = [name for name in (good, *(name_in(good, one.id) for one in periods)) if name in mapped.goods]
        if not named:
            raise RefusedError.at(f"edits_percent.{good}", "no till lines count as this good, and no pledges")
        for name in named:
            mapped.goods[name].amount_cents = mapped.goods[name].amount_cents * percent // 100
            sources.setdefault(name, []).append(f"committee: {percent} % of that")
    return mapped, sources


def _prepare_council(
    origin: str,
    council: Council,
    mapped: MappedSales,
    table: GoodsTable,
    people: int,
    terms: CardTerms,
    k_households: int,
) -> tuple[ConsumerCard, Tastes, tuple[str, ...]]:
    index = {good.id: place for place, good in enumerate(table.goods)}
    shapes = shape_council(council, table)
    unknown = sorted({good for nest in shapes for good in nest.goods} - index.keys())
    if unknown:
        raise RefusedError.at("council.nests", f"{unknown[0]} is not in the goods table of this call")
    prices = {good.id: Decimal(good.start_price_micro) / MICRO for good in table.goods}
    due, extra = (
        spread_needs({floor.good: Decimal(floor.amount).scaleb(-floor.decimals) for floor in floors}, table)
        for floors in (terms.floors, terms.extra_floors)
    )
    shapes = leave_out_of_season(shapes, mapped, due.keys() | extra.keys(), table)
    allotment = Allotment(people, terms.credits_per_person_micro, due, terms.extra_credits_micro, extra)
    found = tastes_from_consumption(mapped, shapes, prices, allotment, k_households)
    allotted = allotted_floors(table, people, terms)
    nests = [prepare_nest(nest, table, index, allotted) for nest in found.nests if nest.credits_micro > 0]
    card = ConsumerCard(origin, people, tuple(public for public, _ in nests))
    return card, Tastes(tuple(private for _, private in nests)), found.summed


def shape_council(council: Council, table: GoodsTable) -> list[NestShape]:
    """The nests that a council released, under the names of the goods table."""
    return shape_nests((NestShape(one.id, one.name, Decimal(one.sigma), one.goods) for one in council.nests), table)


def prepare_nest(
    nest: TasteNest, table: GoodsTable, index: dict[str, int], allotted: dict[int, int]
) -> tuple[Nest, NestTastes]:
    """One nest as its card shows it, and the tastes behind it; `index` is each good's place in the table, `allotted`
    the units of each place that are basic needs."""
    # A good without weight and floor is not wanted at all; one with a floor only keeps the least weight there is.
    cells = [cell for cell in nest.goods if cell.weight > 0 or cell.floor > 0]
    least = min((cell.weight for cell in cells if cell.weight > 0), default=Decimal(1)) / 1_000_000
    taste = NestTastes(float(nest.sigma), tuple(float(max(cell.weight, least)) for cell in cells))
    goods = tuple(index[cell.good] for cell in cells)
    floors = tuple(allotted.get(good, 0) for good in goods)
    start_prices = _start_prices(table, goods)
    above = want_at_prices(taste, nest.credits_micro / MICRO, start_prices)
    wants = tuple(
        floor + _units(want, table.goods[good].decimals) for good, floor, want in zip(goods, floors, above, strict=True)
    )
    return Nest(nest.credits_micro, goods, floors, wants), taste


def _start_prices(table: GoodsTable, goods: tuple[int, ...]) -> Floats:
    return np.array([table.goods[good].start_price_micro / MICRO for good in goods])


def _units(amount: float, decimals: int) -> int:
    return int(Decimal(amount).scaleb(decimals).to_integral_value(ROUND_CEILING))
