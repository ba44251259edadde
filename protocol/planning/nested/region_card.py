"""A region as one participant of the plan above: its card, its answers, and what it is allocated in the end.

In the plan above a region shows an outline over the shared goods: what it lacks is use, what it has over is output.
In its own plan one more participant, the level above, brings and takes the same goods with the sign turned round. To a
state of the plan above it wants what that state pulls towards; the region's own rounds say what of it does the region
most good, and that is the answer. So a region needs no tastes, recipes or effort of its members to speak for them.
Invariants: integers on both sides; an allocation never gives more nor takes less than the plan above says.
Spec: docs/spec/planning/nested-plans.md.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from protocol.core.errors import RefusedError
from protocol.core.quantities import divide_up
from protocol.planning.cards import MICRO, GoodsTable, Technique, WorkplaceCard
from protocol.planning.economy import Economy, Floats, Integers
from protocol.planning.plan import Plan
from protocol.planning.private.mix import hold_outline
from protocol.planning.private.outlines import bound_levels
from protocol.planning.state import State

ABOVE = "(the level above)"
ROUNDS_BELOW = 3
"""A region's own rounds for each round above."""
REGION = "region"
REGION_LABEL, ABOVE_LABEL = "region", "above"
"""What a speaker's card is called that stands for its region in the plan above, and for the level above in its own."""


def region_name(region: str) -> str:
    """The card id of a region in the plan above, where that has no logs."""
    return f"{REGION} {region}"


def outline_region(name: str, alone: Economy, table: GoodsTable) -> WorkplaceCard:
    """The region's card above: of each shared good what it could use, and make, at most, rounded up to one digit.

    `alone` is the region's economy without the level above; `table` the goods of the plan above. Goods are matched by
    id. Raises RefusedError where the region touches none of them.
    """
    place = {good.id: index for index, good in enumerate(table.goods)}
    used, made = _potentials(alone)
    outline = []
    for index, good in enumerate(alone.goods):
        if good.id in place and used[index] + made[index] > 0.0:
            bounds = -_one_digit(made[index]), _one_digit(used[index])
            outline.append((place[good.id], *bounds))
    if not outline:
        raise RefusedError.at(name, "uses and makes none of the shared goods")
    return WorkplaceCard(name, MICRO, 0, (), tuple(sorted(outline)), apart=True)


def card_of_above(outline: WorkplaceCard, table: GoodsTable, own: GoodsTable, name: str = ABOVE) -> WorkplaceCard:
    """The level above as a participant of the region's plan: the same goods by their numbers there, turned round."""
    place = {good.id: index for index, good in enumerate(own.goods)}
    turned = ((place[table.goods[good].id], -highest, -lowest) for good, lowest, highest in outline.outline)
    return WorkplaceCard(name, MICRO, 0, (), tuple(sorted(turned)), apart=True)


class Pull:
    """What a state of the plan above says to one region: how much of each good it aims at, and how firmly.

    `pivot` and `hold` (v and the matrix R of docs/spec/planning/private-recipes.md, in spans) follow the outline
    of its card.
    """

    def __init__(self, card: WorkplaceCard, economy: Economy, state: State) -> None:
        rows = economy.answer_ranges[card.id]
        self.pivot: Floats = state.carried[rows.start : rows.stop] / MICRO
        self.hold: Floats = hold_outline(economy, state, card.id)


def answer_of_above(card: WorkplaceCard, order: Sequence[int], pull: Pull, economy: Economy, state: State) -> list[int]:
    """What the level above says in a round of the region's plan: between where both plans want it, by their firmness.

    `order[i]` is the place in the region's outline of the i-th good of `card`. Millionths of a span.
    """
    rows = economy.answer_ranges[card.id]
    own, aim = hold_outline(economy, state, card.id), state.carried[rows.start : rows.stop] / MICRO
    firm, pivot = pull.hold[np.ix_(order, order)], -pull.pivot[list(order)]
    between = np.linalg.solve(own + firm, own @ aim + firm @ pivot)
    said: list[int] = np.rint(between * MICRO).astype(np.int64).tolist()
    return _within(said, card)


