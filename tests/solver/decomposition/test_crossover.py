"""Starting bases of the simplex method on successive exact programs."""

from functools import cache

import numpy as np
import pytest
from tests.laws import pool

from medalopt.instance.arrays import Bools
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.model.network import Network
from medalopt.solver import highs
from medalopt.solver.decomposition.column_generation import _iterate_and_reprice
from medalopt.solver.decomposition.crossover import (
    CrossoverBasis,
    OpenCells,
    _build_crossover_program,
    _select_open_cells,
    _sum_fixed_quantities,
)
from medalopt.solver.decomposition.master import DecomposedTask
from medalopt.solver.program import BASIC, UPPER, SolverProgram
from medalopt.solver.scaling import scale_program
from medalopt.solver.solve_lp import SolveTask

NUMBERS = range(4)  # of the random instances with a plan


@cache
def open_near_optimum(number: int) -> tuple[DecomposedTask, OpenCells]:
    """Return the open cells of a random instance near its optimum: all of them."""
    instance: Instance = pool.instance(pool.solvable(number))
    found = build_routes(instance)
    split = DecomposedTask.decompose(SolveTask(instance, found, compute_bounds(instance, found), "cost"))
    state = _iterate_and_reprice(split, 1e-10)
    assert state is not None and not split.master.phase_one
    weights = split.master.compute_prices(state.y)
    return split, _select_open_cells(
        split.full_problem, split.full_problem.solve(weights)[0], weights, split.problem.block.size
    )


@pytest.fixture(scope="module", params=NUMBERS)
def near(request: pytest.FixtureRequest) -> tuple[DecomposedTask, OpenCells]:
    """Return the open cells of one instance near its optimum."""
    return open_near_optimum(request.param)


def best_routes(split: DecomposedTask, left: OpenCells, block: Network) -> Bools:
    """Return which routes of `block` are the best of a cell that sends and was in no master program before."""
    stream = split.task.routes.stream[block.route]
    sends = (left.solution.sent[stream, block.period] > 0) & ~split.problem.classes.is_explicit[stream]
    return np.asarray(sends & (left.solution.by[stream, block.period] == block.route))


def of_open(split: DecomposedTask, left: OpenCells) -> tuple[Network, SolverProgram]:
    """Return the part of the network that is open, and its program."""
    return _build_crossover_program(
        split.full_problem, split.linking, split.task.bounds, left, _sum_fixed_quantities(split.full_problem, left)
    )


def of_master(split: DecomposedTask) -> CrossoverBasis:
    """Return where the last master program stood."""
    return CrossoverBasis(split.network, split.master.linear, split.master.read_basis())


def test_what_no_program_had_before_remains_as_it_answered(near: tuple[DecomposedTask, OpenCells]) -> None:
    """A cell new to the program starts with its subproblem solution: all on its best route, or unsent."""
    split, left = near
    block, linear = of_open(split, left)
    start = of_master(split).transfer(block, linear, split.problem.pricing, left.solution)
    stream = split.task.routes.stream[block.route]
    fresh = ~split.problem.classes.is_explicit
    best = best_routes(split, left, block)
    basic = start.columns[: len(stream)] == BASIC
    assert np.array_equal(basic[fresh[stream]], best[fresh[stream]])
    full = start.rows[: len(block.supply_stream)] == UPPER
    its = fresh[block.supply_stream]
    assert np.array_equal(full[its], (left.solution.sent[block.supply_stream, block.supply_period] > 0)[its])


def test_some_cells_send_by_a_best_route() -> None:
    """At least two of the instances have cells that send on a best route, so the previous test is not vacuous."""
    found = [open_near_optimum(number) for number in NUMBERS]
    assert sum(best_routes(split, left, of_open(split, left)[0]).any() for split, left in found) >= 2


def test_from_where_it_stood_a_program_takes_no_iteration(near: tuple[DecomposedTask, OpenCells]) -> None:
    """The basis of an optimum, carried to the same program, is optimal there."""
    split, left = near
    block, linear = of_open(split, left)
    ready = scale_program(linear)
    first = highs.solve_by_method(ready, "primal simplex")
    again = CrossoverBasis(block, linear, first.basis).transfer(block, linear, split.problem.pricing, left.solution)
    assert first.basis is not None
    assert again.columns.tolist() == first.basis.columns.tolist() and again.rows.tolist() == first.basis.rows.tolist()
    session = highs.load_highs(ready)
    assert session is not None
    session.set_basis(again)
    session.run()
    assert session.iterations == 0


def test_where_there_is_no_basis_all_remains_as_it_answered(near: tuple[DecomposedTask, OpenCells]) -> None:
    """Without a previous basis the program starts from the subproblem solution and has the same optimum."""
    split, left = near
    block, linear = of_open(split, left)
    start = CrossoverBasis(block, linear, None).transfer(block, linear, split.problem.pricing, left.solution)
    found, bare = (highs.solve_by_method(scale_program(linear), "primal simplex", each) for each in (start, None))
    value = scale_program(linear).costs[0]
    assert found.status == bare.status == "optimal" and value @ found.x == pytest.approx(value @ bare.x, rel=1e-9)


def test_a_further_way_of_a_cell_that_had_a_row_begins_unused(near: tuple[DecomposedTask, OpenCells]) -> None:
    """A route new to a cell that had a row before starts at 0, even if the subproblem uses it."""
    split, left = near
    block, linear = of_open(split, left)
    start = CrossoverBasis(block, linear, None).transfer(block, linear, split.problem.pricing, left.solution)
    assert BASIC not in start.columns and UPPER not in start.rows
