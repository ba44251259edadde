"""A cosignature is told before the number that it took, and however it came here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from node.use_cases.context import Node
from node.use_cases.cosign import admit_cosignature
from protocol.core.identity import generate
from protocol.log.checkpoint import Checkpoint, format_checkpoint
from protocol.log.cosignature import sign_cosignature, witness_name
from storage.log import cosignatures, log_store
from tests.node.homes import Rosters, make_nodes, pin_all, stop_all, until
from tests.node.peering.test_peering import are_level
from tests.node.peering.test_put_back import read_counter, read_cursor

WITNESS = generate(bytes(range(1, 33)))
NAME = witness_name("east.example/log")


def line_under(node: Node, origin: str) -> tuple[int, bytes]:
    """(size, a witness's line under the head that this node holds of a log)."""
    head = log_store.head(node.database.reader, origin)
    assert head is not None
    text = format_checkpoint(Checkpoint(origin, head.size, head.root))
    return head.size, sign_cosignature(text, NAME, WITNESS, 1_700_000_000).encode()


def know_witness(node: Node) -> None:
    node.parts["roster"] = Rosters(node.origin, {NAME: WITNESS.public}, [])


async def test_no_peer_hears_of_a_number_before_it_is_sent_what_took_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (north,) = await make_nodes(tmp_path, "north")
    exchange, write = north.parts["peering"].exchange, north.database.write
    know_witness(north)
    for _ in range(3):
        # What the node's start has under way comes before this.
        await write(lambda db: None)
    before, seen = exchange.frontier.counter, []

    async def write_and_look(change: Callable[[Any], Any]) -> Any:
        # What else runs at this moment tells whatever it finds in the store.
        found = await write(change)
        exchange.sync()
        seen.append((exchange.frontier.counter, log_store.change_counter(north.database.reader)[1]))
        return found

    monkeypatch.setattr(north.database, "write", write_and_look)
    try:
        assert await admit_cosignature(north, north.origin, *line_under(north, north.origin))
        assert (before, before + 1) in seen
        assert exchange.frontier.counter == before + 1
    finally:
        monkeypatch.undo()
        await stop_all([north])


async def test_a_line_that_came_by_no_session_is_told_to_all(tmp_path: Path) -> None:
    north, south = nodes = await make_nodes(tmp_path, "north", "south")
    try:
        for node in nodes:
            know_witness(node)
        await pin_all(nodes)
        await until(nodes, lambda: are_level(north, south))
        size, line = line_under(north, south.origin)
        assert await admit_cosignature(north, south.origin, size, line)
        await until(nodes, lambda: bool(cosignatures.cosignatures(south.database.reader, south.origin, size)))
    finally:
        await stop_all(nodes)


async def test_lines_of_a_witness_that_counts_only_later_come_after_all(tmp_path: Path) -> None:
    north, south = nodes = await make_nodes(tmp_path, "north", "south")
    try:
        know_witness(north)
        size, line = line_under(north, north.origin)
        assert await admit_cosignature(north, north.origin, size, line)
        _, told = read_counter(north)
        await pin_all(nodes)
        await until(nodes, lambda: are_level(north, south) and read_cursor(south, north)[1] >= told)
        assert not cosignatures.cosignatures(south.database.reader, north.origin, size)
        know_witness(south)
        await until(nodes, lambda: bool(cosignatures.cosignatures(south.database.reader, north.origin, size)))
    finally:
        await stop_all(nodes)
