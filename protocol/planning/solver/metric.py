"""How strongly each entry is held in place (the metric r): refreshed in the first rounds, then frozen.

Written as integers: METRIC_ONE stands for start price / scale of a council's edge, for turnover / level of a technique.
Spec: docs/spec/planning-step.md, section "Metric".
"""

import numpy as np

from protocol.planning.economy import METRIC_ONE, Economy, Floats, Integers

METRIC_LEAST = 2**8
METRIC_MOST = 2**40
REFRESH_ROUNDS = 8
REFRESH_FACTOR = 3
# Below these shares a price or quantity no longer moves the metric: r must neither vanish nor run away.
PRICE_SHARE_LEAST = 0.02
QUANTITY_SHARE_LEAST = 1e-4
LEVEL_SHARE_LEAST = 0.03
START_STEEPNESS = 0.3
STEEPNESS = 0.1


def eating_metric(economy: Economy, relative_price: Floats, quantity: Floats) -> Integers:
    """price / quantity of every council edge; `quantity` in whole units, prices relative to the start prices."""
    eaters = economy.eaters
    price = np.maximum(relative_price, PRICE_SHARE_LEAST)[eaters.good]
    share = np.maximum(quantity / eaters.scale, QUANTITY_SHARE_LEAST)
    return clamp_metric(price / share)


def making_metric(economy: Economy, relative_price: Floats, activity: Floats) -> Integers:
    """STEEPNESS x turnover at these prices / activity of every technique (flat, in the order of the state)."""
    makers = economy.makers
    price = (np.maximum(relative_price, PRICE_SHARE_LEAST) * economy.price)[makers.edge_good].reshape(-1, 1)
    worth = makers.worth[makers.edge_owner]
    terms = np.rint(np.abs(makers.net) * price / worth * METRIC_ONE).astype(np.int64)
    turnover = (np.add.reduceat(terms, makers.edge_start, axis=0) / METRIC_ONE).reshape(-1)[makers.flat]
    share = np.maximum(activity / makers.level.reshape(-1)[makers.flat], LEVEL_SHARE_LEAST)
    return clamp_metric(STEEPNESS * turnover / share)


def start_metric(economy: Economy, relative_price: Floats) -> Integers:
    """The metric before the first round: councils at their wants, techniques at START_STEEPNESS."""
    making = np.full(len(economy.makers.flat), START_STEEPNESS)
    return np.concatenate([eating_metric(economy, relative_price, economy.eaters.want), clamp_metric(making)])


def refresh_metric(economy: Economy, old: Integers, relative_price: Floats, moved: Floats) -> Integers:
    """The metric at these prices and quantities (`moved`, whole units), within REFRESH_FACTOR of the old one."""
    edges = len(economy.eaters.good)
    eating = eating_metric(economy, relative_price, moved[:edges])
    fresh = np.concatenate([eating, making_metric(economy, relative_price, moved[edges:])])
    return np.asarray(np.minimum(np.maximum(fresh, -(-old // REFRESH_FACTOR)), old * REFRESH_FACTOR), np.int64)


def clamp_metric(relative: Floats) -> Integers:
    """Relative metrics as the integers that a state holds."""
    return np.rint(np.minimum(np.maximum(relative * METRIC_ONE, METRIC_LEAST), METRIC_MOST)).astype(np.int64)
