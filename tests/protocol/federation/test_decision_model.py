"""All worlds of four co-ops with a liar among them, through the real table; and each planted fault is noticed."""

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest

from protocol.federation import decision, decision_rules
from protocol.federation.decision import NO_ROUND, Precommit, Timeout
from protocol.federation.decision_state import Cast, DecisionState, Move
from protocol.federation.votes import BallotBox, add_vote
from tests.protocol.federation.decision_model import HONEST, LIAR, VALUES, VOTERS, Model
from tests.protocol.federation.decision_promises import (
    LOCK_HOLDS,
    ONE_VALUE,
    QUORUM_OF_ONE_ROUND,
    SIGNED_ONCE,
    close_in_peace,
    find_broken,
    find_broken_promise,
)

PEACE_EVERY = 997
"""Of the worlds of two rounds, every n-th is tried for a way out; scripts/model_check_decision tries all."""
WALK_STEPS = 40


@pytest.mark.slow
def test_in_two_rounds_led_first_by_the_liar_no_promise_breaks_and_every_world_has_a_way_out() -> None:
    model, count = Model(LIAR, last_round=1), 0
    audited: dict[frozenset[decision.Vote], str | None] = {}
    for count, world in enumerate(model.explore(), start=1):
        assert find_broken_promise(world, audited) is None, world
        if count % PEACE_EVERY == 0:
            closed = close_in_peace(world, model.slot, HONEST[count % 3])
            assert closed[0] in VALUES, world
            assert set(closed) == {closed[0]}, world
    assert count > 100_000


@pytest.mark.parametrize("first_proposer", VOTERS)
def test_in_one_round_no_promise_breaks_whoever_leads_it(first_proposer: str) -> None:
    assert find_broken(Model(first_proposer, last_round=0)) is None


@pytest.mark.slow
def test_every_world_of_one_round_has_a_way_out_whoever_doubts() -> None:
    model = Model(LIAR, last_round=0)
    for world in model.explore():
        for doubter in HONEST:
            closed = close_in_peace(world, model.slot, doubter)
            assert closed[0] in VALUES, world
            assert set(closed) == {closed[0]}, world


def walk_through_four_rounds(first_proposer: str, walks: int) -> set[str]:
    """The promises that random ways through rounds 0 to 3 find broken."""
    model, broken = Model(first_proposer, last_round=3), set()
    audited: dict[frozenset[decision.Vote], str | None] = {}
    for seed in range(walks):
        for world in model.walk(Random(seed), WALK_STEPS):
            promise = find_broken_promise(world, audited)
            if promise is not None:
                broken.add(promise)
                break
    return broken


@pytest.mark.slow
def test_on_random_ways_through_four_rounds_no_promise_breaks() -> None:
    assert walk_through_four_rounds(HONEST[1], walks=40) == set()


def release_the_lock_by_nil(state: DecisionState) -> tuple[int, bytes | None]:
    """The last precommit of any kind, so that nil lets go of a value."""
    for round_number in range(state.round, NO_ROUND, -1):
        for vote in state.box.find_votes(round_number, "precommit").get(state.voter, ()):
            return (NO_ROUND, None) if vote.value is None else (round_number, vote.value)
    return NO_ROUND, None


@pytest.mark.slow
def test_random_ways_notice_a_lock_that_nil_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_rules, "_find_lock", release_the_lock_by_nil)
    assert walk_through_four_rounds(HONEST[1], walks=40) == {LOCK_HOLDS}


def quorum_off_by_one(voter_count: int) -> int:
    return 2 * voter_count // 3


def forget_the_lock(state: DecisionState) -> tuple[int, bytes | None]:
    return NO_ROUND, None


def close_over_several_rounds(box: BallotBox, needed: int) -> tuple[int, bytes | None]:
    for value in VALUES:
        rounds = [number for number, kind in box.steps if kind == "precommit"]
        supporters = {voter for number in rounds for voter in box.list_supporters(number, "precommit", value)}
        if len(supporters) >= needed:
            return rounds[0], value
    return NO_ROUND, None


def believe_any_earlier_round(state: DecisionState, proposal: decision.Proposal) -> bool | None:
    if proposal.valid_round == NO_ROUND:
        return WEIGH(state, proposal)
    locked_round, _ = decision_rules._find_lock(state)
    return locked_round <= proposal.valid_round


def precommit_nil_whenever_a_wait_runs_out(state: DecisionState, event: Timeout) -> Move:
    if event.step != "prevote" or event.round != state.round:
        return EXPIRE(state, event)
    vote = Precommit(state.slot, state.round, None, state.voter)
    return msgspec.structs.replace(state, box=add_vote(state.box, vote)), (Cast(vote),)


def restore_without_own_votes(
    voter: str, voters: Any, slot: bytes, own_votes: Any, other_votes: Any, needed: int | None
) -> DecisionState:
    return RESTORE(voter, voters, slot, [], other_votes, needed)


WEIGH = decision_rules._weigh
EXPIRE = decision_rules.expire
RESTORE = decision.restore
FAULTS: list[tuple[str, Any, str, Callable[..., Any], str, str]] = [
    ("a quorum of two thirds, not more", decision, "quorum", quorum_off_by_one, QUORUM_OF_ONE_ROUND, LIAR),
    ("a lock that is forgotten", decision_rules, "_find_lock", forget_the_lock, LOCK_HOLDS, LIAR),
    ("precommits added up over rounds", decision, "find_closing", close_over_several_rounds, QUORUM_OF_ONE_ROUND, LIAR),
    ("an earlier round taken on trust", decision_rules, "_weigh", believe_any_earlier_round, LOCK_HOLDS, HONEST[2]),
    ("a second vote", decision, "expire", precommit_nil_whenever_a_wait_runs_out, SIGNED_ONCE, LIAR),
    ("a restart without the own log", decision, "restore", restore_without_own_votes, SIGNED_ONCE, LIAR),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "module", "rule", "fault", "promise", "first"), FAULTS, ids=[fault[0] for fault in FAULTS]
)
def test_the_model_notices_a_planted_fault(
    name: str,
    module: Any,
    rule: str,
    fault: Callable[..., Any],
    promise: str,
    first: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, rule, fault)
    broken = find_broken(Model(first, last_round=1))
    assert broken is not None, name
    assert broken.promise == promise


@pytest.mark.slow
def test_a_lock_that_is_forgotten_lets_two_values_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_rules, "_find_lock", forget_the_lock)
    monkeypatch.setattr("tests.protocol.federation.decision_promises.is_lock_broken", lambda world, seat: False)
    broken = find_broken(Model(LIAR, last_round=1))
    assert broken is not None
    assert broken.promise == ONE_VALUE
