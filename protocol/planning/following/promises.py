"""What a plan asks of each card, good by good, and what the card's co-op signs that it will give or take.

Invariant: a co-op promises for its own cards only, and only what the plan has a line for; a later word on a line takes
the place of an earlier one of the same log, so that the order in which logs arrive changes nothing.
Spec: docs/spec/planning/following.md
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from protocol.core.errors import Finding
from protocol.planning.contributions import owner_of_card
from protocol.planning.delivery.transport import STOCK, list_transports
from protocol.planning.following.records import PlanPromises
from protocol.planning.plan import Plan

Side = Literal["gives", "takes"]
Line = tuple[str, int]
"""(card, good's place in the goods table)."""


@dataclass(frozen=True)
class PlannedLine:
    """What a plan asks of one card for one good, in units; `is_outside`: a trade node or the stock, nobody's card."""

    card: str
    good: int
    side: Side
    units: int
    is_outside: bool


def list_planned(plan: Plan) -> dict[Line, PlannedLine]:
    """Every line of what is to be carried: who gives and who takes how much of each good
    (docs/spec/planning/delivery.md)."""
    outside = {STOCK, *(card.id for card in plan.goods_table.trade)}
    found: dict[Line, PlannedLine] = {}
    for transport in list_transports(plan):
        sides: tuple[tuple[Side, tuple[tuple[str, int], ...]], ...] = (
            ("gives", transport.supplies),
            ("takes", transport.needs),
        )
        for side, amounts in sides:
            for card, units in amounts:
                found[card, transport.good] = PlannedLine(card, transport.good, side, units, card in outside)
    return found


def audit_promises(
    origin: str, body: PlanPromises, digest: bytes, planned: Mapping[Line, PlannedLine]
) -> list[Finding]:
    """Why a co-op's promise counts for nothing: another plan, another's card, or a line that the plan has not."""
    if body.plan != digest:
        return [Finding("plan", "is not the plan in force of this call")]
    names = [one.card for one in body.cards]
    if len(set(names)) != len(names):
        return [Finding("cards", "one card stands twice")]
    found: list[Finding] = []
    for one in body.cards:
        goods = [promise.good for promise in one.promises]
        if owner_of_card(one.card) != origin:
            found.append(Finding(one.card, "not a card of this member"))
        elif len(set(goods)) != len(goods):
            found.append(Finding(one.card, "one good stands twice"))
        else:
            found += [
                Finding(f"{one.card}.{good}", "the plan asks nothing of this card for this good")
                for good in goods
                if (one.card, good) not in planned
            ]
    return found


def apply_promises(
    spoken: Mapping[str, tuple[PlanPromises, ...]], digest: bytes, planned: Mapping[Line, PlannedLine]
) -> dict[Line, int]:
    """What each line's co-op promises, in units: its last word in the order of its own log that counts."""
    return {
        (one.card, promise.good): promise.units
        for origin, bodies in spoken.items()
        for body in bodies
        if not audit_promises(origin, body, digest, planned)
        for one in body.cards
        for promise in one.promises
    }
