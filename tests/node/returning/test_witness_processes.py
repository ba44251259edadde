"""A witness as a real process: cut off under load, and put back from a backup; it never signs beside what it signed."""

import random
import shutil
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import pytest

from node.clock import Clock
from node.config import Config
from node.use_cases.home import open_node
from protocol.core.identity import SigningKey, generate
from protocol.core.note import parse_signature
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import prove_consistency, root_at
from protocol.log.witness import format_add_checkpoint
from storage.log import log_store
from tests.interop.made_log import MadeLog
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.village import bring_in, count_members, found, make_home
from tests.node.returning.test_real_processes import put_back
from tests.node.running_node import ASK_WAIT_S, RunningNode

pytestmark = pytest.mark.slow
WITNESS, OTHERS = "north", ("dairy", "south")
CUTS = 3
ANSWERS_BEFORE_CUT = (3, 20)
GROWTH_MAX = 5
ENTRIES = 2_000


class GrownLog(MadeLog):
    """A member's own log with made-up entries after those that it really has."""

    def __init__(self, home: Path, branch: str = "") -> None:
        super().__init__(ENTRIES, branch)
        node = open_node(Config(home=home, name=home.name), Clock())
        self.origin, self.key = node.origin, generate(node.keys.log)
        real = log_store.entries(node.database.reader, node.origin, 0, ENTRIES)
        node.database.close()
        self.start = len(real)
        self.entries[: self.start] = real

    key: SigningKey

    def head(self, size: int) -> Checkpoint:
        return Checkpoint(self.origin, size, root_at(size, self.read))

    def ask(self, old_size: int, size: int) -> bytes:
        """The body of a request to a witness."""
        proof = prove_consistency(old_size, size, self.read)
        return format_add_checkpoint(old_size, proof, sign_checkpoint(self.head(size), self.key))


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    """Three co-ops in a federation whose charter names one of them as its witness; none of them runs."""
    for name in (WITNESS, *OTHERS):
        make_home(tmp_path, name)

    async def federate(network: MemoryNetwork) -> None:
        first = network[WITNESS]
        await found(network, first, witnesses=(first.node.origin,))
        for name in OTHERS:
            await bring_in(first, network[name])
        await network.until(lambda: all(count_members(one) == 3 for one in network.machines), "the roster")
        await network.settle()

    run_region(tmp_path, 1, federate)
    return tmp_path


def post(node: RunningNode, raw: bytes) -> tuple[int, str]:
    """Status and body of the witness's answer; OSError where it was cut off."""
    address = f"{node.said['pages']}witness/add-checkpoint"
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data=raw), timeout=ASK_WAIT_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@dataclass
class Asker:
    """One log that grows and asks for a cosignature of each head; what it was answered, in order."""

    log: GrownLog
    chance: random.Random
    signed: list[int] = field(default_factory=list)
    stop_after: int = 0

    def ask_until_cut(self, node: RunningNode) -> None:
        """Go on until so many were answered, or the node is gone."""
        old_size = self.learn_size(node)
        assert old_size >= max(self.signed, default=0), "what was answered is lost"
        for _ in range(self.stop_after):
            size = old_size + self.chance.randint(1, GROWTH_MAX)
            try:
                status, body = post(node, self.log.ask(old_size, size))
            except (OSError, HTTPException):
                return
            if status == 409:
                # What it holds of this log it signs of its own accord when it starts.
                assert int(body) == self.log.start > old_size
                old_size = self.log.start
                continue
            assert status == 200, (status, body)
            assert parse_signature(body.splitlines(keepends=True)[0]).name.endswith("/witness")
            self.signed.append(size)
            old_size = size

    def learn_size(self, node: RunningNode) -> int:
        """What the witness says that it signed last."""
        status, body = post(node, self.log.ask(ENTRIES, ENTRIES))
        return int(body) if status == 409 else 0


def test_power_cuts_under_load_lose_no_cosignature_and_make_no_second_one(homes: Path) -> None:
    chance = random.Random(3)
    askers = [Asker(GrownLog(homes / name), random.Random(name)) for name in OTHERS]
    branches = [GrownLog(homes / name, " told otherwise") for name in OTHERS]
    for _ in range(CUTS):
        with RunningNode(homes / WITNESS) as node:
            cut_after, everybody = chance.randint(*ANSWERS_BEFORE_CUT), 4 * ANSWERS_BEFORE_CUT[1]
            askers[0].stop_after, askers[1].stop_after = everybody, cut_after
            threads = [threading.Thread(target=asker.ask_until_cut, args=(node,)) for asker in askers]
            for thread in threads:
                thread.start()
            threads[1].join()
            # The other log is in the middle of asking.
            node.kill()
            threads[0].join()
    with RunningNode(homes / WITNESS) as node:
        for asker, branch in zip(askers, branches, strict=True):
            assert asker.signed == sorted(set(asker.signed)) and len(asker.signed) > CUTS
            size = asker.learn_size(node)
            assert size >= asker.signed[-1]
            # The other branch: not below the last size, not beyond it, not at it.
            assert post(node, branch.ask(branch.start, size - 1))[0] == 409
            assert post(node, branch.ask(size, size + 1))[0] == 422
            assert post(node, branch.ask(size, size))[0] == 422


def test_a_witness_put_back_from_a_backup_signs_nothing_beside_what_it_signed_since(homes: Path) -> None:
    log, branch = GrownLog(homes / "south"), GrownLog(homes / "south", " told otherwise")
    database, backup = homes / WITNESS / "node.sqlite", homes / "last night"
    start = log.start

    def ask(source: GrownLog, old_size: int, size: int) -> int:
        return post(node, source.ask(old_size, size))[0]

    with RunningNode(homes / WITNESS) as node:
        # It signs what it holds of its own accord, now or in a moment.
        assert 200 in {ask(log, 0, start), ask(log, start, start)}
        assert ask(log, start, start + 5) == 200
        assert node.stop()[0] == 0
    shutil.copy(database, backup)
    with RunningNode(homes / WITNESS) as node:
        assert ask(log, start + 5, start + 20) == 200
        assert node.stop()[0] == 0
    put_back(homes / WITNESS, backup)
    with RunningNode(homes / WITNESS) as node:
        # As the database has it, a head of the other branch would extend the last one.
        assert post(node, log.ask(start + 5, start + 10)) == (409, f"{start + 20}\n")
        assert ask(branch, start + 5, start + 10) == 409
        assert ask(branch, start + 20, start + 25) == 422
        assert ask(log, start + 20, start + 25) == 200
