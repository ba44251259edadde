"""What each record is about: one derived table from which every area's view is read.

Invariant: a row depends on its own entry, its log's key and its log's cut (fork_cuts) alone, so any order of delivery
gives the same table.
Invariant: a log is folded only as a contiguous prefix; the table can be dropped and is rebuilt by replay.

Why one table: docs/decisions/0003-one-index-and-pure-views.md
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec

from protocol.core.encoding import to_struct
from protocol.core.errors import RefusedError
from protocol.core.identity import key_id
from protocol.core.record import Record, audit_author, leaf_hash_of, parse_record
from protocol.log.bundle import BUNDLE_ENTRIES
from protocol.record_kinds import KINDS
from storage.log import log_store
from storage.log.fork_cuts import BEYOND, mark_beyond

CATCH_UP_ENTRIES_MAX = 4_096
VOID_REASON_LENGTH_MAX = 300
NOT_READABLE = "?"


@dataclass(frozen=True, slots=True)
class IndexedRecord:
    """A record where it lies, with its typed body (None for unknown kinds, detached bodies and void records)."""

    origin: str
    index: int
    leaf: bytes
    record: Record
    body: Any
    void: str

    @property
    def is_own_word(self) -> bool:
        """Whether the log says it itself, for all to read: what it carries of somebody else, or hides, is not."""
        return self.body is not None and not self.record.sigs


class IndexRow(msgspec.Struct, frozen=True, gc=False):
    """One row of the index: what a page can show of any entry, readable or not."""

    origin: str
    index: int
    kind: str
    subject: bytes
    by: bytes
    at_ms: int
    leaf: bytes
    void: str


Span = tuple[int, int]
"""(first, one after the last) of entries of a log."""

_COLUMNS = "origin, idx, kind, subject, by_key, at_ms, leaf, void"
_values_of = attrgetter("origin", "index", "kind", "subject", "by", "at_ms", "leaf", "void")
_COUNTED = ", ".join(f"'{reason}'" for reason in ("", *BEYOND))


def catch_up(db: sqlite3.Connection, origin: str, limit: int = CATCH_UP_ENTRIES_MAX) -> Span:
    """Fold at most `limit` further entries of a log into the index: what was folded."""
    start = _read_cursor(db, origin)
    head = log_store.head(db, origin)
    stop = start if head is None else min(head.size, start + limit)
    if stop <= start:
        return start, start
    log_key = log_store.log_key_of(db, origin)
    assert log_key is not None
    return _fold(db, origin, log_key, start, log_store.entries(db, origin, start, stop))


def fold_appended(db: sqlite3.Connection, origin: str, start: int, appended: Sequence[tuple[IndexRow, bytes]]) -> None:
    """Fold what this transaction has appended to our own log from entry `start` on: (row, leaf) each, in order.

    Where the index is not that far yet, nothing is taken from the rows, and it catches up from the log itself.
    """
    if _read_cursor(db, origin) != start:
        catch_up(db, origin)
        return
    values = (
        (origin, index, row.kind, row.subject, row.by, row.at_ms, leaf, row.void)
        for index, (row, leaf) in enumerate(appended, start)
    )
    _store_rows(db, origin, start, start + len(appended), values)


def fold_pushed(db: sqlite3.Connection, origin: str, log_key: bytes, start: int, pushed: Sequence[bytes]) -> Span:
    """The same for what a peer has pushed and this transaction has stored: what was folded."""
    cursor, stop = _read_cursor(db, origin), start + len(pushed)
    return (
        _fold(db, origin, log_key, cursor, pushed[cursor - start :]) if start <= cursor < stop else catch_up(db, origin)
    )


def _fold(db: sqlite3.Connection, origin: str, log_key: bytes, start: int, found: Sequence[bytes]) -> Span:
    log_key_id, stop = key_id(log_key), start + len(found)
    rows = [index_entry(origin, index, raw, log_key_id) for index, raw in enumerate(found, start)]
    _store_rows(db, origin, start, stop, map(_values_of, rows))
    return start, stop


def _read_cursor(db: sqlite3.Connection, origin: str) -> int:
    row = db.execute("SELECT next FROM index_cursor WHERE origin = ?", (origin,)).fetchone()
    return 0 if row is None else int(row[0])


def _store_rows(db: sqlite3.Connection, origin: str, start: int, stop: int, values: Iterable[tuple[Any, ...]]) -> None:
    sql = f"INSERT OR REPLACE INTO record_index({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    db.executemany(sql, values)
    mark_beyond(db, origin, start)
    db.execute("INSERT OR REPLACE INTO index_cursor VALUES (?, ?)", (origin, stop))


def list_behind(db: sqlite3.Connection) -> list[str]:
    """Logs of which not all is folded yet, by origin."""
    sql = "SELECT origin FROM log LEFT JOIN index_cursor USING (origin) WHERE size > coalesce(next, 0) ORDER BY origin"
    return [row[0] for row in db.execute(sql)]


def rebuild(db: sqlite3.Connection, origins: Collection[str] | None = None) -> int:
    """Drop what the index says of these logs (None: of all) and fold them anew; the number of entries folded."""
    folded = 0
    for origin in [head.origin for head in log_store.heads(db)] if origins is None else origins:
        db.execute("DELETE FROM record_index WHERE origin = ?", (origin,))
        db.execute("DELETE FROM index_cursor WHERE origin = ?", (origin,))
        while (span := catch_up(db, origin))[1] > span[0]:
            folded += span[1] - span[0]
    return folded


def index_entry(origin: str, index: int, raw: bytes, log_key_id: bytes) -> IndexRow:
    """The row of one entry; what breaks its rule is void with the reason, unknown kinds are kept as they are."""
    leaf = leaf_hash_of(raw)
    try:
        record = parse_record(raw)
    except RefusedError as error:
        return IndexRow(origin, index, NOT_READABLE, b"", b"", 0, leaf, str(error)[:VOID_REASON_LENGTH_MAX])
    return index_record(origin, index, leaf, record, log_key_id)


def index_record(origin: str, index: int, leaf: bytes, record: Record, log_key_id: bytes) -> IndexRow:
    """The row of a record that was read, or is about to be written, as entry `index` of a log."""
    subject, void = b"", _describe_void(record, index, log_key_id)
    try:
        body = read_body(record)
        kind = KINDS.get(record.kind)
        subject = b"" if kind is None or body is None else kind.subject(body)
    except RefusedError as error:
        void = void or str(error)[:VOID_REASON_LENGTH_MAX]
    return IndexRow(origin, index, record.kind, subject, record.by, record.at, leaf, void)


def read_entry(raw: bytes) -> tuple[Record, msgspec.Struct | None]:
    """An entry's record and its typed body, as `read_body` gives it."""
    record = parse_record(raw)
    return record, read_body(record)


