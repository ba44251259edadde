"""The index of all logs: one row an entry, whatever order the entries came in, and dropped and rebuilt at will."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.core.encoding import to_value
from protocol.core.errors import PeerError
from protocol.core.identity import SigningKey, generate, key_id
from protocol.core.record import Record, Statement, embed_statement, format_record, leaf_hash_of, sign_statement
from protocol.federation.grants import KeyGrant
from protocol.federation.vote_records import PrevoteBody
from protocol.federation.votes import ROUNDS_MAX
from protocol.log.bundle import BUNDLE_ENTRIES
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import Tree, leaf_hash
from storage.database import Database
from storage.log import log_store, record_index
from storage.log.record_index import NOT_READABLE, IndexedRecord, IndexRow

NORTH, OAK = "north.example/log", "oak.example/log"
KEYS = {NORTH: generate(b"n" * 32), OAK: generate(b"o" * 32)}
MEMBER = generate(b"m" * 32)
SLOT, OTHER_SLOT = bytes(32), bytes([1]) * 32
AT_MS = 1_770_000_000_000


def own(key: SigningKey, seq: int, kind: str, body: msgspec.Struct | dict[str, Any] | bytes) -> bytes:
    """A record that a log's owner would write."""
    value: Any = to_value(body) if isinstance(body, msgspec.Struct) else body
    return format_record(Record(kind=kind, seq=seq, at=AT_MS + seq, by=key_id(key.public), body=value))


def prevote(key: SigningKey, seq: int, slot: bytes) -> bytes:
    return own(key, seq, "decision.prevote", PrevoteBody(slot, seq % ROUNDS_MAX, None))


def grant(key: SigningKey, seq: int) -> bytes:
    return own(key, seq, "key.grant", KeyGrant(bytes([seq]) * 32, "facilitator", f"facilitator {seq}", False))


def said_by_member(seq: int) -> bytes:
    statement = Statement(
        kind="decision.prevote",
        at=AT_MS,
        by=key_id(MEMBER.public),
        audience=NORTH,
        nonce=bytes(16),
        body=to_value(PrevoteBody(SLOT, seq, None)),
    )
    return format_record(embed_statement(statement, (sign_statement(statement, MEMBER),), seq))


