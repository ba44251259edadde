"""A peer that breaks the rules: told why, sent away for a while, and let in again; also after a restart."""

from pathlib import Path

import aiohttp
import pytest

from node.clock import Clock
from node.peering.dialer import Dialer, TurnedAwayError
from node.peering.standings import Standings
from node.use_cases.context import NoParams
from node.use_cases.peers import AddPeer, OnePeer, add_peer, make_card, own_card, remove_peer
from protocol.gossip.peers import AWAY_FIRST_MS, POINTS_AFTER_AWAY, POINTS_MAX, Fault
from storage.peers import peer_state
from tests.node.homes import make_node, pin, start_peering, stop_all, until
from tests.node.peering.raw_peer import identity_of
from tests.node.peering.scene import ENTRIES, Scene

LIES = 3


async def lie(scene: Scene) -> str:
    peer = await scene.greet()
    await peer.say(scene.push(ENTRIES[:5], note=scene.note(ENTRIES[1:6])))
    return await peer.hear_reason()


async def lie_until_sent_away(scene: Scene) -> None:
    for _ in range(LIES):
        assert "does not lead to the signed root" in await lie(scene)
    await until([scene.node], lambda: stored_points(scene) == POINTS_AFTER_AWAY)


def stored_points(scene: Scene) -> int:
    return peer_state.standings(scene.node.database.reader).get(scene.origin, (0,))[0]


async def test_a_peer_that_lies_again_and_again_is_told_why_and_sent_away(scene: Scene) -> None:
    await lie_until_sent_away(scene)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await scene.greet()
    assert refused.value.status == 429
    assert refused.value.headers is not None
    assert 0 < int(refused.value.headers["Retry-After"]) <= AWAY_FIRST_MS // 1_000
    (shown,) = scene.node.parts["peering"].status()
    assert shown.state == "sent away" and "does not lead to the signed root" in shown.last_error


async def test_whoever_is_sent_away_knows_how_long_to_stay_away(scene: Scene) -> None:
    await lie_until_sent_away(scene)
    dialer = Dialer(identity_of(scene.other))
    card = own_card(scene.node)
    peer = peer_state.Peer(
        card.origin, card.name, card.url, card.tls_certificate, card.log_key, card.witness_key, card.mirror_key
    )
    try:
        with pytest.raises(TurnedAwayError) as turned:
            await dialer.dial(peer)
        assert 0 < turned.value.wait_s <= AWAY_FIRST_MS // 1_000
    finally:
        await dialer.stop()


async def test_what_is_held_against_a_peer_outlives_a_restart_but_not_its_removal(scene: Scene) -> None:
    await lie_until_sent_away(scene)
    assert 0 < Standings(scene.node).wait_ms(scene.origin) <= AWAY_FIRST_MS
    card = (await make_card(scene.other, NoParams())).card
    await remove_peer(scene.node, OnePeer(scene.origin))
    await add_peer(scene.node, AddPeer(card=card, url=""))
    assert Standings(scene.node).wait_ms(scene.origin) == 0
    assert await lie(scene) != ""


async def test_a_clock_that_was_put_back_a_year_keeps_nobody_away_longer(scene: Scene) -> None:
    await lie_until_sent_away(scene)

    class EarlierClock(Clock):
        def now_ms(self) -> int:
            return super().now_ms() - 365 * 86_400_000

    scene.node.clock = EarlierClock()
    assert 0 < Standings(scene.node).wait_ms(scene.origin) <= AWAY_FIRST_MS


async def test_a_peer_that_was_sent_away_is_not_called_either(tmp_path: Path) -> None:
    nodes = [await make_node(tmp_path, "north"), await make_node(tmp_path, "south")]
    north, south = nodes
    try:
        await start_peering(south)
        await pin(north, south)
        await pin(south, north, dials=False)
        standings = Standings(north)
        while not standings.wait_ms(south.origin):
            await standings.note(south.origin, Fault.UNTRUE)
        peering = await start_peering(north)
        assert peering.status()[0].state == "sent away"
        assert south.parts["peering"].status()[0].state == "not connected"
        assert peer_state.standings(north.database.reader)[south.origin][0] < POINTS_MAX
    finally:
        await stop_all(nodes)
