"""The committee's page: what it shows, what it sends on, from whom it takes a form; hostile words stay text."""

import re
from collections.abc import AsyncIterator, Mapping

import pytest
from aiohttp import FormData

from node.use_cases.context import Node
from node.use_cases.planning.proposals.lines import CardLine, CardNest, CardPreview, WorkplaceLine
from node.use_cases.planning.proposals.proposal import Proposal
from node.web.forms import SentForm
from node.web.planning.proposal.filling import fill_proposal, read_edits
from node.web.planning.proposal.model import ProposalForm, ProposalPage
from node.web.planning.proposal.pages import read_fields
from protocol.core.errors import Finding, RefusedError
from tests.node.web.conftest import Browser, build_client, open_to_all
from tests.node.web.example import EXAMPLE
from tests.node.web.made_up import HOSTILE
from tests.node.web.page_reader import PageReader, read_page

DIGEST = "ab" * 32


def proposal(preview: bool = True) -> Proposal:
    """A made-up council of two nests and an oven, in the second of three readings."""
    lines = (
        CardLine("bread", "Baked", "KGM", "206.1", "20", ("till: 9 households", "floor: the charter's list")),
        CardLine("brown_rolls", "Baked", "KGM", "61.3", "0", ("till: 9 households", "committee: 80 % of that")),
        CardLine("milk", HOSTILE, "LTR", "90", "0", ("till: no lines",)),
    )
    whole = CardPreview(
        people=40,
        credits="400",
        nests=(CardNest("Baked", "0.5", "300"), CardNest(HOSTILE, "0", "100")),
        lines=lines,
        workplaces=(WorkplaceLine("oven", "190", "10", ("bread", "brown_rolls"), True),),
        till_lines_left_out=17,
        digest=DIGEST,
    )
    return Proposal(
        call="00" * 32,
        scope="the village",
        period="2026-07",
        stages=("gone out", "open", "released"),
        reading=2,
        preview=whole if preview else None,
        edits_percent={"brown_rolls": 80},
        editable=("bread", "brown_rolls"),
    )


class Committee:
    """A council whose page reads forms as the real one; what was sent is kept to look at."""

    def __init__(self) -> None:
        self.sent: list[ProposalForm] = []

    def look(self, _: Mapping[str, str]) -> ProposalPage:
        """The page before anything was sent."""
        return self.answer(ProposalForm())

    def take(self, sent: SentForm) -> ProposalPage:
        """The page after the form."""
        return self.answer(read_fields(sent))

    def answer(self, form: ProposalForm) -> ProposalPage:
        """The made-up council; percents are read, and an oven of none is refused, as the rules would."""
        self.sent.append(form)
        refused = None
        try:
            read_edits(form)
            if form.capacities.get("oven") == "none":
                raise RefusedError.at("workplaces.oven.capacity", "'none' is not a number")
            if form.capacities.get("oven") == "7":
                raise RefusedError.at("north.nests", "too many")
        except RefusedError as error:
            refused = error
        return fill_proposal(proposal(), form, refused, "Released for reading 2." if form.action == "release" else "")

    def build_browser(self, node: Node) -> Browser:
        """A visitor of this council's node."""
        return build_client(node, {**EXAMPLE, "/proposal": self.look}, {"/proposal": self.take})


@pytest.fixture
def committee() -> Committee:
    """A committee."""
    return Committee()


@pytest.fixture
async def browser(spare_node: Node, committee: Committee) -> AsyncIterator[Browser]:
    """A browser on the node's machine."""
    async with committee.build_browser(spare_node) as client:
        yield client


async def send(browser: Browser, fields: dict[str, str], token: str | None = None) -> tuple[int, PageReader, str]:
    """Send the form with these fields."""
    opened = await (await browser.get("/proposal")).text()
    form = FormData(default_to_multipart=True)
    (drawn,) = set(re.findall(r'"form-token" value="([0-9a-f]{64})"', opened))
    form.add_field("form-token", drawn if token is None else token)
    for name, text in fields.items():
        form.add_field(name, text)
    answer = await browser.post("/proposal", data=form)
    text = await answer.text()
    return answer.status, read_page(text), text


