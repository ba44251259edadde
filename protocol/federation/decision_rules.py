"""The rules of a decision, one function each: what a node does next when it looks at the votes it has.

Invariant: a rule reads nothing but the state, and speaks at most once for the same votes.
Invariant: no rule signs a second vote of one kind in one round.
Spec: docs/spec/federation/decision.md (the letters C, S, P, V, K, J, T, X)
"""

from collections.abc import Callable

import msgspec

from protocol.federation.decision_state import (
    Cast,
    Closed,
    DecisionState,
    Move,
    NeedJudgement,
    SetTimer,
    Timeout,
    TimerStep,
    has_cast,
    step_of,
)
from protocol.federation.votes import (
    NO_ROUND,
    ROUNDS_MAX,
    BallotBox,
    Precommit,
    Prevote,
    Proposal,
    Vote,
    add_vote,
    kind_of,
    list_agreed_values,
    proposer,
)


def find_move(state: DecisionState) -> Move | None:
    """The first rule that has something to say; each can speak only once for the same state."""
    if state.closed is not None:
        return None
    rules = _RULES if state.voter in state.voters else _FOLLOWER_RULES
    if state.round == NO_ROUND:
        rules = (_close,)
    return next((move for rule in rules if (move := rule(state)) is not None), None)


def _close(state: DecisionState) -> Move | None:
    """C: a quorum of precommits for one value of one round, whichever round it is."""
    round_number, value = find_closing(state.box, state.needed)
    if value is None:
        return None
    supporters = state.box.list_supporters(round_number, "precommit", value)
    step = state.box.find_votes(round_number, "precommit")
    proof = tuple(vote for voter in sorted(supporters) for vote in step[voter] if isinstance(vote, Precommit))
    return msgspec.structs.replace(state, closed=value), (Closed(value, proof),)


def _skip_rounds(state: DecisionState) -> Move | None:
    """S: more voters than may be faulty have gone on to a later round, or this node has, before a restart."""
    reached = sorted(state.box.highest_rounds.values(), reverse=True)
    tolerated = len(state.voters) - state.needed
    target = max(
        reached[tolerated] if len(reached) > tolerated else NO_ROUND,
        state.box.highest_rounds.get(state.voter, NO_ROUND),
    )
    return (_enter_round(state, target), ()) if target > state.round else None


def _propose(state: DecisionState) -> Move | None:
    """P: the round's proposer repeats the value that a quorum last accepted, else offers its own."""
    leads = proposer(state.voters, state.slot, state.round) == state.voter
    if not leads or step_of(state) != "propose" or has_cast(state, state.round, "proposal"):
        return None
    valid_round, value = _find_valid(state)
    if value is None and state.ready is not None and state.judgements.get(state.ready):
        value = state.ready
    return None if value is None else _cast(state, Proposal(state.slot, state.round, value, valid_round, state.voter))


def _prevote(state: DecisionState) -> Move | None:
    """V: for the proposal when it may be accepted, nil when it may not, nothing while that is unknown."""
    if step_of(state) != "propose":
        return None
    verdicts = [(proposal.value, _weigh(state, proposal)) for proposal in _list_proposals(state)]
    accepted = sorted(value for value, verdict in verdicts if verdict)
    if not accepted and all(verdict is None for _, verdict in verdicts):
        return None
    return _cast(state, Prevote(state.slot, state.round, accepted[0] if accepted else None, state.voter))


def _precommit(state: DecisionState) -> Move | None:
    """K: hold to the value that a quorum prevoted in this very round, or to nothing if a quorum prevoted nil."""
    if step_of(state) != "prevote":
        return None
    needed = state.needed
    agreed = list_agreed_values(state.box, state.round, "prevote", needed)
    if not agreed and len(state.box.list_supporters(state.round, "prevote", None)) < needed:
        return None
    return _cast(state, Precommit(state.slot, state.round, agreed[0] if agreed else None, state.voter))


def _ask(state: DecisionState) -> Move | None:
    """J: the application must say what it thinks of a proposal that waits for nothing else."""
    if step_of(state) != "propose":
        return None
    for proposal in _list_proposals(state):
        unknown = proposal.valid_round == NO_ROUND and _weigh(state, proposal) is None
        if unknown and proposal.value not in state.asked:
            asked = state.asked | {proposal.value}
            return msgspec.structs.replace(state, asked=asked), (NeedJudgement(proposal.value),)
    return None


