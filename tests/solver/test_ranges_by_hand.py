"""Shadow prices and ranges of parameters, on programs worked out by hand, with ties and infeasible ends."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.solver.programs import two_by_two

from medalopt.errors import SolverError
from medalopt.model.network import SparseEntries
from medalopt.solver import ranging
from medalopt.solver.local_analysis import LocalAnalysis, MeterRow, RhsColumn, augment_program
from medalopt.solver.program import SolverProgram
from medalopt.solver.ranging import find_cost_range, find_rhs_range
from medalopt.solver.verification import solve_from_scratch
from medalopt.solver.warm_solver import WarmSolver


def three(**changes: object) -> SolverProgram:
    """Return: at least 1 of x + y + z, at most half of y, at costs 1, 1 and 2: x and y tie."""
    made = two_by_two(
        places=(("x", None), ("y", None), ("z", None)),
        lower=np.zeros(3),
        upper=np.array([np.inf, 0.5, np.inf]),
        size=np.ones(3),
        costs=np.array([[1.0, 1.0, 2.0], np.zeros(3)]),
        rows=(("all", None),),
        row_lower=np.array([1.0]),
        row_upper=np.array([np.inf]),
        entries=SparseEntries(np.zeros(3, dtype=np.intp), np.arange(3), np.ones(3)),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def around(linear: SolverProgram, *movers: RhsColumn) -> LocalAnalysis:
    """Return the program solved, with a meter for each column."""
    answer = solve_from_scratch(linear)
    return LocalAnalysis(linear, answer.x, answer.y, [MeterRow.of(row) for row in np.eye(len(linear.lower))], movers)


def test_a_cost_has_the_slopes_of_the_plans_that_tie() -> None:
    """At a tie, a cost parameter has different slopes up and down, each with its range."""
    program = around(three())
    up, high = find_cost_range(program, 0, 1)
    down, low = find_cost_range(program, 0, -1)
    assert (up, down) == (pytest.approx(0.5), pytest.approx(1.0))
    assert high.distance == pytest.approx(1.0)
    assert low.distance == pytest.approx(1.0)
    assert high.direction is not None
    assert high.direction[2] > 0.0


def test_a_cost_without_a_tie_has_one_slope() -> None:
    """Without a tie both slopes are equal; the range ends where another column enters."""
    program = around(three(costs=np.array([[1.0, 1.25, 2.0], np.zeros(3)])))
    for by, distance in ((1, 0.25), (-1, 1.0)):
        slope, end = find_cost_range(program, 0, by)
        assert (slope, end.distance) == (pytest.approx(1.0), pytest.approx(distance))
    slope, end = find_cost_range(program, 2, -1)
    assert (slope, end.distance) == (pytest.approx(0.0), pytest.approx(1.0))
    assert find_cost_range(program, 2, 1)[1].distance == math.inf


def test_where_small_steps_fail_the_end_is_found_from_afar(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cone that cannot be solved is left, and the end is the same."""

    def fails(self: WarmSolver, row: int, value: float) -> None:
        raise SolverError("a small change of the plan could not be solved")

    monkeypatch.setattr(WarmSolver, "solve_fixed_row", fails)
    program = around(three(costs=np.array([[1.0, 1.25, 2.0], np.zeros(3)])))
    slope, end = find_cost_range(program, 0, 1)
    assert (slope, end.distance) == (pytest.approx(1.0), pytest.approx(0.25))


def test_a_side_has_a_price_up_to_where_another_takes_over() -> None:
    """With half of x at most, a unit more costs 2 by z, a unit less saves 2 while z is there, then 1."""
    linear = three(upper=np.array([0.25, 0.5, np.inf]))
    program = around(linear, RhsColumn({0: (1.0, 0.0)}, 1.0))
    more, less = find_rhs_range(program, 0, math.inf, 1.0)
    assert more[0] == pytest.approx(2.0)
    assert more[1].distance == math.inf
    assert less[0] == pytest.approx(-2.0)
    assert less[1].distance == pytest.approx(0.25)
    assert less[1].direction is not None


