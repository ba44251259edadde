"""Homes as real processes: power cuts, a database put back from a backup, a home that was copied and runs twice."""

import asyncio
import shutil
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from node.cli.calls import call
from node.clock import Clock
from node.config import Config
from node.use_cases.fork_watch import list_evidence
from node.use_cases.home import init_home, open_config, open_node
from storage.database import open_reader
from storage.log import log_store
from tests.node.running_node import RunningNode, until
from tests.node.test_app import product

pytestmark = pytest.mark.slow
CUTS = 4


def publish(node: RunningNode, code: str) -> int:
    """The index under which the node acknowledged a made-up product."""
    return int(node.ask("product.publish", product(f"in-house:{code}"))["index"])


def refusal(node: RunningNode, code: str) -> str:
    """Why the node publishes nothing; empty when it did."""
    try:
        publish(node, code)
    except urllib.error.HTTPError as error:
        return error.read().decode()
    return ""


def sizes(node: RunningNode) -> dict[str, int]:
    return {log["origin"]: log["size"] for log in node.ask("status", {})["logs"]}


def standing(node: RunningNode) -> Any:
    return node.ask("status", {})["parts"]["restored"]


def entries(home: Path, origin: str) -> list[bytes]:
    reader = open_reader(home / "node.sqlite")
    try:
        return log_store.entries(reader, origin, 0, 10_000)
    finally:
        reader.close()


def meet(one: RunningNode, other: RunningNode) -> None:
    for here, there in ((one, other), (other, one)):
        here.ask("peer.add", {"card": there.ask("peer.card", {})["card"]})


def make_homes(folder: Path, *names: str) -> list[Path]:
    for name in names:
        asyncio.run(init_home(Config(home=folder / name, name=name), Clock()))
    return [folder / name for name in names]


def put_back(home: Path, backup: Path) -> None:
    """As a volunteer would: the database of last night over today's."""
    for end in ("-wal", "-shm"):
        home.joinpath(f"node.sqlite{end}").unlink(missing_ok=True)
    shutil.copy(backup, home / "node.sqlite")


def test_power_cuts_never_keep_a_home_from_signing(tmp_path: Path) -> None:
    (home,) = make_homes(tmp_path, "north")
    for number in range(CUTS):
        with RunningNode(home) as node:
            assert standing(node) == {"may_sign": True, "reason": "", "waits_for": []}
            for step in range(number + 1):
                publish(node, f"loaf-{number}-{step}")
            node.kill()
    assert len(entries(home, open_origin(home))) == 1 + sum(range(CUTS + 1))


def open_origin(home: Path) -> str:
    node = open_node(open_config(home), Clock())
    node.database.close()
    return node.origin


def test_a_restored_backup_waits_gets_its_entries_back_and_goes_on_without_a_fork(tmp_path: Path) -> None:
    north, east = make_homes(tmp_path, "north", "east")
    backup = tmp_path / "last night"
    with RunningNode(north) as here, RunningNode(east) as there:
        origin = here.said["origin"]
        meet(here, there)
        publish(here, "before")
        until(lambda: sizes(there).get(origin) == 2)
        assert here.stop()[0] == 0
        shutil.copy(north / "node.sqlite", backup)
        with RunningNode(north) as again:
            for number in range(40):
                publish(again, f"after-{number}")
            until(lambda: sizes(there).get(origin) == 42)
            assert again.stop()[0] == 0
        assert there.stop()[0] == 0
    whole = entries(east, origin)
    put_back(north, backup)

    with RunningNode(north) as restored:
        said = standing(restored)
        assert not said["may_sign"] and "restored from a backup" in said["reason"] and len(said["waits_for"]) == 1
        assert "restored from a backup" in refusal(restored, "beside")
        assert sizes(restored)[origin] == 2
        with RunningNode(east) as mirror:
            meet(restored, mirror)
            until(lambda: standing(restored)["may_sign"])
            assert sizes(restored)[origin] == 42
            assert publish(restored, "goes-on") == 42
            until(lambda: sizes(mirror).get(origin) == 43)
            assert mirror.ask("status", {})["forks"] == restored.ask("status", {})["forks"] == 0
    assert entries(north, origin)[:42] == whole


def test_a_lost_note_of_the_last_head_is_made_anew_only_after_all_have_answered(tmp_path: Path) -> None:
    north, east = make_homes(tmp_path, "north", "east")
    with RunningNode(north) as here, RunningNode(east) as there:
        meet(here, there)
        until(lambda: sizes(there).get(here.said["origin"]) == 1)
        here.stop()
        shutil.rmtree(tmp_path / "north-signed")
        with RunningNode(north) as again:
            meet(again, there)
            until(lambda: standing(again)["may_sign"])
            assert publish(again, "goes-on") == 1
    assert (tmp_path / "north-signed").is_dir()


def test_a_copied_home_signs_nothing_beside_the_one_at_work(tmp_path: Path) -> None:
    north, east = make_homes(tmp_path, "north", "east")
    with RunningNode(north) as here, RunningNode(east) as there:
        origin = here.said["origin"]
        meet(here, there)
        publish(here, "before")
        until(lambda: sizes(there).get(origin) == 2)
        here.stop()
        there.stop()
    copy = shutil.copytree(north, tmp_path / "copy")
    with RunningNode(north) as here, RunningNode(copy) as twin:
        assert publish(here, "goes-on") == 2
        assert not standing(twin)["may_sign"]
        assert "is not there" in refusal(twin, "beside")
    # Neither of them by a command while no node runs.
    with pytest.raises(Exception, match="nothing can be signed"):
        call(copy, "product.publish", product("in-house:by-command"))


def test_two_that_did_sign_beside_each_other_stop_and_are_shown(tmp_path: Path) -> None:
    north, east = make_homes(tmp_path, "north", "east")
    with RunningNode(north) as here, RunningNode(east) as there:
        origin = here.said["origin"]
        meet(here, there)
        until(lambda: sizes(there).get(origin) == 1)
        here.stop()
        # A copy with the note beside it: nothing on this machine can tell it from the home.
        shutil.copytree(north, tmp_path / "copy")
        shutil.copytree(tmp_path / "north-signed", tmp_path / "copy-signed")
        with RunningNode(tmp_path / "copy") as twin:
            meet(twin, there)
            publish(twin, "one")
            until(lambda: sizes(there).get(origin) == 2)
            twin.stop()
        call(north, "product.publish", product("in-house:other"))
        with RunningNode(north) as again:
            meet(again, there)
            until(lambda: again.ask("status", {})["forks"] == there.ask("status", {})["forks"] == 1)
            assert "two versions of this log exist" in refusal(again, "more")
            shown = {log["origin"]: log["versions"] for log in there.ask("log.list", {})["logs"]}
            assert shown[origin] == 2
    node = open_node(open_config(east), Clock())
    assert [one.origin for one in list_evidence(node.database.reader)] == [origin]
    node.database.close()
