"""Temporary homes for tests: real keys, real storage, real peering over loopback."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from node.clock import Clock
from node.config import Config
from node.peering.peering import Peering
from node.use_cases.context import Node, NoParams
from node.use_cases.home import init_home, open_node
from node.use_cases.peers import AddPeer, add_peer, make_card
from protocol.log.quorum import Rule

WAIT_S = 20.0
"""A safety net only: tests go on as soon as what they wait for is there."""

structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


class Rosters:
    """A roster as the federation would keep it: everyone watches everyone."""

    history = None

    def __init__(self, own: str, keys: dict[str, bytes], duties: Iterable[str]) -> None:
        self._keys, self._duties = keys, [origin for origin in duties if origin != own]

    def witness_duties(self) -> list[str]:
        return self._duties

    def witness_keys(self) -> dict[str, bytes]:
        return self._keys

    def witness_rule(self) -> Rule:
        return "half"


async def make_node(folder: Path, name: str) -> Node:
    """A home of its own, opened."""
    config = Config(home=folder / name, name=name)
    await init_home(config, Clock())
    return open_node(config, Clock())


async def make_nodes(folder: Path, *names: str) -> list[Node]:
    """Homes with their peering at work, strangers to one another."""
    nodes = [await make_node(folder, name) for name in names]
    for node in nodes:
        await start_peering(node)
    return nodes


async def start_peering(node: Node) -> Peering:
    """Listen on a free port of this machine."""
    peering = Peering(node)
    node.parts["peering"] = peering
    await peering.start()
    return peering


async def pin(node: Node, other: Node, dials: bool = True) -> None:
    """Have `node` know `other` by its card; without `dials` it waits to be called."""
    card = await make_card(other, NoParams())
    await add_peer(node, AddPeer(card=card.card, url=card.url if dials else ""))


async def pin_all(nodes: Iterable[Node]) -> None:
    """Have all know and call each other."""
    listed = list(nodes)
    for node in listed:
        for other in listed:
            if other is not node:
                await pin(node, other)


async def close(node: Node) -> None:
    """Stop a node as if its machine had been switched off in good order."""
    await node.parts.pop("peering").stop()
    node.database.close()


async def reopen(node: Node, roster: Rosters | None = None) -> Node:
    """Start a stopped node again from its home, on another port."""
    again = open_node(node.config, Clock())
    if roster is not None:
        again.parts["roster"] = roster
    await start_peering(again)
    return again


async def stop_all(nodes: Iterable[Node]) -> None:
    """Stop what runs and close the databases."""
    for node in nodes:
        if "peering" in node.parts:
            await close(node)


async def until(nodes: Iterable[Node], is_so: Callable[[], bool]) -> None:
    """Wait until something is so, looking again whenever one of the nodes' sessions or logs has changed."""
    changed = asyncio.Event()
    for node in nodes:
        if "peering" not in node.parts:
            continue
        node.parts["peering"].exchange.watch(changed.set)
        node.changes.add_listener(lambda *_: changed.set())
    async with asyncio.timeout(WAIT_S):
        while not is_so():
            await changed.wait()
            changed.clear()
