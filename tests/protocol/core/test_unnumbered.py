"""A record that waits for its place is, once placed, the very record that was meant."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.core.encoding import ENTRY_BYTES_MAX
from protocol.core.errors import MisuseError, RefusedError
from protocol.core.identity import key_id
from protocol.core.record import (
    INDEX_MAX,
    Record,
    Statement,
    embed_statement,
    enter_by_office,
    format_record,
    parse_record,
    sign_statement,
)
from protocol.core.unnumbered import lay_out_record, number_record
from tests.protocol.core.values import LOG_KEY, MEMBER_KEY, OFFICE_KEY, bodies, kinds, references, statements

LOG_ID = key_id(LOG_KEY.public)
# Numbers of every length that msgpack writes them in.
places = st.sampled_from([0, 127, 128, 255, 256, 2**16 - 1, 2**16, 2**32 - 1, 2**32, INDEX_MAX]) | st.integers(
    0, INDEX_MAX
)


@settings(max_examples=60)
@given(kinds, st.lists(references, max_size=3), bodies | st.binary(min_size=32, max_size=32), places, places)
def test_a_numbered_record_has_the_bytes_of_the_whole(
    kind: str, refs: list[object], body: object, seq: int, other: int
) -> None:
    record = msgspec.convert(
        {"kind": kind, "seq": other, "at": 1, "by": LOG_ID, "refs": refs, "body": body}, Record, builtin_types=(bytes,)
    )
    placed = msgspec.structs.replace(record, seq=seq)
    assert number_record(lay_out_record(record), seq) == format_record(placed)


@settings(max_examples=40)
@given(statements, places, st.booleans())
def test_a_placed_statement_has_the_bytes_of_the_record(statement: Statement, seq: int, is_office: bool) -> None:
    own, entered = sign_statement(statement, MEMBER_KEY), enter_by_office(statement, OFFICE_KEY)
    sigs = (own, entered) if is_office else (own,)
    raw = number_record(lay_out_record(embed_statement(statement, sigs, 0)), seq)
    assert raw == format_record(embed_statement(statement, sigs, seq)) and parse_record(raw).seq == seq


def test_what_cannot_be_a_record_is_refused_before_it_has_a_place() -> None:
    plain = Record(kind="a.b", seq=0, at=1, by=LOG_ID, body={})
    refused: list[dict[str, Any]] = [{"kind": "A.b"}, {"at": -1}, {"by": b"x"}, {"body": b"x"}, {"body": {"x": 2**63}}]
    for change in refused:
        with pytest.raises(RefusedError):
            lay_out_record(msgspec.structs.replace(plain, **change))
    misused: list[Any] = [{"x": 0.5}, {1: 2}]
    for body in misused:
        with pytest.raises(MisuseError):
            lay_out_record(msgspec.structs.replace(plain, body=body))


def test_a_record_that_fits_with_any_number_is_laid_out_and_one_that_would_not_is_refused() -> None:
    def sized(length: int) -> Record:
        return Record(kind="a.b", seq=0, at=1, by=LOG_ID, body={"x": bytes(length)})

    spare = ENTRY_BYTES_MAX - len(format_record(msgspec.structs.replace(sized(1_000), seq=INDEX_MAX)))
    assert len(number_record(lay_out_record(sized(1_000 + spare)), INDEX_MAX)) == ENTRY_BYTES_MAX
    with pytest.raises(RefusedError, match="at most"):
        lay_out_record(sized(1_001 + spare))
