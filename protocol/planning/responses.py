"""The private side of a round: what a council or workplace would do, and what it would still gain in the end.

Tastes and effort costs stay here; only the integers that these functions return are published.
Spec: docs/spec/planning/planning-step.md, section "Answers".
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from protocol.core.errors import MisuseError
from protocol.planning.cards import MICRO, ConsumerCard, WorkplaceCard
from protocol.planning.economy import Economy, Floats
from protocol.planning.private.hidden_work import answer_hidden, find_levels
from protocol.planning.private.mix import hold_outline
from protocol.planning.solver.nests import NestTable, best_at_prices, best_near, log_price_index, log_utility
from protocol.planning.state import State

REGRET_MOST_MICRO = 2**53
WEIGHT_LEAST = 1e-12
SIGMA_LEAST = 0.01
SIGMA_MOST = 20.0
BOUND_STEPS = 100


class NestTastes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Elasticity (0 = exact complements, 1 = fixed shares) and weights in the order of the card's nest. Private."""

    sigma: float
    weights: tuple[float, ...]


class Tastes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A council's tastes, nest by nest. Private."""

    nests: tuple[NestTastes, ...]


class Effort(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Effort cost of each technique: `cost` x activity^2 / 2, in credits; and `recipes` that no card shows. Private."""

    costs: tuple[float, ...]
    recipes: WorkplaceCard | None = None


def _nest_table(credits: list[float], tastes: tuple[NestTastes, ...]) -> NestTable:
    sizes = [len(nest.weights) for nest in tastes]
    starts = np.cumsum([0, *sizes[:-1]])
    sigma = [0.0 if nest.sigma == 0.0 else min(max(nest.sigma, SIGMA_LEAST), SIGMA_MOST) for nest in tastes]
    weights = [max(weight, WEIGHT_LEAST * max(nest.weights)) for nest in tastes for weight in nest.weights]
    return NestTable(
        start=starts.astype(np.intp),
        nest=np.repeat(np.arange(len(sizes)), sizes).astype(np.intp),
        sigma=np.array(sigma),
        credits=np.array(credits),
        weight=np.array(weights),
    )


def want_at_prices(taste: NestTastes, credits: float, price: Floats) -> list[float]:
    """Whole units above the floor that one nest takes at these prices (one per good)."""
    wants: list[float] = best_at_prices(_nest_table([credits], (taste,)), price).tolist()
    return wants


def join_tastes(sides: Sequence[tuple[ConsumerCard, Tastes]]) -> NestTable:
    """The nests of these councils side by side. Raises MisuseError when tastes and cards do not fit."""
    for card, tastes in sides:
        if [len(nest.goods) for nest in card.nests] != [len(nest.weights) for nest in tastes.nests]:
            raise MisuseError("the tastes do not fit the card's nests")
    credits = [nest.credits_micro / MICRO for card, _ in sides for nest in card.nests]
    return _nest_table(credits, tuple(nest for _, tastes in sides for nest in tastes.nests))


def answer_consumer(card: ConsumerCard, tastes: Tastes, state: State, economy: Economy) -> list[int]:
    """What the council would take, near what the state plans for it: units per good, in the order of the card."""
    positions = economy.answer_ranges[card.id]
    rows = slice(positions.start, positions.stop)
    eaters = economy.eaters
    metric = economy.metric_of(state.metric)[rows]
    pivot = state.carried[rows] / eaters.unit[rows] - eaters.floor[rows]
    wanted = best_near(join_tastes([(card, tastes)]), metric, pivot) + eaters.floor[rows]
    units: list[int] = np.rint(wanted * eaters.unit[rows]).astype(np.int64).tolist()
    return units


def answer_workplace(card: WorkplaceCard, effort: Effort, state: State, economy: Economy) -> list[int]:
    """How much of each technique the workers would do near what the state plans for them: millionths of an activity."""
    positions = economy.answer_ranges[card.id]
    rows = slice(positions.start, positions.stop)
    metric = economy.metric_of(state.metric)[rows]
    if effort.recipes is not None:
        hold = hold_outline(economy, state, card.id)
        return answer_hidden(card, effort.recipes, effort.costs, hold, state.carried[rows] / MICRO)
    near = metric * np.maximum(state.carried[rows], 0) / (metric + np.array(effort.costs))
    millionths: list[int] = np.rint(near).astype(np.int64).tolist()
    return millionths


def regret_consumer(
    card: ConsumerCard, tastes: Tastes, quantities: tuple[int, ...], prices: tuple[int, ...], decimals: tuple[int, ...]
) -> int:
    """What the council would still gain at plan prices: micro-credits, rounded up, at most REGRET_MOST_MICRO.

    `quantities` in units as planned (card order), `prices` (micro-credits) and `decimals` per good of the table.
    """
    goods = [good for nest in card.nests for good in nest.goods]
    floors = np.array([floor for nest in card.nests for floor in nest.floors], np.float64)
    units = np.array([10.0 ** decimals[good] for good in goods])
    price = np.maximum(np.array([prices[good] for good in goods], np.float64), 1.0) / MICRO
    above = (np.array(quantities, np.float64) - floors) / units
    nests = join_tastes([(card, tastes)])
    best = nests.credits * (np.log(nests.credits) - log_price_index(nests, price) - 1.0)
    has = nests.credits * log_utility(nests, above) - nests.total(price * above)
    return round_regret(float(np.sum(best - has)))


def regret_workplace(card: WorkplaceCard, effort: Effort, levels: tuple[int, ...], prices: tuple[int, ...]) -> int:
    """What the workers would still gain at plan prices within their capacity: micro-credits, rounded up.

    `levels` in millionths as planned, `prices` in micro-credits per good of the table. Of a workplace that keeps its
    recipes to itself, `card` is the one that the plan fixed.
    """
    if effort.recipes is not None:
        levels = tuple(find_levels(card, effort.recipes, effort.costs, levels[0]))
        card = effort.recipes
    cost = np.array(effort.costs)
    gain = np.array([-sum(prices[good] * amount for good, amount in row.net) for row in card.techniques]) / MICRO**2
    use = np.array([row.capacity_use for row in card.techniques]) / MICRO
    level = np.array(levels, np.float64) / MICRO
    has = float(np.sum(gain * level - 0.5 * cost * level * level))
    gains, costs, uses = gain.reshape(1, -1), cost.reshape(1, -1), use.reshape(1, -1)
    capacity, least = np.array([card.capacity / MICRO]), np.array([card.least / MICRO])
    profit = best_profits(gains, costs, uses, capacity, least, np.ones(uses.shape, np.bool_))
    return round_regret(float(profit[0]) - has)


def best_profits(
    gain: Floats, cost: Floats, use: Floats, capacity: Floats, least: Floats, exists: NDArray[np.bool_]
) -> Floats:
    """max sum gain a - cost a^2 / 2 over a >= 0 with least <= use . a <= capacity: one per workplace (rows).

    Techniques stand in columns; where `exists` is false there is none.

    An upper bound, from its dual: for any price mu of capacity, mu x capacity (least where mu < 0) + the best of each
    technique at that price bounds the maximum from above; it is convex in mu, and golden steps find its lowest point.
    """
    most = capacity.reshape(-1, 1) / use
    reach = np.max(np.where(exists, (np.abs(gain) + cost * most) / use, 0.0), axis=1) + 1.0

    def bound(mu: Floats) -> Floats:
        net = np.where(exists, gain - mu.reshape(-1, 1) * use, 0.0)
        level = np.where(cost > 0.0, np.minimum(np.maximum(net, 0.0) / np.where(cost > 0.0, cost, 1.0), most), 0.0)
        level = np.where((cost <= 0.0) & (net > 0.0), most, level)
        best = np.sum(net * level - 0.5 * cost * level * level, axis=1)
        return np.asarray(best + np.where(mu > 0.0, mu * capacity, mu * least), np.float64)

    low, high = np.where(least > 0.0, -reach, 0.0), reach
    for _ in range(BOUND_STEPS):
        first, second = low + 0.382 * (high - low), low + 0.618 * (high - low)
        falls = bound(first) > bound(second)
        low, high = np.where(falls, first, low), np.where(falls, high, second)
    return np.minimum(bound(0.5 * (low + high)), bound(np.zeros(len(low))))


def round_regret(credits: float) -> int:
    """Credits as micro-credits, rounded up, from 0 to REGRET_MOST_MICRO."""
    if not np.isfinite(credits):
        return REGRET_MOST_MICRO
    return min(max(0, math.ceil(credits * MICRO)), REGRET_MOST_MICRO)
