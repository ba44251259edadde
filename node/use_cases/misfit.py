"""A value of another shape than was asked for: where it parts from it, in words for whoever wrote it.

Invariant: what was written is not quoted; the place is the field's name as it is written.
"""

import msgspec

from protocol.core.encoding import split_misfit
from protocol.core.errors import RefusedError, shorten

_HEX_MARK = "[0-9a-f]{64}"
_PATTERN = "Expected `str` matching regex "
NOT_AN_ID = "must be all of its 64 digits and letters (0 to 9, a to f); --json shows them in full"
OTHER_FORM = "is not written in the form that is asked for"


def refuse_misfit(error: msgspec.ValidationError, place: str, file: str = "") -> RefusedError:
    """A refusal at the field that does not fit, or at `place` where it is the whole; in a `file` the field is named
    after the file."""
    path, reason = split_misfit(error)
    if reason.startswith(_PATTERN):
        reason = NOT_AN_ID if _HEX_MARK in reason else OTHER_FORM
    reason, field = shorten(reason), path.removeprefix(".")
    if file:
        return RefusedError.at(file, f"{field}: {reason}" if field else reason)
    return RefusedError.at(field or place, reason)
