"""HiGHS session: options, statuses and interpretation of its results."""

from __future__ import annotations

from collections.abc import Iterator

import highspy
import numpy as np
import pytest
from tests.solver.programs import two_by_two

from medalopt.errors import SolverError
from medalopt.model.network import SparseEntries
from medalopt.solver import highs
from medalopt.solver.highs import METHODS, HighsSession, get_highs_version, solve_by_method
from medalopt.solver.program import SolverProgram
from medalopt.solver.scaling import scale_program


def one_row(
    costs: list[list[float]], row: list[float], low: float, high: float, upper: float = np.inf, least: float = 0.0
) -> SolverProgram:
    """Return a program of columns in [`least`, `upper`] and one row, all of size 1."""
    width = len(row)
    return two_by_two(
        places=tuple((f"x{n}", None) for n in range(width)),
        lower=np.full(width, least),
        upper=np.full(width, upper),
        size=np.ones(width),
        costs=np.array(costs),
        rows=(("row", None),),
        row_lower=np.array([low]),
        row_upper=np.array([high]),
        entries=SparseEntries(np.zeros(width, dtype=np.intp), np.arange(width), np.array(row)),
    )


def solved(linear: SolverProgram, method: str = METHODS[0]) -> tuple[str, list[float]]:
    """Return the status and the columns, in the units of `linear`."""
    program = scale_program(linear)
    answer = solve_by_method(program, method)
    return answer.status, program.unscale_columns(answer.x).round(9).tolist() if answer.status == "optimal" else []


@pytest.mark.parametrize("method", METHODS)
def test_statuses(method: str) -> None:
    """Optimal, infeasible and unbounded programs get the right status."""
    assert solved(one_row([[1.0, 2.0]], [1.0, 1.0], 1.0, np.inf), method) == ("optimal", [1.0, 0.0])
    assert solved(one_row([[1.0, 2.0]], [1.0, 1.0], 3.0, np.inf, upper=1.0), method)[0] == "infeasible"
    assert solved(one_row([[-1.0, 2.0]], [1.0, 1.0], 1.0, np.inf), method)[0] in ("unbounded", "infeasible")


@pytest.mark.parametrize("method", METHODS)
def test_a_tie_is_settled_by_the_next_objective(method: str) -> None:
    """Three columns of one cost: the second objective decides between them, and where it does not, the third."""
    cost = [1.0, 1.0, 1.0]
    for second, third, best in (
        ([3.0, 2.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]),
        ([2.0, 2.0, 3.0], [2.0, 1.0, 0.0], [0.0, 1.0, 0.0]),
        ([0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [1.0, 0.0, 0.0]),
    ):
        assert solved(one_row([cost, second, third], [1.0, 1.0, 1.0], 1.0, np.inf), method) == ("optimal", best)


def test_what_the_first_objective_has_decided_stays() -> None:
    """The second objective does not change variables that the first objective determines."""
    assert solved(one_row([[1.0, 2.0], [5.0, 0.0]], [1.0, 1.0], 1.0, np.inf)) == ("optimal", [1.0, 0.0])
    # at 1 the row holds the cost down; the second objective would leave it for more
    assert solved(one_row([[1.0, 1.0], [-1.0, 0.0]], [1.0, 1.0], 1.0, np.inf, upper=5.0)) == ("optimal", [1.0, 0.0])


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Let the runs of HiGHS end as listed, one after the other; the rest as they do."""
    said: list[str] = []
    run = HighsSession.run
    monkeypatch.setattr(HighsSession, "run", lambda *given: (run(*given), said.pop(0) if said else "optimal")[1])
    yield said
    assert said == []


def test_a_tie_is_tried_from_the_beginning_where_the_first_run_loses_its_way(runs: list[str]) -> None:
    """HiGHS finds the plan, loses its way between plans of one cost, and finds it again by the other simplex."""
    runs += ["optimal", "unbounded"]
    assert solved(one_row([[1.0, 1.0], [2.0, 1.0]], [1.0, 1.0], 1.0, np.inf)) == ("optimal", [0.0, 1.0])


def test_a_tie_that_cannot_be_settled_is_no_answer(runs: list[str]) -> None:
    """If the tie-break fails twice, the method has no result."""
    runs += ["optimal", "unbounded", "unanswered"]
    assert solved(one_row([[1.0, 1.0], [2.0, 1.0]], [1.0, 1.0], 1.0, np.inf))[0] == "unanswered"


def test_what_is_nothing_beside_its_row_is_left_out() -> None:
    """A coefficient that HiGHS would drop as negligible is omitted, and the program is solved without it."""
    for small in (1e-11, 1e-13):
        status, x = solved(one_row([[1.0, 2.0]], [1.0, small], 1.0, np.inf))[:2]
        assert status == "optimal" and x == pytest.approx([1.0, 0.0], abs=1e-9)


def test_a_program_that_is_not_taken_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that HiGHS rejects has no result and no session."""
    monkeypatch.setattr(highs, "load_highs", lambda program: None)
    with pytest.raises(
        SolverError,
        match="the solved model could not be solved again: look for values many orders of magnitude apart",
    ):
        highs.load_simplex(
            scale_program(one_row([[1.0, 2.0]], [1.0, 1.0], 1.0, np.inf)), "the solved model could not be solved again"
        )


def test_a_run_that_fails_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an error of HiGHS its status is not used."""
    monkeypatch.setattr(highspy.Highs, "run", lambda solver: highspy.HighsStatus.kError)
    assert solved(one_row([[1.0, 2.0]], [1.0, 1.0], 1.0, np.inf))[0] == "unanswered"


def test_the_version_is_a_version() -> None:
    """Three numbers, as a plan reports them."""
    assert len([int(part) for part in get_highs_version().split(".")]) == 3
