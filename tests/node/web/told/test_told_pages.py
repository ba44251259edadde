"""Pages that operations describe: as they are told, with what the address says, and with nothing that would run."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import msgspec
import pytest

from node.use_cases.context import Node, Operation
from node.use_cases.description import Page, Rows
from protocol.core.errors import RefusedError
from tests.node.web.conftest import Browser, build_client
from tests.node.web.made_up import HOSTILE
from tests.node.web.page_reader import read_page


class Asked(msgspec.Struct):
    """Which good, and how much of it."""

    good: str = "bread"
    amount: int = 3


class Weighed(msgspec.Struct):
    """What a pair of scales says."""

    good: str
    grams: tuple[int, ...]


async def weigh(_: Node, asked: Asked) -> Weighed:
    """Weighs anything but gold."""
    if asked.good == "gold":
        raise RefusedError.at("good", "is not weighed here")
    return Weighed(asked.good, tuple(range(1, asked.amount + 1)))


def tell_weighed(answer: Weighed) -> Iterator[str | Rows]:
    """A sentence, a table, and a text of two lines."""
    yield f"This is {answer.good}; `rochdale weigh` says so too."
    yield Rows(("what", "grams"), [(HOSTILE, number) for number in answer.grams])
    yield "one\ntwo <b>"


WEIGH = Operation(
    "weigh", Asked, weigh, "Weighs.", writes=False, tell=tell_weighed, page=Page("/scales", "On the scales")
)
OF_ONE = replace(WEIGH, name="weigh.one", page=Page("/scales/{good}", "One good"))
BELOW = replace(WEIGH, name="weigh.below", page=Page("/logs", "Weighed too"))


@pytest.fixture
async def browser(spare_node: Node) -> AsyncIterator[Browser]:
    """A visitor of a node that weighs."""
    async with build_client(spare_node, operations=(WEIGH, OF_ONE, BELOW)) as client:
        yield client


@pytest.mark.parametrize(
    "path, said",
    {
        "as it is": ("/scales", "On the scales This is bread; rochdale weigh says so too. what grams"),
        "of what follows the address": ("/scales?good=milk&amount=1&lang=en", "This is milk;"),
        "of a part of the address": ("/scales/rye", "One good This is rye;"),
        "refused, with the reason": ("/scales?good=gold", "good: is not weighed here"),
        "below what stands there": ("/logs", "Weighed too This is bread;"),
    }.values(),
)
async def test_a_page_tells_what_the_operation_says(browser: Browser, path: str, said: str) -> None:
    answer = await browser.get(path)
    text = await answer.text()
    page = read_page(text)
    assert (answer.status, page.findings) == (200, [])
    assert said in page.text and "<script" not in text and "<b>" not in text


async def test_numbers_stand_to_the_right_and_lines_stay_lines(browser: Browser) -> None:
    text = await (await browser.get("/scales?amount=1")).text()
    assert '<th scope="col">what</th><th scope="col" class="n">grams</th>' in text
    assert '<td class="n">1</td>' in text and "<pre>one\ntwo &lt;b&gt;</pre>" in text
    assert "<code>rochdale weigh</code>" in text
    assert '<th scope="col">grams</th>' in await (await browser.get("/scales?amount=0")).text()


async def test_an_address_that_an_operation_cannot_take_is_nowhere(browser: Browser) -> None:
    assert (await browser.get("/scales?amount=many")).status == 404
    assert (await browser.post("/scales")).status == 405


async def test_where_a_page_has_other_content_a_refusal_is_not_told(browser: Browser) -> None:
    page = read_page(await (await browser.get("/logs?good=gold")).text())
    assert "Peers and logs" in page.text and "Weighed" not in page.text


async def test_the_head_of_each_page_names_those_that_need_no_more(browser: Browser) -> None:
    page = read_page(await (await browser.get("/prices")).text())
    assert "/scales" in page.links and not any("{" in link for link in page.links)


def test_what_writes_has_no_page_and_what_is_read_has_words() -> None:
    with pytest.raises(AssertionError, match="looking at a page changes nothing"):
        replace(WEIGH, writes=True)
    with pytest.raises(AssertionError, match="nothing to read"):
        replace(WEIGH, tell=None)
