"""A home that was indexed by a program that knew fewer kinds, or read one otherwise, and is updated."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from protocol.federation.vote_records import PrecommitBody
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import Tree, leaf_hash
from protocol.record_kinds import KINDS, Kind
from storage.database import Database
from storage.log import index_renewal, log_store, record_index
from tests.storage.log.test_record_index import KEYS, NORTH, OAK, SLOT, grant, own, prevote

LATER = "decision.prevote"
ENTRIES = {
    NORTH: [grant(KEYS[NORTH], 0), prevote(KEYS[NORTH], 1, SLOT), own(KEYS[NORTH], 2, LATER, {"not": "one"})],
    OAK: [grant(KEYS[OAK], 0), grant(KEYS[OAK], 1)],
}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    database = Database(tmp_path / "node.sqlite")
    connection = sqlite3.connect(tmp_path / "node.sqlite", isolation_level=None)
    for origin, entries in ENTRIES.items():
        log_store.add_log(connection, origin, KEYS[origin].public)
        head = Checkpoint(origin, len(entries), Tree.of(map(leaf_hash, entries)).root())
        log_store.extend(connection, origin, 0, entries, head, sign_checkpoint(head, KEYS[origin]))
    yield connection
    connection.close()
    database.close()


def fold_all(db: sqlite3.Connection) -> None:
    for origin in ENTRIES:
        record_index.catch_up(db, origin)
    index_renewal.renew(db)


def test_records_of_a_kind_that_was_unknown_are_found_after_the_update(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.delitem(KINDS, LATER)
        fold_all(db)
        assert not index_renewal.is_due(db)
        assert {row.void for row in record_index.rows(db)} == {""}
    assert record_index.records(db, LATER, SLOT) == []
    assert index_renewal.is_due(db)
    # Only what holds a record of that kind is read again.
    assert index_renewal.renew(db) == len(ENTRIES[NORTH])
    assert [found.index for found in record_index.records(db, LATER, SLOT)] == [1]
    assert "body" in record_index.rows(db, NORTH)[0].void
    assert not index_renewal.is_due(db) and index_renewal.renew(db) == 0
    renewed = record_index.rows(db)
    assert record_index.rebuild(db) == 5 and record_index.rows(db) == renewed


def test_a_kind_whose_body_may_say_something_else_is_read_again(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold_all(db)
    monkeypatch.setitem(KINDS, LATER, Kind("federation", PrecommitBody, lambda _: b"new", "Another body."))
    assert index_renewal.is_due(db) and index_renewal.renew(db) == len(ENTRIES[NORTH])
    assert [found.index for found in record_index.records(db, LATER, b"new")] == [1]


def test_other_words_for_people_read_nothing_again(db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    fold_all(db)
    monkeypatch.setattr(KINDS[LATER].body, "__doc__", "The same, told in a better sentence.")
    assert not index_renewal.is_due(db)


def test_a_field_that_is_called_a_description_is_no_words_for_people(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, LATER, Kind("federation", _Described, lambda _: b"", "One kind."))
    fold_all(db)
    monkeypatch.setitem(KINDS, LATER, Kind("federation", _DescribedInBytes, lambda _: b"", "One kind."))
    assert index_renewal.is_due(db)


class _Described(msgspec.Struct, forbid_unknown_fields=True):
    description: str


_DescribedInBytes = msgspec.defstruct(
    "_Described", [("description", bytes)], module=__name__, forbid_unknown_fields=True
)
