"""A plan of two levels tried out on an economy file, with the flat plan of the same file beside it.

Invariant: the joined plan is checked by the certificate of the flat economy, in whole numbers, like any other plan.
Spec: docs/spec/planning/nested-plans.md, section "Trial".
"""

import msgspec

from node.clock import Clock
from node.use_cases.planning.trials.result import TrialPlan, describe_plan, describe_rounds, percent_of_credits
from node.use_cases.planning.trials.trial import TrialTerms, Watch, run_trial
from protocol.core.errors import RefusedError
from protocol.planning.cards import MICRO_DECIMALS
from protocol.planning.economy import Economy, build_economy
from protocol.planning.floors import check_floors
from protocol.planning.nested.joined_plan import join_plans
from protocol.planning.nested.levels_file import LevelsFile
from protocol.planning.nested.two_levels import LevelTerms, plan_levels
from protocol.planning.simulation.members import gather_members
from protocol.planning.summary import format_amount

ROUNDS_BELOW_MOST = 10
GOOD_DECIMALS = 4


def _check_level_terms(terms: LevelTerms) -> None:
    """RefusedError for numbers of rounds that there cannot be."""
    if not 1 <= terms.rounds_below <= ROUNDS_BELOW_MOST:
        raise RefusedError.at("rounds-below", f"must be 1 to {ROUNDS_BELOW_MOST}")


class FlatPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The flat plan of the same economy, and how far the joined plan is from it: welfare lost, and the good of which
    most another amount is eaten."""

    rounds: int
    converged: bool
    gap_percent_of_credits: float
    welfare: float
    welfare_lost_percent_of_credits: float
    furthest_good: str
    furthest_good_percent: float


class LevelsResult(TrialPlan, frozen=True, kw_only=True):
    """A trial of two levels as `--json` gives it: rounds of a region within each round above, of its last allocation,
    and what each region was allocated, by good."""

    rounds_below: int
    rounds_last: dict[str, int]
    allocations: dict[str, dict[str, str]]
    flat: FlatPlan


def try_levels(file: LevelsFile, terms: LevelTerms, clock: Clock, watch: Watch = lambda _: None) -> LevelsResult:
    """Both levels, then the flat plan of the same economy: the answer for `--json`.

    RefusedError names floors that cannot be met and a region that finds no balance with its allocation.
    """
    _check_level_terms(terms)
    began_s = clock.monotonic_s()
    flat = build_economy(file.flat.table, file.flat.consumers, file.flat.workplaces)
    check_floors(flat)
    levels = plan_levels(file, terms, watch)
    joined = join_plans(levels, flat)
    rounds = describe_rounds(levels.reports, clock.monotonic_s() - began_s)
    members = gather_members(flat, file.flat.tastes, file.flat.efforts)
    plan = describe_plan(rounds, flat, members, joined)
    beside = run_trial(file.flat, TrialTerms(rounds_most=terms.rounds_most), clock).result
    return LevelsResult(
        **msgspec.structs.asdict(plan),
        rounds_below=levels.rounds_below,
        rounds_last={name: region.rounds for name, region in levels.regions.items()},
        allocations={
            name: {good: format_amount(amount, MICRO_DECIMALS) for good, amount in allocation.items()}
            for name, allocation in levels.allocations.items()
        },
        flat=_compare(flat, plan, beside),
    )


def _compare(economy: Economy, plan: TrialPlan, beside: TrialPlan) -> FlatPlan:
    joined, flat = (_sum_eaten(one.consumption) for one in (plan, beside))
    off = {good: abs(joined[good] - amount) / max(amount, joined[good]) for good, amount in flat.items() if amount}
    worst = max(off, key=lambda good: off[good])
    return FlatPlan(
        rounds=beside.rounds,
        converged=beside.converged,
        gap_percent_of_credits=beside.gap_percent_of_credits,
        welfare=beside.welfare,
        welfare_lost_percent_of_credits=percent_of_credits(economy, beside.welfare - plan.welfare),
        furthest_good=worst,
        furthest_good_percent=round(100 * off[worst], GOOD_DECIMALS),
    )


def _sum_eaten(consumption: dict[str, dict[str, str]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for eaten in consumption.values():
        for good, amount in eaten.items():
            total[good] = total.get(good, 0.0) + float(amount)
    return total
