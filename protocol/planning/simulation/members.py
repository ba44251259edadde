"""Everybody's private side at once: what all councils and workplaces would say, and what the plan is worth to them.

A node answers for its own cards alone (protocol/planning/responses.py); here the same problems are solved side by side.
Floats and logarithms are welcome: only published integers count.
Spec: docs/spec/planning/planning-step.md, section "Answers".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec
import numpy as np

from protocol.planning.batches.sizes import cost_setups
from protocol.planning.cards import MICRO
from protocol.planning.certificate import all_workplaces
from protocol.planning.economy import Economy, Floats, build_economy
from protocol.planning.plan import Plan
from protocol.planning.private.hidden_work import find_levels
from protocol.planning.private.outlines import is_private
from protocol.planning.responses import Effort, Tastes, answer_workplace, best_profits, join_tastes, round_regret
from protocol.planning.rounds import Answer
from protocol.planning.solver.nests import NestTable, best_near, log_price_index, log_utility
from protocol.planning.state import State, hash_state


@dataclass(frozen=True)
class Members:
    """The tastes of every council, nest by nest, and the effort cost of every technique (0 for trade nodes).

    `known` is the economy with the recipes that no card shows; its techniques are what `costs` are in the order of.
    `hidden` are the workplaces that keep them, with what stands behind their outlines.
    """

    economy: Economy
    known: Economy
    nests: NestTable
    costs: Floats
    hidden: Mapping[str, Effort]

    def answer(self, state: State) -> dict[str, Answer]:
        """What each participant would honestly say to this state."""
        economy = self.economy
        edges = len(economy.eaters.good)
        metric = economy.metric_of(state.metric)
        pivot = state.carried[:edges] / economy.eaters.unit - economy.eaters.floor
        wanted = best_near(self.nests, metric[:edges], pivot) + economy.eaters.floor
        levels = metric[edges:] * np.maximum(state.carried[edges:], 0) / (metric[edges:] + self._shown_costs)
        said = np.rint(np.concatenate([wanted * economy.eaters.unit, levels])).astype(np.int64)
        for card in economy.workplaces:
            if card.id in self.hidden:
                rows = economy.answer_ranges[card.id]
                said[rows.start : rows.stop] = answer_workplace(card, self.hidden[card.id], state, economy)
        reply = hash_state(state)
        ranges = economy.answer_ranges
        return {
            name: Answer(reply, tuple(said[ranges[name].start : ranges[name].stop].tolist()))
            for name in economy.participants
        }

    @cached_property
    def _shown_costs(self) -> Floats:
        """Effort costs in the order of a state; 0 for what stands for outlines."""
        known, edges = self.known.answer_ranges, len(self.economy.eaters.good)
        costs = np.zeros(self.economy.entries - edges)
        for card in self.economy.workplaces:
            if card.id not in self.hidden:
                here, there = self.economy.answer_ranges[card.id], known[card.id]
                costs[here.start - edges : here.stop - edges] = self.costs[there.start - edges : there.stop - edges]
        return costs

    def unveil(self, plan: Plan) -> Plan:
        """The plan as those see it who know all recipes: what each workplace does behind what it agreed to."""
        activity = dict(plan.activity)
        cards = {card.id: card for card in plan.workplaces}
        for name, effort in self.hidden.items():
            assert effort.recipes is not None
            activity[name] = tuple(find_levels(cards[name], effort.recipes, effort.costs, plan.activity[name][0]))
        own = self.known.workplaces[: self.known.answering]
        return msgspec.structs.replace(plan, workplaces=own, activity=activity)

    def regrets(self, plan: Plan) -> dict[str, int]:
        """What each participant would attest that it still gains at the plan's prices, in micro-credits."""
        economy, plan = self.economy, self.unveil(plan)
        price = np.array(plan.prices, np.float64) / MICRO
        eating = self._council_regrets(plan, price)
        making = self._workplace_regrets(plan, price)
        names = economy.participants
        return dict(zip(names, map(round_regret, [*eating, *making[: economy.answering]]), strict=True))

    def welfare(self, plan: Plan) -> float:
        """Sum of credits x log u over all nests, less all effort and the effort of setting up, in credits."""
        above, levels = self._above(plan), _levels(self.known, self.unveil(plan))
        utility = np.sum(self.nests.credits * log_utility(self.nests, above))
        set_up = cost_setups(all_workplaces(plan), plan.activity) / MICRO
        return float(utility - np.sum(0.5 * self.costs * levels * levels)) - set_up

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
        makers = self.known.makers
        worth = np.add.reduceat(-makers.net * price[makers.edge_good].reshape(-1, 1), makers.edge_start, axis=0)
        cost, level = np.zeros(makers.has.shape), np.zeros(makers.has.shape)
        cost.reshape(-1)[makers.flat] = self.costs
        level.reshape(-1)[makers.flat] = _levels(self.known, plan)
        best = best_profits(worth, cost, makers.capacity_use, makers.capacity, makers.least, makers.has)
        has = np.sum(np.where(makers.has, worth * level - 0.5 * cost * level * level, 0.0), axis=1)
        regrets: list[float] = (best - has).tolist()
        return regrets


def gather_members(economy: Economy, tastes: Mapping[str, Tastes], efforts: Mapping[str, Effort]) -> Members:
    """Private sides by participant, in the economy's order."""
    nests = join_tastes([(card, tastes[card.id]) for card in economy.consumers])
    own = economy.workplaces[: economy.answering]
    # An outline without recipes is somebody whom others answer for: a region, or the level above it.
    hidden = {card.id: efforts[card.id] for card in own if is_private(card) and efforts[card.id].recipes is not None}
    cards = [hidden[card.id].recipes if card.id in hidden else card for card in own]
    known = build_economy(economy.table, economy.consumers, [card for card in cards if card is not None])
    costs = [cost for card in own for cost in efforts[card.id].costs]
    trading = len(known.makers.flat) - len(costs)
    return Members(economy, known, nests, np.array([*costs, *[0.0] * trading]), hidden)


def _levels(economy: Economy, plan: Plan) -> Floats:
    millionths = [level for card in economy.workplaces for level in plan.activity[card.id]]
    return np.array(millionths, np.float64) / MICRO
