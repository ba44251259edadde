"""From a chosen candidate to the plan: its batches stand, everybody else answers again until that is in balance.

Invariant: the rounds, fitting and clearing are those of any plan; who kept recipes private stays at what was answered.
Spec: docs/spec/planning/batches.md, section "Pinning"
"""

from collections.abc import Callable, Mapping

from protocol.planning.batches.pinned import Pinned
from protocol.planning.batches.reading import pin_reading
from protocol.planning.economy import Economy
from protocol.planning.plan import Plan
from protocol.planning.responses import Effort, Tastes
from protocol.planning.rounds import RoundReport, close_round
from protocol.planning.simulation.members import Members, gather_members
from protocol.planning.simulation.modes import Answers
from protocol.planning.state import State

Lose = Callable[[Answers, int], Answers]
Watch = Callable[[RoundReport], None]


def replan(
    economy: Economy,
    state: State,
    draft: Plan,
    candidate: Plan,
    sides: tuple[Mapping[str, Tastes], Mapping[str, Effort]],
    rounds_most: int,
    lose: Lose = lambda answers, _: answers,
    watch: Watch = lambda _: None,
) -> tuple[Plan, list[RoundReport]]:
    """The plan that keeps the candidate's batches, and a report for each further round.

    `state` is the last one of `economy`, which ended in `draft`; `sides` are everybody's tastes and efforts; `lose`
    stands between the answers and the closed set. RefusedError where the batches leave a need unmet after all.
    """
    reading = pin_reading(economy, state, draft, candidate)
    members = _gather(reading.pinned, *sides)
    state, reports = reading.start, list[RoundReport]()
    while not reports or (len(reports) < rounds_most and not reports[-1].is_close_enough):
        said = lose(members.answer(state), len(reports))
        state, report = close_round(reading.pinned.economy, state, said)
        reports.append(report)
        watch(report)
    return reading.fill(state, reports), reports


def _gather(pinned: Pinned, tastes: Mapping[str, Tastes], efforts: Mapping[str, Effort]) -> Members:
    """Everybody who still has something to say, each for the techniques that are still free."""
    own = pinned.economy.workplaces[: pinned.economy.answering]
    left = {card.id: Effort(tuple(efforts[card.id].costs[place] for place in pinned.kept[card.id])) for card in own}
    return gather_members(pinned.economy, tastes, left)
