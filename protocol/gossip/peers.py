"""Whom to call and when: back-off after a failure, and which of two connections between the same nodes is kept.

Invariant: both ends settle two connections alike, from what both know.
Spec: docs/spec/session.md
"""

from typing import Final

WAIT_FIRST_MS: Final = 250
WAIT_MAX_MS: Final = 30_000
SETTLED_AFTER_MS: Final = 10_000
"""A connection older than this does not come from both sides dialling at once; a new one shows that it is dead."""


def next_wait_ms(failures: int, random: bytes) -> int:
    """How long to wait after the n-th failure in a row: doubling up to a limit, half of it by chance."""
    whole = min(WAIT_MAX_MS, WAIT_FIRST_MS << min(failures, 16))
    return whole // 2 + whole * int.from_bytes(random[:2]) // 0x20000


def is_replaced(ours: str, theirs: str, old_dialled_by_us: bool, new_dialled_by_us: bool, old_age_ms: int) -> bool:
    """Whether a new connection takes the place of the standing one.

    A second one in the same direction, or one that comes late, means that the first is dead at the other end.
    Otherwise both sides dialled at once: the one that the smaller origin dialled is kept.
    """
    if old_dialled_by_us == new_dialled_by_us or old_age_ms > SETTLED_AFTER_MS:
        return True
    return new_dialled_by_us == (ours < theirs)
