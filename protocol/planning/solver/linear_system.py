"""Solving M y = b so that every machine gets the same bits: the factor is made of whole numbers.

Invariant: a matrix product is only taken of whole numbers whose absolute products add up to less than 2^53, so it is
exact whatever order, threads or instructions the machine uses; all else is one IEEE-754 operation at a time.
Spec: docs/spec/planning/planning-step.md, section "Solving".
"""

import numpy as np

from protocol.planning.economy import Floats

# The matrix counts in 2^-50, its factor in 2^-25: a row of the factor has squares that add up to little more than 2^50.
MATRIX_ONE = 2.0**50
FACTOR_ONE = 2.0**25
PIVOT_LEAST = 2.0**28
PANEL = 64


def solve_symmetric(matrix: Floats, right: Floats) -> Floats:
    """y with `matrix` y = `right`, nearly, for a symmetric positive definite n x n matrix; both are left unchanged.

    Scaled to a diagonal of ones, C C^T with C of 25 bits. Newton's next step sees what that leaves over.
    """
    size = len(right)
    scale = np.sqrt(matrix.reshape(-1)[:: size + 1])
    shares = np.minimum(np.maximum(matrix / scale.reshape(-1, 1) / scale, -1.0), 1.0)
    factor = factor_symmetric(np.rint(shares * MATRIX_ONE)) / FACTOR_ONE
    return _substitute(factor, np.ascontiguousarray(factor.T), right / scale) / scale


def factor_symmetric(matrix: Floats) -> Floats:
    """Lower C with C C^T near the matrix: whole numbers in 2^-25 and 2^-50, an absolute 2^50 at most in the matrix.

    `room` is what the rows of C leave of the diagonal; an entry never takes more than its row has, so that the squares
    of a row stay below 2^50 + 2^28, and by Cauchy and Schwarz no product of two rows goes beyond.
    """
    size = len(matrix)
    factor = np.zeros((size, size))
    room = matrix.reshape(-1)[:: size + 1].copy()
    for start in range(0, size, PANEL):
        end = min(start + PANEL, size)
        panel = matrix[start:, start:end] - factor[start:, :start] @ factor[start:end, :start].T
        for column in range(start, end):
            root = np.rint(np.sqrt(max(room[column], PIVOT_LEAST)))
            factor[column, column] = root
            below = panel[column + 1 - start :, column - start]
            below = below - factor[column + 1 :, start:column] @ factor[column, start:column]
            most = np.floor(np.sqrt(np.maximum(room[column + 1 :], 0.0)))
            entries = np.minimum(np.maximum(np.rint(below / root), -most), most)
            factor[column + 1 :, column] = entries
            room[column + 1 :] -= entries * entries
    return factor


def _substitute(factor: Floats, columns: Floats, right: Floats) -> Floats:
    """z with C C^T z = right, entry by entry; `columns` is C^T, so that both loops read along rows."""
    size = len(right)
    solution = right.copy()
    pivots: list[float] = factor.reshape(-1)[:: size + 1].tolist()
    for column in range(size):
        solution[column] /= pivots[column]
        solution[column + 1 :] -= columns[column, column + 1 :] * solution[column]
    for column in range(size - 1, -1, -1):
        solution[column] /= pivots[column]
        solution[:column] -= factor[column, :column] * solution[column]
    return solution
