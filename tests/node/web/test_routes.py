"""The addresses of all areas: found where they stand, none twice; and what a server keeps of what took long."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from node.web.asked import Kept
from node.web.page import FilledPage, Route
from node.web.routes import ROUTES
from node.web.showing import list_routes

WEB = Path(__file__).parents[3] / "node" / "web"
PAGES = [found for found in ROUTES if isinstance(found, FilledPage)]


def test_every_list_of_addresses_is_found() -> None:
    listed = {path for file in WEB.rglob("*.py") for path in re.findall(r'path="(/[^"]*)"', file.read_text())}
    listed |= {path for file in WEB.rglob("*.py") for path in re.findall(r'Route\("\w+", "(/[^"]*)"', file.read_text())}
    found = {route.path for route in list_routes(ROUTES)}
    assert len(listed) >= 18 and found - listed == {"/first-day", "/plan.json"}, "these two are named by a constant"
    assert listed <= found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_a_page_has_its_template_beside_it(page: FilledPage) -> None:
    source = str(page.fill.__module__).removeprefix("node.web.").split(".")[:-1]
    assert (WEB / page.template).is_file() and page.template.split("/")[:-2] == source


def test_no_address_is_taken_twice() -> None:
    page = next(page for page in PAGES if page.path == "/prices")
    again = Route("GET", page.path, list_routes(ROUTES)[0].handler, "again")
    for second in (page, again):
        with pytest.raises(AssertionError, match="stands there 2 times"):
            list_routes((page, second))
    with pytest.raises(KeyError):
        list_routes((replace(page, instead="/nowhere"),))


async def test_what_took_long_is_made_again_only_when_it_has_changed() -> None:
    made: list[str] = []

    async def make() -> int:
        made.append("")
        return len(made)

    kept = Kept()
    asked = [("plan", 1), ("plan", 1), ("till", 1), ("plan", 2), ("plan", 1)]
    assert [await kept.hold(name, seen, make) for name, seen in asked] == [1, 1, 2, 3, 4]
    assert await Kept().hold("plan", 1, make) == 5, "nothing is shared between servers"
