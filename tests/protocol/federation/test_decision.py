"""How four co-ops settle one question, told in sentences; and every event in every step."""

import pytest

from protocol.core.errors import MisuseError
from protocol.federation import decision
from protocol.federation.decision import (
    Cast,
    Closed,
    DecisionState,
    Event,
    Judged,
    NeedJudgement,
    Precommit,
    Prevote,
    Proposal,
    Received,
    SetTimer,
    Start,
    Timeout,
    ValueReady,
    Vote,
    handle,
    is_closed,
    open_decision,
    proposer,
    restore,
    step_of,
    wait_s,
    waiting_for,
)
from protocol.federation.votes import ROUNDS_MAX, VOTERS_MAX
from tests.protocol.federation.decision_story import (
    ASH,
    BIRCH,
    BREAD,
    CEDAR,
    DOGWOOD,
    MILK,
    SLOT,
    TOLD,
    VOTERS,
    list_cast,
    lock_on_bread,
    precommits,
    prevotes,
    propose,
    tell,
)


def run_all(voter_count: int) -> tuple[list[Closed], list[SetTimer], int]:
    """All honest, every vote delivered once, no wait ever runs out."""
    voters = [f"co-op {number:02}" for number in range(voter_count)]
    states = {voter: open_decision(voter, voters, SLOT) for voter in voters}
    queue: list[tuple[str, Event]] = [
        (voter, event) for voter in voters for event in (Start(), ValueReady(BREAD), Judged(BREAD, True))
    ]
    closed, timers, votes = [], [], 0
    while queue:
        voter, event = queue.pop(0)
        states[voter], actions = handle(states[voter], event)
        for action in actions:
            if isinstance(action, Cast):
                votes += 1
                queue += [(other, Received(action.vote)) for other in voters if other != voter]
            elif isinstance(action, SetTimer):
                timers.append(action)
            elif isinstance(action, Closed):
                closed.append(action)
    return closed, timers, votes


@pytest.mark.parametrize("voter_count", [1, 2, 3, 4, 7, 10])
def test_when_all_is_well_all_close_after_one_proposal_without_any_wait_running_out(voter_count: int) -> None:
    closed, timers, votes = run_all(voter_count)
    assert [each.value for each in closed] == [BREAD] * voter_count
    assert {timer.step for timer in timers} <= {"propose"}
    assert votes <= 1 + 2 * voter_count


def test_a_co_op_alone_decides_at_once() -> None:
    state, _ = handle(open_decision("ash", ["ash"], SLOT), Start())
    state, actions = handle(state, ValueReady(BREAD))
    assert [type(action) for action in actions] == [Cast, Cast, Cast, Closed]
    assert state.closed == BREAD


def test_a_proposal_is_first_judged_then_prevoted() -> None:
    state, actions = tell(propose(0, BREAD))
    assert NeedJudgement(BREAD) in actions
    assert list_cast(actions) == []
    assert waiting_for(state) == (TOLD,)
    _, actions = tell(Judged(BREAD, True), state=state)
    assert list_cast(actions) == [Prevote(SLOT, 0, BREAD, TOLD)]


def test_a_judgement_asked_for_once_is_not_asked_for_again() -> None:
    _, actions = tell(propose(0, BREAD), propose(0, BREAD), *prevotes(0, BREAD, ASH))
    assert actions.count(NeedJudgement(BREAD)) == 1


def test_an_answer_that_comes_before_the_proposal_changes_the_judgement() -> None:
    _, actions = tell(Judged(BREAD, True), Judged(BREAD, False), propose(0, BREAD))
    assert list_cast(actions) == [Prevote(SLOT, 0, None, TOLD)]


def test_an_answer_that_comes_after_the_prevote_changes_only_later_rounds() -> None:
    state, actions = tell(Judged(BREAD, False), propose(0, BREAD), Judged(BREAD, True))
    assert list_cast(actions) == [Prevote(SLOT, 0, None, TOLD)]
    _, actions = tell(*precommits(1, None, ASH, BIRCH), propose(1, BREAD), state=state)
    assert list_cast(actions) == [Prevote(SLOT, 1, BREAD, TOLD)]


