"""Proof that a log was signed on two branches, or after its end, for anyone to check offline.

Invariant: evidence convicts only a log's own signatures: two signed heads that no tree can both begin with.
Invariant: a file of evidence is at most 4 KB and needs nothing beside it but the log's key.
Invariant: the words stay neutral; the first cause of a fork is a restored backup.
Spec: docs/spec/log/fork-evidence.md, docs/spec/gossip/session.md
"""

from typing import Final

import msgspec

from protocol.core.errors import MisuseError, PeerError
from protocol.core.note import Ed25519Verifier, format_note, parse_note, verify_note
from protocol.core.record import HASH_BYTES
from protocol.log.checkpoint import Checkpoint, format_checkpoint, open_checkpoint, parse_checkpoint
from protocol.log.merkle import HashReader, check_consistency, format_hashes, parse_hashes, prove_consistency, root_at

EVIDENCE_HEADER: Final = "rochdale/fork-evidence@v1"
AFTER_END_HEADER: Final = "rochdale/after-end@v1"
EVIDENCE_BYTES_MAX: Final = 4_096


class ForkEvidence(msgspec.Struct, frozen=True):
    """Two notes of one log, the shorter head first, and the proof of prove_fork."""

    shorter: bytes
    longer: bytes
    proof: bytes


class AfterEnd(msgspec.Struct, frozen=True):
    """The head at which a log was ended, and a note of that log which cannot lead up to it."""

    end: Checkpoint
    note: bytes


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
    _check_heads(shorter, longer, proof, origin)


def make_evidence(note_a: bytes, note_b: bytes, proof: bytes, log_public: bytes, origin: str) -> ForkEvidence:
    """Evidence fit for a file: checked, the shorter head first, each note with the log's own signature alone.

    PeerError as check_fork.
    """
    check_fork(note_a, note_b, proof, log_public, origin)
    notes = [strip_note(note, log_public, origin) for note in (note_a, note_b)]
    shorter, longer = sorted(notes, key=lambda note: (parse_checkpoint(parse_note(note)[0]).size, note))
    return ForkEvidence(shorter, longer, proof)


def format_evidence(evidence: ForkEvidence) -> bytes:
    """The file of a piece of evidence."""
    hashes = [evidence.proof[start : start + HASH_BYTES] for start in range(0, len(evidence.proof), HASH_BYTES)]
    head = f"{EVIDENCE_HEADER}\n{format_hashes(hashes)}\n".encode()
    raw = head + evidence.shorter + b"\n" + evidence.longer
    if len(raw) > EVIDENCE_BYTES_MAX:
        raise MisuseError(f"evidence of {len(raw)} bytes, at most {EVIDENCE_BYTES_MAX} are read")
    return raw


def parse_evidence(raw: bytes) -> ForkEvidence:
    """The evidence in a file, nothing of it believed yet; PeerError when it is malformed."""
    if len(raw) > EVIDENCE_BYTES_MAX:
        raise PeerError(f"fork evidence: {len(raw)} bytes, at most {EVIDENCE_BYTES_MAX} are read")
    # A head has no empty line of its own, so that five parts stand between the empty lines.
    parts = raw.split(b"\n\n")
    head, *rest = parts[0].split(b"\n")
    if head != EVIDENCE_HEADER.encode() or len(parts) != 5:
        raise PeerError(f"fork evidence: does not begin with {EVIDENCE_HEADER}, or is not a proof and two notes")
    try:
        proof = b"".join(parse_hashes([line.decode("ascii") for line in rest]))
    except UnicodeDecodeError:
        raise PeerError("fork evidence: letters beyond ASCII in its proof") from None
    return ForkEvidence(parts[1] + b"\n\n" + parts[2] + b"\n", parts[3] + b"\n\n" + parts[4], proof)


def check_evidence(evidence: ForkEvidence, log_public: bytes, origin: str) -> tuple[Checkpoint, Checkpoint]:
    """The two heads, the shorter first, that no tree can both begin with; PeerError unless the evidence shows it."""
    shorter, longer = (open_checkpoint(note, log_public, origin) for note in (evidence.shorter, evidence.longer))
    if shorter.size > longer.size:
        raise PeerError("fork evidence: the longer head stands first")
    _check_heads(shorter, longer, evidence.proof, origin)
    return shorter, longer


def _check_heads(shorter: Checkpoint, longer: Checkpoint, proof: bytes, origin: str) -> None:
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


def is_beyond(end: Checkpoint, size: int, root: bytes) -> bool:
    """Whether a signed head of an ended log is none of its own: longer than its end, or another of that size."""
    return size > end.size or (size == end.size and root != end.root)


def format_after_end(evidence: AfterEnd) -> bytes:
    """The file that shows a head signed after a log's end."""
    raw = f"{AFTER_END_HEADER}\n{format_checkpoint(evidence.end)}\n".encode() + evidence.note
    if len(raw) > EVIDENCE_BYTES_MAX:
        raise MisuseError(f"evidence of {len(raw)} bytes, at most {EVIDENCE_BYTES_MAX} are read")
    return raw


def parse_after_end(raw: bytes) -> AfterEnd:
    """The evidence in such a file, nothing of it believed yet; PeerError when it is malformed."""
    if len(raw) > EVIDENCE_BYTES_MAX:
        raise PeerError(f"after-end evidence: {len(raw)} bytes, at most {EVIDENCE_BYTES_MAX} are read")
    head, _, note = raw.partition(b"\n\n")
    header, _, end = head.partition(b"\n")
    if header != AFTER_END_HEADER.encode():
        raise PeerError(f"after-end evidence: does not begin with {AFTER_END_HEADER}")
    try:
        return AfterEnd(parse_checkpoint(f"{end.decode('ascii')}\n"), note)
    except UnicodeDecodeError:
        raise PeerError("after-end evidence: letters beyond ASCII in its end") from None


def check_after_end(evidence: AfterEnd, log_public: bytes) -> Checkpoint:
    """The head that was signed after the end that the evidence names; PeerError unless the log's key signed it and it
    is no beginning of that log. Whether the log ended there is the roster's to say, or the recovery key's."""
    end = evidence.end
    head = open_checkpoint(evidence.note, log_public, end.origin)
    if not is_beyond(end, head.size, head.root):
        raise PeerError(f"log {end.origin}: a head within its end of {end.size} entries shows nothing")
    return head


def strip_note(note: bytes, log_public: bytes, origin: str) -> bytes:
    """A note with the log's own signature alone; PeerError where that is not on it."""
    text, signatures = verify_note(note, [Ed25519Verifier(origin, log_public)])
    return format_note(text, signatures)
