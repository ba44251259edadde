"""Nodes over real TLS on this machine: they meet, catch up, cosign, come back, and settle who called whom."""

import asyncio
import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.clock import Clock
from node.config import Config
from node.use_cases.context import Node, NoParams
from node.use_cases.home import init_home, open_node
from node.use_cases.peers import OnePeer, make_card, remove_peer
from node.use_cases.publish import publish
from node.use_cases.shared_files import share_file
from protocol.core.identity import generate, public_keys
from protocol.federation.grants import KeyGrant
from protocol.federation.scopes import PUBLIC
from protocol.gossip.peers import Fault
from protocol.gossip.session import Session
from storage.log import log_store, record_index
from storage.log.cosignatures import newest_by_cosigner
from storage.peers import peer_state
from tests.node.homes import Rosters, close, make_nodes, pin, pin_all, reopen, start_peering, stop_all, until


def sizes(node: Node) -> dict[str, int]:
    return {head.origin: head.size for head in log_store.heads(node.database.reader)}


def are_level(*nodes: Node) -> bool:
    heads = [[head[:4] for head in log_store.heads(node.database.reader)] for node in nodes]
    return all(found == heads[0] and len(found) >= len(nodes) for found in heads)


def is_indexed(node: Node) -> bool:
    counts = record_index.counts_by_kind(node.database.reader)
    return sum(count for count, _ in counts.values()) == sum(sizes(node).values())


def is_connected(node: Node, other: Node) -> bool:
    return any(peer.origin == other.origin and peer.state == "connected" for peer in node.parts["peering"].status())


async def publish_grants(node: Node, count: int, start: int = 0) -> None:
    keys = [generate(hashlib.sha256(b"%d" % index).digest()).public for index in range(start, start + count)]
    await asyncio.gather(
        *(publish(node, "key.grant", KeyGrant(key, "price committee", "made-up member", False)) for key in keys)
    )


def has_ipv6() -> bool:
    """Whether this machine calls itself by an IPv6 address."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
async def test_two_nodes_meet_where_there_are_only_addresses_with_colons(tmp_path: Path) -> None:
    """The card's address is the very one that is listened at, brackets and all."""
    nodes: list[Node] = []
    for name in ("north", "south"):
        config = Config(home=tmp_path / name, name=name, peer_host="::1")
        await init_home(config, Clock())
        nodes.append(open_node(config, Clock()))
        await start_peering(nodes[-1])
    try:
        for node in nodes:
            assert (await make_card(node, NoParams())).url.startswith("wss://[::1]:")
        await pin_all(nodes)
        await until(nodes, lambda: are_level(*nodes))
    finally:
        await stop_all(nodes)


async def test_a_record_is_pushed_to_all_and_indexed(tmp_path: Path) -> None:
    nodes = await make_nodes(tmp_path, "north", "south", "east")
    try:
        await pin_all(nodes)
        await until(nodes, lambda: are_level(*nodes))
        await publish_grants(nodes[0], 3)
        await until(nodes, lambda: are_level(*nodes) and all(map(is_indexed, nodes)))
        assert all(sizes(node)[nodes[0].origin] == 4 for node in nodes)
    finally:
        await stop_all(nodes)


async def test_a_node_that_only_calls_gives_and_gets_everything(tmp_path: Path) -> None:
    nodes = await make_nodes(tmp_path, "hub", "left", "right")
    hub, left, right = nodes
    try:
        for leaf in (left, right):
            await pin(hub, leaf, dials=False)
            await pin(leaf, hub)
        # Left and right have never met; each knows of the other's log and gets it from the hub.
        await pin(left, right, dials=False)
        await pin(right, left, dials=False)
        await publish_grants(left, 2)
        await until(nodes, lambda: are_level(*nodes))
        assert sizes(right)[left.origin] == 3
        assert not is_connected(left, right)
    finally:
        await stop_all(nodes)


async def test_a_late_node_fetches_bundles_and_the_rest_of_the_last_one(tmp_path: Path) -> None:
    north, south = nodes = await make_nodes(tmp_path, "north", "south")
    try:
        await publish_grants(north, 600)
        await pin_all(nodes)
        await until(nodes, lambda: are_level(north, south) and is_indexed(south))
        assert sizes(south)[north.origin] == 601
        db, mirrored = north.database.reader, south.database.reader
        assert log_store.entries(db, north.origin, 0, 601) == log_store.entries(mirrored, north.origin, 0, 601)
        await publish_grants(north, 1, start=600)
        await until(nodes, lambda: are_level(north, south))
    finally:
        await stop_all(nodes)


async def test_a_node_that_was_away_catches_up_from_its_cursor(tmp_path: Path) -> None:
    north, south = nodes = await make_nodes(tmp_path, "north", "south")
    try:
        await pin_all(nodes)
        await until(nodes, lambda: are_level(north, south))
        await close(south)
        await publish_grants(north, 300)
        south = nodes[1] = await reopen(south)
        await until(nodes, lambda: are_level(north, south))
        assert sizes(south)[north.origin] == 301
    finally:
        await stop_all(nodes)


