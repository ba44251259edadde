"""How strongly each entry is held in place (the metric r): refreshed in the first rounds, then frozen.

Written as integers: METRIC_ONE stands for start price / scale of a council's edge, for turnover / level of a technique.
Spec: docs/spec/planning/planning-step.md, section "Metric".
"""

import numpy as np

from protocol.planning.cards import MICRO
from protocol.planning.economy import METRIC_ONE, ConsumerEdges, Economy, Floats, Integers
from protocol.planning.state import State

METRIC_LEAST = 2**8
METRIC_MOST = 2**40
REFRESH_ROUNDS = 8
REFRESH_FACTOR = 3
# Below these shares a price or quantity no longer moves the metric: r must neither vanish nor run away.
PRICE_SHARE_LEAST = 0.02
QUANTITY_SHARE_LEAST = 1e-4
LEVEL_SHARE_LEAST = 0.3
# Price / quantity is the slope of a nest's logarithm: 1 suits complements, less suits substitutes, which give way.
HOLD_START = 0.75
HOLD_MOST = 1.0
HOLD_LEAST = 0.6
# How far a nest's proportions move, for how far those of its prices do: complements up to the first, substitutes from
# the second on. A spread of prices below the last says nothing.
SWAY_LEAST = 0.2
SWAY_MOST = 1.0
SPREAD_LEAST = 1e-3
START_STEEPNESS = 0.3
START_SHARE = 0.3
STEEPNESS_LEAST = 0.01
STEEPNESS_MOST = 3.0
# How stiffly a good of an outline is held, against its price over half its bound and half its amount; and how long that
# is learned: what stands behind an outline shows itself more slowly than a recipe does.
OUTLINE_HOLD = 3.0
MIXED_HOLD = 4.0
OUTLINE_REFRESH_ROUNDS = 30


def refresh_rounds(economy: Economy) -> int:
    """How many rounds the metric is refreshed in."""
    return OUTLINE_REFRESH_ROUNDS if economy.outlined else REFRESH_ROUNDS


def _eating_metric(economy: Economy, relative_price: Floats, quantity: Floats, hold: Floats | float) -> Integers:
    """`hold` x price / quantity of every council edge; `quantity` in whole units, prices relative to start prices."""
    eaters = economy.eaters
    price = np.maximum(relative_price, PRICE_SHARE_LEAST)[eaters.good]
    share = np.maximum(quantity / eaters.scale, QUANTITY_SHARE_LEAST)
    return _clamp_metric(hold * price / share)


def learn_holds(economy: Economy, state: State, said: Integers, prices: Integers) -> Floats:
    """How stiffly each council edge is held: what its nest's answers, the last and `said`, show of its elasticity."""
    eaters = economy.eaters
    least = QUANTITY_SHARE_LEAST * eaters.scale
    now, before = (
        np.maximum(answers[: len(least)] / eaters.unit - eaters.floor, least) for answers in (said, state.answers)
    )
    price_now, price_before = (
        np.maximum(price / MICRO / economy.price, PRICE_SHARE_LEAST) for price in (prices, state.prices)
    )
    sway = _spread(eaters, now / before) / np.maximum(
        _spread(eaters, (price_now / price_before)[eaters.good]), SPREAD_LEAST
    )
    share = np.minimum(np.maximum((sway - SWAY_LEAST) / (SWAY_MOST - SWAY_LEAST), 0.0), 1.0)
    return np.asarray((HOLD_MOST - (HOLD_MOST - HOLD_LEAST) * share)[eaters.nest], np.float64)


def _spread(eaters: ConsumerEdges, ratio: Floats) -> Floats:
    """By how much the largest of each nest's ratios is above its smallest, as a share of that."""
    largest, smallest = (side.reduceat(ratio, eaters.nest_start) for side in (np.maximum, np.minimum))
    return np.asarray(largest / smallest - 1.0, np.float64)


