"""A web server on loopback with the example behind it, and a browser of sorts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from node.clock import Clock
from node.config import Config
from node.use_cases.context import Node, Operation
from node.use_cases.home import init_home, open_node
from node.web.frame import Frame
from node.web.server import build_application
from protocol.core.errors import PeerError, RefusedError
from tests.node.web.example import EMPTY, EXAMPLE, Models, TakeModel, empty_frame, example_frame, list_pages

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


@pytest.fixture(scope="session")
def spare_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A new home for pages that ask nothing of it; nobody writes there."""
    config = Config(home=tmp_path_factory.mktemp("spare") / "home")
    asyncio.run(init_home(config, Clock()))
    node = open_node(config, Clock())
    yield node
    node.database.close()


def build_client(
    node: Node,
    models: Models = EXAMPLE,
    takes: Mapping[str, TakeModel] | None = None,
    token: str = TOKEN,
    operations: Sequence[Operation] = (GREET,),
    frame: Callable[[Node], Frame] = example_frame,
) -> Browser:
    """A client of a server, started with it, whose pages have these models."""
    table = {operation.name: operation for operation in operations}
    return TestClient(TestServer(build_application(node, table, token, tuple(list_pages(models, takes or {})), frame)))


def open_to_all(node: Node, web_host: str = "0.0.0.0") -> Node:
    """The same node, as if it listened there."""
    return replace(node, config=msgspec.structs.replace(node.config, web_host=web_host))


@pytest.fixture
async def browser(spare_node: Node) -> AsyncIterator[Browser]:
    """A visitor of the filled example."""
    async with build_client(spare_node) as client:
        yield client


@pytest.fixture
async def first_browser(spare_node: Node) -> AsyncIterator[Browser]:
    """A visitor of an empty home."""
    async with build_client(spare_node, EMPTY, frame=empty_frame) as client:
        yield client
