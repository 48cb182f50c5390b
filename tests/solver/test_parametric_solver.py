"""One warm program and its variants, on programs by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.solver.programs import two_by_two

from medalopt.errors import SolverError
from medalopt.model.network import SparseEntries
from medalopt.solver import parametric_solver, verification
from medalopt.solver.infeasibility import compute_farkas_margin
from medalopt.solver.parametric_solver import ParametricSolver
from medalopt.solver.parametric_sweep import ProgramLine, fit_program_line
from medalopt.solver.program import SolverProgram
from medalopt.solver.scaling import scale_program
from medalopt.solver.verification import solve_from_scratch


def at_least(tonnes: float, cost: float = 5.0, **changes: object) -> SolverProgram:
    """Return the program by hand with x at least so much, at a cost: the optimum is x = `tonnes`, y = x / 1000."""
    made = two_by_two(lower=np.array([tonnes, -np.inf]), costs=np.array([[cost, 0.25], [0.0, 0.0]]))
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def test_what_moved_is_passed_on() -> None:
    """Costs, bounds, ends of rows and entries move one after the other, and each answer is that of arithmetic."""
    warm = ParametricSolver(at_least(1.0))
    assert warm.solve().value == pytest.approx(5.00025)
    assert warm.solve(at_least(1.0, 7.0)).value == pytest.approx(7.00025)
    assert warm.solve(at_least(1.5, 7.0)).value == pytest.approx(10.500375)
    entries = at_least(1.0).entries
    steeper = SparseEntries(entries.row, entries.column, np.array([3.0, 0.5, 1.0, -500.0]))
    assert warm.solve(at_least(1.0, entries=steeper)).value == pytest.approx(5.0005)
    assert warm.solve(at_least(1.0, row_lower=np.array([4.5, 0.0]))).value == pytest.approx(4.5 / 3.0005 * 5.00025)
    assert warm.solve().value == pytest.approx(5.00025)
    assert warm.solve().warm


@pytest.mark.parametrize("large", [0, 10**6])
def test_no_plan_is_proven(large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variant that requires more than a row admits is proven infeasible by either simplex method."""
    monkeypatch.setattr(parametric_solver, "_PRIMAL_FIRST_ENTRIES", large)
    warm = ParametricSolver(at_least(1.0))
    found = warm.solve(at_least(3.0))
    asked = scale_program(at_least(3.0))
    assert compute_farkas_margin(at_least(3.0), asked, np.ldexp(found.y, -asked.row)) > 0
    assert (found.status, found.value, found.warm) == ("infeasible", np.inf, True)
    assert not found.feasible
    assert warm.solve().value == pytest.approx(5.00025)


def test_another_shape_is_solved_from_the_beginning() -> None:
    """A program with an additional row is solved from scratch."""
    warm = ParametricSolver(at_least(1.0))
    other = dataclasses.replace(at_least(1.0), rows=(("one", None), ("three", None)))
    found = warm.solve(other)
    assert found.value == pytest.approx(5.00025)
    assert not found.warm


def test_what_is_missing_is_nothing() -> None:
    """A variant without one column and its row is padded to the first program's shape, with its own result."""
    warm = ParametricSolver(at_least(1.0))
    less = dataclasses.replace(
        at_least(2.0),
        places=(("x", None),),
        lower=np.array([1.5]),
        upper=np.array([8.0]),
        size=np.array([8.0]),
        costs=np.array([[5.0], [0.0]]),
        rows=(("one", None),),
        row_lower=np.array([-np.inf]),
        row_upper=np.array([6.0]),
        entries=SparseEntries(np.array([0]), np.array([0]), np.array([3.0])),
    )
    found = warm.solve_padded(less, np.zeros(0, dtype=np.intp))
    assert found.warm
    assert (found.value, found.x.tolist(), len(found.y)) == (7.5, [1.5], 1)
    assert not warm.solve_padded(dataclasses.replace(less, places=(("z", None),)), np.zeros(0, dtype=np.intp)).warm
    moved = dataclasses.replace(
        less, rows=(("two", None),), entries=SparseEntries(*(np.array([0]),) * 2, np.array([0.5]))
    )
    assert warm.solve_padded(moved, np.zeros(0, dtype=np.intp)).value == pytest.approx(7.5)


def test_many_entries_are_passed_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """If many coefficients change, or one vanishes, the program is passed again and solved from its basis."""
    monkeypatch.setattr(parametric_solver, "_MATRIX_RELOAD_ENTRIES", 0)
    warm = ParametricSolver(at_least(1.0))
    warm.solve()
    entries = at_least(1.0).entries
    steeper = SparseEntries(entries.row, entries.column, np.array([3.0, 0.5, 1.0, -500.0]))
    found = warm.solve(at_least(1.0, entries=steeper))
    assert found.value == pytest.approx(5.0005)
    assert found.warm
    lighter = SparseEntries(entries.row, entries.column, np.array([3.0, 0.0, 1.0, -500.0]))
    found = warm.solve(at_least(1.0, entries=lighter, row_upper=np.array([3.0, 0.0])))
    assert (found.value, found.warm) == (pytest.approx(5.0005), True)
    assert warm.solve(at_least(1.0, entries=steeper)).warm


def test_an_answer_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the bound differs from the value, neither warm nor cold results are accepted."""
    warm = ParametricSolver(at_least(1.0))
    monkeypatch.setattr(verification, "GAP_TOLERANCE", -1.0)
    with pytest.raises(SolverError, match="could not be solved"):
        warm.solve()


def test_a_known_optimum_is_where_it_begins() -> None:
    """Started from its optimum a program needs no step."""
    linear = at_least(1.0)
    known = solve_from_scratch(linear)
    warm = ParametricSolver(linear, (known.x, known.y))
    assert warm.solve().value == pytest.approx(known.value)
    assert warm._session.iterations <= 0


def test_what_is_nothing_beside_its_row_changes_nothing() -> None:
    """A coefficient below HiGHS's tolerance is omitted, and the result is verified with it."""
    entries = at_least(1.0).entries
    apart = SparseEntries(entries.row, entries.column, np.array([3.0, 1e-30, 1.0, -1000.0]))
    assert ParametricSolver(at_least(1.0, entries=apart)).solve().value == pytest.approx(5.00025)


def test_a_line_is_straight_or_none() -> None:
    """Three programs on a line give it; one beside it, or of another shape, does not."""
    one, two, three = at_least(1.0), at_least(2.0, 7.0), at_least(1.5, 6.0)
    drawn = fit_program_line(one, 0.0, two, 1.0, three, 0.5)
    assert drawn is not None
    assert drawn.interpolate(0.25).lower.tolist() == [1.25, -np.inf]
    assert drawn.interpolate(0.25).costs[0].tolist() == [5.5, 0.25]
    assert (drawn.moves_costs, drawn.moves_ends, drawn.moves_matrix) == (True, True, False)
    assert fit_program_line(one, 0.0, two, 1.0, at_least(1.6, 6.0), 0.5) is None
    assert (
        fit_program_line(one, 0.0, two, 1.0, dataclasses.replace(three, rows=(("a", None), ("b", None))), 0.5) is None
    )


def test_a_column_that_shrinks_keeps_a_size() -> None:
    """A column whose bound reaches 0 keeps a positive size for scaling."""
    one, two = at_least(1.0), at_least(1.0, size=np.array([4.0, 0.25]))
    assert ProgramLine(one, two, 0.0, 1.0).interpolate(2.5).size[0] > 0
