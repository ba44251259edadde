"""Logs on disk: our own and those we mirror, kept as the bundles that peers and auditors fetch.

Invariant: a stored head covers only entries stored with it; it never goes back and never leaves a branch.
Invariant: a closed bundle's blob is byte for byte the tlog-tiles entry bundle; the open bundle lies in runs of
entries, one for each append and laid out as a bundle is, so that the runs one after the other are its beginning.
Spec: docs/spec/log/tree.md, docs/spec/gossip/session.md
"""

import sqlite3
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import NamedTuple

from protocol.core.errors import MisuseError, PeerError
from protocol.core.quantities import divide_up
from protocol.core.record import HASH_BYTES
from protocol.log import bundle as bundles
from protocol.log.bundle import BUNDLE_ENTRIES, BundledTree
from protocol.log.checkpoint import Checkpoint
from protocol.log.merkle import EMPTY_ROOT, Tree, leaf_hashes, list_edge
from protocol.log.tiles import TILE_HASHES, TILE_HEIGHT, Tile, count_tile_hashes, grow_tile


class Head(NamedTuple):
    """The newest signed head of a log that this node holds whole; `change` numbers the node's own table."""

    origin: str
    size: int
    root: bytes
    note: bytes
    change: int


class ForkError(PeerError):
    """A signed head that does not extend the one we hold: both are to be kept as evidence."""


TILE_LEVEL_KEPT = 2
"""The lowest level whose tiles are kept in a table of their own; those below are the bundles and their roots."""

_HEAD_COLUMNS = "origin, size, root, note, change"


def add_log(db: sqlite3.Connection, origin: str, log_key: bytes) -> None:
    """Know a log by its key; a second call changes nothing; PeerError for another key (succession is a new origin).

    It takes a change number, so that whoever follows the counter notices; but no head has moved, and no peer is told.
    """
    known = log_key_of(db, origin)
    if known is not None and known != log_key:
        raise PeerError(f"log {origin} is known under another key")
    if known is None:
        db.execute("INSERT INTO log(origin, log_key, root) VALUES (?, ?, ?)", (origin, log_key, EMPTY_ROOT))
        db.execute("UPDATE counter SET value = value + 1 WHERE name = 'change'")


def log_key_of(db: sqlite3.Connection, origin: str) -> bytes | None:
    """The 32-byte Ed25519 key that signs a known log's checkpoints."""
    row = db.execute("SELECT log_key FROM log WHERE origin = ?", (origin,)).fetchone()
    return None if row is None else row[0]


def log_keys(db: sqlite3.Connection) -> dict[str, bytes]:
    """Every known log's key by origin."""
    return dict(db.execute("SELECT origin, log_key FROM log"))


def head(db: sqlite3.Connection, origin: str) -> Head | None:
    """The stored head of a known log (size 0 and an empty note before the first), None for an unknown one."""
    row = db.execute(f"SELECT {_HEAD_COLUMNS} FROM log WHERE origin = ?", (origin,)).fetchone()
    return None if row is None else Head(*row)


def heads(db: sqlite3.Connection) -> list[Head]:
    """The heads of all known logs, by origin."""
    return [Head(*row) for row in db.execute(f"SELECT {_HEAD_COLUMNS} FROM log ORDER BY origin")]


def heads_since(db: sqlite3.Connection, change: int) -> list[Head]:
    """The heads that moved after this node's change number `change`, oldest change first."""
    sql = f"SELECT {_HEAD_COLUMNS} FROM log WHERE change > ? ORDER BY change"
    return [Head(*row) for row in db.execute(sql, (change,))]


def change_counter(db: sqlite3.Connection) -> tuple[bytes, int]:
    """(random epoch of this database, number of its newest change): the cursor that peers reconnect with."""
    epoch, value = db.execute("SELECT epoch, value FROM counter WHERE name = 'change'").fetchone()
    return epoch, value


def entries(db: sqlite3.Connection, origin: str, start: int, stop: int) -> list[bytes]:
    """Entries start..stop-1 of a log, fewer where it ends before."""
    found: list[bytes] = []
    first, last = start // BUNDLE_ENTRIES, max(start, stop - 1) // BUNDLE_ENTRIES
    # Bundles at and beyond the open one may lie here already, brought by a transfer that has not reached its head.
    # One statement reads one moment: between two, the writer may close the open bundle, and neither has its entries.
    sql = """SELECT number * ?1 AS place, ?1 AS count, blob FROM bundle WHERE origin = ?2 AND number BETWEEN ?3 AND ?4
               AND number < (SELECT size / ?1 FROM log WHERE origin = ?2)
             UNION ALL SELECT idx, count, run FROM open_run WHERE origin = ?2 AND idx < ?6 AND idx + count > ?5"""
    rows = db.execute(sql, (BUNDLE_ENTRIES, origin, first, last, start, stop))
    # Sorted here: both parts come by their keys already, and SQLite would copy every bundle to sort them.
    for place, count, raw in sorted(rows, key=itemgetter(0)):
        found += bundles.parse_bundle(raw, count)[max(0, start - place) : max(0, stop - place)]
    return found


