"""A plan of two levels tried out on an economy file, with the flat plan of the same file beside it.

Invariant: the joined plan is checked by the certificate of the flat economy, in whole numbers, like any other plan.
Spec: docs/spec/planning/nested-plans.md, section "Trial".
"""

from typing import Any

from node.clock import Clock
from node.use_cases.planning.trial import MICRO_DECIMALS, PPM, TrialTerms, Watch, describe_result, run_trial
from protocol.core.errors import RefusedError
from protocol.planning.cards import MICRO
from protocol.planning.economy import Economy, build_economy
from protocol.planning.floors import check_floors
from protocol.planning.nested.joined_plan import join_plans
from protocol.planning.nested.levels_file import LevelsFile
from protocol.planning.nested.two_levels import LevelsPlan, LevelTerms, plan_levels
from protocol.planning.simulation.members import gather_members
from protocol.planning.summary import format_amount

ROUNDS_BELOW_MOST = 10


def _check_level_terms(terms: LevelTerms) -> None:
    """RefusedError for numbers of rounds that there cannot be."""
    if not 1 <= terms.rounds_below <= ROUNDS_BELOW_MOST:
        raise RefusedError.at("rounds-below", f"must be 1 to {ROUNDS_BELOW_MOST}")


def try_levels(file: LevelsFile, terms: LevelTerms, clock: Clock, watch: Watch = lambda _: None) -> dict[str, Any]:
    """Both levels, then the flat plan of the same economy: the answer for `--json`.

    RefusedError names floors that cannot be met and a region that finds no balance with its allocation.
    """
    _check_level_terms(terms)
    began_s = clock.monotonic_s()
    flat = build_economy(file.flat.table, file.flat.consumers, file.flat.workplaces)
    check_floors(flat)
    levels = plan_levels(file, terms, watch)
    plan = join_plans(levels, flat)
    seconds = clock.monotonic_s() - began_s
    members = gather_members(flat, file.flat.tastes, file.flat.efforts)
    result = _describe_levels(levels) | {"seconds": round(seconds, 3)} | describe_result(flat, members, plan)
    beside = run_trial(file.flat, TrialTerms(rounds_most=terms.rounds_most), clock).result
    return result | {"flat": _compare(flat, result, beside)}


def _describe_levels(levels: LevelsPlan) -> dict[str, Any]:
    last = levels.reports[-1]
    return {
        "rounds": len(levels.reports),
        "rounds_below": levels.rounds_below,
        "rounds_last": {name: region.rounds for name, region in levels.regions.items()},
        "converged": last.is_close_enough,
        "worst_good": last.worst_good_ppm / PPM,
        "worst_good_id": last.worst_good,
        "worst_good_by_round": [report.worst_good_ppm / PPM for report in levels.reports],
        "allocations": {
            name: {good: format_amount(amount, MICRO_DECIMALS) for good, amount in allocation.items()}
            for name, allocation in levels.allocations.items()
        },
    }


def _compare(economy: Economy, result: dict[str, Any], beside: dict[str, Any]) -> dict[str, Any]:
    """The flat plan's figures, and how far the joined plan is from it: welfare, and what is eaten of each good."""
    credits = economy.credits_micro / MICRO
    joined, flat = (_sum_eaten(one["consumption"]) for one in (result, beside))
    off = {good: abs(joined[good] - amount) / max(amount, joined[good]) for good, amount in flat.items() if amount}
    worst = max(off, key=lambda good: off[good])
    told = {name: beside[name] for name in ("rounds", "converged", "gap_percent_of_credits", "welfare")}
    return told | {
        "welfare_lost_percent_of_credits": round(100 * (beside["welfare"] - result["welfare"]) / credits, 6),
        "furthest_good": worst,
        "furthest_good_percent": round(100 * off[worst], 4),
    }


def _sum_eaten(consumption: dict[str, dict[str, str]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for eaten in consumption.values():
        for good, amount in eaten.items():
            total[good] = total.get(good, 0.0) + float(amount)
    return total
