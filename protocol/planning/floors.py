"""Can everybody's basic needs be met at all, and is what they want to be had? Asked before the first round.

If not, people choose how to share, or call without what nobody can supply.
Invariant: the answer is the same on every node; nothing is cut here, only named.
Spec: docs/spec/planning/planning-step.md, section "Floors".
"""

from dataclasses import replace

import numpy as np

from protocol.core.errors import Finding, refuse
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


def list_unsupplied(economy: Economy) -> list[int]:
    """Goods that councils name and nobody can supply: not there, and made by nobody whose own inputs are to be had.

    What is behind an outline counts as able to make what it says, and so does what is done as a whole whatever comes.
    """
    had = {number for number, good in enumerate(economy.goods) if good.endowment > 0}
    recipes = [technique.net for card in economy.workplaces for technique in card.techniques]
    whole = [card for card in economy.workplaces if card.least == card.capacity and len(card.techniques) == 1]
    recipes += [((good, amount),) for card in whole for good, amount in card.techniques[0].net if amount < 0]
    recipes += [((good, lowest),) for card in economy.workplaces for good, lowest, _ in card.outline if lowest < 0]
    while True:
        ready = [net for net in recipes if all(amount < 0 or good in had for good, amount in net)]
        made = {good for net in ready for good, amount in net if amount < 0}
        if made <= had:
            return sorted(set(economy.eaters.good.tolist()) - had)
        had |= made


def check_floors(economy: Economy) -> None:
    """Raises RefusedError naming every good whose floors cannot be met, and by how many units of it; or else every good
    that is wanted and that nobody can supply, with one who names it.
    """
    findings = [
        Finding(good.id, f"{format_amount(units, good.decimals)} {good.unit} of the basic needs cannot be met")
        for good, units in zip(economy.goods, measure_missing(economy), strict=True)
        if units > 0
    ]
    refuse(findings, "the basic needs cannot all be met")
    for number in list_unsupplied(economy):
        name = next(card.id for card in economy.consumers for nest in card.nests if number in nest.goods)
        reason = f"is on the card of {name} and nobody can supply it: call without it, or let somebody offer it"
        findings.append(Finding(economy.goods[number].id, reason))
    refuse(findings, "wanted, and not to be had")
