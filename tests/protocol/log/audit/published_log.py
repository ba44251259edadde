"""A small log as the files that its auditors fetch, for tests to damage."""

from collections.abc import Callable

from protocol.core.errors import PeerError
from protocol.core.identity import generate
from protocol.log.audit.log_files import FileReader
from protocol.log.bundle import format_bundle
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import Tree, leaf_hash
from protocol.log.tiles import (
    Tile,
    format_tile_path,
    grow_tile,
    list_bundles,
    list_tiles,
)

KEY = generate(bytes(32))
ORIGIN = "north.example/log"


def entry(index: int) -> bytes:
    return b"entry %d" % index


def head_of(size: int, make_entry: Callable[[int], bytes] = entry) -> Checkpoint:
    return Checkpoint(ORIGIN, size, Tree.of(leaf_hash(make_entry(index)) for index in range(size)).root())


def publish(size: int, make_entry: Callable[[int], bytes] = entry) -> dict[str, bytes]:
    """All files of a log of this size, by path."""
    files = {}
    for tile in list_bundles(size):
        start = tile.number * 256
        files[format_tile_path(tile)] = format_bundle([make_entry(start + place) for place in range(tile.width)])
    for tile in list_tiles(size):
        files[format_tile_path(tile)] = _format_tile(tile, files, make_entry)
    files["checkpoint"] = sign_checkpoint(head_of(size, make_entry), KEY)
    return files


def _format_tile(tile: Tile, files: dict[str, bytes], make_entry: Callable[[int], bytes]) -> bytes:
    if tile.level == 0:
        start = tile.number * 256
        return b"".join(leaf_hash(make_entry(start + place)) for place in range(tile.width))
    return grow_tile(tile, b"", lambda below: files[format_tile_path(below)])


def reader_of(files: dict[str, bytes]) -> FileReader:
    def read(path: str, bytes_max: int) -> bytes | None:
        raw = files.get(path)
        if raw is not None and len(raw) > bytes_max:
            raise PeerError(f"more than {bytes_max} bytes")
        return raw

    return read


def flip(raw: bytes, place: int) -> bytes:
    return raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
