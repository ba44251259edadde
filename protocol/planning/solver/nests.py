"""What a council's members want: nests of goods that stand in for or complete one another (CES). Never leaves the node.

Floats and logarithms are welcome here: only the published integers count. All functions work on many nests at once;
edges of a nest lie together from `start[nest]` on, quantities are above floors, in whole units.

Spec: docs/spec/planning/planning-step.md, section "Answers".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.planning.economy import Floats, Indexes

OUTER_STEPS_MOST = 80
INNER_STEPS_MOST = 40
CLOSE = 1e-13


@dataclass(frozen=True)
class NestTable:
    """Nests side by side: elasticity and credits per nest, weight per edge, `nest` = the nest of each edge."""

    start: Indexes
    nest: Indexes
    sigma: Floats
    credits: Floats
    weight: Floats

    def pick(self, chosen: NDArray[np.bool_]) -> "NestTable":
        """The chosen nests alone."""
        edges = chosen[self.nest]
        sizes = np.bincount(self.nest, minlength=len(chosen))[chosen]
        return NestTable(
            start=np.cumsum(sizes) - sizes,
            nest=np.repeat(np.arange(len(sizes)), sizes),
            sigma=self.sigma[chosen],
            credits=self.credits[chosen],
            weight=self.weight[edges],
        )

    def total(self, terms: Floats) -> Floats:
        """The sum of a per-edge quantity over each nest."""
        return np.asarray(np.add.reduceat(terms, self.start), np.float64)


def best_at_prices(nests: NestTable, price: Floats) -> Floats:
    """Quantities that maximise credits x log u - price . y; `price` per edge, above 0."""
    sigma = nests.sigma[nests.nest]
    power = np.log(nests.weight) - sigma * np.log(price)
    top = np.maximum.reduceat(power, nests.start)[nests.nest]
    demand = np.exp(power - top)
    spend = nests.total(demand * price)[nests.nest]
    return np.asarray(nests.credits[nests.nest] * demand / spend, np.float64)


def best_near(nests: NestTable, metric: Floats, pivot: Floats) -> Floats:
    """Quantities y >= 0 that maximise credits x log u(y) - sum metric/2 (y - pivot)^2.

    Exact complements are only asked for in proportion: nobody wants more of one than goes with the others.
    """
    fixed = _complements_near(nests, metric, pivot)
    if np.all(nests.sigma == 0.0):
        return fixed
    flexible = NestTable(
        nests.start, nests.nest, np.where(nests.sigma == 0.0, 1.0, nests.sigma), nests.credits, nests.weight
    )
    return np.where(nests.sigma[nests.nest] == 0.0, fixed, _substitutes_near(flexible, metric, pivot))


def _complements_near(nests: NestTable, metric: Floats, pivot: Floats) -> Floats:
    """Sigma 0: y = weight x t, and t solves one quadratic equation, written so that nothing cancels."""
    linear = -nests.total(metric * pivot * nests.weight)
    square = nests.total(metric * nests.weight * nests.weight)
    root = np.sqrt(linear * linear + 4.0 * square * nests.credits)
    level = np.where(linear > 0.0, 2.0 * nests.credits / (root + np.abs(linear)), (root - linear) / (2.0 * square))
    return np.asarray(nests.weight * level[nests.nest], np.float64)


def _substitutes_near(nests: NestTable, metric: Floats, pivot: Floats) -> Floats:
    """Finds theta of each nest so that marginal values q = theta (weight / y)^(1 / sigma) satisfy q . y = credits."""
    mean = np.log(np.maximum(metric * np.abs(pivot), 1e-300))
    theta = np.maximum.reduceat(mean, nests.start)
    low, high = np.full(len(theta), -np.inf), np.full(len(theta), np.inf)
    log_quantity = np.log(nests.weight)
    found, edges = log_quantity.copy(), np.arange(len(log_quantity))
    for _ in range(OUTER_STEPS_MOST):
        log_quantity, log_value, growth = _follow(nests, theta, metric, pivot, log_quantity)
        found[edges] = log_quantity
        log_term = log_quantity + log_value
        top = np.maximum.reduceat(log_term, nests.start)
        term = np.exp(log_term - top[nests.nest])
        total = nests.total(term)
        off = top + np.log(total) - np.log(nests.credits)
        # Most nests are done after a few steps; only the others go on.
        open_nests = np.abs(off) >= CLOSE * 10.0
        if not np.any(open_nests):
            break
        high, low = np.where(off > 0.0, np.minimum(high, theta), high), np.where(off > 0.0, low, np.maximum(low, theta))
        step = theta - off / (nests.total(term * growth) / total)
        inside = (step > low) & (step < high)
        middle = np.where(np.isfinite(low) & np.isfinite(high), 0.5 * (low + high), step)
        theta = np.where(inside, step, middle)
        if not np.all(open_nests):
            open_edges = open_nests[nests.nest]
            theta, low, high = (column[open_nests] for column in (theta, low, high))
            metric, pivot, log_quantity, edges = (column[open_edges] for column in (metric, pivot, log_quantity, edges))
            nests = nests.pick(open_nests)
    return np.exp(found)


def _follow(
    nests: NestTable, theta: Floats, metric: Floats, pivot: Floats, guess: Floats
) -> tuple[Floats, Floats, Floats]:
    """log y, log q and d(log q + log y)/d theta where metric (y - pivot) = q = theta (weight / y)^(1 / sigma).

    With pivot <= 0 the unknown is log y, else log q: either way a convex rising equation with slopes of at most
    1 + max(sigma, 1 / sigma), on which Newton's method cannot run away.
    """
    flat = 1.0 / nests.sigma[nests.nest]
    target = theta[nests.nest] + flat * np.log(nests.weight)
    by_value = pivot > 0.0
    away = np.log(np.maximum(np.abs(pivot), 1e-300))
    log_metric = np.log(metric)
    unknown = np.where(by_value, np.minimum(target - flat * away, target - flat * guess), guess)
    for _ in range(INNER_STEPS_MOST):
        bend = np.where(by_value, np.logaddexp(away, unknown - log_metric), log_metric + np.logaddexp(away, unknown))
        share = np.exp(np.where(by_value, unknown - log_metric - bend, unknown + log_metric - bend))
        error = np.where(by_value, unknown + flat * bend, flat * unknown + bend) - target
        slope = np.where(by_value, 1.0 + flat * share, flat + share)
        change = error / slope
        unknown = unknown - change
        if np.all(np.abs(change) < CLOSE * (1.0 + np.abs(unknown))):
            break
    bend = np.where(by_value, np.logaddexp(away, unknown - log_metric), log_metric + np.logaddexp(away, unknown))
    share = np.exp(np.where(by_value, unknown - log_metric - bend, unknown + log_metric - bend))
    log_quantity, log_value = np.where(by_value, bend, unknown), np.where(by_value, unknown, bend)
    rise = 1.0 / np.where(by_value, 1.0 + flat * share, flat + share)
    return log_quantity, log_value, rise * (1.0 + share)


def log_utility(nests: NestTable, quantity: Floats) -> Floats:
    """log u of each nest; -inf where a nest that needs all of its goods lacks one."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.log(quantity / nests.weight)
        lowest = np.minimum.reduceat(ratio, nests.start)
        share = nests.weight / nests.total(nests.weight)[nests.nest]
        mixed = nests.total(np.where(share > 0.0, share * np.log(quantity), 0.0))
        power = np.where(nests.sigma == 0.0, 1.0, 1.0 - 1.0 / np.where(nests.sigma == 0.0, 1.0, nests.sigma))
        flat = power[nests.nest]
        term = np.log(nests.weight) * (1.0 - flat) + flat * np.log(quantity)
        top = np.maximum.reduceat(term, nests.start)
        total = np.log(nests.total(np.exp(term - top[nests.nest])))
        curved = (top + total) / np.where(power == 0.0, 1.0, power)
        curved = np.where((power < 0.0) & (lowest == -np.inf), -np.inf, curved)
    return np.where(nests.sigma == 0.0, lowest, np.where(nests.sigma == 1.0, mixed, curved))


def log_price_index(nests: NestTable, price: Floats) -> Floats:
    """log of the cheapest cost of one unit of u at prices above 0."""
    sigma = nests.sigma[nests.nest]
    power = np.log(nests.weight) + (1.0 - sigma) * np.log(price)
    top = np.maximum.reduceat(power, nests.start)
    total = top + np.log(nests.total(np.exp(power - top[nests.nest])))
    share = nests.weight / nests.total(nests.weight)[nests.nest]
    mixed = nests.total(share * np.log(price / share))
    exponent = np.where(nests.sigma == 1.0, 1.0, 1.0 - nests.sigma)
    return np.where(nests.sigma == 1.0, mixed, total / exponent)
