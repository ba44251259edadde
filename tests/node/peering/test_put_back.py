"""A backup that was put back unnoticed: peers may have been told of changes that this home never went through."""

import shutil
from pathlib import Path

from tests.node.homes import close, make_nodes, pin, pin_all, reopen, stop_all, until
from tests.node.peering.test_peering import are_level, publish_grants, sizes


async def test_a_change_that_takes_the_number_of_a_lost_one_is_told_all_the_same(tmp_path: Path) -> None:
    hub, giver, taker = nodes = await make_nodes(tmp_path, "hub", "giver", "taker")
    try:
        await pin_all([hub, giver])
        await pin_all([hub, taker])
        await pin(taker, giver, dials=False)
        await until(nodes, lambda: are_level(hub, taker))
        await close(hub)
        shutil.copy(hub.config.database_path, tmp_path / "backup")
        hub = nodes[0] = await reopen(hub)
        await pin_all([hub, giver])
        await pin_all([hub, taker])
        await publish_grants(giver, 1)
        await until(nodes, lambda: sizes(taker)[giver.origin] == 2 and are_level(hub, taker))
        for node in nodes:
            await close(node)
        shutil.copy(tmp_path / "backup", hub.config.database_path)
        hub = nodes[0] = await reopen(hub)
        assert sizes(hub)[giver.origin] == 1
        await publish_grants(hub, 1)
        taker = nodes[2] = await reopen(taker)
        await pin_all([hub, taker])
        await until([hub, taker], lambda: are_level(hub, taker))
        assert (sizes(taker)[hub.origin], sizes(hub)[giver.origin]) == (2, 2)
    finally:
        await stop_all([hub, taker])
