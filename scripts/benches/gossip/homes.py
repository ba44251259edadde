"""Two made-up co-ops that know each other, each with a home of its own: one calls the other.

Invariant: homes are made by the doors that people use; only what lies in the made-up logs is put there directly.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from node.clock import Clock
from node.config import Config
from node.use_cases.context import Node, NoParams
from node.use_cases.home import init_home, open_node
from node.use_cases.peers import AddPeer, add_peer, make_card

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Pair:
    """Where the two homes lie; the receiver calls the sender at `port`."""

    sender: Path
    receiver: Path


def make_pair(folder: Path, port: int) -> Pair:
    """Make both homes and have each know the other."""
    return asyncio.run(_make_pair(folder, port))


def open_home(home: Path, port: int = 0) -> Node:
    """A home at work; `port` is where its peers call it."""
    return open_node(Config(home=home, name=home.name, peer_host=HOST, peer_port=port), Clock())


async def _make_pair(folder: Path, port: int) -> Pair:
    pair = Pair(folder / "sender", folder / "receiver")
    nodes = []
    for home in (pair.sender, pair.receiver):
        await init_home(Config(home=home, name=home.name), Clock())
        nodes.append(open_home(home))
    sender, receiver = nodes
    try:
        await _pin(sender, receiver, "")
        await _pin(receiver, sender, f"wss://{HOST}:{port}")
    finally:
        for node in nodes:
            node.database.close()
    return pair


async def _pin(node: Node, other: Node, url: str) -> None:
    card = await make_card(other, NoParams())
    await add_peer(node, AddPeer(card=card.card, url=url))