def test_no_proposal_in_time_is_a_prevote_for_nothing() -> None:
    _, actions = tell(Timeout(0, "propose"))
    assert list_cast(actions) == [Prevote(SLOT, 0, None, TOLD)]


def test_a_quorum_of_prevotes_is_held_to() -> None:
    state, actions = tell(Judged(BREAD, True), propose(0, BREAD), *prevotes(0, BREAD, ASH, BIRCH))
    assert list_cast(actions)[-1] == Precommit(SLOT, 0, BREAD, TOLD)
    assert waiting_for(state) == (ASH, BIRCH, DOGWOOD)


def test_a_quorum_of_prevotes_stands_above_ones_own_judgement() -> None:
    _, actions = tell(Judged(BREAD, False), propose(0, BREAD), *prevotes(0, BREAD, ASH, BIRCH, DOGWOOD))
    assert list_cast(actions) == [Prevote(SLOT, 0, None, TOLD), Precommit(SLOT, 0, BREAD, TOLD)]


def test_divided_prevotes_are_waited_for_and_then_come_to_nothing() -> None:
    state, actions = tell(Judged(BREAD, True), propose(0, BREAD), *prevotes(0, BREAD, ASH), *prevotes(0, None, BIRCH))
    assert actions[-1] == SetTimer(0, "prevote")
    _, actions = tell(Timeout(0, "prevote"), state=state)
    assert list_cast(actions) == [Precommit(SLOT, 0, None, TOLD)]


def test_a_round_that_came_to_nothing_is_followed_by_the_next_after_a_wait() -> None:
    state, actions = tell(Timeout(0, "propose"), *prevotes(0, None, ASH, BIRCH), *precommits(0, None, ASH, BIRCH))
    assert actions[-1] == SetTimer(0, "precommit")
    state, actions = tell(Timeout(0, "precommit"), state=state)
    assert (state.round, actions) == (1, [SetTimer(1, "propose")])
    assert waiting_for(state) == (ASH,)


def test_precommits_of_two_rounds_do_not_add_up() -> None:
    state, _ = tell(*precommits(0, BREAD, ASH, BIRCH), *precommits(1, BREAD, DOGWOOD))
    assert state.closed is None


def test_late_precommits_of_an_earlier_round_close_too() -> None:
    state, actions = tell(*precommits(1, None, ASH, BIRCH), *precommits(0, BREAD, ASH, BIRCH, DOGWOOD))
    assert state.closed == BREAD
    assert isinstance(actions[-1], Closed)
    assert {vote.voter for vote in actions[-1].precommits} == {ASH, BIRCH, DOGWOOD}


def test_a_lock_refuses_another_value_that_nothing_speaks_for() -> None:
    _, actions = tell(Judged(MILK, True), propose(1, MILK), state=lock_on_bread())
    assert list_cast(actions) == [Prevote(SLOT, 1, None, TOLD)]


def test_a_lock_accepts_its_own_value_again() -> None:
    _, actions = tell(Judged(BREAD, False), propose(1, BREAD), state=lock_on_bread())
    assert list_cast(actions) == [Prevote(SLOT, 1, BREAD, TOLD)]


def test_a_nil_precommit_does_not_release_a_lock() -> None:
    state, _ = tell(
        Timeout(1, "propose"),
        *prevotes(1, None, ASH, BIRCH),
        *precommits(1, None, ASH, BIRCH),
        Timeout(1, "precommit"),
        state=lock_on_bread(),
    )
    assert state.round == 2
    _, actions = tell(Judged(MILK, True), propose(2, MILK), state=state)
    assert list_cast(actions) == [Prevote(SLOT, 2, None, TOLD)]


def test_a_later_quorum_for_another_value_releases_a_lock() -> None:
    state, _ = tell(*prevotes(1, MILK, ASH, BIRCH, DOGWOOD), *precommits(2, None, ASH, BIRCH), state=lock_on_bread())
    _, actions = tell(propose(2, MILK, valid_round=1), state=state)
    assert list_cast(actions) == [Prevote(SLOT, 2, MILK, TOLD)]


