"""The best whole batches near a draft, by HiGHS (extra `plan`): linear at the draft's prices, whole in the batches.

Columns are techniques (in batches where there are any), what councils eat less and more of, set-ups, and effort batch
by batch; rows are balances, capacities, leasts and what joins the columns.
Invariant: what comes out is a proposal. It counts only after the check in whole numbers that everybody can do.
Spec: docs/spec/planning/batches.md, section "Finding them"
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from node.solvers.highs import load_highs
from node.solvers.whole_batches import SPARE, STIFFNESS, Indexes, Lumps

NEAR_MOST: Final = 3
"""So many batches more or fewer than the draft are looked at."""
GAP_ENOUGH: Final = 5e-4
STEPS: Final = (0.0, 0.01, 0.03, 0.07, 0.15, 0.3, 0.6, 1.0)
"""Councils eat less (or more) of a good in these steps, as shares of what they eat above their floors."""
WORTH_LEAST: Final = 0.02
"""What more of a good is worth at least, as a share of its price."""

UNMET_WORTH: Final = 10.0
"""What it costs to lack all that moves of a good, so many times all that is eaten; whatever the good's own price, since
land that nobody pays for cannot be used twice either. Only a start that leaves a need may have some of it."""

Row = list[tuple[int, float]]
Bounds = dict[int, tuple[int, int]]


def find_batches(lumps: Lumps, start: Indexes, wait_s: float) -> Indexes | None:
    """Whole batches per technique (0 where it has none), searched from `start`, another proposal.

    None without HiGHS, or where it finds nothing in time.
    """
    highspy = load_highs()
    if highspy is None:
        return None
    model = _Model()
    bounds = {place: _bounds(lumps, place, int(start[place])) for place in np.flatnonzero(lumps.is_whole).tolist()}
    _add_techniques(model, lumps, bounds)
    _add_balances(model, lumps)
    _add_capacities(model, lumps)
    setups = _add_efforts(model, lumps, bounds)
    known = {place: float(start[place]) for place in bounds}
    known |= {setup: float(start[place] > 0) for place, setup in setups.items()}
    values = model.solve(highspy, known, wait_s)
    techniques = len(lumps.level)
    return None if values is None else np.where(lumps.is_whole, np.rint(values[:techniques]), 0.0).astype(np.intp)


def has_highs() -> bool:
    """Whether there is anything to search with."""
    return load_highs() is not None


class _Model:
    """Columns with cost and bounds, rows that must not exceed their right side."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self.whole: list[bool] = []
        self.rows: list[Row] = []
        self.right: list[float] = []

    def add_column(self, cost: float, low: float, high: float, whole: bool = False) -> int:
        """A quantity that is looked for; its place."""
        self.cost.append(cost)
        self.low.append(low)
        self.high.append(max(low, high))
        self.whole.append(whole)
        return len(self.cost) - 1

    def add_row(self, row: Row, right: float) -> None:
        """What the quantities in `row` (place, factor) come to is at most `right`."""
        self.rows.append(row)
        self.right.append(right)

    def solve(self, highspy: Any, known: dict[int, float], wait_s: float) -> Sequence[float] | None:
        """The values found in time, from a start where those of `known` are given."""
        solver = highspy.Highs()
        options = (("output_flag", False), ("threads", 1), ("time_limit", wait_s), ("mip_rel_gap", GAP_ENOUGH))
        for option, value in options:
            solver.setOptionValue(option, value)
        solver.passModel(self._write(highspy))
        solver.setSolution(len(known), np.array([*known], np.int32), np.array([*known.values()], np.float64))
        solver.run()
        solution = solver.getSolution()
        return list(solution.col_value) if solution.value_valid else None

    def _write(self, highspy: Any) -> Any:
        written, kinds = highspy.HighsLp(), highspy.HighsVarType
        written.num_col_, written.num_row_ = len(self.cost), len(self.right)
        written.col_cost_, written.col_lower_, written.col_upper_ = self.cost, self.low, self.high
        written.row_lower_, written.row_upper_ = [-highspy.kHighsInf] * len(self.right), self.right
        written.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        written.a_matrix_.start_ = np.cumsum([0, *map(len, self.rows)]).astype(np.int32)
        written.a_matrix_.index_ = np.array([place for row in self.rows for place, _ in row], np.int32)
        written.a_matrix_.value_ = np.array([factor for row in self.rows for _, factor in row], np.float64)
        written.integrality_ = [kinds.kInteger if whole else kinds.kContinuous for whole in self.whole]
        return written


