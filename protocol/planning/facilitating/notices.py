"""What the people who look after a plan may say while it is made: pause, resume, extend, end, set aside, call off.

Invariant: what it comes to is a function of the set of words; each facilitator's own are ordered by its log.
Invariant: no word changes a set that is closed, and none touches a quantity: there are waits, silence and a halt.
Spec: docs/spec/planning/facilitation.md
"""

from collections.abc import Collection, Mapping
from typing import Annotated, Literal

import msgspec

from protocol.core.errors import Finding
from protocol.core.record import Hash
from protocol.planning.call import CARDS_ROUND, REASON_LENGTH_MAX, ROUNDS_MAX, DraftNumber, WaitMs

Act = Literal["pause", "resume", "extend", "end_round", "set_aside", "end_vote", "call_off"]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=REASON_LENGTH_MAX)]
AnyRound = Annotated[int, msgspec.Meta(ge=CARDS_ROUND, le=ROUNDS_MAX)]


class PlanNotice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """plan.notice: a facilitator's word on a call, with its reason.

    extend (to `wait_ms`) and end_round name a reading and a round (0: the cards), set_aside the leaf of a card or
    answer, end_vote the reading whose draft is voted on; the others name nothing.
    """

    call: Hash
    act: Act
    reason: Reason
    reading: DraftNumber | None
    round: AnyRound | None
    wait_ms: WaitMs | None
    leaf: Hash | None


class PlanObjection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """plan.objection: a member does not agree with a facilitator's word, and says why. It is shown beside it."""

    call: Hash
    notice: Hash
    reason: Reason


class Standing(msgspec.Struct, frozen=True):
    """What the facilitators' words on a call come to; a round is (reading, number).

    `answers_aside`: (reading, member) -> the first round of which an answer was set aside, as far as it is held here.
    """

    called_off_by: tuple[str, ...] = ()
    paused_by: tuple[str, ...] = ()
    waits_ms: dict[tuple[int, int], int] = {}
    ended: frozenset[tuple[int, int]] = frozenset()
    set_aside: frozenset[bytes] = frozenset()
    votes_ended: frozenset[int] = frozenset()
    answers_aside: dict[tuple[int, str], int] = {}

    def is_aside(self, reading: int, number: int, origin: str, leaf: bytes | None) -> bool:
        """Whether what a member says in this round counts as silence: it was set aside, or an answer of it before."""
        return leaf in self.set_aside or self.answers_aside.get((reading, origin), ROUNDS_MAX) < number

    @property
    def is_held(self) -> bool:
        """Whether no node should begin or go on with a round by itself."""
        return bool(self.called_off_by or self.paused_by)


def audit_notice(notice: PlanNotice) -> list[Finding]:
    """Why a notice says nothing: it names too little for what it wants, or more."""
    needed = {
        "extend": {"reading", "round", "wait_ms"},
        "end_round": {"reading", "round"},
        "set_aside": {"leaf"},
        "end_vote": {"reading"},
    }
    named = {place for place in ("reading", "round", "wait_ms", "leaf") if getattr(notice, place) is not None}
    asked = needed.get(notice.act, set())
    found = [Finding(place, f"{notice.act} needs it") for place in sorted(asked - named)]
    return found + [Finding(place, f"{notice.act} does not take it") for place in sorted(named - asked)]


def list_facilitators(named: Collection[str], caller: str) -> frozenset[str]:
    """Whose words count: the charter's facilitators, or where it names none the member that called the plan."""
    return frozenset(named or (caller,))


def apply_notices(spoken: Mapping[str, tuple[PlanNotice, ...]], facilitators: Collection[str]) -> Standing:
    """Fold what each facilitator said, in the order of its own log; others' words and void ones count for nothing."""
    called_off, paused = set[str](), set[str]()
    waits_ms: dict[tuple[int, int], int] = {}
    ended, set_aside, votes_ended = set[tuple[int, int]](), set[bytes](), set[int]()
    for origin in sorted(set(facilitators) & spoken.keys()):
        for notice in spoken[origin]:
            if audit_notice(notice):
                continue
            match notice:
                case PlanNotice(act="call_off"):
                    called_off.add(origin)
                case PlanNotice(act="pause"):
                    paused.add(origin)
                case PlanNotice(act="resume"):
                    paused.discard(origin)
                case PlanNotice(act="extend", reading=int(reading), round=int(number), wait_ms=int(wait_ms)):
                    waits_ms[reading, number] = max(wait_ms, waits_ms.get((reading, number), 0))
                case PlanNotice(act="end_round", reading=int(reading), round=int(number)):
                    ended.add((reading, number))
                case PlanNotice(act="set_aside", leaf=bytes(leaf)):
                    set_aside.add(leaf)
                case PlanNotice(act="end_vote", reading=int(reading)):
                    votes_ended.add(reading)
    return Standing(
        tuple(sorted(called_off)),
        tuple(sorted(paused)),
        waits_ms,
        frozenset(ended),
        frozenset(set_aside),
        frozenset(votes_ended),
    )