def read_body(record: Record) -> msgspec.Struct | None:
    """A record's typed body; None for kinds this node does not know and for detached bodies."""
    kind = KINDS.get(record.kind)
    if kind is None or isinstance(record.body, bytes):
        return None
    return to_struct(record.body, kind.body)


def records(
    db: sqlite3.Connection,
    kind: str,
    subject: bytes | None = None,
    origin: str | None = None,
    with_void: bool = False,
    every_branch: bool = False,
) -> list[IndexedRecord]:
    """Records of one kind in canonical order (origin, index), narrowed to a subject or a log; void ones, and those that
    hide what they say, left out unless asked for.

    With `every_branch` those beyond a log's cut count too: for what a closed decision stands on.
    """
    where = "kind = ?"
    values: list[str | bytes] = [kind]
    if subject is not None:
        where, values = f"{where} AND subject = ?", [*values, subject]
    if origin is not None:
        where, values = f"{where} AND origin = ?", [*values, origin]
    if not with_void:
        where = f"{where} AND void IN ({_COUNTED})" if every_branch else f"{where} AND void = ''"
    sql = f"SELECT {_COLUMNS} FROM record_index WHERE {where} ORDER BY origin, idx"
    found = _open_rows(db, [IndexRow(*row) for row in db.execute(sql, values).fetchall()])
    return found if with_void else _leave_hidden_out(found)


def own_words(
    db: sqlite3.Connection, kind: str, subject: bytes | None, origins: Collection[str], every_branch: bool = False
) -> dict[str, list[IndexedRecord]]:
    """What each of these logs says itself of a subject (None: of any), in its own order, as rules fold it.

    Logs that say nothing have no entry. A statement of somebody else that a log carries is not its own word.
    """
    said: dict[str, list[IndexedRecord]] = {}
    for indexed in records(db, kind, subject, every_branch=every_branch):
        if indexed.origin in origins and indexed.is_own_word:
            said.setdefault(indexed.origin, []).append(indexed)
    return said


def latest(db: sqlite3.Connection, kind: str, subject: bytes, origin: str, count: int) -> list[IndexedRecord]:
    """The last `count` records of one kind and subject in one log that are not void, newest first: as many are read,
    however many there are."""
    sql = f"""SELECT {_COLUMNS} FROM record_index WHERE kind = ? AND subject = ? AND origin = ? AND void = ''
              ORDER BY idx DESC LIMIT ?"""
    found = db.execute(sql, (kind, subject, origin, count)).fetchall()
    return _leave_hidden_out([_open_row(db, IndexRow(*row)) for row in found])


def newest_time_ms(db: sqlite3.Connection, origin: str) -> int:
    """When the last record of a log says that it was made, in wall milliseconds; 0 where there is none."""
    row = db.execute("SELECT at_ms FROM record_index WHERE origin = ? ORDER BY idx DESC LIMIT 1", (origin,)).fetchone()
    return 0 if row is None else int(row[0])


