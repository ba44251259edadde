"""What an auditor types: a whole log, or the proof of one record, checked with nothing but keys. Needs no home.

Invariant: found wanting ends with exit code 1 and a plain sentence for each; only what was checked is called good.
Spec: docs/spec/log/tiles-and-proofs.md, docs/spec/log/policy.md
"""

import contextlib
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Annotated

import msgspec

from node.clock import Clock
from node.use_cases.context import Desk, DeskOperation
from node.use_cases.description import (
    EXIT_REFUSED,
    KEY,
    Command,
    Out,
    count,
    help_of,
    in_file,
    name_of,
    tell_some,
    typed,
)
from node.use_cases.log.ahead_files import AheadFiles
from node.use_cases.log.auditing import AuditReport, ProofReport, audit_files, audit_proof, policy_of_key
from node.use_cases.log.files import FolderFiles
from protocol.core.encoding import ENTRY_BYTES_MAX
from protocol.core.errors import MisuseError, PeerError, RefusedError
from protocol.core.note import NOTE_BYTES_MAX, VerifierKey, parse_vkey
from protocol.log.audit.log_files import FileReader, Foresee
from protocol.log.policy import POLICY_BYTES_MAX, Policy, parse_policy
from protocol.log.proof import PROOF_BYTES_MAX

_WEB_SCHEMES = ("http://", "https://")

_LogKey = Annotated[str | None, KEY, help_of("The log's verifier key, or a file that holds it.")]
_PolicyFile = Annotated[bytes | None, in_file(POLICY_BYTES_MAX), help_of("Whose cosignatures it needs (tlog-policy).")]


class LogAuditParams(msgspec.Struct, kw_only=True):
    """Where the log's files are, and whom to trust: its key, a policy, or both."""

    place: str
    key: _LogKey = None
    policy: _PolicyFile = None
    since: Annotated[
        bytes | None, in_file(NOTE_BYTES_MAX), help_of("An earlier head, to see that nothing was taken back.")
    ] = None


class ProofAuditParams(msgspec.Struct, kw_only=True):
    """The proof of one record, and whom to trust."""

    proof: Annotated[bytes, in_file(PROOF_BYTES_MAX), typed("FILE")]
    name: Annotated[str, name_of("proof")]
    key: _LogKey = None
    policy: _PolicyFile = None
    record: Annotated[
        bytes | None, in_file(ENTRY_BYTES_MAX), help_of("The record itself, if it is not beside the proof.")
    ] = None


def _audit_log(desk: Desk, params: LogAuditParams) -> AuditReport:
    trusted, log_key = _read_trust(params.key, params.policy)
    with _open_files(params.place, desk.clock) as (read, foresee):
        return audit_files(read, trusted, log_key, params.since, desk.watch("records"), foresee)


def _audit_proof(_: Desk, params: ProofAuditParams) -> ProofReport:
    trusted, log_key = _read_trust(params.key, params.policy)
    try:
        return audit_proof(params.proof, trusted, log_key, params.record)
    except PeerError as error:
        raise RefusedError.at(params.name, error.reason) from None


def _read_trust(key: str | None, policy: bytes | None) -> tuple[Policy, VerifierKey | None]:
    log_key = None if key is None else parse_vkey(key)
    if policy is not None:
        return parse_policy(policy), log_key
    if log_key is None:
        raise MisuseError("an audit needs a key that it can trust: --key, --policy, or both")
    return policy_of_key(log_key), log_key


@contextlib.contextmanager
def _open_files(place: str, clock: Clock) -> Iterator[tuple[FileReader, Foresee]]:
    if not place.startswith(_WEB_SCHEMES):
        if not Path(place).is_dir():
            raise RefusedError.at(place, "no folder is here")
        yield FolderFiles(Path(place)), lambda needs: None
        return
    files = AheadFiles(place, clock)
    try:
        yield files, files.foresee
    finally:
        files.close()


def _tell_report(report: AuditReport) -> Iterator[str]:
    if report.origin:
        # Where something is wanting, the head's word is all that is known of how many there are.
        verb = "promised" if report.findings else "read"
        yield f"{report.origin}: {count(report.records, 'record')} {verb}, root {report.root}."
    if report.cosigned:
        yield f"Cosigned by {', '.join(sorted(report.cosigned))}."
    yield from tell_some(list(map(str, report.findings)), report.more)
    wanting = len(report.findings) + report.more
    yield f"{count(wanting, 'thing is', 'things are')} wanting." if wanting else "Nothing is wanting."
    if report.evidence:
        yield "Two versions of this log exist, and that can be proven: --evidence FILE writes the proof."


def _tell_proof(report: ProofReport) -> Iterator[str]:
    yield f"It holds: record {report.index} of {report.origin}, under its head of {report.size} records."
    cosigners = ", ".join(sorted(report.cosigned))
    yield f"Cosigned by {cosigners}." if cosigners else "No cosignature was asked for."


OPERATIONS = (
    DeskOperation(
        "audit.log",
        LogAuditParams,
        _audit_log,
        "Read the whole log at PLACE (a folder or a web address) and say everything that is wanting.",
        tell=_tell_report,
        command=Command(
            "audit log",
            ("place",),
            "absent --key absent",
            1,
            group="Check what others published, with nothing but their keys.",
            ends=lambda report: EXIT_REFUSED if report.findings else 0,
            files=(Out("--evidence", "Write fork evidence here if it was.", attrgetter("evidence"), beside=True),),
        ),
    ),
    DeskOperation(
        "audit.proof",
        ProofAuditParams,
        _audit_proof,
        "Check the proof in FILE (a .tlog-proof): that one record stands in a log.",
        tell=_tell_proof,
        command=Command("audit proof", ("proof",), "absent --key absent", 1),
    ),
)
