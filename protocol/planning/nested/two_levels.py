"""A plan of two levels, played through: rounds above, in each some rounds of every region, then the allocations and the
regions' last plans.

Invariant: both levels follow the planning step as any plan does; only who answers for whom is added here.
Spec: docs/spec/planning/nested-plans.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from protocol.planning.clearing import clear_plan
from protocol.planning.economy import Economy, build_economy
from protocol.planning.nested.levels_file import LevelsFile
from protocol.planning.nested.region_card import ROUNDS_BELOW, Pull, allocation_of, region_name
from protocol.planning.nested.region_run import RegionPlan, RegionRun
from protocol.planning.plan import Plan, make_plan
from protocol.planning.responses import Effort
from protocol.planning.rounds import Answer, RoundReport, close_round, start_state
from protocol.planning.simulation.members import Members, gather_members
from protocol.planning.state import hash_state

Watch = Callable[[RoundReport], None]


@dataclass(frozen=True)
class LevelTerms:
    """At most `rounds_most` rounds above; `rounds_below` of each region for each of them."""

    rounds_most: int = 100
    rounds_below: int = ROUNDS_BELOW


@dataclass(frozen=True)
class LevelsPlan:
    """The plan above, the regions' plans by region, what each region was allocated, and how it went."""

    economy: Economy
    members: Members
    plan: Plan
    reports: tuple[RoundReport, ...]
    allocations: dict[str, dict[str, int]]
    regions: dict[str, RegionPlan]
    rounds_below: int


def plan_levels(file: LevelsFile, terms: LevelTerms, watch: Watch = lambda _: None) -> LevelsPlan:
    """Both levels, everybody answering honestly. RefusedError names what finds no balance and needs left unmet."""
    runs = {name: RegionRun(region_name(name), region, file.above.table) for name, region in file.regions.items()}
    outlines = tuple(run.outline for run in runs.values())
    economy = build_economy(file.above.table, file.above.consumers, (*file.above.workplaces, *outlines))
    spoken_for = {outline.id: Effort((0.0,) * len(outline.outline)) for outline in outlines}
    members = gather_members(economy, file.above.tastes, file.above.efforts | spoken_for)
    state, reports = start_state(economy), list[RoundReport]()
    while len(reports) < terms.rounds_most and not _is_close(reports, runs):
        said = dict(members.answer(state))
        for run in runs.values():
            pull = Pull(run.outline, economy, state)
            said[run.outline.id] = Answer(hash_state(state), run.answer(pull, terms.rounds_below))
        state, report = close_round(economy, state, said)
        reports.append(report)
        watch(report)
    plan = make_plan(economy, state, clear_plan(economy, state), reports[-1])
    fixed = {card.id: card for card in plan.workplaces}
    fixed_economy = build_economy(plan.goods_table, plan.consumers, plan.workplaces)
    done = {outline.id: Effort((0.0,)) for outline in outlines}
    fixed_members = gather_members(fixed_economy, file.above.tastes, file.above.efforts | done)
    allocations = {
        name: allocation_of(fixed[run.outline.id], plan.activity[run.outline.id], plan.goods_table)
        for name, run in runs.items()
    }
    regions = {name: run.finish(allocations[name], plan) for name, run in runs.items()}
    below = max(run.rounds for run in runs.values())
    return LevelsPlan(fixed_economy, fixed_members, plan, tuple(reports), allocations, regions, below)


def _is_close(reports: list[RoundReport], runs: Mapping[str, RegionRun]) -> bool:
    """Whether the plan above and every region's own are within their tolerance: an answer is as good as that."""
    below = [run.report for run in runs.values()]
    return all(report is not None and report.is_close_enough for report in (*reports[-1:], *below))
