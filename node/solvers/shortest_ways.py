"""The shortest ways from those who have a good to those who need it, with the proof that there is no shorter one.

HiGHS (extra `plan`) finds which ways are used; quantities and potentials are then worked out exactly along them.
Without HiGHS the nearest come first, which is said to be unproven.
Spec: docs/spec/planning/delivery.md
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from node.solvers.highs import load_highs

NEAREST: Final = 6
"""Ways looked at first, from each need; further ones only where they would be shorter."""
TURNS_MAX: Final = 60
ROOT: Final = -1

Metres = NDArray[np.int64]
Way = tuple[int, int]


@dataclass(frozen=True)
class Ways:
    """`loads` units by (source, need); `at_source` and `at_need` in metres, None where nothing is proven."""

    loads: dict[Way, int]
    at_source: list[int] | None
    at_need: list[int] | None


def find_ways(metres: Metres, supplies: list[int], needs: list[int]) -> Ways:
    """Carry all `needs` (units) from `supplies` (units, together at least as many); `metres` has a row per supply."""
    near = _nearest_first(metres, supplies, needs)
    highspy = load_highs()
    if highspy is None:
        return Ways(near, None, None)
    nearest = np.argsort(metres, axis=0, kind="stable")[:NEAREST].T.tolist()
    program = _Program(highspy, metres, supplies, needs)
    program.add({*near, *((source, need) for need, sources in enumerate(nearest) for source in sources)})
    for _ in range(TURNS_MAX):
        edges = program.solve()
        ways = None if edges is None else _follow_tree(metres, supplies, needs, edges)
        if ways is None or ways.at_source is None or ways.at_need is None:
            break
        shorter = np.argwhere(metres + np.array(ways.at_source)[:, None] - np.array(ways.at_need)[None, :] < 0)
        if not len(shorter):
            return ways
        program.add({(int(source), int(need)) for source, need in shorter})
    return Ways(near, None, None)


def _nearest_first(metres: Metres, supplies: list[int], needs: list[int]) -> dict[Way, int]:
    """The shortest way first, then the next: what a person with a map would do."""
    left, missing, open_needs = list(supplies), list(needs), len(needs)
    loads: dict[Way, int] = {}
    for place in np.argsort(metres, axis=None, kind="stable").tolist():
        source, need = divmod(place, len(needs))
        units = min(left[source], missing[need])
        if units:
            loads[source, need] = units
            left[source] -= units
            missing[need] -= units
            open_needs -= missing[need] == 0
            if not open_needs:
                break
    return loads


def _follow_tree(metres: Metres, supplies: list[int], needs: list[int], edges: set[Way]) -> Ways | None:
    """Exact quantities and potentials along the ways of a basis; None where these are no tree or lead below 0.

    Nodes: supplies from 0, then needs; ROOT takes what is left over.
    """
    count = len(supplies)
    joined: dict[int, set[int]] = {node: set() for node in (ROOT, *range(count + len(needs)))}
    for one, other in edges:
        joined[one].add(other)
        joined[other].add(one)
    if len(edges) != len(joined) - 1:
        return None
    order, above = _walk(joined)
    if len(order) != len(joined):
        return None
    balance = {node: supplies[node] if node < count else -needs[node - count] for node in order[1:]}
    loads: dict[Way, int] = {}
    for node in reversed(order[1:]):
        up, amount = above[node], balance[node]
        if up != ROOT:
            balance[up] += amount
            source, need = (node, up) if node < count else (up, node)
            units = amount if node < count else -amount
            if source >= count or need < count or units < 0:
                return None
            if units:
                loads[source, need - count] = units
        elif amount < 0 or (node >= count and amount):
            return None
    worth = {ROOT: 0}
    for node in order[1:]:
        up = above[node]
        if up == ROOT:
            worth[node] = 0
        else:
            source, need = (node, up) if node < count else (up, node)
            way = int(metres[source, need - count])
            worth[node] = worth[up] - way if node < count else worth[up] + way
    at = [worth[node] for node in range(count + len(needs))]
    if min(at) < 0:
        return None
    return Ways(loads, at[:count], at[count:])


def _walk(joined: dict[int, set[int]]) -> tuple[list[int], dict[int, int]]:
    """The nodes from ROOT outwards, each after the one above it."""
    order, above = [ROOT], {ROOT: ROOT}
    for node in order:
        for other in sorted(joined[node]):
            if other not in above:
                above[other] = node
                order.append(other)
    return order, above


class _Program:
    """The linear programme over the ways looked at so far; each `solve` goes on from the basis of the one before."""

    def __init__(self, highspy: Any, metres: Metres, supplies: list[int], needs: list[int]) -> None:
        self._highspy, self._metres, self._count = highspy, metres, len(supplies)
        amounts = np.array([*supplies, *needs], np.float64) / float(max(*supplies, *needs))
        lower = np.concatenate([np.full(self._count, -highspy.kHighsInf), amounts[self._count :]])
        self._solver = highspy.Highs()
        for option, value in (("output_flag", False), ("solver", "simplex"), ("threads", 1), ("presolve", "off")):
            self._solver.setOptionValue(option, value)
        nothing = np.array([], np.int32)
        self._solver.addRows(len(amounts), lower, amounts, 0, nothing, nothing, np.array([], np.float64))
        self._ways: list[Way] = []

    def add(self, ways: set[Way]) -> None:
        """Look at these ways too."""
        fresh = sorted(ways - set(self._ways))
        count = len(fresh)
        costs = np.array([float(self._metres[way]) for way in fresh])
        rows = np.array([row for source, need in fresh for row in (source, self._count + need)], np.int32)
        starts = np.arange(0, 2 * count, 2, dtype=np.int32)
        most = np.full(count, self._highspy.kHighsInf)
        self._solver.addCols(count, costs, np.zeros(count), most, 2 * count, starts, rows, np.ones(2 * count))
        self._ways += fresh

    def solve(self) -> set[Way] | None:
        """The edges of the best basis, those to ROOT for rows with something left; None where the solver gives up."""
        self._solver.run()
        if self._solver.getModelStatus() != self._highspy.HighsModelStatus.kOptimal:
            return None
        basis, basic = self._solver.getBasis(), self._highspy.HighsBasisStatus.kBasic
        used = zip(self._ways, basis.col_status, strict=True)
        edges = {(source, self._count + need) for (source, need), status in used if status == basic}
        return edges | {(ROOT, row) for row, status in enumerate(basis.row_status) if status == basic}
