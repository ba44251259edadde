"""`rochdale status` beside a node that runs: what each of its parts tells, in words for the phone."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from node.running import Running, tell_running
from node.use_cases.peers import LanReport, Neighbour, PeeringReport, PeerLine
from node.use_cases.status import (
    AskerReport,
    CallProgress,
    KeeperReport,
    LogStatus,
    Parts,
    Provenance,
    ReturnReport,
    Status,
)
from tests.node.cli.command_line import Run

QUIET = Status(
    origin="north.example/log",
    name="Northside",
    logs=(
        LogStatus(
            origin="north.example/log", own=True, size=7, root="ab" * 32, cosigned={"oak/witness": 3, "elm/witness": 7}
        ),
        LogStatus(origin="oak.example/log", own=False, size=1, root="cd" * 32, cosigned={}),
    ),
    peers=1,
    records=8,
    void=1,
    kinds={},
    till_lines=0,
    forks=0,
    provenance=Provenance("made up"),
    parts=Parts(),
    disk="",
    clocks={},
)
TROUBLED = msgspec.structs.replace(
    QUIET,
    forks=1,
    disk="no room",
    clocks={"oak.example/log": 3},
    parts=Parts(
        restored=ReturnReport(may_sign=False, reason="it comes from a backup", waits_for=("oak.example/log",)),
        peering=PeeringReport(
            port=4455,
            connected=1,
            peers=(
                PeerLine(origin="oak.example/log", name="Oak", url="", state="connected"),
                PeerLine(origin="elm.example/log", name="Elm", url="", state="not connected", last_error="no answer"),
            ),
        ),
        lan=LanReport("ef" * 32, (Neighbour("Somebody", "wss://10.0.0.9:1", "12" * 32),)),
        outside_witnesses=AskerReport(2, {"https://witness.example": "no answer in time"}),
        roster=KeeperReport(version=3, members=4, waits_for=("elm.example/log",)),
        planner={"ab" * 32: CallProgress("stopped", "no set in time", 1, 2, ("oak.example/log",))},
    ),
)
WORDS = """\
It cannot write to its disk: no room.
  What was acknowledged is safe; make room, and it goes on.
The last record of oak.example/log is dated 3 days ahead of this machine's clock: one is wrong.
Two versions exist of 1 log; both are kept and shown.
It signs nothing: it comes from a backup.
  It waits until these have said what they hold of its log: oak.example/log.
Running; peers reach it at port 4455. 1 peer connected.
  Elm: not connected, no answer
It looks for peers in this network, where its own certificate begins with efefefefefefefef.
  Somebody says to be Somebody, certificate 1212121212121212, at wss://10.0.0.9:1.
  Ask them for what their `rochdale peer card` prints, and give it to `rochdale peer add`.
Outside witness https://witness.example: no answer in time
Federation: version 3 of the roster, 4 members.
  The next version waits for elm.example/log.
Plan abababababababab: stopped, reading 1, round 2.
  It waits for oak.example/log.
  It stopped: no set in time
""".splitlines()


@pytest.fixture
def answers(home: Path) -> Iterator[list[Status]]:
    """A home whose node runs, and answers what is put in here."""
    said: list[Status] = []

    class Handler(BaseHTTPRequestHandler):
        """A node that can be asked one thing."""

        def do_POST(self) -> None:
            assert self.path == "/api/v1/status"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(msgspec.json.encode(said[-1]))

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    home.mkdir()
    tell_running(home, Running(f"http://127.0.0.1:{server.server_port}/", "made-up", os.getpid()))
    try:
        yield said
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_node_in_trouble_says_what_and_whom_it_waits_for(rochdale: Run, answers: list[Status]) -> None:
    answers.append(TROUBLED)
    told = rochdale("status").out.splitlines()
    assert told[:2] == ["Northside (north.example/log)", "8 records, 1 void; 0 till lines; 1 peer."]
    assert [line for line in told[2:] if not line.startswith(("log", "north.example", "oak.example"))] == WORDS
    assert msgspec.convert(rochdale("status", "--json").answer, Status) == TROUBLED


def test_a_node_that_does_not_run_says_so_below_its_logs(rochdale: Run, answers: list[Status]) -> None:
    answers.append(QUIET)
    told = rochdale("status").out.splitlines()
    rows = [" ".join(line.split()) for line in told[3:5]]
    assert rows[0] == "north.example/log own 7 abababababababab by 2, up to 7"
    assert rows[1] == "oak.example/log 1 cdcdcdcdcdcdcdcd by nobody"
    assert told[5:] == ["The node does not run now; `rochdale run` starts it."]


def test_without_a_federation_there_is_none_to_tell_of(rochdale: Run, answers: list[Status]) -> None:
    answers.append(msgspec.structs.replace(QUIET, parts=Parts(roster=KeeperReport())))
    assert rochdale("status").out.splitlines()[-1] == "No federation yet."
