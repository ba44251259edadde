"""Three co-ops as three real processes, their links through a network that a test can spoil."""

import asyncio
import socket
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from node.cli.main import run_words
from node.clock import Clock
from node.config import Config, save_config
from node.use_cases.home import init_home
from tests.node.running_node import RunningNode, until
from tests.node.test_app import product
from tests.processes.chaos_proxy import ChaosLink, ChaosNetwork

RECORDS_SHOWN_MAX = 1_000
LOG_SHOWN_CHARS = 4_000
NAMES = ("ash", "birch", "cedar")
ALL_PAIRS = (("ash", "birch"), ("ash", "cedar"), ("birch", "cedar"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


class Member:
    """One co-op: its home, its process while it runs, and what it has acknowledged."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.home = name, folder / name
        self.peer_port = free_port()
        config = Config(home=self.home, name=name, peer_port=self.peer_port)
        self.origin = asyncio.run(init_home(config, Clock())).origin
        save_config(config)
        self.acknowledged: dict[str, str] = {}
        self._process: RunningNode | None = None

    @property
    def node(self) -> RunningNode:
        assert self._process is not None, f"{self.name} does not run"
        return self._process

    def start(self, line: list[str] | None = None, **variables: str) -> RunningNode:
        """Start the process, by another command `line` than a volunteer's if need be; returns once it has announced
        itself."""
        self.end()
        self._process = RunningNode(self.home, line=line, **variables)
        return self._process

    def end(self) -> None:
        """Leave nothing behind."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def publish(self, code: str) -> None:
        """Publish a made-up product; what is answered is acknowledged."""
        self.acknowledged[code] = self.node.ask("product.publish", product(f"in-house:{code}"))["record"]

    def status(self) -> Any:
        """What `rochdale status` reads."""
        return self.node.ask("status", {})

    def sizes(self) -> dict[str, int]:
        return {log["origin"]: log["size"] for log in self.status()["logs"]}

    def heads(self) -> dict[str, tuple[int, str]]:
        return {log["origin"]: (log["size"], log["root"]) for log in self.status()["logs"]}

    def peer(self, other: "Member") -> Any:
        """How it stands with another one."""
        return self.peer_of(other.origin)

    def peer_of(self, origin: str) -> Any:
        """How it stands with a peer by its origin."""
        return next(one for one in self.status()["parts"]["peering"]["peers"] if one["origin"] == origin)

    def is_connected(self, other: "Member") -> bool:
        return bool(self.peer(other)["state"] == "connected")

    def last_logged(self) -> str:
        """The end of its log, for whoever reads of a failure."""
        return "" if self._process is None else self._process.read_log()[-LOG_SHOWN_CHARS:]

    def memory_peak_kib(self) -> int:
        """The most memory that the process ever held."""
        lines = Path(f"/proc/{self.node.process.pid}/status").read_text("ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


class Trio:
    """The three, met by their cards; each pair's second is called by the first through a link of its own."""

    def __init__(
        self,
        folder: Path,
        network: ChaosNetwork,
        pairs: Iterable[tuple[str, str]] = ALL_PAIRS,
        homes: Mapping[str, Path] | None = None,
    ) -> None:
        """`homes`: those whose home lies in another folder."""
        self.members = {name: Member((homes or {}).get(name, folder), name) for name in NAMES}
        self.links: dict[tuple[str, str], ChaosLink] = {
            pair: network.lead_to(self.members[pair[1]].peer_port) for pair in pairs
        }

    def __enter__(self) -> "Trio":
        try:
            with ThreadPoolExecutor(len(NAMES)) as pool:
                list(pool.map(Member.start, self.members.values()))
            for (caller, called), link in self.links.items():
                meet(self[caller], self[called], link.port)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if error is not None:
            for name, member in self.members.items():
                error.add_note(f"{name} logged:\n{member.last_logged()}")
        self.end()

    def __getitem__(self, name: str) -> Member:
        return self.members[name]

    def end(self) -> None:
        for member in self.members.values():
            member.end()

    def check_level(self) -> None:
        """Until all hold the same heads of all three logs, and every acknowledged record lies below them."""
        members = list(self.members.values())
        until(lambda: _are_level([member.heads() for member in members]), "level")
        for member in members:
            check_nothing_lost(member, members)


def _are_level(heads: list[dict[str, tuple[int, str]]]) -> bool:
    names = set.intersection(*(set(one) for one in heads))
    return len(names) == len(NAMES) and all(one[name] == heads[0][name] for one in heads for name in names)


def meet(caller: Member, called: Member, port: int) -> None:
    """Pin each other by card; only `caller` calls, at this port."""
    add(caller, called, f"wss://127.0.0.1:{port}")
    add(called, caller, "")


def add(member: Member, other: Member, url: str) -> None:
    """Pin another one by its card."""
    card = other.node.ask("peer.card", {})["card"]
    member.node.ask("peer.add", {"card": card, "url": url})


def check_nothing_lost(author: Member, holders: Iterable[Member]) -> None:
    """Each record that the author's node has acknowledged is in the copy of every holder."""
    for holder in holders:
        shown = holder.node.ask("log.show", {"origin": author.origin, "last": RECORDS_SHOWN_MAX})["records"]
        records = {one["leaf"] for one in shown}
        lost = {code for code, record in author.acknowledged.items() if record not in records}
        assert not lost, f"{holder.name} has lost {sorted(lost)[:3]} of {author.name}"


def read_status(member: Member, capsys: Any) -> str:
    """`rochdale status` as a person reads it."""
    capsys.readouterr()
    code = run_words(["--home", str(member.home), "status"])
    said = capsys.readouterr()
    assert code == 0, said
    return str(said.out)


def check_said(member: Member, capsys: Any, words: str) -> None:
    """Until `rochdale status` says these words."""
    until(lambda: words in read_status(member, capsys), f"{member.name} saying {words!r}")
