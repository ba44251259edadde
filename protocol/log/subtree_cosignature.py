"""A cosignature that a quantum computer cannot forge, and that may also stand under a part of a log.

Invariant: what is signed names the cosigner, the log, the part and its root; time 0 means "not said to be the newest".
Invariant: a part that does not begin at entry 0 never bears a time; a whole head that a witness signs always does.
Spec: docs/spec/note-and-checkpoint.md (c2sp.org/tlog-cosignature, ML-DSA-44)
"""

from typing import Final

import msgspec

from protocol.core.errors import MisuseError, PeerError
from protocol.core.mldsa44 import MLDSA44_SIGNATURE_BYTES, Mldsa44Key, verify_mldsa44
from protocol.core.note import (
    COSIGNATURE_MLDSA44,
    Signature,
    format_signature,
    is_key_name,
    key_hash,
    parse_signature,
)
from protocol.core.origin import check_origin
from protocol.log.checkpoint import SIZE_MAX, Checkpoint, parse_checkpoint
from protocol.log.cosignature import TIME_BYTES, TIME_S_MAX, read_time
from protocol.log.merkle import HASH_BYTES
from protocol.log.subtree import is_subtree

LABEL: Final = b"subtree/v1\n\0"


class SubtreeHead(msgspec.Struct, frozen=True):
    """A part of a log that can be cosigned: the log's origin, first entry, end (not included), 32-byte root.

    A whole log has start 0 and its size as end; that may be 0, every other part holds an entry.
    """

    origin: str
    start: int
    end: int
    root: bytes

    def __post_init__(self) -> None:
        is_part = is_subtree(self.start, self.end) or self.start == self.end == 0
        if not is_part or self.end > SIZE_MAX or len(self.root) != HASH_BYTES:
            raise ValueError("a part of a log needs a start and an end that make a subtree, and a root of 32 bytes")


class Mldsa44Verifier(msgspec.Struct, frozen=True):
    """A verifier of type 0x06 for note.verify_note: a cosigner's name and 1,312-byte ML-DSA-44 key."""

    name: str
    public: bytes

    @property
    def key_hash(self) -> bytes:
        return key_hash(self.name, COSIGNATURE_MLDSA44, self.public)

    def is_valid(self, text: str, signature: bytes) -> bool:
        try:
            part = _whole(parse_checkpoint(text))
        except PeerError:
            return False
        return _is_signed(part, self, signature)


def format_cosigned_message(part: SubtreeHead, name: str, time_s: int) -> bytes:
    """The bytes that an ML-DSA-44 cosigner signs: the `cosigned_message` of tlog-cosignature."""
    check_origin(part.origin)
    if not is_key_name(name) or not 0 <= time_s <= TIME_S_MAX or (part.start and time_s):
        raise MisuseError("a cosignature needs a key name, and a time that is 0 where the part does not begin at 0")
    cosigner, origin = name.encode(), part.origin.encode()
    return b"".join(
        (
            LABEL,
            len(cosigner).to_bytes(1) + cosigner,
            time_s.to_bytes(TIME_BYTES),
            len(origin).to_bytes(1) + origin,
            part.start.to_bytes(8),
            part.end.to_bytes(8),
            part.root,
        )
    )


def sign_mldsa44_cosignature(text: str, name: str, key: Mldsa44Key, time_s: int) -> str:
    """The signature line (with newline) of a cosigner under a head's text; `time_s` is POSIX time and not 0.

    PeerError when the text is no head. That the head is consistent with all that was cosigned before is for the
    caller to have checked and stored.
    """
    if not 0 < time_s <= TIME_S_MAX:
        raise MisuseError(f"a time of {time_s} seconds cannot be signed under a head")
    return _sign(_whole(parse_checkpoint(text)), name, key, time_s)


def verify_mldsa44_cosignature(text: str, line: str, name: str, public: bytes) -> int:
    """The POSIX time, in seconds, at which the cosigner saw the head (0: not said); PeerError unless it signed it."""
    return _verify(_whole(parse_checkpoint(text)), line, Mldsa44Verifier(name, public))


def sign_subtree(part: SubtreeHead, name: str, key: Mldsa44Key) -> str:
    """The signature line (with newline) of a cosigner under a part of a log, without a time.

    That the part belongs to a head that the cosigner signed is for the caller to have checked (check_subtree).
    """
    return _sign(part, name, key, 0)


def verify_subtree(part: SubtreeHead, line: str, name: str, public: bytes) -> int:
    """As verify_mldsa44_cosignature, for a part of a log."""
    return _verify(part, line, Mldsa44Verifier(name, public))


def _whole(head: Checkpoint) -> SubtreeHead:
    return SubtreeHead(head.origin, 0, head.size, head.root)


def _sign(part: SubtreeHead, name: str, key: Mldsa44Key, time_s: int) -> str:
    raw = time_s.to_bytes(TIME_BYTES) + key.sign(format_cosigned_message(part, name, time_s))
    return format_signature(Signature(name, key_hash(name, COSIGNATURE_MLDSA44, key.public), raw))


def _verify(part: SubtreeHead, line: str, verifier: Mldsa44Verifier) -> int:
    signature = parse_signature(line)
    if (signature.name, signature.key_hash) != (verifier.name, verifier.key_hash):
        raise PeerError("cosignature: made by another key")
    if not _is_signed(part, verifier, signature.raw):
        raise PeerError("cosignature: wrong")
    return read_time(signature.raw)


def _is_signed(part: SubtreeHead, verifier: Mldsa44Verifier, signature: bytes) -> bool:
    if len(signature) != TIME_BYTES + MLDSA44_SIGNATURE_BYTES:
        return False
    time_s = read_time(signature)
    if time_s > TIME_S_MAX or (part.start and time_s):
        return False
    message = format_cosigned_message(part, verifier.name, time_s)
    return verify_mldsa44(verifier.public, message, signature[TIME_BYTES:])
