"""The name of a log: the origin line of its signed heads, such as `northside.example/log`.

Invariant: an origin is lower-case ASCII in its host part, so that no two origins look alike.
Spec: docs/spec/log/note-and-checkpoint.md
"""

import re
from typing import Final

from protocol.core.errors import RefusedError

# The cosigned_message of C2SP tlog-cosignature gives an origin one length byte.
ORIGIN_BYTES_MAX: Final = 255
ORIGIN_PATTERN: Final = r"^[a-z0-9][a-z0-9.-]*(?::[0-9]{1,5})?(?:/[A-Za-z0-9_~][A-Za-z0-9._~-]*)*\Z"

_ORIGIN = re.compile(ORIGIN_PATTERN)


def is_origin(text: str) -> bool:
    """Whether a text is a schema-less URL that may name a log."""
    return len(text) <= ORIGIN_BYTES_MAX and _ORIGIN.match(text) is not None


def check_origin(origin: str, place: str = "origin") -> None:
    """RefusedError at `place` unless the text may name a log."""
    if not is_origin(origin):
        raise RefusedError.at(place, "not the name of a log, such as northside.example/log")
