"""What two of our own nodes are made to do: one takes logs from the other, hears of new records, idles and comes back.

Invariant: each scenario has homes of its own and two real processes, which end with it.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from scripts.benches.gossip.children import BenchError, Child
from scripts.benches.gossip.homes import HOST, Pair, make_pair, open_home
from scripts.benches.gossip.made_up_logs import (
    count_entry_bytes,
    extend_logs,
    fill_log,
    know_logs,
    origin_of,
    skip_index,
)
from scripts.benches.gossip.network import count_wire_bytes, find_port
from storage.database import Database

SHORT: Final = 1
"""Entries of each log where it is their number that counts."""
QUIET_S: Final = 3.0
"""Until both sides have said all that follows from a greeting."""
IDLE_S: Final = 60.0
CALM_CPU_S: Final = 0.05
CALM_LOOKS_MAX: Final = 60
RECONNECTS: Final = 5

Fill = Callable[[Database, list[str]], None]


class Replicated(NamedTuple):
    """One node has taken logs from another."""

    records_s: float
    wire_bytes: int
    entry_bytes: int
    grown_mib: float
    indexed_s: float
    grown_indexed_mib: float
    used_s: float
    served_s: float


class Idle(NamedTuple):
    """A minute in which nothing happens."""

    session_bytes: int
    wire_bytes: int
    calling_cpu_ms: float
    called_cpu_ms: float


class Met(NamedTuple):
    """A reconnect: until the peer has told all, and until both are level; bytes of frames and of all."""

    told_ms: float
    level_ms: float
    session_bytes: int
    wire_bytes: int


class ManyLogs(NamedTuple):
    """What 10,000 logs cost: meeting for the first time, coming back, with some changed, and standing idle."""

    first: Met
    again: Met
    changed: Met
    changed_bytes: int
    idle: Idle


def replicate(folder: Path, logs: int, size: int) -> Replicated:
    """Have a node take so many logs of so many records, verified and durably stored, and index them."""
    names = [origin_of(number) for number in range(logs)]

    def fill(database: Database, origins: list[str]) -> None:
        for origin in origins:
            fill_log(database, origin, size)
        skip_index(database)

    with _run_pair(folder, names, fill, _leave_empty) as (giving, taking):
        wire_bytes, served_s = count_wire_bytes(), giving.ask("cpu_s", "usage")["cpu_s"]
        fetched = taking.ask("fetched_s", "fetch", logs, size)
        wire_bytes = count_wire_bytes() - wire_bytes
        served_s = giving.ask("cpu_s", "usage")["cpu_s"] - served_s
        indexed = taking.ask("indexed_s", "index", logs * size)
    return Replicated(
        records_s=logs * size / fetched["fetched_s"],
        wire_bytes=wire_bytes,
        entry_bytes=logs * count_entry_bytes(size),
        grown_mib=fetched["grown_kib"] / 1_024,
        indexed_s=fetched["fetched_s"] + indexed["indexed_s"],
        grown_indexed_mib=indexed["grown_kib"] / 1_024,
        used_s=fetched["used_s"],
        served_s=served_s,
    )


def measure_waits(folder: Path, count: int, gap_ms: int) -> list[float]:
    """Milliseconds from before a record is published to when the other node has it on disk and shows it."""
    with _run_pair(folder, [], _leave_empty, _leave_empty) as (giving, taking):
        taking.ask("fetched_s", "fetch", 0, 0)
        # The founding records cross first.
        time.sleep(QUIET_S)
        published = dict(giving.ask("published", "publish", count, gap_ms)["published"])
        time.sleep(QUIET_S)
        seen = dict(taking.ask("seen", "seen")["seen"])
    if not published.keys() <= seen.keys():
        raise BenchError(f"{len(published.keys() - seen.keys())} records were never seen by the other node")
    return [(seen[index] - begun_ns) / 1e6 for index, begun_ns in published.items()]


def measure_many(folder: Path, logs: int, changed: int) -> ManyLogs:
    """Two level nodes with many logs: meet, come back level, come back with some changed, idle."""
    names = [origin_of(number) for number in range(logs)]

    def fill(database: Database, origins: list[str]) -> None:
        extend_logs(database, origins, 0, SHORT)
        skip_index(database)

    with _run_pair(folder, names, fill, fill) as (giving, taking):
        url = f"wss://{HOST}:{giving.ask('port', 'usage')['port']}"
        _wait_until_calm(giving)
        first = _meet(taking, "greet", logs, SHORT)
        _wait_until_calm(giving, taking)
        level = []
        for _ in range(RECONNECTS):
            taking.ask("left", "leave")
            level.append(_meet(taking, "meet", url, logs, SHORT))
        taking.ask("left", "leave")
        changed_bytes = giving.ask("extended_bytes", "extend", changed, SHORT)["extended_bytes"]
        after = _meet(taking, "meet", url, changed, SHORT + 1)
        _wait_until_calm(giving, taking)
        idle = _idle(giving, taking)
    return ManyLogs(first, min(level), after, changed_bytes, idle)


def _wait_until_calm(*sides: Child) -> None:
    """Until both nodes have done what a start gives them to do, such as signing as a mirror what they hold."""
    for _ in range(CALM_LOOKS_MAX):
        before = [side.ask("cpu_s", "usage")["cpu_s"] for side in sides]
        time.sleep(1)
        after = [side.ask("cpu_s", "usage")["cpu_s"] for side in sides]
        if all(new - old < CALM_CPU_S for new, old in zip(after, before, strict=True)):
            return


def _meet(taking: Child, *words: object) -> Met:
    wire_bytes = count_wire_bytes()
    answer = taking.ask("told_ms", *words)
    time.sleep(QUIET_S)
    wire_bytes = count_wire_bytes() - wire_bytes
    session_bytes = sum(taking.ask("traffic", "usage")["traffic"])
    return Met(answer["told_ms"], answer["level_ms"], session_bytes, wire_bytes)


def _idle(giving: Child, taking: Child) -> Idle:
    before = [side.ask("cpu_s", "usage") for side in (taking, giving)]
    wire_bytes = count_wire_bytes()
    time.sleep(IDLE_S)
    wire_bytes = count_wire_bytes() - wire_bytes
    after = [side.ask("cpu_s", "usage") for side in (taking, giving)]
    used_ms = [(new["cpu_s"] - old["cpu_s"]) * 1_000 for new, old in zip(after, before, strict=True)]
    return Idle(sum(after[0]["traffic"]) - sum(before[0]["traffic"]), wire_bytes, *used_ms)


def _leave_empty(_database: Database, _origins: list[str]) -> None:
    pass


@contextmanager
def _run_pair(folder: Path, names: list[str], fill_sender: Fill, fill_receiver: Fill) -> Iterator[tuple[Child, Child]]:
    """Two homes that know these logs, each at work in a process of its own: who gives listens, who takes is ready."""
    port = find_port()
    pair = _make_homes(folder, port, names, fill_sender, fill_receiver)
    words = [sys.executable, "-m", "scripts.benches.gossip.node_side"]
    with ExitStack() as running:
        giving = running.enter_context(Child([*words, str(pair.sender), str(port)]))
        taking = running.enter_context(Child([*words, str(pair.receiver), "0"]))
        for side in (giving, taking):
            side.wait_for("ready")
        giving.ask("started", "start")
        yield giving, taking


def _make_homes(folder: Path, port: int, names: list[str], fill_sender: Fill, fill_receiver: Fill) -> Pair:
    pair = make_pair(folder, port)
    for home, fill in ((pair.sender, fill_sender), (pair.receiver, fill_receiver)):
        database = open_home(home).database
        know_logs(database, names)
        fill(database, names)
        database.close()
    return pair