def span(db: sqlite3.Connection, origin: str, start: int, stop: int) -> bytes:
    """Entries start..stop-1 of a log, 1 to 256, laid out as in a bundle; one read where they were appended together."""
    sql = "SELECT run FROM open_run WHERE origin = ? AND idx = ? AND count = ?"
    row = db.execute(sql, (origin, start, stop - start)).fetchone()
    return bytes(row[0]) if row is not None else bundles.format_bundle(entries(db, origin, start, stop))


def bundle(db: sqlite3.Connection, origin: str, number: int, size: int) -> bytes:
    """Entry bundle `number` of the log's tree of `size`, as tlog-tiles serves it; MisuseError where there is none."""
    count = min(BUNDLE_ENTRIES, size - number * BUNDLE_ENTRIES)
    if count <= 0:
        raise MisuseError(f"log {origin} of size {size} has no bundle {number}")
    if count == BUNDLE_ENTRIES:
        row = db.execute("SELECT blob FROM bundle WHERE origin = ? AND number = ?", (origin, number)).fetchone()
        if row is not None:
            return bytes(row[0])
    start = number * BUNDLE_ENTRIES
    return bundles.format_bundle(entries(db, origin, start, start + count))


def bundle_roots(db: sqlite3.Connection, origin: str, start: int, size: int) -> list[bytes]:
    """Roots of bundles `start`.. of the log's tree of `size`; the last may be partial."""
    closed = size // BUNDLE_ENTRIES
    sql = (
        "SELECT root FROM bundle INDEXED BY bundle_root WHERE origin = ? AND number >= ? AND number < ? ORDER BY number"
    )
    roots = [row[0] for row in db.execute(sql, (origin, start, closed))]
    if size % BUNDLE_ENTRIES and start <= closed:
        roots.append(_partial_root(db, origin, closed * BUNDLE_ENTRIES, size))
    return roots


def _partial_root(db: sqlite3.Connection, origin: str, start: int, size: int) -> bytes:
    """The root over entries start..size-1 of one bundle: at the newest head the log's edge has it."""
    grown = _read_tree(db, origin)
    return grown.open_root() if grown.size == size else bundles.bundle_root(entries(db, origin, start, size))


def read_tile(db: sqlite3.Connection, origin: str, tile: Tile) -> bytes:
    """A tile or entry bundle as tlog-tiles serves it, as wide as asked for; MisuseError beyond the stored head.

    Reads a bundle, or 256 roots; above these what `keep_tiles` has kept, and computes what it has not.
    """
    present = head(db, origin)
    if present is None or count_tile_hashes(tile.level or 0, tile.number, present.size) < tile.width:
        raise MisuseError(f"log {origin} has no such tile")
    start = tile.number * TILE_HASHES
    if tile.level is None:
        return bundle(db, origin, tile.number, start + tile.width)
    if tile.level == 0:
        return b"".join(leaf_hashes(entries(db, origin, start, start + tile.width)))
    if tile.level < TILE_LEVEL_KEPT:
        return b"".join(bundle_roots(db, origin, start, (start + tile.width) * BUNDLE_ENTRIES))
    sql = "SELECT hashes FROM tile WHERE origin = ? AND level = ? AND number = ?"
    row = db.execute(sql, (origin, tile.level, tile.number)).fetchone()
    held = b"" if row is None else bytes(row[0])[: tile.width * HASH_BYTES]
    return grow_tile(tile, held, lambda below: read_tile(db, origin, below))


def edge_hashes(db: sqlite3.Connection, origin: str) -> dict[tuple[int, int], bytes]:
    """The roots of the complete subtrees that make up the log's tree, by (level, index): what its right side is made of
    in any proof, without a bundle read. None of them changes when the log grows."""
    size, edge = db.execute("SELECT size, edge FROM log WHERE origin = ?", (origin,)).fetchone()
    return dict(zip(list_edge(size), _split_edge(edge), strict=True))


def has_new_tiles(db: sqlite3.Connection, origin: str) -> bool:
    """Whether `keep_tiles` has something to do: a log has grown by 65,536 entries."""
    present = head(db, origin)
    return present is not None and _kept_hashes(db, origin, TILE_LEVEL_KEPT) < present.size >> TILE_HEIGHT * 2


