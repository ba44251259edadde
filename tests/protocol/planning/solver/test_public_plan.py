"""The public step: right, bounded, and the same integers on every machine."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from protocol.planning.economy import Economy, build_economy
from protocol.planning.rounds import close_round, start_state
from protocol.planning.solver.baskets import fit_baskets
from protocol.planning.solver.dual import Targets, respond, sum_slopes
from protocol.planning.solver.public_plan import solve_public_plan
from protocol.planning.state import State, hash_state
from tests.protocol.planning.economies import honest_answers, load, plan_rounds, region, village
from tests.protocol.planning.slow_step import SlowFit, SlowStep

ROOT = Path(__file__).resolve().parents[4]
# Enough goods for two panels of the factor; three rounds, the fit and the clearing.
DIGEST_PROGRAM = """
import hashlib, sys
from protocol.planning.clearing import clear_plan
from protocol.planning.rounds import close_round, start_state
from protocol.planning.state import hash_state
from tests.protocol.planning.economies import honest_answers, load, region
file, economy = load(region(3))
assert len(economy.goods) > 64
state = start_state(economy)
for _ in range(3):
    said = {name: None for name in economy.participants}
    state, _ = close_round(economy, state, said)
print(hash_state(state).hex(), hashlib.sha256(repr(clear_plan(economy, state)).encode()).hexdigest())
"""


def small_region() -> dict[str, object]:
    return region(3, councils=2, eaten=8)


@pytest.mark.parametrize("document", [village(), small_region()], ids=["village", "small region"])
def test_the_slow_model_in_plain_python_finds_the_same_integers_in_every_round(document: dict[str, object]) -> None:
    file, economy = load(document)
    state = start_state(economy)
    for _ in range(4):
        before = state
        state, _ = close_round(economy, state, honest_answers(file, economy, state))
        prices, planned = SlowStep(economy, before, state.answers.tolist()).solve()
        assert prices == state.prices.tolist()
        assert planned == state.planned.tolist()


def test_with_simd_switched_off_or_another_matrix_product_the_bytes_are_the_same() -> None:
    others = [
        {},
        {"NPY_DISABLE_CPU_FEATURES": " ".join(simd_features()), "OPENBLAS_NUM_THREADS": "1"},
        {"OPENBLAS_CORETYPE": "Nehalem", "OPENBLAS_NUM_THREADS": "2"},
    ]
    digests = set()
    for other in others:
        environment = {**os.environ, **other, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-W", "ignore", "-c", DIGEST_PROGRAM]
        done = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
        )
        digests.add(done.stdout)
    assert len(digests) == 1
    assert len(digests.pop().split()) == 2


def simd_features() -> list[str]:
    """What numpy uses on this machine beyond its baseline and can leave out."""
    shown = np.show_config(mode="dicts")
    assert shown is not None
    return [str(name) for name in shown["SIMD Extensions"].get("found", [])]


@pytest.mark.parametrize("document", [village(), small_region()], ids=["village", "small region"])
def test_the_slow_model_fits_the_same_baskets(document: dict[str, object]) -> None:
    file, economy = load(document)
    state = start_state(economy)
    for _ in range(3):
        state, _ = close_round(economy, state, honest_answers(file, economy, state))
        shares, activity, prices = SlowFit(economy, state).fit()
        fit = fit_baskets(economy, state)
        assert (shares, activity, prices) == (fit.shares.tolist(), fit.activity.tolist(), fit.prices.tolist())


def test_cards_in_any_order_give_the_same_states() -> None:
    file, economy = load(small_region())
    backwards = build_economy(file.table, file.consumers[::-1], file.workplaces[::-1])
    assert backwards.digest == economy.digest
    here, there = start_state(economy), start_state(backwards)
    for _ in range(3):
        said = honest_answers(file, economy, here)
        here, _ = close_round(economy, here, said)
        there, _ = close_round(backwards, there, dict(reversed(said.items())))
    assert hash_state(here) == hash_state(there)


def targets_of(state: State, economy: Economy) -> Targets:
    edges = len(economy.eaters.good)
    metric = economy.metric_of(state.metric)
    shape = economy.makers.has.shape
    levels, steepness = np.zeros(shape), np.ones(shape)
    levels.reshape(-1)[economy.makers.flat] = state.answers[edges:] / 1e6
    steepness.reshape(-1)[economy.makers.flat] = metric[edges:]
    return Targets(economy, state.answers[:edges] / economy.eaters.unit, metric[:edges], levels, steepness)


def test_the_plan_is_the_nearest_one_that_can_be_carried_out() -> None:
    file, economy = load(region(5, eaten=20))
    state, _ = plan_rounds(file, economy, rounds_most=2)
    targets = targets_of(state, economy)
    plan = solve_public_plan(targets, np.ones(len(economy.goods)))
    excess, price = plan.response.excess, plan.response.price
    # Kuhn-Tucker: nothing short, no price on what is left over, both to a millionth of the flow.
    assert plan.residual < 1e-6
    assert np.max(excess) < 1e-6
    assert np.max(np.minimum(price, -excess)) < 1e-6
    used = np.sum(plan.response.activity * economy.makers.capacity_use, axis=1)
    assert np.all(used <= economy.makers.capacity * (1 + 1e-9))
    assert np.all(plan.response.consumption >= economy.eaters.floor)


def test_the_slopes_are_the_derivative_of_the_excess() -> None:
    _, economy = load(region(6, eaten=12))
    targets = targets_of(start_state(economy), economy)
    prices = np.linspace(0.8, 1.2, len(economy.goods))
    value = np.sqrt(economy.price * economy.flow)
    here = respond(targets, prices)
    matrix = sum_slopes(targets, here)
    step = 1e-7
    for good in range(0, len(economy.goods), 5):
        moved = prices.copy()
        moved[good] += step
        slope = -(respond(targets, moved).excess - here.excess) / step * value / value[good]
        assert np.allclose(slope, matrix[:, good], atol=2e-4)


def test_a_least_is_kept_even_where_nobody_asks_for_the_work() -> None:
    document = village()
    document["workplaces"][2]["least"] = "350"
    _, economy = load(document)
    state = start_state(economy)
    state, _ = close_round(economy, state, {})
    farm = economy.answer_ranges["farm"].start
    assert Fraction(int(state.planned[farm]), 10**6) >= Fraction(3499, 10)
