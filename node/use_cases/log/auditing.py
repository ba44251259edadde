"""Auditing a log from its public files: needs no home, no node and no word of anyone but the keys given.

Spec: docs/spec/log/tiles-and-proofs.md, docs/spec/log/policy.md
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from protocol.core.errors import Finding, MisuseError, PeerError, RefusedError
from protocol.core.note import ED25519, NOTE_BYTES_MAX, VerifierKey
from protocol.log.audit.head_audit import NO_WITNESSES, audit_head
from protocol.log.audit.log_audit import LogAudit
from protocol.log.audit.log_files import FileReader, Foresee, list_needs, read_hashes
from protocol.log.checkpoint import Checkpoint
from protocol.log.fork import format_evidence, make_evidence, prove_fork
from protocol.log.merkle import leaf_hash
from protocol.log.policy import NO_QUORUM, Policy, PolicyLog
from protocol.log.proof import check_proof, parse_proof
from protocol.log.tiles import CHECKPOINT_PATH, Tile, TileHashes

Progress = Callable[[int, int], None]
"""Called with (entries read so far, entries of the log)."""


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit found: nothing wanting where `findings` is empty. `more` findings were left out of the list.

    `cosigned` has the POSIX time of each good cosignature; `evidence` is the text of fork-evidence where the log parted
    from an earlier head and its tiles prove it.
    """

    origin: str = ""
    size: int = 0
    root: str = ""
    records: int = 0
    cosigned: dict[str, int] = {}
    findings: tuple[Finding, ...] = ()
    more: int = 0
    evidence: str = ""


class _Signed(NamedTuple):
    """A note and the head in it."""

    note: bytes
    checkpoint: Checkpoint


class ProofReport(msgspec.Struct, frozen=True, kw_only=True):
    """A proof that holds: which record it is of, and of which log's head."""

    origin: str
    index: int
    size: int
    leaf: str
    cosigned: dict[str, int]


def audit_files(
    read: FileReader,
    policy: Policy = NO_WITNESSES,
    log_key: VerifierKey | None = None,
    since: bytes | None = None,
    progress: Progress = lambda done, total: None,
    foresee: Foresee = lambda needs: None,
) -> AuditReport:
    """Read a log from one end to the other and report what is wanting.

    `policy` names the witnesses that must have cosigned, and the logs; `log_key` narrows these to one. `since` is an
    earlier head's note, RefusedError where it is none of this log. `foresee` is told what will be read.
    PeerError where the files cannot be reached.
    """
    note = read(CHECKPOINT_PATH, NOTE_BYTES_MAX)
    if note is None:
        return AuditReport(findings=(Finding(CHECKPOINT_PATH, "missing"),))
    found = audit_head(note, policy, log_key)
    head = found.checkpoint
    if head is None:
        return AuditReport(findings=found.findings)
    earlier = None if since is None else _open_earlier(since, policy, log_key, head.origin)
    foresee(list_needs(head.size))
    audit = LogAudit(head, read, None if earlier is None else earlier.checkpoint)
    done = 0
    for done in audit.walk():
        progress(done, head.size)
    return AuditReport(
        origin=head.origin,
        size=head.size,
        root=head.root.hex(),
        records=done,
        cosigned=found.times_s,
        findings=(*found.findings, *audit.findings),
        more=audit.more,
        evidence=_prove_parted(read, _Signed(note, head), earlier, _log_keys(policy, log_key)),
    )


def audit_proof(
    raw: bytes, policy: Policy, log_key: VerifierKey | None = None, entry: bytes | None = None
) -> ProofReport:
    """Check a proof of one record: `entry`, or what lies beside the proof. PeerError says what is wrong."""
    proof = parse_proof(raw)
    entry = proof.extra if entry is None else entry
    if not entry:
        raise RefusedError.at("record", "the proof does not hold the record itself: name the file that does")
    leaf = leaf_hash(entry)
    witnessed = check_proof(proof, leaf, policy, log_key)
    head = witnessed.checkpoint
    return ProofReport(
        origin=head.origin, index=proof.index, size=head.size, leaf=leaf.hex(), cosigned=witnessed.times_s
    )


def _open_earlier(note: bytes, policy: Policy, log_key: VerifierKey | None, origin: str) -> _Signed:
    found = audit_head(note, Policy(policy.logs, (), (), NO_QUORUM), log_key)
    if found.checkpoint is None or found.checkpoint.origin != origin:
        reason = found.findings[0].reason if found.findings else "it is the head of another log"
        raise RefusedError.at("earlier head", reason)
    return _Signed(note, found.checkpoint)


def _log_keys(policy: Policy, log_key: VerifierKey | None) -> list[VerifierKey]:
    return [log_key] if log_key is not None else [log.key for log in policy.logs]


def _prove_parted(read: FileReader, longer: _Signed, shorter: _Signed | None, keys: Sequence[VerifierKey]) -> str:
    """Fork evidence for anyone, where the log's own tiles lead to its head and not to the earlier one; else ""."""
    head = longer.checkpoint
    publics = [key.public for key in keys if key.name == head.origin and key.key_type == ED25519]
    if shorter is None or shorter.checkpoint.size > head.size or not publics:
        return ""
    try:
        proof = prove_fork(shorter.checkpoint, head, TileHashes(head.size, lambda tile: _read_tile(read, tile)))
        if proof is None:
            return ""
        return format_evidence(make_evidence(shorter.note, longer.note, proof, publics[0], head.origin)).decode()
    except (PeerError, MisuseError):
        return ""


def _read_tile(read: FileReader, tile: Tile) -> bytes:
    hashes = read_hashes(read, tile)
    if hashes is None:
        raise PeerError("a tile is missing")
    return b"".join(hashes)


def policy_of_key(log_key: VerifierKey) -> Policy:
    """For those who have a log's key and no policy: its signature is enough."""
    return Policy((PolicyLog(log_key),), (), (), NO_QUORUM)