async def test_witnesses_cosign_the_newest_head_and_everyone_learns_of_it(tmp_path: Path) -> None:
    nodes = await make_nodes(tmp_path, "north", "south", "east")
    origins = [node.origin for node in nodes]
    keys = {f"{node.origin}/witness": public_keys(node.keys).witness for node in nodes}
    try:
        for node in nodes:
            node.parts["roster"] = Rosters(node.origin, keys, origins)
        await pin_all(nodes)
        await until(nodes, lambda: are_level(*nodes))
        await publish_grants(nodes[0], 2)

        def cosigners(node: Node) -> dict[str, int]:
            found = newest_by_cosigner(node.database.reader, nodes[0].origin)
            return {name: cosignature.size for name, cosignature in found.items()}

        wanted = {f"{origin}/witness": 3 for origin in origins[1:]}
        await until(nodes, lambda: all(cosigners(node) == wanted for node in nodes))
        assert f"{origins[0]}/witness" not in cosigners(nodes[0])
    finally:
        await stop_all(nodes)


async def test_cosignatures_that_were_missed_arrive_with_the_next_session(tmp_path: Path) -> None:
    nodes = await make_nodes(tmp_path, "north", "south", "east")
    north, south, east = nodes
    keys = {f"{node.origin}/witness": public_keys(node.keys).witness for node in nodes}
    try:
        await pin_all(nodes)
        await until(nodes, lambda: are_level(*nodes))
        await close(east)
        # East's cursors cover every head; what follows moves no head at all.
        for node in (north, south):
            node.parts["roster"] = Rosters(node.origin, keys, [node.origin for node in nodes])

        def is_cosigned(node: Node) -> bool:
            return f"{south.origin}/witness" in newest_by_cosigner(node.database.reader, north.origin)

        await until((north, south), lambda: is_cosigned(north))
        east = nodes[2] = await reopen(east, roster=Rosters(east.origin, keys, []))
        await until(nodes, lambda: is_cosigned(east))
        assert is_cosigned(east)
    finally:
        await stop_all(nodes)


async def test_a_removed_peer_is_hung_up_on_and_not_let_in_again(tmp_path: Path) -> None:
    north, south = nodes = await make_nodes(tmp_path, "north", "south")
    try:
        await pin_all(nodes)
        await until(nodes, lambda: are_level(north, south) and is_connected(north, south))
        await remove_peer(north, OnePeer(south.origin))
        await until(nodes, lambda: not is_connected(south, north))
        await publish_grants(north, 1)
        assert north.parts["peering"].status() == []
        assert sizes(south)[north.origin] == 1
    finally:
        await stop_all(nodes)


async def test_a_file_is_fetched_by_its_hash_in_pieces(tmp_path: Path) -> None:
    north, south = nodes = await make_nodes(tmp_path, "north", "south")
    content = hashlib.shake_128(b"a goods table").digest(600_000)
    try:
        await pin_all(nodes)
        await until(nodes, lambda: is_connected(north, south) and is_connected(south, north))
        name = await share_file(south, content, PUBLIC)
        secret = south.files.put(b"nobody said who may have this")
        assert await north.parts["peering"].fetch_file(name)
        assert north.files.get(name) == content
        assert not await north.parts["peering"].fetch_file(bytes(32))
        assert not await north.parts["peering"].fetch_file(secret)
    finally:
        await stop_all(nodes)


async def test_a_log_that_is_learned_of_late_comes_though_its_head_was_told_before(tmp_path: Path) -> None:
    nodes = await make_nodes(tmp_path, "north", "south", "east")
    north, south, east = nodes
    try:
        await pin(north, south)
        await pin(south, north)
        await pin(south, east)
        await pin(east, south)
        await until(nodes, lambda: are_level(south, east) or (len(sizes(south)) == 3 and all(sizes(south).values())))
        assert east.origin not in sizes(north)
        await north.database.write(lambda db: log_store.add_log(db, east.origin, public_keys(east.keys).log))
        north.parts["peering"].sync()
        await until(nodes, lambda: sizes(north)[east.origin] == 1)
        assert are_level(north, south)
    finally:
        await stop_all(nodes)


async def test_a_session_that_fails_takes_neither_the_publisher_nor_other_sessions_with_it(tmp_path: Path) -> None:
    north, south = nodes = await make_nodes(tmp_path, "north", "south")
    try:
        await pin_all(nodes)
        await until(nodes, lambda: are_level(north, south) and is_connected(north, south))
        exchange = north.parts["peering"].exchange
        broken = BrokenLink(exchange.new_session(peer_state.peers(north.database.reader)[0]))
        exchange.open(broken)
        assert broken.closed == "an error of this node"
        exchange.links[broken.session.number] = broken
        await publish_grants(north, 1)
        await until(nodes, lambda: are_level(north, south))
        assert sizes(south)[north.origin] == 2
    finally:
        await stop_all(nodes)


class BrokenLink:
    """A transport that fails on every send."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.closed = ""

    def send(self, raw: bytes) -> None:
        raise RuntimeError("no transport")

    def send_bulk(self, frames: Iterator[bytes]) -> None:
        raise RuntimeError("no transport")

    def set_timer(self, at_ms: int) -> None:
        raise RuntimeError("no clock")

    def close(self, reason: str, fault: Fault | None) -> None:
        self.closed = reason
