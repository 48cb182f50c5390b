"""Where the simplex method begins on one exact program after the other."""

from functools import cache
from typing import Any

import highspy
import numpy as np
import pytest
from tests.laws import pool

from medalopt.instance.bounds import implied
from medalopt.instance.figures import Bools
from medalopt.instance.instance import Instance
from medalopt.instance.routes import routes
from medalopt.model.network import Network
from medalopt.solver import highs
from medalopt.solver.decomposition.answers import _priced
from medalopt.solver.decomposition.finishing import Open, at_rest, opened, program
from medalopt.solver.decomposition.onward import Stand
from medalopt.solver.decomposition.split import Split
from medalopt.solver.ladder import Task
from medalopt.solver.linear import Linear
from medalopt.solver.scaling import scaled

BASIC, UPPER = highspy.HighsBasisStatus.kBasic, highspy.HighsBasisStatus.kUpper


NUMBERS = (11, 15, 27)  # random instances


@cache
def open_near_optimum(number: int) -> tuple[Split, Open]:
    """Return what is open of a random instance near its optimum: everything."""
    instance: Instance = pool.instance(number)
    found = routes(instance)
    split = Split.of(Task(instance, found, implied(instance, found), "cost"))
    state = _priced(split, 1e-10)
    assert state is not None and not split.master.phase_one
    weights = split.master.weights(state.y)
    return split, opened(split.met, split.met.answer(weights)[0], weights, split.asked.block.size)


@pytest.fixture(scope="module", params=NUMBERS)
def near(request: pytest.FixtureRequest) -> tuple[Split, Open]:
    """What is open of one instance near its optimum."""
    return open_near_optimum(request.param)


def best_routes(split: Split, left: Open, block: Network) -> Bools:
    """Return which routes of `block` are the best of a cell that sends and was in no master program before."""
    stream = split.task.found.stream[block.route]
    sends = (left.answer.sent[stream, block.period] > 0) & ~split.asked.sorts.explicit[stream]
    return np.asarray(sends & (left.answer.by[stream, block.period] == block.route))


def of_open(split: Split, left: Open) -> tuple[Network, Linear]:
    """Return the part of the network that is open, and its program."""
    return program(split.met, split.half, split.task.bounds, left, at_rest(split.met, left))


def of_master(split: Split) -> Stand:
    """Return where the last master program stood."""
    return Stand(split.own, split.master.linear, split.master.basis())


def test_what_no_program_had_before_stands_as_it_answered(near: tuple[Split, Open]) -> None:
    """A cell that sends goes by its best way, all of it; another one keeps its supply."""
    split, left = near
    block, linear = of_open(split, left)
    start: Any = of_master(split).onward(block, linear, split.task.found, left.answer)
    stream = split.task.found.stream[block.route]
    fresh = ~split.asked.sorts.explicit
    best = best_routes(split, left, block)
    basic = np.array([each == BASIC for each in start.col_status[: len(stream)]])
    assert np.array_equal(basic[fresh[stream]], best[fresh[stream]])
    full = np.array([each == UPPER for each in start.row_status[: len(block.supply_stream)]])
    its = fresh[block.supply_stream]
    assert np.array_equal(full[its], (left.answer.sent[block.supply_stream, block.supply_period] > 0)[its])


def test_some_cells_send_by_a_best_route() -> None:
    """The last test is not one of nothing: of the instances at least two have such cells, whichever optimum is met."""
    found = [open_near_optimum(number) for number in NUMBERS]
    assert sum(best_routes(split, left, of_open(split, left)[0]).any() for split, left in found) >= 2


def test_from_where_it_stood_a_program_takes_no_iteration(near: tuple[Split, Open]) -> None:
    """The basis of an optimum, carried to the same program, is optimal there."""
    split, left = near
    block, linear = of_open(split, left)
    ready = scaled(linear)
    first = highs.attempt(ready, "primal simplex")
    again = Stand(block, linear, first.basis).onward(block, linear, split.task.found, left.answer)
    assert again.col_status == first.basis.col_status and again.row_status == first.basis.row_status
    solver = highs.loaded(ready)
    assert solver is not None
    solver.setBasis(again)
    solver.run()
    assert solver.getInfo().simplex_iteration_count == 0


def test_where_there_is_no_basis_all_stands_as_it_answered(near: tuple[Split, Open]) -> None:
    """Without a basis before it a program begins all the same, and comes to the same optimum."""
    split, left = near
    block, linear = of_open(split, left)
    start = Stand(block, linear, highspy.HighsBasis()).onward(block, linear, split.task.found, left.answer)
    found, bare = (highs.attempt(scaled(linear), "primal simplex", each) for each in (start, None))
    value = scaled(linear).costs[0]
    assert found.status == bare.status == "optimal" and value @ found.x == pytest.approx(value @ bare.x, rel=1e-9)


def test_a_further_way_of_a_cell_that_had_a_row_begins_unused(near: tuple[Split, Open]) -> None:
    """A cell that stood in the program before does not go by a way that is new there, even if it answered with it."""
    split, left = near
    block, linear = of_open(split, left)
    start = Stand(block, linear, highspy.HighsBasis()).onward(block, linear, split.task.found, left.answer)
    assert BASIC not in start.col_status and UPPER not in start.row_status
