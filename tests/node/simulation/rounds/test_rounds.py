"""Plans among a few members in worlds where everything fails: one set a slot, one digest, one plan, or none."""

import json

import pytest

from node.cli.main import run_words
from node.simulation.rounds.economy import draw_batch
from node.simulation.rounds.run import Outcome, run_rounds
from node.simulation.rounds.scenario import ANSWER_LIES, VOTE_LIES, draw_scenario
from tests.node.simulation.rounds.mutants import MUTANTS, Mutant

SEEDS = range(1, 61)
TRIED_MAX = 40
"""Seeds that are tried where the one that is written down no longer shows it, since something else has changed."""


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [run_rounds(scenario) for seed in SEEDS if (scenario := draw_scenario(seed)).members <= 5]


@pytest.mark.slow
def test_what_must_hold_holds_in_every_world(outcomes: list[Outcome]) -> None:
    assert [f"rochdale simulate --plan --seed {one.scenario.seed}: {one.detail}" for one in outcomes if one.rule] == []


@pytest.mark.slow
def test_the_worlds_are_worth_living_through(outcomes: list[Outcome]) -> None:
    """Plans come about in most of them, some in batches; lies of every kind are told, and some are not approved."""
    told = {lie for one in outcomes for lie in one.scenario.lies.values()}
    assert told >= {*VOTE_LIES} and len(told & {*ANSWER_LIES}) >= 6
    assert sum(one.rounds > 0 for one in outcomes) == len(outcomes)
    assert len(outcomes) / 2 < sum(one.ratified for one in outcomes) < len(outcomes)
    assert sum(one.ratified and bool(draw_batch(one.scenario.seed)) for one in outcomes) > 5
    assert (
        sum(bool(one.scenario.crashes) for one in outcomes)
        > 10
        < sum(bool(one.scenario.partitions) for one in outcomes)
    )


def test_a_seed_replays_a_world() -> None:
    assert run_rounds(draw_scenario(3)) == run_rounds(draw_scenario(3))


def test_the_command_says_what_came_of_a_world(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_words(["--json", "simulate", "--plan", "--seed", "4", "--nodes", "2"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["held"] and told["nodes"] == 2 and told["rounds"] > 0
    assert run_words(["simulate", "--plan", "--seed", "4", "--nodes", "41"]) == 1


def test_the_seeds_draw_up_to_forty_members() -> None:
    sizes = {draw_scenario(seed).members for seed in range(2_000)}
    assert min(sizes) == 2 and max(sizes) > 35
    for seed in range(200):
        scenario = draw_scenario(seed)
        assert sum(lie in VOTE_LIES for lie in scenario.lies.values()) <= (scenario.members - 1) // 3
        assert len(scenario.lies) < scenario.members


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_found(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = [seed for seed in range(400) if mutant.is_apt(draw_scenario(seed))]
    found = next((seed for seed in (mutant.seed, *apt[:TRIED_MAX]) if break_world(mutant, seed, monkeypatch)), None)
    assert found is not None, f"not found in {TRIED_MAX} worlds"


def break_world(mutant: Mutant, seed: int, patch: pytest.MonkeyPatch) -> bool:
    """Whether a world breaks one of the rules that it must, with the bug in it."""
    with patch.context() as planted:
        mutant.plant(planted)
        return run_rounds(draw_scenario(seed)).rule in mutant.rules
