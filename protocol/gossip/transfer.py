"""A head with its bundle roots, checked before a single entry arrives: from then on every bundle proves itself.

Invariant: the roots we hold and those that came fold to the signed root, so the new tree begins with our bundles.
Invariant: a bundle counts only with exactly its entries, its bytes and its root.
Spec: docs/spec/gossip/session.md
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from protocol.core.errors import PeerError
from protocol.core.record import HASH_BYTES
from protocol.gossip import limits
from protocol.log.bundle import bundle_roots_fold, count_bundles, count_entries, parse_bundle
from protocol.log.checkpoint import Checkpoint
from protocol.log.merkle import Tree, leaf_hashes


class Checked(NamedTuple):
    """The entries of a bundle that is as promised, and the tree over them."""

    entries: list[bytes]
    tree: Tree


class Transfer:
    """A log on its way to `checkpoint`, from bundle `first` on."""

    def __init__(self, checkpoint: Checkpoint, note: bytes, held_roots: Sequence[bytes], roots: bytes) -> None:
        """`held_roots`: of the closed bundles we hold, all before the first that is to come; `roots`: 32 bytes each
        of all that follow. PeerError when they do not lead to the signed root."""
        self.checkpoint = checkpoint
        self.note = note
        self.first = len(held_roots)
        self._roots = roots
        self._end = count_bundles(checkpoint.size)
        count = len(roots) // HASH_BYTES
        if count > limits.TRANSFER_BUNDLES_MAX or self.first + count != self._end:
            raise PeerError(f"log {checkpoint.origin}: {count} bundle roots where {self._end - self.first} are missing")
        row = [*held_roots, *(self.root(number) for number in range(self.first, self._end))]
        if bundle_roots_fold(row) != checkpoint.root:
            raise PeerError(f"log {checkpoint.origin}: the bundle roots do not lead to the signed root")

    def root(self, number: int) -> bytes:
        """The promised root of a bundle that is to come."""
        place = (number - self.first) * HASH_BYTES
        return self._roots[place : place + HASH_BYTES]

    def check_bundle(self, number: int, raw: bytes) -> Checked:
        """What is in a whole bundle; PeerError unless it is exactly the promised one."""
        origin = self.checkpoint.origin
        if not self.first <= number < self._end:
            raise PeerError(f"log {origin}: bundle {number} was not promised")
        entries = parse_bundle(raw, count_entries(self.checkpoint.size, number))
        tree = Tree.of(leaf_hashes(entries))
        if tree.root() != self.root(number):
            raise PeerError(f"log {origin}: bundle {number} does not have the promised root")
        return Checked(entries, tree)

    def list_missing(self, stored_roots: Mapping[int, bytes]) -> tuple[int, ...]:
        """The bundles still to be fetched; `stored_roots` are those that an earlier transfer brought."""
        numbers = range(self.first, self._end)
        return tuple(number for number in numbers if stored_roots.get(number) != self.root(number))
