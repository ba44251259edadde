"""A record that waits for its place in a log: all is settled and written but the sequence number.

Invariant: a placed draft is byte for byte what format_record makes of the record with that number.
Spec: docs/spec/core/record.md
"""

from typing import Final, NamedTuple

import msgspec

from protocol.core.encoding import encode, to_value
from protocol.core.record import INDEX_MAX, VERSION, Record, Sig, format_record

_SEQ_MAX: Final = encode(INDEX_MAX)


def _format_after(sigs: tuple[Sig, ...]) -> bytes:
    # Keys lie in the order of their bytes: what comes after `seq` are the signatures and the version.
    return encode("sigs") + encode(to_value(sigs)) + encode("v") + encode(VERSION)


_AFTER_UNSIGNED: Final = _format_after(())


class Draft(NamedTuple):
    """A record and its entry bytes before and after the sequence number; the record's own number says nothing."""

    record: Record
    before: bytes
    after: bytes


def draft_record(record: Record) -> Draft:
    """All that format_record checks and writes, for whatever place; RefusedError for what no node would parse.

    The longest number must fit too, so that a draft that was made can be placed anywhere.
    """
    raw = format_record(msgspec.structs.replace(record, seq=INDEX_MAX))
    after = _format_after(record.sigs) if record.sigs else _AFTER_UNSIGNED
    before = raw[: -len(_SEQ_MAX + after)]
    assert before + _SEQ_MAX + after == raw
    return Draft(record, before, after)


def place_draft(draft: Draft, seq: int) -> bytes:
    """The entry bytes of the record as number `seq` of a log."""
    return draft.before + encode(seq) + draft.after
