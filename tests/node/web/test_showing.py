"""How every filled page is shown and every form taken: the address's own parts first, and one form at a time."""

import asyncio
import re

from aiohttp import FormData

from node.use_cases.context import Node
from node.web.forms import SentForm
from node.web.till.model import FirstDay
from tests.node.web.conftest import build_client
from tests.node.web.example import EXAMPLE
from tests.node.web.till.example import example_first_day


async def test_what_follows_an_address_does_not_speak_for_the_address(spare_node: Node) -> None:
    async with build_client(spare_node) as browser:
        assert (await browser.get("/prices/none?product=loaf")).status == 404
        assert (await browser.get("/prices/loaf?product=none")).status == 200


async def test_forms_are_taken_one_at_a_time(spare_node: Node) -> None:
    inside: list[str] = []
    crowds: list[int] = []

    async def take(form: SentForm) -> FirstDay:
        inside.append(form.fields["name"])
        for _ in range(3):
            # While these are answered, what the others sent arrives.
            assert (await browser.get("/healthz")).status == 200
        crowds.append(len(inside))
        inside.pop()
        return example_first_day()

    async with build_client(spare_node, EXAMPLE, {"/first-day": take}) as browser:
        opened = await (await browser.get("/first-day")).text()
        (token,) = re.findall(r'"form-token" value="([0-9a-f]{64})"', opened)

        async def send(name: str) -> int:
            form = FormData(default_to_multipart=True)
            form.add_field("form-token", token)
            form.add_field("name", name)
            return (await browser.post("/first-day", data=form)).status

        assert await asyncio.gather(*map(send, ("north", "south", "quay"))) == [200] * 3
    assert crowds == [1, 1, 1]
