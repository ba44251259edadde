"""A signed note: text that people can read, with signature lines below it, as C2SP signed-note has it.

Invariant: a note parses in one way only; formatting what was parsed gives the same bytes.
Invariant: an unknown signature is ignored, a wrong one of a known key refuses the whole note.
Spec: docs/spec/log/note-and-checkpoint.md (c2sp.org/signed-note)
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import Final, Protocol

import msgspec

from protocol.core import identity
from protocol.core.errors import MisuseError, PeerError, RefusedError
from protocol.core.identity import SigningKey

ED25519: Final = 0x01
COSIGNATURE_V1: Final = 0x04
COSIGNATURE_MLDSA44: Final = 0x06

KEY_HASH_BYTES: Final = 4
KEY_NAME_BYTES_MAX: Final = 255
SIGNATURES_MAX: Final = 100
NOTE_BYTES_MAX: Final = 400_000
VKEY_LENGTH_MAX: Final = 4_096

_LINE_START = "\u2014 "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
# White_Space of Unicode, written out so that no Python version reads a name differently; and lone surrogates.
_NOT_IN_NAME = re.compile(
    "[\\x00-\\x20+\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ud800-\\udfff]"
)
_PUBLIC_BYTES = {ED25519: 32, COSIGNATURE_V1: 32, COSIGNATURE_MLDSA44: 1_312}


class Signature(msgspec.Struct, frozen=True):
    """One signature line: the key's name, its 4-byte hash and the bytes after it."""

    name: str
    key_hash: bytes
    raw: bytes


class VerifierKey(msgspec.Struct, frozen=True):
    """A public key as a vkey names it: name, signature type byte and public key bytes."""

    name: str
    key_type: int
    public: bytes


class Verifier(Protocol):
    """What verify_note needs to know of a key that it trusts."""

    @property
    def name(self) -> str: ...

    @property
    def key_hash(self) -> bytes: ...

    def is_valid(self, text: str, signature: bytes) -> bool:
        """Whether the bytes after the key hash sign the note's text."""
        ...


class Ed25519Verifier(msgspec.Struct, frozen=True):
    """A verifier of type 0x01: an Ed25519 signature over the note's text."""

    name: str
    public: bytes

    @property
    def key_hash(self) -> bytes:
        return key_hash(self.name, ED25519, self.public)

    def is_valid(self, text: str, signature: bytes) -> bool:
        return identity.verify(self.public, text.encode(), signature)