def test_no_plan_lies_beyond_what_there_is() -> None:
    """The price holds until the supply is exhausted; beyond that the program is infeasible."""
    linear = three(upper=np.array([0.25, 0.5, 1.0]))
    more, _ = find_rhs_range(around(linear, RhsColumn({0: (1.0, 0.0)}, 1.0)), 0, math.inf, 1.0)
    assert more[0] == pytest.approx(2.0)
    assert more[1].distance == pytest.approx(0.75)
    assert more[1].direction is None
    full = three(upper=np.array([0.25, 0.5, 0.25]))
    more, less = find_rhs_range(around(full, RhsColumn({0: (1.0, 0.0)}, 1.0)), 0, math.inf, 1.0)
    assert more[0] is None
    assert more[1].distance == 0.0
    assert less[0] == pytest.approx(-2.0)


@pytest.mark.parametrize(("z", "most", "end", "stops"), [(1.25, 0.5, 0.75, True), (2.0, 0.01, 0.25, False)])
def test_an_end_that_a_hair_does_not_find(
    z: float, most: float, end: float, stops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a small price step is below the solver's tolerance, the end of the range is found by larger steps."""
    monkeypatch.setattr(ranging, "PRICE_TOLERANCE", 0.0)
    linear = three(upper=np.array([0.75, 0.5, most]), costs=np.array([[1.0, 1.25, z], np.zeros(3)]))
    more, _ = find_rhs_range(around(linear, RhsColumn({0: (1.0, 0.0)}, 1.0)), 0, math.inf, 1.0)
    assert more[0] == pytest.approx(1.25)
    assert more[1].distance == pytest.approx(end)
    assert (more[1].direction is None) == stops


def test_what_does_not_bind_costs_nothing_until_it_does() -> None:
    """A row with room is free both ways; it can be drawn in as far as its room goes."""
    linear = three(
        rows=(("all", None), ("some", None)),
        row_lower=np.array([1.0, -np.inf]),
        row_upper=np.array([np.inf, 4.0]),
        entries=SparseEntries(np.array([0, 0, 0, 1]), np.array([0, 1, 2, 0]), np.ones(4)),
    )
    more, less = find_rhs_range(around(linear, RhsColumn({1: (0.0, 1.0)}, 4.0)), 0, math.inf, 4.0)
    assert (more[0], more[1].distance) == (0.0, math.inf)
    assert less[0] == 0.0
    assert less[1].distance == pytest.approx(3.5)


def test_a_price_that_holds_past_a_step_is_followed() -> None:
    """x, then y at the same cost: the first step ends where x does, its price only where y does."""
    linear = three(upper=np.array([1.5, 0.5, np.inf]), costs=np.array([[1.0, 1.0, 2.0], np.zeros(3)]))
    more, _ = find_rhs_range(around(linear, RhsColumn({0: (1.0, 0.0)}, 1.0)), 0, math.inf, 1.0)
    assert more[0] == pytest.approx(1.0)
    assert more[1].distance == pytest.approx(1.0)


def test_a_row_of_two_ends_becomes_two() -> None:
    """If one bound moves alone, the other becomes a row of its own with its part of the dual value."""
    linear = three(row_upper=np.array([3.0]))
    whole, y, upper_rows = augment_program(
        linear, np.array([1.0]), [], [RhsColumn({0: (1.0, 0.0)}, 1.0), RhsColumn({0: (0.0, 1.0)}, 3.0)]
    )
    assert whole.row_lower.tolist() == [1.0, -np.inf]
    assert whole.row_upper.tolist() == [np.inf, 3.0]
    assert y.tolist() == [1.0, 0.0]
    assert upper_rows == {0: 1}
    assert whole.entries.value[-2:].tolist() == [-1.0, -1.0]
