"""Taking in what peers sent: pushes and transfers, repeated, overlapping, interrupted and wrong."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from node.use_cases.context import Node
from node.use_cases.receive import INDEX_ENTRIES, BranchError, Receiver
from protocol.core.errors import PeerError
from protocol.core.identity import generate
from protocol.log.bundle import bundle_root, count_bundles, format_bundle
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import leaf_hash, root_of
from storage.log import log_store, record_index
from storage.peers import gossip_marks
from tests.node.homes import WAIT_S, make_node

ORIGIN = "south.example/log"
KEY = generate(bytes(range(32)))
ENTRIES = [b"entry %d" % index for index in range(5_200)]


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = await make_node(tmp_path, "north")
    await made.database.write(lambda db: log_store.add_log(db, ORIGIN, KEY.public))
    yield made
    for receiver in RECEIVERS:
        await receiver.stop()
    RECEIVERS.clear()
    made.database.close()


RECEIVERS: list[Receiver] = []


def make_receiver(node: Node) -> Receiver:
    """A receiver that is stopped before the node's database is closed."""
    RECEIVERS.append(Receiver(node))
    return RECEIVERS[-1]


def note(entries: list[bytes]) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, len(entries), root_of([leaf_hash(entry) for entry in entries])), KEY)


async def push(receiver: Receiver, entries: list[bytes], start: int = 0) -> None:
    rest = entries[start:]
    await receiver.admit_push(ORIGIN, start, len(rest), note(entries), format_bundle(rest))


def bundle(entries: list[bytes], number: int) -> bytes:
    return format_bundle(entries[number * 256 : (number + 1) * 256])


def roots(entries: list[bytes], first: int = 0) -> bytes:
    numbers = range(first, count_bundles(len(entries)))
    return b"".join(bundle_root(entries[number * 256 : (number + 1) * 256]) for number in numbers)


async def transfer(receiver: Receiver, entries: list[bytes], first: int = 0) -> tuple[int, ...]:
    """A whole transfer; the bundles that had to be fetched."""
    _, missing = await receiver.begin_transfer(ORIGIN, first, note(entries), roots(entries, first))
    for number in missing:
        await receiver.admit_bundle(ORIGIN, number, bundle(entries, number))
    receiver.end_transfer(ORIGIN)
    return missing


def batches(entries: list[bytes], count: int) -> list[list[bytes]]:
    bundles = [bundle(entries, number) for number in range(count_bundles(len(entries)))]
    return [bundles[start : start + count] for start in range(0, len(bundles), count)]


def size(node: Node) -> int:
    head = log_store.head(node.database.reader, ORIGIN)
    assert head is not None
    return head.size


def held(node: Node) -> list[bytes]:
    return log_store.entries(node.database.reader, ORIGIN, 0, len(ENTRIES))


async def test_pushes_that_follow_each_other_are_stored_and_indexed(node: Node) -> None:
    heard: list[tuple[str, int, int]] = []
    node.changes.add_listener(lambda *change: heard.append(change))
    receiver = make_receiver(node)
    await push(receiver, ENTRIES[:3])
    await push(receiver, ENTRIES[:5], start=3)
    assert held(node) == ENTRIES[:5]
    assert heard == [(ORIGIN, 0, 3), (ORIGIN, 3, 5)]
    assert record_index.counts_by_kind(node.database.reader)[record_index.NOT_READABLE][0] == 5


async def test_the_same_push_by_two_peers_at_once_is_stored_once(node: Node) -> None:
    receiver = make_receiver(node)
    await asyncio.gather(*(push(receiver, ENTRIES[:200]) for _ in range(5)))
    await asyncio.gather(push(receiver, ENTRIES[:300], start=200), push(receiver, ENTRIES[:300], start=150))
    assert held(node) == ENTRIES[:300]


async def test_a_push_that_was_overtaken_changes_nothing(node: Node) -> None:
    receiver = make_receiver(node)
    await push(receiver, ENTRIES[:200])
    await push(receiver, ENTRIES[:120], start=100)
    assert size(node) == 200


async def test_pushes_in_a_row_that_wait_for_the_disk_together_keep_their_order(node: Node) -> None:
    receiver = make_receiver(node)
    await asyncio.gather(*(push(receiver, ENTRIES[: index + 1], start=index) for index in range(50)))
    assert held(node) == ENTRIES[:50]


