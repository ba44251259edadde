"""Every page: it answers, it is whole, it runs nothing, fetches nothing from outside, says where figures come from."""

import re
from pathlib import Path

import pytest
from yarl import URL

from node.web.guard import SECURITY_HEADERS
from node.web.page import FilledPage
from node.web.routes import ROUTES
from tests.node.web.conftest import Browser
from tests.node.web.example import ADDRESSES, EXAMPLE, NAMED
from tests.node.web.made_up import DIGEST, HOSTILE
from tests.node.web.page_reader import read_page

(OWN_LOG,) = NAMED["/logs/{origin:.+}"]
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "pages.md"
MISSING = (
    "/nothing",
    "/tour/pirate",
    "/prices/none",
    "/plan/coop-9",
    "/logs/none.rochdale/log",
    "/static/../server.py",
)


@pytest.mark.parametrize("path", ADDRESSES)
async def test_a_page_is_whole_and_keeps_to_itself(browser: Browser, path: str) -> None:
    answer = await browser.get(path)
    page = read_page(await answer.text())
    assert answer.status == 200
    assert answer.content_type == "text/html"
    assert page.findings == []
    assert page.attributes["html"] == {"lang": "en", "dir": "ltr"}
    assert "Quantities sold: from a package" in page.text
    assert "Made up: names; makers" in page.text


@pytest.mark.parametrize("path", ADDRESSES)
async def test_the_tab_of_a_page_says_what_it_is_of_and_whose(browser: Browser, path: str) -> None:
    said, _, whose = read_page(await (await browser.get(path)).text()).title.rpartition(" · ")
    assert said and whose == "Northside"


@pytest.mark.parametrize("path", ["/", "/first-day", "/prices", "/plan", "/logs", "/tour/buyer", "/tour/auditor"])
async def test_a_page_of_an_empty_home_is_whole_too(first_browser: Browser, path: str) -> None:
    answer = await first_browser.get(path)
    page = read_page(await answer.text())
    assert answer.status == 200
    assert page.findings == []
    assert "Quantities sold: this co-op's own till files." in page.text
    assert "Made up:" not in page.text


@pytest.mark.parametrize("path", [*ADDRESSES, *MISSING])
async def test_every_answer_carries_the_security_headers(browser: Browser, path: str) -> None:
    answer = await browser.get(URL(path, encoded=True))
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", MISSING)
async def test_what_is_not_there_is_said_in_plain_words(browser: Browser, path: str) -> None:
    answer = await browser.get(URL(path, encoded=True))
    page = read_page(await answer.text())
    assert answer.status == 404
    assert page.findings == []
    assert "There is nothing here" in page.text


async def test_the_policy_lets_no_script_run() -> None:
    policy = dict(part.strip().split(" ", 1) for part in SECURITY_HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["style-src"] == "'self'"
    assert "script-src" not in policy
    assert "unsafe" not in SECURITY_HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["/", "/prices", "/plan", "/logs", "/plan/coop-0", "/prices/loaf", OWN_LOG, "/first-day"]
)
async def test_a_hostile_name_is_shown_and_never_run(browser: Browser, path: str) -> None:
    text = await (await browser.get(path)).text()
    assert "<script" not in text
    assert "<b>" not in text
    assert " ".join(HOSTILE.split()) in read_page(text).text


@pytest.mark.parametrize("path", ADDRESSES)
async def test_every_link_of_a_page_leads_somewhere(browser: Browser, path: str) -> None:
    page = read_page(await (await browser.get(path)).text())
    # The example knows one product, one co-op and one log in full.
    known = {
        "/prices/milk",
        "/prices/oats",
        "/prices/jam",
        "/logs/oak-99aa77bb.rochdale/log",
        "/logs/x-00.rochdale/log",
    }
    known |= {f"/plan/coop-{place}" for place in range(1, 5)}
    for link in sorted(set(page.links) - known):
        if not link.startswith("#"):
            assert (await browser.get(link)).status == 200, link