def test_an_earlier_quorum_for_another_value_does_not_release_a_lock() -> None:
    state, _ = tell(*prevotes(0, MILK, ASH, BIRCH, DOGWOOD), *precommits(1, None, ASH, BIRCH))
    state, _ = tell(Judged(BREAD, True), propose(1, BREAD), *prevotes(1, BREAD, ASH, BIRCH), state=state)
    state, actions = tell(*precommits(2, None, ASH, BIRCH), propose(2, MILK, valid_round=0), state=state)
    assert list_cast(actions) == [Prevote(SLOT, 2, None, TOLD)]


def test_a_claimed_quorum_is_not_believed_before_its_prevotes_are_seen() -> None:
    _, actions = tell(propose(1, MILK, valid_round=0), state=lock_on_bread())
    assert actions == []
    state, actions = tell(Judged(MILK, True), propose(1, MILK, valid_round=0), state=lock_on_bread())
    assert list_cast(actions) == []
    _, actions = tell(Timeout(1, "propose"), state=state)
    assert list_cast(actions) == [Prevote(SLOT, 1, None, TOLD)]


def test_a_proposer_repeats_what_a_quorum_last_accepted_and_not_its_own_wish() -> None:
    events = [ValueReady(MILK), propose(0, BREAD), *prevotes(0, BREAD, ASH, BIRCH, DOGWOOD)]
    _, actions = tell(*events, *precommits(3, None, ASH, BIRCH))
    assert list_cast(actions)[-2:] == [Proposal(SLOT, 3, BREAD, 0, TOLD), Prevote(SLOT, 3, BREAD, TOLD)]


def test_a_proposer_does_not_repeat_a_value_whose_content_it_never_saw() -> None:
    _, actions = tell(ValueReady(MILK), *prevotes(0, BREAD, ASH, BIRCH, DOGWOOD), *precommits(3, None, ASH, BIRCH))
    assert Proposal(SLOT, 3, MILK, -1, TOLD) in list_cast(actions)


def test_a_proposer_that_no_longer_likes_its_own_value_keeps_silent() -> None:
    _, actions = tell(ValueReady(MILK), Judged(MILK, False), *precommits(3, None, ASH, BIRCH))
    assert list_cast(actions) == []


def test_one_voice_from_a_later_round_moves_nobody_and_two_do() -> None:
    state, _ = tell(*precommits(7, None, ASH))
    assert state.round == 0
    state, _ = tell(*prevotes(5, None, BIRCH), state=state)
    assert state.round == 5


def test_a_proposer_that_signs_two_proposals_gets_the_prevote_for_what_is_acceptable() -> None:
    _, actions = tell(Judged(MILK, True), propose(0, BREAD), propose(0, MILK))
    assert list_cast(actions) == [Prevote(SLOT, 0, MILK, TOLD)]


def test_of_two_values_with_a_quorum_the_first_by_its_bytes_is_taken_by_all() -> None:
    """It takes more double votes than a decision bears; then at least all who hear the same say the same."""
    both = [event for value in (MILK, BREAD) for event in prevotes(0, value, ASH, BIRCH, DOGWOOD)]
    _, actions = tell(*both, Judged(MILK, True), propose(0, MILK))
    assert list_cast(actions) == [Prevote(SLOT, 0, MILK, TOLD), Precommit(SLOT, 0, BREAD, TOLD)]
    closing = [Precommit(SLOT, 0, value, voter) for value in (MILK, BREAD) for voter in (ASH, BIRCH, DOGWOOD)]
    assert is_closed(closing, VOTERS) == is_closed(closing[::-1], VOTERS) == BREAD


def test_votes_of_strangers_and_of_other_slots_change_nothing() -> None:
    state, _ = tell()
    strangers = [Precommit(SLOT, 0, BREAD, f"stranger {number}") for number in range(4)]
    elsewhere = [Precommit(b"T" * 32, 0, BREAD, voter) for voter in VOTERS]
    for vote in (*strangers, *elsewhere):
        assert handle(state, Received(vote)) == (state, ())


