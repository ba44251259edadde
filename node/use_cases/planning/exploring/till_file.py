"""A till file brought along to try: what it sold takes the place of a council's guessed tastes, for one question.

Invariant: nothing of the file is kept, in memory or on disk, and no sum of it stands for fewer than k households.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

import msgspec

from node.till.goods_mapping import parse_rules
from node.till.plain_csv import parse_plain_csv
from node.till.sale import TillFile as ParsedFile
from node.till.tastes import Allotment, NestShape, tastes_from_consumption
from node.till.text_decoding import FILE_BYTES_MAX
from node.use_cases.planning.periods.wants import sum_till
from node.use_cases.planning.proposals.private_side import Council, prepare_nest, shape_council
from node.use_cases.till import NAME_LENGTH_MAX
from protocol.core.errors import RefusedError, refuse
from protocol.planning.cards import MICRO, ConsumerCard
from protocol.planning.certificate import goods_of
from protocol.planning.plan import Plan
from protocol.planning.responses import Tastes

RULE_GOODS_MAX = 2_048
RULES_PER_GOOD_MAX = 1_000
COUNCILS_NAMED_MAX = 8
EVEN = Decimal(1)
"""Shares of credits are kept whatever the scarcity (sigma 1): as of all others who are guessed."""

Rules = Mapping[str, tuple[str, ...]]


class TillFile(msgspec.Struct, kw_only=True):
    """A till file to try: its name and bytes, and whose till it is (a council's card; empty means this home's).

    `rules` say which lines count as which good; without them those that this home released count, or else a line
    counts as the good whose name its category bears."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LENGTH_MAX)]
    content: bytes
    council: Annotated[str, msgspec.Meta(max_length=128)] = ""
    rules: Annotated[
        dict[str, Annotated[tuple[str, ...], msgspec.Meta(max_length=RULES_PER_GOOD_MAX)]],
        msgspec.Meta(max_length=RULE_GOODS_MAX),
    ] = {}


class TillTold(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of a file: its lines, those that count as no good of the plan, the goods that were too rare to
    stand alone, and what was thrown away unread."""

    name: str
    council: str
    lines: int
    lines_left_out: int
    summed: tuple[str, ...]
    columns_dropped: tuple[str, ...]


class Brought(msgspec.Struct, frozen=True):
    """A council as the file would have it: its card and tastes in the plan that is tried."""

    card: ConsumerCard
    tastes: Tastes
    told: TillTold


def bring_till(plan: Plan, file: TillFile, own: Council | None, token_key: bytes, k_households: int) -> Brought:
    """The council with the proportions of this till; RefusedError names the lines or the council that will not do.

    `own` is what this home released, None where it has not; `token_key` (32 bytes) is drawn for this one reading."""
    card, parsed = _find_council(plan, file.council), _parse(file, token_key)
    goods = {good.id: number for number, good in enumerate(plan.goods_table.goods)}
    floors = _read_floors(card)
    rules = file.rules or (own.till if own is not None else _rules_by_name(plan))
    table = plan.goods_table
    named = {table.split_name(good)[0] for good in goods}
    mapping = parse_rules({good: texts for good, texts in rules.items() if good in named})
    mapped, _ = sum_till(parsed.sales, mapping, table.periods)
    prices = {good.id: Decimal(good.start_price_micro) / MICRO for good in plan.goods_table.goods}
    decimals = {good.id: good.decimals for good in plan.goods_table.goods}
    needs = {good: Decimal(floors.get(number, 0)).scaleb(-decimals[good]) for good, number in goods.items()}
    # All that the council has, as of one person: only proportions count.
    allotment = Allotment(1, sum(nest.credits_micro for nest in card.nests), needs)
    found = tastes_from_consumption(mapped, _shape_nests(plan, card, own), prices, allotment, k_households)
    nests = [prepare_nest(nest, plan.goods_table, goods, floors) for nest in found.nests if nest.credits_micro]
    brought = msgspec.structs.replace(card, nests=tuple(nest for nest, _ in nests))
    told = TillTold(
        name=file.name,
        council=card.id,
        lines=mapped.lines,
        lines_left_out=mapped.lines_unmapped,
        summed=found.summed,
        columns_dropped=parsed.columns_dropped,
    )
    return Brought(brought, Tastes(tuple(taste for _, taste in nests)), told)


def _find_council(plan: Plan, name: str) -> ConsumerCard:
    card = next((one for one in plan.consumers if one.id == name), None)
    if card is None:
        known = ", ".join(one.id for one in plan.consumers[:COUNCILS_NAMED_MAX])
        raise RefusedError.at("council", f"say whose till this is, one of the plan's councils: {known}")
    return card


def _parse(file: TillFile, token_key: bytes) -> ParsedFile:
    if len(file.content) > FILE_BYTES_MAX:
        raise RefusedError.at(file.name, f"{len(file.content)} bytes, at most {FILE_BYTES_MAX} are read")
    parsed = parse_plain_csv(file.content, token_key)
    refuse(parsed.findings, f"{file.name}: nothing was tried")
    return parsed


def _read_floors(card: ConsumerCard) -> dict[int, int]:
    floors = [floor for nest in card.nests for floor in nest.floors]
    return dict(zip(goods_of(card), floors, strict=True))


def _rules_by_name(plan: Plan) -> Rules:
    """A line counts as the good whose name its category bears, written with blanks or underscores."""
    table = plan.goods_table
    eaten = {table.split_name(table.goods[good].id)[0] for card in plan.consumers for good in goods_of(card)}
    return {name: (name, name.replace("_", " ")) for name in sorted(eaten) if ": " not in name}


def _shape_nests(plan: Plan, card: ConsumerCard, own: Council | None) -> list[NestShape]:
    """The nests that this home released, and the card's own for what stands in none of them."""
    goods = [good.id for good in plan.goods_table.goods]
    shapes, named = [], set[str]()
    released = [(nest.id, nest.goods) for nest in shape_council(own, plan.goods_table)] if own is not None else []
    of_card = [(f"card-{place}", tuple(goods[good] for good in nest.goods)) for place, nest in enumerate(card.nests)]
    for name, members in (*released, *of_card):
        kept = tuple(good for good in members if good not in named and good in goods)
        named.update(kept)
        if kept:
            shapes.append(NestShape(name, name, EVEN, kept))
    return shapes
