"""Logs made up for outside readers: entries, signed heads, cosignatures, and the folder of plain files."""

from functools import cached_property
from pathlib import Path

from protocol.core.identity import SigningKey, generate
from protocol.core.note import COSIGNATURE_V1, ED25519, format_vkey, parse_note
from protocol.log.bundle import BUNDLE_ENTRIES, format_bundle
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.cosignature import add_signature, sign_cosignature
from protocol.log.fork import ForkEvidence, format_evidence, prove_fork
from protocol.log.merkle import leaf_hash, node_hash, root_at
from protocol.log.tiles import (
    CHECKPOINT_PATH,
    TILE_HASHES,
    TILE_HEIGHT,
    Tile,
    format_tile_path,
    list_bundles,
    list_tiles,
)

ORIGIN = "made-up.example/log"
LOG_KEY = generate(bytes(range(32)))
LOG_VKEY = format_vkey(ORIGIN, ED25519, LOG_KEY.public)
TIME_S = 1_770_000_000


class Witness:
    """A made-up witness with an Ed25519 key of its own."""

    def __init__(self, number: int) -> None:
        self.name = f"witness-{number}.example/log/witness"
        self.key: SigningKey = generate(bytes([number]) * 32)
        self.vkey = format_vkey(self.name, COSIGNATURE_V1, self.key.public)


class MadeLog:
    """A log of made-up entries; `branch` tells logs of one key apart from entry `parts_at` on."""

    def __init__(self, size: int, branch: str = "", parts_at: int = 0) -> None:
        self.entries = [
            f"made-up entry {number}{branch if number >= parts_at else ''}".encode() * (number % 3 + 1)
            for number in range(size)
        ]
        self._heads: dict[int, Checkpoint] = {}

    @cached_property
    def rows(self) -> list[list[bytes]]:
        """The roots of all complete subtrees, by height."""
        rows = [[leaf_hash(entry) for entry in self.entries]]
        while len(rows[-1]) > 1:
            below = rows[-1]
            rows.append([node_hash(below[place], below[place + 1]) for place in range(0, len(below) - 1, 2)])
        return rows

    def read(self, level: int, index: int) -> bytes:
        """The root of a complete subtree (merkle.HashReader)."""
        return self.rows[level][index]

    def head(self, size: int) -> Checkpoint:
        """The head of the first `size` entries."""
        if size not in self._heads:
            self._heads[size] = Checkpoint(ORIGIN, size, root_at(size, self.read))
        return self._heads[size]

    def note(self, size: int, *witnesses: Witness) -> bytes:
        """The signed head of the first `size` entries, cosigned."""
        note = sign_checkpoint(self.head(size), LOG_KEY)
        for witness in witnesses:
            note = add_signature(note, sign_cosignature(parse_note(note)[0], witness.name, witness.key, TIME_S))
        return note

    def write_folder(self, folder: Path, note: bytes) -> None:
        """The whole log as plain files, with this note as its checkpoint."""
        size = len(self.entries)
        files = {CHECKPOINT_PATH: note}
        files |= {format_tile_path(tile): self._tile(tile) for tile in (*list_tiles(size), *list_bundles(size))}
        for path, raw in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(raw)

    def _tile(self, tile: Tile) -> bytes:
        start = tile.number * TILE_HASHES
        if tile.level is None:
            return format_bundle(self.entries[start : start + min(tile.width, BUNDLE_ENTRIES)])
        return b"".join(self.rows[TILE_HEIGHT * tile.level][start : start + tile.width])


def make_fork(shorter: MadeLog, size: int, longer: MadeLog, longer_size: int, notes: tuple[bytes, bytes]) -> bytes:
    """The file of evidence for two heads whose notes are these, the shorter first."""
    proof = prove_fork(shorter.head(size), longer.head(longer_size), longer.read)
    assert proof is not None, "the two heads are of one branch"
    return format_evidence(ForkEvidence(*notes, proof))


def list_flipped(raw: bytes, step: int = 1) -> list[bytes]:
    """The bytes with one of them changed, for every `step`th.

    Bit 5 is turned over: in base64 it changes bits that count, also in the last letter, which has spare ones.
    """
    return [raw[:place] + bytes([raw[place] ^ 0x20]) + raw[place + 1 :] for place in range(0, len(raw), step)]
