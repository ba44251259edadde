"""A sealed envelope in the log: others see that something was said, and later can be shown what.

Invariant: a commitment names its log, kind and place, so nobody can pass off another's as their own.
Invariant: without its 32-byte salt a commitment says nothing; whoever deletes the salt has withdrawn the text.
Spec: docs/spec/core/commitment.md
"""

import hashlib
import hmac
from typing import Annotated, Any, Final

import msgspec

from protocol.core.encoding import ENTRY_BYTES_MAX, decode, encode, to_struct, to_value
from protocol.core.errors import MisuseError, PeerError, RefusedError
from protocol.core.record import Audience, Hash, Kind

SALT_BYTES: Final = 32
FIELD_PATH_LENGTH_MAX: Final = 256
# What is detached may be as large as an entry; the rest is room for the names around it.
OPENING_BYTES_MAX: Final = ENTRY_BYTES_MAX + 2_048

_DOMAIN = b"rochdale/commitment/v1\0"


class Opening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a commitment hides: the log (or audience) and kind it stands in, its field path, the value, the salt.

    The path of a whole body is `body`, of a part of it `body.lines[2].amount`.
    """

    origin: Audience
    kind: Kind
    field_path: Annotated[str, msgspec.Meta(pattern=r"^body[!-~]*\Z", max_length=FIELD_PATH_LENGTH_MAX)]
    value: Any
    salt: Hash


def commit(origin: str, kind: str, field_path: str, value: Any, salt: bytes) -> bytes:
    """The 32-byte commitment to a value at a place; `salt` is 32 fresh random bytes, never used twice."""
    if len(salt) != SALT_BYTES:
        raise MisuseError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    hidden = encode([origin, kind, field_path, value], OPENING_BYTES_MAX)
    return hashlib.sha256(_DOMAIN + salt + hidden).digest()


def commit_opening(opening: Opening) -> bytes:
    """The commitment that an opening opens."""
    return commit(opening.origin, opening.kind, opening.field_path, opening.value, opening.salt)


def check_opening(commitment: bytes, opening: Opening) -> None:
    """PeerError unless the opening is that of the commitment."""
    if not hmac.compare_digest(commitment, commit_opening(opening)):
        raise PeerError("opening: does not open this commitment")


def format_opening(opening: Opening) -> bytes:
    """The canonical bytes in which an opening travels."""
    raw = encode(to_value(opening), OPENING_BYTES_MAX)
    parse_opening(raw)
    return raw


def parse_opening(raw: bytes) -> Opening:
    """The opening of canonical bytes; RefusedError with the place when they are anything else."""
    value = decode(raw, OPENING_BYTES_MAX)
    if not isinstance(value, dict):
        raise RefusedError.at("opening", "not a map")
    return to_struct(value, Opening, "opening")
