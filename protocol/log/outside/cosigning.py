"""Asking to be cosigned: what a log makes of the answer of a witness or a mirror, by whose keys it knows them.

Invariant: a line counts only when a known key made it, under this very head and with a time; unknown ones are ignored.
Spec: docs/spec/log/cosigning.md (c2sp.org/tlog-witness, c2sp.org/tlog-mirror)
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from protocol.core.errors import PeerError
from protocol.core.note import Verifier, format_signature, verify_note
from protocol.log.checkpoint import SIZE_MAX
from protocol.log.cosignature import read_time
from protocol.log.witness import BAD_REQUEST, CONFLICT, FORBIDDEN, NOT_FOUND, UNPROCESSABLE

ANSWER_BYTES_MAX: Final = 131_072
"""What is read of an answer: sixteen lines of the longest kind are half of it."""

REFUSALS: Final[Mapping[int, str]] = {
    BAD_REQUEST: "it calls the request malformed",
    FORBIDDEN: "it does not accept the log's signature: does it know this log by another key?",
    NOT_FOUND: "it does not know this log: ask its operator to add the log's key",
    CONFLICT: "it stands at another head again and again",
    UNPROCESSABLE: "it says that this head does not extend the one it cosigned: there may be two versions of this log",
}
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,15})\n")


def read_cosignatures(body: bytes, text: str, verifiers: Sequence[Verifier]) -> tuple[str, ...]:
    """The signature lines (with newline) that known keys made under a head's `text`, out of the body of a 200.

    PeerError when there is none, one is wrong or without a time, or the body is malformed.
    """
    if len(body) > ANSWER_BYTES_MAX:
        raise PeerError(f"cosigning: an answer of {len(body)} bytes, at most {ANSWER_BYTES_MAX} are read")
    _, found = verify_note(f"{text}\n".encode() + body, verifiers)
    if any(read_time(signature.raw) == 0 for signature in found):
        raise PeerError("cosigning: a line without a time does not say that the head is the newest")
    return tuple(format_signature(signature) for signature in found)


def parse_held_size(body: bytes) -> int:
    """The size in the body of a 409: that of the head cosigned last; PeerError when it is none."""
    match = _SIZE.fullmatch(body)
    size = SIZE_MAX + 1 if match is None else int(match.group(1))
    if size > SIZE_MAX:
        raise PeerError("cosigning: a conflict that names no size")
    return size


def describe_refusal(status: int) -> str:
    """Why a witness or mirror did not sign, in words for whoever runs the log."""
    return REFUSALS.get(status, f"it answered {status}")