def records_between(
    db: sqlite3.Connection, origin: str, start: int, stop: int, kinds: Collection[str]
) -> list[IndexedRecord]:
    """Records start..stop-1 of a log that are of these kinds and not void, in order."""
    marks = ", ".join("?" * len(kinds))
    sql = f"""SELECT {_COLUMNS} FROM record_index WHERE origin = ? AND idx >= ? AND idx < ? AND void = ''
              AND kind IN ({marks}) ORDER BY idx"""
    found = db.execute(sql, (origin, start, stop, *sorted(kinds))).fetchall()
    return _leave_hidden_out(_open_rows(db, [IndexRow(*row) for row in found]))


def record_at(db: sqlite3.Connection, origin: str, index: int) -> IndexedRecord | None:
    """One readable record by its place."""
    sql = f"SELECT {_COLUMNS} FROM record_index WHERE origin = ? AND idx = ?"
    row = db.execute(sql, (origin, index)).fetchone()
    return None if row is None or row[2] == NOT_READABLE else _open_row(db, IndexRow(*row))


def record_by_leaf(db: sqlite3.Connection, leaf: bytes) -> IndexedRecord | None:
    """One record by its leaf hash that is not void: a copy of its bytes in another log is, so there is at most one.

    One beyond a log's cut is found too, `void` then says so: whoever names a record by its leaf has seen it.
    """
    sql = f"SELECT {_COLUMNS} FROM record_index WHERE leaf = ? AND void IN ({_COUNTED}) ORDER BY origin, idx LIMIT 1"
    row = db.execute(sql, (leaf,)).fetchone()
    return None if row is None else _open_row(db, IndexRow(*row))


def rows(db: sqlite3.Connection, origin: str | None = None, last: int | None = None) -> list[IndexRow]:
    """Index rows in canonical order, or the `last` rows of one log, newest first."""
    if origin is None:
        found = db.execute(f"SELECT {_COLUMNS} FROM record_index ORDER BY origin, idx")
    else:
        sql = f"SELECT {_COLUMNS} FROM record_index WHERE origin = ? ORDER BY idx DESC LIMIT ?"
        found = db.execute(sql, (origin, -1 if last is None else last))
    return [IndexRow(*row) for row in found]


def rows_of_kinds(db: sqlite3.Connection, kinds: Collection[str]) -> tuple[tuple[str, int, bytes, str], ...]:
    """(log, index, leaf, why it is void) of every record of these kinds: what a view of them follows from."""
    marks = ", ".join("?" * len(kinds))
    sql = f"SELECT origin, idx, leaf, void FROM record_index WHERE kind IN ({marks}) ORDER BY kind, origin, idx"
    return tuple(db.execute(sql, sorted(kinds)))


def counts_by_kind(db: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Per kind: (records, of which void)."""
    sql = "SELECT kind, count(*), sum(void != '') FROM record_index GROUP BY kind ORDER BY kind"
    return {kind: (count, void) for kind, count, void in db.execute(sql)}


def _describe_void(record: Record, index: int, log_key_id: bytes) -> str:
    if record.seq != index:
        return f"seq: says {record.seq}, lies at {index}"
    return "; ".join(str(finding) for finding in audit_author(record, log_key_id))[:VOID_REASON_LENGTH_MAX]


def _open_rows(db: sqlite3.Connection, rows: Sequence[IndexRow]) -> list[IndexedRecord]:
    """Read the records of rows: of each bundle only from the first that is wanted to the last, for the open bundle lies
    in as many runs as there were appends."""
    wanted: dict[tuple[str, int], list[int]] = {}
    for row in rows:
        wanted.setdefault((row.origin, row.index // BUNDLE_ENTRIES), []).append(row.index)
    raws: dict[tuple[str, int], bytes] = {}
    for (origin, _), places in wanted.items():
        first = min(places)
        found = log_store.entries(db, origin, first, max(places) + 1)
        raws |= {(origin, index): found[index - first] for index in places}
    return [_open_entry(row, raws[row.origin, row.index]) for row in rows]


def _leave_hidden_out(found: Sequence[IndexedRecord]) -> list[IndexedRecord]:
    """Whoever reads a kind reads its body: a log that shows only a commitment says nothing there."""
    return [one for one in found if one.body is not None]


def _open_row(db: sqlite3.Connection, row: IndexRow) -> IndexedRecord:
    (opened,) = _open_rows(db, [row])
    return opened


def _open_entry(row: IndexRow, raw: bytes) -> IndexedRecord:
    record, body = read_entry(raw) if row.void in ("", *BEYOND) else (parse_record(raw), None)
    return IndexedRecord(row.origin, row.index, row.leaf, record, body, row.void)