def answer_of_region(
    outline: WorkplaceCard, card: WorkplaceCard, order: Sequence[int], economy: Economy, state: State
) -> tuple[int, ...]:
    """What the region says above: what its own plan has the level above bring and take now, in millionths of a span."""
    rows = economy.answer_ranges[card.id]
    planned: Integers = state.planned[rows.start : rows.stop]
    said = [0] * len(order)
    for position, place in enumerate(order):
        said[place] = -int(planned[position])
    return tuple(_within(said, outline))


def match_goods(outline: WorkplaceCard, card: WorkplaceCard, table: GoodsTable, own: GoodsTable) -> tuple[int, ...]:
    """For each good of the card of the level above its place in the region's outline."""
    place = {table.goods[good].id: position for position, (good, _, _) in enumerate(outline.outline)}
    return tuple(place[own.goods[good].id] for good, _, _ in card.outline)


def allocation_of(fixed: WorkplaceCard, activity: Sequence[int], table: GoodsTable) -> dict[str, int]:
    """Shared good -> millionths of a whole unit that the region gets (above 0) or gives, by the plan above.

    Rounded down: to the next millionth a region gets no more than the plan holds, and gives no less.
    """
    (technique,), (level,) = fixed.techniques, activity
    return {table.goods[good].id: amount * level // MICRO for good, amount in technique.net}


def card_of_allocation(allocation: Mapping[str, int], own: GoodsTable, name: str = ABOVE) -> WorkplaceCard | None:
    """The allocation as a participant of the region's last plan that is done as a whole; None where nothing moves."""
    place = {good.id: index for index, good in enumerate(own.goods)}
    net = tuple(sorted((place[good], -amount) for good, amount in allocation.items() if amount))
    return WorkplaceCard(name, MICRO, MICRO, (Technique(net, MICRO),)) if net else None


def prices_above(plan: Plan, own: GoodsTable) -> tuple[tuple[int, int], ...]:
    """The prices of a plan above for the goods that a region's table has too: (good there, micro-credits)."""
    known = {good.id: price for good, price in zip(plan.goods_table.goods, plan.prices, strict=True)}
    return tuple((place, known[good.id]) for place, good in enumerate(own.goods) if good.id in known)


def fix_prices(own: Sequence[int], above: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """A region's prices under an allocation (micro-credits): those of the plan above, and for its own goods `own`."""
    fixed = dict(above)
    return tuple(fixed.get(place, price) for place, price in enumerate(own))


def _within(said: list[int], card: WorkplaceCard) -> list[int]:
    return [min(max(level, lowest), most) for level, (lowest, most) in zip(said, bound_levels(card), strict=True)]


def _potentials(economy: Economy) -> tuple[list[float], list[float]]:
    """Whole units of each good that councils and workplaces could use, and make, at most; plus what is there."""
    eaters, makers = economy.eaters, economy.makers
    used, made = np.zeros(len(economy.goods)), economy.endowment.copy()
    np.add.at(used, eaters.good, np.maximum(eaters.scale, eaters.want))
    moved = makers.net * np.where(makers.has, makers.level, 0.0)[makers.edge_owner]
    np.add.at(used, makers.edge_good, np.sum(np.maximum(moved, 0.0), axis=1))
    np.add.at(made, makers.edge_good, np.sum(np.maximum(-moved, 0.0), axis=1))
    return used.tolist(), made.tolist()


def _one_digit(whole: float) -> int:
    """Millionths, upwards to one digit: 0.23 is 0.3."""
    amount = math.ceil(whole * MICRO)
    unit = int(10 ** (len(str(amount)) - 1))
    return divide_up(amount, unit) * unit
