"""A node as a process and a witness outside: asked without being told to, and after a power cut from where it stood."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from node.clock import Clock
from node.config import Config
from node.use_cases.home import init_home, open_node
from protocol.core.identity import generate
from tests.node.running_node import RunningNode
from tests.node.use_cases.outside.strangers import OutsideWitness, Server

WAIT_S = 60.0
PIECE = {"amount": 1, "unit": "C62", "exponent": 0}


def product(number: int) -> dict[str, object]:
    """A made-up product, to have something to publish."""
    return {"code": f"in-house:loaf-{number}", "names": {"en": "loaf"}, "category": "bread", "unit": "C62"} | {
        "piece": PIECE,
        "minimum_order": PIECE,
        "made_up": True,
    }


@pytest.mark.slow
async def test_heads_are_cosigned_by_a_running_node_and_again_by_its_next_run(tmp_path: Path) -> None:
    home = tmp_path / "north"
    config = Config(home=home, name="north")
    await init_home(config, Clock())
    node = open_node(config, Clock())
    oak = OutsideWitness(node.origin, generate(node.keys.log).public)
    node.database.close()
    answered: asyncio.Queue[int] = asyncio.Queue()

    async def answer(request: web.Request) -> web.Response:
        verdict = oak.judge(await request.read())
        answered.put_nowait(verdict.status)
        return web.Response(text=verdict.body, status=verdict.status)

    async def publish(north: RunningNode, number: int) -> None:
        await asyncio.to_thread(north.ask, "product.publish", product(number))

    async with Server(answer) as server, asyncio.timeout(WAIT_S):
        with RunningNode(home) as north:
            await asyncio.to_thread(north.ask, "witness.add", {"url": server.url, "keys": oak.vkeys})
            assert await answered.get() == 200
            await publish(north, 1)
            assert await answered.get() == 200
            await publish(north, 2)
            north.kill()
        with RunningNode(home) as north:
            # Whether or not it came to ask about the last head before the power was cut.
            while oak.held.size < 3:
                assert await answered.get() in (200, 409)
            await publish(north, 3)
            while oak.held.size < 4:
                assert await answered.get() in (200, 409)
            stopped = await asyncio.to_thread(north.stop)
            assert stopped[0] == 0
    sizes = [size for _, size, status in oak.asked if status == 200]
    assert sizes == sorted(sizes)
    # Asked at once from the head before: the answer to that one was kept.
    assert oak.asked[-1] == (3, 4, 200)
