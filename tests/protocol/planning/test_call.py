"""Which set may close a round."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.core.errors import RefusedError
from protocol.planning.call import (
    format_set,
    judge_set,
    parse_set,
    round_slot,
)

A, B, C = "a.example/log", "b.example/log", "c.example/log"
ONE, TWO, THREE = (bytes([number]) * 32 for number in (1, 2, 3))
MEMBERS = frozenset({A, B, C})


@pytest.mark.parametrize(
    ("sentence", "listed", "held", "in_time", "verdict"),
    [
        ("all listed and all held", {A: ONE, B: TWO, C: THREE}, {A: ONE, B: TWO, C: THREE}, MEMBERS, True),
        ("one listed that we do not hold yet", {A: ONE, B: TWO, C: THREE}, {A: ONE, B: TWO}, {A, B}, None),
        ("one listed with another than its first", {A: ONE, B: TWO, C: ONE}, {A: ONE, B: TWO, C: THREE}, {A}, False),
        ("one called silent that we held in time", {A: ONE, B: TWO, C: None}, {A: ONE, B: TWO, C: THREE}, {C}, False),
        ("one called silent that came to us late", {A: ONE, B: TWO, C: None}, {A: ONE, B: TWO, C: THREE}, {A}, True),
        ("one called silent that we never heard", {A: ONE, B: TWO, C: None}, {A: ONE, B: TWO}, {A, B}, True),
        ("a participant left out", {A: ONE, B: TWO}, {A: ONE, B: TWO}, set(), False),
        ("a stranger added", {A: ONE, B: TWO, C: None, "d.example/log": ONE}, {A: ONE, B: TWO}, set(), False),
        ("a wrong one outweighs a lacking one", {A: TWO, B: TWO, C: THREE}, {A: ONE, B: TWO}, {A}, False),
    ],
)
def test_a_set_is_judged(
    sentence: str,
    listed: dict[str, bytes | None],
    held: dict[str, bytes],
    in_time: frozenset[str],
    verdict: bool | None,
) -> None:
    assert judge_set(format_set(listed), MEMBERS, held, frozenset(in_time)) is verdict, sentence


@pytest.mark.parametrize("content", [b"", b"\x00", b"\x90\x90", b"\x91\x92\xa1a\xc0", b"\xff" * 9])
def test_a_malformed_set_is_refused(content: bytes) -> None:
    assert judge_set(content, MEMBERS, {}, frozenset()) is False


def test_a_set_that_repeats_or_is_unsorted_is_refused() -> None:
    from protocol.core.encoding import encode

    for rows in ([[B, ONE], [A, ONE]], [[A, ONE], [A, TWO]]):
        with pytest.raises(RefusedError, match="sorted"):
            parse_set(encode(rows))


@given(st.dictionaries(st.sampled_from([A, B, C, "d.example/log"]), st.none() | st.binary(min_size=32, max_size=32)))
def test_a_set_reads_back_as_it_was_written(listed: dict[str, bytes | None]) -> None:
    assert parse_set(format_set(listed)) == listed


def test_slots_differ_by_call_reading_and_round() -> None:
    slots = {round_slot(call, reading, number) for call in (ONE, TWO) for reading in (1, 2) for number in range(5)}
    assert len(slots) == 20
