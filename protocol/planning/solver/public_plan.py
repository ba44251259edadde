"""Step 3 of a round: the plan that is nearest to everybody's proposals and that the region can actually carry out.

Prices are found by a projected semismooth Newton method on the dual; quantities follow from the prices in closed form.
Invariant: the result depends only on the economy and the integers of the state: same bytes on every machine.
Spec: docs/spec/planning-step.md, section "The public plan".
"""

from dataclasses import dataclass

import numpy as np

from protocol.planning.economy import Floats
from protocol.planning.solver.dual import EXTREME, Response, Targets, respond, sum_slopes
from protocol.planning.solver.linear_system import solve_symmetric

NEWTON_STEPS_MOST = 60
LINE_STEPS_MOST = 12
# A plan is close enough when no good is short, or left over at a price, by more than this share of its flow.
RESIDUAL_ENOUGH = 2.0**-22
PRICE_RISE_MOST = 4.0
PRICE_RISE_LEAST = 0.25
SLOPE_LEFT = 0.25
BOX_PASSES_MOST = 6
DAMPING = 2.0**-20


@dataclass(frozen=True)
class PublicPlan:
    """The solved step: a response with its prices, how far off it is (share of flow) and what it took."""

    response: Response
    residual: float
    newton_steps: int


def solve_public_plan(targets: Targets, start_price: Floats) -> PublicPlan:
    """The plan nearest to the targets, warm-started at relative prices; at most NEWTON_STEPS_MOST steps."""
    point = respond(targets, np.minimum(np.maximum(start_price, 0.0), EXTREME))
    best, least, steps = point, _residual(point), 0
    while least > RESIDUAL_ENOUGH and steps < NEWTON_STEPS_MOST:
        steps += 1
        point = _search(targets, point, _direction(targets, point))
        residual = _residual(point)
        if residual < least:
            best, least = point, residual
    return PublicPlan(best, least, steps)


def _residual(point: Response) -> float:
    """The largest shortage, or surplus that still has a price, as a share of flow."""
    surplus = np.minimum(np.maximum(-point.excess, 0.0), point.price)
    return float(np.max(np.maximum(point.excess, surplus)))


def _direction(targets: Targets, point: Response) -> Floats:
    """Newton's change of relative prices within the box of allowed changes.

    Goods that would leave the box are put on its edge and the rest is solved again, BOX_PASSES_MOST times at most.
    """
    economy = targets.economy
    value = np.sqrt(economy.price * economy.flow)
    matrix = sum_slopes(targets, point)
    matrix.reshape(-1)[:: len(value) + 1] *= 1.0 + DAMPING
    right = point.excess * value
    lowest = -point.price * value
    highest = np.maximum(PRICE_RISE_MOST * point.price, PRICE_RISE_LEAST) * value
    step = np.zeros(len(value))
    stuck = (point.price == 0.0) & (point.excess <= 0.0)
    for _ in range(BOX_PASSES_MOST):
        moving = np.flatnonzero(~stuck)
        if len(moving) == 0:
            break
        step[moving] = solve_symmetric(matrix[np.ix_(moving, moving)], right[moving])
        outside = (step < lowest) | (step > highest)
        step = np.minimum(np.maximum(step, lowest), highest)
        if not np.any(outside):
            break
        for good in np.flatnonzero(outside & ~stuck):
            right -= matrix[good] * step[good]
        stuck = stuck | outside
    return step / value


def _gradient(targets: Targets, point: Response) -> Floats:
    """A change of prices that surely improves the dual: each good on its own, within the box."""
    diagonal = sum_slopes(targets, point).reshape(-1)[:: len(point.price) + 1]
    highest = np.maximum(PRICE_RISE_MOST * point.price, PRICE_RISE_LEAST)
    return np.minimum(np.maximum(point.excess / diagonal, -point.price), highest)


def _search(targets: Targets, point: Response, step: Floats, grad: bool = False) -> Response:
    """Walks along the step as far as the dual keeps rising, up to the whole step; prices stay within their bounds."""
    economy = targets.economy
    worth = economy.price * economy.flow
    length = 1.0
    for _ in range(LINE_STEPS_MOST):
        price = np.minimum(np.maximum(point.price + length * step, 0.0), EXTREME)
        trial = respond(targets, price)
        before = _sum_in_order((price - point.price) * point.excess * worth)
        if before <= 0.0 and not grad:
            return _search(targets, point, _gradient(targets, point), True)
        after = _sum_in_order((price - point.price) * trial.excess * worth)
        if after >= -SLOPE_LEFT * before:
            return trial
        length *= min(max(before / (before - after), 0.1), 0.7)
    return trial


def _sum_in_order(terms: Floats) -> float:
    """The sum over goods, one addition after the other in the table's order (Python's own sum() differs by version)."""
    total = 0.0
    for term in terms.tolist():
        total += term
    return total
