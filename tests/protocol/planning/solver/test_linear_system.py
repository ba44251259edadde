"""The factor of whole numbers: exact in any order, near the matrix, and sound where the matrix is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.planning.economy import Floats
from protocol.planning.solver.linear_system import MATRIX_ONE, factor_symmetric, solve_symmetric
from tests.protocol.planning.slow_step import factor_whole

EXACT = 2.0**53


def drawn_matrix(seed: int, size: int, rank: int) -> Floats:
    """Positive definite with a diagonal of ones; the smaller the rank, the closer to none at all."""
    dice = np.random.Generator(np.random.PCG64(seed))
    rows = dice.normal(size=(size, rank)) * 2.0 ** dice.integers(-8, 8, (size, 1))
    matrix = rows @ rows.T + np.diag(np.sum(rows * rows, axis=1)) * 1e-6
    scale = np.sqrt(np.diag(matrix))
    return np.asarray(matrix / scale.reshape(-1, 1) / scale, np.float64)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 90), rank=st.integers(1, 90))
def test_no_sum_of_products_can_leave_what_a_double_holds_exactly(seed: int, size: int, rank: int) -> None:
    whole = np.rint(drawn_matrix(seed, size, rank) * MATRIX_ONE)
    factor = factor_symmetric(whole)
    assert np.all(factor == np.rint(factor))
    assert np.max(np.abs(whole)) + np.max(np.abs(factor) @ np.abs(factor).T) < EXACT


@pytest.mark.parametrize("size", [1, 2, 7, 30, 70])
def test_pythons_own_whole_numbers_make_the_same_factor(size: int) -> None:
    whole = np.rint(drawn_matrix(size, size, size + 2) * MATRIX_ONE)
    slow = factor_whole([[int(entry) for entry in row] for row in whole])
    assert np.tril(factor_symmetric(whole)).tolist() == [[float(entry) for entry in row] for row in slow]


def test_numbers_that_are_no_positive_definite_matrix_stay_within_bounds_too() -> None:
    whole = np.full((80, 80), MATRIX_ONE)
    whole[::2, 1::2] = -MATRIX_ONE
    whole[1::2, ::2] = MATRIX_ONE
    factor = factor_symmetric(whole)
    assert np.all(np.isfinite(factor))
    assert np.max(np.abs(factor) @ np.abs(factor).T) + MATRIX_ONE < EXACT


@pytest.mark.parametrize("size", [3, 64, 65, 150])
def test_the_solution_solves(size: int) -> None:
    matrix = drawn_matrix(size, size, 2 * size)
    right = np.linspace(-1.0, 1.0, size)
    solution = solve_symmetric(matrix, right)
    assert np.max(np.abs(matrix @ solution - right)) < 1e-6
