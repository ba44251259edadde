"""The scene of tests with hostile peers."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from node.use_cases.peers import own_card, pin_card
from tests.node.homes import make_node, start_peering, stop_all
from tests.node.peering.scene import Scene


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    node, other = await make_node(tmp_path, "north"), await make_node(tmp_path, "south")
    other.database.close()
    try:
        await start_peering(node)
        await pin_card(node, own_card(other))
        async with aiohttp.ClientSession() as session:
            yield Scene(node, other, session)
    finally:
        await stop_all([node])