def _set_timers(state: DecisionState) -> Move | None:
    """T: wait for a proposal at once; for more votes of a step only once a quorum of any votes is in."""
    needed = state.needed
    due: list[TimerStep] = []
    if step_of(state) == "propose":
        due.append("propose")
    if step_of(state) == "prevote" and len(state.box.find_votes(state.round, "prevote")) >= needed:
        due.append("prevote")
    if len(state.box.find_votes(state.round, "precommit")) >= needed:
        due.append("precommit")
    new = [step for step in due if (state.round, step) not in state.timers]
    if not new:
        return None
    timers = state.timers | {(state.round, step) for step in new}
    return msgspec.structs.replace(state, timers=timers), tuple(SetTimer(state.round, step) for step in new)


_RULES: tuple[Callable[[DecisionState], Move | None], ...] = (
    _close,
    _skip_rounds,
    _propose,
    _prevote,
    _precommit,
    _ask,
    _set_timers,
)
_FOLLOWER_RULES = (_close, _skip_rounds)


def expire(state: DecisionState, event: Timeout) -> Move:
    """X: nil for what did not come in time; the next round after a round that did not close."""
    if event.round != state.round or (event.round, event.step) not in state.timers:
        return state, ()
    if event.step == "precommit":
        return _enter_round(state, state.round + 1), ()
    if event.step != step_of(state):
        return state, ()
    vote_type = Prevote if event.step == "propose" else Precommit
    return _cast(state, vote_type(state.slot, state.round, None, state.voter))


def _enter_round(state: DecisionState, round_number: int) -> DecisionState:
    if round_number >= ROUNDS_MAX:
        return state
    return msgspec.structs.replace(state, round=round_number, timers=frozenset())


def _cast(state: DecisionState, vote: Vote) -> Move:
    """The vote as an action, already in the box."""
    assert not has_cast(state, vote.round, kind_of(vote)), "a node votes once in a step"
    return msgspec.structs.replace(state, box=add_vote(state.box, vote)), (Cast(vote),)


def _list_proposals(state: DecisionState) -> list[Proposal]:
    """This round's proposals: two when its proposer signed twice."""
    kept = state.box.find_votes(state.round, "proposal").values()
    return [vote for votes in kept for vote in votes if isinstance(vote, Proposal)]


def find_closing(box: BallotBox, needed: int) -> tuple[int, bytes | None]:
    """The earliest round whose precommits close the slot, and its value."""
    for round_number in sorted(round_number for round_number, kind in box.steps if kind == "precommit"):
        agreed = list_agreed_values(box, round_number, "precommit", needed)
        if agreed:
            return round_number, agreed[0]
    return NO_ROUND, None


def _find_valid(state: DecisionState) -> tuple[int, bytes | None]:
    """The last round before this one in which a quorum prevoted a value that this node can show, and that value."""
    for round_number in range(state.round - 1, NO_ROUND, -1):
        agreed = list_agreed_values(state.box, round_number, "prevote", state.needed)
        known = [value for value in agreed if _is_known(state, value)]
        if known:
            return round_number, known[0]
    return NO_ROUND, None


def _is_known(state: DecisionState, value: bytes) -> bool:
    """Whether this node has seen what the value stands for: votes carry hashes, only proposals come with contents."""
    if value in state.judgements:
        return True
    seen = (state.box.find_votes(number, "proposal") for number in range(state.round + 1))
    return any(vote.value == value for step in seen for kept in step.values() for vote in kept)


def _find_lock(state: DecisionState) -> tuple[int, bytes | None]:
    """The last round in which this node precommitted a value, and that value."""
    for round_number in range(state.round, NO_ROUND, -1):
        for vote in state.box.find_votes(round_number, "precommit").get(state.voter, ()):
            if vote.value is not None:
                return round_number, vote.value
    return NO_ROUND, None


def _weigh(state: DecisionState, proposal: Proposal) -> bool | None:
    """May this node prevote a proposal? None while it cannot know.

    A quorum's prevotes in an earlier round stand above one's own judgement: what one node knows may differ from
    what another knows, and a value that somebody already holds to must stay acceptable to all.
    """
    locked_round, locked_value = _find_lock(state)
    if proposal.valid_round == NO_ROUND:
        if locked_value not in (None, proposal.value):
            return False
        return True if locked_value == proposal.value else state.judgements.get(proposal.value)
    supporters = state.box.list_supporters(proposal.valid_round, "prevote", proposal.value)
    if len(supporters) < state.needed:
        return None
    return locked_round <= proposal.valid_round or locked_value == proposal.value
