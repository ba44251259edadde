"""A plan's goods on their ways: where everybody is, the shortest delivery, and what each then gives and gets.

Invariant: a delivery is checked in whole numbers before it is shown, whoever worked it out.
Spec: docs/spec/planning/delivery.md
"""

from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from node.solvers.shortest_ways import Ways, find_ways
from protocol.core.errors import refuse
from protocol.core.quantities import format_decimal
from protocol.planning.delivery.document import (
    DELIVERY_FORMAT,
    Delivery,
    GoodDelivery,
    Load,
    check_delivery,
    check_places,
)
from protocol.planning.delivery.known_places import place_ends
from protocol.planning.delivery.places import Place, metres_between
from protocol.planning.delivery.transport import Transport, list_transports
from protocol.planning.plan import Plan, digest_plan, format_plan

Watch = Callable[[int, int], None]


def deliver_plan(plan: Plan, places: Mapping[str, Place], watch: Watch = lambda done, of: None) -> Delivery:
    """The shortest delivery that this machine finds, good by good; RefusedError names who has no place.

    What has no place of its own is where its co-op is, in every period at the same (known_places.place_ends).
    """
    places = {**places, **place_ends(plan, places)[0]}
    refuse(check_places(plan, places), "the delivery is refused")
    transports = list_transports(plan)
    goods = []
    for done, transport in enumerate(transports, 1):
        goods.append(_deliver(plan, transport, places))
        watch(done, len(transports))
    used = {name for one in transports for name, _ in (*one.supplies, *one.needs)}
    kept = {name: places[name] for name in sorted(used)}
    return Delivery(DELIVERY_FORMAT, digest_plan(format_plan(plan)).hex(), kept, tuple(goods))


def _deliver(plan: Plan, transport: Transport, places: Mapping[str, Place]) -> GoodDelivery:
    sources, needs = [name for name, _ in transport.supplies], [name for name, _ in transport.needs]
    rows = [[metres_between(places[source], places[need]) for need in needs] for source in sources]
    metres = np.array(rows, np.int64).reshape(len(sources), len(needs))
    ways = find_ways(metres, [units for _, units in transport.supplies], [units for _, units in transport.needs])
    good = plan.goods_table.goods[transport.good].id
    return _write_ways(good, sources, needs, ways)


def _write_ways(good: str, sources: list[str], needs: list[str], ways: Ways) -> GoodDelivery:
    loads = [Load(sources[source], needs[need], units) for (source, need), units in ways.loads.items()]
    at_source = {} if ways.at_source is None else dict(zip(sources, ways.at_source, strict=True))
    at_need = {} if ways.at_need is None else dict(zip(needs, ways.at_need, strict=True))
    ordered = sorted(loads, key=lambda load: (load.source, load.to))
    return GoodDelivery(good, tuple(ordered), at_source, at_need)


class DeliveredGood(msgspec.Struct, frozen=True, kw_only=True):
    """One good: how many loads, the amount carried, and metres on average for a unit of it. `longer_ppm`: how much
    longer than the shortest its ways may be, None where nothing is proven."""

    good: str
    loads: int
    amount: str
    metres: int
    unit_metres: int
    longer_ppm: int | None
    rounded_off_units: int


class DeliveredLoad(msgspec.Struct, frozen=True, kw_only=True):
    """So much of a good (a decimal in its unit) from one card to another."""

    good: str
    source: str
    to: str
    amount: str
    unit: str
    metres: int


def describe_goods(plan: Plan, delivery: Delivery) -> tuple[DeliveredGood, ...]:
    """What a delivery comes to, good by good; RefusedError when it does not hold, with every place."""
    check = check_delivery(plan, delivery)
    refuse(check.findings, "the delivery is refused")
    goods = {good.id: good for good in plan.goods_table.goods}
    rows = []
    for found, good in zip(check.goods, delivery.goods, strict=True):
        units = sum(load.units for load in good.loads)
        row = DeliveredGood(
            good=good.good,
            loads=len(good.loads),
            amount=f"{format_decimal(units, goods[good.good].decimals)} {goods[good.good].unit}",
            metres=found.unit_metres // max(units, 1),
            unit_metres=found.unit_metres,
            longer_ppm=found.longer_ppm,
            rounded_off_units=found.rounded_off,
        )
        rows.append(row)
    return tuple(rows)


def list_loads(plan: Plan, delivery: Delivery, card: str = "") -> tuple[DeliveredLoad, ...]:
    """Every load; only those of one card where one is named."""
    goods = {good.id: good for good in plan.goods_table.goods}
    return tuple(
        DeliveredLoad(
            good=good.good,
            source=load.source,
            to=load.to,
            amount=format_decimal(load.units, goods[good.good].decimals),
            unit=goods[good.good].unit,
            metres=metres_between(delivery.places[load.source], delivery.places[load.to]),
        )
        for good in delivery.goods
        for load in good.loads
        if card in ("", load.source, load.to)
    )
