"""Bytes that people paste into a mail: one line with a prefix that says what it is, and a checksum.

Invariant: a line parses in one way only, and a mistyped letter is noticed.
"""

import base64
import hashlib

from protocol.core.errors import RefusedError

CHECKSUM_BYTES = 4


def format_token(prefix: str, raw: bytes) -> str:
    """The one-line form of bytes: prefix, then base64url of checksum and bytes."""
    return prefix + base64.urlsafe_b64encode(_checksum(raw) + raw).decode().rstrip("=")


def parse_token(prefix: str, text: str, bytes_max: int, place: str) -> bytes:
    """The bytes of a line; blanks and line breaks that a mail put in are passed over. RefusedError says what is wrong.

    At most `bytes_max` bytes are read.
    """
    squeezed = "".join(text.split()) if len(text) <= 4 * bytes_max else ""
    if not squeezed.startswith(prefix) or not squeezed.isascii():
        raise RefusedError.at(place, f"does not begin with {prefix} or is too long")
    encoded = squeezed.removeprefix(prefix)
    try:
        whole = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise RefusedError.at(place, "holds letters that do not belong there") from None
    raw = whole[CHECKSUM_BYTES:]
    if len(raw) > bytes_max or _checksum(raw) != whole[:CHECKSUM_BYTES] or format_token(prefix, raw) != squeezed:
        raise RefusedError.at(place, "a letter is wrong or missing: the checksum does not fit")
    return raw


def _checksum(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()[:CHECKSUM_BYTES]
