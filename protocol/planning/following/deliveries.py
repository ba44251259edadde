"""What was really carried: each side says what it gave or received, and corrects itself by saying so.

Invariant: a co-op speaks for its own end of a way and no other; what its words add up to never falls below nothing.
Invariant: two sides that say different amounts are both kept; no rule chooses between them.
Spec: docs/spec/planning/following.md
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from protocol.core.errors import Finding
from protocol.planning.card_rules import QUANTITY_MOST
from protocol.planning.certificate import all_workplaces
from protocol.planning.contributions import owner_of_card
from protocol.planning.delivery.transport import STOCK
from protocol.planning.following.records import PlanDelivery
from protocol.planning.plan import Plan

WAYS_MAX: Final = 4_096
"""Ways of which one co-op can tell: what goes beyond counts for nothing."""


Way = tuple[str, str, str]
"""(good's id, source, to): by id, so that what was carried under a plan still counts under its revision."""


class Told(msgspec.Struct, frozen=True):
    """What the two ends of a way say, in units; None where that side has said nothing."""

    given: int | None = None
    received: int | None = None


def list_ends(plan: Plan) -> frozenset[str]:
    """Every name that goods can come from or go to: all cards, outside trade, and the stock."""
    return frozenset({STOCK, *(one.id for one in plan.consumers), *(one.id for one in all_workplaces(plan))})


def audit_delivery(origin: str, body: PlanDelivery, digest: bytes, plan: Plan) -> list[Finding]:
    """Why what a co-op says was carried counts for nothing, as far as that can be seen from these words alone."""
    if body.plan != digest:
        return [Finding("plan", "is not the plan in force of this call")]
    ends = list_ends(plan)
    found: list[Finding] = []
    for number, load in enumerate(body.loads):
        place = f"loads[{number}]"
        if load.good >= len(plan.goods_table.goods) or plan.goods_table.goods[load.good].kind != "good":
            found.append(Finding(f"{place}.good", "is nothing that can be carried"))
        found += [
            Finding(f"{place}.{end}", "no card of this plan")
            for end, name in (("source", load.source), ("to", load.to))
            if name not in ends
        ]
        if load.source == load.to or load.units == 0:
            found.append(Finding(place, "nothing is carried"))
        if origin not in (owner_of_card(load.source), owner_of_card(load.to)):
            found.append(Finding(place, "neither end is this member's"))
    return found


def apply_deliveries(
    spoken: Mapping[str, tuple[PlanDelivery, ...]], digest: bytes, plan: Plan, before: Mapping[Way, Told] | None = None
) -> dict[Way, Told]:
    """What both ends of each way say, added up in the order of each one's own log; `before` was said under earlier
    revisions of the plan. Words that do not count, or would lead below nothing or beyond bounds, change nothing.
    """
    told = dict(before or {})
    for origin in sorted(spoken):
        own = {way for way, one in told.items() if _has_spoken(origin, way, one)}
        for body in spoken[origin]:
            if audit_delivery(origin, body, digest, plan):
                continue
            changed = _add(origin, body, plan, told)
            if changed is not None and len(own | changed.keys()) <= WAYS_MAX:
                told |= changed
                own |= changed.keys()
    return told


def _has_spoken(origin: str, way: Way, one: Told) -> bool:
    _, source, to = way
    given, received = one.given is not None, one.received is not None
    return (given and owner_of_card(source) == origin) or (received and owner_of_card(to) == origin)


def _add(origin: str, body: PlanDelivery, plan: Plan, told: Mapping[Way, Told]) -> dict[Way, Told] | None:
    """The ways that a co-op's words change, None where they lead out of bounds."""
    changed: dict[Way, Told] = {}
    for load in body.loads:
        way = plan.goods_table.goods[load.good].id, load.source, load.to
        one = changed.get(way) or told.get(way) or Told()
        given, received = one.given, one.received
        if owner_of_card(load.source) == origin:
            given = (given or 0) + load.units
        if owner_of_card(load.to) == origin:
            received = (received or 0) + load.units
        if not all(0 <= units <= QUANTITY_MOST for units in (given or 0, received or 0)):
            return None
        changed[way] = Told(given, received)
    return changed
