"""The server against rude visitors: strange hosts, slow heads, long heads, too many at once; and its own faults."""

import asyncio
from collections.abc import Mapping

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from node.use_cases.context import Node
from node.web.guard import host_name
from node.web.server import LINE_BYTES_MAX, build_application, build_runner
from node.web.supply.model import PriceList
from node.web.visit import REQUESTS_MAX, SITE, Site
from tests.node.web.conftest import Browser, build_client, open_to_all
from tests.node.web.example import EXAMPLE


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "[", "a" * 300, "127.0.0.1.evil.example:80"]
)
async def test_another_host_name_is_turned_away(browser: Browser, host: str) -> None:
    answer = await browser.get("/plan", headers={"Host": host})
    assert answer.status in (400, 421)
    assert "Oak bakery" not in await answer.text()


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "127.0.0.1:9", "[::1]:8080", "LOCALHOST"])
async def test_loopback_names_are_answered(browser: Browser, host: str) -> None:
    assert (await browser.get("/healthz", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    ("host", "name"),
    [("Oak.example:80", "oak.example"), ("[::1]:8", "::1"), ("", None), ("a" * 256, None), ("[x", None)],
)
def test_the_name_in_a_host_header(host: str, name: str | None) -> None:
    assert host_name(host) == name


def test_a_server_open_to_the_network_answers_to_any_name_and_one_bound_to_a_name_to_that(spare_node: Node) -> None:
    assert build_application(open_to_all(spare_node), {}, "t")[SITE].hosts is None
    hosts = build_application(open_to_all(spare_node, "Oak.example"), {}, "t")[SITE].hosts
    assert hosts is not None and "oak.example" in hosts


async def serve(node: Node, deadline_s: float) -> tuple[web.AppRunner, int]:
    """A running server with a short deadline for heads: the runner and its port."""
    runner = build_runner(build_application(node, {}, "t"), deadline_s)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, runner.addresses[0][1]


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server hangs up; a reset counts as hanging up."""
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b""


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost: local", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /"]
)
async def test_half_a_head_does_not_hold_a_connection(spare_node: Node, sent: bytes) -> None:
    runner, port = await serve(spare_node, 0.05)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        answer = await read_to_end(reader)
        assert answer == b"" or answer.count(b"HTTP/1.1 200") == 1
        writer.close()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * (LINE_BYTES_MAX + 1) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 100 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 9_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00 not http at all\r\n\r\n",
    ],
)
async def test_a_head_beyond_the_limits_is_refused(spare_node: Node, head: bytes) -> None:
    runner, port = await serve(spare_node, 5)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        assert (await read_to_end(reader)).startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
        writer.close()
    finally:
        await runner.cleanup()


def served_site(browser: Browser) -> Site:
    """The site that a test's server serves."""
    assert isinstance(browser.server, TestServer)
    return browser.server.app[SITE]


async def test_one_visitor_too_many_is_asked_to_come_back(browser: Browser) -> None:
    crowd = served_site(browser).crowd
    crowd.inside = REQUESTS_MAX
    assert (await browser.get("/plan")).status == 503
    crowd.inside = 0
    assert (await browser.get("/plan")).status == 200
    assert crowd.inside == 0


def fail_with_secret(_: Mapping[str, str]) -> PriceList:
    """Breaks, with words that nobody else should read."""
    raise ZeroDivisionError("secret words of a till line")


async def test_a_fault_of_ours_is_logged_by_kind_and_place_and_shown_in_plain_words(spare_node: Node) -> None:
    with capture_logs() as logged:
        async with build_client(spare_node, {**EXAMPLE, "/prices": fail_with_secret}) as browser:
            answer = await browser.get("/prices")
            text = await answer.text()
    assert answer.status == 500
    assert "Something went wrong on this node" in text
    assert "secret" not in text + str(logged)
    assert logged[0]["error"] == "ZeroDivisionError"
    assert logged[0]["place"].startswith("test_server.py:")
