"""A plan done over from its minutes: the same plan comes out, any change is named, erratic answers show themselves."""

import random
from collections.abc import Callable

import msgspec
import pytest

from protocol.core.errors import RefusedError
from protocol.planning.audit.answers import ERRATIC_SHARE, judge_answers
from protocol.planning.audit.minutes import Minutes, ReadingMinutes, RoundMinutes, format_minutes, parse_minutes
from protocol.planning.audit.replay import Played, audit_replay, replay_minutes
from protocol.planning.clearing import clear_plan
from protocol.planning.economy import Economy, build_economy
from protocol.planning.economy_file import EconomyFile
from protocol.planning.plan import Plan, make_plan
from protocol.planning.rounds import Answer, RoundReport, close_round, start_state, warm_start
from protocol.planning.state import State
from tests.protocol.planning.economies import Answers, honest_answers, load, region, village

PARAMETERS: dict[str, str | int] = {"call": "made up"}
Change = Callable[[Answers, int], Answers]


def _honest(answers: Answers, number: int) -> Answers:
    return answers


def _reading(file: EconomyFile, economy: Economy, state: State, change: Change) -> tuple[ReadingMinutes, State, Plan]:
    rounds: list[RoundMinutes] = []
    report: RoundReport | None = None
    while len(rounds) < 40 and (report is None or not report.is_close_enough):
        answers = change(honest_answers(file, economy, state), len(rounds) + 1)
        state, report = close_round(economy, state, answers)
        rounds.append(RoundMinutes({card: said.quantities for card, said in answers.items() if said is not None}))
    assert report is not None
    own = economy.workplaces[: economy.answering]
    plan = make_plan(economy, state, clear_plan(economy, state), report, PARAMETERS)
    return ReadingMinutes(economy.consumers, own, tuple(rounds)), state, plan


def _two_readings(change: Change = _honest) -> tuple[Plan, Minutes]:
    """A first reading, and a second in which north has edited its floor."""
    file, economy = load(village())
    first, state, _ = _reading(file, economy, start_state(economy), change)
    north = economy.consumers[0]
    nest = msgspec.structs.replace(north.nests[0], floors=(6_000, 0))
    edited = (msgspec.structs.replace(north, nests=(nest,)), *economy.consumers[1:])
    again = build_economy(economy.table, edited, economy.workplaces[: economy.answering])
    second, _, plan = _reading(file, again, warm_start(again, state, economy), change)
    parameters = {**plan.parameters, "reading": 2}
    minutes = Minutes("rochdale-plan-minutes/1", economy.table, PARAMETERS, (first, second), {})
    return msgspec.structs.replace(plan, parameters=parameters), minutes


def test_the_plan_follows_from_its_minutes_to_the_last_byte() -> None:
    plan, minutes = _two_readings()
    read = parse_minutes(format_minutes(minutes))
    told: list[tuple[int, int]] = []
    replayed = replay_minutes(read, lambda done, of: told.append((done, of)))
    assert audit_replay(Played(read, replayed, plan)) == []
    rounds = sum(len(reading.rounds) for reading in minutes.readings)
    assert told == [(done, rounds) for done in range(1, rounds + 1)]


def test_every_change_to_an_answer_is_noticed() -> None:
    plan, minutes = _two_readings()
    for number, reading in enumerate(minutes.readings):
        for at_round, one in enumerate(reading.rounds):
            card = sorted(one.answers)[at_round % len(one.answers)]
            quantities = (one.answers[card][0] + 100_000, *one.answers[card][1:])
            rounds = list(reading.rounds)
            rounds[at_round] = RoundMinutes({**one.answers, card: quantities})
            readings = list(minutes.readings)
            readings[number] = msgspec.structs.replace(reading, rounds=tuple(rounds))
            changed = msgspec.structs.replace(minutes, readings=tuple(readings))
            assert audit_replay(Played(changed, replay_minutes(changed), plan)), (number, at_round)


def test_what_differs_is_named() -> None:
    plan, minutes = _two_readings()
    replayed = replay_minutes(minutes)
    dearer = msgspec.structs.replace(plan, prices=(plan.prices[0] + 1, *plan.prices[1:]))
    assert [str(one) for one in audit_replay(Played(minutes, replayed, dearer))] == [
        f"prices.bread: {plan.prices[0] + 1}, the rounds lead to {plan.prices[0]}"
    ]
    less = {**plan.consumption, "south": (1, 1)}
    found = audit_replay(Played(minutes, replayed, msgspec.structs.replace(plan, consumption=less)))
    assert [finding.place for finding in found] == ["consumption.south"]
    richer = msgspec.structs.replace(plan.consumers[0], people=9)
    other = msgspec.structs.replace(plan, consumers=(richer, plan.consumers[1]))
    found = audit_replay(Played(minutes, replayed, other))
    assert [finding.place for finding in found] == ["consumers.north"]


