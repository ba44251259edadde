"""Logs on disk: own and mirrored, whole or in bundles, and never on two branches."""

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.core.errors import MisuseError, PeerError
from protocol.core.identity import generate
from protocol.log.bundle import BUNDLE_ENTRIES, bundle_root, format_bundle
from protocol.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from protocol.log.merkle import Tree, leaf_hash
from storage.database import Database
from storage.log import log_store

KEY = generate(bytes(32))
ORIGIN = "north.example/log"
SIZES = [1, 2, 255, 256, 257, 511, 512, 700]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    yield from open_store(tmp_path)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    (tmp_path / "mirror").mkdir()
    yield from open_store(tmp_path / "mirror")


def open_store(folder: Path) -> Iterator[sqlite3.Connection]:
    database = Database(folder / "node.sqlite")
    # The writer's own connection, so that a test reads what it has just written without a commit.
    connection = sqlite3.connect(folder / "node.sqlite", isolation_level=None)
    log_store.add_log(connection, ORIGIN, KEY.public)
    yield connection
    connection.close()
    database.close()


def entry(index: int) -> bytes:
    return b"entry %d" % index


def sign(checkpoint: Checkpoint) -> bytes:
    return sign_checkpoint(checkpoint, KEY)


def signed(entries: list[bytes]) -> tuple[Checkpoint, bytes]:
    checkpoint = Checkpoint(ORIGIN, len(entries), Tree.of(map(leaf_hash, entries)).root())
    return checkpoint, sign(checkpoint)


