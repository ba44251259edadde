"""A whole node as one process: it opens, serves, drains, refuses a twin, and loses nothing to a power cut."""

import http.client
import json
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import structlog

from node.app import configure_logs, is_watched
from node.clock import Clock
from node.config import Config
from node.use_cases.home import init_home, open_config, open_node
from protocol.core.identity import generate
from protocol.log.checkpoint import open_checkpoint
from protocol.log.merkle import leaf_hash, root_of
from storage.log import log_store, record_index
from tests.node.cli.command_line import runner
from tests.node.cli.tree.loaded_modules import HEAVY, loaded_by
from tests.node.running_node import RunningNode, ask, read_page

DRAIN_S_MAX = 10.0
PUBLISHERS = 4
ACKNOWLEDGED_BEFORE_A_CUT = (3, 40, 71, 17, 69)
CUT_WAIT_S = 60.0


def test_an_empty_folder_becomes_a_home_with_a_first_page_and_drains_when_told(
    tmp_path: Path, bare_process: None, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    run = runner(capsys, home)
    with RunningNode(home, ROCHDALE_HOME=str(home)) as node:
        assert {"made", "recovery_key", "pages", "origin", "peer_port"} == node.said.keys()
        assert node.said["made"] == node.said["origin"] and len(bytes.fromhex(node.said["recovery_key"])) == 32
        assert "<form" in read_page(node.said["pages"])

        # Its own commands find it, ask it, and say so; a second process is turned away.
        status = run("status")
        assert "0 peers connected" in status.out and node.said["origin"] in status.out
        assert loaded_by("--home", home, "status") & HEAVY == set()
        assert run("plan", "status", "--json").json["findings"][0]["place"] == "call"
        twin = run("run", "--json")
        assert twin.code == 1 and "another process is at work in this home; stop it first" in twin.json["error"]
        assert run("status", "--json").answer["parts"].keys() == {
            "outside_witnesses",
            "peering",
            "roster",
            "roster_above",
            "planner",
            "restored",
        }

        open_to_others = [path.name for path in (home, *home.rglob("*")) if path.stat().st_mode & 0o077]
        assert open_to_others == [] and (home / "run.json").exists()

        started_s = time.monotonic()
        code, out, log = node.stop()
        assert (code, out) == (0, "") and time.monotonic() - started_s < DRAIN_S_MAX
        assert "Traceback" not in log and node.said["recovery_key"] not in log
    assert not (home / "run.json").exists()
    assert "The node does not run now" in run("status").out


class Publishers:
    """Threads that publish products as fast as the node answers, and remember what it has acknowledged."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self._changed = threading.Condition()
        self._drawn = 0

    def publish_until_cut(self, node: RunningNode, count: int) -> None:
        """Cut the node's power once `count` more are acknowledged, while others are on their way."""
        goal = len(self.acknowledged) + count
        pages, token = node.said["pages"], node.token
        threads = [threading.Thread(target=self._publish, args=(pages, token)) for _ in range(PUBLISHERS)]
        for thread in threads:
            thread.start()
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.acknowledged) >= goal, CUT_WAIT_S)
        node.kill()
        for thread in threads:
            thread.join()

    def _publish(self, pages: str, token: str) -> None:
        while True:
            with self._changed:
                self._drawn += 1
                code = f"in-house:loaf-{self._drawn}"
            try:
                answer = ask(pages, token, "product.publish", product(code))
            except (OSError, http.client.HTTPException, ValueError):
                return
            with self._changed:
                self.acknowledged[code] = answer
                self._changed.notify_all()


def product(code: str) -> dict[str, Any]:
    """A made-up product."""
    one = {"amount": 1, "unit": "C62", "exponent": 0}
    return {
        "code": code,
        "names": {"en": "loaf"},
        "category": "bread",
        "unit": "C62",
        "piece": one,
        "minimum_order": one,
    }


@pytest.mark.slow
async def test_a_power_cut_in_the_middle_of_publishing_loses_nothing_acknowledged(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = await init_home(Config(home=home), Clock())
    publishers = Publishers()
    for count in ACKNOWLEDGED_BEFORE_A_CUT:
        with RunningNode(home) as node:
            publishers.publish_until_cut(node, count)
    assert len(publishers.acknowledged) >= sum(ACKNOWLEDGED_BEFORE_A_CUT) == 200

    # The run file of the dead process is still there; the home opens all the same, with no repair.
    assert (home / "run.json").exists()
    node_again = open_node(open_config(home), Clock())
    db = node_again.database.reader
    head = log_store.head(db, made.origin)
    assert head is not None
    open_checkpoint(head.note, generate(node_again.keys.log).public, made.origin)
    entries = log_store.entries(db, made.origin, 0, head.size)
    assert root_of([leaf_hash(entry) for entry in entries]) == head.root
    published = {one.body.code: (one.index, one.leaf.hex()) for one in record_index.records(db, "supply.product")}
    promised = {code: (one["index"], one["record"]) for code, one in publishers.acknowledged.items()}
    assert promised.items() <= published.items()
    rows = list(record_index.rows(db))
    assert [row.void for row in rows] == [""] * head.size
    await node_again.database.write(record_index.rebuild)
    assert list(record_index.rows(db)) == rows
    node_again.database.close()


@pytest.mark.parametrize("option, port", [("--web-port", "web_port"), ("--peer-port", "peer_port")])
def test_a_port_that_another_program_has_is_named_and_the_home_is_free_again(
    tmp_path: Path, bare_process: None, capsys: pytest.CaptureFixture[str], option: str, port: str
) -> None:
    run = runner(capsys, tmp_path / "home")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        said = run("run", option, number)
    assert said.code == 1 and f"{option} {number}: another program listens there" in said.err
    # The home was made on the way: its recovery key is shown also now, for it is never shown again.
    assert "Write this recovery key on paper" in said.out
    assert not (tmp_path / "home" / "run.json").exists()
    assert run("status").code == 0


def test_a_run_file_that_a_dead_node_left_does_not_stop_a_command(
    tmp_path: Path, bare_process: None, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runner(capsys, tmp_path / "home")
    assert run("init").code == 0
    path = tmp_path / "home" / "run.json"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    gone = {"address": f"http://127.0.0.1:{port}/", "token": "0" * 64, "pid": 1, "peer_port": 0}
    for left in (
        json.dumps(gone).encode(),
        b"",
        b"[]",
        b"{}",
        b"\x00",
        b'{"address": "\xff"}',
        b'{"": ' + b"[" * 100_000,
    ):
        path.write_bytes(left)
        assert run("status", "--json").answer["records"] == 1


@pytest.mark.parametrize(
    ("sentence", "is_terminal", "environment", "watched"),
    [
        ("a volunteer at a desktop", True, {"DISPLAY": ":0"}, True),
        ("a volunteer on Wayland", True, {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("somebody over ssh", True, {}, sys.platform in ("darwin", "win32")),
        ("a service unit", False, {"DISPLAY": ":0"}, False),
    ],
)
def test_the_first_day_page_opens_by_itself_only_where_somebody_sits(
    sentence: str, is_terminal: bool, environment: dict[str, str], watched: bool
) -> None:
    assert is_watched(is_terminal, environment) is watched, sentence


def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    closed = (tmp_path / "log").open("w")
    closed.close()
    crowded = full.open("w", buffering=1)
    for stream in (crowded, closed):
        monkeypatch.setattr(sys, "stderr", stream)
        configure_logs()
        for _ in range(3):
            structlog.get_logger().error("made up")
    with pytest.raises(OSError, match="No space"):
        crowded.close()
