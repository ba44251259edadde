"""Solving M y = b by element-wise row operations only, so that every machine gets the same bits.

Invariant: no BLAS, no dot product, no float reduction; each operation is one IEEE-754 double operation.
Spec: docs/spec/planning-step.md, section "Newton's step".
"""

from protocol.planning.economy import Floats


def solve_symmetric(matrix: Floats, right: Floats) -> Floats:
    """y with `matrix` y = `right`, for a symmetric positive definite n x n matrix; L D L^T, column by column.

    Both arguments are left unchanged. A pivot that rounding made smaller than PIVOT_LEAST is lifted to it.
    """
    lower = matrix.copy()
    solution = right.copy()
    size = len(right)
    for column in range(size):
        pivot = max(float(lower[column, column]), PIVOT_LEAST)
        lower[column, column] = pivot
        below = lower[column + 1 :, column] / pivot
        lower[column + 1 :, column + 1 :] -= below.reshape(-1, 1) * lower[column, column + 1 :]
        solution[column + 1 :] -= below * solution[column]
        lower[column + 1 :, column] = below
    for column in range(size - 1, -1, -1):
        solution[column] /= lower[column, column]
    for column in range(size - 1, 0, -1):
        solution[:column] -= lower[column, :column] * solution[column]
    return solution


PIVOT_LEAST = 2.0**-40
