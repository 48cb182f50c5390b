"""The simplex method in fractions: from any basis it comes to the optimum of HiGHS, or says that it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from tests.solver.programs import two_by_two
from tests.solver.test_highs import one_row

from medalopt.model.network import SparseEntries
from medalopt.solver.highs import NO_TIME_LIMIT, TimeBudget, solve_by_method
from medalopt.solver.program import BASIC, LOWER, UPPER, Basis, SolverProgram
from medalopt.solver.refinement import solve_exactly
from medalopt.solver.scaling import scale_program


def slack_basis(linear: SolverProgram) -> Basis:
    """Return the basis of all rows, with every column at its lower bound."""
    return Basis(np.full(len(linear.lower), LOWER, dtype=np.int8), np.full(len(linear.rows), BASIC, dtype=np.int8))


def random_program(seed: int) -> SolverProgram:
    """Return a program of ten bounded columns and six rows of one, the other or both bounds, that has a solution."""
    chance = np.random.default_rng(seed)
    matrix = chance.integers(-5, 6, (6, 10)).astype(float)
    matrix[0, matrix[0] == 0] = 1.0
    inside = matrix @ chance.integers(0, 4, 10)
    row, column = np.nonzero(matrix)
    return two_by_two(
        places=tuple((f"x{n}", None) for n in range(10)),
        lower=np.zeros(10),
        upper=np.full(10, 4.0),
        size=np.full(10, 4.0),
        costs=np.array([chance.integers(-9, 10, 10).astype(float), np.zeros(10)]),
        rows=tuple((f"row{n}", None) for n in range(6)),
        row_lower=np.where(chance.random(6) < 0.6, inside, -np.inf),
        row_upper=np.where(chance.random(6) < 0.6, inside, inside + chance.integers(0, 3, 6)),
        entries=SparseEntries(row, column, matrix[row, column]),
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_optimum_is_that_of_highs(seed: int) -> None:
    """From the basis of all rows it passes through phase one, and its duals prove the same optimum."""
    linear = random_program(seed)
    found = solve_exactly(linear, slack_basis(linear), NO_TIME_LIMIT)
    ready = scale_program(linear)
    best = float(linear.costs[0] @ ready.unscale_columns(solve_by_method(ready, "primal simplex").x))
    assert found is not None
    x, y = found
    assert linear.costs[0] @ x == pytest.approx(best, rel=1e-9, abs=1e-9)
    matrix = np.zeros((6, 10))
    matrix[linear.entries.row, linear.entries.column] = linear.entries.value
    reduced = linear.costs[0] - matrix.T @ y
    ends = np.where(y > 0, linear.row_lower, linear.row_upper)
    bound = (y * np.where(y == 0, 0.0, ends)).sum() + np.minimum(0.0, 4.0 * reduced).sum()
    assert bound == pytest.approx(best, rel=1e-9, abs=1e-9)


def test_what_has_no_optimum_gives_none() -> None:
    """No solution, no end of the objective, no time, or a basis of the wrong size: no claim is made."""
    none = one_row([[1.0, 2.0]], [1.0, 1.0], 3.0, np.inf, upper=1.0)
    endless = one_row([[-1.0, 2.0]], [1.0, 1.0], 1.0, np.inf)
    for linear in (none, endless):
        assert solve_exactly(linear, slack_basis(linear), NO_TIME_LIMIT) is None
    fine = one_row([[1.0, 2.0]], [1.0, 1.0], 1.0, np.inf)
    assert solve_exactly(fine, slack_basis(fine), TimeBudget(0)) is None
    nothing = Basis(np.full(2, UPPER, dtype=np.int8), np.full(1, LOWER, dtype=np.int8))
    assert solve_exactly(fine, nothing, NO_TIME_LIMIT) is None
