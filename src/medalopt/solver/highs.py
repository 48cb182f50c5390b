"""The only code that names HiGHS: one method at a time, its answer checked by own arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import highspy
import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.figures import Bools, Floats
from medalopt.solver.budget import ENDLESS, Budget
from medalopt.solver.scaling import Scaled

METHODS = ("primal simplex", "dual simplex", "interior point")  # the first is two to three times as quick here
DUAL, PRIMAL = 1, 4  # strategies of the simplex method, as HiGHS numbers them
TOLERANCE = 1e-10  # of the scaled rows and reduced costs, asked of HiGHS: the least it takes
DUST = 1e-12  # an entry of the scaled program at or below this HiGHS takes for none
WHOLE = 1e-9  # within which a number counts as whole while plans in whole lots are sought
ZERO = 1e-9  # a reduced cost or dual below this leaves a choice open between plans of one cost


@dataclass(frozen=True, eq=False)
class Answer:
    """What one run gave, in scaled units: `status` is `optimal`, `infeasible`, `unbounded`, `stopped` or `unanswered`.

    What was `stopped` at a limit has `x` where it had come to a plan, whose duals `y` prove what they can.
    """

    status: str
    method: str
    x: Floats = field(default_factory=lambda: np.zeros(0))
    y: Floats = field(default_factory=lambda: np.zeros(0))
    basis: Any = None
    bound: float | None = None  # of a search by branch and bound: what its own bound of the objective came to


class QuietHighs(highspy.Highs):
    """HiGHS that prints nothing, its banner included, and calls nothing back.

    Some versions print a banner to standard output as soon as callbacks are enabled, which their constructor does
    before an option can be set. No callback is used here, so the constructor of the class below it is called instead.
    """

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()
        self.setOptionValue("output_flag", False)


def version() -> str:
    """Return the version of HiGHS."""
    return str(QuietHighs().version())


def attempt(
    program: Scaled, method: str, start: Any = None, budget: Budget = ENDLESS, most: int | None = None
) -> Answer:
    """Solve for the first objective by `method`, from the basis `start`; then, on the face of its optima, the others.

    The answer's basis is that of the first objective. Where `budget` ends in between, the ties stay as they are.
    `most` is after how many pivots the simplex method is `stopped`.
    """
    solver = loaded(program)
    if solver is None:
        return Answer("unanswered", method)
    if method == "interior point":
        solver.setOptionValue("solver", "ipm")
        solver.setOptionValue("run_crossover", "on")
    else:
        solver.setOptionValue("solver", "simplex")
        solver.setOptionValue("simplex_strategy", DUAL if method == "dual simplex" else PRIMAL)
        if budget.seconds < np.inf or most is not None:
            solver.setOptionValue("presolve", "off")  # where a reduced program is stopped nothing can be read back
    if most is not None:
        solver.setOptionValue("simplex_iteration_limit", most)
    if start is not None:
        solver.setBasis(start)
    status = run(solver, budget)
    if solver.getModelStatus() == highspy.HighsModelStatus.kUnknown:
        status = _unperturbed(solver, budget)
    if status == "stopped":
        return _so_far(solver, method)
    if status != "optimal":
        return Answer(status, method)
    solution, basis = solver.getSolution(), solver.getBasis()
    y = np.array(solution.row_dual)
    x = _settle_ties(solver, program, np.array(solution.col_value), y, budget)
    return Answer("unanswered", method) if x is None else Answer("optimal", method, x, y, basis)


def _unperturbed(solver: highspy.Highs, budget: Budget) -> str:
    """Solve anew by the primal simplex method without presolve and perturbations; return the status.

    Where a right-hand side is the least or the most there can be, the plans are a single face: bounds perturbed by a
    little leave it, and HiGHS does not find back.
    """
    solver.clearSolver()
    for option, value in (
        ("solver", "simplex"),
        ("simplex_strategy", PRIMAL),
        ("presolve", "off"),
        ("primal_simplex_bound_perturbation_multiplier", 0.0),
        ("dual_simplex_cost_perturbation_multiplier", 0.0),
    ):
        solver.setOptionValue(option, value)
    return run(solver, budget)


def branched(program: Scaled, whole: Bools, gap: float, budget: Budget) -> Answer:
    """Search by branch and bound for the best plan in which the columns `whole`, (N,), are whole numbers."""
    method = "branch and bound"
    solver = loaded(program)
    if solver is None:
        return Answer("unanswered", method)
    numbers = np.flatnonzero(whole).astype(np.int32)
    kinds = np.full(len(numbers), highspy.HighsVarType.kInteger)
    solver.changeColsIntegrality(len(numbers), numbers, kinds)
    for option, value in (("mip_rel_gap", gap), ("mip_abs_gap", 0.0), ("mip_feasibility_tolerance", WHOLE)):
        solver.setOptionValue(option, value)
    status = run(solver, budget)
    found = _so_far(solver, method)
    if status not in ("optimal", "stopped"):
        return Answer(status, method)
    bound = float(solver.getInfo().mip_dual_bound)
    return Answer(status, method, found.x, bound=bound if np.isfinite(bound) else None)


def loaded(program: Scaled) -> highspy.Highs | None:
    """Return HiGHS with `program`, or None where it does not take it.

    Entries that it would count as nothing are left out: they move a row by less than its tolerance, and every plan and
    price that comes of it is judged with them.
    """
    program = _without_dust(program)
    width, entries = len(program.lower), len(program.value)
    solver = QuietHighs()
    for option, value in (
        ("threads", 1),
        ("simplex_scale_strategy", 0),  # the program comes scaled
        ("small_matrix_value", DUST),
        ("primal_feasibility_tolerance", TOLERANCE),
        ("dual_feasibility_tolerance", TOLERANCE),
    ):
        solver.setOptionValue(option, value)
    passed = solver.passModel(
        width,
        len(program.row_lower),
        entries,
        int(highspy.MatrixFormat.kColwise),
        int(highspy.ObjSense.kMinimize),
        0.0,
        program.costs[0],
        program.lower,
        program.upper,
        program.row_lower,
        program.row_upper,
        program.start.astype(np.int32),
        program.index.astype(np.int32),
        program.value,
        np.zeros(width, dtype=np.int32),  # no column is whole
    )
    if passed == highspy.HighsStatus.kError or solver.getNumNz() != entries:
        return None
    return solver


def _without_dust(program: Scaled) -> Scaled:
    """Return `program` without the entries that are nothing beside the largest of their rows."""
    there = np.abs(program.value) > DUST
    if there.all():
        return program
    start = np.concatenate([[0], np.cumsum(there)])[program.start]
    return replace(program, start=start, index=program.index[there], value=program.value[there])


def kept(program: Scaled, refusal: str) -> highspy.Highs:
    """Return HiGHS with `program`, for many questions by the simplex method.

    Raises SolverError, which begins with `refusal`, where it would take only part of it.
    """
    solver = loaded(program)
    if solver is None:
        raise SolverError(f"{refusal}: look for figures that lie far apart")
    solver.setOptionValue("solver", "simplex")
    return solver


def run(solver: highspy.Highs, budget: Budget) -> str:
    """Let HiGHS work on what it has; return the status, as `Answer` has it."""
    solver.setOptionValue("time_limit", solver.getRunTime() + budget.left())  # its clock goes on from run to run
    if solver.run() == highspy.HighsStatus.kError:
        return "unanswered"
    if is_optimal(solver):
        return "optimal"
    return {
        highspy.HighsModelStatus.kInfeasible: "infeasible",
        highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible",
        highspy.HighsModelStatus.kUnbounded: "unbounded",
        highspy.HighsModelStatus.kTimeLimit: "stopped",
        highspy.HighsModelStatus.kIterationLimit: "stopped",
    }.get(solver.getModelStatus(), "unanswered")


def is_optimal(solver: highspy.Highs) -> bool:
    """Whether HiGHS has come to an optimum; of a program with neither columns nor rows the empty plan is one."""
    return solver.getModelStatus() in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty)


def _so_far(solver: highspy.Highs, method: str) -> Answer:
    """Return the plan at which a run was stopped; without one where it had not come to any."""
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return Answer("stopped", method)
    solution = solver.getSolution()
    return Answer("stopped", method, np.array(solution.col_value), np.array(solution.row_dual))


def _settle_ties(solver: highspy.Highs, program: Scaled, x: Floats, y: Floats, budget: Budget) -> Floats | None:
    """Among the optima of the first objective return one that is best by the second, then by the third.

    A column with a reduced cost, or a row with a dual, stays where it is: that is the face of all optima.
    """
    costs = program.costs
    reduced = costs[0] - program.pulled(y)
    open_columns = (np.abs(reduced) <= ZERO) & (program.lower < program.upper)
    open_rows = np.abs(y) <= ZERO
    for weights in costs[1:]:
        if not weights[open_columns].any():
            continue
        best = _best_on_face(solver, program, x, weights, open_columns, open_rows, budget)
        if best is None:
            return None if budget.left() else x
        x, reduced, y = best
        open_columns &= np.abs(reduced) <= ZERO
        open_rows &= np.abs(y) <= ZERO
    return x


def _best_on_face(
    solver: highspy.Highs, program: Scaled, x: Floats, weights: Floats, columns: Bools, rows: Bools, budget: Budget
) -> tuple[Floats, Floats, Floats] | None:
    numbers = np.arange(len(x), dtype=np.int32)
    held = np.clip(x, program.lower, program.upper)
    lower, upper = np.where(columns, program.lower, held), np.where(columns, program.upper, held)
    solver.changeColsBounds(len(x), numbers, lower, upper)
    activity = program.activity(x)
    near_lower = np.abs(activity - program.row_lower) <= np.abs(activity - program.row_upper)
    end = np.where(near_lower, program.row_lower, program.row_upper)
    for row in np.nonzero(~rows & (program.row_lower < program.row_upper))[0].tolist():
        solver.changeRowBounds(row, end[row], end[row])
    solver.changeColsCost(len(x), numbers, weights)
    solver.setOptionValue("solver", "simplex")
    solver.setOptionValue("simplex_strategy", PRIMAL)
    if run(solver, budget) != "optimal":  # from where the last run ended; now from the beginning, by the other simplex
        solver.clearSolver()
        solver.setOptionValue("simplex_strategy", DUAL)
        if run(solver, budget) != "optimal":
            return None
    solution = solver.getSolution()
    duals = np.array(solution.row_dual)
    return np.array(solution.col_value), weights - program.pulled(duals), duals
