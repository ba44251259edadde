"""A log's signed head: how long it is and the root over all of it.

Invariant: three lines and no more; a head parses in one way only.
Invariant: a head counts only under its log's own key, whose name is the origin.
Spec: docs/spec/log/note-and-checkpoint.md (c2sp.org/tlog-checkpoint)
"""

import base64
import re
from typing import Final

import msgspec

from protocol.core.errors import PeerError
from protocol.core.identity import SigningKey
from protocol.core.note import Ed25519Verifier, sign_note, verify_note
from protocol.core.origin import check_origin, is_origin
from protocol.core.record import HASH_BYTES, INDEX_MAX
from protocol.log.merkle import EMPTY_ROOT

__all__ = [
    "Checkpoint",
    "check_origin",
    "format_checkpoint",
    "open_checkpoint",
    "parse_checkpoint",
    "read_checkpoint",
    "sign_checkpoint",
]

SIZE_MAX: Final = INDEX_MAX

_TEXT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n", re.ASCII)


class Checkpoint(msgspec.Struct, frozen=True):
    """A head: the log's origin, the number of its entries, the 32-byte root over them."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.size <= SIZE_MAX or len(self.root) != HASH_BYTES:
            raise ValueError("a head needs a size and a root of 32 bytes")


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """The note text of a head; RefusedError when its origin cannot name a log."""
    check_origin(checkpoint.origin)
    return f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """The head that a note text says; PeerError when it is malformed, has extension lines or cannot be."""
    head = read_checkpoint(text)
    if head.size == 0 and head.root != EMPTY_ROOT:
        raise PeerError("checkpoint: an empty log with a root of its own")
    return head


def read_checkpoint(text: str) -> Checkpoint:
    """As parse_checkpoint, but an empty log may have any root: a witness answers that one on its own."""
    match = _TEXT.fullmatch(text)
    if match is None or not is_origin(match.group(1)):
        raise PeerError("checkpoint: not the three lines origin, size and root")
    size, root = int(match.group(2)), base64.b64decode(match.group(3))
    # The last letter of 43 has two spare bits.
    if size > SIZE_MAX or base64.b64encode(root).decode() != match.group(3):
        raise PeerError("checkpoint: a size beyond all limits, or a root that is not canonical base64")
    return Checkpoint(match.group(1), size, root)


def sign_checkpoint(checkpoint: Checkpoint, log_key: SigningKey) -> bytes:
    """The note of a head, signed by the log's key under the origin's name."""
    return sign_note(format_checkpoint(checkpoint), checkpoint.origin, log_key)


def open_checkpoint(note: bytes, log_public: bytes, origin: str) -> Checkpoint:
    """The head in a note that the log `origin` signed with its key; PeerError otherwise.

    Cosignatures on the note are left alone: `protocol.log.cosignature` reads them.
    """
    text, _ = verify_note(note, [Ed25519Verifier(origin, log_public)])
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin != origin:
        raise PeerError("checkpoint: signed by this log but names another")
    return checkpoint
