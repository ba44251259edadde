"""Can everybody's basic needs be met at all? Asked before the first round; if not, people choose how to share.

Invariant: the answer is the same on every node; nothing is cut here, only named.
Spec: docs/spec/planning-step.md, section "Floors".
"""

from dataclasses import replace

import numpy as np

from protocol.core.errors import Finding, RefusedError
from protocol.planning.economy import Economy, Floats
from protocol.planning.solver.dual import Targets
from protocol.planning.solver.public_plan import solve_public_plan
from protocol.planning.summary import format_amount

PASSES = 20
# Workplaces move freely against the pull of a need; each pass takes up where the last one stopped.
EASE = 2.0**-4
NEED_SHARE_LEAST = 2.0**-12
# A need counts as met when less than this share of it is missing: what the solver may leave.
MISSING_SHARE = 2.0**-10


def measure_missing(economy: Economy) -> list[int]:
    """Units of each good by which the floors of all councils together cannot be met; 0 where they can."""
    eaters, makers = economy.eaters, economy.makers
    needed = eaters.floor
    asking = replace(economy, eaters=replace(eaters, floor=np.zeros(len(needed))))
    pull = economy.price[eaters.good] / np.maximum(needed, eaters.scale * NEED_SHARE_LEAST)
    ease = EASE * makers.turnover / makers.level
    activity = np.zeros(makers.has.shape)
    relative_price = np.zeros(len(economy.goods))
    missing = needed
    for _ in range(PASSES):
        plan = solve_public_plan(Targets(asking, needed, pull, activity, ease), relative_price)
        activity, relative_price = plan.response.activity, plan.response.price
        missing = needed - plan.response.consumption
    return _sum_missing(economy, np.where(missing > MISSING_SHARE * needed, missing, 0.0))


def _sum_missing(economy: Economy, missing: Floats) -> list[int]:
    units = np.rint(missing * economy.eaters.unit).astype(np.int64)
    total = np.zeros(len(economy.goods), np.int64)
    np.add.at(total, economy.eaters.good, units)
    sums: list[int] = total.tolist()
    return sums


def check_floors(economy: Economy) -> None:
    """Raises RefusedError naming every good whose floors cannot be met, and by how many units of it."""
    findings = [
        Finding(good.id, f"{format_amount(units, good.decimals)} {good.unit} of the basic needs cannot be met")
        for good, units in zip(economy.goods, measure_missing(economy), strict=True)
        if units > 0
    ]
    if findings:
        raise RefusedError(f"the basic needs cannot all be met: {findings[0]}", findings)
