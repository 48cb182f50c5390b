"""Scaling by powers of two: exact, and values that are not finite are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.model.cases import at_random, conforming
from tests.solver.programs import two_by_two

from medalopt.errors import SolverError
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.model.network import SparseEntries
from medalopt.solver.program import SolverProgram
from medalopt.solver.scaling import COST_EXPONENT, compute_exponents, scale_program
from medalopt.solver.solve_lp import SolveTask, build_program


def linear_of(instance: Instance, measure: str = "cost") -> SolverProgram:
    """Return the program of an instance as it goes to scaling."""
    found = build_routes(instance)
    return build_program(SolveTask(instance, found, compute_bounds(instance, found), measure))[1]


def test_by_hand() -> None:
    """Columns in units of 8 and 1/4, rows in units of their largest coefficients, 24 and 250: about 32 and 256."""
    program = scale_program(two_by_two())
    assert program.column.tolist() == [3, -2]
    assert program.row.tolist() == [-5, -8]
    assert program.value.tolist() == [24 / 32, 8 / 256, 0.125 / 32, -250 / 256]
    assert program.index.tolist() == [0, 1, 0, 1]
    assert program.start.tolist() == [0, 2, 4]
    assert program.upper.tolist() == [1.0, np.inf]
    assert program.lower.tolist() == [0.0, -np.inf]
    assert program.row_upper.tolist() == [6 / 32, 0.0]
    assert program.costs[0].tolist() == [40 * 2.0 ** (COST_EXPONENT - 5), 0.0625 * 2.0 ** (COST_EXPONENT - 5)]
    assert program.costs[1].tolist() == [0.0, 0.0]


def test_the_way_back_by_hand() -> None:
    """A unit of each scaled column is 8 and 1/4; a unit of each scaled dual is the row's unit over the cost's."""
    program = scale_program(two_by_two())
    assert program.unscale_columns(np.ones(2)).tolist() == [8.0, 0.25]
    cost = 2.0 ** (COST_EXPONENT - 5)
    assert program.unscale_duals(np.ones(2)).tolist() == [1 / 32 / cost, 1 / 256 / cost]


@pytest.mark.parametrize("measure", ["cost", "footprint", "mass"])
def test_scaling_is_exact_to_undo(measure: str) -> None:
    """Every coefficient, cost and limit comes back bit for bit from the scaled program."""
    for instance in (*conforming().values(), *map(at_random, range(20))):
        linear = linear_of(instance, measure)
        program = scale_program(linear)
        order = np.lexsort((linear.entries.row, linear.entries.column))
        column = linear.entries.column[order]
        back = np.ldexp(program.value, -program.row[program.index] - program.column[column])
        assert (back == linear.entries.value[order]).all()
        assert (np.ldexp(program.costs, -program.cost[:, None] - program.column) == linear.costs).all()
        assert (np.ldexp(program.row_upper, -program.row) == linear.row_upper).all()
        assert (np.ldexp(program.row_lower, -program.row) == linear.row_lower).all()
        assert (np.ldexp(program.upper, program.column) == linear.upper).all()


def test_what_is_scaled_is_of_a_like_size() -> None:
    """The largest coefficient of a row is 1 within a factor of the root of 2, and the largest cost is 2**LIFT."""
    for instance in conforming().values():
        program = scale_program(linear_of(instance))
        largest = np.zeros(len(program.row))
        np.maximum.at(largest, program.index, np.abs(program.value))
        some = largest > 0
        assert (np.abs(np.log2(largest[some])) <= 0.5).all()
        assert abs(np.log2(np.abs(program.costs[0]).max()) - COST_EXPONENT) <= 0.5


def test_powers_of_two_by_hand() -> None:
    """Scale exponents are nearest to each size; 0 without a size."""
    assert compute_exponents(np.array([1.0, 3.0, 1e-3, 1024.0, 0.0, np.inf])).tolist() == [0, 2, -10, 10, 0, 0]


BAD = {
    "a coefficient": {"entries": SparseEntries(np.array([0]), np.array([0]), np.array([np.nan]))},
    "an infinite coefficient": {"entries": SparseEntries(np.array([0]), np.array([0]), np.array([np.inf]))},
    "a cost": {"costs": np.array([[np.inf, 0.0]])},
    "a size": {"size": np.array([np.nan, 1.0])},
    "a limit": {"row_upper": np.array([np.nan, 0.0])},
    "a limit below everything": {"row_upper": np.array([-np.inf, 0.0])},
    "a limit above everything": {"row_lower": np.array([np.inf, 0.0])},
    "a bound": {"upper": np.array([np.nan, 1.0])},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_what_is_not_finite_is_refused(change: dict[str, Any]) -> None:
    """NaN or infinite coefficients never reach the solver."""
    with pytest.raises(SolverError, match="not finite"):
        scale_program(two_by_two(**change))


def test_figures_that_no_double_can_hold_are_refused() -> None:
    """A coefficient that underflows by scaling is an error that names the parameter."""
    entries = SparseEntries(np.array([0, 0]), np.array([0, 1]), np.array([1e300, 1e-300]))
    with pytest.raises(SolverError, match="too many orders of magnitude"):
        scale_program(two_by_two(entries=entries, size=np.array([1e3, 1e-3])))


def test_a_column_that_can_only_be_nothing_is_no_smaller_than_its_rows() -> None:
    """A column without a size is scaled by its rows, so that no coefficient is negligible."""
    ones = np.ones(2)
    linear = SolverProgram(
        network=2,
        places=(),
        lower=0 * ones,
        upper=np.inf * ones,
        size=np.array([2.0**40, 0.0]),
        costs=np.zeros((1, 2)),
        rows=(("both", None), ("own", None)),
        row_lower=0 * ones,
        row_upper=np.inf * ones,
        entries=SparseEntries(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([1.0, -0.25, 1.0])),
        dual_offsets={},
    )
    program = scale_program(linear)
    assert program.column.tolist() == [40, 42]
    assert program.value.tolist() == [1.0, -1.0, 1.0]
