"""Whatever the network and the liars do: nobody closes on another value, nobody honest signs twice, peace decides."""

from random import Random

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocol.federation import decision
from protocol.federation.decision import Received, Start, is_closed, quorum
from tests.protocol.federation.decision_model import HONEST, LIAR, VALUES, VOTERS, Local, Model
from tests.protocol.federation.decision_network import Network

SEEDS = st.integers(0, 2**32)


def make_network(voter_count: int, seed: int) -> Network:
    """So many voters, of whom as many may lie as the rule bears."""
    voters = [f"co-op {number:02}" for number in range(voter_count)]
    choice = Random(seed)
    liars = choice.sample(voters, choice.randint(0, voter_count - decision.quorum(voter_count)))
    return Network(voters, liars, seed)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10), SEEDS)
def test_on_any_schedule_all_who_close_agree_and_nobody_honest_signs_twice(voter_count: int, seed: int) -> None:
    network = make_network(voter_count, seed)
    for _ in range(500):
        network.disturb()
    assert network.broken_rules == []
    assert len({closed.value for closed in network.closed.values()}) <= 1


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 10), SEEDS)
def test_after_any_bad_day_peace_closes_the_slot_for_all_on_one_value(voter_count: int, seed: int) -> None:
    network = make_network(voter_count, seed)
    for _ in range(80):
        network.disturb()
    network.make_peace()
    assert network.broken_rules == []
    assert set(network.closed) == set(network.honest)
    assert len({closed.value for closed in network.closed.values()}) == 1


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 10), SEEDS)
def test_the_votes_close_the_slot_alike_in_any_order_and_any_number_of_copies(voter_count: int, seed: int) -> None:
    network = make_network(voter_count, seed)
    for _ in range(60):
        network.disturb()
    network.make_peace()
    value = next(iter(network.closed.values())).value
    choice = Random(seed)
    for _ in range(3):
        votes = choice.sample(network.votes, len(network.votes)) + choice.choices(network.votes, k=5)
        assert is_closed(votes, choice.sample(network.voters, voter_count)) == value
        reader = decision.restore("a passer-by", network.voters, network.votes[0].slot, [], votes)
        assert decision.handle(reader, Start())[0].closed == value


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 10), SEEDS)
@example(7, 530)
def test_the_precommits_of_a_closed_decision_prove_it_alone(voter_count: int, seed: int) -> None:
    network = make_network(voter_count, seed)
    for _ in range(60):
        network.disturb()
    network.make_peace()
    for closed in network.closed.values():
        assert is_closed(closed.precommits, network.voters) == closed.value
        # A proof may hold more than it needs; what one voter too few have signed proves nothing.
        signers = sorted({vote.voter for vote in closed.precommits})[: quorum(voter_count) - 1]
        too_few = [vote for vote in closed.precommits if vote.voter in signers]
        assert is_closed(too_few, network.voters) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 10), SEEDS)
def test_a_restart_with_all_votes_stands_where_the_node_stood(voter_count: int, seed: int) -> None:
    network = make_network(voter_count, seed)
    for _ in range(100):
        network.disturb()
    for node, state in network.states.items():
        if state.round == decision.NO_ROUND or state.closed is not None:
            continue
        own = [vote for vote in network.votes if vote.voter == node]
        restored = decision.restore(node, network.voters, state.slot, own, network.seen[node])
        restored = msgspec.structs.replace(restored, round=state.round, judgements=state.judgements, ready=state.ready)
        again, actions = decision.handle(restored, Start())
        assert not [action for action in actions if isinstance(action, decision.Cast)]
        assert (again.round, decision.step_of(again)) == (state.round, decision.step_of(state))


@pytest.mark.parametrize("first_proposer", VOTERS)
def test_every_step_of_a_node_that_keeps_all_it_heard_is_a_step_of_the_model(first_proposer: str) -> None:
    """The bridge from the model, whose nodes forget, to nodes that run on: nothing that they do is missing in it."""
    model = Model(first_proposer, last_round=1)
    taken = 0
    for seed in range(40):
        taken += follow_in_model(model, seed)
    assert taken > 300


def follow_in_model(model: Model, seed: int) -> int:
    """Run a network on the model's slot for rounds 0 and 1, and count the steps found in the model."""
    network = Network(VOTERS, [LIAR], seed, model.slot, VALUES)
    for node in HONEST:
        network.tell(node, Start())
    taken, before = 0, read_world(network)
    for _ in range(120):
        network.disturb()
        after = read_world(network)
        if max(round_number for _, round_number in after) > model.last_round:
            break
        for seat in range(len(HONEST)):
            if after[seat] != before[seat] and not is_restart(before[seat], after[seat]):
                others = [before[other] for other in range(len(HONEST)) if other != seat]
                assert after[seat] in reach(model, seat, before[seat], others), (seed, before, after)
                taken += 1
        before = after
    return taken


def is_restart(before: Local, after: Local) -> bool:
    """A node came back in an earlier round than it had been in: the model need not follow, it holds both."""
    return after[1] < before[1] and after[0] == before[0]


def reach(model: Model, seat: int, local: Local, others: list[Local]) -> set[Local]:
    """Where the model lets one node go while the others stand still."""
    reached, fresh = {local}, {local}
    while fresh:
        fresh = {after for start in fresh for after in model.list_steps(seat, start, *others)} - reached
        reached |= fresh
    return reached


def read_world(network: Network) -> list[Local]:
    """What binds the honest nodes of a network."""
    own = {node: frozenset(vote for vote in network.votes if vote.voter == node) for node in HONEST}
    return [(own[node], network.states[node].round) for node in HONEST]


def test_a_vote_delivered_again_and_again_changes_nothing() -> None:
    network = Network(VOTERS, [], seed=7)
    for _ in range(100):
        network.disturb()
    for node, state in network.states.items():
        for vote in network.seen[node]:
            assert decision.handle(state, Received(vote)) == (state, ())


def test_the_values_of_the_network_are_all_decided_now_and_then() -> None:
    decided = set()
    for seed in range(40):
        network = Network(VOTERS, [LIAR], seed)
        for _ in range(60):
            network.disturb()
        network.make_peace()
        decided |= {closed.value for closed in network.closed.values()}
    assert decided == set(network.values)
