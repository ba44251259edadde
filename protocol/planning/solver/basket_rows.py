"""Rows of the public plan that move several goods as one: a nest's last answer, or what a workplace usually does.

Spec: docs/spec/planning/planning-step.md, section "Fitting"; docs/spec/planning/private-recipes.md, section "The mix".
"""

from dataclasses import dataclass

import numpy as np

from protocol.planning.economy import Floats, Indexes, WorkplaceRows


@dataclass(frozen=True)
class Baskets:
    """What goes together: one entry per (basket, good), those of a basket from `start[basket]` on, goods ascending.

    `amount` in whole units (use above 0), `worth` of each basket at start prices; it moves between `lowest` and
    `highest` times its amounts.
    """

    start: Indexes
    owner: Indexes
    good: Indexes
    amount: Floats
    worth: Floats
    lowest: float
    highest: float


def add_baskets(makers: WorkplaceRows, baskets: Baskets) -> WorkplaceRows:
    """The rows, and one for each basket after them: a technique without a capacity."""
    count, (rows, slots) = len(baskets.start), makers.has.shape
    first = np.arange(slots) == 0

    def more(column: Floats, value: Floats | float) -> Floats:
        return np.concatenate([column, np.where(first, np.broadcast_to(value, (count,)).reshape(-1, 1), 1.0)])

    has = np.concatenate([makers.has, np.broadcast_to(first, (count, slots))])
    return WorkplaceRows(
        has=has,
        flat=np.flatnonzero(has),
        capacity_use=more(makers.capacity_use, 1.0),
        capacity=np.concatenate([makers.capacity, np.full(count, np.inf)]),
        least=np.concatenate([makers.least, np.zeros(count)]),
        level=more(makers.level, 1.0),
        worth=more(makers.worth, np.where(baskets.worth > 0.0, baskets.worth, 1.0)),
        turnover=more(makers.turnover, 1.0),
        edge_start=np.concatenate([makers.edge_start, len(makers.edge_good) + baskets.start]),
        edge_owner=np.concatenate([makers.edge_owner, rows + baskets.owner]),
        edge_good=np.concatenate([makers.edge_good, baskets.good]),
        net=np.concatenate([makers.net, np.where(first, baskets.amount.reshape(-1, 1), 0.0)]),
        lowest=np.concatenate([makers.lowest, np.full(count, baskets.lowest)]),
        highest=more(makers.highest, baskets.highest),
    )
