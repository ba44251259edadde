"""What facilitators' words come to, and that nobody else's do anything."""

import random

import pytest

from protocol.planning.facilitating.notices import (
    Act,
    PlanNotice,
    Standing,
    apply_notices,
    audit_notice,
    list_facilitators,
)

A, B, STRANGER = "a.example/log", "b.example/log", "z.example/log"
CALL, LEAF = bytes(32), bytes([7]) * 32


def said(
    act: Act,
    reading: int | None = None,
    number: int | None = None,
    wait_ms: int | None = None,
    leaf: bytes | None = None,
) -> PlanNotice:
    return PlanNotice(CALL, act, "made up", reading, number, wait_ms, leaf)


PAUSE, RESUME, OFF = said("pause"), said("resume"), said("call_off")


@pytest.mark.parametrize(
    ("sentence", "spoken", "standing"),
    [
        ("nobody says anything", {}, Standing()),
        ("one pauses", {A: (PAUSE,)}, Standing(paused_by=(A,))),
        ("and resumes", {A: (PAUSE, RESUME)}, Standing()),
        ("and pauses again", {A: (PAUSE, RESUME, PAUSE)}, Standing(paused_by=(A,))),
        ("another's resume does not end one's pause", {A: (PAUSE,), B: (RESUME,)}, Standing(paused_by=(A,))),
        ("a call that is off stays off", {A: (OFF, RESUME)}, Standing(called_off_by=(A,))),
        (
            "the longest wait counts",
            {A: (said("extend", 1, 0, 9), said("extend", 1, 0, 5)), B: (said("extend", 1, 2, 7),)},
            Standing(waits_ms={(1, 0): 9, (1, 2): 7}),
        ),
        ("a round is ended", {A: (said("end_round", 2, 3),)}, Standing(ended=frozenset({(2, 3)}))),
        ("an answer is set aside", {B: (said("set_aside", leaf=LEAF),)}, Standing(set_aside=frozenset({LEAF}))),
        ("a vote is ended", {A: (said("end_vote", 2),)}, Standing(votes_ended=frozenset({2}))),
        ("a vote of no reading", {A: (said("end_vote"), said("end_vote", 2, 1))}, Standing()),
        ("a stranger says everything", {STRANGER: (PAUSE, OFF, said("end_round", 1, 1))}, Standing()),
        ("one names too little", {A: (said("extend", 1, 0), said("set_aside"), said("end_round", 1))}, Standing()),
        ("one names too much", {A: (said("call_off", leaf=LEAF), said("pause", 1))}, Standing()),
    ],
)
def test_words_come_to(sentence: str, spoken: dict[str, tuple[PlanNotice, ...]], standing: Standing) -> None:
    assert apply_notices(spoken, {A, B}) == standing, sentence


def test_the_order_between_logs_changes_nothing() -> None:
    chance = random.Random(3)
    words = [PAUSE, RESUME, OFF, said("extend", 1, 1, 5), said("end_round", 1, 1), said("set_aside", leaf=LEAF)]
    for _ in range(50):
        spoken = {origin: tuple(chance.choices(words, k=5)) for origin in (A, B, STRANGER)}
        backwards = dict(reversed(spoken.items()))
        assert apply_notices(spoken, [A, B]) == apply_notices(backwards, [B, A])


def test_each_fault_of_a_notice_is_named() -> None:
    assert [str(one) for one in audit_notice(said("extend", reading=1, leaf=LEAF))] == [
        "round: extend needs it",
        "wait_ms: extend needs it",
        "leaf: extend does not take it",
    ]


def test_the_charter_says_who_or_else_the_caller_does() -> None:
    assert list_facilitators((), A) == {A}
    assert list_facilitators((B,), A) == {B}


def test_an_answer_that_was_set_aside_silences_its_author_for_the_rest_of_the_reading_only() -> None:
    standing = Standing(set_aside=frozenset({LEAF}), answers_aside={(1, A): 9})
    said = {
        place: standing.is_aside(*place, A, b"another leaf") for place in ((1, 8), (1, 9), (1, 10), (2, 10), (2, 0))
    }
    assert said == {(1, 8): False, (1, 9): False, (1, 10): True, (2, 10): False, (2, 0): False}
    assert standing.is_aside(1, 9, A, LEAF) and not standing.is_aside(1, 10, B, b"another leaf")