NORTH_KEY, OAK_KEY = KEYS[NORTH], KEYS[OAK]
NORTH_ENTRIES = [
    grant(NORTH_KEY, 0),
    prevote(NORTH_KEY, 1, SLOT),
    b"\xff no record at all",
    prevote(NORTH_KEY, 3, OTHER_SLOT),
    own(NORTH_KEY, 4, "weather.report", {"rain": "soon"}),
    said_by_member(5),
]
OAK_ENTRIES = [
    prevote(OAK_KEY, 0, SLOT),
    NORTH_ENTRIES[1],
    grant(NORTH_KEY, 2),
    prevote(OAK_KEY, 9, SLOT),
    own(OAK_KEY, 4, "decision.prevote", {"slot": SLOT, "round": "first"}),
    own(OAK_KEY, 5, "decision.prevote", bytes(32)),
    prevote(OAK_KEY, 6, SLOT),
]
LOGS = {NORTH: NORTH_ENTRIES, OAK: OAK_ENTRIES}
ENTRIES = sum(map(len, LOGS.values()))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = Database(tmp_path_factory.mktemp("index") / "node.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def db(database: Database) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(open_empty(database.path)) as opened:
        yield opened
        opened.rollback()


def open_empty(path: Path) -> sqlite3.Connection:
    """The tables as they are before anything came; nothing that is written here is committed."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    for origin, key in KEYS.items():
        log_store.add_log(connection, origin, key.public)
    return connection


def store(db: sqlite3.Connection, origin: str, start: int, stop: int) -> None:
    """Entries of a log as a peer pushes them."""
    entries = LOGS[origin]
    checkpoint = Checkpoint(origin, stop, Tree.of(map(leaf_hash, entries[:stop])).root())
    log_store.extend(db, origin, start, entries[start:stop], checkpoint, sign_checkpoint(checkpoint, KEYS[origin]))


def store_all(db: sqlite3.Connection) -> list[IndexRow]:
    """All logs, each at one stroke; the rows."""
    for origin, entries in LOGS.items():
        store(db, origin, 0, len(entries))
        assert record_index.catch_up(db, origin) == (0, len(entries))
    return list(record_index.rows(db))


def row(origin: str, index: int, kind: str, subject: bytes, by: SigningKey, at_ms: int, void: str = "") -> IndexRow:
    """A row as it should be."""
    return IndexRow(origin, index, kind, subject, key_id(by.public), at_ms, leaf_hash_of(LOGS[origin][index]), void)


VOTE = "decision.prevote"
NOT_OURS = "by: not the key of this log, and nobody has signed"
UNREADABLE_WHY = "encoding: not msgpack: trailing characters (byte 1)"
EXPECTED_ROWS = [
    row(NORTH, 0, "key.grant", b"facilitator", NORTH_KEY, AT_MS),
    row(NORTH, 1, VOTE, SLOT, NORTH_KEY, AT_MS + 1),
    IndexRow(NORTH, 2, NOT_READABLE, b"", b"", 0, leaf_hash_of(NORTH_ENTRIES[2]), UNREADABLE_WHY),
    row(NORTH, 3, VOTE, OTHER_SLOT, NORTH_KEY, AT_MS + 3),
    row(NORTH, 4, "weather.report", b"", NORTH_KEY, AT_MS + 4),
    row(NORTH, 5, VOTE, SLOT, MEMBER, AT_MS),
    row(OAK, 0, VOTE, SLOT, OAK_KEY, AT_MS),
    row(OAK, 1, VOTE, SLOT, NORTH_KEY, AT_MS + 1, NOT_OURS),
    row(OAK, 2, "key.grant", b"facilitator", NORTH_KEY, AT_MS + 2, NOT_OURS),
    row(OAK, 3, VOTE, SLOT, OAK_KEY, AT_MS + 9, "seq: says 9, lies at 3"),
    row(OAK, 4, VOTE, b"", OAK_KEY, AT_MS + 4, "body.round: Expected `int`, got `str`"),
    row(OAK, 5, VOTE, b"", OAK_KEY, AT_MS + 5),
    row(OAK, 6, VOTE, SLOT, OAK_KEY, AT_MS + 6),
]


def test_every_entry_has_a_row_that_says_what_it_is_or_why_it_is_void(db: sqlite3.Connection) -> None:
    assert store_all(db) == EXPECTED_ROWS


@pytest.mark.parametrize("folded", range(6))
@pytest.mark.parametrize("start", range(6))
@pytest.mark.parametrize("stop", [5, 6])
def test_a_push_is_folded_from_where_the_index_is(db: sqlite3.Connection, folded: int, start: int, stop: int) -> None:
    """However the index, what was held and what is pushed lie to one another."""
    start = min(start, stop - 1)
    store(db, NORTH, 0, 5)
    record_index.catch_up(db, NORTH, folded)
    store(db, NORTH, start, stop)
    span = record_index.fold_pushed(db, NORTH, NORTH_KEY.public, start, NORTH_ENTRIES[start:stop])
    assert span == (folded, stop)
    assert record_index.rows(db) == EXPECTED_ROWS[:stop]


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25)
def test_any_order_of_delivery_in_any_portions_gives_the_same_rows(database: Database, seed: int) -> None:
    chance = Random(seed)
    with contextlib.closing(open_empty(database.path)) as db:
        held, indexed = dict.fromkeys(LOGS, 0), dict.fromkeys(LOGS, 0)
        while any(indexed[origin] < len(entries) for origin, entries in LOGS.items()):
            origin = chance.choice(sorted(LOGS))
            if held[origin] < len(LOGS[origin]) and chance.random() < 0.6:
                stop = chance.randint(held[origin] + 1, len(LOGS[origin]))
                store(db, origin, max(0, held[origin] - chance.randint(0, 2)), stop)
                held[origin] = stop
            else:
                first, stop = record_index.catch_up(db, origin, chance.randint(1, 3))
                assert first == indexed[origin] <= stop <= held[origin]
                indexed[origin] = stop
        assert list(record_index.rows(db)) == EXPECTED_ROWS
        assert record_index.rebuild(db) == ENTRIES
        assert list(record_index.rows(db)) == EXPECTED_ROWS
        db.rollback()


def test_what_was_just_appended_is_folded_from_its_rows_alone(db: sqlite3.Connection) -> None:
    rows = [row for row in EXPECTED_ROWS if row.origin == NORTH]
    store(db, NORTH, 0, 2)
    record_index.fold_appended(db, NORTH, 0, [(row, row.leaf) for row in rows[:2]])
    assert list(record_index.rows(db)) == rows[:2]
    store(db, NORTH, 2, 6)
    record_index.fold_appended(db, NORTH, 2, [(row, row.leaf) for row in rows[2:]])
    assert list(record_index.rows(db)) == rows
    assert record_index.catch_up(db, NORTH) == (6, 6)


def test_an_index_that_is_behind_takes_nothing_from_the_rows_and_catches_up(db: sqlite3.Connection) -> None:
    store(db, NORTH, 0, 6)
    made_up = msgspec.structs.replace(EXPECTED_ROWS[5], kind="made.up")
    record_index.fold_appended(db, NORTH, 5, [(made_up, made_up.leaf)])
    assert list(record_index.rows(db)) == [row for row in EXPECTED_ROWS if row.origin == NORTH]


def test_logs_that_are_behind_are_listed_until_all_of_them_is_folded(db: sqlite3.Connection) -> None:
    assert record_index.list_behind(db) == []
    for origin, entries in LOGS.items():
        store(db, origin, 0, len(entries))
    assert record_index.list_behind(db) == [NORTH, OAK]
    record_index.catch_up(db, NORTH)
    record_index.catch_up(db, OAK, len(OAK_ENTRIES) - 1)
    assert record_index.list_behind(db) == [OAK]
    record_index.catch_up(db, OAK, 1)
    assert record_index.list_behind(db) == []


def test_the_latest_of_a_kind_come_newest_first_and_a_log_says_when_it_last_spoke(db: sqlite3.Connection) -> None:
    assert record_index.newest_time_ms(db, OAK) == 0
    store_all(db)
    assert places(record_index.latest(db, VOTE, SLOT, OAK, 1)) == [(OAK, 6)]
    assert places(record_index.latest(db, VOTE, SLOT, OAK, 9)) == [(OAK, 6), (OAK, 0)]
    assert record_index.latest(db, VOTE, SLOT, OAK, 1)[0].body == PrevoteBody(SLOT, 6, None)
    assert record_index.newest_time_ms(db, OAK) == AT_MS + 6
    assert [row.index for row in record_index.rows(db, OAK)] == [6, 5, 4, 3, 2, 1, 0]


def test_nothing_is_folded_twice_nor_of_a_log_that_is_unknown(db: sqlite3.Connection) -> None:
    store_all(db)
    assert record_index.catch_up(db, NORTH) == (len(NORTH_ENTRIES), len(NORTH_ENTRIES))
    assert record_index.catch_up(db, "nobody.example/log") == (0, 0)


def places(found: list[IndexedRecord]) -> list[tuple[str, int]]:
    return [(one.origin, one.index) for one in found]


def test_records_are_found_by_kind_subject_and_log_in_canonical_order(db: sqlite3.Connection) -> None:
    store_all(db)
    votes = [(NORTH, 1), (NORTH, 3), (NORTH, 5), (OAK, 0), (OAK, 6)]
    assert places(record_index.records(db, VOTE)) == votes
    assert places(record_index.records(db, VOTE, SLOT)) == [(NORTH, 1), (NORTH, 5), (OAK, 0), (OAK, 6)]
    assert places(record_index.records(db, VOTE, SLOT, OAK)) == [(OAK, 0), (OAK, 6)]
    assert places(record_index.records(db, VOTE, origin=NORTH)) == [(NORTH, 1), (NORTH, 3), (NORTH, 5)]
    with_void = record_index.records(db, VOTE, SLOT, OAK, with_void=True)
    assert places(with_void) == [(OAK, 0), (OAK, 1), (OAK, 3), (OAK, 6)]
    assert [one.body is None for one in with_void] == [False, True, True, False]
    assert record_index.records(db, "no.such.kind") == []


def test_a_record_comes_with_its_body_unless_it_is_detached_or_unknown(db: sqlite3.Connection) -> None:
    store_all(db)
    first, _, by_member, *_ = record_index.records(db, VOTE)
    assert first.body == PrevoteBody(SLOT, 1, None) and first.record.sigs == ()
    assert by_member.body == PrevoteBody(SLOT, 5, None) and len(by_member.record.sigs) == 1
    detached, unknown = record_index.record_at(db, OAK, 5), record_index.record_at(db, NORTH, 4)
    assert detached is not None and detached.body is None and detached.record.body == bytes(32)
    assert unknown is not None and unknown.body is None and unknown.record.body == {"rain": "soon"}
    assert record_index.record_at(db, NORTH, 2) is None and record_index.record_at(db, NORTH, 99) is None


def test_a_logs_own_words_are_those_that_nobody_else_signed(db: sqlite3.Connection) -> None:
    store_all(db)
    said = record_index.own_words(db, VOTE, SLOT, {NORTH, OAK})
    assert {origin: places(words) for origin, words in said.items()} == {NORTH: [(NORTH, 1)], OAK: [(OAK, 0), (OAK, 6)]}
    assert record_index.own_words(db, VOTE, SLOT, {NORTH}).keys() == {NORTH}
    assert record_index.own_words(db, VOTE, b"another slot", {NORTH, OAK}) == {}


def test_a_copy_in_another_log_is_never_what_a_leaf_names_whichever_log_came_first(db: sqlite3.Connection) -> None:
    leaf = leaf_hash_of(NORTH_ENTRIES[1])
    store(db, OAK, 0, len(OAK_ENTRIES))
    record_index.catch_up(db, OAK)
    assert record_index.record_by_leaf(db, leaf) is None
    store(db, NORTH, 0, len(NORTH_ENTRIES))
    record_index.catch_up(db, NORTH)
    found = record_index.record_by_leaf(db, leaf)
    assert found is not None and (found.origin, found.index) == (NORTH, 1)
    assert record_index.record_by_leaf(db, leaf_hash_of(NORTH_ENTRIES[2])) is None


def test_what_a_change_brought_is_read_by_its_kinds_alone(db: sqlite3.Connection) -> None:
    store_all(db)
    assert places(record_index.records_between(db, OAK, 0, 7, {VOTE, "key.grant"})) == [(OAK, 0), (OAK, 6)]
    assert places(record_index.records_between(db, NORTH, 0, 2, {VOTE, "key.grant"})) == [(NORTH, 0), (NORTH, 1)]
    assert record_index.records_between(db, NORTH, 2, 3, {VOTE}) == []


def test_of_the_open_bundle_only_what_is_asked_for_is_read(db: sqlite3.Connection) -> None:
    """Every vote that is heard is read so, by several who listen: to split all runs for each would cost the most."""
    for start in range(len(OAK_ENTRIES)):
        store(db, OAK, start, start + 1)
        record_index.catch_up(db, OAK)
    assert db.execute("SELECT count(*) FROM open_run WHERE origin = ?", (OAK,)).fetchone() == (len(OAK_ENTRIES),)
    db.execute("UPDATE open_run SET run = x'ff' WHERE origin = ? AND idx = 3", (OAK,))
    assert places(record_index.records_between(db, OAK, 6, 7, {VOTE})) == [(OAK, 6)]
    assert places(record_index.records_between(db, OAK, 0, 2, {VOTE})) == [(OAK, 0)]
    with pytest.raises(PeerError, match="cut off"):
        record_index.records_between(db, OAK, 0, 7, {VOTE})


def test_a_page_sees_the_newest_rows_first_and_how_many_of_each_kind_are_void(db: sqlite3.Connection) -> None:
    rows = store_all(db)
    assert list(record_index.rows(db, OAK, last=2)) == [rows[-1], rows[-2]]
    assert record_index.counts_by_kind(db) == {
        NOT_READABLE: (1, 1),
        VOTE: (9, 3),
        "key.grant": (2, 1),
        "weather.report": (1, 0),
    }


def test_records_beyond_the_first_bundle_are_read_from_where_they_lie(db: sqlite3.Connection) -> None:
    origin, count = "long.example/log", BUNDLE_ENTRIES + 3
    key = generate(b"l" * 32)
    log_store.add_log(db, origin, key.public)
    entries = [prevote(key, seq, SLOT if seq % 100 else OTHER_SLOT) for seq in range(count)]
    log_store.append(db, origin, entries, lambda checkpoint: sign_checkpoint(checkpoint, key))
    assert record_index.catch_up(db, origin, BUNDLE_ENTRIES - 1) == (0, BUNDLE_ENTRIES - 1)
    assert record_index.catch_up(db, origin) == (BUNDLE_ENTRIES - 1, count)
    found = record_index.records(db, VOTE, origin=origin)
    assert [one.body.round for one in found] == [seq % ROUNDS_MAX for seq in range(count)]
    assert places(record_index.records(db, VOTE, OTHER_SLOT)) == [(origin, 0), (origin, 100), (origin, 200)]
    last = record_index.record_by_leaf(db, leaf_hash_of(entries[-1]))
    assert last is not None and last.index == count - 1
