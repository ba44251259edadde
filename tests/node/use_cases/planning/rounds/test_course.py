"""The course of a call through votes: who is left out stays out, drafts come to an end, too few is said."""

import pytest

from node.use_cases.planning.rounds.course import Course, ReadingReport
from protocol.core.errors import RefusedError
from protocol.planning.call import DRAFTS_MAX, Meeting, PlanApproval, PlanCall
from protocol.planning.contributions import owner_of_card
from protocol.planning.ratifying.words import Ballot
from protocol.planning.rounds import start_state
from tests.protocol.planning.economies import load, village

DIGEST, CALL = bytes([1]) * 32, bytes([2]) * 32
OWNERS = ("farm", "mill", "north", "oven", "south")
READINGS = 2


def course_at_the_vote() -> Course:
    """The village after its last reading."""
    call = PlanCall(CALL, "valley", "week", 0, CALL, READINGS, 40, 1_000, 1_000)
    course = Course(call)
    _, course.economy = load(village())
    course.state, course.stage = start_state(course.economy), "voting"
    course.readings.append(ReadingReport(READINGS))
    return course


async def vote(course: Course, *refusing: str, silent: tuple[str, ...] = ()) -> str:
    assert course.economy is not None
    owners = frozenset(map(owner_of_card, course.economy.participants))
    words = {
        name: None
        if name in silent
        else PlanApproval(CALL, 0, DIGEST, name not in refusing, "", Meeting(1, 0, 0, True))
        for name in OWNERS
    }
    return await course.close_vote(Ballot(DIGEST, owners, {}, 3, 0), words)


async def test_who_refused_any_draft_stays_out_and_its_later_refusals_hold_up_nobody() -> None:
    course = course_at_the_vote()
    assert course.attempt == 0
    assert await vote(course, "south") == "again"
    assert (course.stage, course.attempt, course.reading.reading) == ("rounds", 1, READINGS + 1)
    assert await vote(course, "south", "farm") == "again"
    assert course.attempt == 2 and course.reading.left_out == {"south", "farm"}
    assert course.economy is not None and course.state is not None
    assert set(course.economy.participants) == {"north", "mill", "oven"}
    assert course.state.economy == course.economy.digest and course.state.round == 0
    assert await vote(course, "south", "farm") == "in force"
    assert course.is_over and course.ratified == DIGEST


async def test_too_few_approvals_end_the_call_with_their_number() -> None:
    course = course_at_the_vote()
    with pytest.raises(RefusedError, match="vote: 2 approved, 3 must"):
        await vote(course, silent=("north", "mill", "oven"))
    assert course.ratified is None


async def test_a_call_has_so_many_drafts_and_no_more() -> None:
    course = course_at_the_vote()
    course.readings.append(ReadingReport(DRAFTS_MAX))
    with pytest.raises(RefusedError, match=f"a call has at most {DRAFTS_MAX} drafts"):
        await vote(course, "south")


async def test_where_a_draft_cannot_be_made_again_the_last_one_s_economy_stays() -> None:
    course = course_at_the_vote()
    before = course.economy
    with pytest.raises(RefusedError, match="bread: "):
        await vote(course, "oven")
    assert course.economy is before
