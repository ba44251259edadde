"""The page on which people touch the plan: the form, the answer, what is refused; hostile names stay text."""

import re
from collections.abc import AsyncIterator, Awaitable

import pytest
from aiohttp import FormData

from node.clock import Clock
from node.use_cases.context import Node
from node.use_cases.planning.exploring.answering import WhatIfAnswer, WhatIfParams, explore
from node.use_cases.planning.exploring.till_file import TillFile
from node.web.forms import SentForm
from node.web.planning.filling.plan_words import labels_of
from node.web.planning.what_if.filling import Tried, WhatIfForm
from node.web.planning.what_if.model import WhatIfPage
from node.web.planning.what_if.pages import read_till_file, try_again
from protocol.planning.plan import Plan
from tests.node.use_cases.planning.exploring.village_till import village_till
from tests.node.web.conftest import Browser, build_client, open_to_all
from tests.node.web.example import EXAMPLE, Models
from tests.node.web.page_reader import read_page
from tests.node.web.planning.story import NAMES, village_plan


def known_plan() -> Plan:
    """The village's newest draft."""
    plan = village_plan().report.plan
    assert plan is not None
    return plan


async def try_in_village(form: WhatIfForm, till: TillFile | None = None) -> WhatIfPage:
    """The village's plan tried again."""
    plan = known_plan()

    async def ask(params: WhatIfParams) -> WhatIfAnswer:
        return explore(plan, params, Clock())

    return await try_again(Tried(plan, labels_of(plan, {}, NAMES), "the village"), form, till, ask)


def take_till(sent: SentForm) -> Awaitable[WhatIfPage]:
    """The same with a till file."""
    till = read_till_file(sent)
    return try_in_village(WhatIfForm({}, till.council), till)


def build_village(node: Node) -> Browser:
    """A visitor of a village with a plan, of which the page tries what the address says."""
    models: Models = {**EXAMPLE, "/what-if": lambda said: try_in_village(WhatIfForm(said))}
    return build_client(node, models, {"/what-if": take_till})


OVEN = "oak-3.rochdale/log#oven_place"
SOUTH = "south-2.rochdale/log"
NORTH_COUNCIL = "north-1.rochdale/log#north_place"
MUCH_MILK = village_till(bread=1, milk=9)


@pytest.mark.parametrize(
    ("query", "status", "sentences"),
    [
        ({}, 200, ["Try it", "Beside the plan", "Members are guessed here"]),
        ({"good": "milk", "floor": "60"}, 200, ["Who gains, who lacks", "Northside", "Southgate", "CO₂"]),
        (
            {"workplace": OVEN, "capacity": "0"},
            200,
            [
                "The basic needs could not all be met",
                "Bread: 11 of the 11 kg that people",
                "get 0 % of this need",
            ],
        ),
        ({"good": "milk", "floor": "60,5"}, 200, ["Who gains, who lacks"]),
        ({"means": "co2", "share": "80"}, 200, ["Who gains, who lacks"]),
        (
            {"good": "milk", "floor": "<b>"},
            422,
            ["Nothing was tried.", "amount for each person: write a number such as 0.7"],
        ),
        ({"good": "milk", "floor": "1,000"}, 422, ["write a number such as 0.7"]),
        ({"workplace": OVEN, "capacity": "many"}, 422, ["must be a whole number of percent"]),
        ({"workplace": "<script>", "capacity": "5"}, 422, ["is not in this plan"]),
        ({"means": "co2", "share": "9" * 100}, 422, ["Nothing was tried."]),
        ({"good": "milk"}, 422, ["choose the good, and write the amount for each person"]),
        ({"capacity": "0"}, 422, ["a workplace: choose which, and write its capacity in percent"]),
        (
            {"leaves": SOUTH},
            200,
            ["Without Southgate: what it wants is not planned", "1 of 1 co-ops", "CO₂: 90 kg"],
        ),
        ({"leaves": "oak-3.rochdale/log"}, 200, ["The basic needs could not all be met"]),
        ({"leaves": "<script>"}, 422, ["leaves.<script>: is not in this plan"]),
    ],
)
async def test_the_form_answers(spare_node: Node, query: dict[str, str], status: int, sentences: list[str]) -> None:
    async with build_village(spare_node) as browser:
        answer = await browser.get("/what-if", params=query)
        text = await answer.text()
    page = read_page(text)
    assert answer.status == status and page.findings == []
    for sentence in sentences:
        assert sentence in page.text, sentence
    assert "<script>" not in text and "EUR" not in page.text
    chosen = [query.get(name) for name in ("good", "workplace", "means", "leaves")]
    known = ("milk", OVEN, "co2", SOUTH, "oak-3.rochdale/log")
    assert text.count(" selected") == sum(value in known for value in chosen)


