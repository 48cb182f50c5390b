"""HiGHS: a session that holds one program, and runs of one method at a time on a scaled program, within a time limit.

Ties are broken by the further objectives. No other module names HiGHS.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from medalopt.errors import SolverError
from medalopt.instance.arrays import Bools, Floats
from medalopt.solver.program import Basis
from medalopt.solver.scaling import ScaledProgram
from medalopt.tolerances import DUAL_TOLERANCE, INTEGRALITY_TOLERANCE, SMALL_MATRIX_VALUE, SOLVER_FEASIBILITY_TOLERANCE

# primal simplex is two to three times as fast on these programs
METHODS = ("primal simplex", "dual simplex", "interior point")
DUAL_SIMPLEX, PRIMAL_SIMPLEX = 1, 4  # values of HiGHS's option simplex_strategy


Indices = NDArray[np.integer[Any]]
BoundPairs = Mapping[int, tuple[float, float]]  # lower and upper bound by number of the row or column


@dataclass(frozen=True)
class TimeBudget:
    """Time limit of `seconds`, counted from its creation."""

    seconds: float = math.inf
    _start: float = field(default_factory=time.monotonic)

    def seconds_left(self) -> float:
        """Return the time left.

        Returns:
            Seconds, at least 0.
        """
        return max(0.0, self._start + self.seconds - time.monotonic())


NO_TIME_LIMIT = TimeBudget()


@dataclass(frozen=True, eq=False)
class HighsResult:
    """Result of one run in scaled units; `status` is `optimal`, `infeasible`, `unbounded`, `stopped` or `unanswered`.

    A run `stopped` at a limit has `x` where it had found a feasible solution, and its duals `y`.
    """

    status: str
    method: str
    x: Floats = field(default_factory=lambda: np.zeros(0))
    y: Floats = field(default_factory=lambda: np.zeros(0))
    basis: Basis | None = None
    bound: float | None = None  # dual bound of branch and bound, scaled


class _QuietHighs(highspy.Highs):
    """HiGHS without any output, its banner included, and without callbacks.

    Some versions print a banner to standard output as soon as callbacks are enabled, which their constructor does
    before an option can be set. No callback is used here, so the constructor of the base class is called instead.
    """

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()
        self.setOptionValue("output_flag", False)


_STATUSES = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kModelEmpty: "optimal",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible or unbounded",
    highspy.HighsModelStatus.kUnbounded: "unbounded",
    highspy.HighsModelStatus.kTimeLimit: "stopped",
    highspy.HighsModelStatus.kIterationLimit: "stopped",
}
_BASIS_STATUSES = tuple(sorted(highspy.HighsBasisStatus.__members__.values(), key=int))
_IIS_STRATEGY = 4  # value of HiGHS's option iis_strategy
_IIS_LOWER = (highspy.IisBoundStatus.kIisBoundStatusLower, highspy.IisBoundStatus.kIisBoundStatusBoxed)
_IIS_UPPER = (highspy.IisBoundStatus.kIisBoundStatusUpper, highspy.IisBoundStatus.kIisBoundStatusBoxed)


class HighsSession:
    """One program in HiGHS, which is changed, started from a basis, run and read.

    Args:
        program: Scaled program; entries that HiGHS would drop are left out already.
    """

    def __init__(self, program: ScaledProgram) -> None:
        self._solver = _QuietHighs()
        self.set_options(
            threads=1,
            simplex_scale_strategy=0,  # the program is scaled already
            small_matrix_value=SMALL_MATRIX_VALUE,
            primal_feasibility_tolerance=SOLVER_FEASIBILITY_TOLERANCE,
            dual_feasibility_tolerance=SOLVER_FEASIBILITY_TOLERANCE,
        )
        width = len(program.lower)
        passed = self._solver.passModel(
            width,
            len(program.row_lower),
            len(program.value),
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
        self.accepted = passed != highspy.HighsStatus.kError and self._solver.getNumNz() == len(program.value)

    def set_options(self, **options: bool | int | float | str) -> None:
        """Set options of HiGHS.

        Args:
            **options: Value of each option.
        """
        for option, value in options.items():
            self._solver.setOptionValue(option, value)

    def use_simplex(self, strategy: int) -> None:
        """Choose the simplex method for the next runs.

        Args:
            strategy: `PRIMAL_SIMPLEX` or `DUAL_SIMPLEX`.
        """
        self.set_options(solver="simplex", simplex_strategy=strategy)

    def run(self, budget: TimeBudget = NO_TIME_LIMIT) -> str:
        """Solve the current program from the current basis.

        Returns:
            `optimal` (also of an empty program), `infeasible`, `infeasible or unbounded`, `unbounded`, `stopped` at a
            limit, or `unanswered`.
        """
        left = self._solver.getRunTime() + budget.seconds_left()  # the clock of HiGHS accumulates over runs
        self.set_options(time_limit=left)
        if self._solver.run() == highspy.HighsStatus.kError:
            return "unanswered"
        return _STATUSES.get(self._solver.getModelStatus(), "unanswered")

    def clear_state(self) -> None:
        """Forget basis and solution, so that the next run starts from scratch."""
        self._solver.clearSolver()

    def read_solution(self) -> tuple[Floats, Floats]:
        """Read the solution of the last run.

        Returns:
            Columns (N,) and duals (M,).
        """
        solution = self._solver.getSolution()
        return np.array(solution.col_value), np.array(solution.row_dual)

    def _read_incumbent(self) -> tuple[Floats, Floats] | None:
        """Read the solution of a run that was stopped."""
        if self._solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        return self.read_solution()

    @property
    def _ended_unknown(self) -> bool:
        """Return whether HiGHS ended the last run without a conclusion."""
        return bool(self._solver.getModelStatus() == highspy.HighsModelStatus.kUnknown)

    @property
    def iterations(self) -> int:
        """Number of simplex iterations of the last run."""
        return int(self._solver.getInfo().simplex_iteration_count)

    @property
    def _dual_bound(self) -> float | None:
        """Dual bound of branch and bound."""
        bound = float(self._solver.getInfo().mip_dual_bound)
        return bound if np.isfinite(bound) else None

    @property
    def basis(self) -> Basis | None:
        """Current basis; None without one."""
        native = self._solver.getBasis()
        return Basis.wrap(native) if native.valid else None

    def set_basis(self, basis: Basis) -> None:
        """Set the basis from which the next run starts.

        Args:
            basis: Basis of the columns and rows of the current program.
        """
        if basis.native is None:
            native = highspy.HighsBasis()
            native.col_status = [_BASIS_STATUSES[status] for status in basis.columns.tolist()]
            native.row_status = [_BASIS_STATUSES[status] for status in basis.rows.tolist()]
            native.valid = native.alien = True  # HiGHS completes it, however many are basic
            basis.native = native
        self._solver.setBasis(basis.native)

    def change_columns(self, columns: Indices, lower: Floats, upper: Floats) -> None:
        """Change bounds of columns.

        Args:
            columns (n,): Column numbers.
            lower (n,): Lower bounds.
            upper (n,): Upper bounds.
        """
        if len(columns):
            self._solver.changeColsBounds(len(columns), _as_int32(columns), lower, upper)

    def change_rows(self, rows: Indices, lower: Floats, upper: Floats) -> None:
        """Change bounds of rows.

        Args:
            rows (n,): Row numbers.
            lower (n,): Lower bounds.
            upper (n,): Upper bounds.
        """
        if len(rows):
            self._solver.changeRowsBounds(len(rows), _as_int32(rows), lower, upper)  # type: ignore[attr-defined]

    def change_bounds(self, rows: BoundPairs, columns: BoundPairs) -> None:
        """Change bounds of single rows and columns.

        Args:
            rows: Lower and upper bound by row number.
            columns: Lower and upper bound by column number.
        """
        for change, pairs in ((self._solver.changeRowBounds, rows), (self._solver.changeColBounds, columns)):
            for number, (lower, upper) in pairs.items():
                change(number, lower, upper)

    def change_costs(self, columns: Indices, costs: Floats) -> None:
        """Change costs.

        Args:
            columns (n,): Column numbers.
            costs (n,): Costs.
        """
        if len(columns):
            self._solver.changeColsCost(len(columns), _as_int32(columns), costs)

    def change_coefficients(self, rows: Indices, columns: Indices, values: Floats) -> None:
        """Change entries of the matrix.

        Args:
            rows (n,): Row numbers.
            columns (n,): Column numbers.
            values (n,): Coefficients, not 0.
        """
        for row, column, value in zip(rows.tolist(), columns.tolist(), values.tolist(), strict=True):
            self._solver.changeCoeff(row, column, value)

    def add_columns(
        self, costs: Floats, lower: Floats, upper: Floats, start: Indices, index: Indices, value: Floats
    ) -> None:
        """Add columns.

        Args:
            costs (n,): Costs.
            lower (n,): Lower bounds.
            upper (n,): Upper bounds.
            start (n,): First entry of each column.
            index (entries,): Rows.
            value (entries,): Coefficients.
        """
        entries = (len(value), _as_int32(start), _as_int32(index), value)
        self._solver.addCols(len(costs), costs, lower, upper, *entries)

    def add_rows(self, lower: Floats, upper: Floats, start: Indices, index: Indices, value: Floats) -> None:
        """Add rows; the basis is kept, with the new rows basic.

        Args:
            lower (n,): Lower bounds.
            upper (n,): Upper bounds.
            start (n,): First entry of each row.
            index (entries,): Columns.
            value (entries,): Coefficients.
        """
        self._solver.addRows(len(lower), lower, upper, len(value), _as_int32(start), _as_int32(index), value)

    def _declare_integer(self, columns: Indices) -> None:
        """Declare columns integer, so that a run is branch and bound."""
        kinds = np.full(len(columns), highspy.HighsVarType.kInteger)
        self._solver.changeColsIntegrality(len(columns), _as_int32(columns), kinds)

    def _set_incumbent(self, x: Floats) -> None:
        """Set a feasible solution for branch and bound to begin with."""
        solution = highspy.HighsSolution()
        solution.col_value = x.tolist()
        self._solver.setSolution(solution)

    def read_dual_ray(self) -> Floats:
        """Read the dual ray of an infeasible run of dual simplex.

        Returns:
            Ray (M,), empty without one.
        """
        _, exists, ray = self._solver.getDualRay()  # type: ignore[attr-defined]
        return np.array(ray) if exists else np.zeros(0)

    def compute_phase_one_duals(self, program: ScaledProgram) -> Floats:
        """Compute the duals of phase one at the final basis of primal simplex, which are Farkas multipliers.

        In phase one a basic column or row costs 1 below its lower bound and -1 above its upper bound.

        Args:
            program: The current program.

        Returns:
            Duals (M,).
        """
        basic = np.array(self._solver.getBasicVariables()[1])  # type: ignore[attr-defined]
        solution = self._solver.getSolution()
        at, row = np.maximum(basic, 0), np.maximum(-basic - 1, 0)
        ends = (
            (np.array(solution.col_value)[at], np.array(solution.row_value)[row]),
            (program.lower[at], program.row_lower[row]),
            (program.upper[at], program.row_upper[row]),
        )
        value, low, high = (np.where(basic >= 0, column, of_row) for column, of_row in ends)
        above = np.where(value > high + SOLVER_FEASIBILITY_TOLERANCE, -1.0, 0.0)
        missed = np.where(value < low - SOLVER_FEASIBILITY_TOLERANCE, 1.0, above)
        return np.array(self._solver.getBasisTransposeSolve(missed)[1])  # type: ignore[attr-defined]

    def find_irreducible_subset(self, seconds: float) -> tuple[Bools, Bools] | None:
        """Find an irreducible infeasible subset of row sides.

        Args:
            seconds: Time limit.

        Returns:
            Masks of the lower and of the upper sides, (M,) each; None where HiGHS finds none in time.
        """
        self.set_options(iis_strategy=_IIS_STRATEGY, iis_time_limit=seconds, time_limit=seconds)
        status, found = self._solver.getIis()
        if status != highspy.HighsStatus.kOk or not found.valid_ or not len(found.row_index_):
            return None
        lower, upper = np.zeros((2, self._solver.getNumRow()), dtype=bool)
        for row, bound in zip(found.row_index_, found.row_bound_, strict=True):
            lower[row] = highspy.IisBoundStatus(bound) in _IIS_LOWER
            upper[row] = highspy.IisBoundStatus(bound) in _IIS_UPPER
        return lower, upper


def _as_int32(numbers: Indices) -> NDArray[np.int32]:
    """Return index arrays as HiGHS takes them."""
    return numbers.astype(np.int32, copy=False)


def get_highs_version() -> str:
    """Return the version of HiGHS.

    Returns:
        Version as text.
    """
    return str(_QuietHighs().version())


def load_highs(program: ScaledProgram) -> HighsSession | None:
    """Load a program into HiGHS.

    Entries below HiGHS's threshold are left out: they change a row by less than its tolerance, and every solution is
    verified with them.

    Returns:
        The session, None where HiGHS does not accept the program.
    """
    session = HighsSession(_drop_small_entries(program))
    return session if session.accepted else None


def _drop_small_entries(program: ScaledProgram) -> ScaledProgram:
    """Return the program without entries of at most `SMALL_MATRIX_VALUE`."""
    there = np.abs(program.value) > SMALL_MATRIX_VALUE
    if there.all():
        return program
    start = np.concatenate([[0], np.cumsum(there)])[program.start]
    return replace(program, start=start, index=program.index[there], value=program.value[there])


def load_simplex(program: ScaledProgram, refusal: str) -> HighsSession:
    """Load a program into HiGHS for repeated runs of the simplex method.

    Args:
        refusal: Beginning of the error message.

    Returns:
        The session.

    Raises:
        SolverError: HiGHS does not accept the program in full.
    """
    session = load_highs(program)
    if session is None:
        raise SolverError(f"{refusal}: look for values many orders of magnitude apart")
    session.set_options(solver="simplex")
    return session


def solve_by_method(
    program: ScaledProgram,
    method: str,
    start: Basis | None = None,
    budget: TimeBudget = NO_TIME_LIMIT,
    iterations: int | None = None,
) -> HighsResult:
    """Solve for the first objective by one method, then for the others on its optimal face.

    Args:
        method: One of `METHODS`.
        start: Basis to start from.
        budget: Time limit; at its end ties stay unbroken.
        iterations: Iteration limit of the simplex method.

    Returns:
        The result; its basis is that of the first objective.
    """
    session = load_highs(program)
    if session is None:
        return HighsResult("unanswered", method)
    if method == "interior point":
        session.set_options(solver="ipm", run_crossover="on")
    else:
        session.use_simplex(DUAL_SIMPLEX if method == "dual simplex" else PRIMAL_SIMPLEX)
        if budget.seconds < np.inf or iterations is not None:
            session.set_options(presolve="off")  # no solution can be read back where a presolved program is stopped
    if iterations is not None:
        session.set_options(simplex_iteration_limit=iterations)
    if start is not None:
        session.set_basis(start)
    status = session.run(budget)
    if session._ended_unknown:
        status = _solve_unperturbed(session, budget)
    if status == "stopped":
        return HighsResult("stopped", method, *(session._read_incumbent() or ()))
    if status != "optimal":
        return HighsResult(_MERGED_STATUSES.get(status, status), method)
    (x, y), basis = session.read_solution(), session.basis
    best = _break_ties(session, program, x, y, budget, start is None)
    return HighsResult("unanswered", method) if best is None else HighsResult("optimal", method, best, y, basis)


_MERGED_STATUSES = {"infeasible or unbounded": "infeasible"}


def _solve_unperturbed(session: HighsSession, budget: TimeBudget) -> str:
    """Solve again by primal simplex without presolve and perturbation; return the status.

    Where a right-hand side is at the limit of feasibility, the feasible set is a single face: perturbed bounds leave it
    and HiGHS does not recover.
    """
    session.clear_state()
    session.use_simplex(PRIMAL_SIMPLEX)
    session.set_options(
        presolve="off",
        primal_simplex_bound_perturbation_multiplier=0.0,
        dual_simplex_cost_perturbation_multiplier=0.0,
    )
    return session.run(budget)


def run_branch_and_bound(
    program: ScaledProgram, whole: Bools, gap: float, budget: TimeBudget, start: Floats | None = None
) -> HighsResult:
    """Search for the best integer solution by branch and bound.

    Args:
        whole (N,): Mask of the integer columns.
        gap: Relative optimality gap at which to stop.
        start (N,): Feasible columns to begin with; None for none.

    Returns:
        The incumbent without duals, and the dual bound.
    """
    method = "branch and bound"
    session = load_highs(program)
    if session is None:
        return HighsResult("unanswered", method)
    session._declare_integer(np.flatnonzero(whole))
    if start is not None:
        session._set_incumbent(start)
    session.set_options(mip_rel_gap=gap, mip_abs_gap=0.0, mip_feasibility_tolerance=INTEGRALITY_TOLERANCE)
    status = session.run(budget)
    if status not in ("optimal", "stopped"):
        return HighsResult(_MERGED_STATUSES.get(status, status), method)
    x, _ = session._read_incumbent() or (np.zeros(0), None)
    return HighsResult(status, method, x, bound=session._dual_bound)


def _break_ties(
    session: HighsSession, program: ScaledProgram, x: Floats, y: Floats, budget: TimeBudget, presolved: bool
) -> Floats | None:
    """Return the optimum of the first objective that is best by the second, then by the third; None without an answer.

    Columns with a reduced cost and rows with a dual are fixed: this is the optimal face (complementary slackness). If
    the second objective is the first again, it is passed over, unless the postsolved solution has to be cleaned up.
    """
    costs = program.costs
    if not presolved and len(costs) > 1 and np.array_equal(costs[0], costs[1]):
        costs = costs[1:]
    reduced = costs[0] - program.transpose_multiply(y)
    open_columns = (np.abs(reduced) <= DUAL_TOLERANCE) & (program.lower < program.upper)
    open_rows = np.abs(y) <= DUAL_TOLERANCE
    for weights in costs[1:]:
        if not weights[open_columns].any():
            continue
        best = _optimise_on_face(session, program, x, weights, open_columns, open_rows, budget)
        if best is None:
            return None if budget.seconds_left() else x
        x, reduced, y = best
        open_columns &= np.abs(reduced) <= DUAL_TOLERANCE
        open_rows &= np.abs(y) <= DUAL_TOLERANCE
    return x


def _optimise_on_face(
    session: HighsSession,
    program: ScaledProgram,
    x: Floats,
    weights: Floats,
    columns: Bools,
    rows: Bools,
    budget: TimeBudget,
) -> tuple[Floats, Floats, Floats] | None:
    """Return columns, reduced costs and duals of the best solution by `weights`, all else fixed."""
    numbers = np.arange(len(x))
    fixed = np.clip(x, program.lower, program.upper)
    lower, upper = np.where(columns, program.lower, fixed), np.where(columns, program.upper, fixed)
    session.change_columns(numbers, lower, upper)
    activity = program.compute_activity(x)
    near_lower = np.abs(activity - program.row_lower) <= np.abs(activity - program.row_upper)
    end = np.where(near_lower, program.row_lower, program.row_upper)
    inactive = np.flatnonzero(~rows & (program.row_lower < program.row_upper))
    session.change_rows(inactive, end[inactive], end[inactive])
    session.change_costs(numbers, weights)
    session.use_simplex(PRIMAL_SIMPLEX)
    if session.run(budget) != "optimal":  # warm start failed: restart with dual simplex
        session.clear_state()
        session.use_simplex(DUAL_SIMPLEX)
        if session.run(budget) != "optimal":
            return None
    best, duals = session.read_solution()
    return best, weights - program.transpose_multiply(duals), duals
