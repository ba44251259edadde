"""The tree over a log: one root that changes when any entry does, and short proofs that nothing was taken back.

Invariant: a check accepts exactly what its prover makes for the same sizes and roots; anything else is PeerError.
Invariant: all of it is RFC 6962 (SHA-256): leaf = H(0, entry), node = H(1, left, right), empty tree = H("").
Spec: docs/spec/log/tree.md
"""

import base64
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, Protocol

from protocol.core.errors import MisuseError, PeerError
from protocol.core.record import HASH_BYTES

PROOF_HASHES_MAX: Final = 63
EMPTY_ROOT: Final = sha256(b"").digest()

_HASH_TEXT = re.compile(r"[A-Za-z0-9+/]{43}=", re.ASCII)


class HashReader(Protocol):
    """All that a proof wants of the world: the roots of complete subtrees."""

    def __call__(self, level: int, index: int) -> bytes:
        """The root over the leaves index * 2**level up to (index + 1) * 2**level; level 0 are leaf hashes."""
        ...


def leaf_hash(entry: bytes) -> bytes:
    """The 32-byte hash of an entry's bytes."""
    return sha256(b"\x00" + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """The same of many entries, in order."""
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """The 32-byte hash over two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over subtrees of one height, in order; only the last may be smaller. EMPTY_ROOT over none.

    Over leaf hashes this is the root of a tree. A power of two of leaves to a subtree is what makes it hold:
    so the root of a log is the fold over the roots of its bundles.
    """
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:
        # An odd last subtree has no sibling on this level and moves up as it is.
        last = row[-1:] if len(row) % 2 else []
        pairs = zip(row[::2], row[1::2], strict=False)
        row = [sha256(b"\x01" + left + right).digest() for left, right in pairs] + last
    return row[0]


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root of the tree over leaf hashes (not entries)."""
    return fold(leaf_hashes)


class Tree:
    """The right edge of a growing tree: enough to go on appending and to know the root, 32 bytes a level.

    What is appended are leaf hashes, or the roots of subtrees of one height (then `size` counts these).
    """

    __slots__ = ("_edge", "size")

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[bytes] = []

    @classmethod
    def of(cls, hashes: Iterable[bytes]) -> "Tree":
        """The tree after appending all hashes in order."""
        tree = cls()
        tree.extend(hashes)
        return tree

    @classmethod
    def from_edge(cls, size: int, edge: Sequence[bytes]) -> "Tree":
        """The tree that once had this size and `edge`; MisuseError when they cannot belong together."""
        if size < 0 or len(edge) != size.bit_count() or any(len(subtree) != HASH_BYTES for subtree in edge):
            raise MisuseError(f"an edge of {len(edge)} hashes does not belong to a tree of size {size}")
        tree = cls()
        tree.size, tree._edge = size, list(edge)
        return tree

    @property
    def edge(self) -> tuple[bytes, ...]:
        """The roots of the complete subtrees that make up the tree, largest first: one for each bit of `size`."""
        return tuple(self._edge)

    def append(self, subtree: bytes) -> int:
        """Add one leaf hash (or subtree root) on the right and give its index."""
        if len(subtree) != HASH_BYTES:
            raise MisuseError(f"a hash has {HASH_BYTES} bytes, not {len(subtree)}")
        index = self.size
        # Each trailing one bit of the size is a complete subtree that the new one completes to the next height.
        trailing = index
        while trailing & 1:
            subtree = node_hash(self._edge.pop(), subtree)
            trailing >>= 1
        self._edge.append(subtree)
        self.size += 1
        return index

    def extend(self, subtrees: Iterable[bytes]) -> None:
        """Append all of these in order, level by level: half the work of one by one."""
        row, size = list(subtrees), self.size
        if set(map(len, row)) - {HASH_BYTES}:
            raise MisuseError(f"a hash has {HASH_BYTES} bytes")
        self.size += len(row)
        grown: list[bytes] = []
        while row:
            # An odd size leaves a subtree of this height at the edge, which waits for the first one on its right.
            if size & 1:
                row.insert(0, self._edge.pop())
            if len(row) & 1:
                grown.append(row.pop())
            row = [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)]
            size >>= 1
        self._edge += reversed(grown)

    def root(self, last: bytes | None = None) -> bytes:
        """The root; with `last`, as if a smaller subtree with that root stood on the right."""
        subtrees = self._edge if last is None else [*self._edge, last]
        return _fold_right(subtrees) if subtrees else EMPTY_ROOT

    def copy(self) -> "Tree":
        """A tree of its own that starts where this one is."""
        return Tree.from_edge(self.size, self._edge)


def list_edge(size: int) -> list[tuple[int, int]]:
    """(level, index) of the complete subtrees that make up a tree, as `Tree.edge` has their roots: largest first."""
    return [(level, (size >> level) - 1) for level in reversed(range(size.bit_length())) if size >> level & 1]


def root_at(size: int, read: HashReader) -> bytes:
    """The root of the first `size` leaves."""
    return range_root(0, size, read) if size else EMPTY_ROOT


def prove_inclusion(index: int, size: int, read: HashReader) -> list[bytes]:
    """The hashes, leaf side first, that lead from leaf `index` to the root of the first `size` leaves.

    MisuseError where these have no such leaf.
    """
    if not 0 <= index < size:
        raise MisuseError(f"no leaf {index} in a tree of size {size}")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + largest_split(end - start)
        if index < middle:
            path.append(range_root(middle, end, read))
            end = middle
        else:
            path.append(range_root(start, middle, read))
            start = middle
    return path[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """PeerError unless the proof shows that `leaf` (a leaf hash) is number `index` of the tree `size`, `root`."""
    check_hashes([leaf, root, *proof], len(proof))
    if not 0 <= index < size:
        raise PeerError(f"inclusion proof: no leaf {index} in a tree of size {size}")
    computed, place, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            raise PeerError("inclusion proof: too many hashes")
        if place & 1 or place == last:
            computed = node_hash(sibling, computed)
            # A right edge without siblings goes up as it is until it is a right child.
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise PeerError("inclusion proof: too few hashes")
    if computed != root:
        raise PeerError("inclusion proof: does not lead to the root")


def prove_consistency(old_size: int, size: int, read: HashReader) -> list[bytes]:
    """The hashes that show that the tree of `size` leaves begins with the tree of `old_size` leaves.

    Empty when the old tree is empty or the same; MisuseError when it is the larger one.
    """
    if not 0 <= old_size <= size:
        raise MisuseError(f"no tree of size {old_size} within one of size {size}")
    if old_size in (0, size):
        return []
    start, end, path, whole = 0, size, [], True
    while end != old_size:
        middle = start + largest_split(end - start)
        if old_size <= middle:
            path.append(range_root(middle, end, read))
            end = middle
        else:
            path.append(range_root(start, middle, read))
            start, whole = middle, False
    # The checker already knows the old root when it is a subtree of its own.
    return ([] if whole else [range_root(start, end, read)]) + path[::-1]


def check_consistency(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """PeerError unless the proof shows that the tree `size`, `root` begins with the tree `old_size`, `old_root`."""
    check_hashes([old_root, root, *proof], len(proof))
    if not 0 <= old_size <= size:
        raise PeerError(f"consistency proof: no tree of size {old_size} within one of size {size}")
    if old_size in (0, size):
        expected = EMPTY_ROOT if old_size == 0 else root
        if proof or old_root != expected:
            raise PeerError("consistency proof: same size with another root, or a proof where none is needed")
        return
    computed_old, computed = _replay_consistency(old_size, old_root, size, proof)
    if computed_old != old_root or computed != root:
        raise PeerError("consistency proof: does not lead to both roots")


def _replay_consistency(old_size: int, old_root: bytes, size: int, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Old and new root as a proof has them (RFC 9162, 2.1.4.2), for 0 < old_size < size."""
    place, last = old_size - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    path = list(proof) if place else [old_root, *proof]
    if not path:
        raise PeerError("consistency proof: too few hashes")
    computed_old = computed = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise PeerError("consistency proof: too many hashes")
        if place & 1 or place == last:
            computed_old, computed = node_hash(sibling, computed_old), node_hash(sibling, computed)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise PeerError("consistency proof: too few hashes")
    return computed_old, computed


def format_hashes(hashes: Sequence[bytes]) -> str:
    """Hashes in base64, a line each."""
    if any(len(subtree) != HASH_BYTES for subtree in hashes):
        raise MisuseError(f"a hash has {HASH_BYTES} bytes")
    return "".join(base64.b64encode(subtree).decode() + "\n" for subtree in hashes)


def parse_hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    """The hashes on lines without their newlines; PeerError when there are more than 63 or one is not canonical."""
    if len(lines) > PROOF_HASHES_MAX:
        raise PeerError(f"proof: {len(lines)} hashes, at most {PROOF_HASHES_MAX} are read")
    hashes = tuple(base64.b64decode(line) if _HASH_TEXT.fullmatch(line) else b"" for line in lines)
    for line, subtree in zip(lines, hashes, strict=True):
        # The last letter of 43 has two spare bits.
        if base64.b64encode(subtree).decode() != line or not subtree:
            raise PeerError("proof: a line that is no hash in canonical base64")
    return hashes


def check_hashes(hashes: Sequence[bytes], proof_length: int) -> None:
    """PeerError when a proof is too long or holds something that is no hash."""
    if proof_length > PROOF_HASHES_MAX or any(len(subtree) != HASH_BYTES for subtree in hashes):
        raise PeerError(f"proof: more than {PROOF_HASHES_MAX} hashes, or a hash that is not {HASH_BYTES} bytes")


def largest_split(length: int) -> int:
    """The largest power of two below a length of at least 2."""
    return 1 << ((length - 1).bit_length() - 1)


def range_root(start: int, end: int, read: HashReader) -> bytes:
    """The root over the leaves start to end, which are one subtree of the RFC 6962 split."""
    subtrees = []
    while start < end:
        # The largest complete subtree that begins at start; start is a multiple of every one that fits.
        level = (end - start).bit_length() - 1
        subtrees.append(read(level, start >> level))
        start += 1 << level
    return _fold_right(subtrees)


def _fold_right(subtrees: Sequence[bytes]) -> bytes:
    """The root over complete subtrees of falling height."""
    computed = subtrees[-1]
    for subtree in reversed(subtrees[:-1]):
        computed = node_hash(subtree, computed)
    return computed
