"""Back-off, and which of two connections is kept: the same at both ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.gossip.peers import SETTLED_AFTER_MS, WAIT_FIRST_MS, WAIT_MAX_MS, is_replaced, next_wait_ms


@given(st.integers(0, 1_000), st.binary(min_size=2, max_size=2))
def test_waits_double_up_to_a_limit_and_half_is_chance(failures: int, random: bytes) -> None:
    whole = min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** min(failures, 20))
    assert whole // 2 <= next_wait_ms(failures, random) < whole


@given(st.booleans(), st.booleans(), st.integers(0, SETTLED_AFTER_MS))
def test_when_both_dial_at_once_both_keep_the_same_connection(
    us_first: bool, old_dialled_by_us: bool, age_ms: int
) -> None:
    ours, theirs = ("a.example", "b.example") if us_first else ("b.example", "a.example")
    new_dialled_by_us = not old_dialled_by_us
    here = is_replaced(ours, theirs, old_dialled_by_us, new_dialled_by_us, age_ms)
    # The other end may have met the two in the other order.
    there = is_replaced(theirs, ours, old_dialled_by_us, new_dialled_by_us, age_ms)
    kept_here = "new" if here else "old"
    kept_there = "old" if there else "new"
    assert kept_here == kept_there


@pytest.mark.parametrize(
    ("old_dialled_by_us", "new_dialled_by_us", "age_ms"),
    [(True, True, 0), (False, False, 0), (True, False, SETTLED_AFTER_MS + 1), (False, True, SETTLED_AFTER_MS + 1)],
    ids=["we dial again", "they dial again", "they dial late", "we dial late"],
)
def test_a_connection_that_must_be_dead_is_replaced(
    old_dialled_by_us: bool, new_dialled_by_us: bool, age_ms: int
) -> None:
    assert is_replaced("a.example", "b.example", old_dialled_by_us, new_dialled_by_us, age_ms)
    assert is_replaced("b.example", "a.example", old_dialled_by_us, new_dialled_by_us, age_ms)
