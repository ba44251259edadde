"""What a workplace that keeps its recipes to itself works out at home: its answers, and what it would still gain.

Private: recipes, capacity and effort stay here, floats are welcome; only the answer's whole numbers are published.
Spec: docs/spec/planning/private-recipes.md, section "Answers".
"""

import math
from collections.abc import Sequence

import numpy as np

from protocol.core.quantities import divide_up
from protocol.planning.cards import MICRO, WorkplaceCard
from protocol.planning.economy import Floats
from protocol.planning.private.outlines import bound_levels, span_of

RIDGE = 1e-12
PENALTY = 1e3
PENALTY_STEPS = 12
ACTIVE_STEPS_MOST = 200
# How much dearer it is to stray from an agreed answer than to do it, when the levels behind it are found again.
FIRMNESS = 1e6


def outline_card(card: WorkplaceCard) -> WorkplaceCard:
    """What a workplace shows in place of `card`: its goods, and what it makes or uses of each at most, to one digit."""
    bounds: dict[int, tuple[float, float]] = {}
    for technique in card.techniques:
        for good, amount in technique.net:
            lowest, highest = bounds.get(good, (0.0, 0.0))
            most = amount * card.capacity / technique.capacity_use
            bounds[good] = min(lowest, most), max(highest, most)
    outline = tuple((good, -_to_one_digit(-bounds[good][0]), _to_one_digit(bounds[good][1])) for good in sorted(bounds))
    return WorkplaceCard(card.id, MICRO, 0, (), outline)


def _to_one_digit(amount: float) -> int:
    """Upwards: 0.23 is 0.3."""
    whole = math.ceil(amount)
    unit = int(10 ** (len(str(whole)) - 1))
    return divide_up(whole, unit) * unit


def answer_hidden(
    shown: WorkplaceCard, recipes: WorkplaceCard, costs: Sequence[float], hold: Floats, pivot: Floats
) -> list[int]:
    """The net use of each good of an outline, in millionths of its larger bound: as near to the plan as work allows.

    `hold` (the matrix R) and `pivot` (v), both in whole bounds, follow the order of the answer.
    """
    moves = _moves(shown, recipes)
    levels = _choose_levels(moves.T @ hold @ moves + np.diag(np.array(costs)), moves.T @ (hold @ pivot), recipes)
    bounds = bound_levels(shown)
    said: list[int] = np.rint(moves @ levels * MICRO).astype(int).tolist()
    return [min(max(level, lowest), highest) for level, (lowest, highest) in zip(said, bounds, strict=True)]


def find_levels(fixed: WorkplaceCard, recipes: WorkplaceCard, costs: Sequence[float], activity: int) -> list[int]:
    """Millionths of each recipe behind `activity` (millionths) of a fixed card: the least effort that does it."""
    agreed = dict(fixed.techniques[0].net)
    spans = np.array([span_of(lowest, highest) for _, lowest, highest in fixed.outline], np.float64)
    wanted = np.array([agreed.get(good, 0) for good, _, _ in fixed.outline]) * (activity / MICRO) / spans
    moves = _moves(fixed, recipes)
    firm = FIRMNESS * (sum(costs) + RIDGE) / float(np.max(moves * moves))
    levels = _choose_levels((moves.T * firm) @ moves + np.diag(np.array(costs)), moves.T @ wanted * firm, recipes)
    return [round(level * MICRO) for level in levels.tolist()]


def _moves(shown: WorkplaceCard, recipes: WorkplaceCard) -> Floats:
    """Goods of the outline x recipes: net use per activity, in larger bounds."""
    place = {good: row for row, (good, _, _) in enumerate(shown.outline)}
    moves = np.zeros((len(place), len(recipes.techniques)))
    for column, technique in enumerate(recipes.techniques):
        for good, amount in technique.net:
            moves[place[good], column] = amount
    spans = np.array([span_of(lowest, highest) for _, lowest, highest in shown.outline], np.float64)
    return np.asarray(moves / spans.reshape(-1, 1), np.float64)


def _choose_levels(matrix: Floats, right: Floats, recipes: WorkplaceCard) -> Floats:
    """argmin a . matrix a / 2 - right . a over a >= 0 with least <= use . a <= capacity."""
    use = np.array([technique.capacity_use / MICRO for technique in recipes.techniques])
    levels = _nonnegative(matrix, right)
    used = float(use @ levels)
    bound = min(max(used, recipes.least / MICRO), recipes.capacity / MICRO)
    return levels if used == bound else _on_the_line(matrix, right, use, bound)


def _on_the_line(matrix: Floats, right: Floats, use: Floats, bound: float) -> Floats:
    """The same with use . a = bound, by a penalty whose price is learned."""
    weight = PENALTY * float(np.max(np.diag(matrix) / (use * use)) + RIDGE)
    price, levels = 0.0, np.zeros(len(use))
    for _ in range(PENALTY_STEPS):
        levels = _nonnegative(matrix + weight * np.outer(use, use), right + (weight * bound - price) * use)
        price += weight * (float(use @ levels) - bound)
    return levels


def _nonnegative(matrix: Floats, right: Floats) -> Floats:
    """argmin a . matrix a / 2 - right . a over a >= 0, by active sets (Lawson and Hanson)."""
    size = len(right)
    scale = np.sqrt(np.maximum(np.diag(matrix), RIDGE))
    held = matrix / np.outer(scale, scale) + RIDGE * np.eye(size)
    aim = right / scale
    found, free = np.zeros(size), np.zeros(size, np.bool_)
    close = 1e-12 * float(np.max(np.abs(aim)) + RIDGE)
    for _ in range(ACTIVE_STEPS_MOST):
        slope = np.where(free, -np.inf, aim - held @ found)
        if free.all() or np.max(slope) <= close:
            break
        free[int(np.argmax(slope))] = True
        while free.any():
            rows = np.flatnonzero(free)
            trial = np.zeros(size)
            trial[rows] = np.linalg.solve(held[np.ix_(rows, rows)], aim[rows])
            below = rows[trial[rows] <= 0.0]
            if not len(below):
                found = trial
                break
            step = float(np.min(found[below] / np.maximum(found[below] - trial[below], 1e-300)))
            found = np.where(free, found + step * (trial - found), 0.0)
            free &= found > 1e-15 * (1.0 + np.max(found))
            found = np.where(free, found, 0.0)
    return np.asarray(found / scale, np.float64)
