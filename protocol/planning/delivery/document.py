"""A delivery as a document: what is carried from whom to whom, and the proof that no shorter way exists.

Invariant: anyone checks it in whole numbers without solving anything: with the potentials, what was carried costs
exactly what the best way would cost, or the check says by how much it may be longer.
Spec: docs/spec/planning/delivery.md
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from protocol.core.document import format_document, parse_document
from protocol.core.errors import Finding
from protocol.core.quantities import divide_up
from protocol.planning.card_rules import QUANTITY_MOST
from protocol.planning.cards import PPM
from protocol.planning.delivery.places import Place, metres_between
from protocol.planning.delivery.transport import Transport, list_transports
from protocol.planning.plan import Plan, digest_plan, format_plan

DELIVERY_FORMAT: Final = "rochdale-delivery/1"
DELIVERY_BYTES_MAX: Final = 64 * 1024 * 1024
FINDINGS_MAX: Final = 100


class Load(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """So many units from one card to another."""

    source: str
    to: str
    units: int


class GoodDelivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One good: its loads, sorted by source and destination; and potentials in metres, empty where nothing is proven.

    `at_source` and `at_need` by card: carrying a unit is worth `at_need` less `at_source`, never more than its way.
    """

    good: str
    loads: tuple[Load, ...]
    at_source: dict[str, int]
    at_need: dict[str, int]


class Delivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All goods of one plan, named by its digest in hex, in the order of its goods table. `places` by card."""

    format: str
    plan: str
    places: dict[str, Place]
    goods: tuple[GoodDelivery, ...]


@dataclass(frozen=True)
class GoodCheck:
    """One good's way: unit-metres as delivered, and the least that any delivery can have (None: not proven).

    `rounded_off`: units that nobody carries, because parts of units are not carried.
    """

    good: str
    unit_metres: int
    least_unit_metres: int | None
    rounded_off: int

    @property
    def longer_ppm(self) -> int | None:
        """How much longer than the best it may be: parts per million, rounded up; None while nothing is proven."""
        if self.least_unit_metres is None or self.unit_metres == 0:
            return 0 if self.unit_metres == 0 else None
        return divide_up((self.unit_metres - self.least_unit_metres) * PPM, self.unit_metres)


@dataclass(frozen=True)
class DeliveryCheck:
    """What a check found: it holds when `findings` is empty."""

    findings: tuple[Finding, ...]
    goods: tuple[GoodCheck, ...]


def format_delivery(delivery: Delivery) -> bytes:
    """The canonical bytes."""
    return format_document(delivery)


def parse_delivery(encoded: bytes) -> Delivery:
    """The delivery in these bytes; RefusedError unless they are a canonical document."""
    return parse_document(encoded, Delivery, DELIVERY_FORMAT, "delivery", DELIVERY_BYTES_MAX)


def check_places(plan: Plan, places: Mapping[str, Place]) -> list[Finding]:
    """Who has something to carry or to receive and no place."""
    names = {name for one in list_transports(plan) for name, _ in (*one.supplies, *one.needs)}
    return [
        Finding(f"places.{name}", "has something to carry or receive, and no place")
        for name in sorted(names - places.keys())
    ]


def check_delivery(plan: Plan, delivery: Delivery) -> DeliveryCheck:
    """Everything about a delivery that follows from the plan: whole numbers only."""
    named = digest_plan(format_plan(plan)).hex()
    if delivery.plan != named:
        return DeliveryCheck((Finding("plan", f"is of another plan than {named[:16]}"),), ())
    if missing := check_places(plan, delivery.places):
        return DeliveryCheck(tuple(missing[:FINDINGS_MAX]), ())
    transports = list_transports(plan)
    names = [plan.goods_table.goods[one.good].id for one in transports]
    if [one.good for one in delivery.goods] != names:
        return DeliveryCheck(
            (Finding("goods", "not every good that is needed stands here once, in the plan's order"),), ()
        )
    findings: list[Finding] = []
    checks = []
    for transport, good in zip(transports, delivery.goods, strict=True):
        found = _audit_loads(transport, good)
        findings += found
        if not found:
            check, wrong = _measure(transport, good, delivery.places)
            checks.append(check)
            findings += wrong
    return DeliveryCheck(tuple(findings[:FINDINGS_MAX]), tuple(checks))


def _audit_loads(transport: Transport, good: GoodDelivery) -> list[Finding]:
    """Every load runs between cards that have and need the good; nobody gives more than they have, all get theirs."""
    left, missing = dict(transport.supplies), dict(transport.needs)
    ways = [(load.source, load.to) for load in good.loads]
    if ways != sorted(set(ways)):
        return [Finding(good.good, "loads are not sorted, or a way stands twice")]
    for load in good.loads:
        if load.source not in left or load.to not in missing or not 0 < load.units <= QUANTITY_MOST:
            return [Finding(f"{good.good}.{load.source}.{load.to}", "there is nothing of this to carry that way")]
        left[load.source] -= load.units
        missing[load.to] -= load.units
    found = [
        Finding(f"{good.good}.{name}", f"gives {-units} units more than it has")
        for name, units in left.items()
        if units < 0
    ]
    return found + [
        Finding(f"{good.good}.{name}", f"gets {abs(units)} units too {'few' if units > 0 else 'many'}")
        for name, units in missing.items()
        if units
    ]


def _measure(transport: Transport, good: GoodDelivery, places: Mapping[str, Place]) -> tuple[GoodCheck, list[Finding]]:
    carried = sum(load.units * metres_between(places[load.source], places[load.to]) for load in good.loads)
    if not good.at_source and not good.at_need:
        return GoodCheck(good.good, carried, None, transport.rounded_off), []
    supplies, needs = dict(transport.supplies), dict(transport.needs)
    if good.at_source.keys() != supplies.keys() or good.at_need.keys() != needs.keys():
        return GoodCheck(good.good, carried, None, transport.rounded_off), [
            Finding(f"{good.good}.potentials", "not one for everybody who gives or gets")
        ]
    if min((*good.at_source.values(), *good.at_need.values())) < 0:
        wrong = [Finding(f"{good.good}.potentials", "one is below 0")]
        return GoodCheck(good.good, carried, None, transport.rounded_off), wrong
    for source, low in good.at_source.items():
        for need, high in good.at_need.items():
            if high - low > metres_between(places[source], places[need]):
                wrong = [Finding(f"{good.good}.potentials", f"{source} to {need} would be worth more than its way")]
                return GoodCheck(good.good, carried, None, transport.rounded_off), wrong
    least = sum(good.at_need[name] * units for name, units in needs.items())
    least -= sum(good.at_source[name] * units for name, units in supplies.items())
    return GoodCheck(good.good, carried, least, transport.rounded_off), []
