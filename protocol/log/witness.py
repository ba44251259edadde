"""What a witness may sign: the head of a log it knows, that takes back nothing of what it signed before.

Invariant: the verdict depends on the request, the log's keys and the last head cosigned, and on nothing else; checking
and storing the new head are one step for the caller, on disk before anyone gets the cosignature.
Invariant: a head that contradicts the stored one is never signed; it is handed back as possible evidence.
Spec: docs/spec/log/mirror.md (c2sp.org/tlog-witness, add-checkpoint)
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from protocol.core.errors import MisuseError, PeerError
from protocol.core.note import NOTE_BYTES_MAX, Verifier, parse_note, verify_note
from protocol.log.checkpoint import Checkpoint, read_checkpoint
from protocol.log.merkle import (
    EMPTY_ROOT,
    PROOF_HASHES_MAX,
    check_consistency,
    format_hashes,
    parse_hashes,
)

OK: Final = 200
BAD_REQUEST: Final = 400
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
CONFLICT: Final = 409
UNPROCESSABLE: Final = 422

TEXT: Final = "text/plain; charset=utf-8"
SIZE_TYPE: Final = "text/x.tlog.size"
HASH_LINE_BYTES: Final = 45
ADD_CHECKPOINT_BYTES_MAX: Final = NOTE_BYTES_MAX + (PROOF_HASHES_MAX + 1) * HASH_LINE_BYTES

_OLD = re.compile(rb"old (0|[1-9][0-9]{0,18})")


class AddCheckpoint(msgspec.Struct, frozen=True):
    """What a log asks of a witness: the size the witness signed last, a proof from there, the note, and its head."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes
    checkpoint: Checkpoint


class CosignedHead(msgspec.Struct, frozen=True):
    """The last head of a log that a witness cosigned, or that is pending at a mirror; at first the empty one."""

    size: int = 0
    root: bytes = EMPTY_ROOT


class Verdict(msgspec.Struct, frozen=True):
    """The answer to a request: HTTP status, body and its type.

    With 200 the caller stores and signs first and answers with its signature lines. `is_evidence`: the log signed
    something that may contradict what it signed before, so the note is to be kept.
    """

    status: int
    body: str = ""
    body_type: str = TEXT
    is_evidence: bool = False


def format_add_checkpoint(old_size: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """The body of an add-checkpoint request."""
    if old_size < 0 or len(proof) > PROOF_HASHES_MAX:
        raise MisuseError("a request needs an old size and few enough hashes")
    return f"old {old_size}\n{format_hashes(proof)}\n".encode() + note


def parse_add_checkpoint(raw: bytes) -> AddCheckpoint:
    """The request in a body, nothing of it believed yet; PeerError (status 400) when it is malformed."""
    if len(raw) > ADD_CHECKPOINT_BYTES_MAX:
        raise PeerError(f"add-checkpoint: {len(raw)} bytes, at most {ADD_CHECKPOINT_BYTES_MAX} are read")
    head, separator, note = raw.partition(b"\n\n")
    old_line, *proof_lines = head.split(b"\n")
    match = _OLD.fullmatch(old_line)
    if match is None or not separator:
        raise PeerError("add-checkpoint: no line with the old size, or no empty line")
    try:
        proof = parse_hashes([line.decode("ascii") for line in proof_lines])
    except UnicodeDecodeError:
        raise PeerError("add-checkpoint: letters beyond ASCII in a proof") from None
    return AddCheckpoint(int(match.group(1)), proof, note, read_checkpoint(parse_note(note)[0]))


def judge_checkpoint(request: AddCheckpoint, log_keys: Sequence[Verifier], held: CosignedHead) -> Verdict:
    """What a witness answers; `log_keys` are the keys known for the request's origin, none for an unknown log.

    The checks stand in the order of tlog-witness, so that each request has one answer.
    """
    head = request.checkpoint
    if not log_keys:
        return Verdict(NOT_FOUND, "this log is not known here\n")
    try:
        verify_note(request.note, log_keys)
    except PeerError:
        return Verdict(FORBIDDEN, "not signed by the log's key, or signed wrongly\n")
    if request.old_size > head.size:
        return Verdict(BAD_REQUEST, "the old size is above the new one\n")
    if request.old_size != held.size:
        is_level_fork = head.size == held.size and head.root != held.root
        return Verdict(CONFLICT, f"{held.size}\n", SIZE_TYPE, is_level_fork)
    try:
        _check_growth(request, held)
    except PeerError as error:
        return Verdict(UNPROCESSABLE, f"{error.reason}\n", is_evidence=True)
    return Verdict(OK)


def _check_growth(request: AddCheckpoint, held: CosignedHead) -> None:
    head = request.checkpoint
    if head.size == 0 and head.root != EMPTY_ROOT:
        raise PeerError("an empty log with a root of its own")
    check_consistency(held.size, held.root, head.size, head.root, request.proof)
