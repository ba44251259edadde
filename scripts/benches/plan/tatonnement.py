"""The textbook rules beside ours: prices rise where a good is short and fall where it is left over.

Everybody answers with the best for them at the prices; recipes, capacities and tastes are those of the same economy.
Naive: p x (1 + step (D / S - 1)). Damped: p x (1 + or - d), d as in published simulations of participatory planning.
"""

from collections.abc import Callable

import numpy as np

from protocol.planning.cards import MICRO
from protocol.planning.economy import Economy, Floats
from protocol.planning.simulation.members import Members
from protocol.planning.solver.nests import best_at_prices
from scripts.benches.plan.economies import Region

ROUNDS_MOST = 200
BISECTIONS = 60
PRICE_LEAST = 1e-6
RATIO_MOST = 10.0
EFFORT_LEAST = 1e-9
SURPLUS_PRICE_SHARE = 0.01
DAMPED_LEAST = 0.001
DAMPED_BEFORE_MOST = 0.25

Rule = Callable[[Floats, Floats, Floats], Floats]
"""Prices, demand and supply to the next prices."""


def follow_rule(region: Region, rule: Rule, tolerance: float) -> tuple[int | None, float]:
    """Rounds until the worst good is within the tolerance (None: never), and the best that was reached."""
    prices = np.array([good.start_price_micro for good in region.economy.goods], np.float64) / MICRO
    start, best = prices.copy(), 1.0
    for number in range(1, ROUNDS_MOST + 1):
        demand, supply = respond_at(region.economy, region.members, prices)
        worst = _measure_worst(demand, supply, prices, start)
        best = min(best, worst)
        if worst <= tolerance:
            return number, worst
        prices = np.maximum(rule(prices, demand, supply), PRICE_LEAST)
    return None, best


def naive(step: float) -> Rule:
    """The simple rule with this step."""

    def rule(prices: Floats, demand: Floats, supply: Floats) -> Floats:
        ratio = np.minimum(demand / np.maximum(supply, 1e-12), RATIO_MOST)
        return np.asarray(prices * (1.0 + step * (ratio - 1.0)), np.float64)

    return rule


def damped() -> Rule:
    """The rule whose step depends on this and the last round's imbalance of the good."""
    before: list[Floats] = []

    def rule(prices: Floats, demand: Floats, supply: Floats) -> Floats:
        off = 2.0 * np.abs(supply - demand) / np.maximum(supply + demand, 1e-12)
        last = np.minimum(before[-1], DAMPED_BEFORE_MOST) if before else np.full(len(off), DAMPED_BEFORE_MOST)
        reach = 1.05 - 0.5**off
        change = np.maximum(DAMPED_LEAST, np.minimum(reach, np.abs(reach * last)))
        before.append(off)
        return np.asarray(np.where(demand > supply, prices * (1.0 + change), prices * (1.0 - change)), np.float64)

    return rule


def respond_at(economy: Economy, members: Members, prices: Floats) -> tuple[Floats, Floats]:
    """Demand and supply of every good when all take the prices as they are."""
    eaters, makers = economy.eaters, economy.makers
    eaten = best_at_prices(members.nests, prices[eaters.good]) + eaters.floor
    demand = np.asarray(np.bincount(eaters.good, eaten, len(prices)), np.float64)
    supply = economy.endowment.copy()
    levels = _best_levels(economy, members, prices)
    for slot in range(makers.net.shape[1]):
        moved = makers.net[:, slot] * levels[makers.edge_owner, slot]
        demand += np.bincount(makers.edge_good, np.maximum(moved, 0.0), len(prices))
        supply += np.bincount(makers.edge_good, np.maximum(-moved, 0.0), len(prices))
    return demand, supply


def _best_levels(economy: Economy, members: Members, prices: Floats) -> Floats:
    """Activities that gain most at the prices: (gain - mu use) / effort, with one mu for a full capacity."""
    makers = economy.makers
    gain = np.add.reduceat(-makers.net * prices[makers.edge_good].reshape(-1, 1), makers.edge_start, axis=0)
    effort = np.full(makers.has.shape, 1.0)
    effort.reshape(-1)[makers.flat] = np.maximum(members.costs, EFFORT_LEAST)
    low, high = (
        np.zeros(len(gain)),
        np.max(np.where(makers.has, np.maximum(gain, 0.0) / makers.capacity_use, 0.0), axis=1),
    )

    def at(price: Floats) -> Floats:
        level = np.maximum(gain - price.reshape(-1, 1) * makers.capacity_use, 0.0) / effort
        return np.where(makers.has, level, 0.0)

    def is_full(price: Floats) -> Floats:
        return np.asarray(np.sum(at(price) * makers.capacity_use, axis=1) > makers.capacity)

    high = np.where(is_full(low), high, 0.0)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        full = is_full(middle)
        low, high = np.where(full, middle, low), np.where(full, high, middle)
    return at(high)


def _measure_worst(demand: Floats, supply: Floats, prices: Floats, start: Floats) -> float:
    """The worst good, as our own rounds measure it: a surplus counts while its price is above 1 % of its start."""
    largest = np.maximum(np.maximum(demand, supply), 1e-12)
    surplus = np.where(prices > SURPLUS_PRICE_SHARE * start, np.maximum(supply - demand, 0.0), 0.0)
    return float(np.max((np.maximum(demand - supply, 0.0) + surplus) / largest))
