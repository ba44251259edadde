"""A record that waits for its number in a log: all else is written.

Invariant: once numbered it is byte for byte what format_record makes of the record with that number.
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


class Unnumbered(NamedTuple):
    """A record and its entry bytes before and after the sequence number; the record's own number says nothing."""

    record: Record
    before: bytes
    after: bytes


def lay_out_record(record: Record) -> Unnumbered:
    """All that format_record checks and writes but the number; RefusedError for what no node would parse.

    The longest number must fit too, so that what was laid out once can get any.
    """
    raw = format_record(msgspec.structs.replace(record, seq=INDEX_MAX))
    after = _format_after(record.sigs) if record.sigs else _AFTER_UNSIGNED
    before = raw[: -len(_SEQ_MAX + after)]
    assert before + _SEQ_MAX + after == raw
    return Unnumbered(record, before, after)


def number_record(unnumbered: Unnumbered, seq: int) -> bytes:
    """The entry bytes of the record as number `seq` of a log."""
    return unnumbered.before + encode(seq) + unnumbered.after
