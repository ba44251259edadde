"""Made-up logs of real records, put into a home's database bundle by bundle as a transfer would bring them.

Invariant: every entry is a record that the index reads, and every head is signed and covers exactly its entries.
"""

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Final

from protocol.core.encoding import encode, to_value
from protocol.core.identity import generate, key_id
from protocol.core.quantities import Quantity
from protocol.core.record import Record, format_record
from protocol.log.bundle import BUNDLE_ENTRIES, bundle_root, bundle_roots_fold, format_bundle
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.supply.product import PRODUCT_KIND, Product
from storage.database import Database
from storage.log import log_store

KEY: Final = generate(bytes(32))
"""One key for all made-up logs: that they share it changes nothing that is measured."""
ENTRY_BYTES: Final = 400
BUNDLES_A_COMMIT: Final = 256
LOGS_A_COMMIT: Final = 500

_CODE = "123456789"
_SEQUENCE = 1 << 16


def origin_of(number: int) -> str:
    """The origin of a made-up log."""
    return f"made-up-{number:05}.coop/log"


def make_entry(index: int) -> bytes:
    """The entry at a place of a log: a product's record of 400 bytes, up to four less at the log's beginning."""
    return b"%b%09d%b%b%b" % (_BEFORE, index, _BETWEEN, encode(index), _AFTER)


def know_logs(database: Database, origins: Sequence[str]) -> None:
    """Have a home know logs by their key and hold nothing of them."""
    for first in range(0, len(origins), LOGS_A_COMMIT):
        database.write_and_wait(partial(_add_logs, origins=origins[first : first + LOGS_A_COMMIT]))


def fill_log(database: Database, origin: str, size: int) -> None:
    """Have a home hold a long log under a signed head, as after a transfer; it must be known and empty."""
    numbers = range(-(-size // BUNDLE_ENTRIES))
    parts = (_entries_of(number, size) for number in numbers)
    roots: list[bytes] = []
    closed: list[tuple[int, bytes, bytes]] = []
    opened: list[bytes] = []
    # The head is not signed before its root is known, so until then bundles go in under one that is beyond them.
    beyond = Checkpoint(origin, size + BUNDLE_ENTRIES, bytes(32))
    for number, entries in zip(numbers, parts, strict=True):
        roots.append(bundle_root(entries))
        if len(entries) < BUNDLE_ENTRIES:
            opened = entries
        else:
            closed.append((number, format_bundle(entries), roots[-1]))
        if len(closed) == BUNDLES_A_COMMIT:
            database.write_and_wait(partial(_store, closed=closed, opened=None, checkpoint=beyond))
            closed = []
    checkpoint = Checkpoint(origin, size, bundle_roots_fold(roots))
    database.write_and_wait(partial(_store, closed=closed, opened=opened, checkpoint=checkpoint))


def extend_logs(database: Database, origins: Sequence[str], start: int, count: int) -> int:
    """Have a home hold `count` entries more of many short logs, from `start` on; the bytes of entries and heads."""
    return sum(
        database.write_and_wait(
            partial(_extend_all, origins=origins[first : first + LOGS_A_COMMIT], start=start, count=count)
        )
        for first in range(0, len(origins), LOGS_A_COMMIT)
    )


def skip_index(database: Database) -> None:
    """Have a home's index pass over what it holds: it plays no part in giving logs away."""
    sql = "INSERT OR REPLACE INTO index_cursor SELECT origin, size FROM log WHERE size > 0"
    database.write_and_wait(lambda db: db.execute(sql).close())


def count_entry_bytes(size: int) -> int:
    """The bytes of all entries of a log of this size."""
    fixed = len(_BEFORE) + len(_CODE) + len(_BETWEEN) + len(_AFTER)
    return size * fixed + sum(len(encode(index)) for index in range(size))


def _entries_of(number: int, size: int) -> list[bytes]:
    start = number * BUNDLE_ENTRIES
    return [make_entry(index) for index in range(start, min(size, start + BUNDLE_ENTRIES))]


def _add_logs(db: sqlite3.Connection, origins: Sequence[str]) -> None:
    for origin in origins:
        log_store.add_log(db, origin, KEY.public)


def _store(
    db: sqlite3.Connection,
    closed: Sequence[tuple[int, bytes, bytes]],
    opened: Sequence[bytes] | None,
    checkpoint: Checkpoint,
) -> None:
    log_store.store_bundles(db, closed, opened, checkpoint, sign_checkpoint(checkpoint, KEY))


def _extend_all(db: sqlite3.Connection, origins: Sequence[str], start: int, count: int) -> int:
    entries = [make_entry(index) for index in range(start, start + count)]
    heads = (log_store.append(db, origin, entries, partial(sign_checkpoint, log_key=KEY)) for origin in origins)
    return sum(len(head.note) for head in heads) + len(origins) * sum(map(len, entries))


def _cut_sample() -> tuple[bytes, bytes, bytes]:
    """A product's record, cut where its code and its sequence number stand."""
    piece = Quantity(1, "C62", 0)
    product = Product(
        code=f"in-house:{_CODE}",
        names={"en": "made-up bread"},
        category="bread",
        maker=origin_of(0),
        unit="C62",
        piece=Quantity(750, "GRM", 0),
        pack=None,
        case=Quantity(12, "C62", 0),
        minimum_order=piece,
        partial_cases=True,
        made_up=True,
        version=1,
    )
    body = to_value(product)
    record = Record(kind=PRODUCT_KIND, seq=_SEQUENCE, at=1_700_000_000_000, by=key_id(KEY.public), body=body)
    # One byte more than the letters: a text this long names its length in two.
    body["names"]["en"] += "." * (ENTRY_BYTES - 1 - len(format_record(record)))
    before, _, rest = format_record(record).partition(_CODE.encode())
    between, _, after = rest.partition(encode(_SEQUENCE))
    return before, between, after


_BEFORE, _BETWEEN, _AFTER = _cut_sample()
