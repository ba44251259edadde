"""What one node knows of one decision, what can happen to it, and what it may ask its owner to do.

Invariant: a state is never changed in place; where the node stands and what it holds to are read off its own votes.
Spec: docs/spec/federation/decision.md
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from protocol.federation.votes import NO_ROUND, BallotBox, Precommit, Vote, VoteKind

TimerStep: TypeAlias = Literal["propose", "prevote", "precommit"]
Step: TypeAlias = Literal["new", "propose", "prevote", "precommit", "closed"]


class Start(msgspec.Struct, frozen=True):
    """Take part from now on, also again after a restart."""


class Received(msgspec.Struct, frozen=True):
    """A vote whose signature (or place in its voter's log) has been checked; one's own come back this way too."""

    vote: Vote


class Timeout(msgspec.Struct, frozen=True):
    """The wait asked for with `SetTimer` ran out."""

    round: int
    step: TimerStep


class ValueReady(msgspec.Struct, frozen=True):
    """What this node would propose, and so accept; the latest one stands."""

    value: bytes


class Judged(msgspec.Struct, frozen=True):
    """Whether this node would accept a value; it may change, and binds at the moment of the prevote only."""

    value: bytes
    acceptable: bool


class Cast(msgspec.Struct, frozen=True):
    """Sign this vote: write it durably to the own log before anybody sees it. It is already counted."""

    vote: Vote


class SetTimer(msgspec.Struct, frozen=True):
    """Come back with `Timeout` after `wait_s(round, step)`."""

    round: int
    step: TimerStep


class NeedJudgement(msgspec.Struct, frozen=True):
    """A proposal waits for `Judged` of this value; until then this node says nothing, then nil."""

    value: bytes


class Closed(msgspec.Struct, frozen=True):
    """Decided for ever; the precommits alone prove it to anybody who knows the voters."""

    value: bytes
    precommits: tuple[Precommit, ...]


Event: TypeAlias = Start | Received | Timeout | ValueReady | Judged
Action: TypeAlias = Cast | SetTimer | NeedJudgement | Closed


class DecisionState(msgspec.Struct, frozen=True, kw_only=True):
    """One node's view of one slot, which `needed` voters close. Never changed in place; step and lock are read off its
    own votes."""

    voter: str
    voters: tuple[str, ...]
    slot: bytes
    needed: int
    box: BallotBox = BallotBox()
    round: int = NO_ROUND
    ready: bytes | None = None
    judgements: Mapping[bytes, bool] = {}
    asked: frozenset[bytes] = frozenset()
    timers: frozenset[tuple[int, TimerStep]] = frozenset()
    closed: bytes | None = None


Move: TypeAlias = tuple[DecisionState, tuple[Action, ...]]


def step_of(state: DecisionState) -> Step:
    """Where a node stands in its round."""
    if state.closed is not None:
        return "closed"
    if state.round == NO_ROUND:
        return "new"
    if has_cast(state, state.round, "precommit"):
        return "precommit"
    return "prevote" if has_cast(state, state.round, "prevote") else "propose"


def has_cast(state: DecisionState, round_number: int, kind: VoteKind) -> bool:
    """Whether this node has already signed a vote of this kind in a round."""
    return state.voter in state.box.find_votes(round_number, kind)
