"""The made-up logs of a large federation: entries of one length under heads that are really signed.

Invariant: the keys are made from the seed and are those of no home.
"""

from random import Random

from protocol.core.identity import SEED_BYTES, SigningKey, generate
from protocol.log.bundle import format_bundle, parse_bundle
from protocol.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from protocol.log.merkle import leaf_hash, root_of

ENTRY_BYTES = 400


class MadeUpLog:
    """One author's log, which everyone's copy is a beginning of."""

    def __init__(self, origin: str, chance: Random) -> None:
        self.origin = origin
        self._key: SigningKey = generate(chance.randbytes(SEED_BYTES))
        self._chance = chance
        self._entries: list[bytes] = []
        self._leaves: list[bytes] = []
        self.notes: list[bytes] = [b""]
        """The signed head by size."""

    @property
    def public(self) -> bytes:
        """The key that everyone has from the roster."""
        return self._key.public

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    def publish(self) -> None:
        """One more entry under one more signed head."""
        entry = self._chance.randbytes(ENTRY_BYTES)
        self._entries.append(entry)
        self._leaves.append(leaf_hash(entry))
        self.notes.append(self._sign(self._leaves))

    def sign_other(self) -> bytes:
        """A head of the same size over another last entry: what a fork begins with."""
        return self._sign([*self._leaves[:-1], leaf_hash(b"another entry")])

    def bundle(self, start: int, stop: int) -> bytes:
        """Entries start..stop-1 as they travel."""
        return format_bundle(self._entries[start:stop])

    def leaves(self, size: int) -> list[bytes]:
        """The leaf hashes of the first `size` entries."""
        return self._leaves[:size]

    def _sign(self, leaves: list[bytes]) -> bytes:
        return sign_checkpoint(Checkpoint(self.origin, len(leaves), root_of(leaves)), self._key)


def check_push(log: MadeUpLog, held: int, start: int, count: int, note: bytes, raw: bytes) -> Checkpoint | None:
    """What a receiver that holds `held` entries checks: signature, length and root; None for what does not hold."""
    checkpoint = open_checkpoint(note, log.public, log.origin)
    leaves = [*log.leaves(start), *(leaf_hash(entry) for entry in parse_bundle(raw, count))]
    fits = start <= held and checkpoint.size == len(leaves) and checkpoint.root == root_of(leaves)
    return checkpoint if fits else None
