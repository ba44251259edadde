"""Lines that people paste: they survive a mail, and a mistyped letter is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.core.errors import RefusedError
from protocol.core.text_token import format_token, parse_token

PREFIX = "rochdale-test:"


@given(st.binary(max_size=200), st.integers(1, 60))
def test_a_line_reads_back_also_when_a_mail_has_broken_it(raw: bytes, width: int) -> None:
    line = format_token(PREFIX, raw)
    broken = "\r\n".join(line[at : at + width] for at in range(0, len(line), width))
    assert parse_token(PREFIX, broken, 200, "line") == raw


@given(st.binary(min_size=1, max_size=60), st.data())
def test_one_wrong_letter_is_noticed(raw: bytes, data: st.DataObject) -> None:
    line = format_token(PREFIX, raw)
    at = data.draw(st.integers(len(PREFIX), len(line) - 1))
    letter = data.draw(st.sampled_from("ABCabc019-_").filter(lambda one: one != line[at]))
    with pytest.raises(RefusedError):
        parse_token(PREFIX, line[:at] + letter + line[at + 1 :], 60, "line")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin"),
        ("rochdale-other:AAAA", "does not begin"),
        (PREFIX + "A" * 5_000, "too long"),
        (PREFIX + "a*b!", "do not belong"),
        (PREFIX + "é", "does not begin"),
        (PREFIX, "checksum"),
    ],
)
def test_what_is_no_such_line_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        parse_token(PREFIX, text, 100, "line")
