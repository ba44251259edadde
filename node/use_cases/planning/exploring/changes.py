"""What would be different in a plan that is tried again: needs, capacities, caps, and who takes part.

Invariant: the plan's own cards are never touched; what the plan does not have is named, all of it at once.
"""

from typing import Annotated

import msgspec

from protocol.core.errors import Finding, RefusedError, refuse
from protocol.core.quantities import parse_decimal
from protocol.planning.card_rules import quantity_most
from protocol.planning.cards import ConsumerCard, GoodsTable, Nest, WorkplaceCard
from protocol.planning.contributions import owner_of_card
from protocol.planning.plan import Plan

CHANGES_MAX = 100
PERCENT_MAX = 1_000

Percent = Annotated[int, msgspec.Meta(ge=0, le=PERCENT_MAX)]
Name = Annotated[str, msgspec.Meta(max_length=128)]
Amount = Annotated[str, msgspec.Meta(max_length=30)]


class Changes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What would be different: floors in whole units for each person (all councils that have the good), capacities and
    endowments (caps, hours, land, outside money, stock) in percent of today's; `leaves`: members that vote no, and
    leave the plan with all their cards."""

    floors: Annotated[dict[Name, Amount], msgspec.Meta(max_length=CHANGES_MAX)] = {}
    capacities: Annotated[dict[Name, Percent], msgspec.Meta(max_length=CHANGES_MAX)] = {}
    endowments: Annotated[dict[Name, Percent], msgspec.Meta(max_length=CHANGES_MAX)] = {}
    leaves: Annotated[tuple[Name, ...], msgspec.Meta(max_length=CHANGES_MAX)] = ()


def apply_changes(
    plan: Plan, changes: Changes
) -> tuple[GoodsTable, tuple[ConsumerCard, ...], tuple[WorkplaceCard, ...]]:
    """The cards with the changes in them; RefusedError names every good and workplace that the plan does not have."""
    goods = {good.id: number for number, good in enumerate(plan.goods_table.goods)}
    makers = {card.id for card in (*plan.workplaces, *plan.goods_table.trade)}
    cards = [card.id for card in plan.consumers] + [card.id for card in plan.workplaces]
    members = set(map(owner_of_card, cards))
    unknown = [
        Finding(f"{place}.{name}", "is not in this plan")
        for place, named, known in (
            ("floors", changes.floors, goods.keys()),
            ("endowments", changes.endowments, goods.keys()),
            ("capacities", changes.capacities, makers),
            ("leaves", changes.leaves, members),
        )
        for name in named
        if name not in known
    ]
    refuse(unknown, "the change is refused")
    floors = {goods[name]: _read_floor(plan, goods[name], text) for name, text in changes.floors.items()}
    table = msgspec.structs.replace(
        plan.goods_table,
        goods=tuple(
            msgspec.structs.replace(good, endowment=good.endowment * changes.endowments.get(good.id, 100) // 100)
            for good in plan.goods_table.goods
        ),
        trade=_scale_all(plan.goods_table.trade, changes),
    )
    left = frozenset(changes.leaves)
    councils = (card for card in plan.consumers if owner_of_card(card.id) not in left)
    consumers = tuple(_raise_floors(plan, card, floors) for card in councils)
    workplaces = tuple(card for card in plan.workplaces if owner_of_card(card.id) not in left)
    return table, consumers, _scale_all(workplaces, changes)


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
            new.append(min(floors[good] * card.people, most) if good in floors else floor)
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
