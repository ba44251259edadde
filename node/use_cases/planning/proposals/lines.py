"""A council's card line by line, each with where it came from: what its people read before they release it.

Invariant: the lines are those of the very card that would go out; no line shows a group of fewer than k households.
"""

import hashlib

import msgspec

from node.use_cases.planning.proposals.private_side import Council, PrivateSide, shape_council
from protocol.core.encoding import encode, to_value
from protocol.planning.card_rules import allotted_credits, allotted_floors
from protocol.planning.cards import MICRO_DECIMALS, CardTerms, GoodsTable, WorkplaceCard
from protocol.planning.contributions import WORKPLACE_MARK
from protocol.planning.summary import format_amount


class CardLine(msgspec.Struct, frozen=True):
    """One good of the card: its want (floor included) and floor in the good's unit, and where they come from."""

    good: str
    nest: str
    unit: str
    want: str
    floor: str
    sources: tuple[str, ...]


class CardNest(msgspec.Struct, frozen=True):
    """One nest: its part of the council's credits, and how easily its goods stand in for one another."""

    nest: str
    sigma: str
    credits: str


class WorkplaceLine(msgspec.Struct, frozen=True):
    """What a workplace offers: most and least of its capacity, what it can make, and whether only it knows how."""

    label: str
    capacity: str
    least: str
    makes: tuple[str, ...]
    is_private: bool


class CardPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What would go out: the council's nests and lines, its workplaces, and what no rule of the till took.
    `digest` names these very cards."""

    people: int
    credits: str
    nests: tuple[CardNest, ...]
    lines: tuple[CardLine, ...]
    workplaces: tuple[WorkplaceLine, ...]
    till_lines_left_out: int
    digest: str


def describe_side(
    side: PrivateSide, council: Council | None, table: GoodsTable, people: int, terms: CardTerms
) -> CardPreview:
    """A member's cards in words, from what was prepared for one reading."""
    shapes = [] if council is None else shape_council(council, table)
    nest_of = {good: nest for nest in shapes for good in nest.goods}
    floors = allotted_floors(table, people, terms)
    excepted = {floor.good for floor in terms.extra_floors}
    nests: list[CardNest] = []
    lines: list[CardLine] = []
    for card in side.cards.consumers:
        for nest in card.nests:
            shape = nest_of[table.goods[nest.goods[0]].id]
            nests.append(CardNest(shape.name, str(shape.sigma), format_amount(nest.credits_micro, MICRO_DECIMALS)))
            for place, floor, want in zip(nest.goods, nest.floors, nest.wants, strict=True):
                good = table.goods[place]
                said = list(side.sources.get(good.id, ()))
                if good.id in side.summed:
                    said.append("shared evenly with others that too few households bought")
                if floors.get(place):
                    said.append(f"floor: the charter's list for {people} people")
                if good.id in excepted:
                    said.append("floor: with what the members approved for this co-op")
                wanted, needed = format_amount(want, good.decimals), format_amount(floor, good.decimals)
                lines.append(CardLine(good.id, shape.name, good.unit, wanted, needed, tuple(said)))
    return CardPreview(
        people=people,
        credits=format_amount(allotted_credits(people, terms), MICRO_DECIMALS),
        nests=tuple(nests),
        lines=tuple(lines),
        workplaces=tuple(_describe_workplace(side, card, table) for card in side.cards.workplaces),
        till_lines_left_out=side.lines_unmapped,
        digest=digest_cards(side),
    )


def digest_cards(side: PrivateSide) -> str:
    """The hash of the cards that would go out, in hex: whoever has read them can say which they were."""
    return hashlib.sha256(encode(to_value(side.cards))).hexdigest()


def _describe_workplace(side: PrivateSide, card: WorkplaceCard, table: GoodsTable) -> WorkplaceLine:
    # Behind an outline stand the recipes that this home keeps; its own people may read them.
    own = side.efforts[card.id].recipes or card
    made = {good for technique in own.techniques for good, amount in technique.net if amount < 0}
    return WorkplaceLine(
        label=card.id.partition(WORKPLACE_MARK)[2],
        capacity=format_amount(own.capacity, MICRO_DECIMALS),
        least=format_amount(own.least, MICRO_DECIMALS),
        makes=tuple(table.goods[good].id for good in sorted(made)),
        is_private=bool(card.outline),
    )
