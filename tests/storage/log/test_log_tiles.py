"""A stored log as tiles: read from bundles, kept above their roots, and grown again when they are dropped."""

import sqlite3

import pytest

from protocol.core.errors import MisuseError
from protocol.log.merkle import check_inclusion, leaf_hash, prove_inclusion
from protocol.log.tiles import Tile, TileHashes, format_tile_path, list_bundles, list_tiles
from storage.log import log_store
from tests.protocol.log.audit.published_log import entry, publish
from tests.storage.log.test_log_store import ORIGIN, db, sign

__all__ = ["db"]

SIZE = 66_000
"""Level 2 has a hash of its own from 65,536 entries on."""


@pytest.fixture
def grown(db: sqlite3.Connection) -> sqlite3.Connection:
    db.execute("BEGIN")
    log_store.append(db, ORIGIN, [entry(index) for index in range(SIZE)], sign)
    return db


def test_tiles_and_bundles_are_byte_for_byte_those_of_the_static_form(grown: sqlite3.Connection) -> None:
    files = publish(SIZE)
    for is_kept in (False, True):
        for tile in [*list_tiles(SIZE), *list_bundles(SIZE)]:
            assert log_store.read_tile(grown, ORIGIN, tile) == files[format_tile_path(tile)], (tile, is_kept)
        log_store.keep_tiles(grown, ORIGIN)
    narrow = log_store.read_tile(grown, ORIGIN, Tile(None, 3, 5))
    assert narrow == files["tile/entries/003"][: len(narrow)]
    assert log_store.read_tile(grown, ORIGIN, Tile(0, 3, 5)) == files["tile/0/003"][:160]


def test_tiles_are_kept_once_and_again_after_they_were_dropped(grown: sqlite3.Connection) -> None:
    for _ in range(2):
        assert log_store.has_new_tiles(grown, ORIGIN)
        log_store.keep_tiles(grown, ORIGIN)
        assert not log_store.has_new_tiles(grown, ORIGIN)
        log_store.drop_tiles(grown, ORIGIN)
    log_store.keep_tiles(grown, ORIGIN)
    log_store.append(grown, ORIGIN, [entry(SIZE)], sign)
    assert not log_store.has_new_tiles(grown, ORIGIN)


@pytest.mark.parametrize("index", [0, 255, 256, 65_535, 65_536, SIZE - 1])
def test_a_proof_needs_tiles_alone(grown: sqlite3.Connection, index: int) -> None:
    log_store.keep_tiles(grown, ORIGIN)
    head = log_store.head(grown, ORIGIN)
    assert head is not None
    asked: list[Tile] = []

    def read(tile: Tile) -> bytes:
        asked.append(tile)
        return log_store.read_tile(grown, ORIGIN, tile)

    proof = prove_inclusion(index, SIZE, TileHashes(SIZE, read))
    check_inclusion(leaf_hash(entry(index)), index, SIZE, proof, head.root)
    assert len(asked) <= 6


@pytest.mark.parametrize("index", [0, 255, 256, 65_535, 65_536, SIZE - 1])
def test_with_the_edge_at_hand_a_proof_is_the_same_and_reads_no_tile_of_the_right_side(
    grown: sqlite3.Connection, index: int
) -> None:
    log_store.keep_tiles(grown, ORIGIN)
    asked: list[Tile] = []

    def read(tile: Tile) -> bytes:
        asked.append(tile)
        return log_store.read_tile(grown, ORIGIN, tile)

    proof = prove_inclusion(index, SIZE, TileHashes(SIZE, read))
    every, asked[:] = len(asked), []
    known = log_store.edge_hashes(grown, ORIGIN)
    assert prove_inclusion(index, SIZE, TileHashes(SIZE, read, known)) == proof
    places = {(tile.level, tile.number) for tile in asked}
    assert len(asked) < every and places <= {(0, index >> 8), (1, index >> 16)}
    # What the edge knew stays true when the log grows.
    log_store.append(grown, ORIGIN, [entry(SIZE)], sign)
    head = log_store.head(grown, ORIGIN)
    assert head is not None
    grown_proof = prove_inclusion(index, SIZE + 1, TileHashes(SIZE + 1, read, known))
    check_inclusion(leaf_hash(entry(index)), index, SIZE + 1, grown_proof, head.root)


def test_no_tile_beyond_the_head_is_read(grown: sqlite3.Connection) -> None:
    beyond = (Tile(0, 257, 209), Tile(0, 258, 1), Tile(1, 1, 2), Tile(2, 0, 2), Tile(3, 0, 1), Tile(None, 257))
    for tile in beyond:
        with pytest.raises(MisuseError, match="no such tile"):
            log_store.read_tile(grown, ORIGIN, tile)


def test_roots_are_read_from_their_own_index_and_not_through_the_bundles(grown: sqlite3.Connection) -> None:
    statements: list[str] = []
    grown.set_trace_callback(statements.append)
    log_store.bundle_roots(grown, ORIGIN, 0, 1_024)
    grown.set_trace_callback(None)
    plan = " ".join(str(row[3]) for row in grown.execute(f"EXPLAIN QUERY PLAN {statements[0]}"))
    assert "COVERING INDEX bundle_root" in plan
