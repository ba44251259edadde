"""What lying on the agent's road gains: the committee's changes, false cards, false answers, hidden capacity.

Invariant: the liar is the largest co-op, or the producer with the most workplaces; everybody else is honest.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from node.use_cases.planning.proposals.private_side import PrivateSide
from protocol.planning.audit.answers import judge_answers
from protocol.planning.certificate import goods_of
from protocol.planning.plan import Plan
from scripts.benches.plan.agent_liars import Sides, Stage, Told, plan_with, utility_of

EDITS_PERCENT = (70, 90, 110, 140)
EDITED_GOODS = 6
HIDDEN_PERCENT = 70
NOT_SOLD = "till: no lines"


@dataclass(frozen=True)
class Gain:
    """What a lie came to: percent more of everything for the liar and for the other co-ops in the mean (not a number
    where that is not known), whether its cards were void, the audit of answers asks about it, the rounds had no end."""

    lie: str
    gains: float
    others: float
    is_void: bool = False
    is_odd: bool = False
    has_no_end: bool = False


def tell_agent_lies(stage: Stage) -> list[Gain]:
    """Every lie against the same honest plan."""
    liar = max(stage.councils, key=lambda name: stage.members[name].people)
    return AgentLies(stage, liar).tell()


class AgentLies:
    """What one council may say that is not so."""

    def __init__(self, stage: Stage, liar: str) -> None:
        self.stage, self.liar = stage, liar

    @cached_property
    def honest(self) -> Plan:
        """The plan in which nobody lies."""
        plan = plan_with(self.stage, self.stage.sides).plan
        assert plan is not None
        return plan

    def tell(self) -> list[Gain]:
        """Every lie."""
        best, edited = self._edit_best()
        tripled = self.edited({self._wanted(1)[0]: 300})
        return [
            self._weigh("every line edited to 300 %", self.edited(dict.fromkeys(self._wanted(99), 300))),
            best,
            self._answer_by("an honest card, answers by that edit", lambda _: edited),
            self._answer_by("an honest card, its first good tripled in all answers", lambda _: tripled),
            self._answer_by("the same in every other round", lambda number: tripled if number % 2 else None),
            self._set_aside("the same, and its answers are set aside"),
            self._weigh("20 % of its wants called needs", self.with_floors(20)),
            self._weigh("5 % more credits than its people are allotted", self.with_credits(105)),
            self._weigh("5 % more people than the roster counts", self.with_people(105)),
            self._hide_capacity(),
        ]

    def _weigh(self, lie: str, side: PrivateSide) -> Gain:
        if self.stage.is_void(self.liar, side):
            return Gain(lie, float("nan"), float("nan"), is_void=True)
        return self._compare(lie, plan_with(self.stage, self.stage.sides | {self.liar: side}))

    def _compare(self, lie: str, told: Told) -> Gain:
        odd = {verdict.card for verdict in judge_answers(told.reading) if verdict.is_erratic}
        is_odd = self.stage.members[self.liar].node.origin in odd
        if told.plan is None:
            return Gain(lie, float("nan"), float("nan"), is_odd=is_odd, has_no_end=True)
        gains = {name: self._gain(told.plan, name) for name in self.stage.councils}
        others = [gain for name, gain in gains.items() if name != self.liar]
        return Gain(lie, gains[self.liar], float(np.mean(others)), is_odd=is_odd)

    def _gain(self, plan: Plan, name: str) -> float:
        before, after = (utility_of(self.stage, one, name) for one in (self.honest, plan))
        return 100.0 * float(np.expm1(after - before))

    def _wanted(self, count: int) -> list[str]:
        """Goods of the liar that it spends most on in the honest plan, dearest first."""
        plan, (card,) = self.honest, self.stage.sides[self.liar].cards.consumers
        goods = self.stage.table.goods
        spent = {
            goods[good].id: plan.prices[good] * units / 10 ** goods[good].decimals
            for good, units in zip(goods_of(card), plan.consumption[card.id], strict=True)
        }
        sold = [good for good in spent if not self.stage.sides[self.liar].sources[good][0].startswith(NOT_SOLD)]
        return sorted(sold, key=lambda good: -spent[good])[:count]

    def edited(self, percent: dict[str, int]) -> PrivateSide:
        """The card and tastes after the committee changed some lines."""
        release = self.stage.members[self.liar].release
        return self.stage.prepare(self.liar, release | {"council": release["council"] | {"edits_percent": percent}})

    def _edit_best(self) -> tuple[Gain, PrivateSide]:
        """The change of one line that gains most, of the goods it spends most on."""
        tried = []
        for good in self._wanted(EDITED_GOODS):
            for percent in EDITS_PERCENT:
                side = self.edited({good: percent})
                tried.append((self._weigh(f"the best edit of one line: {good} to {percent} %", side), side))
        return max(tried, key=lambda one: one[0].gains)

    def _answer_by(self, lie: str, side_of: Any) -> Gain:
        """The honest card, with another side's tastes behind it in some rounds."""

        def turn(number: int, sides: Sides) -> Sides:
            side = side_of(number)
            if side is None:
                return sides
            own = sides[self.liar]
            return sides | {self.liar: msgspec.structs.replace(own, tastes=side.tastes)}

        return self._compare(lie, plan_with(self.stage, self.stage.sides, turn))

    def _set_aside(self, lie: str) -> Gain:
        """Its card counts, and nothing that it says in the rounds."""

        def turn(_: int, sides: Sides) -> Sides:
            return {name: side for name, side in sides.items() if name != self.liar}

        return self._compare(lie, plan_with(self.stage, self.stage.sides, turn))

    def with_floors(self, percent: int) -> PrivateSide:
        """A card that calls a part of its wants above the floors needs."""

        def lift(nest: Any) -> Any:
            pairs = zip(nest.floors, nest.wants, strict=True)
            return msgspec.structs.replace(
                nest, floors=tuple(floor + (want - floor) * percent // 100 for floor, want in pairs)
            )

        return self._with_nests(lift)

    def with_credits(self, percent: int) -> PrivateSide:
        """A card with more credits than are due."""
        return self._with_nests(
            lambda nest: msgspec.structs.replace(nest, credits_micro=nest.credits_micro * percent // 100)
        )

    def with_people(self, percent: int) -> PrivateSide:
        """A card for more people than the roster counts."""
        card = self.stage.sides[self.liar].cards.consumers[0]
        return self._with_card(msgspec.structs.replace(card, people=card.people * percent // 100))

    def _with_nests(self, change: Any) -> PrivateSide:
        card = self.stage.sides[self.liar].cards.consumers[0]
        return self._with_card(msgspec.structs.replace(card, nests=tuple(map(change, card.nests))))

    def _with_card(self, card: Any) -> PrivateSide:
        side = self.stage.sides[self.liar]
        return msgspec.structs.replace(side, cards=msgspec.structs.replace(side.cards, consumers=(card,)))

    def _hide_capacity(self) -> Gain:
        """Hides a part of what its workplaces can do; whoever works there works less, which no figure here counts."""
        name = max(self.stage.sides, key=lambda one: len(self.stage.sides[one].cards.workplaces))
        release = self.stage.members[name].release
        rows = [
            row | {"capacity": str(float(row["capacity"]) * HIDDEN_PERCENT / 100), "least": "0"}
            for row in release["workplaces"]
        ]
        side = self.stage.prepare(name, release | {"workplaces": rows})
        lie = f"a producer hides {100 - HIDDEN_PERCENT} % of all its capacity"
        plan = plan_with(self.stage, self.stage.sides | {name: side}).plan
        if plan is None:
            return Gain(lie, float("nan"), float("nan"), has_no_end=True)
        gains = [self._gain(plan, council) for council in self.stage.councils]
        return Gain(lie, float("nan"), float(np.mean(gains)))