def keep_tiles(db: sqlite3.Connection, origin: str) -> None:
    """Keep the tiles above the roots of a log's bundles as far as its head goes, so that a proof reads a few rows."""
    present = head(db, origin)
    level = TILE_LEVEL_KEPT
    while present is not None and (count := present.size >> TILE_HEIGHT * level):
        for number in range(_kept_hashes(db, origin, level) // TILE_HASHES, divide_up(count, TILE_HASHES)):
            tile = Tile(level, number, count_tile_hashes(level, number, present.size))
            sql = "INSERT OR REPLACE INTO tile(origin, level, number, hashes) VALUES (?, ?, ?, ?)"
            db.execute(sql, (origin, level, number, read_tile(db, origin, tile)))
        level += 1


def drop_tiles(db: sqlite3.Connection, origin: str) -> None:
    """Forget what `keep_tiles` has kept of a log: it is made again from the bundles."""
    db.execute("DELETE FROM tile WHERE origin = ?", (origin,))


def _kept_hashes(db: sqlite3.Connection, origin: str, level: int) -> int:
    sql = "SELECT number, length(hashes) FROM tile WHERE origin = ? AND level = ? ORDER BY number DESC LIMIT 1"
    row = db.execute(sql, (origin, level)).fetchone()
    return 0 if row is None else row[0] * TILE_HASHES + row[1] // HASH_BYTES


def append(
    db: sqlite3.Connection,
    origin: str,
    new_entries: Sequence[bytes],
    sign: Callable[[Checkpoint], bytes],
    leaves: Sequence[bytes] | None = None,
) -> Head:
    """Append to our own log and sign its new head once; both are on disk when this transaction is.

    `leaves` are the entries' hashes, where the caller has them already.
    """
    grown = _read_tree(db, origin)
    start = grown.size
    filled = grown.extend(leaf_hashes(new_entries) if leaves is None else leaves)
    checkpoint = Checkpoint(origin, grown.size, grown.root())
    _add_runs(db, origin, start, new_entries, filled)
    return _move_head(db, checkpoint, sign(checkpoint), grown.edge)


def extend(
    db: sqlite3.Connection,
    origin: str,
    start: int,
    new_entries: Sequence[bytes],
    checkpoint: Checkpoint,
    note: bytes,
) -> Head:
    """Take a peer's push: entries from `start` on that lead to its signed head (the signature is checked before).

    Raises PeerError for a gap, ForkError when entries or root part from what we hold; nothing is stored then.
    A push that we hold already returns the present head.
    """
    grown = _read_tree(db, origin)
    first = grown.size
    if start > first:
        raise PeerError(f"log {origin}: a push from {start} leaves a gap after {first}")
    held = entries(db, origin, start, first) if start < first else []
    if held[: len(new_entries)] != list(new_entries[: len(held)]):
        raise ForkError(f"log {origin}: the push parts from what we hold before entry {first}")
    if checkpoint.size < first or len(new_entries) <= len(held):
        return _held_head(db, checkpoint)
    new_entries = new_entries[len(held) :]
    filled = grown.extend(leaf_hashes(new_entries))
    if (grown.size, grown.root()) != (checkpoint.size, checkpoint.root):
        raise ForkError(f"log {origin}: the push does not lead to the signed root of size {checkpoint.size}")
    _add_runs(db, origin, first, new_entries, filled)
    return _move_head(db, checkpoint, note, grown.edge)


def store_bundles(
    db: sqlite3.Connection,
    closed: Sequence[tuple[int, bytes, bytes]],
    partial: Sequence[bytes] | None,
    checkpoint: Checkpoint,
    note: bytes,
    tree: Tree | None = None,
) -> Head | None:
    """Take verified bundles of a transfer to `checkpoint`: (number, blob, root) each, and the open bundle's entries
    with the tree over them, where the caller has it already.

    Returns the new head once every bundle it covers is stored, None before. Raises ForkError where a bundle parts
    from what we hold.
    """
    origin = checkpoint.origin
    present = head(db, origin)
    for number, blob, root in closed:
        if present is not None and number * BUNDLE_ENTRIES < present.size:
            _check_prefix(db, origin, number, bundles.parse_bundle(blob, BUNDLE_ENTRIES))
        # An older transfer may have left this bundle of another branch; what this signed head promises counts.
        sql = "INSERT OR REPLACE INTO bundle(origin, number, blob, root) VALUES (?, ?, ?, ?)"
        db.execute(sql, (origin, number, blob, root))
    if present is None or checkpoint.size <= present.size:
        return present
    count, rest = divmod(checkpoint.size, BUNDLE_ENTRIES)
    # Bundles come in their order: while the last is not there, the roots of a long log need not be counted.
    if (rest and partial is None) or (count and not _has_bundle(db, origin, count - 1)):
        return None
    roots = bundle_roots(db, origin, 0, count * BUNDLE_ENTRIES)
    if len(roots) < count:
        return None
    opened = list(partial or ())
    _check_prefix(db, origin, count, opened)
    grown = BundledTree.of(roots, Tree.of(leaf_hashes(opened)) if tree is None else tree)
    if (grown.size, grown.root()) != (checkpoint.size, checkpoint.root):
        raise ForkError(f"log {origin}: the bundles do not lead to the signed root of size {checkpoint.size}")
    db.execute("DELETE FROM open_run WHERE origin = ?", (origin,))
    _add_runs(db, origin, count * BUNDLE_ENTRIES, opened, ())
    return _move_head(db, checkpoint, note, grown.edge)


def _has_bundle(db: sqlite3.Connection, origin: str, number: int) -> bool:
    sql = "SELECT 1 FROM bundle INDEXED BY bundle_root WHERE origin = ? AND number = ?"
    return db.execute(sql, (origin, number)).fetchone() is not None


def _check_prefix(db: sqlite3.Connection, origin: str, number: int, found: Sequence[bytes]) -> None:
    """What we hold of this bundle must be its beginning: the signed head we have promised to extend says so."""
    start = number * BUNDLE_ENTRIES
    held_head = head(db, origin)
    size = 0 if held_head is None else held_head.size
    held = entries(db, origin, start, min(size, start + BUNDLE_ENTRIES)) if size > start else []
    if list(found[: len(held)]) != held:
        raise ForkError(f"log {origin}: bundle {number} parts from what we hold")


def _held_head(db: sqlite3.Connection, checkpoint: Checkpoint) -> Head:
    present = head(db, checkpoint.origin)
    assert present is not None
    if checkpoint.size == present.size and checkpoint.root != present.root:
        raise ForkError(f"log {checkpoint.origin}: two signed roots of size {checkpoint.size}")
    return present


def _read_tree(db: sqlite3.Connection, origin: str) -> BundledTree:
    """The log's tree at its stored head, ready to be appended to."""
    size, edge = db.execute("SELECT size, edge FROM log WHERE origin = ?", (origin,)).fetchone()
    return BundledTree(size, _split_edge(edge))


def _split_edge(edge: bytes) -> list[bytes]:
    return [edge[at : at + HASH_BYTES] for at in range(0, len(edge), HASH_BYTES)]


def _add_runs(
    db: sqlite3.Connection, origin: str, start: int, new_entries: Sequence[bytes], filled: Sequence[bytes]
) -> None:
    """Write entries from `start` on: whole bundles, whose roots are `filled`, as blobs, what is over as a run."""
    place, stop = start, start + len(new_entries)
    for number, root in enumerate(filled, start // BUNDLE_ENTRIES):
        last = (number + 1) * BUNDLE_ENTRIES
        blob = bundles.format_bundle(new_entries[place - start : last - start])
        if place % BUNDLE_ENTRIES:
            blob = _take_runs(db, origin, place) + blob
        # A transfer that broke off may have left this bundle of another branch.
        sql = "INSERT OR REPLACE INTO bundle(origin, number, blob, root) VALUES (?, ?, ?, ?)"
        db.execute(sql, (origin, number, blob, root))
        place = last
    if place < stop:
        run = bundles.format_bundle(new_entries[place - start :])
        sql = "INSERT INTO open_run(origin, idx, count, run) VALUES (?, ?, ?, ?)"
        db.execute(sql, (origin, place, stop - place, run))


def _take_runs(db: sqlite3.Connection, origin: str, stop: int) -> bytes:
    """The open bundle's bytes so far, up to entry `stop`; its runs are no longer needed."""
    found = db.execute("SELECT count, run FROM open_run WHERE origin = ? ORDER BY idx", (origin,)).fetchall()
    assert sum(count for count, _ in found) == stop % BUNDLE_ENTRIES
    db.execute("DELETE FROM open_run WHERE origin = ?", (origin,))
    return b"".join(run for _, run in found)


def _move_head(db: sqlite3.Connection, checkpoint: Checkpoint, note: bytes, edge: Sequence[bytes]) -> Head:
    sql = "UPDATE counter SET value = value + 1 WHERE name = 'change' RETURNING value"
    ((change,),) = db.execute(sql).fetchall()
    db.execute(
        "UPDATE log SET size = ?, root = ?, note = ?, edge = ?, change = ? WHERE origin = ?",
        (checkpoint.size, checkpoint.root, note, b"".join(edge), change, checkpoint.origin),
    )
    return Head(checkpoint.origin, checkpoint.size, checkpoint.root, note, change)
