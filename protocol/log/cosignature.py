"""A cosignature: another co-op's word, with the time, that it saw this head and that nothing was taken back.

Invariant: a cosigner's key is never a log's key, and witness and mirror have a key and a name each.
Invariant: what is signed is the whole head text, after a line with the time.
Spec: docs/spec/note-and-checkpoint.md (c2sp.org/tlog-cosignature, Ed25519)
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from protocol.core import identity
from protocol.core.errors import MisuseError, PeerError
from protocol.core.identity import SIGNATURE_BYTES, SigningKey
from protocol.core.note import (
    COSIGNATURE_V1,
    SIGNATURES_MAX,
    Signature,
    Verifier,
    format_note,
    format_signature,
    key_hash,
    parse_note,
    parse_signature,
)
from protocol.log.checkpoint import parse_checkpoint

TIME_BYTES: Final = 8
TIME_S_MAX: Final = 2**63 - 1


class CosignatureVerifier(msgspec.Struct, frozen=True):
    """A verifier of type 0x04 for note.verify_note: a cosigner's name and 32-byte Ed25519 key."""

    name: str
    public: bytes

    @property
    def key_hash(self) -> bytes:
        return key_hash(self.name, COSIGNATURE_V1, self.public)

    def is_valid(self, text: str, signature: bytes) -> bool:
        if len(signature) != TIME_BYTES + SIGNATURE_BYTES:
            return False
        time_s = read_time(signature)
        return time_s <= TIME_S_MAX and identity.verify(
            self.public, format_cosignature_message(text, time_s), signature[TIME_BYTES:]
        )


def sign_cosignature(text: str, name: str, key: SigningKey, time_s: int) -> str:
    """The signature line (with newline) of a cosigner under a head's text; `time_s` is POSIX time.

    PeerError when the text is no head. That the head is consistent with all that was cosigned before is for the
    caller to have checked and stored.
    """
    if not 0 <= time_s <= TIME_S_MAX:
        raise MisuseError(f"a time of {time_s} seconds cannot be signed")
    parse_checkpoint(text)
    raw = time_s.to_bytes(TIME_BYTES) + key.sign(format_cosignature_message(text, time_s))
    return format_signature(Signature(name, key_hash(name, COSIGNATURE_V1, key.public), raw))


def verify_cosignature(text: str, line: str, name: str, public: bytes) -> int:
    """The POSIX time, in seconds, at which the cosigner saw the head; PeerError unless the line is its signature."""
    signature, verifier = parse_signature(line), CosignatureVerifier(name, public)
    if (signature.name, signature.key_hash) != (name, verifier.key_hash):
        raise PeerError("cosignature: made by another key")
    if not verifier.is_valid(text, signature.raw):
        raise PeerError("cosignature: wrong")
    return read_time(signature.raw)


def list_cosigners(note: bytes, verifiers: Iterable[Verifier]) -> dict[str, int]:
    """Name of each known cosigner on a note -> POSIX time of its newest signature there; {} when there is none.

    The verifiers are of types 0x04 and 0x06; a cosigner with both keys is named once.

    PeerError when the note is malformed or a known cosigner's signature is wrong.
    """
    text, signatures = parse_note(note)
    known = {(verifier.name, verifier.key_hash): verifier for verifier in verifiers}
    times: dict[str, int] = {}
    for signature in signatures:
        verifier = known.get((signature.name, signature.key_hash))
        if verifier is None:
            continue
        if not verifier.is_valid(text, signature.raw):
            raise PeerError(f"cosignature: that of {signature.name} is wrong")
        times[signature.name] = max(times.get(signature.name, 0), read_time(signature.raw))
    return times


def add_signature(note: bytes, line: str) -> bytes:
    """The note with one more signature line; a line by the same key takes the place of the older one."""
    text, signatures = parse_note(note)
    added = parse_signature(line)
    others = [old for old in signatures if (old.name, old.key_hash) != (added.name, added.key_hash)]
    if len(others) >= SIGNATURES_MAX:
        raise PeerError(f"note: {SIGNATURES_MAX} signatures are all that a note may carry")
    return format_note(text, [*others, added])


def join_signatures(note: bytes, other: bytes) -> bytes:
    """The note with those signatures of another note of the same text that it has not, as far as they fit."""
    text, signatures = parse_note(note)
    other_text, more = parse_note(other)
    known = {(signature.name, signature.key_hash) for signature in signatures}
    added = [line for line in more if (line.name, line.key_hash) not in known] if other_text == text else []
    return format_note(text, [*signatures, *added][:SIGNATURES_MAX])


def read_time(signature: bytes) -> int:
    """The POSIX time in the first 8 bytes of a cosignature."""
    return int.from_bytes(signature[:TIME_BYTES])


def format_cosignature_message(text: str, time_s: int) -> bytes:
    """The bytes that an Ed25519 cosigner signs under a head's text."""
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()
