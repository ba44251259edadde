"""A cosignature: another co-op's word, with the time, that it saw this head and that nothing was taken back.

Invariant: a cosigner's key is never a log's key, and witness and mirror have a key and a name each.
Invariant: what is signed is the whole head, with the time; a key that a quantum computer does not break signs the name
of the cosigner too.
Spec: docs/spec/log/note-and-checkpoint.md (c2sp.org/tlog-cosignature)
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from protocol.core import identity
from protocol.core.errors import MisuseError, PeerError, RefusedError
from protocol.core.identity import SIGNATURE_BYTES, SigningKey
from protocol.core.mldsa44 import MLDSA44_SIGNATURE_BYTES, Mldsa44Key, verify_mldsa44
from protocol.core.note import (
    COSIGNATURE_MLDSA44,
    COSIGNATURE_V1,
    SIGNATURES_MAX,
    Signature,
    Verifier,
    VerifierKey,
    format_note,
    format_signature,
    is_key_name,
    key_hash,
    parse_note,
    parse_signature,
)
from protocol.core.origin import check_origin
from protocol.log.checkpoint import Checkpoint, parse_checkpoint

TIME_BYTES: Final = 8
TIME_S_MAX: Final = 2**63 - 1
_LABEL: Final = b"subtree/v1\n\0"
WITNESS_SUFFIX: Final = "/witness"
MIRROR_SUFFIX: Final = "/mirror"


def witness_name(origin: str) -> str:
    """The key name under which the witness of the home with this log signs: never the log's own."""
    return origin + WITNESS_SUFFIX


def mirror_name(origin: str) -> str:
    """The key name under which its mirror signs: neither the log's nor the witness's."""
    return origin + MIRROR_SUFFIX


class CosignatureVerifier(msgspec.Struct, frozen=True):
    """A verifier of type 0x04 for note.verify_note: a cosigner's name and 32-byte Ed25519 key."""

    name: str
    public: bytes

    @property
    def key_hash(self) -> bytes:
        return key_hash(self.name, COSIGNATURE_V1, self.public)

    def is_valid(self, text: str, signature: bytes) -> bool:
        time_s = read_time(signature)
        if len(signature) != TIME_BYTES + SIGNATURE_BYTES or time_s > TIME_S_MAX:
            return False
        return identity.verify(self.public, format_cosignature_message(text, time_s), signature[TIME_BYTES:])


class Mldsa44Verifier(msgspec.Struct, frozen=True):
    """A verifier of type 0x06 for note.verify_note: a cosigner's name and 1,312-byte ML-DSA-44 key."""

    name: str
    public: bytes

    @property
    def key_hash(self) -> bytes:
        return key_hash(self.name, COSIGNATURE_MLDSA44, self.public)

    def is_valid(self, text: str, signature: bytes) -> bool:
        time_s = read_time(signature)
        if len(signature) != TIME_BYTES + MLDSA44_SIGNATURE_BYTES or time_s > TIME_S_MAX:
            return False
        try:
            message = format_cosigned_message(parse_checkpoint(text), self.name, time_s)
        except PeerError:
            return False
        return verify_mldsa44(self.public, message, signature[TIME_BYTES:])


_VERIFIERS: Final[Mapping[int, Callable[[str, bytes], Verifier]]] = {
    COSIGNATURE_V1: CosignatureVerifier,
    COSIGNATURE_MLDSA44: Mldsa44Verifier,
}


def make_verifier(key: VerifierKey) -> Verifier:
    """How lines of a cosigner's key are checked; RefusedError for a key that cosigns nothing."""
    verifier = _VERIFIERS.get(key.key_type)
    if verifier is None:
        raise RefusedError.at("key", f"{key.name} is not the key of a cosigner")
    return verifier(key.name, key.public)


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


def sign_mldsa44_cosignature(text: str, name: str, key: Mldsa44Key, time_s: int) -> str:
    """As sign_cosignature, by a key of the other kind; `time_s` is not 0, which would say that it is not the newest."""
    if time_s == 0:
        raise MisuseError("a head is signed with a time")
    message = format_cosigned_message(parse_checkpoint(text), name, time_s)
    raw = time_s.to_bytes(TIME_BYTES) + key.sign(message)
    return format_signature(Signature(name, key_hash(name, COSIGNATURE_MLDSA44, key.public), raw))


def verify_cosignature(text: str, line: str, verifier: Verifier) -> int:
    """The POSIX time, in seconds, at which the cosigner saw the head; PeerError unless the line is its signature."""
    signature = parse_signature(line)
    if (signature.name, signature.key_hash) != (verifier.name, verifier.key_hash):
        raise PeerError("cosignature: made by another key")
    if not verifier.is_valid(text, signature.raw):
        raise PeerError("cosignature: wrong")
    return read_time(signature.raw)


class Cosigned(NamedTuple):
    """POSIX time of the newest right signature of each cosigner on a note, and who has a wrong one there, by name."""

    times_s: dict[str, int]
    wrong: tuple[str, ...]


def read_cosigned(note: bytes, cosigners: Iterable[tuple[str, Verifier]]) -> Cosigned:
    """Which of these cosigners signed a note; each with the name that it is told by, under which it may have two keys.

    PeerError when the note is malformed.
    """
    text, signatures = parse_note(note)
    known = {(verifier.name, verifier.key_hash): (name, verifier) for name, verifier in cosigners}
    times_s: dict[str, int] = {}
    wrong: list[str] = []
    for signature in signatures:
        name, verifier = known.get((signature.name, signature.key_hash), ("", None))
        if verifier is None:
            continue
        if verifier.is_valid(text, signature.raw):
            times_s[name] = max(times_s.get(name, 0), read_time(signature.raw))
        else:
            wrong.append(name)
    return Cosigned(times_s, tuple(wrong))


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


def format_cosigned_message(head: Checkpoint, name: str, time_s: int) -> bytes:
    """The bytes that an ML-DSA-44 cosigner signs: the `cosigned_message` of tlog-cosignature for a whole log."""
    check_origin(head.origin)
    if not is_key_name(name) or not 0 <= time_s <= TIME_S_MAX:
        raise MisuseError("a cosignature needs a key name and a time that can be written")
    cosigner, origin = name.encode(), head.origin.encode()
    return b"".join(
        (
            _LABEL,
            len(cosigner).to_bytes(1) + cosigner,
            time_s.to_bytes(TIME_BYTES),
            len(origin).to_bytes(1) + origin,
            bytes(8),
            head.size.to_bytes(8),
            head.root,
        )
    )
