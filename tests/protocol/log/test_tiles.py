"""Tiles: their paths, which of them a log has, and proofs made from them alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.core.errors import MisuseError, PeerError
from protocol.core.record import HASH_BYTES
from protocol.log.bundle import bundle_root, format_bundle, parse_bundle
from protocol.log.merkle import (
    Tree,
    check_consistency,
    check_inclusion,
    fold,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    range_root,
    root_at,
)
from protocol.log.subtree import check_subtree, prove_subtree
from protocol.log.tiles import (
    TILE_BYTES,
    TILE_NUMBER_MAX,
    TILES_HELD_MAX,
    Tile,
    TileHashes,
    count_tile_hashes,
    format_tile_path,
    grow_tile,
    list_bundles,
    list_tiles,
    parse_tile,
    parse_tile_path,
)

SIZE = 70_000
ONE_LEAF = leaf_hash(b"one and the same made-up entry")


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 0, 1), "tile/0/000.p/1"),
        (Tile(1, 999, 255), "tile/1/999.p/255"),
        (Tile(2, 1000), "tile/2/x001/000"),
        (Tile(63, 1_234_067), "tile/63/x001/x234/067"),
        (Tile(None, 1_234_067, 16), "tile/entries/x001/x234/067.p/16"),
        (Tile(None, 7), "tile/entries/007"),
        (Tile(0, TILE_NUMBER_MAX), "tile/0/x009/x223/x372/x036/x854/x775/807"),
    ],
)
def test_paths_are_those_of_the_standard(tile: Tile, path: str) -> None:
    assert format_tile_path(tile) == path
    assert parse_tile_path(path) == tile


@settings(max_examples=60)
@given(st.none() | st.integers(0, 63), st.integers(0, TILE_NUMBER_MAX), st.integers(1, 256))
def test_paths_go_there_and_back(level: int | None, number: int, width: int) -> None:
    tile = Tile(level, number, width)
    assert parse_tile_path(format_tile_path(tile)) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/0",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p",
        "tile/0/٠٠٠",
        "tile/entries/x009/x223/x372/x036/x854/x775/808",
        "tile/0/x001/x001/x009/x223/x372/x036/x854/x775/807",
        "tile/0/../../000",
        "tile/data/000",
    ],
)
def test_a_path_that_is_not_written_in_the_one_way_is_refused(path: str) -> None:
    with pytest.raises(PeerError, match=r"^tile: "):
        parse_tile_path(path)


def test_a_log_of_70000_has_the_tiles_of_the_standards_example() -> None:
    tiles = list(list_tiles(SIZE))
    partial = [tile for tile in tiles if tile.width < 256]
    assert [sum(tile.level == level for tile in tiles) for level in range(4)] == [274, 2, 1, 0]
    assert partial == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(list_tiles(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(list_tiles(0)) == []
    assert (list(list_tiles(1)), list(list_bundles(1))) == ([Tile(0, 0, 1)], [Tile(None, 0, 1)])
    assert list(list_bundles(600)) == [Tile(None, 0), Tile(None, 1), Tile(None, 2, 88)]
    assert list(list_bundles(0)) == []


@settings(max_examples=60)
@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_what_a_growing_log_adds_is_what_it_did_not_have(one: int, other: int) -> None:
    old_size, size = sorted((one, other))
    for list_all in (list_tiles, list_bundles):
        old, new, added = set(list_all(old_size)), set(list_all(size)), set(list_all(size, old_size))
        assert new - old == added
        assert {(tile.level, tile.number) for tile in old - new} <= {(tile.level, tile.number) for tile in added}


def make_tiles(sizes: list[int]) -> dict[Tile, bytes]:
    """The tiles of a log of made-up entries that grew by those sizes, each step on top of what lay there."""
    tiles: dict[Tile, bytes] = {}
    held: dict[tuple[int | None, int], bytes] = {}
    old_size = 0
    for size in sizes:
        for tile in list_tiles(size, old_size):
            if tile.level == 0:
                start = tile.number * 256
                raw = b"".join(leaf_hash(b"%d" % index) for index in range(start, start + tile.width))
            else:
                raw = grow_tile(tile, held.get((tile.level, tile.number), b""), tiles.__getitem__)
            tiles[tile] = held[tile.level, tile.number] = raw
        old_size = size
    return tiles


TILES = make_tiles([1, 255, 256, 700, 65_535, 65_536, SIZE])
LEAVES = [leaf_hash(b"%d" % index) for index in range(SIZE)]


def test_a_tile_holds_the_roots_of_what_is_below() -> None:
    entries = [b"%d" % index for index in range(256, 512)]
    assert TILES[Tile(1, 0)][HASH_BYTES : 2 * HASH_BYTES] == bundle_root(entries)
    assert fold([leaf_hash(entry) for entry in parse_bundle(format_bundle(entries), 256)]) == bundle_root(entries)
    assert TILES[Tile(2, 0, 1)] == fold(parse_tile(TILES[Tile(1, 0)], 256))
    assert all(len(raw) == tile.width * HASH_BYTES for tile, raw in TILES.items())


@pytest.mark.parametrize("size", [1, 255, 256, 700, 65_535, 65_536, SIZE])
def test_roots_and_proofs_come_from_tiles_alone(size: int) -> None:
    read = TileHashes(size, TILES.__getitem__)
    root = root_at(size, read)
    assert root == Tree.of(LEAVES[:size]).root()
    for index in {0, size // 3, size // 2, size - 1}:
        check_inclusion(LEAVES[index], index, size, prove_inclusion(index, size, read), root)
        old_root = Tree.of(LEAVES[: index + 1]).root()
        check_consistency(index + 1, old_root, size, root, prove_consistency(index + 1, size, read))
        start, end = index & ~255, index + 1
        part = range_root(start, end, read)
        check_subtree(start, end, part, size, root, prove_subtree(start, end, size, read))


@settings(max_examples=40)
@given(st.integers(0, 16), st.integers(0, SIZE))
def test_every_complete_subtree_can_be_read_and_no_other(level: int, index: int) -> None:
    read = TileHashes(SIZE, TILES.__getitem__)
    if (index + 1) << level > SIZE:
        with pytest.raises(MisuseError):
            read(level, index)
    else:
        assert read(level, index) == fold(LEAVES[index << level : (index + 1) << level])


def test_a_changed_hash_in_a_tile_leads_to_no_proof() -> None:
    read = TileHashes(SIZE, TILES.__getitem__)
    root, index = root_at(SIZE, read), 12_345
    number, place = divmod(index ^ 1, 256)
    damaged = bytearray(TILES[Tile(0, number)])
    damaged[place * HASH_BYTES] ^= 1
    changed = TileHashes(SIZE, lambda tile: bytes(damaged) if tile == Tile(0, number) else TILES[tile])
    with pytest.raises(PeerError, match="does not lead to the root"):
        check_inclusion(LEAVES[index], index, SIZE, prove_inclusion(index, SIZE, changed), root)


def test_a_tile_of_another_length_is_refused() -> None:
    for raw in (b"", bytes(TILE_BYTES - 1), bytes(TILE_BYTES + 1), bytes(TILE_BYTES - HASH_BYTES)):
        with pytest.raises(PeerError, match=r"tile/0/000: \d+ bytes where 256 hashes were promised"):
            TileHashes(256, {Tile(0, 0): raw}.__getitem__)(0, 0)
        with pytest.raises(PeerError, match="where 256 hashes were promised"):
            parse_tile(raw, 256)


def test_a_proof_reads_each_tile_once_and_few_are_held() -> None:
    asked: list[Tile] = []

    def read_tile(tile: Tile) -> bytes:
        asked.append(tile)
        return TILES[tile]

    read = TileHashes(SIZE, read_tile)
    prove_inclusion(40_000, SIZE, read)
    assert len(asked) == len(set(asked)) <= 6
    for number in range(TILES_HELD_MAX + 10):
        read(0, number * 256)
    assert len(read._held) == TILES_HELD_MAX


def test_a_proof_from_ten_million_entries_reads_a_handful_of_tiles() -> None:
    """All entries are alike, so that every full tile of a level is the same one."""
    size, full = 10_000_000, [ONE_LEAF * 256]
    for _ in range(3):
        full.append(fold(parse_tile(full[-1], 256)) * 256)
    asked: set[Tile] = set()

    def read_tile(tile: Tile) -> bytes:
        asked.add(tile)
        assert tile.level is not None
        return full[tile.level][: tile.width * HASH_BYTES]

    read = TileHashes(size, read_tile)
    root, index = root_at(size, read), 7_654_321
    check_inclusion(ONE_LEAF, index, size, prove_inclusion(index, size, read), root)
    check_consistency(index, root_at(index, read), size, root, prove_consistency(index, size, read))
    assert len(asked) <= 8


def test_what_cannot_be_is_the_callers_fault() -> None:
    for tile, held in ((Tile(0, 0), b""), (Tile(None, 0), b""), (Tile(1, 0, 1), bytes(64)), (Tile(1, 0), b"half")):
        with pytest.raises(MisuseError):
            grow_tile(tile, held, TILES.__getitem__)
    for level, index in ((-1, 0), (0, -1), (0, 256), (9, 0)):
        with pytest.raises(MisuseError):
            TileHashes(256, TILES.__getitem__)(level, index)
    for level, number, width in ((64, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)):
        with pytest.raises(ValueError, match="a tile has"):
            Tile(level, number, width)
    assert count_tile_hashes(0, 1, 256) == 0 and count_tile_hashes(1, 0, 255) == 0
