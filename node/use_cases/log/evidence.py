"""Evidence against a log's key as a file: of two versions, or of a head signed after the log's end.

Invariant: what a file shows is said with its two heads; why it came about it does not say.
Spec: docs/spec/log/fork-evidence.md
"""

from collections.abc import Iterator

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, Out
from node.use_cases.fork_watch import list_evidence, list_later_heads
from node.use_cases.log.heads import LogName
from protocol.core.errors import RefusedError
from protocol.core.note import VerifierKey
from protocol.log.checkpoint import Checkpoint
from protocol.log.fork import (
    AFTER_END_HEADER,
    check_after_end,
    check_evidence,
    format_after_end,
    format_evidence,
    make_evidence,
    parse_after_end,
    parse_evidence,
)
from storage.log import log_store


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


def _tell_files(held: EvidenceFiles) -> Iterator[str]:
    yield "\n".join(held.files).removesuffix("\n")


OPERATIONS = (
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
