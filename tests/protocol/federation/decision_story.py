"""Cedar's story: the words in which the tests tell what four co-ops say to each other."""

from protocol.federation.decision import (
    Action,
    Cast,
    DecisionState,
    Event,
    Judged,
    Precommit,
    Prevote,
    Proposal,
    Received,
    Start,
    Timeout,
    Vote,
    handle,
    open_decision,
    proposer,
    step_of,
)

SLOT = bytes(32)
BREAD, MILK = b"B" * 32, b"M" * 32
ASH, BIRCH, CEDAR, DOGWOOD = VOTERS = ("ash", "birch", "cedar", "dogwood")
"""For this slot dogwood leads round 0, ash round 1, birch round 2, cedar round 3."""
TOLD = CEDAR
"""The co-op whose story is told."""


def tell(*events: Event, state: DecisionState | None = None) -> tuple[DecisionState, list[Action]]:
    """Cedar's state and all its actions after these events, from the start."""
    actions: list[Action] = []
    if state is None:
        state, first = handle(open_decision(TOLD, VOTERS, SLOT), Start())
        actions += first
    for event in events:
        state, more = handle(state, event)
        actions += more
    return state, actions


def propose(round_number: int, value: bytes, valid_round: int = -1) -> Received:
    return Received(Proposal(SLOT, round_number, value, valid_round, proposer(VOTERS, SLOT, round_number)))


def prevotes(round_number: int, value: bytes | None, *voters: str) -> list[Event]:
    return [Received(Prevote(SLOT, round_number, value, voter)) for voter in voters]


def precommits(round_number: int, value: bytes | None, *voters: str) -> list[Event]:
    return [Received(Precommit(SLOT, round_number, value, voter)) for voter in voters]


def list_cast(actions: list[Action]) -> list[Vote]:
    return [action.vote for action in actions if isinstance(action, Cast)]


def lock_on_bread() -> DecisionState:
    """Cedar holds to bread since round 0, and is in round 1."""
    state, _ = tell(
        Judged(BREAD, True),
        propose(0, BREAD),
        *prevotes(0, BREAD, BIRCH, DOGWOOD),
        *precommits(0, None, ASH, BIRCH),
        Timeout(0, "precommit"),
    )
    assert (state.round, step_of(state)) == (1, "propose")
    return state
