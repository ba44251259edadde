"""Proof that a log was signed on two branches, for anyone to check offline.

Invariant: evidence convicts only a log's own signatures: two signed heads that no tree can both begin with.
Invariant: the words stay neutral; the first cause of a fork is a restored backup.
Spec: docs/spec/session.md
"""

from protocol.core.errors import PeerError
from protocol.log.checkpoint import Checkpoint, open_checkpoint
from protocol.log.merkle import HASH_BYTES, HashReader, check_consistency, prove_consistency, root_at


def prove_fork(shorter: Checkpoint, longer: Checkpoint, read: HashReader) -> bytes | None:
    """The proof for two heads, `read` from the longer branch; None when the longer begins with the shorter.

    Empty for heads of one size; else the root of the longer branch at the shorter size and its consistency proof,
    32 bytes each.
    """
    if shorter.size == longer.size:
        return b"" if shorter.root != longer.root else None
    root = root_at(shorter.size, read)
    if root == shorter.root:
        return None
    return root + b"".join(prove_consistency(shorter.size, longer.size, read))


def check_fork(note_a: bytes, note_b: bytes, proof: bytes, log_public: bytes, origin: str) -> None:
    """PeerError unless both notes are signed by the log and the proof shows that they do not fit together."""
    heads = [open_checkpoint(note, log_public, origin) for note in (note_a, note_b)]
    shorter, longer = sorted(heads, key=lambda head: head.size)
    if shorter.size == longer.size:
        if shorter.root == longer.root or proof:
            raise PeerError(f"log {origin}: two notes of one head are no fork")
        return
    if not proof or len(proof) % HASH_BYTES or shorter.size == 0:
        raise PeerError(f"log {origin}: evidence of a fork without its proof")
    hashes = [proof[start : start + HASH_BYTES] for start in range(0, len(proof), HASH_BYTES)]
    root, consistency = hashes[0], hashes[1:]
    check_consistency(shorter.size, root, longer.size, longer.root, consistency)
    if root == shorter.root:
        raise PeerError(f"log {origin}: the longer head begins with the shorter, which is no fork")
