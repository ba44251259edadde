"""The local network suggests addresses: a pinned peer is found there, whoever is not pinned is only shown."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.config import check_settings
from node.peering.lan import Lan
from node.peering.nearby import NEARBY_MAX, Nearby, fingerprint_of
from node.use_cases.context import Node, NoParams
from node.use_cases.peers import AddPeer, add_peer, make_card, own_card
from protocol.core.errors import RefusedError
from tests.node.homes import make_nodes, pin, stop_all, until

CERTIFICATE = b"a made-up certificate"
FINGERPRINT = fingerprint_of(CERTIFICATE)
NOBODY = "wss://127.0.0.1:9"


def test_an_address_is_suggested_for_the_certificate_that_it_was_said_with() -> None:
    nearby = Nearby()
    assert nearby.note("label", "north", FINGERPRINT, "192.168.1.7", 4711)
    assert nearby.url_of(CERTIFICATE) == "wss://192.168.1.7:4711"
    assert nearby.url_of(b"another certificate") == ""
    assert [one.name for one in nearby.strangers([])] == ["north"]
    assert nearby.strangers([CERTIFICATE]) == []
    nearby.forget("label")
    assert nearby.url_of(CERTIFICATE) == ""


@pytest.mark.parametrize(
    ("fingerprint", "host", "port"),
    [
        (FINGERPRINT[:-1], "192.168.1.7", 4711),
        ("g" * 64, "192.168.1.7", 4711),
        (FINGERPRINT, "8.8.8.8", 4711),
        (FINGERPRINT, "no address", 4711),
        (FINGERPRINT, "0.0.0.0", 4711),
        (FINGERPRINT, "224.0.0.1", 4711),
        (FINGERPRINT, "192.168.1.7", 0),
        (FINGERPRINT, "192.168.1.7", 65_536),
    ],
)
def test_what_could_be_no_node_here_is_not_kept(fingerprint: str, host: str, port: int) -> None:
    assert not Nearby().note("label", "north", fingerprint, host, port)


def test_only_so_many_are_kept_and_names_cannot_steer_a_terminal() -> None:
    nearby = Nearby()
    for number in range(2 * NEARBY_MAX):
        nearby.note(f"label {number}", "no\x1b[2Jrth\n" * 20, FINGERPRINT, "10.0.0.1", 1 + number)
    strangers = nearby.strangers([])
    assert len(strangers) == NEARBY_MAX
    assert all(one.name.isprintable() and len(one.name) <= 80 for one in strangers)
    assert nearby.note("label 0", "north", FINGERPRINT, "fd00::1", 5)
    assert nearby.url_of(CERTIFICATE) == "wss://[fd00::1]:5"


def test_the_setting_is_on_or_nothing() -> None:
    check_settings("here", {"lan": "on"})
    with pytest.raises(RefusedError, match="lan is `on`"):
        check_settings("here", {"lan": "yes"})


@pytest.fixture
async def three(tmp_path: Path) -> AsyncIterator[list[Node]]:
    pytest.importorskip("zeroconf", reason="the extra `lan` is not installed")
    nodes = await make_nodes(tmp_path, "north", "south", "stranger")
    lans = [Lan(node, node.parts["peering"]) for node in nodes]
    for node, lan in zip(nodes, lans, strict=True):
        node.parts["lan"] = lan
    try:
        await asyncio.gather(*(lan.start() for lan in lans))
        yield nodes
    finally:
        await asyncio.gather(*(lan.stop() for lan in lans))
        await stop_all(nodes)


async def test_a_pinned_peer_is_found_without_its_address_and_a_stranger_is_only_shown(three: list[Node]) -> None:
    north, south, stranger = three
    await pin(north, south, dials=False)
    card = (await make_card(north, NoParams())).card
    # The address that south was given is out of date.
    await add_peer(south, AddPeer(card=card, url=NOBODY))
    await until(three, lambda: south.parts["peering"].status()[0].state == "connected")
    await until(three, lambda: len(south.parts["lan"].describe().found) == 1)
    shown = south.parts["lan"].describe().found[0]
    assert shown.fingerprint == fingerprint_of(own_card(stranger).tls_certificate)
    assert shown.name == "stranger"
    assert stranger.parts["peering"].status() == []
    assert [one.origin for one in south.parts["peering"].status()] == [north.origin]


async def test_whoever_says_another_s_fingerprint_is_called_and_not_believed(tmp_path: Path) -> None:
    north, south, liar = nodes = await make_nodes(tmp_path, "north", "south", "liar")
    try:
        fingerprint, port = fingerprint_of(own_card(north).tls_certificate), liar.parts["peering"].port
        assert south.parts["peering"].nearby.note("label", "north", fingerprint, "127.0.0.1", port)
        await pin(south, north, dials=False)
        await until(nodes, lambda: bool(south.parts["peering"].status()[0].last_error))
        (shown,) = south.parts["peering"].status()
        assert shown.state == "not connected" and "not the pinned one" in shown.last_error
    finally:
        await stop_all(nodes)
