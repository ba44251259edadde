"""Where two versions of a log part: how far both are one and the same, for anyone to check offline.

Invariant: what is shown is a lower bound: two signed heads both begin with this many entries, of this root.
Spec: docs/spec/log/branch-point.md
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from protocol.core.errors import PeerError
from protocol.core.record import HASH_BYTES
from protocol.log.checkpoint import Checkpoint, open_checkpoint
from protocol.log.merkle import EMPTY_ROOT, PROOF_HASHES_MAX, HashReader, check_consistency, prove_consistency, root_at

SIZE_BYTES: Final = 8
TRUNK_BYTES_MAX: Final = SIZE_BYTES + 1 + HASH_BYTES * (1 + 2 * PROOF_HASHES_MAX)


class Side(NamedTuple):
    """One signed head begins with `size` entries of this `root`; `hashes` are the consistency proof."""

    size: int
    root: bytes
    hashes: tuple[bytes, ...]


def prove_side(size: int, head: Checkpoint, read: HashReader) -> Side:
    """That `head`, whose tree is `read`, begins with its own first `size` entries; `size` is at most the head's."""
    hashes = prove_consistency(size, head.size, read) if 0 < size < head.size else []
    return Side(size, root_at(size, read), tuple(hashes))


def check_side(side: Side, head: Checkpoint) -> None:
    """PeerError unless the head begins with what the side says."""
    if side.size > head.size:
        raise PeerError(f"log {head.origin}: a beginning of {side.size} entries under a head of {head.size}")
    if side.size == 0:
        if side.root != EMPTY_ROOT or side.hashes:
            raise PeerError(f"log {head.origin}: no entries have a root of their own")
        return
    check_consistency(side.size, side.root, head.size, head.root, side.hashes)


def format_side(side: Side) -> bytes:
    """8 bytes of size, the root, the proof's hashes."""
    return side.size.to_bytes(SIZE_BYTES) + side.root + b"".join(side.hashes)


def parse_side(raw: bytes) -> Side:
    """The side of its bytes; PeerError when they are anything else."""
    hashes = _split(raw[SIZE_BYTES:])
    if len(raw) < SIZE_BYTES + HASH_BYTES or len(hashes) > 1 + PROOF_HASHES_MAX:
        raise PeerError("branch point: too short or too long")
    return Side(int.from_bytes(raw[:SIZE_BYTES]), hashes[0], hashes[1:])


def format_trunk(one: Side, other: Side) -> bytes:
    """What both sides share: 8 bytes of size, 1 of how many hashes are the first head's, the root, all hashes.

    The order of the sides is that of the two notes they belong to.
    """
    assert (one.size, one.root) == (other.size, other.root), "a trunk is what both sides begin with"
    counted = one.size.to_bytes(SIZE_BYTES) + bytes([len(one.hashes)])
    return counted + one.root + b"".join(one.hashes) + b"".join(other.hashes)


def is_trunk(raw: bytes) -> bool:
    """Whether bytes have the length of a trunk, which no proof of a fork has."""
    return len(raw) % HASH_BYTES == SIZE_BYTES + 1


def check_trunk(note_a: bytes, note_b: bytes, raw: bytes, log_public: bytes, origin: str) -> int:
    """How many entries two notes signed by the log have in common at least; PeerError where that is not shown."""
    if not is_trunk(raw) or not SIZE_BYTES + HASH_BYTES < len(raw) <= TRUNK_BYTES_MAX:
        raise PeerError("branch point: too short or too long")
    size, count = int.from_bytes(raw[:SIZE_BYTES]), raw[SIZE_BYTES]
    root, *hashes = _split(raw[SIZE_BYTES + 1 :])
    if count > len(hashes):
        raise PeerError("branch point: fewer hashes than it says")
    for note, part in ((note_a, hashes[:count]), (note_b, hashes[count:])):
        check_side(Side(size, root, tuple(part)), open_checkpoint(note, log_public, origin))
    return size


def _split(raw: Sequence[int]) -> tuple[bytes, ...]:
    if len(raw) % HASH_BYTES:
        raise PeerError("branch point: not whole hashes")
    return tuple(bytes(raw[start : start + HASH_BYTES]) for start in range(0, len(raw), HASH_BYTES))
