"""A node carries the logs of its federations, not the world's: who is told of which log, over real sessions."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.use_cases.context import Node, NoParams
from node.use_cases.federation.circles import read_circles
from node.use_cases.federation.history import federation_of
from node.use_cases.federation.keeper import RosterKeeper
from node.use_cases.federation.verbs import (
    CreateParams,
    InviteParams,
    JoinParams,
    WhichParams,
    create,
    invite,
    join,
    leave,
)
from node.use_cases.peers import make_card
from node.use_cases.publish import publish
from protocol.core.identity import public_keys
from protocol.core.record import Reference
from protocol.federation.grants import KeyGrant
from protocol.federation.membership import Admission
from protocol.gossip.frontier import Circle, Frontier
from storage.log import log_store
from tests.node.homes import make_nodes, pin, stop_all, until
from tests.node.region.village import charter

NAMES = ("ash", "birch", "middle", "dune", "elm")


class Five:
    """Two federations of two; `middle` belongs to that of ash and mirrors the logs of the other two as well."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.strangers_before: dict[str, int] = {}
        self.ash, self.birch, self.middle, self.dune, self.elm = nodes


def sizes(node: Node) -> dict[str, int]:
    return {head.origin: head.size for head in log_store.heads(node.database.reader)}


def told_by(node: Node, peer: Node) -> dict[str, int]:
    """The sizes that `peer` has told `node` of."""
    exchange = node.parts["peering"].exchange
    links = [link for link in exchange.links.values() if link.session.peer_origin == peer.origin]
    return links[-1].session.theirs if links else {}


def strangers(node: Node) -> int:
    return sum(one.strangers for one in node.parts["peering"].status())


def list_members(keeper: RosterKeeper) -> set[str]:
    return set() if keeper.history is None else set(keeper.history.newest.voters)


def is_member_everywhere(nodes: list[Node]) -> bool:
    wanted = {node.origin for node in nodes}
    histories = [node.parts["roster"].history for node in nodes]
    return all(found is not None and set(found.newest.voters) == wanted for found in histories)


async def found(founder: Node, guests: list[Node]) -> None:
    await create(founder, CreateParams(charter=charter(), kind="consumers", people=10))
    for guest in guests:
        card = (await make_card(guest, NoParams())).card
        text = (await invite(founder, InviteParams(card))).invitation
        await join(guest, JoinParams(invitation=text, kind="consumers", people=10))


@pytest.fixture
async def five(tmp_path: Path) -> AsyncIterator[Five]:
    nodes = await make_nodes(tmp_path, *NAMES)
    scene = Five(nodes)
    try:
        for node in nodes:
            node.parts["roster"] = RosterKeeper(node)
            await node.parts["roster"].start()
        await found(scene.ash, [scene.birch, scene.middle])
        await found(scene.dune, [scene.elm])
        await until(nodes, lambda: is_member_everywhere(nodes[:3]) and is_member_everywhere(nodes[3:]))
        # Whoever joins is spoken of before it is known: that is over now.
        scene.strangers_before = {node.origin: strangers(node) for node in nodes}
        for other in (scene.dune, scene.elm):
            await pin(scene.middle, other)
            await pin(other, scene.middle)
        yield scene
    finally:
        for node in nodes:
            if "roster" in node.parts:
                await node.parts["roster"].stop()
        await stop_all(nodes)


async def say(node: Node) -> None:
    await publish(node, "key.grant", KeyGrant(bytes(32), "treasurer", "treasurer 1", False))


async def test_who_stands_between_two_federations_tells_neither_of_the_other(five: Five) -> None:
    ash, birch, middle, dune, elm = five.nodes
    for node in five.nodes:
        await say(node)
    # All the same: the one in the middle gets everything, and each federation its own logs.
    await until(five.nodes, lambda: all(sizes(middle)[node.origin] == sizes(node)[node.origin] for node in five.nodes))
    await until(five.nodes, lambda: sizes(birch)[ash.origin] == sizes(ash)[ash.origin])
    await until(five.nodes, lambda: told_by(dune, middle).get(middle.origin, 0) == sizes(middle)[middle.origin])
    await until(five.nodes, lambda: told_by(birch, middle).get(middle.origin, 0) == sizes(middle)[middle.origin])
    for inside, outside in (((ash, birch), (dune, elm)), ((dune, elm), (ash, birch))):
        for node in inside:
            assert strangers(node) == five.strangers_before[node.origin]
            assert not told_by(node, middle).keys() & {other.origin for other in outside}