@pytest.mark.parametrize("other", ["overlap", "same size", "longer"])
async def test_a_push_of_another_branch_is_named_as_such_and_changes_nothing(node: Node, other: str) -> None:
    receiver = make_receiver(node)
    await push(receiver, ENTRIES[:10])
    branch = [*ENTRIES[:8], b"other", b"branch", b"longer"]
    with pytest.raises(BranchError) as caught:
        match other:
            case "overlap":
                await push(receiver, branch, start=8)
            case "same size":
                await push(receiver, branch[:10])
            case _:
                await receiver.admit_push(ORIGIN, 10, 1, note(branch), format_bundle(branch[10:]))
    assert caught.value.origin == ORIGIN
    assert held(node) == ENTRIES[:10]


async def test_a_gap_is_refused(node: Node) -> None:
    with pytest.raises(PeerError, match="leaves a gap"):
        await push(make_receiver(node), ENTRIES[:10], start=5)
    assert size(node) == 0


async def test_a_log_that_is_not_known_is_refused(node: Node) -> None:
    with pytest.raises(PeerError, match="not known here"):
        await make_receiver(node).admit_push("else.example/log", 0, 1, note(ENTRIES[:1]), format_bundle(ENTRIES[:1]))


async def test_a_push_must_end_at_its_head(node: Node) -> None:
    with pytest.raises(PeerError, match="a push that ends at 3 under a head of 4"):
        await make_receiver(node).admit_push(ORIGIN, 0, 3, note(ENTRIES[:4]), format_bundle(ENTRIES[:3]))
    assert size(node) == 0


@pytest.mark.parametrize("count", [1, 255, 256, 257, 512, 700, 5_200])
async def test_a_transfer_of_any_length_ends_at_its_head(node: Node, count: int) -> None:
    assert await transfer(make_receiver(node), ENTRIES[:count]) == tuple(range(count_bundles(count)))
    assert held(node) == ENTRIES[:count]
    assert gossip_marks.pending_roots(node.database.reader, ORIGIN) == {}


