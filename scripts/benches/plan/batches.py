"""What whole batches cost: every workplace in batches, imports and exports as they come.

Beside the best that is found stands what rounding gives: each technique for itself, then the same rounds.
"""

import math
from statistics import median
from typing import Final, NamedTuple

from node.use_cases.planning.batches.batching import search_levels
from protocol.core.errors import RefusedError
from protocol.planning.batches.candidate import choose_candidate, fit_all, make_candidate
from protocol.planning.batches.pinned import Levels
from protocol.planning.batches.repair import repair_batches, round_batches
from protocol.planning.cards import MICRO
from protocol.planning.economy_file import read_economy
from protocol.planning.plan import Plan
from protocol.planning.simulation.pinned_rounds import replan
from protocol.planning.state import State
from scripts.benches.figures import MOST, Figure
from scripts.benches.plan.economies import FINEST_PPM, Region, make_document, open_region
from scripts.benches.plan.trials import TOLERANCES, run_course

BATCHES_VARIANT: Final = "effort 0.3"
WAIT_S: Final = {20: 5.0, 200: 60.0, 1000: 300.0}
"""By the number of goods, on the clock on the wall."""
TRADE: Final = "trade-"
ROUNDS_MORE_MOST: Final = 30
FOUND, REPAIRED, NEAREST, DOWNWARD = "found", "repaired only", "rounded to the nearest", "rounded down"


class Batching(NamedTuple):
    """Batches of a share of the capacity, so many at least; the loss that may come of it, in percent of credits."""

    share: float
    least: int
    loss_percent: float


BATCHINGS: Final = (Batching(0.02, 5, 0.5), Batching(0.1, 2, 2.0))


def make_lumpy(table: str, size: int, variant: str, seed: int, batching: Batching) -> Region:
    """A generated economy in which everything but trade comes in batches."""
    document = make_document(table, size, variant, seed)
    for workplace in document["workplaces"]:
        for technique in [] if workplace["id"].startswith(TRADE) else workplace["techniques"]:
            most = float(workplace["capacity"]) / float(technique["capacity_use"])
            technique["batch"] = f"{math.floor(most * batching.share * MICRO) / MICRO:.6f}"
            technique["batches_least"] = str(batching.least)
    return open_region(read_economy(document, FINEST_PPM))


def measure_batching(place: str, regions: list[Region], batching: Batching, wait_s: float) -> list[Figure]:
    """Losses against the plan without batches, in percent of all credits, over all seeds; each is looked at so long."""
    losses: dict[str, list[float]] = {}
    rounds: list[int] = []
    for region in regions:
        for name, (loss, more) in _try_all(region, wait_s).items():
            losses.setdefault(name, []).append(loss)
            rounds += [more] if name == FOUND else []
    told = f"{place}: batches of {100 * batching.share:g} % of capacity, {batching.least} or more"
    figures = [
        Figure(f"{told}: lost, median", median(losses[FOUND]), "% of credits", MOST, batching.loss_percent),
        Figure(f"{told}: lost, worst", max(losses[FOUND]), "% of credits", MOST, batching.loss_percent),
        Figure(f"{told}: rounds more, median", median(rounds), "rounds"),
    ]
    for name in (REPAIRED, NEAREST, DOWNWARD):
        holding = [loss for loss in losses[name] if math.isfinite(loss)]
        figures.append(Figure(f"{told}: {name}, holds of {len(regions)}", len(holding), "plans"))
        if holding:
            figures.append(Figure(f"{told}: {name}, lost, median of these", median(holding), "% of credits"))
            figures.append(Figure(f"{told}: {name}, lost, worst of these", max(holding), "% of credits"))
    return figures


def _try_all(region: Region, wait_s: float) -> dict[str, tuple[float, int]]:
    course = run_course(region)
    finest = TOLERANCES[-1]
    draft = course.plans[finest]
    repaired = repair_batches(draft)
    ways: dict[str, Levels] = {
        REPAIRED: repaired,
        NEAREST: round_batches(draft),
        DOWNWARD: round_batches(draft, downward=True),
        FOUND: _choose(draft, [search_levels(draft, repaired, wait_s) or repaired, repaired]),
    }
    return {name: _lose(region, draft, course.states[finest], levels) for name, levels in ways.items()}


def _choose(draft: Plan, proposals: list[Levels]) -> Levels:
    """The better of these by the public judgement; the last where none holds."""
    made = fit_all(draft, proposals)
    return choose_candidate(draft, made).activity if made else proposals[-1]


def _lose(region: Region, draft: Plan, state: State, levels: Levels) -> tuple[float, int]:
    """The share of all credits that these batches cost after further rounds, in percent; infinite where none holds."""
    try:
        candidate = make_candidate(draft, levels)
        sides = (region.file.tastes, region.file.efforts)
        plan, reports = replan(region.economy, state, draft, candidate, sides, ROUNDS_MORE_MOST)
    except RefusedError:
        return math.inf, 0
    lost = region.members.welfare(plan) - region.members.welfare(draft)
    return -100 * math.expm1(lost * MICRO / region.economy.credits_micro), len(reports)