async def test_every_line_is_there_with_its_sources_and_its_field(browser: Browser) -> None:
    text = await (await browser.get("/proposal?reading=2")).text()
    page = read_page(text)
    assert page.findings == [] and "<script" not in text and "<b>" not in text
    assert "Reading 1 : our cards have gone out Reading 2 : not released yet Reading 3 : released" in page.text
    assert "Bread kg till: 9 households floor: the charter's list 206.1 20" in page.text
    assert "these goods go together more than they stand in for one another" in page.text
    assert re.search(r'name="percent:brown_rolls" value="80"', text) and 'name="percent:milk"' not in text
    assert 'name="capacity:oven" value="190"' in text and "recipes stay here" in page.text
    assert "17 till lines count as no good" in page.text and "EUR" not in page.text


async def test_what_was_typed_and_the_lines_that_were_read_arrive(browser: Browser, committee: Committee) -> None:
    fields = {"percent:bread": " 90 ", "percent:brown_rolls": "", "capacity:oven": "180", "least:oven": "0"}
    fields |= {"reading": "2", "digest": DIGEST, "standing": "on", "action": "release"}
    status, page, _ = await send(browser, fields)
    assert status == 200 and "Released for reading 2." in page.text and page.findings == []
    assert committee.sent[-1] == ProposalForm(
        action="release",
        reading=2,
        percents={"bread": "90", "brown_rolls": ""},
        capacities={"oven": "180"},
        leasts={"oven": "0"},
        is_standing=True,
        digest=DIGEST,
    )
    assert read_edits(committee.sent[-1]) == {"bread": 90, "brown_rolls": 100}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"percent:bread": "much"}, "a whole number of percent, such as 80"),
        ({"percent:bread": "-5"}, "a whole number of percent"),
        ({"percent:bread": "1" * 5}, "a whole number of percent"),
        ({"capacity:oven": "none"}, "'none' is not a number"),
        ({"capacity:oven": "7"}, "north.nests"),
        ({"action": "steal"}, "no such button stands on this page"),
    ],
)
async def test_what_cannot_be_is_said_beside_its_field(browser: Browser, fields: dict[str, str], sentence: str) -> None:
    status, page, text = await send(browser, fields)
    assert status == 422 and page.findings == [] and "Nothing was released." in page.text and sentence in page.text
    if "percent:bread" in fields:
        assert f'name="percent:bread" value="{fields["percent:bread"][:5]}' in text and 'aria-invalid="true"' in text


async def test_a_form_from_elsewhere_is_refused_and_asks_for_nothing(browser: Browser, committee: Committee) -> None:
    status, page, _ = await send(browser, {"action": "release", "digest": DIGEST}, token="0" * 64)
    assert status == 422 and "opened too long ago or elsewhere" in page.text
    assert [form.action for form in committee.sent] == ["look", "look"]


async def test_nobody_elsewhere_reads_what_is_not_released(spare_node: Node) -> None:
    async with Committee().build_browser(open_to_all(spare_node)) as browser:
        for ask in (browser.get, browser.post):
            assert (await ask("/proposal", headers={"Host": "northside.example"})).status == 403


def test_a_home_that_released_nothing_begins_from_a_file() -> None:
    page = fill_proposal(proposal(preview=False), ProposalForm())
    assert not page.has_lines and page.can_change and page.digest == ""


def test_findings_that_name_no_field_are_listed() -> None:
    refused = RefusedError("the cards would count nowhere", [Finding("north.nests", "too many")])
    page = fill_proposal(proposal(), ProposalForm(), refused)
    assert [str(one) for one in page.findings] == ["north.nests: too many"]
