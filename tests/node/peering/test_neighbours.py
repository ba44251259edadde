"""A federation too large for everyone to be connected with everyone, in small: real nodes, real TLS, few sessions."""

import asyncio
import gc
import socket
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from node.peering.overlay.neighbours import VISIT
from node.peering.peering import Peering
from node.use_cases.context import Node
from node.use_cases.publish import publish
from protocol.federation.grants import KeyGrant
from protocol.gossip.frames import format_frame
from protocol.gossip.messages import Shuffle
from protocol.gossip.overlay import limits
from protocol.gossip.overlay.networks import network_of
from storage.log import log_store
from tests.node.homes import make_node, make_nodes, pin, pin_all, start_peering, stop_all, until

NODES = 6
ACTIVE_WANTED, ACTIVE_MAX = 2, 3
SMALL = {
    "MESH_MEMBERS_MAX": 3,
    "ACTIVE_WANTED": ACTIVE_WANTED,
    "ACTIVE_MAX": ACTIVE_MAX,
    "REST_MS": 200,
    "REST_ALONE_MS": 200,
}


class OneRoster:
    """A roster keeper that has these members."""

    def __init__(self, nodes: list[Node]) -> None:
        members = [SimpleNamespace(origin=node.origin) for node in nodes]
        self.history = SimpleNamespace(newest=SimpleNamespace(roster=SimpleNamespace(members=members)))

    def witness_duties(self) -> list[str]:
        return []

    def witness_keys(self) -> dict[str, bytes]:
        return {}

    def witness_rule(self) -> str:
        return "half"


@pytest.fixture
async def strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Node]]:
    for name, value in SMALL.items():
        monkeypatch.setattr(limits, name, value)
    found = await make_nodes(tmp_path, *[f"coop{index}" for index in range(NODES)])
    try:
        yield found
    finally:
        # All at once, so that nobody calls one whose door is closing.
        await asyncio.gather(*(stop_all([node]) for node in found))


@pytest.fixture
async def nodes(strangers: list[Node]) -> list[Node]:
    await pin_all(strangers)
    return strangers


def peering_of(node: Node) -> Peering:
    peering = node.parts["peering"]
    assert isinstance(peering, Peering)
    return peering


def sessions_of(node: Node) -> set[str]:
    return {peer.origin for peer in peering_of(node).status() if peer.state == "connected"}


def seats_of(node: Node) -> set[str]:
    return set(peering_of(node)._neighbours._membership.active)


def held(node: Node, origin: str) -> int:
    head = log_store.head(node.database.reader, origin)
    return 0 if head is None else head.size


def has_few(nodes: list[Node]) -> bool:
    """Whether each keeps some sessions and no more, and none is about to begin or end."""
    states = {peer.state for node in nodes for peer in peering_of(node).status()}
    return states == {"connected", "over others"} and all(
        ACTIVE_WANTED <= len(sessions_of(node)) <= ACTIVE_MAX for node in nodes
    )


def federate(nodes: list[Node]) -> None:
    for node in nodes:
        node.parts["roster"] = OneRoster(nodes)
        peering_of(node).refresh()


async def say_something(node: Node) -> None:
    await publish(node, "key.grant", KeyGrant(bytes(32), "treasurer", "treasurer 1", False))


async def test_few_sessions_are_enough_for_everyone_to_hear_everything(nodes: list[Node]) -> None:
    await until(nodes, lambda: all(len(sessions_of(node)) == NODES - 1 for node in nodes))
    federate(nodes)
    await until(nodes, lambda: has_few(nodes))
    author = nodes[0]
    before = held(author, author.origin)
    await say_something(author)
    assert held(author, author.origin) == before + 1
    await until(nodes, lambda: all(held(node, author.origin) == before + 1 for node in nodes))
    assert has_few(nodes)


async def test_when_some_stop_the_others_find_each_other_again(nodes: list[Node]) -> None:
    federate(nodes)
    await until(nodes, lambda: all(len(sessions_of(node)) >= ACTIVE_WANTED for node in nodes))
    gone, left = nodes[:2], nodes[2:]
    await asyncio.gather(*(peering_of(node).stop() for node in gone))
    await until(
        nodes, lambda: all(len(sessions_of(node) & {one.origin for one in left}) >= ACTIVE_WANTED for node in left)
    )
    before = held(left[0], left[0].origin)
    await say_something(left[0])
    await until(nodes, lambda: all(held(node, left[0].origin) == before + 1 for node in left))