def test_a_closed_slot_stays_closed_whatever_comes() -> None:
    state, _ = tell(*precommits(0, BREAD, ASH, BIRCH, DOGWOOD))
    for event in (*precommits(1, MILK, ASH, BIRCH, DOGWOOD), Start(), ValueReady(MILK), Timeout(0, "propose")):
        assert handle(state, event) == (state, ())
    assert step_of(state) == "closed"
    assert waiting_for(state) == ()


def test_someone_without_a_vote_follows_and_signs_nothing() -> None:
    state, actions = handle(open_decision("a hosted workplace", VOTERS, SLOT), Start())
    for event in (ValueReady(BREAD), propose(0, BREAD), *precommits(0, BREAD, ASH, BIRCH, DOGWOOD)):
        state, more = handle(state, event)
        actions += more
    assert [type(action) for action in actions] == [Closed]


@pytest.mark.parametrize("voters", [("ash", "birch"), ("ash", "birch", "cedar")])
def test_two_or_three_need_everyone_and_say_for_whom_they_wait(voters: tuple[str, ...]) -> None:
    leader = proposer(voters, SLOT, 0)
    state, _ = handle(open_decision(leader, voters, SLOT), Start())
    state, _ = handle(state, ValueReady(BREAD))
    others = tuple(voter for voter in voters if voter != leader)
    assert waiting_for(state) == others
    for voter in others:
        assert state.closed is None
        state, _ = handle(state, Received(Prevote(SLOT, 0, BREAD, voter)))
    for voter in others:
        assert state.closed is None
        state, _ = handle(state, Received(Precommit(SLOT, 0, BREAD, voter)))
    assert state.closed == BREAD


def test_after_a_restart_nothing_signed_before_is_contradicted() -> None:
    own: list[Vote] = [Prevote(SLOT, 0, BREAD, TOLD), Precommit(SLOT, 0, BREAD, TOLD)]
    others = [Precommit(SLOT, 0, None, ASH), Precommit(SLOT, 0, None, BIRCH)]
    state, actions = handle(restore(TOLD, VOTERS, SLOT, own, others), Start())
    assert (state.round, step_of(state), list_cast(list(actions))) == (0, "precommit", [])
    _, actions_told = tell(
        Timeout(0, "precommit"), Judged(MILK, True), propose(1, MILK), Timeout(0, "propose"), state=state
    )
    assert list_cast(actions_told) == [Prevote(SLOT, 1, None, TOLD)]


def test_a_restarted_proposer_does_not_propose_again() -> None:
    own = [Proposal(SLOT, 3, BREAD, -1, TOLD)]
    state, actions = handle(restore(TOLD, VOTERS, SLOT, own, []), Start())
    assert (state.round, actions[0]) == (3, NeedJudgement(BREAD))
    _, told = tell(ValueReady(MILK), Judged(BREAD, True), state=state)
    assert list_cast(told) == [Prevote(SLOT, 3, BREAD, TOLD)]


def test_own_votes_that_come_back_from_a_mirror_bind_too() -> None:
    state, _ = tell(Received(Prevote(SLOT, 2, BREAD, TOLD)))
    assert (state.round, step_of(state)) == (2, "prevote")
    _, actions = tell(Judged(MILK, True), propose(2, MILK), Timeout(2, "propose"), state=state)
    assert list_cast(actions) == []


def test_the_last_round_is_not_followed_by_another() -> None:
    last = ROUNDS_MAX - 1
    state, _ = tell(*precommits(last, None, ASH, BIRCH, DOGWOOD))
    assert state.round == last
    after, actions = handle(state, Timeout(last, "precommit"))
    assert (after.round, actions) == (last, ())


