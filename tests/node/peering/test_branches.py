"""Two nodes that hold two versions of a third one's log find where they part, and their views end there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.use_cases.context import Node
from node.use_cases.fork_watch import judge_note, list_evidence
from node.use_cases.receive import Receiver
from protocol.core.encoding import to_value
from protocol.core.identity import generate, key_id
from protocol.core.record import Record, format_record
from protocol.federation.grants import KeyGrant
from protocol.log.bundle import format_bundle
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import leaf_hash, root_of
from storage.log import fork_cuts, log_store, record_index
from tests.node.homes import make_nodes, pin, stop_all, until

ORIGIN = "south.example/log"
KEY = generate(bytes(range(32)))


def record(index: int, label: str) -> bytes:
    body = to_value(KeyGrant(bytes(32), "facilitator", label, False))
    return format_record(Record(kind="key.grant", seq=index, at=index, by=key_id(KEY.public), body=body))


ONE = [record(index, "one") for index in range(300)]


def branch(common: int, length: int) -> list[bytes]:
    return ONE[:common] + [record(index, "other") for index in range(common, length)]


async def hold(node: Node, entries: list[bytes]) -> None:
    """Have a node hold a version of the log as its owner pushed it."""
    await node.database.write(lambda db: log_store.add_log(db, ORIGIN, KEY.public))
    receiver = Receiver(node)
    for start in range(0, len(entries), 256):
        part = entries[: start + 256]
        checkpoint = Checkpoint(ORIGIN, len(part), root_of([leaf_hash(entry) for entry in part]))
        note, fresh = sign_checkpoint(checkpoint, KEY), part[start:]
        await receiver.admit_push(ORIGIN, start, len(fresh), note, format_bundle(fresh))


def counted(node: Node) -> list[int]:
    return [one.index for one in record_index.records(node.database.reader, "key.grant", origin=ORIGIN)]


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[list[Node]]:
    made = await make_nodes(tmp_path, "north", "east", "west")
    yield made
    await stop_all(made)


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [(5, 5, 3), (300, 280, 270), (9, 300, 0), (257, 300, 256)],
    ids=["level", "late in a long log", "from the first entry on", "at the edge of a bundle"],
)
async def test_views_end_where_the_versions_part(nodes: list[Node], one: int, other: int, common: int) -> None:
    north, east, west = nodes
    await hold(north, ONE[:one])
    await hold(east, branch(common, other))
    await west.database.write(lambda db: log_store.add_log(db, ORIGIN, KEY.public))
    await pin(east, north, dials=False)
    await pin(north, east)
    await pin(west, east, dials=False)
    await pin(east, west)

    def all_know() -> bool:
        cuts = [fork_cuts.trunks(node.database.reader) for node in nodes]
        return all(cuts) and all(len(list_evidence(node.database.reader)) == 1 for node in nodes)

    await until(nodes, all_know)
    for node in nodes:
        db = node.database.reader
        assert fork_cuts.cut_of(db, ORIGIN) == (common, fork_cuts.PARTED)
    for node, entries in ((north, ONE[:one]), (east, branch(common, other))):
        db = node.database.reader
        assert counted(node) == list(range(common))
        # Nothing is thrown away: closed decisions and readers still find what lies beyond.
        assert log_store.entries(db, ORIGIN, 0, 400) == entries
        everything = record_index.records(db, "key.grant", origin=ORIGIN, every_branch=True)
        assert [found.index for found in everything] == list(range(len(entries)))
        assert record_index.record_by_leaf(db, leaf_hash(entries[-1])) is not None
        before = list(record_index.rows(db))
        await node.database.write(record_index.rebuild)
        assert list(record_index.rows(db)) == before


async def test_until_it_is_known_where_they_part_nothing_of_a_forked_log_counts(nodes: list[Node]) -> None:
    north = nodes[0]
    await hold(north, ONE[:9])
    assert counted(north) == list(range(9))
    other = branch(4, 9)
    note = sign_checkpoint(Checkpoint(ORIGIN, 9, root_of([leaf_hash(entry) for entry in other])), KEY)
    heard: list[tuple[str, int, int]] = []
    north.changes.add_listener(lambda *change: heard.append(change))
    evidence, _ = await judge_note(north, ORIGIN, note)
    assert evidence is not None and heard == [(ORIGIN, 0, 9)]
    assert counted(north) == []
    assert {row.void for row in record_index.rows(north.database.reader, ORIGIN)} == {fork_cuts.PARTED}


async def test_evidence_that_came_by_another_road_is_spread_too(nodes: list[Node]) -> None:
    north, east, _ = nodes
    await hold(north, ONE[:9])
    await hold(east, ONE[:9])
    await pin(east, north, dials=False)
    await pin(north, east)
    await until(nodes, lambda: all(node.parts["peering"].describe().connected for node in (north, east)))
    note = sign_checkpoint(Checkpoint(ORIGIN, 9, root_of([leaf_hash(entry) for entry in branch(4, 9)])), KEY)
    # As an import does, or whoever asks this node's witness over the web.
    assert (await judge_note(north, ORIGIN, note))[0] is not None
    north.parts["peering"].exchange.tick()
    await until(nodes, lambda: bool(list_evidence(east.database.reader)))
    assert counted(east) == []


async def test_an_ended_log_is_fetched_up_to_its_end_and_no_further(nodes: list[Node]) -> None:
    north, east, _ = nodes
    await hold(north, ONE[:9])
    await north.database.write(lambda db: fork_cuts.set_ends(db, {ORIGIN: (9, bytes(32))}))
    exchange = north.parts["peering"].exchange
    exchange.sync()
    exchange.tick()
    await hold(east, ONE[:12])
    await pin(east, north, dials=False)
    await pin(north, east)
    await until(nodes, lambda: all(node.parts["peering"].describe().connected for node in (north, east)))
    await until(
        nodes, lambda: exchange.links != {} and all(one.session.has_heard_all for one in exchange.links.values())
    )
    head = log_store.head(north.database.reader, ORIGIN)
    assert head is not None and head.size == 9 and ORIGIN in exchange.frontier.frozen
