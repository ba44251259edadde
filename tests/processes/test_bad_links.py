"""Three real nodes and what becomes of their links: dead without a word, cut and healed, slow and lossy, one way."""

from pathlib import Path

import pytest

from tests.node.running_node import until
from tests.processes.chaos_proxy import ChaosNetwork, Weather
from tests.processes.trio import Trio, check_said, read_status

pytestmark = pytest.mark.slow
LOSSY = Weather(delay_s=0.08, loss=0.1)
PUBLISHED = 5


def publish_some(trio: Trio, what: str) -> None:
    for member in trio.members.values():
        for number in range(PUBLISHED):
            member.publish(f"{what}-{number}")


def test_a_connection_that_is_dead_at_one_end_only_is_replaced_when_the_other_calls_again(
    trio: Trio, capsys: pytest.CaptureFixture[str]
) -> None:
    ash, birch = trio["ash"], trio["birch"]
    since_ms = birch.peer(ash)["connected_since_ms"]
    trio.links["ash", "birch"].strand()
    # Ash loses power; birch's socket stays as it was, and nothing tells birch.
    ash.node.kill()
    ash.start()
    publish_some(trio, "half-open")
    until(lambda: birch.peer(ash)["connected_since_ms"] > since_ms and birch.is_connected(ash), "a new connection")
    trio.check_level()
    check_said(birch, capsys, "2 peers connected")


def test_a_node_that_was_cut_off_says_so_and_catches_up_when_it_is_back(
    trio: Trio, capsys: pytest.CaptureFixture[str]
) -> None:
    ash, birch, cedar = (trio[name] for name in ("ash", "birch", "cedar"))
    for pair in (("ash", "cedar"), ("birch", "cedar")):
        trio.links[pair].cut()
    until(lambda: not cedar.is_connected(ash) and not birch.is_connected(cedar), "the cut")
    publish_some(trio, "parted")
    until(lambda: ash.sizes()[birch.origin] == birch.sizes()[birch.origin], "level on this side")
    assert cedar.sizes()[ash.origin] < ash.sizes()[ash.origin]
    said = read_status(birch, capsys)
    assert "1 peer connected" in said and "cedar: not connected" in said
    check_said(cedar, capsys, "0 peers connected")
    for link in trio.links.values():
        link.heal()
    trio.check_level()
    until(lambda: cedar.is_connected(ash) and cedar.is_connected(birch), "connected again")
    check_said(cedar, capsys, "2 peers connected")


def test_over_slow_and_lossy_links_all_come_level_all_the_same(trio: Trio, capsys: pytest.CaptureFixture[str]) -> None:
    for link in trio.links.values():
        link.trouble(LOSSY)
    publish_some(trio, "lossy")
    trio.check_level()
    check_said(trio["ash"], capsys, "2 peers connected")
    for link in trio.links.values():
        link.heal()


def test_nodes_that_can_only_call_out_get_and_give_everything_through_one_that_mirrors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ChaosNetwork() as network, Trio(tmp_path, network, [("ash", "birch"), ("cedar", "birch")]) as trio:
        ash, birch, cedar = (trio[name] for name in ("ash", "birch", "cedar"))
        # They know each other's keys, and no way to each other.
        card = cedar.node.ask("peer.card", {})["card"]
        ash.node.ask("peer.add", {"card": card, "url": ""})
        cedar.node.ask("peer.add", {"card": ash.node.ask("peer.card", {})["card"], "url": ""})
        publish_some(trio, "relayed")
        trio.check_level()
        assert not ash.is_connected(cedar) and not cedar.is_connected(ash)
        assert all(birch.peer(one)["direction"] == "they called" for one in (ash, cedar))
        assert "cedar: not connected" in read_status(ash, capsys)
