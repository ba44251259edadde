"""RFC 6962 and its subtree proofs written down word for word, slowly, for the tests to compare with."""

from collections.abc import Sequence
from functools import cache

from protocol.log.merkle import EMPTY_ROOT, fold, leaf_hash, node_hash

SIZE = 64
LEAVES = [leaf_hash(bytes([number])) for number in range(SIZE)]

POWERS = [1 << power for power in range(8)]


@cache
def slow_range(start: int, end: int) -> bytes:
    """MTH(D[start:end]) over LEAVES: RFC 6962, 2.1."""
    if end - start < 2:
        return LEAVES[start] if end > start else EMPTY_ROOT
    middle = start + slow_split(end - start)
    return node_hash(slow_range(start, middle), slow_range(middle, end))


def slow_split(length: int) -> int:
    """The largest power of two below a length."""
    return max(1 << power for power in range(length.bit_length()) if 1 << power < length)


def slow_subproof(start: int, end: int, low: int, high: int, is_known: bool = True) -> list[bytes]:
    """SUBTREE_SUBPROOF(start - low, end - low, D[low:high], is_known) of draft-ietf-plants-merkle-tree-certs, 4.4."""
    if (start, end) == (low, high):
        return [] if is_known else [slow_range(low, high)]
    middle = low + slow_split(high - low)
    if end <= middle:
        return [*slow_subproof(start, end, low, middle, is_known), slow_range(middle, high)]
    if middle <= start:
        return [*slow_subproof(start, end, middle, high, is_known), slow_range(low, middle)]
    assert start == low
    return [*slow_subproof(middle, end, middle, high, False), slow_range(low, middle)]


def read(level: int, index: int) -> bytes:
    """A reader over LEAVES that gives complete subtrees and nothing else."""
    start, end = index << level, (index + 1) << level
    assert end <= SIZE
    return fold(LEAVES[start:end])


def list_subtrees(size: int) -> list[tuple[int, int]]:
    """All subtrees of a tree: start is a multiple of the least power of two that is not below end - start."""
    parts = [(start, end) for start in range(size) for end in range(start + 1, size + 1)]
    return [(start, end) for start, end in parts if start % min(p for p in POWERS if p >= end - start) == 0]


def list_damaged(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """The hashes with one bit turned over, for each bit of each."""
    damaged = []
    for place, whole in enumerate(hashes):
        for bit in range(len(whole) * 8):
            changed = (int.from_bytes(whole) ^ 1 << bit).to_bytes(len(whole))
            damaged.append([*hashes[:place], changed, *hashes[place + 1 :]])
    return damaged