def _making_metric(economy: Economy, relative_price: Floats, activity: Floats, shown: Floats) -> Integers:
    """How steep each technique's effort has shown itself (flat, in the order of the state).

    Answers show it: an honest workplace has effort x a = r (v - a). `shown` is that r (v - a) / a in the metric's unit;
    it is kept between STEEPNESS_LEAST x turnover at these prices / activity, and STEEPNESS_MOST / activity.
    """
    makers = economy.makers
    price = (np.maximum(relative_price, PRICE_SHARE_LEAST) * economy.price)[makers.edge_good].reshape(-1, 1)
    worth = makers.worth[makers.edge_owner]
    terms = np.rint(np.abs(makers.net) * price / worth * METRIC_ONE).astype(np.int64)
    turnover = (np.add.reduceat(terms, makers.edge_start, axis=0) / METRIC_ONE).reshape(-1)[makers.flat]
    share = np.maximum(activity / makers.level.reshape(-1)[makers.flat], LEVEL_SHARE_LEAST)
    least = STEEPNESS_LEAST * turnover / share
    return _clamp_metric(np.maximum(np.minimum(shown, STEEPNESS_MOST / share), least))


def _outline_metric(economy: Economy, relative_price: Floats, activity: Floats) -> Integers:
    """The price of each good of an outline over half its bound and half what moves (per technique; only there used)."""
    makers = economy.makers
    price = np.zeros(len(makers.has))
    price[makers.edge_owner] = np.maximum(relative_price, PRICE_SHARE_LEAST)[makers.edge_good]
    slots = makers.has.shape[1]
    hold = np.where(economy.is_mixed[len(economy.eaters.good) :], MIXED_HOLD, OUTLINE_HOLD)
    return _clamp_metric(hold * price[makers.flat // slots] / (0.5 + 0.5 * activity))


def start_metric(economy: Economy, relative_price: Floats) -> Integers:
    """The metric before the first round: councils at their wants, techniques at START_STEEPNESS."""
    making = _clamp_metric(np.full(len(economy.makers.flat), START_STEEPNESS))
    hidden = _outline_metric(economy, relative_price, np.full(len(making), START_SHARE))
    eating = _eating_metric(economy, relative_price, economy.eaters.want, HOLD_START)
    return np.where(economy.is_outline, np.concatenate([eating, hidden]), np.concatenate([eating, making]))


def refresh_metric(economy: Economy, state: State, said: Integers, planned: Integers, prices: Integers) -> Integers:
    """The metric after a round, at most REFRESH_FACTOR away from the old one.

    `state` is what was answered, `said` and `planned` the answers and the plan (units, millionths), `prices` the new
    ones.
    """
    edges = len(economy.eaters.good)
    relative_price = prices / MICRO / economy.price
    moved = np.maximum(said, planned) / economy.entry_unit
    pull = np.maximum(state.carried[edges:] - said[edges:], 0) / np.maximum(said[edges:], 1)
    holds = learn_holds(economy, state, said, prices)
    eating = _eating_metric(economy, relative_price, moved[:edges], holds)
    making = _making_metric(economy, relative_price, moved[edges:], state.metric[edges:] / METRIC_ONE * pull)
    hidden = _outline_metric(economy, relative_price, np.maximum(np.abs(said), np.abs(planned))[edges:] / MICRO)
    fresh = np.concatenate([eating, np.where(economy.is_outline[edges:], hidden, making)])
    lowest, highest = -(-state.metric // REFRESH_FACTOR), state.metric * REFRESH_FACTOR
    return np.asarray(np.minimum(np.maximum(fresh, lowest), highest), np.int64)


def _clamp_metric(relative: Floats) -> Integers:
    """Relative metrics as the integers that a state holds."""
    return np.rint(np.minimum(np.maximum(relative * METRIC_ONE, METRIC_LEAST), METRIC_MOST)).astype(np.int64)