def _add_techniques(model: _Model, lumps: Lumps, bounds: Bounds) -> None:
    """One column each: batches near the draft, or any level at what its last bit costs in effort."""
    room = lumps.capacity[lumps.owner] / lumps.use
    for place, whole in enumerate(lumps.is_whole.tolist()):
        if whole:
            low, high = bounds[place]
            model.add_column(0.0, 0.0 if _is_set_up(lumps, place) else low, high, whole=True)
        else:
            model.add_column(float(lumps.slope[place] * lumps.level[place]), 0.0, float(room[place]))


def _bounds(lumps: Lumps, place: int, start: int) -> tuple[int, int]:
    """Between which batches a technique is looked at where it is done: near the draft, the start among them."""
    exact, least = float(lumps.level[place] / lumps.batch[place]), int(lumps.batches_least[place])
    most = int(lumps.capacity[lumps.owner[place]] / (lumps.use[place] * lumps.batch[place]) + 1e-9)
    low = max(int(exact) - NEAR_MOST, least if least > 1 else 0)
    high = max(int(np.ceil(exact)) + NEAR_MOST, least)
    return (low, min(high, most)) if start == 0 < low else (min(low, start), min(max(high, start), most))


def _add_balances(model: _Model, lumps: Lumps) -> None:
    """For each good: what is used, less what is made, less what councils do without, plus what they get more of."""
    sized = lumps.net * np.where(lumps.is_whole, lumps.batch, 1.0)
    there = lumps.left + lumps.net @ lumps.level
    unmet = UNMET_WORTH * float(lumps.worth @ lumps.eaten)
    for good, (scale, worth) in enumerate(zip(1.0 / lumps.moving, lumps.worth, strict=True)):
        row = [(place, float(sized[good, place] * scale)) for place in np.flatnonzero(sized[good]).tolist()]
        for start, end in pairwise(STEPS if lumps.eaten[good] > 0.0 else ()):
            most, share = float((end - start) * lumps.eaten[good]), 0.5 * (start + end)
            missed, less = STIFFNESS * share / (1.0 - share), STIFFNESS * share
            row.append((model.add_column(float(worth) * (1.0 + missed), 0.0, most), -float(scale)))
            row.append((model.add_column(-float(worth) * max(1.0 - less, WORTH_LEAST), 0.0, most), float(scale)))
        row.append((model.add_column(unmet, 0.0, 1.0), -1.0))
        model.add_row(row, float(scale * there[good]) - SPARE)


def _add_capacities(model: _Model, lumps: Lumps) -> None:
    use = lumps.use * np.where(lumps.is_whole, lumps.batch, 1.0)
    for owner, (capacity, least) in enumerate(zip(lumps.capacity.tolist(), lumps.least.tolist(), strict=True)):
        own = np.flatnonzero(lumps.owner == owner).tolist()
        model.add_row([(place, float(use[place]) / capacity) for place in own], 1.0)
        if least > 0.0:
            model.add_row([(place, -float(use[place]) / capacity) for place in own], -least / capacity)


def _add_efforts(model: _Model, lumps: Lumps, bounds: Bounds) -> dict[int, int]:
    """What batches cost in effort, rising from one to the next, the cheaper ones first of themselves.

    Where setting up takes effort, or is only worth while for several that then come at once: technique to a column that
    is 1 where it is set up.
    """
    setups = {}
    for place, (low, high) in bounds.items():
        once = float(lumps.slope[place] * lumps.batch[place] ** 2)
        steps = [(model.add_column(once * (number + 0.5), 0.0, 1.0), -1.0) for number in range(low, high)]
        if not _is_set_up(lumps, place):
            model.add_row([(place, 1.0), *steps], float(low))
            continue
        setups[place] = setup = model.add_column(float(lumps.setup[place]) + 0.5 * once * low**2, 0.0, 1.0, whole=True)
        model.add_row([(place, 1.0), (setup, -float(low)), *steps], 0.0)
        model.add_row([(place, -1.0), (setup, float(low))], 0.0)
        model.add_row([(place, 1.0), (setup, -float(high))], 0.0)
    return setups


def _is_set_up(lumps: Lumps, place: int) -> bool:
    """Whether doing any of it is a question of its own."""
    return bool(lumps.batches_least[place] > 1 or lumps.setup[place] > 0.0)
