"""The page on which people touch the plan: the form, the answer, what is refused; hostile names stay text."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from node.use_cases.planning.exploring.verbs import WhatIfParams, explore
from node.web.filling.plan_words import labels_of
from node.web.filling.what_if import fill_what_if, read_changes
from node.web.pages.what_if import WhatIfPage
from protocol.core.errors import RefusedError
from tests.node.web.conftest import build_client
from tests.node.web.example import ExampleSources
from tests.node.web.page_reader import read_page
from tests.node.web.story import NAMES, village_plan


class TriedSources(ExampleSources):
    """The example with the village's plan to try things on."""

    async def what_if(self, query: Mapping[str, str]) -> WhatIfPage | None:
        """The village's plan tried again."""
        plan = village_plan().report.plan
        assert plan is not None
        labels = labels_of(plan, {}, NAMES)
        try:
            answer = explore(plan, WhatIfParams(changes=read_changes(query), beside=True))
        except RefusedError as error:
            return fill_what_if(plan, labels, "the village", query, None, error.reason)
        return fill_what_if(plan, labels, "the village", query, answer)


OVEN = "oak-3.rochdale/log#oven_place"


@pytest.mark.parametrize(
    ("query", "status", "sentences"),
    [
        ({}, 200, ["Try it", "Beside the plan", "Members are guessed here"]),
        ({"good": "milk", "floor": "60"}, 200, ["Who gains, who lacks", "Northside", "Southgate", "CO₂"]),
        ({"workplace": OVEN, "capacity": "0"}, 200, ["The basic needs could not all be met", "Bread: "]),
        ({"means": "co2", "share": "80"}, 200, ["Who gains, who lacks"]),
        ({"good": "milk", "floor": "<b>"}, 422, ["Nothing was tried.", "floors.milk"]),
        ({"workplace": OVEN, "capacity": "many"}, 422, ["must be a whole number of percent"]),
        ({"workplace": "<script>", "capacity": "5"}, 422, ["is not in this plan"]),
        ({"means": "co2", "share": "9" * 100}, 422, ["Nothing was tried."]),
        ({"good": "milk"}, 200, ["Beside the plan"]),
    ],
)
async def test_the_form_answers(tmp_path: Path, query: dict[str, str], status: int, sentences: list[str]) -> None:
    async with build_client(tmp_path, TriedSources()) as browser:
        answer = await browser.get("/what-if", params=query)
        text = await answer.text()
    page = read_page(text)
    assert answer.status == status and page.findings == []
    for sentence in sentences:
        assert sentence in page.text, sentence
    assert "<script>" not in text and "EUR" not in page.text
    chosen = [value for value in (query.get("good"), query.get("workplace"), query.get("means")) if value]
    assert text.count(" selected") == sum(value in ("milk", OVEN, "co2") for value in chosen)


async def test_without_a_plan_it_says_so(tmp_path: Path) -> None:
    async with build_client(tmp_path, ExampleSources()) as browser:
        page = read_page(await (await browser.get("/what-if")).text())
    assert page.findings == [] and "There is no plan yet to try things on." in page.text