def test_an_answer_that_could_not_count_is_named() -> None:
    plan, minutes = _two_readings()
    last = minutes.readings[-1]
    short = RoundMinutes({**last.rounds[0].answers, "oven": (1, 2, 3)})
    reading = msgspec.structs.replace(last, rounds=(short, *last.rounds[1:]))
    changed = msgspec.structs.replace(minutes, readings=(minutes.readings[0], reading))
    found = audit_replay(Played(changed, replay_minutes(changed), plan))
    assert found[0].place == "minutes.round 1.oven" and "3 quantities, the card has 1" in found[0].reason


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "minutes: is no such document"),
        (b"{}", "minutes: is no such document"),
        (b"[" * 100_000, "minutes: is no such document"),
        (b"\xff", "minutes: is no such document"),
    ],
)
def test_what_are_no_minutes_is_refused(raw: bytes, sentence: str) -> None:
    with pytest.raises(RefusedError, match=sentence):
        parse_minutes(raw)


def test_minutes_in_another_form_are_refused() -> None:
    _, minutes = _two_readings()
    encoded = format_minutes(minutes)
    with pytest.raises(RefusedError, match="canonical"):
        parse_minutes(encoded.replace(b'"format":', b'"format": '))
    with pytest.raises(RefusedError, match="expected"):
        parse_minutes(encoded.replace(b"plan-minutes/1", b"plan-minutes/2"))
    with pytest.raises(RefusedError, match="must be 1 to 16"):
        parse_minutes(format_minutes(msgspec.structs.replace(minutes, readings=minutes.readings[:1] * 17)))


@pytest.mark.parametrize("document", [village(), region(1), region(7, sigma="0"), region(8, sigma="4")])
def test_nobody_who_answers_honestly_is_asked(document: dict[str, object]) -> None:
    file, economy = load(document)
    reading, _, _ = _reading(file, economy, start_state(economy), _honest)
    minutes = Minutes("rochdale-plan-minutes/1", economy.table, PARAMETERS, (reading,), {})
    verdicts = judge_answers(replay_minutes(minutes)[-1])
    assert [verdict.card for verdict in verdicts] == list(economy.participants)
    assert {verdict.card: verdict.wrong_share for verdict in verdicts if verdict.wrong_share > ERRATIC_SHARE / 10} == {}
    assert all(verdict.answered == len(reading.rounds) for verdict in verdicts)


def test_whoever_answers_at_random_is_asked_and_nobody_else() -> None:
    dice = random.Random(5)
    erratic = "south"

    def change(answers: Answers, number: int) -> Answers:
        said = answers[erratic]
        assert said is not None
        stray = [
            max(floor, round(units * dice.uniform(0.8, 1.2)))
            for units, floor in zip(said.quantities, (2_000, 0), strict=True)
        ]
        return {**answers, erratic: Answer(said.state_hash, tuple(stray))}

    file, economy = load(village())
    reading, _, _ = _reading(file, economy, start_state(economy), change)
    minutes = Minutes("rochdale-plan-minutes/1", economy.table, PARAMETERS, (reading,), {})
    verdicts = {verdict.card: verdict for verdict in judge_answers(replay_minutes(minutes)[-1])}
    assert [card for card, verdict in verdicts.items() if verdict.is_erratic] == [erratic]
    first, second = verdicts[erratic].rounds
    assert 1 <= first < second <= len(reading.rounds)


def test_who_was_silent_is_judged_by_the_rounds_that_were_answered() -> None:
    def change(answers: Answers, number: int) -> Answers:
        return {**answers, "north": None} if number % 2 else answers

    file, economy = load(village())
    reading, _, _ = _reading(file, economy, start_state(economy), change)
    minutes = Minutes("rochdale-plan-minutes/1", economy.table, PARAMETERS, (reading,), {})
    verdicts = {verdict.card: verdict for verdict in judge_answers(replay_minutes(minutes)[-1])}
    assert verdicts["north"].answered == len(reading.rounds) // 2
    assert not verdicts["north"].is_erratic
