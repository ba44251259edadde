"""Which good is furthest from balance when everybody gets what they last answered and the planned production happens.

Invariant: sums over nodes are int64 in fixed point; the order of the nodes cannot matter.
Spec: docs/spec/planning/planning-step.md, section "Worst good".
"""

import numpy as np

from protocol.planning.cards import MICRO, PPM
from protocol.planning.economy import EXTREME, Economy, Floats, Integers
from protocol.planning.solver.dual import FIXED

# A surplus counts only while its price is above this share (1 / SURPLUS_PRICE_PART) of the start price.
SURPLUS_PRICE_PART = 100


def measure_goods(economy: Economy, consumption: Floats, activity: Floats, prices: Integers) -> Integers:
    """Parts per million by which each good is short, or left over although it has a price; 0 when balanced.

    `consumption` in whole units per council edge, `activity` workplaces x slots, `prices` in micro-credits.
    """
    demand, supply = _flows(economy, consumption, activity)
    largest = np.maximum(np.maximum(demand, supply), 1)
    start = np.array([good.start_price_micro for good in economy.goods], np.int64)
    off = np.abs(demand - supply)
    off = np.where(off > _smallest_steps(economy), off, 0)
    short = np.where(demand > supply, off, 0)
    surplus = np.where((prices > start // SURPLUS_PRICE_PART) & (supply > demand), off, 0)
    return np.asarray(np.rint((short + surplus) / largest * PPM), np.int64)


def _smallest_steps(economy: Economy) -> Integers:
    """What a millionth of an activity moves of each good at most: no answer is finer, so no less is off balance."""
    makers = economy.makers
    steps = np.zeros(len(economy.goods), np.int64)
    largest = np.max(np.abs(makers.net), axis=1) / MICRO
    share = np.minimum(largest / economy.flow[makers.edge_good], EXTREME)
    np.maximum.at(steps, makers.edge_good, np.rint(share * FIXED).astype(np.int64))
    return steps


def _flows(economy: Economy, consumption: Floats, activity: Floats) -> tuple[Integers, Integers]:
    eaters, makers = economy.eaters, economy.makers
    demand = np.zeros(len(economy.goods), np.int64)
    supply = np.rint(np.minimum(economy.endowment / economy.flow, EXTREME) * FIXED).astype(np.int64)
    eaten = np.minimum(consumption / economy.flow[eaters.good], EXTREME)
    np.add.at(demand, eaters.good, np.rint(eaten * FIXED).astype(np.int64))
    moved = np.zeros(len(makers.edge_good))
    for slot in range(makers.net.shape[1]):
        moved = moved + makers.net[:, slot] * activity[makers.edge_owner, slot]
    share = np.minimum(np.maximum(moved / economy.flow[makers.edge_good], -EXTREME), EXTREME)
    units = np.rint(share * FIXED).astype(np.int64)
    np.add.at(demand, makers.edge_good, np.maximum(units, 0))
    np.add.at(supply, makers.edge_good, np.maximum(-units, 0))
    return demand, supply
