"""A log's public files as an auditor finds them: any of them may be missing, cut off or too long.

Invariant: no file is asked for beyond the bytes that its place can need.
Invariant: a partial tile whose log has grown may be gone; the full one then stands for it (c2sp.org/tlog-tiles).
Spec: docs/spec/log/tiles-and-proofs.md
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from protocol.core.record import HASH_BYTES
from protocol.log.bundle import BUNDLE_BYTES_MAX, BUNDLE_ENTRIES, LENGTH_BYTES
from protocol.log.tiles import TILE_BYTES, TILE_HASHES, Tile, format_tile_path, list_bundles, parse_tile


class FileReader(Protocol):
    """All that an audit wants of the world: a file's bytes by its path below the log."""

    def __call__(self, path: str, bytes_max: int) -> bytes | None:
        """The whole file, None where there is none; PeerError where it has more than `bytes_max` bytes."""
        ...


class Need(NamedTuple):
    """A file that will be read: its path below the log, and the bytes that its place can need."""

    path: str
    bytes_max: int


Foresee = Callable[[Iterator[Need]], None]
"""Told once what an audit will read, in order, so that it may be fetched ahead."""


def list_needs(size: int) -> Iterator[Need]:
    """Of a log of `size` entries the files that grow with it, in the order in which an audit reads them."""
    for bundle in list_bundles(size):
        yield Need(format_tile_path(bundle), BUNDLE_BYTES_MAX)
        yield Need(format_tile_path(Tile(0, bundle.number, bundle.width)), TILE_BYTES)


def read_hashes(read: FileReader, tile: Tile) -> list[bytes] | None:
    """The hashes of a tile, None where it is missing; PeerError where it is not as long as it must be."""
    raw = read(format_tile_path(tile), TILE_BYTES)
    if raw is None and tile.width < TILE_HASHES:
        raw = read(format_tile_path(Tile(tile.level, tile.number)), TILE_BYTES)
        # Of a full tile that came later, only the beginning is vouched for by this head.
        raw = raw if raw is None else raw[: tile.width * HASH_BYTES]
    return None if raw is None else parse_tile(raw, tile.width)


def read_bundle(read: FileReader, tile: Tile) -> bytes | None:
    """The bytes of an entry bundle, None where it is missing; PeerError where it is too long or cut off."""
    raw = read(format_tile_path(tile), BUNDLE_BYTES_MAX)
    if raw is None and tile.width < BUNDLE_ENTRIES:
        raw = read(format_tile_path(Tile(None, tile.number)), BUNDLE_BYTES_MAX)
        raw = raw if raw is None else _begin(raw, tile.width)
    return raw


def _begin(raw: bytes, count: int) -> bytes:
    """The first `count` entries of a longer bundle, as the bundle that it once was; cut off where that one is."""
    end = 0
    for _ in range(count):
        end += LENGTH_BYTES + int.from_bytes(raw[end : end + LENGTH_BYTES])
    return raw[:end]
