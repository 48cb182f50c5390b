"""Many programs on one line, solved in a row."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.solver.programs import two_by_two
from tests.solver.test_parametric_solver import at_least

from medalopt.errors import SolverError
from medalopt.model.network import SparseEntries
from medalopt.solver import parametric_sweep, verification
from medalopt.solver.parametric_solver import ParametricSolver
from medalopt.solver.parametric_sweep import ParametricSweep, ProgramLine
from medalopt.solver.program import SolverProgram
from medalopt.solver.verification import solve_from_scratch

ENTRIES = at_least(1.0).entries
STEEP = SparseEntries(ENTRIES.row, ENTRIES.column, np.array([3.0, 0.5, 1.0, -500.0]))


def swept(line: ProgramLine) -> ParametricSweep:
    """Return the sweep of `line` by a program of its own."""
    return ParametricSweep(ParametricSolver(line.one), line)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with each program that HiGHS solves."""
    solved: list[int] = []
    solve = ParametricSolver.solve_unverified
    monkeypatch.setattr(ParametricSolver, "solve_unverified", lambda *given: (solved.append(1), solve(*given))[1])
    return solved


@pytest.mark.parametrize(
    "end",
    [
        at_least(1.0, 7.0),
        at_least(1.5),
        at_least(1.0, row_lower=np.array([-np.inf, -1.0])),
        at_least(1.0, row_upper=np.array([9.0, 2.0])),
        at_least(1.0, entries=STEEP),
        at_least(1.25, 3.0, entries=STEEP, row_upper=np.array([8.0, 0.0])),
    ],
)
def test_each_is_solved_as_it_would_be_alone(end: SolverProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every result of a sweep, on the line and beyond, equals that of a solve from scratch."""
    monkeypatch.setattr(parametric_sweep, "_BATCH_NUMBERS", 30)  # four at once
    line = ProgramLine(at_least(1.0), end, 0.0, 2.0)
    positions = [0.0, 0.5, 1.7, 2.0, 2.25, 1.0, 0.25]
    one, row = swept(line), swept(line).solve_all(positions)
    for position, found in [*zip(positions, row, strict=True), *((at, one.solve_at(at)) for at in positions)]:
        alone = solve_from_scratch(line.interpolate(position))
        assert found.warm
        assert found.value == pytest.approx(alone.value, rel=1e-12)
        assert found.bound == pytest.approx(alone.value, rel=1e-9)
        np.testing.assert_allclose(found.x, alone.x, atol=1e-9)


@pytest.mark.parametrize("end", [at_least(1.0, 7.0), at_least(1.5), at_least(1.0, row_upper=np.array([9.0, 2.0]))])
def test_on_a_straight_line_the_ends_alone_are_solved(end: SolverProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one optimal basis the results in between are interpolated and proven, not solved."""
    solved = counted(monkeypatch)
    line = ProgramLine(at_least(1.0), end, 0.0, 1.0)
    positions = [0.0, *np.linspace(0.01, 0.99, 50).tolist(), 1.0]
    for position, found in zip(positions, swept(line).solve_all(positions), strict=True):
        assert found.value == pytest.approx(solve_from_scratch(line.interpolate(position)).value, rel=1e-9)
    assert len(solved) == 2
    one = swept(line)
    for position in (0.0, 1.0, 0.5, 0.25, 0.75):
        one.solve_at(position)
    assert len(solved) == 4


def test_what_comes_to_nothing_is_nothing() -> None:
    """A bound that becomes 0 along the line has no rounding residue."""
    line = ProgramLine(at_least(0.07), at_least(0.21), 7.5, 22.5)
    assert line.one.lower[0] - 0.5 * (line.two.lower[0] - line.one.lower[0]) != 0
    assert line.interpolate(0.0).lower[0] == 0


@pytest.mark.parametrize("entries", [ENTRIES, STEEP])
def test_where_the_line_bends_it_is_solved(entries: SparseEntries, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a kink, or where entries move, no answer is drawn that a solve does not find."""
    solved = counted(monkeypatch)
    bends = np.array([-np.inf, -np.inf])  # y costs nothing below 0, so that the measure bends where x does
    line = ProgramLine(at_least(-1.0, lower=np.array([-1.0, -np.inf])), at_least(1.0, entries=entries), 0.0, 1.0)
    line = ProgramLine(*(dataclasses.replace(one, row_lower=bends) for one in (line.one, line.two)), 0.0, 1.0)
    positions = np.linspace(0.0, 1.0, 21).tolist()
    for position, found in zip(positions, swept(line).solve_all(positions), strict=True):
        assert found.value == pytest.approx(solve_from_scratch(line.interpolate(position)).value, rel=1e-9, abs=1e-9)
    assert len(solved) >= 2


def test_what_has_no_plan_is_refuted() -> None:
    """Infeasible positions are proven infeasible, and the sweep continues."""
    line = ProgramLine(at_least(1.0), at_least(3.0), 0.0, 1.0)
    found = list(swept(line).solve_all([0.0, 1.0, 0.25, 0.9]))
    assert [one.status for one in found] == ["optimal", "infeasible", "optimal", "infeasible"]


def test_an_answer_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With tolerances that no result meets, none is accepted."""
    sweep_of = swept(ProgramLine(at_least(1.0), at_least(1.5), 0.0, 1.0))
    monkeypatch.setattr(verification, "GAP_TOLERANCE", -1.0)
    with pytest.raises(SolverError, match="could not be solved"):
        sweep_of.solve_at(0.5)


def test_what_is_nothing_beside_its_row_changes_nothing() -> None:
    """A coefficient below HiGHS's tolerance is omitted, and the result is verified with it."""
    apart = two_by_two(entries=SparseEntries(ENTRIES.row, ENTRIES.column, np.array([3.0, 1e-30, 1.0, -1000.0])))
    assert swept(ProgramLine(apart, apart, 0.0, 1.0)).solve_at(0.5).status == "optimal"


def test_a_row_without_entries_is_kept_or_not() -> None:
    """A row and a column that no entry touches take part in the check."""

    def wide(lower: float) -> SolverProgram:
        made = at_least(lower)
        return two_by_two(
            places=(*made.places, ("z", None)),
            lower=np.append(made.lower, 0.0),
            upper=np.append(made.upper, 1.0),
            size=np.append(made.size, 1.0),
            costs=np.hstack([made.costs, [[-1.0], [0.0]]]),
            rows=(*made.rows, ("empty", None)),
            row_lower=np.append(made.row_lower, -1.0),
            row_upper=np.append(made.row_upper, 1.0),
        )

    found = list(swept(ProgramLine(wide(1.0), wide(1.5), 0.0, 1.0)).solve_all([0.0, 1.0]))
    assert [one.value for one in found] == [pytest.approx(4.00025), pytest.approx(6.500375)]
