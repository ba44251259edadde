"""Which numbers of a node's changes its peers may have been told: those of each run, up to where the next began."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.log import log_store
from storage.peers import gossip_marks
from storage.peers.gossip_marks import PAST_EPOCHS_MAX


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    Database(tmp_path / "node.sqlite").close()
    connection = sqlite3.connect(tmp_path / "node.sqlite", isolation_level=None)
    yield connection
    connection.close()


def make_epoch(number: int) -> bytes:
    return number.to_bytes(16, "big")


def test_the_epoch_of_a_run_counts_up_to_where_the_next_run_began(db: sqlite3.Connection) -> None:
    drawn, _ = log_store.change_counter(db)
    log_store.add_log(db, "north.example/log", bytes(32))
    gossip_marks.begin_epoch(db, make_epoch(1), 1)
    log_store.add_log(db, "south.example/log", bytes(32))
    assert gossip_marks.past_epochs(db) == {drawn: 1, make_epoch(1): 2}
    gossip_marks.begin_epoch(db, make_epoch(2), 2)
    assert log_store.change_counter(db) == (make_epoch(2), 2)
    assert gossip_marks.past_epochs(db) == {drawn: 1, make_epoch(1): 2, make_epoch(2): 2}


def test_what_was_numbered_before_a_run_was_noted_does_not_count_for_the_run_before(db: sqlite3.Connection) -> None:
    drawn, began_at = log_store.change_counter(db)
    log_store.add_log(db, "north.example/log", bytes(32))
    gossip_marks.begin_epoch(db, make_epoch(1), began_at)
    assert gossip_marks.past_epochs(db) == {drawn: 0, make_epoch(1): 1}


def test_a_run_is_noted_once_however_often_it_is_tried(db: sqlite3.Connection) -> None:
    gossip_marks.begin_epoch(db, make_epoch(1), 0)
    noted = gossip_marks.past_epochs(db)
    gossip_marks.begin_epoch(db, make_epoch(1), 0)
    assert gossip_marks.past_epochs(db) == noted


def test_the_oldest_epochs_are_forgotten(db: sqlite3.Connection) -> None:
    for number in range(PAST_EPOCHS_MAX + 5):
        gossip_marks.begin_epoch(db, make_epoch(number), number)
    wanted = {make_epoch(number) for number in range(4, PAST_EPOCHS_MAX + 5)}
    assert gossip_marks.past_epochs(db).keys() == wanted
