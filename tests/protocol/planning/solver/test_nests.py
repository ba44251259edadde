"""A council's private problem: best answers really are best, whatever its tastes and however far the plan is off."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.planning.economy import Floats
from protocol.planning.solver.nests import NestTable, best_at_prices, best_near, log_price_index, log_utility

SIGMAS = (0.0, 0.02, 0.3, 1.0, 2.0, 8.0)


def nest(sigma: float, credits: float, weights: list[float]) -> NestTable:
    one = np.zeros(1, np.intp)
    place = np.zeros(len(weights), np.intp)
    return NestTable(one, place, np.array([sigma]), np.array([credits]), np.array(weights))


amounts = st.floats(0.01, 100)
quantities = st.lists(st.tuples(amounts, amounts, st.floats(-200, 200)), min_size=1, max_size=5)


def value(nests: NestTable, metric: Floats, pivot: Floats, quantity: Floats) -> float:
    gap = quantity - pivot
    return float(nests.credits[0] * log_utility(nests, quantity)[0] - np.sum(metric * gap * gap) / 2)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SIGMAS), amounts, quantities, st.data())
def test_no_other_answer_near_the_plan_is_better(
    sigma: float, credits: float, rows: list[tuple[float, float, float]], data: st.DataObject
) -> None:
    weights, metric, pivot = (np.array(column) for column in zip(*rows, strict=True))
    nests = nest(sigma, credits, weights.tolist())
    best = best_near(nests, metric, pivot)
    assert np.all(np.isfinite(best)) and np.all(best >= 0)
    marginal = metric * (best - pivot)
    # Euler: marginal values times quantities are the credits.
    assert np.sum(marginal * best) == pytest.approx(credits, rel=1e-5, abs=1e-9 * float(np.sum(metric * best * best)))
    # Of complements nobody asks for more of one than goes with the others.
    factors = [data.draw(st.floats(0.5, 2)) for _ in rows] if sigma else [data.draw(st.floats(0.5, 2))] * len(rows)
    other = best * np.array(factors)
    reached = value(nests, metric, pivot, best)
    slack = 1e-9 * (1 + abs(reached) + float(np.sum(metric * (best - pivot) ** 2)))
    assert reached >= value(nests, metric, pivot, other) - slack


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SIGMAS), amounts, st.lists(st.tuples(amounts, amounts), min_size=1, max_size=5))
def test_what_is_bought_at_prices_costs_the_credits_and_reaches_the_price_index(
    sigma: float, credits: float, rows: list[tuple[float, float]]
) -> None:
    weights, price = (np.array(column) for column in zip(*rows, strict=True))
    nests = nest(sigma, credits, weights.tolist())
    bought = best_at_prices(nests, price)
    assert np.sum(bought * price) == pytest.approx(credits)
    reached = log_utility(nests, bought)[0]
    assert reached == pytest.approx(np.log(credits) - log_price_index(nests, price)[0], abs=1e-6)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_extreme_states_still_have_an_answer(sigma: float) -> None:
    nests = nest(sigma, 50.0, [1.0, 1e-6, 300.0])
    for metric in (1e-9, 1.0, 1e9):
        for pivot in (-1e9, -1.0, 0.0, 1e-9, 1e9):
            answer = best_near(nests, np.full(3, metric), np.full(3, pivot))
            assert np.all(np.isfinite(answer)) and np.all(answer >= 0)
            if pivot <= 0:
                assert np.sum(metric * (answer - pivot) * answer) == pytest.approx(50.0)


def test_many_nests_at_once_answer_as_each_alone() -> None:
    """Easy ones are done at once, others after dozens of steps: none may take what another is at."""
    rng = np.random.default_rng(4)
    sizes = rng.integers(1, 9, 60)
    place = np.repeat(np.arange(len(sizes)), sizes)
    start = np.cumsum(sizes) - sizes
    weight, metric = np.exp(rng.normal(0, 3, (2, len(place))))
    pivot = rng.normal(0, 1, len(place)) * np.exp(rng.normal(0, 6, len(sizes)))[place]
    sigma, credits = rng.choice(SIGMAS, len(sizes)), np.exp(rng.normal(2, 2, len(sizes)))
    together = best_near(NestTable(start, place, sigma, credits, weight), metric, pivot)
    for number in range(len(sizes)):
        own = place == number
        alone = best_near(nest(sigma[number], credits[number], weight[own].tolist()), metric[own], pivot[own])
        assert together[own] == pytest.approx(alone, rel=1e-8)
