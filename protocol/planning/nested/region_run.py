"""One region while the plan above goes on: its own rounds, its answers above, and its plan with the allocation.

Invariant: the region's rounds are those of any plan; its members answer for themselves and are known to nobody else.
Spec: docs/spec/planning/nested-plans.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.planning.cards import GoodsTable
from protocol.planning.clearing import clear_plan
from protocol.planning.economy import build_economy
from protocol.planning.economy_file import EconomyFile
from protocol.planning.nested.region_card import (
    ABOVE,
    Pull,
    answer_of_above,
    answer_of_region,
    card_of_above,
    card_of_allocation,
    fix_prices,
    match_goods,
    outline_region,
    prices_above,
)
from protocol.planning.plan import Plan, make_plan
from protocol.planning.responses import Effort
from protocol.planning.rounds import Answer, RoundReport, close_round, start_state, warm_start
from protocol.planning.simulation.members import Members, gather_members
from protocol.planning.state import hash_state

LAST_ROUNDS_MOST = 5
"""Rounds with the allocation: what the region asked for, so they only work off what the last rounds above left."""


@dataclass(frozen=True)
class RegionPlan:
    """A region's last plan, its members, and how many rounds it took after the allocation was known."""

    plan: Plan
    members: Members
    rounds: int


class RegionRun:
    """A region's rounds. `rounds` counts those under the plan above, `report` is of the last of them."""

    def __init__(self, name: str, file: EconomyFile, table_above: GoodsTable) -> None:
        self.file, self.rounds = file, 0
        alone = build_economy(file.table, file.consumers, file.workplaces)
        self.outline = outline_region(name, alone, table_above)
        self.above = card_of_above(self.outline, table_above, file.table)
        self._order = match_goods(self.outline, self.above, table_above, file.table)
        self._economy = build_economy(file.table, file.consumers, (*file.workplaces, self.above))
        nobody = Effort((0.0,) * len(self.above.outline))
        self._members = gather_members(self._economy, file.tastes, file.efforts | {ABOVE: nobody})
        self._state = start_state(self._economy)
        self.report: RoundReport | None = None

    def answer(self, pull: Pull, rounds: int) -> tuple[int, ...]:
        """The region's answer above, after so many rounds of its own."""
        for _ in range(rounds):
            said = dict(self._members.answer(self._state))
            levels = answer_of_above(self.above, self._order, pull, self._economy, self._state)
            said[ABOVE] = Answer(hash_state(self._state), tuple(levels))
            self._state, self.report = close_round(self._economy, self._state, said)
            self.rounds += 1
        return answer_of_region(self.outline, self.above, self._order, self._economy, self._state)

    def finish(self, allocation: Mapping[str, int], above: Plan) -> RegionPlan:
        """The region's plan with its allocation (shared good -> millionths); RefusedError names floors left unmet.

        Of a fixed amount no market of one region can say what it is worth: the prices of shared goods (micro-credits)
        are those of the plan above, the region's own those of its last round under that plan.
        """
        prices = fix_prices(self._state.prices.tolist(), prices_above(above, self.file.table))
        card = card_of_allocation(allocation, self.file.table)
        cards = self.file.workplaces if card is None else (*self.file.workplaces, card)
        economy = build_economy(self.file.table, self.file.consumers, cards)
        members = gather_members(economy, self.file.tastes, self.file.efforts | {ABOVE: Effort((0.0,))})
        state = warm_start(economy, self._state, self._economy)
        reports: list[RoundReport] = []
        while not reports or (len(reports) < LAST_ROUNDS_MOST and not reports[-1].is_close_enough):
            state, report = close_round(economy, state, members.answer(state))
            reports.append(report)
        cleared = clear_plan(economy, state, prices)
        return RegionPlan(make_plan(economy, state, cleared, reports[-1]), members, len(reports))