def key_hash(name: str, key_type: int, public: bytes) -> bytes:
    """The 4 bytes that stand before a signature: SHA-256(name, newline, type, public key)[:4]."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([key_type]) + public).digest()[:KEY_HASH_BYTES]


def is_key_name(name: str) -> bool:
    """Whether a text may name a key: not empty, no plus, no Unicode space, no control character."""
    if not name or _NOT_IN_NAME.search(name):
        return False
    return len(name.encode()) <= KEY_NAME_BYTES_MAX


def format_vkey(name: str, key_type: int, public: bytes) -> str:
    """The one-line form of a public key that goes into policies and invitations."""
    material = base64.b64encode(bytes([key_type]) + public).decode()
    return f"{name}+{key_hash(name, key_type, public).hex()}+{material}"


def parse_vkey(vkey: str) -> VerifierKey:
    """The key of a vkey; RefusedError says what is wrong with it."""
    # Base64 may hold a plus, a name and a hex hash may not.
    parts = vkey.split("+", 2) if len(vkey) <= VKEY_LENGTH_MAX else []
    if len(parts) != 3 or not is_key_name(parts[0]):
        raise RefusedError.at("vkey", "not of the form name+hash+key")
    name, hash_hex, encoded = parts
    try:
        material = _parse_base64(encoded)
    except ValueError:
        raise RefusedError.at("vkey", "its key is not base64") from None
    if not material or len(material) - 1 != _PUBLIC_BYTES.get(material[0]):
        raise RefusedError.at("vkey", "a kind or length of key that is not known here")
    key = VerifierKey(name, material[0], material[1:])
    if hash_hex != key_hash(key.name, key.key_type, key.public).hex():
        raise RefusedError.at("vkey", "its hash is not that of its name and key")
    return key


def format_signature(signature: Signature) -> str:
    """A signature line with its newline; MisuseError for a name or bytes that no line can hold."""
    if not is_key_name(signature.name) or len(signature.key_hash) != KEY_HASH_BYTES or not signature.raw:
        raise MisuseError("a signature needs a key name, a 4-byte key hash and at least one byte")
    encoded = base64.b64encode(signature.key_hash + signature.raw).decode()
    return f"{_LINE_START}{signature.name} {encoded}\n"


def parse_signature(line: str) -> Signature:
    """A signature line with its newline; PeerError when it is malformed."""
    if not line.startswith(_LINE_START) or not line.endswith("\n"):
        raise PeerError("signature line: does not start with an em dash and a space, or does not end in newline")
    name, _, encoded = line[len(_LINE_START) : -1].partition(" ")
    if not is_key_name(name):
        raise PeerError("signature line: not a key name")
    try:
        raw = _parse_base64(encoded)
    except ValueError:
        raise PeerError("signature line: not base64") from None
    if len(raw) <= KEY_HASH_BYTES:
        raise PeerError("signature line: no signature after the key hash")
    return Signature(name, raw[:KEY_HASH_BYTES], raw[KEY_HASH_BYTES:])


def format_note(text: str, signatures: Iterable[Signature]) -> bytes:
    """The bytes of a note; MisuseError unless `text` ends in a newline and 1 to 100 signatures stand below it."""
    lines = [format_signature(signature) for signature in signatures]
    if not text.endswith("\n") or _CONTROL.search(text) or not 1 <= len(lines) <= SIGNATURES_MAX:
        raise MisuseError("a note needs text that ends in newline, no control characters, and 1 to 100 signatures")
    return f"{text}\n{''.join(lines)}".encode()


def parse_note(raw: bytes) -> tuple[str, tuple[Signature, ...]]:
    """The text (with its final newline) and the unverified signatures of a note; PeerError when malformed."""
    if len(raw) > NOTE_BYTES_MAX:
        raise PeerError(f"note: {len(raw)} bytes, at most {NOTE_BYTES_MAX} are allowed")
    try:
        whole = raw.decode()
    except UnicodeDecodeError:
        raise PeerError("note: not UTF-8") from None
    if _CONTROL.search(whole):
        raise PeerError("note: a control character other than newline")
    split = whole.rfind("\n\n")
    if split < 0 or not whole.endswith("\n") or split + 2 == len(whole):
        raise PeerError("note: no signature lines below an empty line")
    lines = whole[split + 2 :].removesuffix("\n").split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise PeerError(f"note: {len(lines)} signatures, at most {SIGNATURES_MAX} are read")
    return whole[: split + 1], tuple(parse_signature(line + "\n") for line in lines)


def sign_note(text: str, name: str, key: SigningKey) -> bytes:
    """A note with one Ed25519 signature (type 0x01) over its text."""
    raw = key.sign(text.encode())
    return format_note(text, [Signature(name, key_hash(name, ED25519, key.public), raw)])


def verify_note(raw: bytes, verifiers: Iterable[Verifier]) -> tuple[str, tuple[Signature, ...]]:
    """The text of a note and those of its signatures that known keys made, each key once.

    PeerError when the note is malformed, a known key's signature is wrong, or no known key signed it.
    """
    text, signatures = parse_note(raw)
    known = {(verifier.name, verifier.key_hash): verifier for verifier in verifiers}
    verified: dict[tuple[str, bytes], Signature] = {}
    for signature in signatures:
        place = (signature.name, signature.key_hash)
        verifier = known.get(place)
        if verifier is None:
            continue
        if not verifier.is_valid(text, signature.raw):
            raise PeerError(f"note: the signature of {signature.name} is wrong")
        verified.setdefault(place, signature)
    if not verified:
        raise PeerError("note: not signed by any key that is known")
    return text, tuple(verified.values())


def _parse_base64(encoded: str) -> bytes:
    """Standard base64 with padding, in its one canonical spelling; ValueError otherwise."""
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if base64.b64encode(raw).decode() != encoded:
        raise ValueError("not canonical")
    return raw
