"""A backup that was put back unnoticed: peers may have been told of changes that this home never went through."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from node.cli.calls import call
from node.use_cases.context import Node
from storage.log import log_store
from storage.peers import peer_state
from tests.node.homes import close, make_nodes, pin, pin_all, reopen, stop_all, until
from tests.node.peering.test_peering import are_level, publish_grants, sizes


async def test_a_change_that_takes_the_number_of_a_lost_one_is_told_all_the_same(tmp_path: Path) -> None:
    hub, giver, taker = nodes = await make_nodes(tmp_path, "hub", "giver", "taker")
    try:
        await pin_all([hub, giver])
        await pin_all([hub, taker])
        await pin(taker, giver, dials=False)
        await until(nodes, lambda: are_level(hub, taker))
        await close(hub)
        shutil.copy(hub.config.database_path, tmp_path / "backup")
        hub = nodes[0] = await reopen(hub)
        await pin_all([hub, giver])
        await pin_all([hub, taker])
        await publish_grants(giver, 1)
        await until(nodes, lambda: sizes(taker)[giver.origin] == 2 and are_level(hub, taker))
        for node in nodes:
            await close(node)
        shutil.copy(tmp_path / "backup", hub.config.database_path)
        hub = nodes[0] = await reopen(hub)
        assert sizes(hub)[giver.origin] == 1
        await publish_grants(hub, 1)
        taker = nodes[2] = await reopen(taker)
        await pin_all([hub, taker])
        await until([hub, taker], lambda: are_level(hub, taker))
        assert (sizes(taker)[hub.origin], sizes(hub)[giver.origin]) == (2, 2)
    finally:
        await stop_all([hub, taker])


def copy_running(node: Node, target: Path) -> None:
    """A backup of a database whose node goes on."""
    with closing(sqlite3.connect(target)) as copy:
        node.database.reader.backup(copy)


def read_counter(node: Node) -> tuple[bytes, int]:
    return log_store.change_counter(node.database.reader)


def read_cursor(node: Node, other: Node) -> tuple[bytes, int]:
    """Up to where a node has heard of another one's changes."""
    found = peer_state.peer(node.database.reader, other.origin)
    assert found is not None
    return found.cursor_epoch, found.cursor_change


async def meet_again(node: Node, other: Node) -> Node:
    """Begin a session anew, until each has noted up to where it knows of the other's changes."""
    await close(node)
    node = await reopen(node)
    await pin_all([node, other])
    pairs = ((node, other), (other, node))
    await until([node, other], lambda: all(read_cursor(one, them) == read_counter(them) for one, them in pairs))
    return node


async def test_what_a_command_changes_before_the_first_run_is_told_too(tmp_path: Path) -> None:
    hub, giver, taker = nodes = await make_nodes(tmp_path, "hub", "giver", "taker")
    try:
        await pin_all([hub, giver])
        await pin_all([hub, taker])
        await pin(taker, giver, dials=False)
        await until(nodes, lambda: are_level(hub, taker))
        taker = nodes[2] = await meet_again(taker, hub)
        copy_running(hub, tmp_path / "backup")
        await publish_grants(giver, 1)
        await until(nodes, lambda: sizes(taker)[giver.origin] == 2 and are_level(hub, taker))
        taker = nodes[2] = await meet_again(taker, hub)
        for node in nodes:
            await close(node)
        shutil.copy(tmp_path / "backup", hub.config.database_path)
        answer = await asyncio.to_thread(call, hub.config.home, "price.grant", {"key": "ab" * 32, "holder": "one"})
        assert answer
        hub, taker = nodes[0], nodes[2] = await reopen(hub), await reopen(taker)
        await pin_all([hub, taker])
        await until([hub, taker], lambda: sizes(taker)[hub.origin] == 2 and are_level(hub, taker))
    finally:
        await stop_all([hub, taker])
