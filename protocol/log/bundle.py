"""How entries travel and lie on disk: bundles of 256, each with a root of its own.

Invariant: a bundle has exactly the promised number of entries and not one byte more; anything else is PeerError.
Invariant: the root of a log is the fold over the roots of its bundles, the last of which may be partial.
Spec: docs/spec/log/tree.md (c2sp.org/tlog-tiles, entry bundles)
"""

from collections.abc import Sequence
from typing import Final

from protocol.core.encoding import ENTRY_BYTES_MAX
from protocol.core.errors import MisuseError, PeerError
from protocol.core.quantities import divide_up
from protocol.log.merkle import Tree, fold, leaf_hashes

BUNDLE_ENTRIES: Final = 256
BUNDLE_LEVEL: Final = 8
"""The level of a full bundle's root in the tree: 2**8 entries."""
LENGTH_BYTES: Final = 2
BUNDLE_BYTES_MAX: Final = BUNDLE_ENTRIES * (LENGTH_BYTES + ENTRY_BYTES_MAX)


def format_bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of 1 to 256 entries: each after its length in two bytes, big end first."""
    if not 1 <= len(entries) <= BUNDLE_ENTRIES or max(map(len, entries)) > ENTRY_BYTES_MAX:
        raise MisuseError(f"a bundle has 1 to {BUNDLE_ENTRIES} entries of at most {ENTRY_BYTES_MAX} bytes")
    return b"".join([len(entry).to_bytes(LENGTH_BYTES) + entry for entry in entries])


def parse_bundle(raw: bytes, count: int) -> list[bytes]:
    """The entries of a bundle that must hold exactly `count`; PeerError when it does not."""
    if not 1 <= count <= BUNDLE_ENTRIES:
        raise MisuseError(f"a bundle has 1 to {BUNDLE_ENTRIES} entries, not {count}")
    if len(raw) > BUNDLE_BYTES_MAX:
        raise PeerError(f"bundle: {len(raw)} bytes, at most {BUNDLE_BYTES_MAX} are allowed")
    entries: list[bytes] = []
    start, total = 0, len(raw)
    while start < total:
        end = start + LENGTH_BYTES + (raw[start] << 8 | raw[start + 1]) if start + 1 < total else total + 1
        if end > total or end - start > LENGTH_BYTES + ENTRY_BYTES_MAX:
            raise PeerError(f"bundle: entry {len(entries)} is cut off or too long")
        entries.append(raw[start + LENGTH_BYTES : end])
        start = end
    if len(entries) != count:
        raise PeerError(f"bundle: {len(entries)} entries where {count} were promised")
    return entries


def bundle_root(entries: Sequence[bytes]) -> bytes:
    """The root over the entries of one bundle."""
    return fold(leaf_hashes(entries))


class BundledTree:
    """The tree of a growing log that knows its bundles: 256 is a power of two, so a bundle's root is a subtree's."""

    __slots__ = ("_closed", "_open")

    def __init__(self, size: int, edge: Sequence[bytes]) -> None:
        """The tree that once had this size and `edge`; MisuseError when they cannot belong together."""
        bundles, rest = divmod(size, BUNDLE_ENTRIES)
        whole = bundles.bit_count()
        self._closed = Tree.from_edge(bundles, edge[:whole])
        self._open = Tree.from_edge(rest, edge[whole:])

    @classmethod
    def of(cls, roots: Sequence[bytes], opened: Tree) -> "BundledTree":
        """The tree over the roots of closed bundles and that of the open one's leaf hashes."""
        return cls(len(roots) * BUNDLE_ENTRIES + opened.size, Tree.of(roots).edge + opened.edge)

    @property
    def size(self) -> int:
        """How many entries the tree has."""
        return self._closed.size * BUNDLE_ENTRIES + self._open.size

    @property
    def edge(self) -> tuple[bytes, ...]:
        """The roots of the complete subtrees that make up the tree, as `merkle.Tree.edge` gives them."""
        return self._closed.edge + self._open.edge

    def open_root(self) -> bytes:
        """The root over the open bundle's entries; EMPTY_ROOT over none."""
        return self._open.root()

    def root(self) -> bytes:
        """The root over all entries."""
        return self._closed.root(self._open.root() if self._open.size else None)

    def extend(self, leaves: Sequence[bytes]) -> list[bytes]:
        """Append leaf hashes; the roots of the bundles that they filled, in order."""
        filled, start = [], 0
        while start < len(leaves):
            stop = start + BUNDLE_ENTRIES - self._open.size
            self._open.extend(leaves[start:stop])
            start = stop
            if self._open.size == BUNDLE_ENTRIES:
                filled.append(self._open.root())
                self._closed.append(filled[-1])
                self._open = Tree()
        return filled


def bundle_roots_fold(roots: Sequence[bytes]) -> bytes:
    """The root of a log from the roots of all its bundles, in order."""
    return fold(roots)


def count_bundles(size: int) -> int:
    """How many bundles a log of `size` entries has, the partial one counted."""
    return divide_up(size, BUNDLE_ENTRIES)


def count_entries(size: int, bundle: int) -> int:
    """How many entries bundle number `bundle` has in a log of `size` entries; 0 when it has none of it."""
    return max(0, min(BUNDLE_ENTRIES, size - bundle * BUNDLE_ENTRIES))
