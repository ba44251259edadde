"""A node's logs over the web: what an auditor's tools fetch, how long caches may keep it, and an audit of it all."""

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from node.clock import Clock
from node.use_cases.context import Node
from node.use_cases.log.auditing import audit_files, policy_of_key
from node.use_cases.log.files import OWN_LOG, read_log_file
from node.use_cases.log.web_files import WebFiles
from node.web.server import build_application
from protocol.core.errors import PeerError, RefusedError
from protocol.core.note import parse_vkey
from tests.node.use_cases.log.grown_home import fill, vkey_of
from tests.node.use_cases.two_homes import open_home
from tests.node.web.conftest import Browser

SIZE = 600


@pytest.fixture
async def north(tmp_path: Path) -> AsyncIterator[Node]:
    node = await open_home(tmp_path, "north")
    fill(node, SIZE)
    yield node
    node.database.close()


@pytest.fixture
async def auditor(north: Node) -> AsyncIterator[Browser]:
    application = build_application(north, {}, "token")
    async with TestClient(TestServer(application)) as client:
        yield client


def url_of(auditor: Browser, path: str) -> str:
    return str(auditor.make_url(path))


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001"])
async def test_a_file_is_served_under_both_addresses(north: Node, auditor: Browser, path: str) -> None:
    expected = await read_log_file(north, OWN_LOG, path)
    name = hashlib.sha256(north.origin.encode()).hexdigest()
    for address in (f"/log/{path}", f"/mirror/{name}/{path}"):
        answer = await auditor.get(address)
        assert (answer.status, await answer.read()) == (200, expected)
        is_head = path == "checkpoint"
        assert answer.headers["Cache-Control"] == (
            "public, max-age=5" if is_head else "public, max-age=31536000, immutable"
        )
        assert answer.content_type == ("text/plain" if is_head else "application/octet-stream")


@pytest.mark.parametrize("path", ["/log/tile/0/003", "/log/tile/0/2", "/log/tile/9/000", "/mirror/00/checkpoint"])
async def test_what_is_not_there_is_not_found(auditor: Browser, path: str) -> None:
    answer = await auditor.get(path)
    assert (answer.status, answer.headers["Cache-Control"]) == (404, "no-store")
    assert (await auditor.get(f"/mirror/{'0' * 64}/checkpoint")).status == 404


async def test_entries_are_packed_for_those_who_ask(north: Node, auditor: Browser) -> None:
    expected = await read_log_file(north, OWN_LOG, "tile/entries/001")
    for coding, unpack in (("gzip", gzip.decompress), ("identity", bytes)):
        async with auditor.get(
            "/log/tile/entries/001", headers={"Accept-Encoding": coding}, auto_decompress=False
        ) as answer:
            assert answer.headers.get("Content-Encoding", "identity") == coding
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert unpack(await answer.read()) == expected


async def test_an_auditor_reads_the_whole_log_over_the_web(north: Node, auditor: Browser) -> None:
    key = parse_vkey(vkey_of(north))
    files = WebFiles(url_of(auditor, "/log/"), Clock())
    report = await asyncio.to_thread(audit_files, files, policy_of_key(key), key)
    files.close()
    assert (report.findings, report.records) == ((), SIZE)


async def test_a_server_that_misbehaves_cannot_fill_the_auditor(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        match request.path:
            case "/long":
                return web.Response(body=b"x" * 1_001)
            case "/elsewhere":
                raise web.HTTPFound("/long")
            case "/broken":
                raise web.HTTPServiceUnavailable
        raise web.HTTPNotFound

    application = web.Application()
    application.router.add_get("/{path}", answer)
    async with TestServer(application) as server:
        files = WebFiles(str(server.make_url("/")), Clock())
        with pytest.raises(PeerError, match="more than 1000 bytes"):
            await asyncio.to_thread(files, "long", 1_000)
        for path in ("elsewhere", "broken"):
            with pytest.raises(ConnectionError, match="answered"):
                await asyncio.to_thread(files, path, 1_000)
        assert await asyncio.to_thread(files, "missing", 1_000) is None
        assert await asyncio.to_thread(files, "long", 1_001) == b"x" * 1_001
        files.close()
    with pytest.raises(ConnectionError):
        await asyncio.to_thread(files, "long", 1_001)


@pytest.mark.parametrize("url", ["file:///etc", "https://", "http://host:port/", "http://one@host/", "http://host/?q"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(RefusedError):
        WebFiles(url, Clock())
