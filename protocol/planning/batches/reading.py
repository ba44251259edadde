"""The reading that decides batches: the best candidate is taken, and everybody answers again round it.

Invariant: which batches are run, and what the reading comes to, follow from the draft, its last state and the closed
sets alone. Where the further rounds come to nothing better, the chosen candidate is the plan.
Spec: docs/spec/planning/batches.md, section "In a call"
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from protocol.core.errors import RefusedError
from protocol.planning.batches.candidate import choose_candidate, fit_all, name_draft
from protocol.planning.batches.pinned import Levels, Pinned, pin_batches
from protocol.planning.batches.repair import repair_batches
from protocol.planning.clearing import ClearedPlan
from protocol.planning.economy import Economy
from protocol.planning.plan import Plan
from protocol.planning.private.fixed_recipes import fix_recipes
from protocol.planning.rounds import RoundReport
from protocol.planning.state import State


@dataclass(frozen=True)
class BatchReading:
    """A draft's batches as they were decided: `pinned.economy` is what is planned further, from `start` on.

    `found_by` are the members whose candidates have these batches; nobody, where it was the repair of every node.
    """

    draft: Plan
    candidate: Plan
    fixed: Economy
    pinned: Pinned
    start: State
    found_by: tuple[str, ...] = ()

    def conclude(self, state: State, reports: Sequence[RoundReport]) -> Plan:
        """The plan that the rounds end in; the candidate where they find no end, or leave a need unmet after all."""
        if not reports or not reports[-1].is_close_enough:
            return self.candidate
        try:
            return self.fill(state, reports)
        except RefusedError:
            return self.candidate

    def fill(self, state: State, reports: Sequence[RoundReport]) -> Plan:
        """The draft with the batches, and what a state of the further rounds is cleared to. Raises as `clear` does."""
        cleared = self.pinned.clear(state)
        return _fill_plan(self.fixed, self.draft, cleared, reports[-1], self.draft.rounds + len(reports))


def begin_batches(economy: Economy, state: State, draft: Plan, spoken: Mapping[str, Levels]) -> BatchReading | None:
    """Take the best of the members' candidates and the repair; None where no batches hold. `state` ended in `draft`."""
    candidates = fit_all(draft, [*spoken.values(), repair_batches(draft)])
    try:
        candidate = choose_candidate(draft, candidates)
    except RefusedError:
        return None
    chosen = pin_reading(economy, state, draft, candidate)
    found_by = tuple(name for name, levels in sorted(spoken.items()) if is_run_by(candidate, levels))
    return BatchReading(draft, candidate, chosen.fixed, chosen.pinned, chosen.start, found_by)


def pin_reading(economy: Economy, state: State, draft: Plan, candidate: Plan) -> BatchReading:
    """What is left to plan round a candidate; RefusedError where its batches come to more than there can be."""
    fixed, last = fix_recipes(economy, state)
    pinned = pin_batches(fixed, candidate.activity)
    return BatchReading(draft, candidate, fixed, pinned, pinned.start(last))


def is_run_by(plan: Plan, levels: Levels) -> bool:
    """Whether a plan runs these very batches."""
    cards = [*plan.workplaces, *plan.goods_table.trade]
    return all(
        level == run
        for card in cards
        for technique, level, run in zip(card.techniques, levels[card.id], plan.activity[card.id], strict=True)
        if technique.batch
    )


def _fill_plan(economy: Economy, draft: Plan, cleared: ClearedPlan, last: RoundReport, rounds: int) -> Plan:
    """The draft with other quantities and prices, in the order of its economy, naming the draft."""
    consumption, activity = cleared.by_card(economy)
    return msgspec.structs.replace(
        draft,
        consumption=consumption,
        activity=activity,
        prices=cleared.prices,
        rounds=rounds,
        worst_good_ppm=last.worst_good_ppm,
        parameters=name_draft(draft),
    )