async def test_the_tour_is_five_clicks_long(browser: Browser) -> None:
    path, stops = "/tour/buyer", []
    while path != "/":
        stops.append(path)
        page = read_page(await (await browser.get(path)).text())
        path = page.links[-1]
    assert stops == [f"/tour/{person}" for person in ("buyer", "member", "baker", "delegate", "auditor")]


async def test_the_buyer_reads_whole_sentences_with_figures(browser: Browser) -> None:
    page = read_page(await (await browser.get("/tour/buyer")).text())
    assert (
        "Northside: 402 people need 412 pieces of Wheat loaf and get all of it. "
        "For all co-ops together, Oak bakery makes 398 pieces and 14 pieces are bought outside."
    ) in page.text
    assert "No one is below the floor of Wheat loaf and Milk." in page.text


async def test_the_price_adds_up_in_its_table(browser: Browser) -> None:
    page = read_page(await (await browser.get("/prices/loaf")).text())
    assert "What 3.81 EUR pays for The agreed price, version 2." in page.text
    assert "1. Wheat flour and salt materials 0.98 EUR 25.7 %" in page.text
    assert "12. interest open to members of the buying co-ops" in page.text
    assert "Lines not open to all, together 0.40 EUR Price 3.81 EUR 100 %" in page.text
    assert "Signed by Oak bakery, committee member 1 and committee member 2." in page.text
    assert "packaging : this required section is not filled" in page.text
    assert "open to appointed auditors only" in page.text


async def test_the_list_of_prices_says_what_is_missing(browser: Browser) -> None:
    page = read_page(await (await browser.get("/prices")).text())
    assert "packaging materials: not disclosed yet" in page.text
    assert (
        "Of 4 products, 1 have an agreed price, 1 are disclosed, 1 are in talks and 1 are not disclosed." in page.text
    )


async def test_signals_are_never_shown_as_prices_to_pay(browser: Browser) -> None:
    page = read_page(await (await browser.get("/plan")).text())
    assert "It is not a price" in page.text
    assert "EUR" not in page.text


async def test_scripted_votes_are_said_to_be_made_up(browser: Browser) -> None:
    page = read_page(await (await browser.get("/plan")).text())
    assert "These votes are scripted: made up for this demonstration. No meeting was held." in page.text
    assert page.text.count("made up") >= 4


async def test_the_plan_says_how_to_check_it(browser: Browser) -> None:
    page = read_page(await (await browser.get("/plan")).text())
    assert f"python3 check_plan plan.json --digest {DIGEST}" in page.text
    assert "Checked by 3 of 10 nodes: Northside, Southgate and Oak bakery." in page.text


@pytest.mark.parametrize(("query", "direction"), [("?dir=rtl", "rtl"), ("?dir=sideways", "ltr"), ("?lang=xx", "ltr")])
async def test_the_direction_can_be_looked_at(browser: Browser, query: str, direction: str) -> None:
    page = read_page(await (await browser.get("/plan" + query)).text())
    assert page.attributes["html"]["dir"] == direction
    assert page.findings == []


def test_every_filled_page_has_its_example_and_stands_in_the_guide() -> None:
    filled = {found.path for found in ROUTES if isinstance(found, FilledPage)}
    assert filled == EXAMPLE.keys() and {path for path in filled if "{" in path} == NAMED.keys()
    guide = GUIDE.read_text("utf-8")
    assert [path for path in filled if f"`{re.sub('{.*}', '', path)}" not in guide] == []


async def test_a_watchdog_gets_one_word(browser: Browser) -> None:
    answer = await browser.get("/healthz")
    assert (answer.status, await answer.text()) == (200, "ok\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_pages_are_read_only(browser: Browser, method: str) -> None:
    answer = await browser.request(method, "/plan")
    assert answer.status == 405
    assert "GET" in answer.headers["Allow"]
