"""The public plan at given prices: what each council and workplace would be asked for, and what that leaves short.

Prices are relative to the start prices. Sums over nodes are int64 in fixed point, bounded by construction: shares of a
good's `flow` add up to at most 1 and are cut at 2^EXTREME_BITS, so no sum exceeds 2^(FIXED_BITS + EXTREME_BITS + 2).
Spec: docs/spec/planning/planning-step.md, section "The public plan at given prices".
"""

from dataclasses import dataclass

import numpy as np

from protocol.planning.economy import EXTREME, Economy, Floats, Integers

FIXED_BITS = 44
FIXED = float(2**FIXED_BITS)
# Every good can be short by this share of its flow per start price: so there is a solution whatever the cards say.
SLACK_SHARE = 2.0**-36
MATRIX_FIXED = float(2**40)


@dataclass(frozen=True)
class Targets:
    """The quadratic problem of a round: targets 2x - v and metrics r, for council edges and technique slots."""

    economy: Economy
    wanted: Floats
    wanted_metric: Floats
    activity: Floats
    activity_metric: Floats


@dataclass(frozen=True)
class Response:
    """What the public plan does at one vector of relative prices; `excess` is demand - supply as a share of flow."""

    price: Floats
    consumption: Floats
    activity: Floats
    capacity_price: Floats
    excess: Floats


def respond(targets: Targets, relative_price: Floats) -> Response:
    """The plan's answer to prices: councils above floors, workplaces within capacity, and the excess of every good."""
    economy = targets.economy
    price = relative_price * economy.price
    consumption = _consume(targets, price)
    activity, capacity_price = _produce(targets, price)
    excess = _sum_excess(economy, consumption, activity) / FIXED - relative_price * SLACK_SHARE
    return Response(relative_price, consumption, activity, capacity_price, excess)


def _consume(targets: Targets, price: Floats) -> Floats:
    eaters = targets.economy.eaters
    asked = targets.wanted - price[eaters.good] / targets.wanted_metric
    return np.minimum(np.maximum(asked, eaters.floor), eaters.scale * EXTREME)


def _produce(targets: Targets, price: Floats) -> tuple[Floats, Floats]:
    """Closed form of a workplace: a = max(0, target - (cost + mu k) / r), one mu for its capacity and its least."""
    makers = targets.economy.makers
    worth = makers.worth[makers.edge_owner]
    terms = np.rint(makers.net * price[makers.edge_good].reshape(-1, 1) / worth * FIXED).astype(np.int64)
    cost = np.add.reduceat(terms, makers.edge_start, axis=0) / FIXED * makers.worth
    gain = np.where(makers.has, targets.activity_metric * targets.activity - cost, -1.0)
    capacity_price = _capacity_price(targets, gain)
    activity = (gain - capacity_price.reshape(-1, 1) * makers.capacity_use) / targets.activity_metric
    activity = np.minimum(np.maximum(activity, makers.lowest.reshape(-1, 1)), makers.highest)
    return np.where(makers.has, activity, 0.0), capacity_price


def _capacity_price(targets: Targets, gain: Floats) -> Floats:
    """The multiplier per unit of capacity: above 0 where the capacity is full, below 0 where the least must be met.

    Use of capacity is a convex falling piecewise-linear function of mu, so of the lines through its pieces the one that
    gives the largest mu is the right one: techniques join in the order of gain per capacity, and the best line is kept.
    """
    makers = targets.economy.makers
    per_capacity = np.where(makers.has, gain / makers.capacity_use, -np.inf)
    order = np.argsort(-per_capacity, axis=1, kind="stable")
    steepness = np.where(makers.has, makers.capacity_use / targets.activity_metric, 0.0)
    level = np.take_along_axis(steepness * gain, order, axis=1)
    slope = np.take_along_axis(steepness * makers.capacity_use, order, axis=1)
    level_sum, slope_sum = np.zeros(len(gain)), np.zeros(len(gain))
    at_most, at_least = np.full(len(gain), -np.inf), np.full(len(gain), -np.inf)
    for slot in range(gain.shape[1]):
        level_sum = level_sum + level[:, slot]
        slope_sum = slope_sum + slope[:, slot]
        at_most = np.maximum(at_most, (level_sum - makers.capacity) / slope_sum)
        at_least = np.maximum(at_least, (level_sum - makers.least) / slope_sum)
    needed = np.minimum(np.where(makers.least > 0.0, at_least, 0.0), 0.0)
    return np.asarray(np.maximum(at_most, 0.0) + needed, np.float64)