@pytest.mark.parametrize(("before", "after"), [(1, 300), (100, 256), (255, 257), (256, 600), (300, 700), (511, 1_025)])
async def test_a_transfer_goes_on_from_what_is_held(node: Node, before: int, after: int) -> None:
    receiver = make_receiver(node)
    await transfer(receiver, ENTRIES[:before])
    await transfer(receiver, ENTRIES[:after], first=before // 256)
    assert held(node) == ENTRIES[:after]
    await transfer(receiver, ENTRIES[: after + 1], first=after // 256)
    assert held(node) == ENTRIES[: after + 1]


@pytest.mark.parametrize("count", [200, 300])
async def test_a_head_that_is_held_or_was_passed_asks_for_nothing(node: Node, count: int) -> None:
    receiver = make_receiver(node)
    await transfer(receiver, ENTRIES[:300])
    found = await receiver.begin_transfer(ORIGIN, 0, note(ENTRIES[:count]), roots(ENTRIES[:count]))
    assert found == (count, ())
    assert receiver.take_bundle(ORIGIN, 0, bundle(ENTRIES, 0)) is None


@pytest.mark.parametrize("before", [0, 255, 300])
async def test_roots_that_begin_beyond_what_is_held_leave_a_gap(node: Node, before: int) -> None:
    receiver = make_receiver(node)
    if before:
        await transfer(receiver, ENTRIES[:before])
    first = before // 256 + 1
    with pytest.raises(PeerError, match=f"bundle roots from {first} on leave a gap"):
        await receiver.begin_transfer(ORIGIN, first, note(ENTRIES[:700]), roots(ENTRIES[:700], first))


async def test_roots_that_do_not_lead_to_the_head_are_named_as_another_branch(node: Node) -> None:
    branch = [b"other", *ENTRIES[1:700]]
    with pytest.raises(BranchError) as caught:
        await make_receiver(node).begin_transfer(ORIGIN, 0, note(ENTRIES[:700]), roots(branch))
    assert caught.value.origin == ORIGIN


async def test_what_is_still_being_written_is_not_asked_for_again(node: Node) -> None:
    receiver = make_receiver(node)
    await receiver.begin_transfer(ORIGIN, 0, note(ENTRIES), roots(ENTRIES))
    writes = [receiver.take_bundle(ORIGIN, number, bundle(ENTRIES, number)) for number in range(16)]
    assert writes[-1] is not None and not writes[-1].done.done()
    receiver.end_transfer(ORIGIN)
    assert await transfer(receiver, ENTRIES) == (16, 17, 18, 19, 20)


async def test_where_all_bundles_are_here_already_the_head_follows_at_once(node: Node) -> None:
    receiver, whole = make_receiver(node), ENTRIES[: 16 * 256]
    await receiver.begin_transfer(ORIGIN, 0, note(ENTRIES), roots(ENTRIES))
    for number in range(16):
        await receiver.admit_bundle(ORIGIN, number, bundle(ENTRIES, number))
    receiver.end_transfer(ORIGIN)
    taken = [receiver.take_bundle(ORIGIN, number, bundle(ENTRIES, number)) for number in range(16, 21)]
    assert taken == [None] * 5, "a transfer that is over takes no more"
    assert await receiver.begin_transfer(ORIGIN, 0, note(whole), roots(whole)) == (len(whole), ())
    assert held(node) == whole


async def test_the_head_moves_with_the_last_bundle_and_not_before(node: Node) -> None:
    receiver = make_receiver(node)
    _, missing = await receiver.begin_transfer(ORIGIN, 0, note(ENTRIES), roots(ENTRIES))
    for number in missing[:-1]:
        await receiver.admit_bundle(ORIGIN, number, bundle(ENTRIES, number))
        assert size(node) == 0
    await receiver.admit_bundle(ORIGIN, missing[-1], bundle(ENTRIES, missing[-1]))
    assert size(node) == len(ENTRIES)


async def test_batches_that_are_written_at_the_same_time_end_with_the_head(node: Node) -> None:
    receiver = make_receiver(node)
    _, missing = await receiver.begin_transfer(ORIGIN, 0, note(ENTRIES), roots(ENTRIES))
    begun = [receiver.take_bundle(ORIGIN, number, bundle(ENTRIES, number)) for number in missing]
    writes = [write for write in begun if write is not None]
    assert [write.raw_bytes for write in writes] == [len(b"".join(bundles)) for bundles in batches(ENTRIES, 16)]
    assert size(node) == 0
    await asyncio.gather(*(write.done for write in writes))
    assert held(node) == ENTRIES


async def test_nobody_sees_the_head_of_a_transfer_before_it_is_known_that_its_index_has_still_to_follow(
    node: Node,
) -> None:
    receiver, entries = make_receiver(node), ENTRIES[:300]
    _, missing = await receiver.begin_transfer(ORIGIN, 0, note(entries), roots(entries))
    assert receiver.take_bundle(ORIGIN, missing[0], bundle(entries, missing[0])) is None
    last = receiver.take_bundle(ORIGIN, missing[1], bundle(entries, missing[1]))
    assert last is not None and not receiver.is_to_index(ORIGIN)
    # The write has begun and nothing else has: its commit is next, and may be seen before word of it is here.
    await asyncio.sleep(0)
    assert receiver.is_to_index(ORIGIN) and not last.done.done()
    await last.done


async def test_an_interrupted_transfer_goes_on_where_it_stopped_even_to_a_newer_head(node: Node) -> None:
    receiver = make_receiver(node)
    await receiver.begin_transfer(ORIGIN, 0, note(ENTRIES[:5_120]), roots(ENTRIES[:5_120]))
    for number in range(16):
        await receiver.admit_bundle(ORIGIN, number, bundle(ENTRIES, number))
    receiver.end_transfer(ORIGIN)
    assert await transfer(receiver, ENTRIES) == (16, 17, 18, 19, 20)
    assert held(node) == ENTRIES


async def test_pushes_meanwhile_do_not_disturb_a_transfer(node: Node) -> None:
    receiver = make_receiver(node)
    await push(receiver, ENTRIES[:100])
    _, missing = await receiver.begin_transfer(ORIGIN, 0, note(ENTRIES), roots(ENTRIES))
    for number in missing[:18]:
        await receiver.admit_bundle(ORIGIN, number, bundle(ENTRIES, number))
    await push(receiver, ENTRIES[:300], start=100)
    await push(receiver, ENTRIES[:530], start=290)
    assert held(node) == ENTRIES[:530]
    for number in missing[18:]:
        await receiver.admit_bundle(ORIGIN, number, bundle(ENTRIES, number))
    assert held(node) == ENTRIES


async def test_a_head_of_another_branch_is_named_as_such(node: Node) -> None:
    receiver = make_receiver(node)
    await push(receiver, ENTRIES[:10])
    branch = [*ENTRIES[:8], *(b"other %d" % index for index in range(500))]
    await receiver.begin_transfer(ORIGIN, 0, note(branch), roots(branch))
    await receiver.admit_bundle(ORIGIN, 0, bundle(branch, 0))
    with pytest.raises(BranchError):
        await receiver.admit_bundle(ORIGIN, 1, bundle(branch, 1))
    assert held(node) == ENTRIES[:10]


async def test_a_write_that_fails_disturbs_neither_the_next_transfer_nor_the_end(node: Node) -> None:
    receiver = make_receiver(node)
    await push(receiver, ENTRIES[:10])
    branch = [*ENTRIES[:8], *(b"other %d" % index for index in range(500))]

    async def begin_to_fail() -> asyncio.Task[None]:
        _, missing = await receiver.begin_transfer(ORIGIN, 0, note(branch), roots(branch))
        last = [receiver.take_bundle(ORIGIN, number, bundle(branch, number)) for number in missing][-1]
        assert last is not None
        return last.done

    failing = [await begin_to_fail()]
    assert await transfer(receiver, ENTRIES[:300]) == (0, 1)
    failing.append(await begin_to_fail())
    await receiver.stop()
    assert [type(one) for one in await asyncio.gather(*failing, return_exceptions=True)] == [BranchError] * 2
    assert receiver._writes == {}


async def test_on_a_full_disk_what_is_stored_waits_for_the_index_until_there_is_room(node: Node) -> None:
    receiver = make_receiver(node)
    await transfer(receiver, ENTRIES)
    await receiver.stop()
    await node.database.write(lambda db: limit_pages(db, 0))
    again = make_receiver(node)
    with capture_logs() as logged:
        again.resume()
        assert again._indexing is not None
        await again._indexing
    assert [line["event"] for line in logged] == ["index_not_written"] and again.is_to_index(ORIGIN)
    await node.database.write(lambda db: limit_pages(db, 1_000_000))
    again.go_on()
    await again._indexing
    assert record_index.list_behind(node.database.reader) == [] and not again.is_to_index(ORIGIN)


def limit_pages(db: sqlite3.Connection, more: int) -> None:
    """As on a disk that has room for so many more."""
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages + more}")


async def test_nobody_is_told_of_a_change_that_is_none(node: Node) -> None:
    heard: list[tuple[str, int, int]] = []
    node.changes.add_listener(lambda *change: heard.append(change))
    receiver = make_receiver(node)
    await transfer(receiver, ENTRIES[:INDEX_ENTRIES])
    assert receiver._indexing is not None
    await receiver._indexing
    assert heard == [(ORIGIN, 0, INDEX_ENTRIES)]


async def test_two_indexing_tasks_never_run_at_once(node: Node) -> None:
    receiver = make_receiver(node)
    await transfer(receiver, ENTRIES[:300])
    running = receiver._indexing
    assert running is not None and not running.done()
    receiver.go_on()
    receiver.resume()
    assert receiver._indexing is running, "whoever asks meanwhile joins what is under way"
    await running
    assert record_index.list_behind(node.database.reader) == []
    receiver.go_on()
    assert receiver._indexing is running, "and with nothing left none is begun"


async def test_bundles_left_by_another_branch_are_fetched_anew(node: Node) -> None:
    receiver = make_receiver(node)
    branch = [b"other %d" % index for index in range(5_120)]
    await receiver.begin_transfer(ORIGIN, 0, note(branch), roots(branch))
    for number in range(16):
        await receiver.admit_bundle(ORIGIN, number, bundle(branch, number))
    receiver.end_transfer(ORIGIN)
    await transfer(receiver, ENTRIES)
    assert held(node) == ENTRIES


async def test_a_transfer_that_stands_still_does_not_keep_others_from_the_index(node: Node) -> None:
    receiver = make_receiver(node)
    other = "west.example/log"
    await node.database.write(lambda db: log_store.add_log(db, other, KEY.public))
    indexed: asyncio.Event = asyncio.Event()
    node.changes.add_listener(lambda origin, _start, stop: indexed.set() if (origin, stop) == (ORIGIN, 300) else None)
    checkpoint = Checkpoint(other, len(ENTRIES), root_of([leaf_hash(entry) for entry in ENTRIES]))
    await receiver.begin_transfer(other, 0, sign_checkpoint(checkpoint, KEY), roots(ENTRIES))
    await transfer(receiver, ENTRIES[:300])
    assert receiver.take_bundle(other, 0, bundle(ENTRIES, 0)) is None
    async with asyncio.timeout(WAIT_S):
        await indexed.wait()
    assert record_index.list_behind(node.database.reader) == []


async def test_a_transfer_is_indexed_afterwards_and_a_new_start_finishes_it(node: Node) -> None:
    receiver = make_receiver(node)
    indexed: asyncio.Event = asyncio.Event()
    node.changes.add_listener(lambda _origin, _start, stop: indexed.set() if stop == len(ENTRIES) else None)
    await transfer(receiver, ENTRIES)
    await receiver.stop()
    make_receiver(node).resume()
    async with asyncio.timeout(WAIT_S):
        await indexed.wait()
    assert record_index.counts_by_kind(node.database.reader)[record_index.NOT_READABLE][0] == len(ENTRIES)
