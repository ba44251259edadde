"""The last public step: each nest's last answer as one basket that is scaled as a whole, and production fitted to it.

Cut good by good, a nest of complements would lose as much as its scarcest good and waste the rest.
Invariant: the result depends only on the economy and the integers of the state: same bytes on every machine.
Spec: docs/spec/planning/planning-step.md, section "Fitting".
"""

from dataclasses import dataclass, replace

import numpy as np

from protocol.planning.card_rules import QUANTITY_MOST
from protocol.planning.cards import MICRO
from protocol.planning.economy import ConsumerEdges, Economy, Floats, Indexes, Integers
from protocol.planning.solver.basket_rows import Baskets, add_baskets
from protocol.planning.solver.dual import Targets
from protocol.planning.solver.public_plan import PublicPlan, solve_public_plan
from protocol.planning.state import State

SHARE_BITS = 30
SHARE_MOST = 2.0
# A basket holds at most this many times what an equal part of the nest's credits buys at start prices, so that shares
# of a flow stay below 2^9 and slopes below 2^16, whatever was answered.
BASKET_MOST = 2.0**8


@dataclass(frozen=True)
class Fit:
    """What goes together and what of it: `basket` in units per council edge, above floors, `shares` of each nest's
    basket in 2^-SHARE_BITS, `activity` in millionths per technique, `prices` in micro-credits.
    """

    basket: Integers
    shares: Integers
    activity: Integers
    prices: Integers
    newton_steps: int


def fit_baskets(economy: Economy, state: State, share_least: float = 0.0) -> Fit:
    """Prices at which the baskets and what is made for them come together.

    A nest with credits b takes the share 2 - cost / b of its basket, which spends no more than b at any price; a
    technique's effort is what its answer showed. No basket is cut below `share_least`.
    """
    units = _basket_units(economy, state)
    nested = _with_baskets(economy, units / economy.eaters.unit, share_least)
    targets = _targets(nested, economy, state)
    plan: PublicPlan = solve_public_plan(targets, state.prices / MICRO / economy.price)
    makers = len(economy.makers.has)
    activity = plan.response.activity[:makers].reshape(-1)[economy.makers.flat]
    shares = plan.response.activity[makers:, 0]
    prices = np.rint(plan.response.price * economy.price * MICRO).astype(np.int64)
    prices[economy.eaters.good] = np.maximum(prices[economy.eaters.good], 1)
    return Fit(
        basket=units,
        shares=np.floor(shares * 2.0**SHARE_BITS).astype(np.int64),
        activity=np.rint(np.minimum(activity * MICRO, float(QUANTITY_MOST))).astype(np.int64),
        prices=prices,
        newton_steps=plan.newton_steps,
    )


def _basket_units(economy: Economy, state: State) -> Integers:
    eaters = economy.eaters
    floors = economy.answer_bounds[0][: len(eaters.good)]
    sizes = np.bincount(eaters.nest, minlength=len(eaters.nest_start))
    equal = (eaters.nest_credits / sizes)[eaters.nest] / economy.price[eaters.good]
    most = np.minimum(np.floor(BASKET_MOST * equal * eaters.unit), float(QUANTITY_MOST)).astype(np.int64)
    return np.asarray(np.minimum(np.maximum(state.answers[: len(floors)] - floors, 0), most), np.int64)


def _with_baskets(economy: Economy, basket: Floats, share_least: float) -> Economy:
    """The economy with a row for each nest that uses its basket, and with the floors taken from the endowments."""
    eaters = economy.eaters
    floors = [0.0] * len(economy.goods)
    for good, floor in zip(eaters.good.tolist(), eaters.floor.tolist(), strict=True):
        floors[good] += floor
    return replace(
        economy,
        endowment=economy.endowment - np.array(floors),
        eaters=_nobody(),
        makers=add_baskets(economy.makers, _nest_baskets(eaters, basket, economy.price, share_least)),
    )


def _nest_baskets(eaters: ConsumerEdges, basket: Floats, price: Floats, share_least: float) -> Baskets:
    worth = np.zeros(len(eaters.nest_start))
    np.add.at(worth, eaters.nest, basket * price[eaters.good])
    order = _by_nest_and_good(eaters)
    nest, good = eaters.nest[order], eaters.good[order]
    return Baskets(eaters.nest_start, nest, good, basket[order], worth, share_least, SHARE_MOST)


def _by_nest_and_good(eaters: ConsumerEdges) -> Indexes:
    """Positions of the edges with the goods of each nest in ascending order, as pairs of goods are counted."""
    return np.lexsort((eaters.good, eaters.nest))


def _nobody() -> ConsumerEdges:
    none, zero = np.zeros(0, np.intp), np.zeros(0)
    return ConsumerEdges(none, none, none, none, zero, zero, zero, zero, zero)


def _targets(nested: Economy, economy: Economy, state: State) -> Targets:
    edges, makers = len(economy.eaters.good), len(economy.makers.has)
    aim = (2 * state.answers - state.carried) / economy.entry_unit
    shape = nested.makers.has.shape
    activity, metric = np.zeros(shape), np.ones(shape)
    activity.reshape(-1)[economy.makers.flat] = aim[edges:]
    metric.reshape(-1)[economy.makers.flat] = economy.metric_of(state.metric)[edges:]
    activity[makers:, 0] = 2.0
    metric[makers:, 0] = economy.eaters.nest_credits
    return Targets(nested, np.zeros(0), np.zeros(0), activity, metric)
