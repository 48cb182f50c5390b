"""Runs of HiGHS on a scaled program: one method at a time, branch and bound, and tie-breaking by further objectives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import highspy
import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.arrays import Bools, Floats
from medalopt.solver.budget import NO_TIME_LIMIT, TimeBudget
from medalopt.solver.scaling import ScaledProgram

METHODS = (
    "primal simplex",
    "dual simplex",
    "interior point",
)  # the first is two to three times as fast on these programs
DUAL_SIMPLEX, PRIMAL_SIMPLEX = 1, 4  # values of HiGHS's option simplex_strategy
FEASIBILITY_TOLERANCE = 1e-10  # feasibility tolerance of HiGHS for scaled rows and reduced costs, its minimum
SMALL_MATRIX_VALUE = 1e-12  # HiGHS treats scaled entries of at most this magnitude as zero
INTEGER_TOLERANCE = 1e-9  # integrality tolerance of branch and bound
TIE_TOLERANCE = 1e-9  # a reduced cost or dual below this magnitude is zero: alternative optima are possible


@dataclass(frozen=True, eq=False)
class HighsResult:
    """Result of one run in scaled units; `status` is `optimal`, `infeasible`, `unbounded`, `stopped` or `unanswered`.

    A run `stopped` at a limit has `x` where it had found a feasible solution, and its duals `y`.
    """

    status: str
    method: str
    x: Floats = field(default_factory=lambda: np.zeros(0))
    y: Floats = field(default_factory=lambda: np.zeros(0))
    basis: Any = None
    bound: float | None = None  # dual bound of branch and bound, scaled


class _QuietHighs(highspy.Highs):
    """HiGHS without any output, its banner included, and without callbacks.

    Some versions print a banner to standard output as soon as callbacks are enabled, which their constructor does
    before an option can be set. No callback is used here, so the constructor of the base class is called instead.
    """

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()
        self.setOptionValue("output_flag", False)


def get_highs_version() -> str:
    """Return the version of HiGHS.

    Returns:
        Version as text.
    """
    return str(_QuietHighs().version())


def solve_by_method(
    program: ScaledProgram, method: str, start: Any = None, budget: TimeBudget = NO_TIME_LIMIT, most: int | None = None
) -> HighsResult:
    """Solve for the first objective by one method, then for the others on its optimal face.

    Args:
        program: Scaled program.
        method: One of `METHODS`.
        start: Basis to start from.
        budget: Time limit; at its end ties stay unbroken.
        most: Iteration limit of the simplex method.

    Returns:
        The result; its basis is that of the first objective.
    """
    solver = load_highs(program)
    if solver is None:
        return HighsResult("unanswered", method)
    if method == "interior point":
        solver.setOptionValue("solver", "ipm")
        solver.setOptionValue("run_crossover", "on")
    else:
        solver.setOptionValue("solver", "simplex")
        solver.setOptionValue("simplex_strategy", DUAL_SIMPLEX if method == "dual simplex" else PRIMAL_SIMPLEX)
        if budget.seconds < np.inf or most is not None:
            solver.setOptionValue(
                "presolve", "off"
            )  # no solution can be read back where a presolved program is stopped
    if most is not None:
        solver.setOptionValue("simplex_iteration_limit", most)
    if start is not None:
        solver.setBasis(start)
    status = run_highs(solver, budget)
    if solver.getModelStatus() == highspy.HighsModelStatus.kUnknown:
        status = _solve_unperturbed(solver, budget)
    if status == "stopped":
        return _read_incumbent(solver, method)
    if status != "optimal":
        return HighsResult(status, method)
    solution, basis = solver.getSolution(), solver.getBasis()
    y = np.array(solution.row_dual)
    x = _break_ties(solver, program, np.array(solution.col_value), y, budget)
    return HighsResult("unanswered", method) if x is None else HighsResult("optimal", method, x, y, basis)


def _solve_unperturbed(solver: highspy.Highs, budget: TimeBudget) -> str:
    """Solve again by primal simplex without presolve and perturbation; return the status.

    Where a right-hand side is at the limit of feasibility, the feasible set is a single face: perturbed bounds leave it
    and HiGHS does not recover.
    """
    solver.clearSolver()
    for option, value in (
        ("solver", "simplex"),
        ("simplex_strategy", PRIMAL_SIMPLEX),
        ("presolve", "off"),
        ("primal_simplex_bound_perturbation_multiplier", 0.0),
        ("dual_simplex_cost_perturbation_multiplier", 0.0),
    ):
        solver.setOptionValue(option, value)
    return run_highs(solver, budget)


def run_branch_and_bound(program: ScaledProgram, whole: Bools, gap: float, budget: TimeBudget) -> HighsResult:
    """Search for the best integer solution by branch and bound.

    Args:
        program: Scaled program.
        whole (N,): Mask of the integer columns.
        gap: Relative optimality gap at which to stop.
        budget: Time limit.

    Returns:
        The incumbent without duals, and the dual bound.
    """
    method = "branch and bound"
    solver = load_highs(program)
    if solver is None:
        return HighsResult("unanswered", method)
    numbers = np.flatnonzero(whole).astype(np.int32)
    kinds = np.full(len(numbers), highspy.HighsVarType.kInteger)
    solver.changeColsIntegrality(len(numbers), numbers, kinds)
    for option, value in (("mip_rel_gap", gap), ("mip_abs_gap", 0.0), ("mip_feasibility_tolerance", INTEGER_TOLERANCE)):
        solver.setOptionValue(option, value)
    status = run_highs(solver, budget)
    found = _read_incumbent(solver, method)
    if status not in ("optimal", "stopped"):
        return HighsResult(status, method)
    bound = float(solver.getInfo().mip_dual_bound)
    return HighsResult(status, method, found.x, bound=bound if np.isfinite(bound) else None)


def load_highs(program: ScaledProgram) -> highspy.Highs | None:
    """Load a program into HiGHS.

    Entries below HiGHS's threshold are left out: they change a row by less than its tolerance, and every solution is
    verified with them.

    Args:
        program: Scaled program.

    Returns:
        The solver, None where HiGHS does not accept the program.
    """
    program = _drop_small_entries(program)
    width, entries = len(program.lower), len(program.value)
    solver = _QuietHighs()
    for option, value in (
        ("threads", 1),
        ("simplex_scale_strategy", 0),  # the program is scaled already
        ("small_matrix_value", SMALL_MATRIX_VALUE),
        ("primal_feasibility_tolerance", FEASIBILITY_TOLERANCE),
        ("dual_feasibility_tolerance", FEASIBILITY_TOLERANCE),
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
        np.zeros(width, dtype=np.int32),  # continuous columns
    )
    if passed == highspy.HighsStatus.kError or solver.getNumNz() != entries:
        return None
    return solver


def _drop_small_entries(program: ScaledProgram) -> ScaledProgram:
    """Return the program without entries of at most `SMALL_MATRIX_VALUE`."""
    there = np.abs(program.value) > SMALL_MATRIX_VALUE
    if there.all():
        return program
    start = np.concatenate([[0], np.cumsum(there)])[program.start]
    return replace(program, start=start, index=program.index[there], value=program.value[there])


def load_simplex(program: ScaledProgram, refusal: str) -> highspy.Highs:
    """Load a program into HiGHS for repeated runs of the simplex method.

    Args:
        program: Scaled program.
        refusal: Beginning of the error message.

    Returns:
        The solver.

    Raises:
        SolverError: HiGHS does not accept the program in full.
    """
    solver = load_highs(program)
    if solver is None:
        raise SolverError(f"{refusal}: look for figures that lie far apart")
    solver.setOptionValue("solver", "simplex")
    return solver


def run_highs(solver: highspy.Highs, budget: TimeBudget) -> str:
    """Run HiGHS on its current model.

    Args:
        solver: The solver.
        budget: Time limit.

    Returns:
        Status as in `HighsResult`.
    """
    solver.setOptionValue("time_limit", solver.getRunTime() + budget.left())  # the clock of HiGHS accumulates over runs
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
    """Return whether HiGHS found an optimum, counting the empty solution of an empty program.

    Args:
        solver: The solver after a run.

    Returns:
        True for an optimum.
    """
    return solver.getModelStatus() in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty)


def _read_incumbent(solver: highspy.Highs, method: str) -> HighsResult:
    """Return the feasible solution at which a run was stopped, if any."""
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return HighsResult("stopped", method)
    solution = solver.getSolution()
    return HighsResult("stopped", method, np.array(solution.col_value), np.array(solution.row_dual))


def _break_ties(
    solver: highspy.Highs, program: ScaledProgram, x: Floats, y: Floats, budget: TimeBudget
) -> Floats | None:
    """Return the optimum of the first objective that is best by the second, then by the third; None without an answer.

    Columns with a reduced cost and rows with a dual are fixed: this is the optimal face (complementary slackness).
    """
    costs = program.costs
    reduced = costs[0] - program.pulled(y)
    open_columns = (np.abs(reduced) <= TIE_TOLERANCE) & (program.lower < program.upper)
    open_rows = np.abs(y) <= TIE_TOLERANCE
    for weights in costs[1:]:
        if not weights[open_columns].any():
            continue
        best = _optimise_on_face(solver, program, x, weights, open_columns, open_rows, budget)
        if best is None:
            return None if budget.left() else x
        x, reduced, y = best
        open_columns &= np.abs(reduced) <= TIE_TOLERANCE
        open_rows &= np.abs(y) <= TIE_TOLERANCE
    return x


def _optimise_on_face(
    solver: highspy.Highs,
    program: ScaledProgram,
    x: Floats,
    weights: Floats,
    columns: Bools,
    rows: Bools,
    budget: TimeBudget,
) -> tuple[Floats, Floats, Floats] | None:
    """Return columns, reduced costs and duals of the best solution by `weights`, all else fixed."""
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
    solver.setOptionValue("simplex_strategy", PRIMAL_SIMPLEX)
    if run_highs(solver, budget) != "optimal":  # warm start failed: restart with dual simplex
        solver.clearSolver()
        solver.setOptionValue("simplex_strategy", DUAL_SIMPLEX)
        if run_highs(solver, budget) != "optimal":
            return None
    solution = solver.getSolution()
    duals = np.array(solution.row_dual)
    return np.array(solution.col_value), weights - program.pulled(duals), duals
