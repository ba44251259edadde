"""A co-op's own page: what it promised, what came of it, where two sides differ, and agreed prices or none."""

from msgspec.structs import replace

from node.use_cases.planning.following.account import write_report
from node.web.planning.filling.plan import fill_plan_pages
from node.web.planning.model.plan import CoopPage
from node.web.supply.model import PriceList
from protocol.planning.following.account import account_for
from protocol.planning.following.deliveries import Told
from protocol.planning.following.promises import list_planned
from tests.node.web.conftest import Browser
from tests.node.web.page_reader import read_page
from tests.node.web.planning.story import village_plan
from tests.node.web.supply.example import example_prices

OVEN, NORTH = "oak-3.rochdale/log#oven_place", "north-1.rochdale/log#north_place"


def followed_village(prices: PriceList) -> dict[str, CoopPage]:
    """The co-ops' pages of the village's plan in force: the oven gives less, north says nothing, milk came short."""
    report = village_plan().report
    plan = report.plan
    assert plan is not None
    told = {("bread", OVEN, NORTH): Told(9_000, 8_500), ("milk", "import-milk", NORTH): Told(None, 700)}
    planned = list_planned(plan)
    promised = {(OVEN, 0): planned[OVEN, 0].units - 2_000, (OVEN, 2): planned[OVEN, 2].units}
    following = write_report(plan, bytes(32), account_for(plan, planned, promised, told))
    return dict(fill_plan_pages(replace(report, following=following), None, prices).coops)


def test_a_co_op_reads_what_it_promised_what_came_and_at_which_agreed_price() -> None:
    loaf = example_prices().rows[0]
    agreed = replace(loaf, code="in-house:oak-bread", maker_origin="oak-3.rochdale/log")
    # Another maker's agreed bread is no price of the oven's.
    foreign = replace(loaf, code="bread", maker_origin="south-2.rochdale/log")
    coops = followed_village(PriceList((agreed, foreign)))
    assert [coop.name for coop in coops.values()] == ["Northside", "Oak bakery", "Southgate"]
    oak, north = coops["oak-3.rochdale/log"].promises, coops["north-1.rochdale/log"].promises
    assert oak is not None and north is not None
    (bread,) = (one for one in oak.gives if one.good == "Wheat loaf, 1 kg")
    assert bread.promised is not None and bread.planned.amount - bread.promised.amount == 2_000
    assert (bread.carried.amount, bread.open.amount) == (9_000, bread.promised.amount - 9_000)
    assert (bread.short.amount, bread.state, bread.place) == (2_000, "less than planned", "Oven place")
    assert [(price.maker, price.price) for price in bread.prices] == [("Oak bakery", loaf.price)]
    flour = next(one for one in oak.takes if one.good == "Flour")
    assert flour.state == "open" and (flour.prices, flour.price_open) == ((), ("Oak bakery",))
    assert {one.state for one in north.takes} == {"not promised yet"} and north.unsaid == len(north.takes) == 2
    assert [price.maker for price in north.takes[0].prices] == ["Oak bakery"]
    assert north.takes[1].price_open == ("Southgate",) and north.takes[1].carried.amount == 700
    assert len(oak.differing) == len(north.differing) == 1
    south = coops["south-2.rochdale/log"].promises
    assert south is not None and south.differing == ()
    assert coops["oak-3.rochdale/log"].goods == () and coops["oak-3.rochdale/log"].people == 40


async def test_the_page_of_promises_says_price_open_and_what_to_do(browser: Browser) -> None:
    coop = read_page(await (await browser.get("/plan/coop-0")).text())
    assert (
        "Wheat loaf Oven less than planned 1,300 pieces promised of 1,376 pieces planned; 700 pieces given" in coop.text
    )
    assert (
        "600 pieces still open, 76 pieces less than planned. 3.41 EUR per piece , agreed with Oak bakery" in coop.text
    )
    assert "price open: from outside or from stock" in coop.text and "rochdale plan promise" in coop.text
    assert "/prices/loaf" in coop.links
