"""What an interrupted transfer left beyond the head must not show in what is read, served or pushed."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.core.identity import generate
from protocol.log.bundle import BUNDLE_ENTRIES, bundle_root, format_bundle
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import Tree, leaf_hash
from storage.database import Database
from storage.log import log_store
from storage.peers import gossip_marks, peer_state

KEY = generate(bytes(32))
ORIGIN = "north.example/log"
ENTRIES = [b"entry %d" % index for index in range(600)]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    database = Database(tmp_path / "node.sqlite")
    connection = sqlite3.connect(tmp_path / "node.sqlite", isolation_level=None)
    log_store.add_log(connection, ORIGIN, KEY.public)
    yield connection
    connection.close()
    database.close()


def push(db: sqlite3.Connection, start: int, stop: int) -> None:
    checkpoint = Checkpoint(ORIGIN, stop, Tree.of(map(leaf_hash, ENTRIES[:stop])).root())
    log_store.extend(db, ORIGIN, start, ENTRIES[start:stop], checkpoint, sign_checkpoint(checkpoint, KEY))


def leave_pending(db: sqlite3.Connection, number: int, entries: list[bytes]) -> None:
    part = entries[number * BUNDLE_ENTRIES : (number + 1) * BUNDLE_ENTRIES]
    whole = Checkpoint(ORIGIN, 600, Tree.of(map(leaf_hash, entries)).root())
    closed = [(number, format_bundle(part), bundle_root(part))]
    assert log_store.store_bundles(db, closed, None, whole, sign_checkpoint(whole, KEY)) is None


def test_entries_are_read_once_though_a_transfer_left_their_bundle_beyond_the_head(db: sqlite3.Connection) -> None:
    push(db, 0, 100)
    leave_pending(db, 1, ENTRIES)
    push(db, 100, 300)
    assert log_store.entries(db, ORIGIN, 0, 300) == ENTRIES[:300]
    assert log_store.bundle(db, ORIGIN, 1, 300) == format_bundle(ENTRIES[256:300])


def test_a_bundle_that_fills_takes_the_place_of_one_left_from_another_branch(db: sqlite3.Connection) -> None:
    push(db, 0, 100)
    leave_pending(db, 1, [b"other %d" % index for index in range(600)])
    push(db, 100, 300)
    push(db, 300, 550)
    assert log_store.entries(db, ORIGIN, 0, 550) == ENTRIES[:550]
    assert log_store.bundle_roots(db, ORIGIN, 1, 512) == [bundle_root(ENTRIES[256:512])]


def test_pending_roots_are_those_beyond_the_head_only(db: sqlite3.Connection) -> None:
    push(db, 0, 200)
    push(db, 200, 300)
    leave_pending(db, 1, ENTRIES)
    assert gossip_marks.pending_roots(db, ORIGIN) == {1: bundle_root(ENTRIES[256:512])}


def test_a_verified_bundle_takes_the_place_of_one_left_from_another_branch(db: sqlite3.Connection) -> None:
    leave_pending(db, 1, [b"other %d" % index for index in range(600)])
    leave_pending(db, 1, ENTRIES)
    assert gossip_marks.pending_roots(db, ORIGIN) == {1: bundle_root(ENTRIES[256:512])}


def test_a_change_without_entries_has_a_number_that_a_cursor_finds(db: sqlite3.Connection) -> None:
    push(db, 0, 1)
    _, before = log_store.change_counter(db)
    assert gossip_marks.mark_change(db, ORIGIN) == before + 1
    assert [head.origin for head in log_store.heads_since(db, before)] == [ORIGIN]


def test_resetting_cursors_forgets_what_peers_told(db: sqlite3.Connection) -> None:
    peer_state.add_peer(db, peer_state.Peer("south.example/log", "South", "", b"c", b"l", b"w", b"m", b"e" * 16, 7))
    gossip_marks.reset_cursors(db)
    (peer,) = peer_state.peers(db)
    assert (peer.cursor_epoch, peer.cursor_change) == (b"", 0)
