"""The mix of an outline: held as the page says, carried over without a change of what was shown, and nothing apart."""

import msgspec
import numpy as np
import pytest

from protocol.planning.cards import MICRO
from protocol.planning.economy import Economy, build_economy
from protocol.planning.private.mix import hold_outline, read_mixes
from protocol.planning.rounds import close_round, start_state
from protocol.planning.solver.metric import HOLD_LEAST, HOLD_MOST, learn_holds
from protocol.planning.state import State
from tests.protocol.planning.economies import honest_answers, load, region, village
from tests.protocol.planning.private.test_private_recipes import hide


def states(count: int) -> tuple[Economy, list[State]]:
    """The first states of the village whose oven and farm keep their recipes."""
    file, economy = load(hide(village(), "oven", "farm"))
    found = [start_state(economy)]
    for _ in range(count):
        found.append(close_round(economy, found[-1], honest_answers(file, economy, found[-1]))[0])
    return economy, found


@pytest.mark.parametrize("name", ["oven", "farm"])
def test_a_mix_is_loose_by_its_pull_and_each_good_by_its_own_metric(name: str) -> None:
    economy, (*_, state) = states(2)
    mixes = read_mixes(economy, state.answers, state.prices, (name,))
    rows = economy.answer_ranges[name]
    metric = economy.metric_of(state.metric)[rows.start : rows.stop]
    loose = np.diag(1.0 / metric) + np.outer(mixes.level, mixes.level) / mixes.pull[0]
    assert np.allclose(hold_outline(economy, state, name) @ loose, np.eye(len(rows)), atol=1e-9)


def test_what_an_outline_was_shown_stays_when_its_metric_and_mix_are_learned() -> None:
    economy, (before, after) = states(1)
    for name in economy.mixed:
        rows = slice(economy.answer_ranges[name].start, economy.answer_ranges[name].stop)
        moved = before.carried[rows] + 7 * (after.planned[rows] - after.answers[rows]) / 4
        shown = hold_outline(economy, before, name) @ ((moved - after.planned[rows]) / MICRO)
        kept = hold_outline(economy, after, name) @ ((after.carried[rows] - after.planned[rows]) / MICRO)
        assert np.allclose(shown, kept, rtol=1e-4, atol=1e-4 * np.max(np.abs(shown)))


def test_goods_that_are_apart_are_held_each_by_itself() -> None:
    file, economy = load(hide(village(), "oven"))
    assert economy.mixed == ("oven",)
    cards = [msgspec.structs.replace(card, apart=True) if card.outline else card for card in file.workplaces]
    apart = build_economy(file.table, file.consumers, cards)
    assert apart.mixed == () and apart.outlined == ("oven",)
    hold = hold_outline(apart, start_state(apart), "oven")
    assert np.all(hold == np.diag(np.diag(hold)))


@pytest.mark.parametrize(("sigma", "least", "most"), [("0", 0.9, HOLD_MOST), ("8", HOLD_LEAST, 0.7)])
def test_complements_are_held_more_stiffly_than_substitutes(sigma: str, least: float, most: float) -> None:
    file, economy = load(region(7, sigma=sigma))
    state = start_state(economy)
    for _ in range(3):
        before, state = state, close_round(economy, state, honest_answers(file, economy, state))[0]
    holds = learn_holds(economy, before, state.answers, state.prices)
    sizes = np.bincount(economy.eaters.nest)[economy.eaters.nest]
    assert least <= float(np.median(holds[sizes > 1])) <= most
    assert np.all((holds >= HOLD_LEAST) & (holds <= HOLD_MOST)) and np.all(holds[sizes == 1] == HOLD_MOST)
