"""A signed head as an auditor meets it: who signed, who cosigned, and whether that is enough.

Invariant: nothing is said of a head that the log did not sign.
Spec: docs/spec/log/note-and-checkpoint.md, docs/spec/log/policy.md
"""

from typing import Final

import msgspec

from protocol.core.errors import Finding, PeerError
from protocol.core.note import VerifierKey
from protocol.log.checkpoint import Checkpoint
from protocol.log.policy import NO_QUORUM, Policy, check_head, is_quorum, read_witnesses
from protocol.log.tiles import CHECKPOINT_PATH

NO_WITNESSES: Final = Policy((), (), (), NO_QUORUM)
"""For those who know a log's key and ask for no cosignature."""


class AuditedHead(msgspec.Struct, frozen=True):
    """A head (None where the log did not sign it), the POSIX time of each good cosignature, and what is wanting."""

    checkpoint: Checkpoint | None
    times_s: dict[str, int]
    findings: tuple[Finding, ...]


def audit_head(note: bytes, policy: Policy, log_key: VerifierKey | None = None) -> AuditedHead:
    """Judge a note by a policy; with `log_key` only that log's head counts, whatever logs the policy names."""
    bare = Policy(policy.logs, (), (), NO_QUORUM)
    try:
        checkpoint = check_head(note, bare, log_key).checkpoint
    except PeerError as error:
        return AuditedHead(None, {}, (Finding(CHECKPOINT_PATH, error.reason),))
    times_s, wrong = read_witnesses(note, policy)
    findings = [Finding(CHECKPOINT_PATH, f"the cosignature of {name} is false") for name in wrong]
    if not is_quorum(policy, times_s):
        missing = [witness.name for witness in policy.witnesses if witness.name not in times_s]
        reason = f"{len(times_s)} of {len(policy.witnesses)} witnesses cosigned it, which is not the policy's quorum"
        findings.append(Finding(CHECKPOINT_PATH, f"{reason}; missing: {', '.join(missing)}"))
    return AuditedHead(checkpoint, times_s, tuple(findings))
