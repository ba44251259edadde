"""Back-off, which of two connections is kept, and how long whoever breaks the rules stays away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.gossip.peers import (
    AWAY_FIRST_MS,
    AWAY_FORGOTTEN_MS,
    AWAY_MAX_MS,
    FAULT_POINTS,
    FRAMES_BURST,
    FRAMES_PER_S,
    POINTS_HALVE_MS,
    POINTS_MAX,
    SETTLED_AFTER_MS,
    WAIT_FIRST_MS,
    WAIT_MAX_MS,
    Fault,
    Standing,
    away_wait_ms,
    fade,
    is_replaced,
    move_clock,
    next_wait_ms,
    note_fault,
    spend_frame,
)


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


def test_every_kind_of_fault_has_its_points() -> None:
    assert FAULT_POINTS.keys() == set(Fault)
    assert all(0 < points < POINTS_MAX for points in FAULT_POINTS.values())


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name)
def test_it_takes_several_faults_in_a_row_to_be_sent_away(fault: Fault) -> None:
    standing, count = Standing(), 0
    while not away_wait_ms(standing, 1_000):
        standing, count = note_fault(standing, fault, 1_000), count + 1
    assert count == -(-POINTS_MAX // FAULT_POINTS[fault]) > 1
    assert away_wait_ms(standing, 1_000) == AWAY_FIRST_MS
    assert away_wait_ms(standing, 1_000 + AWAY_FIRST_MS) == 0


def test_whoever_goes_on_stays_away_twice_as_long_each_time_up_to_a_day() -> None:
    standing, now_ms, waits = Standing(), 0, list[int]()
    for _ in range(20):
        while not away_wait_ms(standing, now_ms):
            standing = note_fault(standing, Fault.UNTRUE, now_ms)
        waits.append(away_wait_ms(standing, now_ms))
        now_ms = standing.away_ms
    assert waits == [min(AWAY_MAX_MS, AWAY_FIRST_MS << time) for time in range(20)]


def test_faults_that_come_seldom_never_add_up() -> None:
    standing = Standing()
    for number in range(50):
        standing = note_fault(standing, Fault.UNTRUE, number * 2 * POINTS_HALVE_MS)
        assert away_wait_ms(standing, number * 2 * POINTS_HALVE_MS) == 0


def test_a_day_without_a_fault_forgets_all() -> None:
    standing = note_fault(Standing(points=90, times_away=9), Fault.UNTRUE, 0)
    later = fade(standing, standing.away_ms + AWAY_FORGOTTEN_MS)
    assert (later.points, later.times_away) == (0, 0)


@given(st.integers(0, 5), st.integers(-(10**12), 10**12), st.integers(0, 10**12))
def test_no_clock_that_jumps_keeps_a_peer_away_longer(times: int, jump_ms: int, now_ms: int) -> None:
    standing = Standing(times_away=times, points=99, noted_ms=now_ms)
    away = note_fault(standing, Fault.SLOW, now_ms)
    moved = move_clock(away, jump_ms, now_ms)
    assert away_wait_ms(moved, now_ms) <= AWAY_FIRST_MS << (moved.times_away - 1)
    assert moved.noted_ms <= now_ms


@given(st.lists(st.integers(0, 2_000), max_size=200))
def test_frames_are_read_at_once_in_a_burst_and_at_the_limit_for_long(pauses_us: list[int]) -> None:
    free_us = now_us = 0
    for pause_us in pauses_us:
        now_us += pause_us
        free_us, wait_us = spend_frame(free_us, now_us)
        assert wait_us == 0
    for _ in range(FRAMES_BURST + FRAMES_PER_S):
        free_us, wait_us = spend_frame(free_us, now_us)
        now_us += wait_us
    assert wait_us == 1_000_000 // FRAMES_PER_S
