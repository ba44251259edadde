"""Whom to call and when, which of two connections is kept, and what is held against a peer that breaks the rules.

Invariant: both ends settle two connections alike, from what both know.
Invariant: what is held against a peer fades; nobody is sent away for ever, and never for longer than the limit.
Spec: docs/spec/gossip/session.md
"""

from enum import Enum
from typing import Final, NamedTuple

WAIT_FIRST_MS: Final = 250
WAIT_MAX_MS: Final = 30_000
DOUBLINGS_MAX: Final = 16
SETTLED_AFTER_MS: Final = 10_000
"""A connection older than this does not come from both sides dialling at once; a new one shows that it is dead."""

POINTS_MAX: Final = 100
"""From so many points on a peer is sent away for a while."""
POINTS_AFTER_AWAY: Final = POINTS_MAX // 2
"""Whoever comes back is on probation."""
POINTS_HALVE_MS: Final = 10 * 60_000
AWAY_FIRST_MS: Final = 60_000
AWAY_MAX_MS: Final = 24 * 3_600_000
AWAY_FORGOTTEN_MS: Final = 24 * 3_600_000
"""After so long without a fault the next time away is the first again."""

FRAMES_PER_S: Final = 2_000
FRAMES_BURST: Final = 20_000
"""Frames beside those that carry entries and files: a first meeting over thousands of logs fits in one burst."""


class Fault(Enum):
    """What a peer can do wrong; FAULT_POINTS says how much each counts."""

    FORM = "broke the form of the session"
    UNTRUE = "sent what does not hold"
    DOUBTFUL = "sent what may be of another version of a log"
    FLOOD = "asked for or left lying more than the limits"
    SLOW = "kept us waiting"


FAULT_POINTS: Final[dict[Fault, int]] = {
    Fault.FORM: 25,
    Fault.UNTRUE: 40,
    Fault.DOUBTFUL: 10,
    Fault.FLOOD: 40,
    Fault.SLOW: 5,
}


class Standing(NamedTuple):
    """What is held against one peer, as of `noted_ms` of one steady clock; `away_ms` is 0 or when it may come back."""

    points: int = 0
    noted_ms: int = 0
    times_away: int = 0
    away_ms: int = 0


def note_fault(standing: Standing, fault: Fault, now_ms: int) -> Standing:
    """The standing after one more fault; at the limit the peer is sent away, each time for twice as long."""
    faded = fade(standing, now_ms)
    points = faded.points + FAULT_POINTS[fault]
    if points < POINTS_MAX:
        return faded._replace(points=points, noted_ms=now_ms)
    times = faded.times_away + 1
    return Standing(POINTS_AFTER_AWAY, now_ms, times, now_ms + _away_length_ms(times))


def fade(standing: Standing, now_ms: int) -> Standing:
    """The standing with its points halved for each stretch without a fault."""
    quiet_ms = max(0, now_ms - max(standing.noted_ms, standing.away_ms))
    halvings = quiet_ms // POINTS_HALVE_MS
    if not halvings:
        return standing
    times_away = 0 if quiet_ms >= AWAY_FORGOTTEN_MS else standing.times_away
    return Standing(standing.points >> min(halvings, POINTS_MAX), now_ms, times_away, standing.away_ms)


def away_wait_ms(standing: Standing, now_ms: int) -> int:
    """How long a peer has still to stay away; 0: it may come."""
    return min(AWAY_MAX_MS, max(0, standing.away_ms - now_ms))


def move_clock(standing: Standing, by_ms: int, now_ms: int) -> Standing:
    """The standing on another clock, `by_ms` ahead, that says `now_ms`; putting a clock right lengthens nothing."""
    noted_ms = min(now_ms, standing.noted_ms + by_ms)
    away_ms = min(now_ms + _away_length_ms(standing.times_away), standing.away_ms + by_ms)
    return standing._replace(noted_ms=noted_ms, away_ms=away_ms)


def _away_length_ms(times: int) -> int:
    """How long a peer stays away the n-th time; 0 for one that was never sent away."""
    return double_wait_ms(AWAY_FIRST_MS, AWAY_MAX_MS, times - 1) if times else 0


def spend_frame(free_us: int, now_us: int) -> tuple[int, int]:
    """One more frame of a peer: the new `free_us`, and how many microseconds to wait before the next is read.

    A burst passes at once; what comes faster than FRAMES_PER_S for long is read no faster than that.
    """
    free_us = max(free_us, now_us) + 1_000_000 // FRAMES_PER_S
    return free_us, max(0, free_us - now_us - FRAMES_BURST * 1_000_000 // FRAMES_PER_S)


def double_wait_ms(first_ms: int, max_ms: int, times: int) -> int:
    """What is waited after so many failures more: the first wait, doubled each time up to a bound."""
    return min(max_ms, first_ms << min(times, DOUBLINGS_MAX))


def shorten_wait_ms(whole_ms: int, random: bytes) -> int:
    """Half of a wait to nearly all of it, by chance: those who failed together do not come back together."""
    return whole_ms // 2 + whole_ms * int.from_bytes(random[:2]) // 0x20000


def next_wait_ms(failures: int, random: bytes) -> int:
    """How long to wait after the n-th failure in a row: doubling up to a limit, half of it by chance."""
    return shorten_wait_ms(double_wait_ms(WAIT_FIRST_MS, WAIT_MAX_MS, failures), random)


def is_replaced(ours: str, theirs: str, old_dialled_by_us: bool, new_dialled_by_us: bool, old_age_ms: int) -> bool:
    """Whether a new connection takes the place of the standing one.

    A second one in the same direction, or one that comes late, means that the first is dead at the other end.
    Otherwise both sides dialled at once: the one that the smaller origin dialled is kept.
    """
    if old_dialled_by_us == new_dialled_by_us or old_age_ms > SETTLED_AFTER_MS:
        return True
    return new_dialled_by_us == (ours < theirs)
