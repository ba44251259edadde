"""Schedules: everybody's part adds up to the plan, and a price stands there only where it was agreed."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from node.use_cases.planning.deliveries.degrees import read_places
from node.use_cases.planning.deliveries.schedule import PRICE_OPEN, Schedule, describe_schedule, list_schedule_lines
from node.use_cases.supply.board import Board, read_board
from protocol.core.errors import RefusedError
from protocol.planning.batches.candidate import make_candidate
from protocol.planning.clearing import clear_plan
from protocol.planning.plan import Plan, make_plan
from tests.node.use_cases.test_supply import Homes
from tests.node.use_cases.two_homes import LOAF, open_home
from tests.protocol.planning.batches.test_batches import levels, lumpy_village
from tests.protocol.planning.delivery.test_delivery import PLACES
from tests.protocol.planning.economies import finished_plan, load, plan_rounds, village
from tests.protocol.planning.test_spec_pages import example


@pytest.fixture
async def homes(tmp_path: Path) -> AsyncIterator[Homes]:
    bakery, coop = await open_home(tmp_path, "Oak bakery"), await open_home(tmp_path, "Northside")
    yield Homes(bakery, coop)
    bakery.database.close()
    coop.database.close()


def make_village(bakery: str, bread: str) -> Plan:
    """The village's plan, its oven and mill the bakery's, its bread under this code."""
    document = village()
    for row in document["workplaces"][:2]:
        row["id"] = f"{bakery}#{row['id']}"
        for technique in row["techniques"]:
            technique["net"] = {bread if good == "bread" else good: net for good, net in technique["net"].items()}
    document["goods"][0]["id"] = bread
    for council in document["consumers"]:
        goods = council["nests"][0]["goods"]
        goods[bread] = goods.pop("bread")
    file, economy = load(document)
    state, reports = plan_rounds(file, economy)
    return make_plan(economy, state, clear_plan(economy, state), reports[-1], {"period": "a made-up week"})


def places_of(bakery: str) -> dict[str, list[str]]:
    return {f"{bakery}#{name}" if name in ("mill", "oven") else name: place for name, place in PLACES.items()}


def check_sums(plan: Plan, schedule: Schedule) -> None:
    """What is given is what is got, and a council gets what it takes."""
    given = sorted((load.good, load.amount, card.card, load.other) for card in schedule.cards for load in card.gives)
    got = sorted((load.good, load.amount, load.other, card.card) for card in schedule.cards for load in card.gets)
    assert given == got and given
    for card in schedule.cards:
        for taken in card.takes:
            amounts = [Decimal(load.amount) for load in card.gets if load.good == taken.good]
            assert sum(amounts) == Decimal(taken.amount), (card.card, taken.good)
    assert {card.card for card in schedule.cards} == plan.consumption.keys() | plan.activity.keys()


@pytest.mark.parametrize("good", [LOAF, "wheat_loaf"])
async def test_the_agreed_price_stands_by_what_was_agreed_and_nowhere_else(homes: Homes, good: str) -> None:
    proposed = await homes.propose()
    await homes.seat(1, 2, 3)
    plan = make_village(homes.bakery.origin, good)
    places = places_of(homes.bakery.origin)

    def prices() -> dict[str, set[tuple[str, str]]]:
        schedule = describe_schedule(plan, read_places(places), "", read_board(homes.coop))
        check_sums(plan, schedule)
        found: dict[str, set[tuple[str, str]]] = {}
        for card in schedule.cards:
            for one in (*card.gives, *card.gets):
                found.setdefault(one.good, set()).add((one.price, one.price_unit))
        return found

    still_open = {(PRICE_OPEN, "")}
    assert prices() == {good: still_open, "milk": still_open, "flour": still_open}
    await homes.sign(1, proposed.record)
    await homes.sign(3, proposed.record)
    assert prices() == {good: {("3.42 EUR", "C62")}, "milk": still_open, "flour": still_open}


def test_a_co_op_sees_all_its_cards_and_a_card_itself() -> None:
    plan = make_village("oak.example/log", "bread")
    everybody = describe_schedule(plan, {}, "", Board())
    assert not everybody.has_ways and len(everybody.cards) == 6
    own = describe_schedule(plan, {}, "oak.example/log", Board()).cards
    assert {card.card for card in own} == {"oak.example/log#oven", "oak.example/log#mill"}
    (north,) = describe_schedule(plan, {}, "north", Board()).cards
    taken = {one.good: (one.amount, one.unit) for one in north.takes}
    assert taken == {"bread": ("43.038", "KGM"), "milk": ("105.387", "LTR")}
    assert (north.does, north.gets) == ((), ())
    with pytest.raises(RefusedError, match="no council or workplace"):
        describe_schedule(plan, {}, "nobody", Board())


def test_a_spreadsheet_gets_every_line() -> None:
    plan = make_village("oak.example/log", "bread")
    schedule = describe_schedule(plan, read_places(places_of("oak.example/log")), "oak.example/log#oven", Board())
    lines = list_schedule_lines(schedule)
    assert lines[0][:3] == ("card", "what", "good")
    told = [(what, good, amount) for _, what, good, amount, *_ in lines[1:]]
    assert told[:2] == [("makes", "bread", "70.000"), ("uses", "flour", "49")]
    assert ("gives", "bread", "43.038") in told and ("gets", "flour", "49") in told


def test_batches_are_counted_and_a_draft_shows_its_parts_of_one() -> None:
    draft = finished_plan(*load(lumpy_village()))
    for plan, told in ((draft, "3.50"), (make_candidate(draft, levels(3, 5)), "3")):
        schedule = describe_schedule(plan, {}, "oven", Board())
        (activity,) = schedule.cards[0].does
        assert (activity.batches, activity.batch) == (told, "20")
        assert ("oven", "batches", "20", told) in [line[:4] for line in list_schedule_lines(schedule)]
    (milking,) = describe_schedule(draft, {}, "farm", Board()).cards[0].does
    assert (milking.batches, milking.batch) == ("", "")


def test_each_period_is_a_part_of_its_own() -> None:
    plan = finished_plan(*load(example("periods.md")))
    told = {card.card: card for card in describe_schedule(plan, {}, "", Board()).cards}
    assert {"field in summer", "cows in winter", "potatoes kept from summer"} <= told.keys()
    (keeping,) = told["potatoes kept from summer"].does
    assert [one.good for one in keeping.makes] == ["potatoes in winter"]
    assert [one.good for one in keeping.uses] == ["potatoes in summer", "hours in summer"]
    assert {one.good for one in told["north"].takes} >= {"potatoes in summer", "potatoes in winter"}
