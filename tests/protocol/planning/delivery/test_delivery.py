"""Deliveries: what is carried follows from the plan, every lie is named, the proof of the shortest way is exact."""

import itertools

import msgspec
import numpy as np
import pytest

from node.solvers import shortest_ways
from node.use_cases.planning.deliveries.degrees import read_places
from node.use_cases.planning.deliveries.ways import deliver_plan
from protocol.core.errors import RefusedError
from protocol.planning.clearing import clear_plan
from protocol.planning.delivery.document import (
    Delivery,
    GoodDelivery,
    Load,
    check_delivery,
    format_delivery,
    parse_delivery,
)
from protocol.planning.delivery.transport import list_transports
from protocol.planning.plan import Plan, make_plan
from tests.protocol.planning.economies import load, plan_rounds, region, village

PLACES = {
    "north": ["53.62", "-2.16"],
    "south": ["53.48", "-2.24"],
    "mill": ["53.59", "-2.30"],
    "oven": ["53.55", "-2.20"],
    "farm": ["53.70", "-2.10"],
    "import-milk": ["53.40", "-2.99"],
}


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The village's plan."""
    file, economy = load(village())
    state, reports = plan_rounds(file, economy)
    return make_plan(economy, state, clear_plan(economy, state), reports[-1])


@pytest.fixture(scope="module")
def delivery(plan: Plan) -> Delivery:
    """Its shortest delivery."""
    return deliver_plan(plan, read_places(PLACES))


def test_what_is_made_goes_to_who_eats_and_who_uses_it(plan: Plan) -> None:
    goods = [good.id for good in plan.goods_table.goods]
    transports = {goods[one.good]: one for one in list_transports(plan)}
    assert list(transports) == ["bread", "milk", "flour"]
    assert [name for name, _ in transports["flour"].supplies] == ["mill"]
    assert [name for name, _ in transports["flour"].needs] == ["oven"]
    assert dict(transports["bread"].needs) == {name: plan.consumption[name][0] for name in ("north", "south")}
    for one in transports.values():
        assert sum(units for _, units in one.supplies) >= sum(units for _, units in one.needs)
        assert one.rounded_off <= len(one.supplies)


def test_rounding_is_taken_from_workplaces_before_people(plan: Plan) -> None:
    activity = {**plan.activity, "mill": (plan.activity["mill"][0] - 1,)}
    flour = list_transports(msgspec.structs.replace(plan, activity=activity))[2]
    assert flour.supplies == (("mill", 48),) and flour.needs == (("oven", 48),) and flour.rounded_off == 1
    activity = {**plan.activity, "oven": (plan.activity["oven"][0] - 1_001,)}
    bread = list_transports(msgspec.structs.replace(plan, activity=activity))[0]
    short = sum(plan.consumption[name][0] for name in ("north", "south")) - sum(units for _, units in bread.needs)
    assert bread.rounded_off == short == 1 and dict(bread.needs)["south"] == plan.consumption["south"][0]


def test_the_shortest_delivery_is_proven_good_by_good(plan: Plan, delivery: Delivery) -> None:
    found = check_delivery(plan, parse_delivery(format_delivery(delivery)))
    assert found.findings == ()
    assert [(one.good, one.longer_ppm) for one in found.goods] == [("bread", 0), ("milk", 0), ("flour", 0)]
    assert found.goods[0].unit_metres > 0


def test_without_the_solver_the_nearest_come_first_and_nothing_is_proven(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shortest_ways, "load_highs", lambda: None)
    found = check_delivery(plan, deliver_plan(plan, read_places(PLACES)))
    assert found.findings == () and [one.longer_ppm for one in found.goods] == [None, None, None]


def _with_milk(delivery: Delivery, **changes: object) -> Delivery:
    milk = msgspec.structs.replace(delivery.goods[1], **changes)
    return msgspec.structs.replace(delivery, goods=(delivery.goods[0], milk, delivery.goods[2]))


