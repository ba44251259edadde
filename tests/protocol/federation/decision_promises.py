"""What must hold in every world of the decision model, and the way out of every world once all is well again."""

from collections.abc import Iterator

import msgspec

from protocol.federation import decision
from protocol.federation.decision import Judged, Precommit, Prevote, Received, Start, Timeout, ValueReady, Vote
from tests.protocol.federation.decision_model import HONEST, HONEST_NEEDED, LIAR, VALUES, VOTERS, Model, World

PEACE_ROUNDS_MAX = 12
SIGNED_ONCE = "an honest node signs once in a step"
ONE_VALUE = "no two values can close"
QUORUM_OF_ONE_ROUND = "what closes has a quorum of one round behind it"
LOCK_HOLDS = "a lock holds until a quorum has gone over to another value"


class Broken(msgspec.Struct, frozen=True):
    """A reachable world in which a promise does not hold."""

    promise: str
    world: World


def find_broken(model: Model) -> Broken | None:
    """The first reachable world that breaks a promise; None after all have been seen."""
    audited: dict[frozenset[Vote], str | None] = {}
    for world in model.explore():
        promise = find_broken_promise(world, audited)
        if promise is not None:
            return Broken(promise, world)
    return None


def find_broken_promise(world: World, audited: dict[frozenset[Vote], str | None]) -> str | None:
    """Which promise a world breaks; what was found about a set of precommits is kept in `audited`."""
    if any(is_signed_twice(votes) for votes, _ in world):
        return SIGNED_ONCE
    precommits = frozenset(vote for votes, _ in world for vote in votes if isinstance(vote, Precommit))
    if precommits not in audited:
        audited[precommits] = find_broken_closing(precommits)
    if audited[precommits] is None and any(is_lock_broken(world, seat) for seat in range(len(HONEST))):
        return LOCK_HOLDS
    return audited[precommits]


def find_broken_closing(precommits: frozenset[Vote]) -> str | None:
    """Whether the honest precommits let anybody close on two values, or on one without a quorum in one round."""
    closable = list_closable(precommits)
    for value in closable:
        rounds = [vote.round for vote in precommits if vote.value == value]
        if all(rounds.count(round_number) < HONEST_NEEDED for round_number in rounds):
            return QUORUM_OF_ONE_ROUND
    return ONE_VALUE if len(closable) > 1 else None


def is_signed_twice(votes: frozenset[Vote]) -> bool:
    """Whether one node's votes hold two of one kind in one round."""
    return len({(type(vote), vote.round) for vote in votes}) < len(votes)


def list_closable(precommits: frozenset[Vote]) -> list[bytes]:
    """The values on which somebody can close when the liar adds whatever it likes."""
    found = []
    for value in VALUES:
        lies = {Precommit(vote.slot, vote.round, value, LIAR) for vote in precommits}
        if value in {decision.is_closed(precommits | {lie}, VOTERS) for lie in lies}:
            found.append(value)
    return found


def is_lock_broken(world: World, seat: int) -> bool:
    """Whether a node prevoted against its lock although no quorum can have prevoted the new value since."""
    votes = world[seat][0]
    locks = [vote for vote in votes if isinstance(vote, Precommit) and vote.value is not None]
    for vote in votes:
        if isinstance(vote, Prevote) and vote.value is not None:
            earlier = [lock for lock in locks if lock.round < vote.round]
            lock = max(earlier, key=lambda lock: lock.round, default=None)
            if lock is not None and lock.value != vote.value and not is_freed(world, lock, vote):
                return True
    return False


def is_freed(world: World, lock: Precommit, vote: Prevote) -> bool:
    """Whether enough honest nodes prevoted the new value from the lock's round on, before the vote's round."""
    for round_number in range(lock.round, vote.round):
        wanted = Prevote(vote.slot, round_number, vote.value, "")
        supporters = [node for node, (votes, _) in zip(HONEST, world, strict=True) if named(wanted, node) in votes]
        if len(supporters) >= HONEST_NEEDED:
            return True
    return False


def named(vote: Prevote, voter: str) -> Prevote:
    """The same prevote by somebody else."""
    return msgspec.structs.replace(vote, voter=voter)


def close_in_peace(world: World, slot: bytes, doubter: str) -> list[bytes | None]:
    """What each honest node closes on when from now on every vote arrives before any wait runs out.

    The liar says nothing more; what it must have said for the world to have come about has reached all (its prevotes
    for what somebody holds to, a precommit in each round that somebody left). The doubter never likes the first
    value; each of the others would have either.
    """
    votes = {vote for own, _ in world for vote in own}
    votes |= {Prevote(slot, vote.round, vote.value, LIAR) for vote in votes if isinstance(vote, Precommit)}
    votes |= {Precommit(slot, left, None, LIAR) for left in range(max(round_number for _, round_number in world))}
    states = {}
    for node, (own, round_number) in zip(HONEST, world, strict=True):
        state = decision.restore(node, VOTERS, slot, own, votes - own)
        states[node] = msgspec.structs.replace(state, round=round_number)
    queue: list[tuple[str, decision.Event]] = []
    for node in HONEST:
        queue += [(node, Judged(VALUES[0], node != doubter)), (node, Judged(VALUES[1], True))]
        queue += [(node, ValueReady(VALUES[1])), (node, Start())]
    timers: list[tuple[str, Timeout]] = []
    for _ in range(PEACE_ROUNDS_MAX * 3):
        timers += _deliver_all(states, queue)
        queue = [*timers]
        timers = []
    return [states[node].closed for node in HONEST]


def _deliver_all(
    states: dict[str, decision.DecisionState], queue: list[tuple[str, decision.Event]]
) -> Iterator[tuple[str, Timeout]]:
    """Handle events until none is left, and give back the waits that are then running."""
    timers = []
    while queue:
        node, event = queue.pop(0)
        states[node], actions = decision.handle(states[node], event)
        for action in actions:
            if isinstance(action, decision.Cast):
                queue += [(other, Received(action.vote)) for other in HONEST if other != node]
            elif isinstance(action, decision.SetTimer):
                timers.append((node, Timeout(action.round, action.step)))
    return iter(timers)