async def test_without_a_plan_it_says_so(spare_node: Node) -> None:
    async with build_client(spare_node) as browser:
        page = read_page(await (await browser.get("/what-if")).text())
    assert page.findings == [] and "There is no plan yet to try things on." in page.text


@pytest.fixture
async def browser(spare_node: Node) -> AsyncIterator[Browser]:
    """A visitor of a village with a plan."""
    async with build_village(spare_node) as client:
        yield client


async def bring(browser: Browser, content: bytes | None, token: str | None = None, **headers: str) -> tuple[int, str]:
    """Send a till file as Northside's, with the token that stands on the page if none is given."""
    if token is None:
        opened = await (await browser.get("/what-if")).text()
        (token,) = re.findall(r'name="form-token" value="([0-9a-f]{64})"', opened)
    form = FormData(default_to_multipart=True)
    form.add_field("form-token", token)
    form.add_field("council", NORTH_COUNCIL)
    form.add_field("file", content or b"", filename="june.csv" if content is not None else "", content_type="text/csv")
    answer = await browser.post("/what-if", data=form, headers=headers)
    page = read_page(await answer.text())
    assert page.findings == []
    return answer.status, page.text


async def test_a_till_that_is_brought_moves_the_plan_and_the_page_says_what_was_read(browser: Browser) -> None:
    status, text = await bring(browser, MUCH_MILK)
    assert status == 200
    assert "june.csv as the till of Northside: 24 lines read, 6 of them count as no good of the plan." in text
    assert "Nothing of it was kept." in text and "Thrown away: household and phone" in text
    assert "Northside other tastes bread milk" in text and "Planned anew in" in text
    assert "1 of 2 co-ops would get noticeably more, 0 noticeably less" in text
    assert "555-0100" not in text and "household-3" not in text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "no file was chosen"),
        (b"what is this\n", "Nothing was tried."),
        (MUCH_MILK.replace(b"2017-03-01", b"tomorrow", 1), "line 2, column date"),
        (village_till(bread=1, milk=9, households=4), "4 households, fewer than 5"),
        (village_till(gold=1), "no line counts as a good of the plan"),
    ],
    ids=["none", "no-till", "bad-row", "too-few", "other-goods"],
)
async def test_a_till_that_will_not_do_is_refused_in_words(
    browser: Browser, content: bytes | None, sentence: str
) -> None:
    status, text = await bring(browser, content)
    assert status == 422 and sentence in text
    assert "Planned anew" not in text


@pytest.mark.parametrize(
    ("token", "headers"), [("0" * 64, {}), (None, {"Origin": "http://evil.example"})], ids=["token", "origin"]
)
async def test_a_till_of_another_sites_form_is_refused(
    browser: Browser, token: str | None, headers: dict[str, str]
) -> None:
    status, text = await bring(browser, MUCH_MILK, token, **headers)
    assert status == 422 and "form" in text and "Planned anew" not in text


async def test_a_till_comes_from_this_machine_only(spare_node: Node) -> None:
    async with build_village(open_to_all(spare_node)) as browser:
        answer = await browser.post("/what-if", data=b"x", headers={"Host": "northside.example"})
        assert answer.status == 403