@pytest.mark.parametrize("step", ["new", "propose", "prevote", "precommit", "closed"])
def test_every_event_in_every_step_keeps_the_rules(step: decision.Step) -> None:
    """State by event: no second vote of a kind, no way back, and the same event again adds nothing to sign."""
    events: list[Event] = [Start(), ValueReady(MILK), Judged(BREAD, True), Judged(BREAD, False), propose(0, BREAD)]
    events += [propose(0, MILK), Timeout(0, "propose"), Timeout(0, "prevote"), Timeout(0, "precommit")]
    events += [*prevotes(0, BREAD, ASH, BIRCH), *prevotes(0, None, ASH), *precommits(0, BREAD, ASH)]
    events += [*precommits(0, None, BIRCH), Timeout(9, "propose")]
    for event in events:
        state = reach_step(step)
        after, actions = handle(state, event)
        again, more = handle(after, event)
        kinds = [(type(vote), vote.round) for vote in (*own_votes(state), *list_cast([*actions, *more]))]
        assert len(kinds) == len(set(kinds)), event
        assert after.round >= state.round, event
        assert list_cast(list(more)) == [], event
        assert again.round == after.round, event


def reach_step(step: decision.Step) -> DecisionState:
    if step == "new":
        return open_decision(TOLD, VOTERS, SLOT)
    path: list[Event] = [Judged(BREAD, True), propose(0, BREAD), *prevotes(0, BREAD, ASH, BIRCH)]
    path += precommits(0, BREAD, ASH, BIRCH)
    for length in range(len(path) + 1):
        state, _ = tell(*path[:length])
        if step_of(state) == step:
            return state
    raise AssertionError(step)


def own_votes(state: DecisionState) -> list[Vote]:
    return [vote for vote in state.box.list_votes() if vote.voter == TOLD]


def test_is_closed_needs_a_quorum_of_one_round() -> None:
    assert is_closed([Precommit(SLOT, 0, BREAD, voter) for voter in (ASH, BIRCH)], VOTERS) is None
    assert is_closed([Precommit(SLOT, 0, BREAD, voter) for voter in (ASH, BIRCH, CEDAR)], VOTERS) == BREAD
    mixed = [Precommit(SLOT, number, BREAD, voter) for number, voter in enumerate((ASH, BIRCH, CEDAR))]
    assert is_closed(mixed, VOTERS) is None
    assert is_closed([Prevote(SLOT, 0, BREAD, voter) for voter in VOTERS], VOTERS) is None
    assert is_closed([Precommit(SLOT, 0, None, voter) for voter in VOTERS], VOTERS) is None
    assert is_closed([], VOTERS) is None


def test_precommits_of_strangers_close_nothing() -> None:
    strangers = [Precommit(SLOT, 0, BREAD, voter) for voter in ("rowan", "willow", "yew")]
    voters = [Precommit(SLOT, 0, BREAD, voter) for voter in (ASH, BIRCH)]
    assert is_closed([*strangers, *voters], VOTERS) is None


def test_later_records_do_not_change_a_closed_slot() -> None:
    closing = [Precommit(SLOT, 0, BREAD, voter) for voter in (ASH, BIRCH, CEDAR)]
    later = [Precommit(SLOT, 1, MILK, voter) for voter in VOTERS]
    assert is_closed(closing + later, VOTERS) == is_closed(later + closing, VOTERS) == BREAD


def test_misuse_is_named() -> None:
    with pytest.raises(MisuseError, match="several slots"):
        is_closed([Precommit(SLOT, 0, BREAD, ASH), Precommit(b"T" * 32, 0, BREAD, ASH)], VOTERS)
    with pytest.raises(MisuseError, match="own votes of cedar"):
        restore(CEDAR, VOTERS, SLOT, [Prevote(SLOT, 0, None, ASH)], [])
    with pytest.raises(MisuseError, match="voters"):
        open_decision(ASH, [], SLOT)
    with pytest.raises(MisuseError, match="voters"):
        open_decision(ASH, [str(number) for number in range(VOTERS_MAX + 1)], SLOT)
    assert len(open_decision(ASH, [str(number) for number in range(VOTERS_MAX)], SLOT).voters) == VOTERS_MAX


def test_waits_grow_with_the_round_and_stay_bounded() -> None:
    for step in ("propose", "prevote", "precommit"):
        waits = [wait_s(round_number, step) for round_number in range(ROUNDS_MAX)]
        assert waits == sorted(waits)
        assert 0 < waits[0] < waits[1] <= waits[-1] == decision.WAIT_S_MAX
