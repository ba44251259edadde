"""Keys stolen or lost, with real processes: what peers do, who goes on, and that ended logs stay verifiable."""

import asyncio
import shutil
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from node.cli.calls import call
from node.clock import Clock
from node.config import Config
from node.use_cases.home import Made, init_home
from node.use_cases.log.auditing import audit_files, policy_of_key
from node.use_cases.log.evidence import audit_evidence
from node.use_cases.log.files import FolderFiles
from protocol.core.note import parse_vkey
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.village import bring_in, count_members, found, make_home
from tests.node.returning.test_real_processes import meet, publish, refusal, sizes
from tests.node.running_node import RunningNode, until

pytestmark = pytest.mark.slow


def make(folder: Path, name: str) -> Made:
    """A home, with the recovery key that is shown once."""
    return asyncio.run(init_home(Config(home=folder / name, name=name), Clock()))


def show(node: RunningNode, origin: str) -> Any:
    """A log as a node shows it."""
    return node.ask("log.show", {"origin": origin, "last": 5})["log"]


def is_signed_on(node: RunningNode, origin: str) -> bool:
    """Whether a node knows of a longer head than that of the entries it has taken."""
    return bool(show(node, origin)["signed_after_end"] > sizes(node)[origin])


def check_audit(node: RunningNode, origin: str, folder: Path) -> None:
    """Whoever has the log's key reads it whole from plain files, and finds nothing wanting."""
    node.ask("log.export", {"folder": str(folder), "origin": origin})
    key = parse_vkey(node.ask("log.checkpoint", {"origin": origin})["key"])
    report = audit_files(FolderFiles(folder), policy_of_key(key), key)
    assert report.findings == () and report.records == show(node, origin)["size"]


def test_a_thief_signs_on_with_a_stolen_key_and_the_recovery_key_s_word_ends_it(tmp_path: Path) -> None:
    made, *_ = [make(tmp_path, name) for name in ("old", "east", "new")]
    old = made.origin
    with RunningNode(tmp_path / "east") as east:
        with RunningNode(tmp_path / "old") as here:
            meet(here, east)
            publish(here, "loaf")
            until(lambda: sizes(east).get(old) == 2)
            assert here.stop()[0] == 0
        # Whoever has the folders has the keys.
        for name in ("old", "old-signed"):
            shutil.copytree(tmp_path / name, tmp_path / name.replace("old", "thief"))
        with RunningNode(tmp_path / "thief") as thief, RunningNode(tmp_path / "new") as new:
            meet(thief, east)
            publish(thief, "stolen-1")
            until(lambda: sizes(east).get(old) == 3)
            # Nobody can tell; until the owner speaks, in a log of its own.
            assert not show(east, old)["has_ended"]
            said = new.ask(
                "key.succeed", {"recovery_key": made.recovery_key, "old_home": str(tmp_path / "old"), "size": 2}
            )
            assert (said["old"], said["size"]) == (old, 2)
            meet(new, east)
            until(lambda: show(east, old)["has_ended"])
            assert (show(east, old)["counted"], show(east, old)["signed_after_end"]) == (2, 3)
            # The thief goes on: nothing more of it is taken, and its heads are shown, also to whoever never met it.
            numbers = count(2)
            until(lambda: publish(thief, f"stolen-{next(numbers)}") > 0 and is_signed_on(east, old))
            until(lambda: show(new, old)["signed_after_end"] > sizes(east)[old])
            assert show(east, old)["counted"] == show(new, old)["counted"] == sizes(new)[old] == 2
            # Once its own node has read the word it signs nothing more.
            meet(thief, new)
            until(lambda: "its successor goes on" in refusal(thief, f"stolen-{next(numbers)}"))
            answer = new.ask("log.evidence", {"origin": old})
            key = parse_vkey(new.ask("log.checkpoint", {"origin": old})["key"])
            for text in answer["files"]:
                shown = audit_evidence(text.encode(), key)
                assert shown.is_after_end and shown.shorter.size == 2 and shown.longer.size > 2
            check_audit(new, old, tmp_path / "as the owner has it")
            check_audit(east, old, tmp_path / "with what the thief added")
    shown = call(tmp_path / "east", "log.show", {"origin": old, "last": 5})["log"]
    assert (shown["has_ended"], shown["counted"]) == (True, 2)


@pytest.fixture
def village(tmp_path: Path) -> Path:
    """Three co-ops in a federation, and a home of a fourth; none of them runs."""
    for name in ("north", "south", "dairy"):
        make_home(tmp_path, name)

    async def federate(network: MemoryNetwork) -> None:
        first = network["north"]
        await found(network, first)
        for name in ("south", "dairy"):
            await bring_in(first, network[name])
        await network.until(lambda: all(count_members(one) == 3 for one in network.machines), "the roster")
        await network.settle()

    run_region(tmp_path, 1, federate)
    make(tmp_path, "quay")
    return tmp_path


def members(node: RunningNode) -> dict[str, int]:
    """The roster that a node shows."""
    return {one["origin"]: one["people"] for one in node.ask("federation.roster", {})["members"]}


def test_a_lost_recovery_key_the_others_end_the_log_and_its_people_join_under_a_new_name(village: Path) -> None:
    with RunningNode(village / "north") as north, RunningNode(village / "south") as south:
        meet(north, south)
        names = {north.said["origin"], south.said["origin"]}
        (lost,) = members(north).keys() - names
        size = show(north, lost)["size"]
        for node, agreed in ((north, 1), (south, 2)):
            until(lambda node=node: show(node, lost)["size"] == size)  # type: ignore[misc]
            until(lambda node=node, agreed=agreed: heard(node, lost) >= agreed - 1)  # type: ignore[misc]
            said = node.ask("federation.retire", {"origin": lost, "size": size})
            assert (said["agreed"], said["needed"]) == (agreed, 2)
        until(lambda: members(north).keys() == members(south).keys() == names)
        for node in (north, south):
            until(lambda node=node: show(node, lost)["has_ended"])  # type: ignore[misc]
            check_audit(node, lost, village / f"as {node.home.name} has it")
        with RunningNode(village / "quay") as quay:
            card = quay.ask("peer.card", {})["card"]
            invitation = north.ask("federation.invite", {"card": card})["invitation"]
            quay.ask("federation.join", {"invitation": invitation, "kind": "producers", "people": 7})
            # The south has never met the quay: it reads its request by way of the north.
            until(lambda: members(south).get(quay.said["origin"]) == 7)
            until(lambda: members(north) == members(south))
            assert lost not in members(north)


def heard(node: RunningNode, lost: str) -> int:
    """How many words that a log ends a node has read."""
    logs = [log["origin"] for log in node.ask("log.list", {})["logs"] if log["origin"] != lost]
    shown = [node.ask("log.show", {"origin": origin, "last": 50})["records"] for origin in logs]
    return sum(record["kind"] == "federation.retirement" for records in shown for record in records)
