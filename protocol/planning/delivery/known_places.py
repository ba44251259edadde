"""Where co-ops say that they and their workplaces are, and which end of a plan's deliveries is then where.

Invariant: a co-op says it for itself and its own workplaces; for what comes from outside and for stocks the member that
called the plan does. The last word of a log on a name counts, in any order of arrival the same.
Spec: docs/spec/planning/delivery.md, section "Known places"
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from protocol.planning.contributions import owner_of_card
from protocol.planning.delivery.place_record import PlanPlaces
from protocol.planning.delivery.places import Place
from protocol.planning.delivery.transport import STOCK, list_transports
from protocol.planning.periods.names import find_base
from protocol.planning.plan import Plan

OUTSIDE: Final = "outside"
"""Where all goods arrive that are bought outside, unless a trade node has a place of its own."""


def apply_places(spoken: Mapping[str, Sequence[PlanPlaces]], members: Collection[str], caller: str) -> dict[str, Place]:
    """What counts of the members' words in a plan that `caller` called: name -> place."""
    known: dict[str, Place] = {}
    for origin in sorted(spoken):
        for body in spoken[origin]:
            for one in body.places:
                owner = owner_of_card(one.name)
                if owner == origin or (origin == caller and owner not in members):
                    known[one.name] = one.place
    return known


def place_ends(plan: Plan, known: Mapping[str, Place]) -> tuple[dict[str, Place], tuple[str, ...]]:
    """A place for every end of the plan's deliveries, and the ends of which none is known.

    A workplace without one is where its co-op is, in every period at the same; a store is where the stock lies.
    """
    trade = {card.id for card in plan.goods_table.trade}
    ends = {name for transport in list_transports(plan) for name, _ in (*transport.supplies, *transport.needs)}
    found = {}
    for name in sorted(ends):
        base = find_base(name)
        others = (STOCK if " kept from " in name else OUTSIDE,) if name in trade else (owner_of_card(name),)
        place = next((known[one] for one in (name, base, *others) if one in known), None)
        if place is not None:
            found[name] = place
    return found, tuple(sorted(ends - found.keys()))
