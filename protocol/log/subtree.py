"""A part of a log on its own: its root, and a short proof that the whole log holds it just there.

Invariant: a subtree is start..end where start is a multiple of the power of two that end - start needs; so it is one
node of the tree, or the left edge of one.
Invariant: with start 0 the proof is that of consistency, with one entry that of inclusion; both of RFC 6962.
Spec: docs/spec/log/tiles-and-proofs.md (draft-ietf-plants-merkle-tree-certs, subtree consistency proofs)
"""

from collections.abc import Sequence

from protocol.core.errors import MisuseError, PeerError
from protocol.log.merkle import HashReader, check_hashes, largest_split, node_hash, range_root


def is_subtree(start: int, end: int) -> bool:
    """Whether the leaves from `start` up to `end` (not included) can stand for themselves."""
    return 0 <= start < end and start % (1 << (end - start - 1).bit_length()) == 0


def prove_subtree(start: int, end: int, size: int, read: HashReader) -> list[bytes]:
    """The hashes that show that the tree of `size` leaves holds the subtree start..end there; lowest first."""
    if not is_subtree(start, end) or end > size:
        raise MisuseError(f"leaves {start} to {end} are no subtree of a tree of size {size}")
    left, right, path, is_whole = 0, size, [], True
    while (left, right) != (start, end):
        middle = left + largest_split(right - left)
        if end <= middle:
            path.append(range_root(middle, right, read))
            right = middle
            continue
        path.append(range_root(left, middle, read))
        # The subtree goes on beyond the middle: from here only its right rest is looked for.
        if start < middle:
            start, is_whole = middle, False
        left = middle
    # The checker already knows the subtree when it is a node of the tree.
    return ([] if is_whole else [range_root(start, end, read)]) + path[::-1]


def check_subtree(start: int, end: int, subtree: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """PeerError unless the proof shows that the tree `size`, `root` holds start..end with the root `subtree`."""
    check_hashes([subtree, root, *proof], len(proof))
    if not is_subtree(start, end) or end > size:
        raise PeerError(f"subtree proof: leaves {start} to {end} are no subtree of a tree of size {size}")
    computed_part, computed = _replay(start, end, subtree, size, proof)
    if computed_part != subtree or computed != root:
        raise PeerError("subtree proof: does not lead to both roots")


def _replay(start: int, end: int, subtree: bytes, size: int, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The subtree's root and the tree's as the proof has them."""
    first, place, last = start, end - 1, size - 1
    # Up to the highest node on the subtree's right edge that is also a node of the tree.
    while first != place and (place == last or place & 1):
        first, place, last = first >> 1, place >> 1, last >> 1
    path = [subtree, *proof] if first == place else list(proof)
    if not path:
        raise PeerError("subtree proof: too few hashes")
    computed_part = computed = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise PeerError("subtree proof: too many hashes")
        if place & 1 or place == last:
            computed = node_hash(sibling, computed)
            # Left of the subtree's own beginning it is the tree alone that grows.
            if first < place:
                computed_part = node_hash(sibling, computed_part)
            # A right edge without siblings goes up as it is until it is a right child.
            while place and not place & 1:
                first, place, last = first >> 1, place >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        first, place, last = first >> 1, place >> 1, last >> 1
    if last != 0:
        raise PeerError("subtree proof: too few hashes")
    return computed_part, computed