def _sum_excess(economy: Economy, consumption: Floats, activity: Floats) -> Integers:
    """Demand minus supply of every good in 2^-FIXED_BITS of its flow; the order of the nodes cannot matter."""
    eaters, makers = economy.eaters, economy.makers
    total = -np.rint(np.minimum(economy.endowment / economy.flow, EXTREME) * FIXED).astype(np.int64)
    np.add.at(total, eaters.good, np.rint(consumption / economy.flow[eaters.good] * FIXED).astype(np.int64))
    flow = economy.flow[makers.edge_good]
    for slot in range(makers.net.shape[1]):
        moved = makers.net[:, slot] * activity[makers.edge_owner, slot]
        np.add.at(total, makers.edge_good, np.rint(moved / flow * FIXED).astype(np.int64))
    return total


def sum_slopes(targets: Targets, response: Response) -> Floats:
    """goods x goods matrix of -d excess_i / d price_j, both scaled by sqrt(start price x flow): symmetric, about 1.

    Entries are sums over nodes in 2^-40 fixed point; SLACK_SHARE stands on the diagonal.
    """
    economy = targets.economy
    size = len(economy.goods)
    total = np.zeros(size * size, np.int64)
    eaters = economy.eaters
    free = response.consumption > eaters.floor
    share = economy.price[eaters.good] / (targets.wanted_metric * economy.flow[eaters.good])
    diagonal = np.where(free, np.rint(share * MATRIX_FIXED), 0.0).astype(np.int64)
    np.add.at(total, eaters.good * (size + 1), diagonal)
    _add_workplace_slopes(targets, response, total)
    upper = total.reshape(size, size) / MATRIX_FIXED
    matrix = np.where(np.tri(size, dtype=np.bool_), upper.T, upper)
    matrix.reshape(-1)[:: size + 1] += SLACK_SHARE
    return matrix


def _add_workplace_slopes(targets: Targets, response: Response, total: Integers) -> None:
    economy = targets.economy
    makers = economy.makers
    active = makers.has & (response.activity > makers.lowest.reshape(-1, 1))
    ease = np.where(active, 1.0 / targets.activity_metric, 0.0)
    cells, slots, products = economy.technique_pairs
    np.add.at(total, cells, np.rint(products * ease.reshape(-1)[slots] * MATRIX_FIXED).astype(np.int64))
    pull = makers.capacity_use * ease
    stiffness = np.zeros(len(ease))
    joint = np.zeros(len(makers.edge_good))
    for slot in range(ease.shape[1]):
        stiffness = stiffness + pull[:, slot] * makers.capacity_use[:, slot]
        joint = joint + economy.weighted_net[:, slot] * pull[makers.edge_owner, slot]
    bound = (response.capacity_price != 0.0) & (stiffness > 0.0)
    shared = np.where(bound, 1.0 / np.where(bound, stiffness, 1.0), 0.0)[makers.edge_owner]
    left, right = economy.edge_pairs
    held = np.flatnonzero(shared[left])
    left, right = left[held], right[held]
    terms = np.rint(joint[left] * joint[right] * shared[left] * MATRIX_FIXED).astype(np.int64)
    np.subtract.at(total, makers.edge_good[left] * len(economy.goods) + makers.edge_good[right], terms)