def test_every_lie_is_named(plan: Plan, delivery: Delivery) -> None:
    milk = delivery.goods[1]
    first, *rest = milk.loads
    more = Load(first.source, first.to, first.units + 1)
    cases: list[tuple[Delivery, str, str]] = [
        (_with_milk(delivery, loads=(more, *rest)), f"milk.{first.to}", "1 units too many"),
        (_with_milk(delivery, loads=tuple(rest)), f"milk.{first.to}", "units too few"),
        (_with_milk(delivery, loads=(*milk.loads, milk.loads[-1])), "milk", "a way stands twice"),
        (_with_milk(delivery, loads=tuple(reversed(milk.loads))), "milk", "not sorted"),
        (_with_milk(delivery, loads=(Load("farm", "mill", 1), *milk.loads)), "milk.farm.mill", "nothing of this"),
        (_with_milk(delivery, at_need={}), "milk.potentials", "not one for everybody"),
        (_with_milk(delivery, at_need=dict.fromkeys(milk.at_need, 10**9)), "milk.potentials", "worth more than"),
        (_with_milk(delivery, at_need=dict.fromkeys(milk.at_need, -1)), "milk.potentials", "below 0"),
        (msgspec.structs.replace(delivery, plan="00" * 32), "plan", "another plan"),
        (msgspec.structs.replace(delivery, goods=delivery.goods[:2]), "goods", "not every good"),
        (msgspec.structs.replace(delivery, places={}), "places.farm", "no place"),
    ]
    for changed, place, sentence in cases:
        findings = check_delivery(plan, changed).findings
        assert any(one.place == place and sentence in one.reason for one in findings), (place, findings)


def test_a_longer_way_is_measured(plan: Plan, delivery: Delivery) -> None:
    """Whoever proves less than there is shows how much longer the delivery may be."""
    milk = delivery.goods[1]
    modest = _with_milk(delivery, at_need={name: high // 2 for name, high in milk.at_need.items()})
    found = check_delivery(plan, modest)
    assert found.findings == () and found.goods[1].longer_ppm is not None and found.goods[1].longer_ppm > 100_000


def test_a_region_of_many_goods_is_delivered() -> None:
    file, economy = load(region(1))
    state, reports = plan_rounds(file, economy)
    plan = make_plan(economy, state, clear_plan(economy, state), reports[-1])
    names = [*plan.consumption, *plan.activity, "stock"]
    places = read_places({name: [50 + number % 7 / 10, number % 11 / 10] for number, name in enumerate(names)})
    found = check_delivery(plan, deliver_plan(plan, places))
    assert found.findings == () and len(found.goods) > 30
    assert {one.longer_ppm for one in found.goods} == {0}


@pytest.mark.parametrize(
    "written",
    [[], {"a": []}, {"a": [1]}, {"a": [1, 2, 3]}, {"a": ["x", 1]}, {"a": [91, 0]}, {"a": [0, "NaN"]}, {"a": [0, True]}],
)
def test_places_that_are_none_are_named(written: object) -> None:
    with pytest.raises(RefusedError, match="places"):
        read_places(written)


def test_documents_that_are_none_are_refused(delivery: Delivery) -> None:
    for raw in (b"", b"{}", b"[" * 10_000, format_delivery(delivery) + b" "):
        with pytest.raises(RefusedError):
            parse_delivery(raw)


def test_it_is_shortest_by_trying_all_ways() -> None:
    """Small cases, all of them: no other way to carry whole units is shorter, and the proof says so exactly."""
    for metres in itertools.product((1, 4), (2, 3), (0, 7), (5, 1)):
        for supplies in ((1, 1), (2, 3), (4, 0), (3, 3)):
            for needs in ((1, 1), (2, 1), (0, 2), (1, 0)):
                if sum(supplies) < sum(needs):
                    continue
                rows = np.array(metres, np.int64).reshape(2, 2)
                kept = [place for place, units in enumerate(needs) if units]
                given = [place for place, units in enumerate(supplies) if units]
                ways = shortest_ways.find_ways(
                    rows[given][:, kept], [supplies[place] for place in given], [needs[place] for place in kept]
                )
                carried = sum(units * int(rows[given[one]][kept[other]]) for (one, other), units in ways.loads.items())
                assert carried == _try_all(rows.tolist(), supplies, needs)
                assert ways.at_source is not None and ways.at_need is not None
                proven = sum(high * needs[place] for high, place in zip(ways.at_need, kept, strict=True))
                proven -= sum(low * supplies[place] for low, place in zip(ways.at_source, given, strict=True))
                assert proven == carried


def _try_all(rows: list[list[int]], supplies: tuple[int, ...], needs: tuple[int, ...]) -> int:
    best = 10**9
    for first, second in itertools.product(range(needs[0] + 1), range(needs[1] + 1)):
        if first + second <= supplies[0] and sum(needs) - first - second <= supplies[1]:
            cost = first * rows[0][0] + second * rows[0][1]
            best = min(best, cost + (needs[0] - first) * rows[1][0] + (needs[1] - second) * rows[1][1])
    return best


def test_nothing_to_deliver_is_nothing(plan: Plan) -> None:
    idle = msgspec.structs.replace(plan, consumption=dict.fromkeys(plan.consumption, (0, 0)))
    found = check_delivery(idle, deliver_plan(idle, read_places(PLACES)))
    assert found.findings == () and [one.good for one in found.goods] == ["flour"]
    assert isinstance(deliver_plan(idle, read_places(PLACES)).goods[0], GoodDelivery)
