"""The pages of a real home: its own till, its own products and prices, its own log."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from node.clock import Clock
from node.config import Config
from node.operations import load_operations
from node.use_cases import status, till
from node.use_cases.context import Node
from node.use_cases.federation.verbs import CreateParams, create
from node.use_cases.home import init_home, open_node
from node.use_cases.planning.deliveries.places import PlaceParams, say_place
from node.use_cases.supply.drafts import (
    DisclosureDraft,
    LineDraft,
    ProductDraft,
    ProposalDraft,
    SectionDraft,
    SheetDraft,
)
from node.use_cases.supply.publishing import propose_price, publish_disclosure, publish_product
from node.web.api.operations import OperationTable
from node.web.server import build_application
from node.web.till.filling import fill_wanted, finder_of
from protocol.core.quantities import Quantity
from tests.node.web.conftest import Browser
from tests.node.web.page_reader import PageReader, read_page
from tests.node.web.supply.example import example_prices
from tests.protocol.federation.made_up_federation import make_charter

TILL_FILE = b"""date,product,name,category,quantity,amount,household,phone
2017-01-31,loaf,Wheat loaf,bread,2,6.82,h1,555-0100
2017-01-31,milk,Milk,dairy,1,1.29,h2,555-0101
2017-02-01,loaf,Wheat loaf,bread,1,3.41,h3,555-0102
"""
ONE_PIECE = Quantity(1, "C62", 0)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """A new home without a name."""
    config = Config(home=tmp_path / "home")
    await init_home(config, Clock())
    opened = open_node(config, Clock())
    yield opened
    opened.database.close()


@pytest.fixture
async def browser(node: Node) -> AsyncIterator[Browser]:
    """A visitor of that home."""
    async with TestClient(TestServer(build_application(node, load_operations(), "token"))) as client:
        yield client


async def look(browser: Browser, path: str) -> PageReader:
    """A page that must be there and whole."""
    answer = await browser.get(path)
    page = read_page(await answer.text())
    assert (answer.status, page.findings) == (200, [])
    return page


async def offer_loaf(node: Node, sections: list[str], lines: list[tuple[str, int]]) -> None:
    """Publish a loaf, disclose these sections of it and propose a price of these lines."""
    await publish_product(
        node,
        ProductDraft(
            code="in-house:loaf",
            names={"en": "Wheat loaf, 800 g"},
            category="bread",
            unit="C62",
            piece=Quantity(800, "GRM", 0),
            minimum_order=ONE_PIECE,
            made_up=True,
        ),
    )
    told = [SectionDraft(name=name, texts={"en": f"All about {name}."}) for name in sections]
    await publish_disclosure(node, DisclosureDraft(product="in-house:loaf", sections=told, made_up=True))
    sheet = SheetDraft(
        currency="EUR",
        exponent=2,
        unit="C62",
        language="en",
        price_minor=sum(cents for _, cents in lines),
        lines=[LineDraft(heading=heading, label=heading.title(), amount_minor=cents) for heading, cents in lines],
    )
    await propose_price(
        node,
        ProposalDraft(
            product="in-house:loaf",
            sheet=sheet,
            guaranteed_minimum=Quantity(100, "C62", 0),
            period_days=90,
            valid_from="2017-03-01",
            buyers=["northside.example/log"],
            made_up=True,
        ),
    )


async def test_every_page_that_an_operation_describes_is_whole_on_a_new_home(browser: Browser, node: Node) -> None:
    paths = OperationTable(node, load_operations()).list_pages()
    assert {"/federation", "/charter", "/logs"} <= paths.keys()
    for path in paths:
        assert "{" in path or (await look(browser, path)).text


async def test_the_federation_is_told_with_its_members(browser: Browser, node: Node) -> None:
    assert "no federation here" in (await look(browser, "/federation")).text
    charter = make_charter(name="Valley", required_sections=())
    await create(node, CreateParams(charter=charter, kind="consumers", people=41))
    page = await look(browser, "/federation")
    assert "Valley: version 1, 1 member, 41 people." in page.text and node.origin in page.text
    assert '"name": "Valley"' in (await look(browser, "/charter")).text


async def test_a_new_home_opens_with_the_first_day(browser: Browser) -> None:
    page = await look(browser, "/")
    assert "Name your co-op" in page.text
    assert "Quantities sold: this co-op's own till files." in page.text


@pytest.mark.parametrize(
    ("path", "links", "typed"),
    [
        ("/prices", {"/logs"}, "rochdale product publish loaf.json"),
        ("/plan", {"/federation", "/first-day"}, "rochdale plan call goods.json"),
        ("/what-if", {"/plan"}, "rochdale plan simulate economy.json"),
        ("/proposal", {"/plan", "/first-day"}, ""),
        ("/logs", set(), "rochdale peer card"),
        ("/federation", set(), "rochdale federation join INVITATION"),
        ("/charter", set(), "rochdale federation create --charter FILE"),
    ],
)
async def test_where_nothing_is_yet_the_page_says_what_to_do(
    browser: Browser, path: str, links: set[str], typed: str
) -> None:
    page = await look(browser, path)
    assert links <= set(page.links) and typed in page.text


async def test_a_home_without_a_plan_shows_where_it_is_itself(browser: Browser, node: Node) -> None:
    before = await look(browser, "/places")
    assert "We have not said where we are." in before.text and "rochdale plan place NORTH EAST" in before.text
    await say_place(node, PlaceParams(north="53.62N", east="2.16W"))
    await say_place(node, PlaceParams(north="53.7N", east="2W", card="oven"))
    after = await look(browser, "/places")
    assert f"{node.name} 53.62 -2.16" in after.text and f"oven of {node.name} 53.7 -2 " in after.text
    assert "Where the others are is known once a plan is called" in after.text
    asked = f"/places?call={'0' * 64}"
    assert "plans are made by a running node" in (await look(browser, asked)).text


async def test_the_till_shows_goods_and_no_household(node: Node, browser: Browser) -> None:
    await till.import_file(node, till.TillParams(name="january.csv", content=TILL_FILE))
    page = await look(browser, "/first-day")
    assert "3 till lines from 2017-W05 to 2017-W05 speak of 2 goods." in page.text
    assert "Wheat loaf bread 3 10.23 not disclosed maker not known here" in page.text
    assert "Milk dairy 1 1.29 not disclosed" in page.text
    assert not any(word in page.text for word in (" h1", " h2", " h3", "555-", "phone: "))
    assert "most wanted are Wheat loaf and Milk" in (await look(browser, "/")).text


def bought(code: str, name: str, cents: int) -> till.Wanted:
    """One product of a till."""
    return till.Wanted(code, name, "BREAD", 1_000, cents, 1, 1)


def test_what_counts_as_one_good_is_shown_as_one() -> None:
    loaf = example_prices().rows[0]
    products = (bought("7", "WHITE 20 OZ", 300), bought("8", "WHEAT 24 OZ", 250), bought("9", "FUEL", 400))
    refunded = bought("4", "REFUNDED", -5)
    report = till.ConsumptionReport(lines=4, households=3, weeks=(), files=(), products=(*products, refunded))
    find_price = finder_of([loaf], lambda _, name: loaf.name if name.startswith("WH") else None)
    wanted = fill_wanted(report, find_price)
    assert [(good.name, good.paid_cents, good.products, good.maker) for good in wanted] == [
        (loaf.name, 550, 2, loaf.maker),
        ("FUEL", 400, 1, None),
    ]


async def test_a_void_price_is_shown_with_what_is_missing(node: Node, browser: Browser) -> None:
    await offer_loaf(node, ["ingredients"], [("materials", 120), ("labour", 221)])
    page = await look(browser, "/prices/in-house:loaf")
    assert "What 3.41 EUR pays for" in page.text
    assert "1. Materials 1.20 EUR 35.2 %" in page.text
    assert "Version 1: 3.41 EUR void" in page.text
    assert "packaging materials: not disclosed yet" in page.text
    assert "All about ingredients." in page.text
    assert "are made up" in page.text
    assert "in talks void 1 proposed, does not count" in (await look(browser, "/prices")).text


async def test_a_product_is_known_by_its_till_code(node: Node, browser: Browser) -> None:
    await till.import_file(node, till.TillParams(name="january.csv", content=TILL_FILE))
    await offer_loaf(node, ["ingredients"], [("materials", 341)])
    page = await look(browser, "/first-day")
    assert "/prices/in-house%3Aloaf" in page.links
    assert "in talks Wheat loaf, 800 g made by A co-op without a name yet" in page.text


async def test_a_log_is_shown_with_its_records(node: Node, browser: Browser) -> None:
    await offer_loaf(node, [], [("materials", 341)])
    listed = await look(browser, "/logs")
    assert "4 records, no witnesses are named for it yet; this node writes it." in listed.text
    page = await look(browser, f"/logs/{node.origin}")
    assert "supply.price_proposal A price with every line that it is made of." in page.text
    assert "log.founding" in page.text
    assert f"{node.origin}\n4\n" in await (await browser.get(f"/logs/{node.origin}")).text()


async def test_what_is_made_up_is_said_on_every_page(node: Node, browser: Browser) -> None:
    said = status.Provenance("Quantities sold: from a made-up till.", ("names", "makers"))
    await status.set_provenance(node, said)
    for path in ("/", "/prices", "/plan", "/logs", "/first-day", "/tour/buyer"):
        page = await look(browser, path)
        assert "Quantities sold: from a made-up till. Made up: names; makers." in page.text


@pytest.mark.parametrize("path", ["/prices/none", "/plan/none", "/logs/none.rochdale/log", "/plan.json"])
async def test_what_a_home_does_not_know_is_not_there(browser: Browser, path: str) -> None:
    assert (await browser.get(path)).status == 404
