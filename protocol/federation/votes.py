"""The three things a co-op can sign while a decision is being made: a proposal, a prevote, a precommit.

Invariant: only votes of the slot's voters, for its rounds, are ever kept, and at most two of one voter in one step.
Invariant: a voter who signed two different votes in one step counts, in that step, for every value.
Spec: docs/spec/federation/decision.md
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec

from protocol.core.encoding import Value, encode
from protocol.core.errors import Finding
from protocol.core.record import HASH_BYTES, Hash, Origin

ROUNDS_MAX = 256
"""Rounds of one slot: 0 to 255. A round passes only while a quorum is up, so an outage uses none."""
VOTERS_MAX = 128
VOTES_KEPT_MAX = 2
"""Of one voter in one step of one round: two prove that it signed twice, and then it counts for every value."""
NO_ROUND = -1

Slot: TypeAlias = Hash
"""What is being decided, as 32 opaque bytes: `name_slot` makes them."""
RoundNumber: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=ROUNDS_MAX)]
VoteKind: TypeAlias = Literal["proposal", "prevote", "precommit"]


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Let it be this value: said by the round's proposer, with the earlier round whose prevotes speak for it, or -1."""

    slot: Slot
    round: RoundNumber
    value: Hash
    valid_round: Annotated[int, msgspec.Meta(ge=NO_ROUND, lt=ROUNDS_MAX)]
    voter: Origin


class Prevote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """I accept this value in this round; None: nothing in this round."""

    slot: Slot
    round: RoundNumber
    value: Hash | None
    voter: Origin


class Precommit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """I saw a quorum accept this value and hold to it; None: I saw none. A quorum of these closes the slot."""

    slot: Slot
    round: RoundNumber
    value: Hash | None
    voter: Origin


Vote: TypeAlias = Proposal | Prevote | Precommit
_KINDS: Mapping[type, VoteKind] = {Proposal: "proposal", Prevote: "prevote", Precommit: "precommit"}


class DoubleVote(msgspec.Struct, frozen=True):
    """Proof that one voter signed two different votes in one step of one round."""

    first: Vote
    second: Vote


def kind_of(vote: Vote) -> VoteKind:
    """Which of the three a vote is."""
    return _KINDS[type(vote)]


def name_slot(domain: bytes, *parts: Value) -> bytes:
    """The slot of a question: SHA-256 over its domain and, in canonical bytes, the list of what tells it from others of
    its kind. Each kind of question has a domain of its own."""
    return hashlib.sha256(domain + encode(list(parts))).digest()


def quorum(voter_count: int) -> int:
    """How many of so many voters must agree: more than two thirds; everyone when they are three or fewer."""
    return 2 * voter_count // 3 + 1


def proposer(voters: Sequence[str], slot: bytes, round_number: int) -> str:
    """Who proposes in a round: a seat drawn by the slot's bytes, then one seat on with every round."""
    first_seat = int.from_bytes(hashlib.sha256(slot).digest()[:8], "big")
    return sorted(voters)[(first_seat + round_number) % len(voters)]


def audit_vote(vote: Vote, slot: bytes, voters: Iterable[str]) -> list[Finding]:
    """Why a vote does not count for a slot; an empty list when it does."""
    findings = []
    if vote.slot != slot:
        findings.append(Finding("slot", "the vote is for another slot"))
    if vote.voter not in voters:
        findings.append(Finding("voter", f"{vote.voter} is no voter of this slot"))
    if not 0 <= vote.round < ROUNDS_MAX:
        findings.append(Finding("round", f"{vote.round} is not within 0 to {ROUNDS_MAX - 1}"))
    if isinstance(vote, Proposal) and not NO_ROUND <= vote.valid_round < vote.round:
        findings.append(Finding("valid_round", f"{vote.valid_round} does not come before round {vote.round}"))
    if isinstance(vote, Proposal) and vote.value is None:
        findings.append(Finding("value", "a proposal must name a value"))
    if vote.value is not None and len(vote.value) != HASH_BYTES:
        findings.append(Finding("value", f"{len(vote.value)} bytes, not {HASH_BYTES}"))
    if isinstance(vote, Proposal) and not findings and vote.voter != proposer(tuple(voters), slot, vote.round):
        findings.append(Finding("voter", f"{vote.voter} is not the proposer of round {vote.round}"))
    return findings


def audit_double_votes(votes: Iterable[Vote]) -> list[DoubleVote]:
    """Every voter, step and round with two different votes, each shown once; the same list in any order of votes."""
    by_step: dict[tuple[str, bytes, int, VoteKind], set[Vote]] = {}
    for vote in votes:
        by_step.setdefault((vote.voter, vote.slot, vote.round, kind_of(vote)), set()).add(vote)
    evidence = []
    for step in sorted(by_step):
        if len(by_step[step]) > 1:
            first, second = sorted(by_step[step], key=msgspec.msgpack.encode)[:2]
            evidence.append(DoubleVote(first, second))
    return evidence


class BallotBox(msgspec.Struct, frozen=True):
    """The votes of one slot that count, by (round, kind) and voter. Never changed in place."""

    steps: Mapping[tuple[int, VoteKind], Mapping[str, tuple[Vote, ...]]] = {}
    highest_rounds: Mapping[str, int] = {}

    def find_votes(self, round_number: int, kind: VoteKind) -> Mapping[str, tuple[Vote, ...]]:
        """The votes of one step, by voter."""
        return self.steps.get((round_number, kind), {})

    def list_votes(self) -> list[Vote]:
        """All votes kept."""
        return [vote for step in self.steps.values() for votes in step.values() for vote in votes]

    def list_supporters(self, round_number: int, kind: VoteKind, value: bytes | None) -> list[str]:
        """Who counts for a value in a step: whoever voted for it, and whoever signed two different votes there."""
        step = self.find_votes(round_number, kind)
        return [voter for voter, votes in step.items() if len(votes) > 1 or votes[0].value == value]


def add_vote(box: BallotBox, vote: Vote) -> BallotBox:
    """The box with one more vote that `audit_vote` found nothing against; the same box if it adds nothing."""
    key = (vote.round, kind_of(vote))
    step = box.find_votes(*key)
    known = step.get(vote.voter, ())
    if vote in known or len(known) == VOTES_KEPT_MAX:
        return box
    highest = max(vote.round, box.highest_rounds.get(vote.voter, NO_ROUND))
    return BallotBox(
        {**box.steps, key: {**step, vote.voter: (*known, vote)}}, {**box.highest_rounds, vote.voter: highest}
    )


def list_agreed_values(box: BallotBox, round_number: int, kind: VoteKind, needed: int) -> list[bytes]:
    """The values that at least `needed` voters support in a step, by their bytes.

    More than one only when a third or more of the voters signed twice.
    """
    votes = box.find_votes(round_number, kind).values()
    values = {vote.value for kept in votes for vote in kept if vote.value is not None}
    return sorted(value for value in values if len(box.list_supporters(round_number, kind, value)) >= needed)
