r"""Two-stage stochastic linear programs: extensive form, and conditional value at risk.

First-stage columns $x$ are decided before, second-stage columns $y_s$ after scenario $s$ (probability $p_s$) is known:
minimise $c^\top x+\sum_sp_sq_s^\top y_s$ subject to $Ax\in[b]$ and $T_sx+W_sy_s\in[h_s]$ (Birge and Louveaux 2011).
The conditional value at risk at level $\alpha$, the mean cost of the worst $1-\alpha$, is the minimum over $\eta$ of
$\eta+\sum_sp_s\max(0,\mathrm{cost}_s-\eta)/(1-\alpha)$ (Rockafellar and Uryasev 2000).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalopt.errors import LimitError, NoPlanError, SolverError
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.model.network import SparseEntries
from medalopt.solver.highs import METHODS, NO_TIME_LIMIT, HighsResult, TimeBudget, run_branch_and_bound, solve_by_method
from medalopt.solver.program import ProgramBuilder, SolverProgram, find_integer_columns
from medalopt.solver.refinement import refine_iteratively
from medalopt.solver.scaling import ScaledProgram, generate_scalings, scale_program
from medalopt.solver.verification import compute_bound_and_violation
from medalopt.tolerances import FEASIBILITY_TOLERANCE, GAP_TOLERANCE

LARGEST_EXTENSIVE_FORM = 1_000_000  # columns of all scenarios together, such as 10,000 in each of 100
MAX_CUT_ROUNDS = 60
WHOLE_GAP = 1e-4  # relative gap at which branch and bound stops
LARGEST_SEARCH = 2_000  # columns of all scenarios up to which branch and bound searches all of them together
MAX_IMPROVEMENTS = 3  # of a plan with integer columns
_LESS = "give a longer --time-limit, or fewer scenarios"
LARGEST_FOR_SIMPLEX = 20_000  # columns; above it the interior-point method goes first


@dataclass(frozen=True)
class SearchLimits:
    """Limits of the search for the integer columns of all scenarios together, whose time counts from the beginning.

    Attributes:
        gap: Gap to `floor` at which to stop, of the sum of the magnitudes of all payments; None: `WHOLE_GAP`.
        budget: Time limit.
        floor: Lower bound that is known beforehand.
    """

    gap: float | None = None
    budget: TimeBudget = NO_TIME_LIMIT
    floor: float = -np.inf

    @property
    def given(self) -> bool:
        """Whether a gap or a time limit is given, so that all scenarios are searched together, however many."""
        return self.gap is not None or self.budget.seconds < np.inf

    def accept(self, solution: TwoStageSolution) -> bool:
        """Return whether the gap of a solution is small enough.

        Args:
            solution: Solution with its bound.
        """
        if self.gap is not None and solution.value - self.floor <= self.gap * solution.size:
            return True
        return solution.value - solution.bound <= WHOLE_GAP * solution.size and self.gap is None


NO_LIMITS = SearchLimits()


@dataclass(frozen=True, eq=False)
class ScenarioStage:
    """Second stage of one scenario: W y + T x within the row bounds, with `program` = (q, W, bounds of y and rows)."""

    probability: float
    program: SolverProgram  # columns y and rows
    linking: SparseEntries  # entries of T: row of `program`, first-stage column, value

    def separate(self, columns: Floats) -> ScenarioStage:
        """Return the stage with the cuts that a solution violates; `self` where all constraints hold.

        Args:
            columns (n,): Second-stage columns of a solution.

        Returns:
            The stage; a linear program has no cuts.
        """
        return self

    def find_idle(self, columns: Floats) -> Bools:
        """Find the columns that must be exactly 0 with the integer columns of a solution.

        Args:
            columns (n,): Second-stage columns, integer ones rounded.

        Returns:
            Mask (n,); a linear program has none.
        """
        return np.zeros(len(columns), dtype=np.bool_)


@dataclass(frozen=True, eq=False)
class TwoStageSolution:
    """Optimum of a two-stage program; `bound` is the lower bound that its dual values prove in floating point.

    With integer columns `value` is within `WHOLE_GAP` of the optimum, `bound` is that of branch and bound, and weights
    and dual values are those of the linear program with these columns fixed.

    `weights` are the probabilities plus the dual values of the rows of the conditional value at risk: the optimum is
    also that of the expected cost with these weights, which sum to 1 plus the weight of the risk.
    """

    value: float  # objective: expected cost plus weighted conditional value at risk
    bound: float
    first: Floats  # (n,) first-stage columns
    costs: Floats  # (S,) total cost in each scenario
    second: tuple[Floats, ...]  # second-stage columns by scenario
    weights: Floats  # (S,)
    duals: tuple[Floats, ...]  # dual values of the rows of each scenario, objective per unit
    stages: tuple[ScenarioStage, ...]  # scenarios with the cuts of the solution
    size: float  # sum of the magnitudes of the expected payments
    stopped: bool = False  # at the time limit of the search

    def compute_expected_cost(self, probabilities: Sequence[float] | Floats) -> float:
        """Return the expected cost.

        Args:
            probabilities (S,): Probability of each scenario.

        Returns:
            Sum of probabilities times costs.
        """
        return float(np.dot(probabilities, self.costs))


@dataclass(frozen=True, eq=False)
class ExtensiveForm:
    """One program of all scenarios, with the numbers of the columns and rows of each, and of the rows of the risk."""

    program: SolverProgram
    columns: tuple[Ints, ...]
    rows: tuple[Ints, ...]
    risk: Ints  # (S,) or (0,)
    whole: Bools  # (N,) integer columns


def build_extensive_form(
    first: SolverProgram, stages: Sequence[ScenarioStage], risk_weight: float = 0.0, risk_level: float = 0.9
) -> ExtensiveForm:
    """Build the extensive form: the first stage once, the second stage of every scenario.

    Args:
        first: Columns, costs and rows of the first stage.
        stages: Scenarios; their probabilities sum to 1.
        risk_weight: Weight of the conditional value at risk, 0 or more.
        risk_level: Level of the conditional value at risk, between 0 and 1.

    Returns:
        The program.

    Raises:
        LimitError: It has more columns than `LARGEST_EXTENSIVE_FORM`.
    """
    width = len(first.lower) + sum(len(stage.program.lower) for stage in stages)
    if width > LARGEST_EXTENSIVE_FORM:
        raise LimitError(
            f"{len(stages)} scenarios make a program of {width:,} columns; the largest has "
            f"{LARGEST_EXTENSIVE_FORM:,}: use fewer scenarios"
        )
    built = ProgramBuilder.extend(replace(first, network=0, costs=first.costs[:1]))
    columns: list[Ints] = []
    all_rows: list[Ints] = []
    for stage in stages:
        program = stage.program
        own = built.add_columns(
            [("second", (len(columns), n)) for n in range(len(program.lower))],
            *(program.lower, program.upper, program.size),
            stage.probability * program.costs[:1],
        )
        rows = built.add_rows(
            [("scenario", (len(columns), row)) for row in program.rows], program.row_lower, program.row_upper
        )
        built.add_entries(rows[program.entries.row], own[program.entries.column], program.entries.value)
        built.add_entries(rows[stage.linking.row], stage.linking.column, stage.linking.value)
        columns.append(own)
        all_rows.append(rows)
    risk = np.zeros(0, dtype=np.intp)
    if risk_weight > 0:
        risk = _add_value_at_risk(built, first, stages, columns, risk_weight, risk_level)
    program = built.build()
    whole = np.zeros(len(program.lower), dtype=np.bool_)
    for stage, own in zip(stages, columns, strict=True):
        whole[own] = find_integer_columns(stage.program)
    return ExtensiveForm(program, tuple(columns), tuple(all_rows), risk, whole)


def solve_two_stage(
    first: SolverProgram,
    stages: Sequence[ScenarioStage],
    risk_weight: float = 0.0,
    risk_level: float = 0.9,
    numbers: Sequence[Floats] | None = None,
    limits: SearchLimits = NO_LIMITS,
    start: TwoStageSolution | None = None,
) -> TwoStageSolution:
    """Minimise expected cost plus `risk_weight` times the conditional value at risk, in extensive form.

    Args:
        first: Columns, costs and rows of the first stage.
        stages: Scenarios; their probabilities sum to 1.
        risk_weight: Weight of the conditional value at risk, 0 or more.
        risk_level: Level of the conditional value at risk, between 0 and 1.
        numbers: Second-stage columns (n,) of each scenario whose integer ones are fixed; None: branch and bound.
        limits: Limits of branch and bound; of a linear program the time limit alone.
        start: Solution to begin branch and bound with.

    Returns:
        The optimum.

    Raises:
        NoPlanError: Infeasible.
        LimitError: The extensive form is too large, or no solution was found in time.
        SolverError: No solution was found.
    """
    for _ in range(MAX_CUT_ROUNDS):
        form = build_extensive_form(first, stages, risk_weight, risk_level)
        found = _solve_form(form, stages, numbers, (limits, start))
        cut = [stage.separate(found.x[own]) for stage, own in zip(stages, form.columns, strict=True)]
        if all(new is old for new, old in zip(cut, stages, strict=True)):
            break
        stages = cut
    else:
        raise SolverError(f"the two-stage program still violates a constraint after {MAX_CUT_ROUNDS} rounds of cuts")
    x, y, n = found.x, found.y, len(first.lower)
    decided = float(first.costs[0] @ x[:n])
    costs = [decided + float(stage.program.costs[0] @ x[own]) for stage, own in zip(stages, form.columns, strict=True)]
    weights = np.array([stage.probability for stage in stages])
    if len(form.risk):
        weights = weights + y[form.risk]
    return TwoStageSolution(
        *(found.value, found.bound, x[:n], np.array(costs)),
        *(tuple(x[own] for own in form.columns), weights, tuple(y[rows] for rows in form.rows)),
        *(tuple(stages), float(np.abs(form.program.costs[0] * x).sum()), found.stopped),
    )


def _add_value_at_risk(
    built: ProgramBuilder,
    first: SolverProgram,
    stages: Sequence[ScenarioStage],
    columns: Sequence[Ints],
    weight: float,
    level: float,
) -> Ints:
    """Add the weighted conditional value at risk: excess_s >= cost_s - quantile, for each scenario; return the rows."""
    largest = max(_bound_costs(first) + _bound_costs(stage.program) for stage in stages)
    quantile = built.add_columns([("quantile", None)], -largest, largest, largest, weight)
    weights = np.array([[weight * stage.probability / (1 - level) for stage in stages]])
    excess = built.add_columns([("excess", n) for n in range(len(stages))], 0.0, np.inf, 2 * largest, weights)
    rows = built.add_rows([("risk", n) for n in range(len(stages))], 0.0)
    built.add_entries(rows, excess)
    built.add_entries(rows, quantile)
    for row, stage, own in zip(rows.tolist(), stages, columns, strict=True):
        for numbers, costs in ((own, stage.program.costs[0]), (np.arange(len(first.lower)), first.costs[0])):
            built.add_entries(row, numbers[costs != 0], -costs[costs != 0])
    return rows


def _bound_costs(program: SolverProgram) -> float:
    """Return a bound on the cost of a program by the implied bounds of its columns; infinite where one has none."""
    costs = np.abs(program.costs[0])
    return float(costs[costs > 0] @ program.size[costs > 0])


@dataclass(frozen=True, eq=False)
class _VerifiedOptimum:
    """Solution of a program with the lower bound that its dual values prove, in own units."""

    x: Floats  # (N,)
    y: Floats  # (M,)
    value: float
    bound: float
    stopped: bool = False  # the search for the integer columns, at its time limit


def _solve_verified(program: SolverProgram, budget: TimeBudget = NO_TIME_LIMIT) -> _VerifiedOptimum:
    """Solve a linear program, by one method after the other until its solution is verified.

    Its duality gap is at most `GAP_TOLERANCE`. `budget` limits the interior-point method. Raises as `solve_two_stage`.
    """
    for scaled, result in _generate_results(program, budget):
        if result.status == "infeasible":
            raise NoPlanError("two-stage program", "infeasible")
        if not budget.seconds_left() and result.status != "optimal":
            raise LimitError(f"no two-stage plan within {budget.seconds:g} s: {_LESS}")
        if result.status != "optimal":
            continue
        x, y = scaled.unscale_columns(result.x), scaled.unscale_duals(result.y)
        x = np.clip(x, program.lower, program.upper)
        paid = program.costs[0] * x
        value, size = float(paid.sum()), max(1.0, float(np.abs(paid).sum()))
        bound, violation = compute_bound_and_violation(program, x, y)
        if violation <= FEASIBILITY_TOLERANCE and value - bound <= GAP_TOLERANCE * size:
            return _VerifiedOptimum(x, y, value, bound)
    raise SolverError("no method solved the two-stage program; an unbounded cost is one cause")


def _solve_form(
    form: ExtensiveForm,
    stages: Sequence[ScenarioStage],
    given: Sequence[Floats] | None,
    search: tuple[SearchLimits, TwoStageSolution | None],
) -> _VerifiedOptimum:
    """Solve an extensive form; integer columns by branch and bound, whose bound counts, or with numbers given."""
    program, whole, bound, stopped = form.program, form.whole, -np.inf, False
    if not whole.any():
        return _solve_verified(program, search[0].budget)
    if given is None:
        numbers, bound, stopped = _search_numbers(form, *search)
    else:
        numbers = np.zeros(len(program.lower))
        for own, columns in zip(form.columns, given, strict=True):
            numbers[own] = np.rint(columns)
    lower, upper = (np.where(whole, numbers, side) for side in (program.lower, program.upper))
    for stage, own in zip(stages, form.columns, strict=True):
        upper[own[stage.find_idle(numbers[own])]] = 0.0
    return replace(_solve_verified(replace(program, lower=lower, upper=upper)), bound=bound, stopped=stopped)


def _search_numbers(
    form: ExtensiveForm, limits: SearchLimits, start: TwoStageSolution | None
) -> tuple[Floats, float, bool]:
    """Return the columns that branch and bound finds, rounded, its bound, and whether it ended at its time limit."""
    program = form.program
    ready = scale_program(replace(program, size=np.where(form.whole, 1.0, program.size)))  # integer columns as they are
    begin = None
    if start is not None and not len(form.risk):  # the columns of the risk follow from the others: HiGHS finds them
        begin = np.zeros(len(program.lower))
        begin[: len(start.first)] = start.first
        for own, columns in zip(form.columns, start.second, strict=True):
            begin[own] = columns
        begin = np.ldexp(begin, -ready.column)
    found = run_branch_and_bound(ready, form.whole, max(limits.gap or 0.0, WHOLE_GAP), limits.budget, begin)
    if found.status == "infeasible":
        raise NoPlanError("two-stage program", "infeasible")
    if not len(found.x):
        if found.status == "stopped":
            raise LimitError(f"no two-stage plan in whole lots within {limits.budget.seconds:g} s: {_LESS}")
        raise SolverError("no solution of the two-stage program in whole lots was found")
    bound = -np.inf if found.bound is None else float(np.ldexp(found.bound, -int(ready.cost[0])))
    return np.rint(found.x), bound, found.status == "stopped"


def improve_in_whole(
    first: SolverProgram,
    stages: Sequence[ScenarioStage],
    numbers: Sequence[Floats],
    risk_weight: float = 0.0,
    risk_level: float = 0.9,
) -> TwoStageSolution | None:
    """Improve a plan with integer columns: first stage for the integers, then these for the first stage, by scenario.

    Args:
        first: Columns, costs and rows of the first stage.
        stages: Scenarios.
        numbers: Second-stage columns (n,) of each scenario, whose integer ones are the start.
        risk_weight: Weight of the conditional value at risk.
        risk_level: Level of the conditional value at risk.

    Returns:
        The best plan found, without a bound; None where no first stage allows the start.
    """
    best: TwoStageSolution | None = None
    for _ in range(MAX_IMPROVEMENTS):
        try:
            found = solve_two_stage(first, stages, risk_weight, risk_level, numbers)
            if best is not None and found.value >= best.value - WHOLE_GAP * abs(best.value):
                return best
            best, stages = found, found.stages
            fixed = replace(first, lower=best.first, upper=best.first)
            numbers = [solve_two_stage(fixed, [replace(one, probability=1.0)]).second[0] for one in stages]
        except NoPlanError:
            return best
    return best


def has_integers(stages: Sequence[ScenarioStage]) -> bool:
    """Return whether some column is integer.

    Args:
        stages: Scenarios.

    Returns:
        False for linear programs.
    """
    return any(bool(find_integer_columns(stage.program).any()) for stage in stages)


def is_searched_apart(stages: Sequence[ScenarioStage]) -> bool:
    """Return whether integer columns are too many to be searched for all scenarios together.

    Args:
        stages: Scenarios.

    Returns:
        False for linear programs.
    """
    return sum(len(stage.program.lower) for stage in stages) > LARGEST_SEARCH and has_integers(stages)


def search_together(
    first: SolverProgram,
    found: TwoStageSolution,
    limits: SearchLimits,
    risk_weight: float = 0.0,
    risk_level: float = 0.9,
) -> TwoStageSolution:
    """Search the integer columns of all scenarios together from a solution, unless its gap is small enough.

    Args:
        first: Columns, costs and rows of the first stage.
        found: Solution with its bound.
        limits: Limits of the search; without any, nothing is searched.
        risk_weight: Weight of the conditional value at risk.
        risk_level: Level of the conditional value at risk.

    Returns:
        The better solution with the better bound; `stopped` where the time limit ended the search.
    """
    if not limits.given or not has_integers(found.stages) or limits.accept(found):
        return found
    if not limits.budget.seconds_left():
        return replace(found, stopped=True)
    for gap in sorted({max(limits.gap or 0.0, WHOLE_GAP), WHOLE_GAP}, reverse=True):
        if found.value - found.bound <= gap * abs(found.value):
            continue  # as near by an earlier search
        try:
            other = solve_two_stage(
                first, found.stages, risk_weight, risk_level, limits=replace(limits, gap=gap), start=found
            )
        except LimitError:
            return replace(found, stopped=True)
        best = other if other.value < found.value else found
        found = replace(best, bound=max(found.bound, other.bound), stopped=other.stopped)
        if found.stopped or limits.accept(found):
            break
    return found


def _generate_results(program: SolverProgram, budget: TimeBudget) -> Iterator[tuple[ScaledProgram, HighsResult]]:
    """Yield the result of one scaling and method after the other, then those of iterative refinement."""
    small = len(program.lower) <= LARGEST_FOR_SIMPLEX
    for scaled in generate_scalings(program, lambda: program.size):
        for method in METHODS if small else METHODS[::-1]:
            limit = NO_TIME_LIMIT if small else budget  # a limit would do without presolve
            yield scaled, solve_by_method(scaled, method, None, limit)
    scaled = scale_program(program)
    for method in METHODS[:2] if small else ():
        for result, _ in refine_iteratively(scaled, method, NO_TIME_LIMIT):
            yield scaled, result
