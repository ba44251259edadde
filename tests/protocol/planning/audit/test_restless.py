"""Who holds up the rounds: an erratic answerer is named and the plan gets on without it, nobody honest ever is."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from protocol.planning.audit.replay import ReplayedRound
from protocol.planning.audit.restless import MOVING_ROUNDS, WINDOW_ROUNDS, Restless, find_restless
from protocol.planning.rounds import Answer, close_round, start_state
from tests.protocol.planning.economies import Answers, honest_answers, load, region, village

Change = Callable[[int, Answers], Answers]
ASIDE_ROUND = 12


def play(document: dict[str, Any], tolerance_ppm: int, rounds_most: int, change: Change) -> list[Restless | None]:
    """What is said of each round, until the rounds end."""
    file, economy = load(document, tolerance_ppm)
    state, rounds, told = start_state(economy), list[ReplayedRound](), list[Restless | None]()
    for number in range(1, rounds_most + 1):
        answers = change(number, honest_answers(file, economy, state))
        after, report = close_round(economy, state, answers)
        rounds.append(ReplayedRound(state, {card: said for card, said in answers.items() if said}, report))
        told.append(find_restless(economy, rounds))
        assert find_restless(economy, rounds[-WINDOW_ROUNDS:]) == told[-1], "the last rounds are enough"
        state = after
        if report.is_close_enough:
            break
    return told


def spoil(answer: Answer | None, seed: str, percent: int) -> Answer:
    """An answer that is up to so much too small or too large, good by good."""
    assert answer is not None
    chance = random.Random(seed)
    strays = [units * (100 + chance.randint(-percent, percent)) // 100 for units in answer.quantities]
    return msgspec.structs.replace(answer, quantities=tuple(strays))


@pytest.mark.parametrize(
    ("document", "card", "percent"),
    [(village(), "south", 30), (region(3, 2, 16), "council-1", 5), (region(5, 2, 16), "workplace-food06", 30)],
    ids=["a council of a village", "a council that strays a little", "a workplace"],
)
def test_an_erratic_answerer_is_named_and_set_aside_the_rounds_end(
    document: dict[str, Any], card: str, percent: int
) -> None:
    def stray(number: int, answers: Answers) -> Answers:
        return {**answers, card: spoil(answers[card], f"{card} {number}", percent)}

    held = play(document, 10_000, ASIDE_ROUND, stray)
    assert len(held) == ASIDE_ROUND and held[: MOVING_ROUNDS - 1] == [None] * (MOVING_ROUNDS - 1)
    named = held[-1]
    assert named is not None and named.card == card and named.moved_ppm > 10_000 and named.wrong_share_ppm > 100_000

    def stray_until_aside(number: int, answers: Answers) -> Answers:
        return stray(number, answers) if number < ASIDE_ROUND else {**answers, card: None}

    mended = play(document, 10_000, 3 * ASIDE_ROUND, stray_until_aside)
    assert len(mended) < 3 * ASIDE_ROUND and mended[-1] is None


def test_the_figures_of_the_spec_page() -> None:
    def stray(number: int, answers: Answers) -> Answers:
        return {**answers, "south": spoil(answers["south"], f"south {number}", 30)}

    assert play(village(), 10_000, 12, stray)[-1] == Restless("south", 159_627, 999_861)
    page = (Path(__file__).parents[4] / "docs/spec/planning/facilitation.md").read_text()
    assert "15.96 %" in page and "99.99 %" in page


@pytest.mark.parametrize("sigma", [None, "0"])
def test_nobody_honest_is_named_however_long_it_takes(sigma: str | None) -> None:
    told = play(region(2, 2, 16, sigma), 100, 40, lambda _, answers: answers)
    assert len(told) > MOVING_ROUNDS and not any(told)


def test_a_liar_who_keeps_to_one_story_and_whoever_is_silent_are_not_named() -> None:
    def lie(_: int, answers: Answers) -> Answers:
        return {**answers, "council-1": spoil(answers["council-1"], "always the same", 30)}

    assert not any(play(region(2, 2, 16), 10_000, 14, lie))
    assert not any(play(region(2, 2, 16), 10_000, 14, lambda _, answers: {**answers, "council-1": None}))
