"""A web server on loopback with the example behind it, and a browser of sorts."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from node.clock import Clock
from node.config import Config
from node.use_cases.context import Node, Operation
from node.web.api.operations import OperationTable
from node.web.server import build_application, build_site
from protocol.core.errors import PeerError, RefusedError
from tests.node.web.example import ExampleSources

TOKEN = "t0ken-of-a-test"
Browser = TestClient[Any, Any]


class Greeting(msgspec.Struct):
    """Parameters of an operation that only tests have."""

    name: str
    times: int = 1
    content: bytes = b""


async def greet(_: Node, params: Greeting) -> dict[str, object]:
    """Greets, refuses, blames a peer or breaks, as the name asks for."""
    match params.name:
        case "refused":
            raise RefusedError.at("name", "nobody is called that")
        case "peer":
            raise PeerError("the peer sent a wrong root")
        case "broken":
            raise ZeroDivisionError("secret words of a till line")
        case "no key":
            raise KeyError("secret")
    return {"said": [f"Good day, {params.name}"] * params.times, "bytes": len(params.content)}


GREET = Operation("greet", Greeting, greet, "Greets.", writes=False)


def build_client(
    tmp_path: Path,
    sources: ExampleSources,
    token: str = TOKEN,
    web_host: str = "127.0.0.1",
    operations: Sequence[Operation] = (GREET,),
) -> Browser:
    """A client of a server that is started with it, as if it listened on `web_host`."""
    table = OperationTable(None, {operation.name: operation for operation in operations})  # type: ignore[arg-type]
    site = build_site(Config(home=tmp_path, web_host=web_host), Clock(), sources, table, token)
    return TestClient(TestServer(build_application(site)))


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    """A visitor of the filled example."""
    async with build_client(tmp_path, ExampleSources()) as client:
        yield client


@pytest.fixture
async def first_browser(tmp_path: Path) -> AsyncIterator[Browser]:
    """A visitor of an empty home."""
    async with build_client(tmp_path, ExampleSources(is_empty=True)) as client:
        yield client
