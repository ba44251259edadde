"""The minutes of a plan: the cards and answers that counted, round by round, as bytes that an auditor takes along.

Invariants: canonical JSON (sorted keys, no spaces, integers and text only); only what lies in the members' logs, with
the place where it lies. Spec: docs/spec/planning/plan-audit.md.
"""

import msgspec

from protocol.core.document import format_document, parse_document
from protocol.core.errors import RefusedError
from protocol.planning.call import DRAFTS_MAX, PARTICIPANTS_MAX, ROUNDS_MAX
from protocol.planning.cards import ConsumerCard, GoodsTable, WorkplaceCard

MINUTES_FORMAT = "rochdale-plan-minutes/1"
MINUTES_BYTES_MAX = 256 * 1024 * 1024
STARTS_MAX = 32
"""Plans of which each goes on from the one before."""


class Said(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a contribution lies: the log's origin, the index in it, the entry's leaf hash in hex."""

    origin: str
    index: int
    leaf: str


class RoundMinutes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A closed round: each card's answer in the order of the card; whoever was silent is missing."""

    answers: dict[str, tuple[int, ...]]
    records: tuple[Said, ...] = ()


class ReadingMinutes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One reading: the cards that counted, and its rounds in order. One that decides batches has the cards of the one
    before, and `candidates`: each member's numbers, in the order of the draft's techniques."""

    consumers: tuple[ConsumerCard, ...]
    workplaces: tuple[WorkplaceCard, ...]
    rounds: tuple[RoundMinutes, ...]
    records: tuple[Said, ...] = ()
    candidates: dict[str, tuple[int, ...]] | None = None


class AllocationSaid(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a region's plan keeps to: in which reading, the digest (hex) of the plan above, and its prices for the
    goods of both (good, micro-credits)."""

    reading: int
    plan: str
    prices: tuple[tuple[int, int], ...]


class LevelSaid(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """From which state (hex) of another level's call a member worked out its answer in a round of a reading."""

    reading: int
    round: int
    origin: str
    state: str


class Minutes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All readings of one call. `parameters` are what the call adds to the plan document; `regrets` in micro-credits
    by card, as attested for the last reading's plan. `start` are the minutes of the plan in force that the call goes on
    from, if it does; `allocations` and `levels` what was said for another level, where somebody speaks for one."""

    format: str
    goods_table: GoodsTable
    parameters: dict[str, str | int]
    readings: tuple[ReadingMinutes, ...]
    regrets: dict[str, int]
    start: "Minutes | None" = None
    allocations: tuple[AllocationSaid, ...] = ()
    levels: tuple[LevelSaid, ...] = ()


def format_minutes(minutes: Minutes) -> bytes:
    """The canonical bytes."""
    return format_document(minutes)


def parse_minutes(encoded: bytes) -> Minutes:
    """The minutes in these bytes; RefusedError unless they are canonical and within the limits of a call."""
    minutes = parse_document(encoded, Minutes, MINUTES_FORMAT, "minutes", MINUTES_BYTES_MAX)
    one: Minutes | None = minutes
    place = "minutes"
    for _ in range(STARTS_MAX):
        if one is None:
            return minutes
        _check_limits(one, place)
        one, place = one.start, f"{place}.start"
    raise RefusedError.at(place, f"a chain of more than {STARTS_MAX} plans that go on from one another")


def _check_limits(minutes: Minutes, place: str) -> None:
    if not 1 <= len(minutes.readings) <= DRAFTS_MAX:
        raise RefusedError.at(f"{place}.readings", f"must be 1 to {DRAFTS_MAX}")
    table = len(minutes.goods_table.goods)
    for allocation in minutes.allocations:
        if any(not 0 <= good < table or price < 0 for good, price in allocation.prices):
            raise RefusedError.at(f"{place}.allocations", "names a good that is not in the table, or a price below 0")
    for number, reading in enumerate(minutes.readings, 1):
        if len(reading.rounds) > ROUNDS_MAX:
            raise RefusedError.at(f"{place}.readings[{number}]", f"more than {ROUNDS_MAX} rounds")
        if len(reading.candidates or ()) > PARTICIPANTS_MAX:
            raise RefusedError.at(f"{place}.readings[{number}]", f"more than {PARTICIPANTS_MAX} candidates")
