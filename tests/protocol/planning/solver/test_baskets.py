"""Fitting: complements keep their proportions, production follows, and hardly anything is lost."""

import numpy as np
import pytest

from protocol.planning.certificate import check_certificate
from protocol.planning.clearing import FittedPlan, clear_plan, fit_plan, settle
from protocol.planning.economy import build_economy
from protocol.planning.plan import make_plan
from protocol.planning.rounds import start_state
from protocol.planning.simulation.members import gather_members
from protocol.planning.solver.baskets import SHARE_BITS, fit_baskets
from tests.protocol.planning.economies import load, plan_rounds, region, village


def test_complements_keep_their_proportions() -> None:
    file, economy = load(region(7, sigma="0"))
    state, _ = plan_rounds(file, economy)
    fitted = fit_plan(economy, state)
    eaters = economy.eaters
    floors = np.rint(eaters.floor * eaters.unit).astype(np.int64)
    above, said = np.array(fitted.consumption) - floors, state.answers[: len(floors)] - floors
    shares = fit_baskets(economy, state).shares[eaters.nest] / 2.0**SHARE_BITS
    assert np.all(np.abs(above - said * shares) <= 1.0)
    assert 0.9 < np.min(shares) <= np.max(shares) < 1.1


def test_what_is_fitted_loses_a_tenth_of_what_cutting_each_good_would() -> None:
    file, economy = load(region(7, sigma="0"))
    state, reports = plan_rounds(file, economy)
    members = gather_members(economy, file.tastes, file.efforts)
    edges = len(economy.eaters.good)
    answers, planned, prices = (column.tolist() for column in (state.answers, state.planned, state.prices))
    cut = settle(economy, FittedPlan(tuple(answers[:edges]), tuple(planned[edges:]), tuple(prices)))
    gaps = []
    for cleared in (cut, clear_plan(economy, state)):
        plan = make_plan(economy, state, cleared, reports[-1])
        certificate = check_certificate(plan, members.regrets(plan))
        assert certificate.findings == () and certificate.gap_ppm is not None
        gaps.append(certificate.gap_ppm)
    assert gaps[1] * 10 < gaps[0]
    assert gaps[1] < 200


@pytest.mark.parametrize("document", [village(), region(1)], ids=["village", "region"])
def test_nobody_is_fitted_beyond_the_credits(document: dict[str, object]) -> None:
    file, economy = load(document)
    state, _ = plan_rounds(file, economy, rounds_most=2)
    fitted = fit_plan(economy, state)
    for card in economy.consumers:
        rows = economy.answer_ranges[card.id]
        floors = [floor for nest in card.nests for floor in nest.floors]
        goods = [good for nest in card.nests for good in nest.goods]
        cost = sum(
            (fitted.consumption[row] - floor) * fitted.prices[good] / 10.0 ** economy.goods[good].decimals
            for row, floor, good in zip(rows, floors, goods, strict=True)
        )
        assert cost <= 1.000001 * sum(nest.credits_micro for nest in card.nests)


def test_cards_in_any_order_are_fitted_alike() -> None:
    file, economy = load(region(3, eaten=20))
    backwards = build_economy(file.table, file.consumers[::-1], file.workplaces[::-1])
    state, _ = plan_rounds(file, economy, rounds_most=3)
    assert fit_plan(economy, state) == fit_plan(backwards, state)


def test_a_region_that_has_not_begun_yet_is_fitted_too() -> None:
    _, economy = load(region(4, eaten=20))
    state = start_state(economy)
    assert settle(economy, fit_plan(economy, state)).passes < 100


def test_whatever_was_answered_shares_of_a_flow_and_slopes_stay_within_their_bounds() -> None:
    _, economy = load(region(3, councils=2, eaten=8))
    state = start_state(economy)
    state.answers[:] = economy.answer_bounds[1]
    basket = fit_baskets(economy, state).basket / economy.eaters.unit
    flow = economy.flow[economy.eaters.good]
    moved = np.bincount(economy.eaters.good, basket / flow)
    assert np.max(moved) * 2 < 2.0**10
    credits = economy.eaters.nest_credits[economy.eaters.nest]
    slopes = basket * basket * economy.price[economy.eaters.good] / flow / credits
    assert np.max(np.bincount(economy.eaters.good, slopes)) < 2.0**17