async def test_a_small_federation_keeps_a_session_with_everyone(nodes: list[Node]) -> None:
    few = nodes[:4]
    for node in few:
        node.parts["roster"] = OneRoster(few)
        peering_of(node).refresh()
    await until(nodes, lambda: all(len(sessions_of(node)) == NODES - 1 for node in nodes))
    neighbours = peering_of(nodes[0])._neighbours
    assert not any(neighbours.manages(node.origin) for node in nodes)
    assert all(neighbours.expects(node.origin) and neighbours.lets_in(node.origin, "spare") for node in nodes)


async def host_among(nodes: list[Node], monkeypatch: pytest.MonkeyPatch) -> Node:
    """The first node, seated: only it knows addresses, so that nobody else's calls come in between."""
    monkeypatch.setattr(limits, "MESH_MEMBERS_MAX", 0)
    host, others = nodes[0], nodes[1:]
    for node in nodes:
        node.parts["roster"] = OneRoster(nodes)
    for node in others:
        for other in nodes:
            if other is not node:
                await pin(node, other, dials=False)
    for other in others:
        await pin(host, other)
    await until(nodes, lambda: len(seats_of(host)) == len(sessions_of(host)) == ACTIVE_WANTED)
    return host


async def test_whoever_is_no_neighbour_is_visited_and_takes_no_seat_nor_has_a_say(
    strangers: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = await host_among(strangers, monkeypatch)
    neighbours = peering_of(host)._neighbours
    seats = seats_of(host)
    apart, *rest = [node for node in strangers[1:] if node.origin not in seats]
    neighbours.visit([apart.origin])
    await until(strangers, lambda: apart.origin in sessions_of(host) and host.origin in sessions_of(apart))
    assert seats_of(host) == seats and not seats_of(apart)
    neighbours._end_visit(apart.origin)
    await until(strangers, lambda: not neighbours._visitors and apart.origin not in sessions_of(host))
    # What is said of others is taken from neighbours only.
    membership = neighbours._membership
    membership.passive.clear()
    near = next(node for node in strangers[1:] if node.origin in seats)
    named = rest[0].origin
    raw = format_frame(Shuffle((named,), is_reply=True))
    neighbours.hear(apart.origin, Shuffle((apart.origin,), is_reply=True))
    assert not membership.passive
    await until(strangers, lambda: host.origin in sessions_of(near))
    peering_of(near).say(host.origin, raw)
    await until(strangers, lambda: named in membership.passive)


async def test_a_visit_that_crosses_another_call_and_is_kept_leaves_no_seat_without_a_session(
    strangers: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = await host_among(strangers, monkeypatch)
    neighbours = peering_of(host)._neighbours
    seated = next(iter(seats_of(host)))
    neighbours.note_up(seated, VISIT, is_called_by_us=False)
    assert seated not in seats_of(host) and neighbours._visitors == {seated}
    neighbours.note_down(seated, is_parting=True)
    assert seated not in seats_of(host) and not neighbours._visitors


async def test_a_caller_that_comes_while_the_door_closes_is_not_left_hanging(tmp_path: Path) -> None:
    node = await make_node(tmp_path, "north")
    peering = await start_peering(node)
    accepted, caller = socket.socketpair()
    peering._listener._take_in(accepted, "127.0.0.1")
    await peering._listener.stop()
    await peering.stop()
    node.database.close()
    assert accepted.fileno() == -1
    assert not peering._listener._per_address
    caller.close()


@pytest.mark.parametrize("turns", range(6))
async def test_a_caller_that_is_taken_in_at_the_moment_the_door_closes_is_let_go(tmp_path: Path, turns: int) -> None:
    node = await make_node(tmp_path, "north")
    peering = await start_peering(node)
    # Until it waits for callers.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with warnings.catch_warnings(record=True) as lost, socket.create_connection(("127.0.0.1", peering.port)):
        warnings.simplefilter("always")
        for _ in range(turns):
            await asyncio.sleep(0)
        await peering._listener.stop()
        gc.collect()
    await peering.stop()
    node.database.close()
    assert [str(one.message) for one in lost if issubclass(one.category, ResourceWarning)] == []


@pytest.mark.parametrize(
    ("url", "network"),
    [
        ("wss://192.0.2.17:4001", "192.0.0.0/16"),
        ("wss://[2001:db8:1::7]:4001", "2001:db8::/32"),
        ("wss://node.Northside.example:4001", "northside.example"),
        ("wss://localhost:4001", "localhost"),
        ("", ""),
        ("wss://[broken", ""),
    ],
    ids=["IPv4", "IPv6", "a name", "a short name", "no address", "no address at all"],
)
def test_the_network_of_an_address(url: str, network: str) -> None:
    assert network_of(url) == network
