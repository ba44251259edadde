"""A log as plain files: tiles of 256 hashes, from which any proof can be made without asking the log.

Invariant: hash i of tile (level, number) is the root over 256**level entries; level 0 has leaf hashes, level 1 the
roots of bundles. A tile is partial only at the right edge of its level; an empty one does not exist.
Invariant: a path parses in one way only.
Spec: docs/spec/log/tiles-and-proofs.md (c2sp.org/tlog-tiles)
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from protocol.core.errors import MisuseError, PeerError
from protocol.core.quantities import divide_up
from protocol.core.record import HASH_BYTES
from protocol.log.merkle import fold

CHECKPOINT_PATH: Final = "checkpoint"
TILE_HASHES: Final = 256
TILE_HEIGHT: Final = 8
TILE_BYTES: Final = TILE_HASHES * HASH_BYTES
TILE_LEVEL_MAX: Final = 63
TILE_NUMBER_MAX: Final = 2**63 - 1
TILES_HELD_MAX: Final = 64

_FULL_MASK = TILE_HASHES - 1
_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


class Tile(msgspec.Struct, frozen=True, order=True):
    """A place in a log's files: level (None for an entry bundle), number on the level, and how many hashes or entries.

    Ordered by level and number; do not compare tiles with bundles.
    """

    level: int | None
    number: int
    width: int = TILE_HASHES

    def __post_init__(self) -> None:
        is_level = self.level is None or 0 <= self.level <= TILE_LEVEL_MAX
        if not is_level or not 0 <= self.number <= TILE_NUMBER_MAX or not 1 <= self.width <= TILE_HASHES:
            raise ValueError("a tile has a level of 0 to 63, a number and a width of 1 to 256")


TileReader = Callable[[Tile], bytes]
"""All that a proof wants of the world: the bytes of a tile (level, number, width); how it fails is its own affair."""


def format_tile_path(tile: Tile) -> str:
    """The path of a tile or bundle below a log's address, such as `tile/0/x001/x234/067.p/8`."""
    level = "entries" if tile.level is None else str(tile.level)
    digits = str(tile.number)
    digits = digits.zfill(divide_up(len(digits), 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    number = "".join(f"x{group}/" for group in groups[:-1]) + groups[-1]
    suffix = "" if tile.width == TILE_HASHES else f".p/{tile.width}"
    return f"tile/{level}/{number}{suffix}"


def parse_tile_path(path: str) -> Tile:
    """The tile or bundle that a path names; PeerError for any other path."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise PeerError("tile: not a path of the form tile/LEVEL/NUMBER")
    level = None if match.group(1) == "entries" else int(match.group(1))
    number, width = int(re.sub("[x/]", "", match.group(2))), int(match.group(3) or TILE_HASHES)
    is_known = (level is None or level <= TILE_LEVEL_MAX) and number <= TILE_NUMBER_MAX and width <= TILE_HASHES
    # Leading zeros fill the first group only, and a full tile has no width.
    if not is_known or format_tile_path(tile := Tile(level, number, width)) != path:
        raise PeerError("tile: a level, number or width that is not written in its one way, or does not exist")
    return tile


def count_tile_hashes(level: int, number: int, size: int) -> int:
    """The width of a tile in a tree of `size` entries; 0 when the tree has none of it."""
    return max(0, min(TILE_HASHES, (size >> TILE_HEIGHT * level) - number * TILE_HASHES))


def list_tiles(size: int, old_size: int = 0) -> Iterator[Tile]:
    """The tiles of a tree of `size` entries that one of `old_size` did not have as wide, lowest level first.

    What lies on disk for the old size and these are together what the new size needs; the partial tiles of the old
    right edge may be deleted then.
    """
    for level in range(TILE_LEVEL_MAX + 1):
        hashes, old_hashes = size >> TILE_HEIGHT * level, old_size >> TILE_HEIGHT * level
        if hashes == 0:
            return
        if hashes > old_hashes:
            for number in range(old_hashes // TILE_HASHES, divide_up(hashes, TILE_HASHES)):
                yield Tile(level, number, count_tile_hashes(level, number, size))


def list_bundles(size: int, old_size: int = 0) -> Iterator[Tile]:
    """The entry bundles of a log of `size` entries that one of `old_size` did not have as long, in order."""
    if size > old_size:
        for number in range(old_size // TILE_HASHES, divide_up(size, TILE_HASHES)):
            yield Tile(None, number, count_tile_hashes(0, number, size))


def parse_tile(raw: bytes, width: int) -> list[bytes]:
    """The `width` hashes of a tile; PeerError unless there are exactly as many."""
    if len(raw) != width * HASH_BYTES:
        raise PeerError(f"tile: {len(raw)} bytes where {width} hashes were promised")
    return [raw[start : start + HASH_BYTES] for start in range(0, len(raw), HASH_BYTES)]


def grow_tile(tile: Tile, held: bytes, read: TileReader) -> bytes:
    """The bytes of a tile above level 0, from the full tiles below it.

    `held` are the bytes of the same tile when it was narrower (none: b""), so that only what is new is read. On
    level 1 the hashes are the roots of the full bundles, for those who have them at hand.
    """
    if not tile.level or len(held) % HASH_BYTES or len(held) > tile.width * HASH_BYTES:
        raise MisuseError("only a tile above level 0 grows, from bytes of its own that are no longer than it is")
    grown = [held]
    for place in range(len(held) // HASH_BYTES, tile.width):
        child = Tile(tile.level - 1, tile.number * TILE_HASHES + place)
        grown.append(fold(parse_tile(read(child), TILE_HASHES)))
    return b"".join(grown)


class TileHashes:
    """The hashes of a tree of `size` entries out of its tiles: a HashReader for the proofs of protocol.log.merkle.

    What the tiles say is believed: a proof that comes from wrong ones does not lead to the signed root. A few tiles
    are held, so that one proof reads each of them once.
    """

    __slots__ = ("_held", "_known", "_read", "size")

    def __init__(self, size: int, read: TileReader, known: Mapping[tuple[int, int], bytes] | None = None) -> None:
        """`known` are roots by (level, index) that are at hand, such as those of the log's edge: they are not read."""
        self.size = size
        self._read = read
        self._known = known or {}
        self._held: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """The root over index * 2**level up to (index + 1) * 2**level; MisuseError beyond the tree, PeerError for a
        tile of another length than it must have."""
        if level < 0 or index < 0 or (index + 1) << level > self.size:
            raise MisuseError(f"no complete subtree {index} of height {level} in a tree of size {self.size}")
        if (known := self._known.get((level, index))) is not None:
            return known
        # The tile whose hashes lie at most seven heights below, and the run of them that the subtree spans.
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        raw = self._tile(tile_level, first >> TILE_HEIGHT)
        start = (first & _FULL_MASK) * HASH_BYTES
        return fold(parse_tile(raw[start : start + (HASH_BYTES << height)], 1 << height))

    def _tile(self, level: int, number: int) -> bytes:
        place = (level, number)
        raw = self._held.get(place)
        if raw is None:
            tile = Tile(level, number, count_tile_hashes(level, number, self.size))
            raw = self._read(tile)
            if len(raw) != tile.width * HASH_BYTES:
                raise PeerError(f"{format_tile_path(tile)}: {len(raw)} bytes where {tile.width} hashes were promised")
            if len(self._held) >= TILES_HELD_MAX:
                del self._held[next(iter(self._held))]
            self._held[place] = raw
        return raw
