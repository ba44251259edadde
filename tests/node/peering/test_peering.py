"""Two and more nodes over real TLS on this machine: they meet, catch up, and settle who called whom."""

from pathlib import Path

from node.use_cases.context import Node
from storage import log_store
from tests.node.homes import make_node, pin, start_peering, stop_all, until


def sizes(node: Node) -> dict[str, int]:
    return {head.origin: head.size for head in log_store.heads(node.database.reader)}


def are_level(*nodes: Node) -> bool:
    heads = [[head[:3] for head in log_store.heads(node.database.reader)] for node in nodes]
    return all(found == heads[0] and len(found) >= len(nodes) for found in heads)


async def test_two_nodes_meet_and_hold_each_others_logs(tmp_path: Path) -> None:
    north, south = await make_node(tmp_path, "north"), await make_node(tmp_path, "south")
    try:
        await start_peering(north)
        await start_peering(south)
        await pin(north, south)
        await pin(south, north)
        await until((north, south), lambda: are_level(north, south))
        assert sizes(north) == {north.origin: 1, south.origin: 1}
    finally:
        await stop_all([north, south])
