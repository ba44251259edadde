"""Step 3 of a round: the plan that is nearest to everybody's answers and that the region can actually carry out.

Prices are found by a projected semismooth Newton method on the dual; quantities follow from the prices in closed form.
Invariant: the result depends only on the economy and the integers of the state: same bytes on every machine.
Spec: docs/spec/planning/planning-step.md, section "The public plan".
"""

from dataclasses import dataclass

import numpy as np

from protocol.planning.economy import EXTREME, Floats
from protocol.planning.solver.dual import Response, Targets, respond, sum_slopes
from protocol.planning.solver.linear_system import solve_symmetric

NEWTON_STEPS_MOST = 60
LINE_STEPS_MOST = 12
# A plan is close enough when no good is short, or left over at a price, by more than this share of its flow.
RESIDUAL_ENOUGH = 2.0**-22
PRICE_RISE_MOST = 4.0
PRICE_RISE_LEAST = 0.25
SLOPE_LEFT = 0.25
BOX_PASSES_MOST = 2
SHORTEN_MOST = 0.1
SHORTEN_LEAST = 0.7
# Far from balance the slopes say little about what lies ahead: the further, the more the diagonal weighs.
DAMPING_LEAST = 2.0**-20
DAMPING_SHARE = 0.3


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
        point = _search(targets, point, _choose_step(targets, point))
        residual = _residual(point)
        if residual < least:
            best, least = point, residual
    return PublicPlan(best, least, steps)


def _residual(point: Response) -> float:
    """The largest shortage, or surplus that still has a price, as a share of flow."""
    surplus = np.minimum(np.maximum(-point.excess, 0.0), point.price)
    return float(np.max(np.maximum(point.excess, surplus)))


def _choose_step(targets: Targets, point: Response) -> Floats:
    """A change of relative prices that improves the dual: Newton's, or each good on its own where that one does not."""
    matrix = sum_slopes(targets, point)
    damping = max(DAMPING_LEAST, DAMPING_SHARE * min(_residual(point), 1.0))
    matrix.reshape(-1)[:: len(point.price) + 1] *= 1.0 + damping
    highest = np.maximum(PRICE_RISE_MOST * point.price, PRICE_RISE_LEAST)
    step = _newton_step(targets, point, matrix, highest)
    if _rise(targets, point, point, _move(point, step, 1.0)) > 0.0:
        return step
    diagonal = matrix.reshape(-1)[:: len(point.price) + 1]
    return np.minimum(np.maximum(point.excess / diagonal, -point.price), highest)


def _newton_step(targets: Targets, point: Response, matrix: Floats, highest: Floats) -> Floats:
    """Newton's change of relative prices within the box from -price to `highest`.

    Goods that would leave the box are put on its edge and the rest is solved again, BOX_PASSES_MOST times at most;
    goods whose price is 0 and that are not short stay where they are.
    """
    value = np.sqrt(targets.economy.price * targets.economy.flow)
    right = point.excess * value
    low, high = -point.price * value, highest * value
    step = np.zeros(len(value))
    stuck = (point.price == 0.0) & (point.excess <= 0.0)
    for _ in range(BOX_PASSES_MOST):
        moving = np.flatnonzero(~stuck)
        if len(moving) == 0:
            break
        step[moving] = solve_symmetric(matrix[np.ix_(moving, moving)], right[moving])
        outside = (step < low) | (step > high)
        step = np.minimum(np.maximum(step, low), high)
        if not np.any(outside):
            break
        for good in np.flatnonzero(outside & ~stuck):
            right -= matrix[good] * step[good]
        stuck = stuck | outside
    return step / value


def _search(targets: Targets, point: Response, step: Floats) -> Response:
    """Walks along the step as far as the dual keeps rising, up to the whole step."""
    length = 1.0
    trial = point
    for _ in range(LINE_STEPS_MOST):
        price = _move(point, step, length)
        trial = respond(targets, price)
        before, after = _rise(targets, point, point, price), _rise(targets, point, trial, price)
        if after >= -SLOPE_LEFT * before:
            break
        length *= min(max(before / (before - after), SHORTEN_MOST), SHORTEN_LEAST)
    return trial


def _move(point: Response, step: Floats, length: float) -> Floats:
    return np.minimum(np.maximum(point.price + length * step, 0.0), EXTREME)


def _rise(targets: Targets, point: Response, at: Response, price: Floats) -> float:
    """How steeply the dual rises at `at` on the way from `point` to `price`: the worth of the excess along it."""
    worth = targets.economy.price * targets.economy.flow
    return _sum_in_order((price - point.price) * at.excess * worth)


def _sum_in_order(terms: Floats) -> float:
    """The sum over goods, one addition after the other in the table's order (Python's own sum() differs by version)."""
    total = 0.0
    for term in terms.tolist():
        total += term
    return total
