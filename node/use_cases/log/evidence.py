"""Evidence against a log's key as a file: of two versions, or of a head signed after the log's end.

Invariant: what a file shows is said with its two heads; why it came about it does not say.
Spec: docs/spec/log/fork-evidence.md
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from node.use_cases.context import Desk, DeskOperation, Node, Operation
from node.use_cases.description import KEY, Command, Out, count, help_of, in_file, name_of, typed
from node.use_cases.fork_watch import list_evidence, list_later_heads
from node.use_cases.log.heads import LogName
from protocol.core.errors import PeerError, RefusedError
from protocol.core.note import VerifierKey, parse_vkey
from protocol.log.checkpoint import Checkpoint
from protocol.log.fork import (
    AFTER_END_HEADER,
    EVIDENCE_BYTES_MAX,
    check_after_end,
    check_evidence,
    format_after_end,
    format_evidence,
    make_evidence,
    parse_after_end,
    parse_evidence,
)
from storage.log import log_store


class EvidenceParams(msgspec.Struct, kw_only=True):
    """A file of evidence, and the key of the log that it speaks against."""

    evidence: Annotated[bytes, in_file(EVIDENCE_BYTES_MAX), typed("FILE")]
    name: Annotated[str, name_of("evidence")]
    key: Annotated[str, KEY, help_of("The log's verifier key, or a file that holds it.")]


class EvidenceFiles(msgspec.Struct, frozen=True):
    """The evidence that is held of one log, each piece as the text of a file."""

    origin: str
    files: tuple[str, ...]


class EvidenceHead(msgspec.Struct, frozen=True):
    """One of the two heads: how many entries, and the root over them in hex."""

    size: int
    root: str


class EvidenceReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a file of evidence shows: `shorter` and `longer` were signed and no log begins with both; or, where it
    `is_after_end`, `longer` was signed and lies beyond the end that is `shorter`."""

    origin: str
    is_after_end: bool
    shorter: EvidenceHead
    longer: EvidenceHead


async def show_evidence(node: Node, params: LogName) -> EvidenceFiles:
    """All evidence held of a log; RefusedError where there is none."""
    db, origin = node.database.reader, params.origin or node.origin
    log_key = log_store.log_key_of(db, origin)
    forks = [one for one in list_evidence(db) if one.origin == origin and log_key is not None]
    files = [format_evidence(make_evidence(*one[1:], log_key or b"", origin)) for one in forks]
    files += [format_after_end(one) for one in list_later_heads(db) if one.end.origin == origin]
    if not files:
        raise RefusedError.at("origin", "nothing is held here that speaks against that log's key")
    return EvidenceFiles(origin, tuple(raw.decode() for raw in files))


def _audit_at_desk(_: Desk, params: EvidenceParams) -> EvidenceReport:
    try:
        return audit_evidence(params.evidence, parse_vkey(params.key))
    except PeerError as error:
        raise RefusedError.at(params.name, error.reason) from None


def audit_evidence(raw: bytes, key: VerifierKey) -> EvidenceReport:
    """What a file of evidence shows to whoever trusts the log's key; PeerError where it shows nothing."""
    if raw.startswith(AFTER_END_HEADER.encode()):
        evidence = parse_after_end(raw)
        end, head = evidence.end, check_after_end(evidence, key.public)
    else:
        end, head = check_evidence(parse_evidence(raw), key.public, key.name)
    is_after_end = raw.startswith(AFTER_END_HEADER.encode())
    if head.origin != key.name:
        raise RefusedError.at("origin", f"the evidence is about {head.origin}, the key is of {key.name}")
    return EvidenceReport(origin=key.name, is_after_end=is_after_end, shorter=_show(end), longer=_show(head))


def _show(head: Checkpoint) -> EvidenceHead:
    return EvidenceHead(head.size, head.root.hex())


def _tell_report(report: EvidenceReport) -> Iterator[str]:
    shorter, longer = report.shorter, report.longer
    if report.is_after_end:
        yield f"It holds: {report.origin} was signed with {count(longer.size, 'record')} beyond the end named here."
        yield f"That end: {count(shorter.size, 'record')}, root {shorter.root}."
        yield "Compare it with what the members decided, or the successor's first records say. It does not say why."
    else:
        yield f"It holds: {report.origin} was signed on two branches. It does not say why."
        for head in (shorter, longer):
            yield f"One head: {count(head.size, 'record')}, root {head.root}."


def _tell_files(held: EvidenceFiles) -> Iterator[str]:
    yield "\n".join(held.files).removesuffix("\n")


OPERATIONS = (
    DeskOperation(
        "audit.evidence",
        EvidenceParams,
        _audit_at_desk,
        "Check the evidence in FILE: that a log was signed on two branches, or after its end.",
        tell=_tell_report,
        command=Command("audit evidence", ("evidence",), "absent --key absent", 1),
    ),
    Operation(
        "log.evidence",
        LogName,
        show_evidence,
        "What shows, to anyone who has its key, that a log was signed on two branches or after its end.",
        writes=False,
        tell=_tell_files,
        command=Command(
            "log evidence",
            code=1,
            files=(Out("--out", "Write the first piece into this file.", lambda held: held.files[0]),),
        ),
    ),
)
