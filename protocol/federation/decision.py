"""How co-ops settle one question for ever: one proposes, all say what they would accept, then what they hold to.

Invariant: two nodes never close one slot on different values while fewer than a third of the voters sign twice.
Invariant: everything that binds a node is its own cast votes; a restart that still has them never contradicts them.
Invariant: a closed slot stays as it is, whatever arrives later.
Spec: docs/spec/federation/decision.md
"""

from collections.abc import Iterable

import msgspec

from protocol.core.errors import MisuseError
from protocol.federation.decision_rules import expire, find_closing, find_move
from protocol.federation.decision_state import (
    Action,
    Cast,
    Closed,
    DecisionState,
    Event,
    Judged,
    Move,
    NeedJudgement,
    Received,
    SetTimer,
    Start,
    Step,
    Timeout,
    TimerStep,
    ValueReady,
    step_of,
)
from protocol.federation.votes import (
    NO_ROUND,
    ROUNDS_MAX,
    VOTERS_MAX,
    BallotBox,
    DoubleVote,
    Precommit,
    Prevote,
    Proposal,
    Slot,
    Vote,
    add_vote,
    audit_double_votes,
    audit_vote,
    proposer,
    quorum,
)

__all__ = [
    "NO_ROUND",
    "ROUNDS_MAX",
    "VOTERS_MAX",
    "Action",
    "Cast",
    "Closed",
    "DecisionState",
    "DoubleVote",
    "Event",
    "Judged",
    "NeedJudgement",
    "Precommit",
    "Prevote",
    "Proposal",
    "Received",
    "SetTimer",
    "Slot",
    "Start",
    "Step",
    "Timeout",
    "TimerStep",
    "ValueReady",
    "Vote",
    "audit_double_votes",
    "audit_vote",
    "handle",
    "is_closed",
    "open_decision",
    "proposer",
    "quorum",
    "restore",
    "step_of",
    "wait_s",
    "waiting_for",
]

PROPOSE_WAIT_S = 1.0
PREVOTE_WAIT_S = 0.5
PRECOMMIT_WAIT_S = 0.5
WAIT_GROWTH_S = 0.5
"""Added with every round, so that the waits outgrow any delay that stays bounded."""
WAIT_S_MAX = 60.0


def open_decision(voter: str, voters: Iterable[str], slot: bytes, needed: int | None = None) -> DecisionState:
    """A node's state before anything happened. A node that is no voter follows and never votes.

    `needed` voters close the slot, where the question asks for more than `quorum` says.
    """
    roster = tuple(sorted(set(voters)))
    if not 1 <= len(roster) <= VOTERS_MAX:
        raise MisuseError(f"a decision has 1 to {VOTERS_MAX} voters, not {len(roster)}")
    return DecisionState(voter=voter, voters=roster, slot=slot, needed=needed or quorum(len(roster)))


def restore(
    voter: str,
    voters: Iterable[str],
    slot: bytes,
    own_votes: Iterable[Vote],
    other_votes: Iterable[Vote],
    needed: int | None = None,
) -> DecisionState:
    """The state after a restart, from the node's own log and whatever of the others it still has; then `Start` it."""
    own = tuple(own_votes)
    for vote in own:
        if vote.voter != voter:
            raise MisuseError(f"a vote of {vote.voter} among the own votes of {voter}")
    state = open_decision(voter, voters, slot, needed)
    box = state.box
    for vote in (*own, *other_votes):
        if not audit_vote(vote, slot, state.voters):
            box = add_vote(box, vote)
    return msgspec.structs.replace(state, box=box)


def handle(state: DecisionState, event: Event) -> Move:
    """The next state, and what to do now, in this order. Votes that do not count change nothing."""
    if state.closed is not None:
        return state, ()
    state = _take(state, event)
    done: list[Action] = []
    if isinstance(event, Timeout):
        state, actions = expire(state, event)
        done += actions
    while (move := find_move(state)) is not None:
        state, actions = move
        done += actions
    return state, tuple(done)


def is_closed(votes: Iterable[Vote], voters: Iterable[str], needed: int | None = None) -> bytes | None:
    """The value on which the votes of one slot close it, or None; the same for any order and any repetition.

    Votes by others than the voters do not count. MisuseError when the votes are of several slots.
    """
    roster = frozenset(voters)
    box, slots = BallotBox(), set()
    for vote in votes:
        slots.add(vote.slot)
        if isinstance(vote, Precommit) and not audit_vote(vote, vote.slot, roster):
            box = add_vote(box, vote)
    if len(slots) > 1:
        raise MisuseError("votes of several slots cannot close one")
    return find_closing(box, needed or quorum(len(roster)))[1]


def waiting_for(state: DecisionState) -> tuple[str, ...]:
    """Whose word is still out in this step, by name: what a status page shows."""
    step = step_of(state)
    if step in ("new", "closed"):
        return ()
    if step == "propose":
        leader = proposer(state.voters, state.slot, state.round)
        return (state.voter,) if state.box.find_votes(state.round, "proposal") else (leader,)
    heard = state.box.find_votes(state.round, "prevote" if step == "prevote" else "precommit")
    return tuple(voter for voter in state.voters if voter not in heard)


def wait_s(round_number: int, step: TimerStep) -> float:
    """Seconds to wait in a step of a round before going on without what is missing."""
    base_s = {"propose": PROPOSE_WAIT_S, "prevote": PREVOTE_WAIT_S, "precommit": PRECOMMIT_WAIT_S}[step]
    return min(base_s + WAIT_GROWTH_S * round_number, WAIT_S_MAX)


def _take(state: DecisionState, event: Event) -> DecisionState:
    match event:
        case Start():
            return msgspec.structs.replace(state, round=max(state.round, 0))
        case Received(vote):
            return _admit(state, vote)
        case ValueReady(value):
            return msgspec.structs.replace(state, ready=value, judgements={**state.judgements, value: True})
        case Judged(value, acceptable):
            return msgspec.structs.replace(state, judgements={**state.judgements, value: acceptable})
        case Timeout():
            return state


def _admit(state: DecisionState, vote: Vote) -> DecisionState:
    if audit_vote(vote, state.slot, state.voters):
        return state
    return msgspec.structs.replace(state, box=add_vote(state.box, vote))
