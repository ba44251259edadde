"""What is said while a plan is made: the call, cards, answers, checks and approvals, and which set closes a round.

Invariant: a round's set names, for every participant, its first valid contribution or that it was silent.
Invariant: nobody's contribution is left out that a voter held in time, and no late one changes a closed set.
Spec: docs/spec/planning/plan-records.md
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from protocol.core.encoding import decode, encode, to_struct
from protocol.core.errors import RefusedError
from protocol.core.record import Hash, Origin
from protocol.federation.votes import name_slot
from protocol.planning.cards import ConsumerCard, WorkplaceCard

READINGS_MAX = 8
DRAFTS_MAX = 16
"""Readings with those in which batches are decided, and drafts made again."""
ROUNDS_MAX = 200
PARTICIPANTS_MAX = 128
CARDS_MAX = 64
WAIT_MS_MAX = 3_600_000
REASON_LENGTH_MAX = 500
ALLOCATION_GOODS_MAX = 512
ALLOCATION_PRICE_MICRO_MAX = 10**15
SLOT_DOMAIN = b"rochdale/plan-round/v1\0"
CARDS_ROUND = 0
FIRST_ANSWERS_ROUND = 1

Reading = Annotated[int, msgspec.Meta(ge=1, le=READINGS_MAX)]
DraftNumber = Annotated[int, msgspec.Meta(ge=1, le=DRAFTS_MAX)]
# An answer can never speak in the slot of the cards.
RoundNumber = Annotated[int, msgspec.Meta(ge=FIRST_ANSWERS_ROUND, le=ROUNDS_MAX)]
WaitMs = Annotated[int, msgspec.Meta(ge=1, le=WAIT_MS_MAX)]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Index = Annotated[int, msgspec.Meta(ge=0)]
PriceMicro = Annotated[int, msgspec.Meta(ge=0, le=ALLOCATION_PRICE_MICRO_MAX)]
CardId = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class PlanCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """plan.call: let us plan this period among the members of this roster, over the goods of this file.

    `roster` is the hash of a closed roster version: its members take part and vote. `revision` counts re-plans.
    `start` is the digest of the plan in force that this call goes on from, if it does; `above` the call of the level
    above in which whoever makes this call speaks for its region. What there is not is not written.
    """

    roster: Hash
    scope: Label
    period: Label
    revision: Count
    goods_table: Hash
    readings: Reading
    rounds_max: Annotated[int, msgspec.Meta(ge=1, le=ROUNDS_MAX)]
    cards_wait_ms: WaitMs
    answers_wait_ms: WaitMs
    start: Hash | None = None
    above: Hash | None = None


class Allocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which plan above is in force, by its digest, and the prices there of goods that both plans have.

    `prices`: (good of this call's table, micro-credits per whole unit), goods ascending.
    """

    plan: Hash
    prices: Annotated[tuple[tuple[Index, PriceMicro], ...], msgspec.Meta(max_length=ALLOCATION_GOODS_MAX)]


class PlanCards(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """plan.card: what a member's council asks for and what its workplaces can do, in one reading of a call.

    `allocation` is said by whoever speaks for a region, in the last reading of the region's call; else not written.
    """

    call: Hash
    reading: DraftNumber
    consumers: Annotated[tuple[ConsumerCard, ...], msgspec.Meta(max_length=CARDS_MAX)]
    workplaces: Annotated[tuple[WorkplaceCard, ...], msgspec.Meta(max_length=CARDS_MAX)]
    allocation: Allocation | None = None


class CardAnswer(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One card's answer: quantities in the order of the card."""

    card: CardId
    quantities: Annotated[tuple[int, ...], msgspec.Meta(max_length=4_096)]


class OtherLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands behind an answer for another level: the hash of the state there that it was worked out from, and
    whether the rounds there still go on, so that those here must not end yet."""

    state: Hash
    goes_on: bool


class PlanAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """plan.answer: what a member's cards would do in reply to one state, `round` counting from 1.

    `level` is said by whoever has a card that stands for another level; else it is not written.
    """

    call: Hash
    reading: DraftNumber
    round: RoundNumber
    state: Hash
    answers: Annotated[tuple[CardAnswer, ...], msgspec.Meta(max_length=CARDS_MAX)]
    level: OtherLevel | None = None


class CardRegret(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What one card would still gain at the plan's prices, in micro-credits: self-attested."""

    card: CardId
    regret_micro: int


class PlanCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """plan.check: this node has computed the draft itself and checked its certificate; `findings` counts faults."""

    call: Hash
    reading: DraftNumber
    digest: Hash
    findings: Count
    regrets: Annotated[tuple[CardRegret, ...], msgspec.Meta(max_length=CARDS_MAX)]


class Meeting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a co-op's meeting voted; `made_up` says that no people met and a script decided."""

    yes: Count
    no: Count
    abstained: Count
    made_up: bool


class PlanApproval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """plan.approval: this co-op, after its meeting's vote, approves or refuses one plan, once per attempt."""

    call: Hash
    attempt: Count
    digest: Hash
    approve: bool
    reason: Annotated[str, msgspec.Meta(max_length=REASON_LENGTH_MAX)]
    meeting: Meeting


class _Listed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One participant in a round's set: the leaf hash of its contribution, None when it was silent."""

    origin: Origin
    leaf: Hash | None


def round_slot(call: bytes, reading: int, round_number: int) -> bytes:
    """The decision slot of a round's set; round 0 is the set of cards."""
    return name_slot(SLOT_DOMAIN, call, reading, round_number)


def card_slot(body: PlanCards) -> bytes:
    """The slot that a member's cards are for."""
    return round_slot(body.call, body.reading, CARDS_ROUND)


def answer_slot(body: PlanAnswer) -> bytes:
    """The slot that an answer is for."""
    return round_slot(body.call, body.reading, body.round)


def format_set(listed: Mapping[str, bytes | None]) -> bytes:
    """The content that a round's proposer proposes: every participant, sorted, with its leaf or None."""
    return encode([[origin, listed[origin]] for origin in sorted(listed)])


def parse_set(content: bytes) -> dict[str, bytes | None]:
    """The participants of a proposed set; RefusedError when it is not sorted, repeats one, or is anything else."""
    value = decode(content)
    if not isinstance(value, list) or len(value) > PARTICIPANTS_MAX:
        raise RefusedError.at("set", f"not a list of at most {PARTICIPANTS_MAX} participants")
    listed = [to_struct(item, _Listed, f"set[{index}]") for index, item in enumerate(value)]
    names = [one.origin for one in listed]
    if names != sorted(set(names)):
        raise RefusedError.at("set", "participants are not sorted, or one stands twice")
    return {one.origin: one.leaf for one in listed}


def judge_set(
    content: bytes, participants: frozenset[str], held: Mapping[str, bytes], held_in_time: frozenset[str]
) -> bool | None:
    """Whether a voter accepts a proposed set: True, False, or None while it lacks a contribution that is listed.

    `held` is each participant's first valid contribution as this voter knows it, `held_in_time` those that came before
    its own wait ran out: to list one of these as silent is refused.
    """
    try:
        listed = parse_set(content)
    except RefusedError:
        return False
    if frozenset(listed) != participants:
        return False
    for origin, leaf in listed.items():
        if leaf is None and origin in held_in_time:
            return False
        if leaf is not None and origin in held and held[origin] != leaf:
            return False
    lacking = any(leaf is not None and origin not in held for origin, leaf in listed.items())
    return None if lacking else True