async def test_a_member_of_both_by_its_own_word_tells_each_of_its_members_of_its_own_log_alone(five: Five) -> None:
    """The middle speaks in the federation of dune and elm for that of ash, birch and itself."""
    ash, birch, middle, dune, elm = five.nodes
    above = middle.parts["roster_above"] = RosterKeeper(middle, above=True)
    await above.start()
    try:
        card = (await make_card(middle, NoParams())).card
        text = (await invite(dune, InviteParams(card))).invitation
        await join(middle, JoinParams(invitation=text, kind="consumers", people=30, above=True))
        members = {dune.origin, elm.origin, middle.origin}
        keepers = (above, elm.parts["roster"])
        await until(five.nodes, lambda: all(list_members(one) == members for one in keepers))
        for node in five.nodes:
            await say(node)
        held = ((elm, middle), (elm, dune), (birch, middle), (birch, ash), (middle, ash), (middle, elm))
        await until(
            five.nodes,
            lambda: all(sizes(node).get(one.origin) == sizes(one)[one.origin] for node, one in held),
        )
        for inside, outside in (((ash, birch), (dune, elm)), ((dune, elm), (ash, birch))):
            for node in inside:
                assert not told_by(node, middle).keys() & {other.origin for other in outside}
        assert is_member_everywhere([ash, birch, middle])
    finally:
        await above.stop()


async def test_a_log_that_one_may_not_have_is_not_served_to_one_who_knows_its_key(five: Five) -> None:
    ash, _, middle, dune, _ = five.nodes
    await until(five.nodes, lambda: sizes(middle).get(ash.origin) == sizes(ash)[ash.origin])
    await dune.database.write(lambda db: log_store.add_log(db, ash.origin, public_keys(ash.keys).log))
    dune.parts["peering"].sync()
    await say(middle)
    await until(five.nodes, lambda: sizes(dune)[middle.origin] == sizes(middle)[middle.origin])
    assert sizes(dune)[ash.origin] == 0
    assert told_by(dune, middle).get(ash.origin, 0) == 0


async def test_whoever_leaves_is_told_no_more_by_the_others_but_of_their_own_logs(five: Five) -> None:
    ash, birch, middle, *_ = five.nodes
    await leave(birch, WhichParams())
    both = [ash, middle]
    await until(five.nodes, lambda: is_member_everywhere(both))
    assert not ash.parts["peering"].exchange.frontier.is_shared(middle.origin, birch.origin)
    assert ash.parts["peering"].exchange.frontier.is_shared(ash.origin, birch.origin)
    await say(middle)
    await until(five.nodes, lambda: sizes(ash)[middle.origin] == sizes(middle)[middle.origin])
    assert told_by(birch, ash).get(middle.origin, 0) < sizes(middle)[middle.origin]


async def test_a_federation_that_one_founds_alone_and_fills_with_names_opens_nothing(five: Five) -> None:
    """Dune vouches in its own federation for ash and birch, who never asked: ash's log is not dune's for that."""
    ash, birch, middle, dune, _ = five.nodes
    member = next(one for one in ash.parts["roster"].history.newest.roster.members if one.origin == ash.origin)
    history = dune.parts["roster"].history
    admission = Admission(history.federation, member, Reference(ash.origin, 0, bytes(32)))
    await publish(dune, "federation.admission", admission)
    await until(five.nodes, lambda: sizes(middle)[dune.origin] == sizes(dune)[dune.origin])
    circles = read_circles(middle)
    assert circles[0] == Circle(frozenset(one.origin for one in (ash, birch, middle)), circles[0].logs)
    assert all(ash.origin not in circle.logs for circle in circles[1:])
    assert federation_of(middle) == federation_of(ash)


def test_the_rule_in_one_table() -> None:
    frontier = Frontier("us", bytes(16))
    frontier.circles = (
        Circle(frozenset({"us", "a", "b"}), frozenset({"us", "a", "b", "left"})),
        Circle(frozenset({"b", "c"}), frozenset({"b", "c"})),
    )
    shared = {
        (log, peer)
        for log in ("us", "a", "b", "c", "left", "free")
        for peer in ("a", "b", "c", "free")
        if frontier.is_shared(log, peer)
    }
    assert shared == {
        *(("us", peer) for peer in ("a", "b", "c", "free")),
        ("a", "a"), ("a", "b"),
        ("b", "a"), ("b", "b"), ("b", "c"),
        ("c", "b"), ("c", "c"),
        ("left", "a"), ("left", "b"),
        *(("free", peer) for peer in ("a", "b", "c", "free")),
    }  # fmt: skip
