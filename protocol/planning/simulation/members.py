"""Everybody's private side at once: what all councils and workplaces would say, and what the plan is worth to them.

A node answers for its own cards alone (protocol/planning/responses.py); here the same problems are solved side by side.
Floats and logarithms are welcome: only published integers count. Spec: docs/spec/planning-step.md, section "Answers".
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from protocol.planning.cards import MICRO
from protocol.planning.economy import Economy, Floats
from protocol.planning.plan import Plan
from protocol.planning.responses import Effort, Tastes, best_profits, join_tastes, round_regret
from protocol.planning.rounds import Answer
from protocol.planning.solver.nests import NestTable, best_near, log_price_index, log_utility
from protocol.planning.state import State, hash_state


@dataclass(frozen=True)
class Members:
    """The tastes of every council, nest by nest, and the effort cost of every technique (0 for trade nodes)."""

    economy: Economy
    nests: NestTable
    costs: Floats

    def answer(self, state: State) -> dict[str, Answer]:
        """What each participant would honestly say to this state."""
        economy = self.economy
        edges = len(economy.eaters.good)
        metric = economy.metric_of(state.metric)
        pivot = state.carried[:edges] / economy.eaters.unit - economy.eaters.floor
        wanted = best_near(self.nests, metric[:edges], pivot) + economy.eaters.floor
        levels = metric[edges:] * np.maximum(state.carried[edges:], 0) / (metric[edges:] + self.costs)
        said = np.rint(np.concatenate([wanted * economy.eaters.unit, levels])).astype(np.int64)
        reply = hash_state(state)
        ranges = economy.answer_ranges
        return {
            name: Answer(reply, tuple(said[ranges[name].start : ranges[name].stop].tolist()))
            for name in economy.participants
        }

    def regrets(self, plan: Plan) -> dict[str, int]:
        """What each participant would attest that it still gains at the plan's prices, in micro-credits."""
        economy = self.economy
        price = np.array(plan.prices, np.float64) / MICRO
        eating = self._council_regrets(plan, price)
        making = self._workplace_regrets(plan, price)
        names = economy.participants
        return dict(zip(names, map(round_regret, [*eating, *making[: economy.answering]]), strict=True))

    def welfare(self, plan: Plan) -> float:
        """Sum of credits x log u over all nests, less all effort, in credits."""
        above, levels = self._above(plan), _levels(self.economy, plan)
        utility = np.sum(self.nests.credits * log_utility(self.nests, above))
        return float(utility - np.sum(0.5 * self.costs * levels * levels))

    def _above(self, plan: Plan) -> Floats:
        """Whole units above the floors, one per council edge."""
        eaters = self.economy.eaters
        units = [amount for card in self.economy.consumers for amount in plan.consumption[card.id]]
        return np.asarray(np.array(units, np.float64) / eaters.unit - eaters.floor, np.float64)

    def _council_regrets(self, plan: Plan, price: Floats) -> list[float]:
        nests, eaters = self.nests, self.economy.eaters
        paid = np.maximum(price, 1.0 / MICRO)[eaters.good]
        above = np.maximum(self._above(plan), 0.0)
        best = nests.credits * (np.log(nests.credits) - log_price_index(nests, paid) - 1.0)
        lost = best - nests.credits * log_utility(nests, above) + nests.total(paid * above)
        counts = [len(card.nests) for card in self.economy.consumers]
        regrets: list[float] = np.add.reduceat(lost, np.cumsum([0, *counts[:-1]])).tolist()
        return regrets

    def _workplace_regrets(self, plan: Plan, price: Floats) -> list[float]:
        makers = self.economy.makers
        worth = np.add.reduceat(-makers.net * price[makers.edge_good].reshape(-1, 1), makers.edge_start, axis=0)
        cost, level = np.zeros(makers.has.shape), np.zeros(makers.has.shape)
        cost.reshape(-1)[makers.flat] = self.costs
        level.reshape(-1)[makers.flat] = _levels(self.economy, plan)
        best = best_profits(worth, cost, makers.capacity_use, makers.capacity, makers.least, makers.has)
        has = np.sum(np.where(makers.has, worth * level - 0.5 * cost * level * level, 0.0), axis=1)
        regrets: list[float] = (best - has).tolist()
        return regrets


def gather_members(economy: Economy, tastes: Mapping[str, Tastes], efforts: Mapping[str, Effort]) -> Members:
    """Private sides by participant, in the economy's order."""
    nests = join_tastes([(card, tastes[card.id]) for card in economy.consumers])
    costs = [cost for card in economy.workplaces[: economy.answering] for cost in efforts[card.id].costs]
    trading = len(economy.makers.flat) - len(costs)
    return Members(economy, nests, np.array([*costs, *[0.0] * trading]))


def _levels(economy: Economy, plan: Plan) -> Floats:
    millionths = [level for card in economy.workplaces for level in plan.activity[card.id]]
    return np.array(millionths, np.float64) / MICRO
