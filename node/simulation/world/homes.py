"""Homes made once and copied into every world: real keys, real logs, made up from end to end.

Invariant: the same home is the same bytes of log in every process; only what SQLite draws itself differs.
Spec: docs/spec/simulation.md
"""

import asyncio
import atexit
import tempfile
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from node.config import Config
from node.simulation.world.virtual_time import EPOCH_MS, SeededClock
from node.use_cases.context import Node
from node.use_cases.home import init_home, open_node
from node.use_cases.peers import own_card
from node.use_cases.publish import publish
from protocol.federation.peer_card import PeerCard
from protocol.gossip.limits import EPOCH_BYTES
from protocol.planning.call import PlanCheck
from storage.log import log_store

HOMES_MAX: Final = 9
PORT: Final = 4_001
MADE_UP_KIND: Final = "plan.check"
LENGTHS: Final = (1, 1, 255, 300)
"""How long a log may be when a world begins: its first record, and about the edge of a bundle."""


class HomeImage(NamedTuple):
    """A home before its first day: where its keys lie, what is on its disk, its card."""

    home: Path
    files: dict[str, bytes]
    card: PeerCard
    head: tuple[int, bytes]
    """Size and root of its own log."""


class _BirthClock(SeededClock):
    """Homes are made before a world's time begins."""

    def now_ms(self) -> int:
        return EPOCH_MS


def place_of(number: int) -> str:
    """The name of the n-th co-op and of its machine."""
    return f"coop{number}"


def made_up_record(label: int) -> PlanCheck:
    """A record of a plan that nobody has called: every node keeps it, none has anything to do about it."""
    return PlanCheck(call=label.to_bytes(32), reading=1, digest=bytes(32), findings=0, regrets=())


@cache
def make_home(number: int, length: int) -> HomeImage:
    """The n-th co-op's home with a log of so many records."""
    home = _folder() / f"{number}-{length}" / place_of(number)
    return asyncio.run(_make_home(home, number, length))


@cache
def _keep_folder() -> "tempfile.TemporaryDirectory[str]":
    folder = tempfile.TemporaryDirectory(prefix="rochdale-world-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return folder


def _folder() -> Path:
    return Path(_keep_folder().name)


async def _make_home(home: Path, number: int, length: int) -> HomeImage:
    name = place_of(number)
    config = Config(home=home, name=name, peer_url=f"wss://{name}:{PORT}", signed_folder=f"{home}-signed")
    clock = _BirthClock(f"keys of {name}")
    await init_home(config, clock)
    node = open_node(config, clock)
    await asyncio.gather(*(publish(node, MADE_UP_KIND, made_up_record(label)) for label in range(length - 1)))
    epoch = clock.random_bytes(EPOCH_BYTES)
    # In the place of the one that SQLite has drawn, of which no seed knows.
    await node.database.write(lambda db: db.execute("UPDATE counter SET epoch = ?", (epoch,)))
    return _close(node)


def read_own_head(node: Node) -> tuple[int, bytes]:
    """Size and root of a node's own log."""
    head = log_store.head(node.database.reader, node.origin)
    assert head is not None
    return head.size, head.root


def _close(node: Node) -> HomeImage:
    """What lies in the home and beside it once it is closed."""
    card, home, head = own_card(node), node.config.home, read_own_head(node)
    node.database.close()
    beside = Path(node.config.signed_folder)
    paths = [home / "node.sqlite", *sorted(beside.iterdir())]
    return HomeImage(home, {str(path): path.read_bytes() for path in paths}, card, head)
