"""Mixed-integer programs: whole lots and truckloads.

Branch and bound finds the integer columns; with these fixed, the linear program is solved and verified.

For truckloads, sums of shipments must be whole numbers of loads; the search starts next to the continuous plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.model.lots import INTEGER_VARIABLES
from medalopt.model.network import SparseEntries
from medalopt.solver.budget import TimeBudget
from medalopt.solver.highs import METHODS, run_branch_and_bound, solve_by_method
from medalopt.solver.parametric_solver import solve_from_scratch
from medalopt.solver.program import SolverProgram
from medalopt.solver.scaling import scale_program
from medalopt.solver.solution import Solution
from medalopt.solver.solve_lp import SolveTask, build_program, build_solution
from medalopt.solver.verification import VerifiedResult


def solve_lot_mip(task: SolveTask, gap: float) -> Iterator[Solution]:
    """Yield solutions by one method after the other, with the integer columns fixed as branch and bound found them.

    Args:
        task: Instance with lots.
        gap: Relative optimality gap at which branch and bound stops.

    Yields:
        Unverified solutions; `stopped` where the time limit ended the search.
    """
    block, linear = build_program(task)
    whole = find_integer_columns(linear)
    ready = scale_program(replace(linear, size=np.where(whole, 1.0, linear.size)))  # integer columns stay unscaled
    found = run_branch_and_bound(ready, whole, gap, task.budget)
    if not len(found.x):
        yield Solution(found.status, found.method)
        return
    numbers = np.rint(found.x)
    bound = None if found.bound is None else float(np.ldexp(found.bound, -int(ready.cost[0])))
    lower, upper = (np.where(whole, numbers, side) for side in (ready.lower, ready.upper))
    for method in METHODS:
        answer = solve_by_method(replace(ready, lower=lower, upper=upper), method)
        if len(answer.x):
            plan = build_solution(task, block, linear, ready, answer)
            method = f"{found.method}, then {method}"
            yield replace(plan, status=found.status, method=method, search_bound=bound)


def find_integer_columns(linear: SolverProgram) -> Bools:
    """Return which columns must be integer.

    Args:
        linear: Program.

    Returns:
        Mask (N,).
    """
    named = [name in INTEGER_VARIABLES for name, _ in linear.places]
    return np.concatenate([np.zeros(linear.network, dtype=bool), np.array(named, dtype=bool)])


INTEGRALITY_TOLERANCE = 1e-9  # share of a load within which a number of loads is integer
WIDE_SEARCH_GAP = (
    1e-3  # relative gap of the search over all numbers of loads, where those next to the plan are infeasible
)
_LOADS, _REST = "loads", "rest"


@dataclass(frozen=True, eq=False)
class TruckloadGroup:
    """Group of network columns whose sum must be a whole number of loads of `size` tonnes, or all of `most`.

    `known` is the sum in the continuous plan. With `waits`, a part load stays behind instead of going as the last load.
    """

    columns: Ints
    size: float
    most: float
    known: float
    waits: bool = False

    @property
    def full(self) -> int:
        """Greatest number of full loads."""
        return int(np.floor(self.most / self.size + INTEGRALITY_TOLERANCE))

    @property
    def rest(self) -> float:
        """Tonnes of the last part load, 0 if it may not go."""
        rest = self.most - self.full * self.size
        return 0.0 if self.waits or rest <= INTEGRALITY_TOLERANCE * self.size else rest

    def amount(self, loads: float, rest: float) -> float:
        """Return the tonnes of a number of loads.

        Args:
            loads: Number of full loads.
            rest: 1 with the part load, else 0.

        Returns:
            Tonnes.
        """
        return self.most if rest and round(loads) == self.full else round(loads) * self.size

    def ends(self, wide: bool) -> tuple[int, int, int, int]:
        """Return the bounds of the number of loads and of the part load.

        Args:
            wide: Whether all numbers are allowed, not only those next to the plan.

        Returns:
            Fewest and most full loads, least and most part loads.
        """
        if wide:
            return 0, self.full, 0, int(self.rest > 0)
        if self.rest and self.known > self.full * self.size + INTEGRALITY_TOLERANCE * self.size:
            return self.full, self.full, int(self.known >= self.most - INTEGRALITY_TOLERANCE * self.size), 1
        loads = self.known / self.size
        low = int(np.floor(loads + INTEGRALITY_TOLERANCE))
        return min(low, self.full), min(int(np.ceil(loads - INTEGRALITY_TOLERANCE)), self.full), 0, 0


def solve_truckload_mip(
    linear: SolverProgram, loads: Sequence[TruckloadGroup], budget: TimeBudget
) -> tuple[Floats, VerifiedResult] | None:
    """Find the best whole numbers of loads, then solve the linear program with these.

    Args:
        linear: Program in own units.
        loads: Groups of columns.
        budget: Time limit of branch and bound.

    Returns:
        Tonnes of each group, and the verified optimum; None where none is found.
    """
    if not loads:
        return np.zeros(0), solve_from_scratch(linear)
    for wide in (False, True):
        posed, whole = _add_load_columns(linear, loads, wide)
        ready = scale_program(replace(posed, size=np.where(whole, 1.0, posed.size)))
        found = run_branch_and_bound(ready, whole, WIDE_SEARCH_GAP if wide else 0.0, budget)
        if len(found.x):
            numbers = np.rint(found.x)
            lower, upper = (np.where(whole, numbers, side) for side in (posed.lower, posed.upper))
            outcome = solve_from_scratch(replace(posed, lower=lower, upper=upper))
            own = numbers[len(linear.lower) :].reshape(2, len(loads)).T.tolist()
            amounts = np.array([load.amount(*counted) for load, counted in zip(loads, own, strict=True)])
            if outcome.feasible:
                return amounts, outcome
    return None


def _add_load_columns(
    linear: SolverProgram, loads: Sequence[TruckloadGroup], wide: bool
) -> tuple[SolverProgram, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return the program with integer columns for the loads and the part load of each group, and the mask of these."""
    count, width, height = len(loads), len(linear.lower), len(linear.rows)
    ends = np.array([load.ends(wide) for load in loads], dtype=float).reshape(count, 4)
    number = np.arange(count)
    first_rest = width + count
    sums = [np.full(len(load.columns), height + n) for n, load in enumerate(loads)]
    entries = linear.entries
    row = [*sums, height + number, height + number, height + count + number, height + count + number]
    column = [
        *(load.columns for load in loads),
        width + number,
        first_rest + number,
        width + number,
        first_rest + number,
    ]
    size, rest, full = (np.array([getattr(load, name) for load in loads]) for name in ("size", "rest", "full"))
    size = np.where(full > 0, size, 0.0)  # no load larger than the available tonnes
    value = [*(np.ones(len(load.columns)) for load in loads), -size, -rest, np.ones(count), -full.astype(float)]
    kept = np.concatenate(value) != 0
    posed = replace(
        linear,
        places=(*linear.places, *((_LOADS, n) for n in range(count)), *((_REST, n) for n in range(count))),
        lower=np.concatenate([linear.lower, ends[:, 0], ends[:, 2]]),
        upper=np.concatenate([linear.upper, ends[:, 1], ends[:, 3]]),
        size=np.concatenate([linear.size, np.ones(2 * count)]),
        costs=np.concatenate([linear.costs, np.zeros((len(linear.costs), 2 * count))], axis=1),
        rows=(
            *linear.rows,
            *((f"{_LOADS}_sum", n) for n in range(count)),
            *((f"{_REST}_last", n) for n in range(count)),
        ),
        row_lower=np.concatenate([linear.row_lower, np.zeros(2 * count)]),
        row_upper=np.concatenate([linear.row_upper, np.zeros(count), np.full(count, np.inf)]),
        entries=SparseEntries(
            np.concatenate([entries.row, np.concatenate(row)[kept]]).astype(np.intp),
            np.concatenate([entries.column, np.concatenate(column)[kept]]).astype(np.intp),
            np.concatenate([entries.value, np.concatenate(value)[kept]]),
        ),
    )
    return posed, np.concatenate([find_integer_columns(linear), np.ones(2 * count, dtype=bool)])
