"""Mixed-integer programs: whole lots and truckloads.

Branch and bound finds the integer columns; with these fixed, the linear program is solved and verified.

For truckloads, sums of shipments must be whole numbers of loads; the search starts next to the continuous plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.solver.budget import TimeBudget
from medalopt.solver.highs import METHODS, run_branch_and_bound, solve_by_method
from medalopt.solver.parametric_solver import solve_from_scratch
from medalopt.solver.program import ProgramBuilder, SolverProgram, find_integer_columns
from medalopt.solver.scaling import scale_program
from medalopt.solver.solution import Solution
from medalopt.solver.solve_lp import SolveTask, build_program, build_solution
from medalopt.solver.verification import VerifiedResult
from medalopt.tolerances import INTEGRALITY_TOLERANCE


def solve_lot_mip(task: SolveTask, gap: float) -> Iterator[Solution]:
    """Yield solutions by one method after the other, with the integer columns fixed as branch and bound found them.

    Args:
        task: Instance with lots.
        gap: Relative optimality gap at which branch and bound stops.

    Yields:
        Unverified solutions; `stopped` where the time limit ended the search.
    """
    network, program = build_program(task)
    whole = find_integer_columns(program)
    ready = scale_program(replace(program, size=np.where(whole, 1.0, program.size)))  # integer columns stay unscaled
    found = run_branch_and_bound(ready, whole, gap, task.budget)
    if not len(found.x):
        yield Solution(found.status, found.method)
        return
    numbers = np.rint(found.x)
    bound = None if found.bound is None else float(np.ldexp(found.bound, -int(ready.cost[0])))
    lower, upper = (np.where(whole, numbers, side) for side in (ready.lower, ready.upper))
    for method in METHODS:
        result = solve_by_method(replace(ready, lower=lower, upper=upper), method)
        if len(result.x):
            plan = build_solution(task, network, program, ready, result)
            method = f"{found.method}, then {method}"
            yield replace(plan, status=found.status, method=method, search_bound=bound)


WIDE_SEARCH_GAP = (
    1e-3  # relative gap of the search over all numbers of loads, where those next to the plan are infeasible
)
_LOADS, _REST = "loads", "rest"


@dataclass(frozen=True, eq=False)
class TruckloadGroup:
    """Group of network columns whose sum must be a whole number of loads of `size` tonnes, or all of `maximum`.

    `known` is the sum in the continuous plan. With `waits`, a part load stays behind instead of going as the last load.
    """

    columns: Ints
    size: float
    maximum: float
    known: float
    waits: bool = False

    @property
    def full(self) -> int:
        """Greatest number of full loads.

        Returns:
            Count.
        """
        return int(np.floor(self.maximum / self.size + INTEGRALITY_TOLERANCE))

    @property
    def rest(self) -> float:
        """Size of the last part load.

        Returns:
            t; 0 if it may not go.
        """
        rest = self.maximum - self.full * self.size
        return 0.0 if self.waits or rest <= INTEGRALITY_TOLERANCE * self.size else rest

    def compute_tonnes(self, loads: float, rest: float) -> float:
        """Return the tonnes of a number of loads.

        Args:
            loads: Number of full loads.
            rest: 1 with the part load, else 0.

        Returns:
            Tonnes.
        """
        return self.maximum if rest and round(loads) == self.full else round(loads) * self.size

    def compute_bounds(self, wide: bool) -> tuple[int, int, int, int]:
        """Return the bounds of the number of loads and of the part load.

        Args:
            wide: Whether all numbers are allowed, not only those next to the plan.

        Returns:
            Fewest and most full loads, least and most part loads.
        """
        if wide:
            return 0, self.full, 0, int(self.rest > 0)
        if self.rest and self.known > self.full * self.size + INTEGRALITY_TOLERANCE * self.size:
            return self.full, self.full, int(self.known >= self.maximum - INTEGRALITY_TOLERANCE * self.size), 1
        loads = self.known / self.size
        low = int(np.floor(loads + INTEGRALITY_TOLERANCE))
        return min(low, self.full), min(int(np.ceil(loads - INTEGRALITY_TOLERANCE)), self.full), 0, 0


def solve_truckload_mip(
    program: SolverProgram, loads: Sequence[TruckloadGroup], budget: TimeBudget
) -> tuple[Floats, VerifiedResult] | None:
    """Find the best whole numbers of loads, then solve the linear program with these.

    Args:
        program: Program in own units.
        loads: Groups of columns.
        budget: Time limit of branch and bound.

    Returns:
        Tonnes of each group, and the verified optimum; None where none is found.
    """
    if not loads:
        return np.zeros(0), solve_from_scratch(program)
    for wide in (False, True):
        posed, whole = _add_load_columns(program, loads, wide)
        ready = scale_program(replace(posed, size=np.where(whole, 1.0, posed.size)))
        result = run_branch_and_bound(ready, whole, WIDE_SEARCH_GAP if wide else 0.0, budget)
        if len(result.x):
            numbers = np.rint(result.x)
            lower, upper = (np.where(whole, numbers, side) for side in (posed.lower, posed.upper))
            outcome = solve_from_scratch(replace(posed, lower=lower, upper=upper))
            own = numbers[len(program.lower) :].reshape(2, len(loads)).T.tolist()
            amounts = np.array([load.compute_tonnes(*counted) for load, counted in zip(loads, own, strict=True)])
            if outcome.feasible:
                return amounts, outcome
    return None


def _add_load_columns(
    program: SolverProgram, loads: Sequence[TruckloadGroup], wide: bool
) -> tuple[SolverProgram, Bools]:
    """Return the program with integer columns for the loads and the part load of each group, and the mask of these."""
    count, number = len(loads), range(len(loads))
    bounds = np.array([load.compute_bounds(wide) for load in loads], dtype=float).reshape(count, 4)
    size, rest, full = (
        np.array([getattr(load, name) for load in loads], dtype=float) for name in ("size", "rest", "full")
    )
    size = np.where(full > 0, size, 0.0)  # no load larger than the available tonnes
    built = ProgramBuilder.extend(program)
    whole = built.add_columns([(_LOADS, n) for n in number], bounds[:, 0], bounds[:, 1])
    last = built.add_columns([(_REST, n) for n in number], bounds[:, 2], bounds[:, 3])
    sums = built.add_rows([(f"{_LOADS}_sum", n) for n in number], 0.0, 0.0)
    after = built.add_rows([(f"{_REST}_last", n) for n in number], 0.0)
    for row, load in zip(sums.tolist(), loads, strict=True):
        built.add_entries(row, load.columns)
    for row, column, value in (
        (sums, whole, -size),
        (sums, last, -rest),
        (after, whole, np.ones(count)),
        (after, last, -full),
    ):
        built.add_entries(row[value != 0], column[value != 0], value[value != 0])
    return built.build(), np.concatenate([find_integer_columns(program), np.ones(2 * count, dtype=bool)])