def closed_bundles(entries: list[bytes]) -> list[tuple[int, bytes, bytes]]:
    found = []
    for number in range(len(entries) // BUNDLE_ENTRIES):
        part = entries[number * BUNDLE_ENTRIES : (number + 1) * BUNDLE_ENTRIES]
        found.append((number, format_bundle(part), bundle_root(part)))
    return found


@pytest.mark.parametrize("size", SIZES)
def test_what_is_appended_is_read_back_and_signed(db: sqlite3.Connection, size: int) -> None:
    entries = [entry(index) for index in range(size)]
    for start in range(0, size, 100):
        head = log_store.append(db, ORIGIN, entries[start : start + 100], sign)
    assert log_store.entries(db, ORIGIN, 0, size + 5) == entries
    assert log_store.entries(db, ORIGIN, size // 2, size) == entries[size // 2 :]
    assert open_checkpoint(head.note, KEY.public, ORIGIN) == signed(entries)[0]
    roots = log_store.bundle_roots(db, ORIGIN, 0, size)
    assert roots == [bundle_root(entries[at : at + BUNDLE_ENTRIES]) for at in range(0, size, BUNDLE_ENTRIES)]
    before = log_store.bundle_roots(db, ORIGIN, 0, size - 1)
    assert before == [
        bundle_root(entries[: size - 1][at:][:BUNDLE_ENTRIES]) for at in range(0, size - 1, BUNDLE_ENTRIES)
    ]
    assert log_store.bundle(db, ORIGIN, 0, size) == format_bundle(entries[:BUNDLE_ENTRIES])


@pytest.mark.parametrize("size", SIZES)
def test_a_transfer_in_bundles_ends_in_the_same_log(mirror: sqlite3.Connection, size: int) -> None:
    entries = [entry(index) for index in range(size)]
    checkpoint, note = signed(entries)
    closed, partial = closed_bundles(entries), entries[size - size % BUNDLE_ENTRIES :]
    for one in reversed(closed):
        assert log_store.store_bundles(mirror, [one], None, checkpoint, note) is None or size % BUNDLE_ENTRIES == 0
    head = log_store.store_bundles(mirror, [], partial, checkpoint, note)
    assert head is not None and (head.size, head.root) == (size, checkpoint.root)
    assert log_store.entries(mirror, ORIGIN, 0, size) == entries
    more = [*entries, entry(size)]
    grown, grown_note = signed(more)
    assert log_store.extend(mirror, ORIGIN, size, more[size:], grown, grown_note).root == grown.root


def test_a_push_extends_and_the_same_push_again_changes_nothing(mirror: sqlite3.Connection) -> None:
    entries = [entry(index) for index in range(300)]
    first, first_note = signed(entries[:10])
    log_store.extend(mirror, ORIGIN, 0, entries[:10], first, first_note)
    whole, whole_note = signed(entries)
    head = log_store.extend(mirror, ORIGIN, 5, entries[5:], whole, whole_note)
    assert log_store.extend(mirror, ORIGIN, 5, entries[5:], whole, whole_note) == head
    assert log_store.extend(mirror, ORIGIN, 0, entries[:10], first, first_note) == head
    assert log_store.entries(mirror, ORIGIN, 0, 400) == entries


def test_what_does_not_lead_to_the_signed_root_is_refused_and_nothing_stored(mirror: sqlite3.Connection) -> None:
    entries = [entry(index) for index in range(10)]
    checkpoint, note = signed(entries)
    log_store.extend(mirror, ORIGIN, 0, entries, checkpoint, note)
    before = log_store.head(mirror, ORIGIN)
    other, other_note = signed([*entries, b"one", b"two"])
    with pytest.raises(PeerError, match="gap"):
        log_store.extend(mirror, ORIGIN, 11, [b"two"], other, other_note)
    with pytest.raises(log_store.ForkError, match="does not lead"):
        log_store.extend(mirror, ORIGIN, 10, [b"one", b"three"], other, other_note)
    with pytest.raises(log_store.ForkError, match="parts from what we hold"):
        log_store.extend(mirror, ORIGIN, 9, [b"x", b"one", b"two"], other, other_note)
    branch, branch_note = signed([*entries[:9], b"x", *[entry(index) for index in range(10, 300)]])
    with pytest.raises(log_store.ForkError, match="parts from what we hold"):
        branch_entries = [*entries[:9], b"x", *[entry(index) for index in range(10, 300)]]
        log_store.store_bundles(mirror, closed_bundles(branch_entries), branch_entries[256:], branch, branch_note)
    assert log_store.head(mirror, ORIGIN) == before
    assert log_store.entries(mirror, ORIGIN, 0, 400) == entries


def test_each_move_of_a_head_is_numbered(mirror: sqlite3.Connection) -> None:
    log_store.add_log(mirror, "south.example/log", generate(bytes([1]) * 32).public)
    epoch, before = log_store.change_counter(mirror)
    checkpoint, note = signed([entry(0)])
    head = log_store.extend(mirror, ORIGIN, 0, [entry(0)], checkpoint, note)
    assert log_store.change_counter(mirror) == (epoch, before + 1) and head.change == before + 1
    assert [found.origin for found in log_store.heads_since(mirror, before)] == [ORIGIN]
    assert log_store.heads_since(mirror, before + 1) == []


def test_a_span_is_laid_out_as_a_bundle_however_its_entries_came(mirror: sqlite3.Connection) -> None:
    every, steps = [entry(index) for index in range(263)], [0, 1, 4, 250, 259, 263]
    for start, stop in itertools.pairwise(steps):
        checkpoint, note = signed(every[:stop])
        log_store.extend(mirror, ORIGIN, start, every[start:stop], checkpoint, note)
        for first in {*steps, 2, 255, 256} & set(range(max(0, stop - BUNDLE_ENTRIES), stop)):
            assert log_store.span(mirror, ORIGIN, first, stop) == format_bundle(every[first:stop])


def test_a_log_that_is_added_takes_a_number_and_has_nothing_to_tell(mirror: sqlite3.Connection) -> None:
    _, before = log_store.change_counter(mirror)
    for _ in range(2):
        log_store.add_log(mirror, "south.example/log", generate(bytes([1]) * 32).public)
    assert log_store.change_counter(mirror)[1] == before + 1
    assert log_store.heads_since(mirror, 0) == []


def test_a_known_log_never_changes_its_key(mirror: sqlite3.Connection) -> None:
    with pytest.raises(PeerError, match="another key"):
        log_store.add_log(mirror, ORIGIN, generate(bytes([2]) * 32).public)


def test_known_logs_are_listed_with_their_keys_and_heads(mirror: sqlite3.Connection) -> None:
    other, key = "south.example/log", generate(bytes([1]) * 32).public
    log_store.add_log(mirror, other, key)
    assert log_store.log_keys(mirror) == {ORIGIN: log_store.log_key_of(mirror, ORIGIN), other: key}
    assert [(head.origin, head.size) for head in log_store.heads(mirror)] == [(ORIGIN, 0), (other, 0)]


def test_a_log_has_no_bundle_behind_its_last(db: sqlite3.Connection) -> None:
    entries = [entry(index) for index in range(BUNDLE_ENTRIES)]
    log_store.append(db, ORIGIN, entries, sign)
    assert log_store.bundle(db, ORIGIN, 0, BUNDLE_ENTRIES) == format_bundle(entries)
    for number in (1, 2):
        with pytest.raises(MisuseError, match=f"no bundle {number}"):
            log_store.bundle(db, ORIGIN, number, BUNDLE_ENTRIES)


def test_what_is_held_already_under_another_root_is_a_fork(mirror: sqlite3.Connection) -> None:
    entries = [entry(index) for index in range(10)]
    head = log_store.extend(mirror, ORIGIN, 0, entries, *signed(entries))
    assert log_store.extend(mirror, ORIGIN, 5, entries[5:], *signed(entries)) == head
    _, other_note = signed([*entries[:9], b"other"])
    with pytest.raises(log_store.ForkError, match="two signed roots of size 10"):
        log_store.extend(mirror, ORIGIN, 5, entries[5:], Checkpoint(ORIGIN, 10, bytes(32)), other_note)
