r"""Two-stage stochastic linear programs: extensive form, conditional value at risk, and the value of information.

First-stage columns $x$ are decided before, second-stage columns $y_s$ after scenario $s$ (probability $p_s$) is known:
minimise $c^\top x+\sum_sp_sq_s^\top y_s$ subject to $Ax\in[b]$ and $T_sx+W_sy_s\in[h_s]$ (Birge and Louveaux 2011).
The conditional value at risk at level $\alpha$, the mean cost of the worst $1-\alpha$, is the minimum over $\eta$ of
$\eta+\sum_sp_s\max(0,\mathrm{cost}_s-\eta)/(1-\alpha)$ (Rockafellar and Uryasev 2000).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalopt.errors import LimitError, NoPlanError, SolverError
from medalopt.instance.arrays import Floats, Ints
from medalopt.model.network import SparseEntries
from medalopt.solver.budget import NO_TIME_LIMIT
from medalopt.solver.highs import METHODS, HighsResult, solve_by_method
from medalopt.solver.program import ProgramBuilder, SolverProgram
from medalopt.solver.scaling import ScaledProgram, scale_program
from medalopt.solver.solve_lp import generate_scalings, refine_iteratively
from medalopt.solver.verification import compute_bound_and_violation
from medalopt.tolerances import FEASIBILITY_TOLERANCE, GAP_TOLERANCE

LARGEST_EXTENSIVE_FORM = 1_000_000  # columns of all scenarios together, such as 10,000 in each of 100
MAX_CUT_ROUNDS = 60
LARGEST_FOR_SIMPLEX = 20_000  # columns; above it the interior-point method goes first


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


@dataclass(frozen=True, eq=False)
class TwoStageSolution:
    """Optimum of a two-stage program; `bound` is the lower bound that its dual values prove in floating point.

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
    return ExtensiveForm(built.build(), tuple(columns), tuple(all_rows), risk)


def solve_two_stage(
    first: SolverProgram, stages: Sequence[ScenarioStage], risk_weight: float = 0.0, risk_level: float = 0.9
) -> TwoStageSolution:
    """Minimise expected cost plus `risk_weight` times the conditional value at risk, in extensive form.

    Args:
        first: Columns, costs and rows of the first stage.
        stages: Scenarios; their probabilities sum to 1.
        risk_weight: Weight of the conditional value at risk, 0 or more.
        risk_level: Level of the conditional value at risk, between 0 and 1.

    Returns:
        The optimum.

    Raises:
        NoPlanError: Infeasible.
        LimitError: The extensive form is too large.
        SolverError: No solution was found.
    """
    for _ in range(MAX_CUT_ROUNDS):
        form = build_extensive_form(first, stages, risk_weight, risk_level)
        found = solve_verified(form.program)
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
        tuple(stages),
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
class VerifiedOptimum:
    """Solution of a program with the lower bound that its dual values prove, in own units."""

    x: Floats  # (N,)
    y: Floats  # (M,)
    value: float
    bound: float


def solve_verified(program: SolverProgram) -> VerifiedOptimum:
    """Solve a linear program, by one method after the other until its solution is verified.

    Args:
        program: Program in own units.

    Returns:
        A solution that violates no row beyond `FEASIBILITY_TOLERANCE`, with a gap of at most `GAP_TOLERANCE`.

    Raises:
        NoPlanError: Infeasible.
        SolverError: No method found a solution that can be verified.
    """
    for scaled, result in _generate_results(program):
        if result.status == "infeasible":
            raise NoPlanError("two-stage program", "infeasible")
        if result.status != "optimal":
            continue
        x, y = scaled.unscale_columns(result.x), scaled.unscale_duals(result.y)
        x = np.clip(x, program.lower, program.upper)
        paid = program.costs[0] * x
        value, size = float(paid.sum()), max(1.0, float(np.abs(paid).sum()))
        bound, violation = compute_bound_and_violation(program, x, y)
        if violation <= FEASIBILITY_TOLERANCE and value - bound <= GAP_TOLERANCE * size:
            return VerifiedOptimum(x, y, value, bound)
    raise SolverError("no method solved the two-stage program; an unbounded cost is one cause")


def _generate_results(program: SolverProgram) -> Iterator[tuple[ScaledProgram, HighsResult]]:
    """Yield the result of one scaling and method after the other, then those of iterative refinement."""
    small = len(program.lower) <= LARGEST_FOR_SIMPLEX
    for scaled in generate_scalings(program, lambda: program.size):
        for method in METHODS if small else METHODS[::-1]:
            yield scaled, solve_by_method(scaled, method)
    scaled = scale_program(program)
    for method in METHODS[:2] if small else ():
        for result, _ in refine_iteratively(scaled, method, NO_TIME_LIMIT):
            yield scaled, result


@dataclass(frozen=True, eq=False)
class InformationValue:
    """Value of a stochastic program and of perfect information; all are costs to minimise.

    `wait_and_see` <= `recourse` <= `mean_value_evaluated`.
    """

    solution: TwoStageSolution  # of the two-stage program
    alone: tuple[float, ...]  # optimum of each scenario, known beforehand
    wait_and_see: float  # mean of `alone`
    mean_first: Floats  # (n,) first stage of the program with mean data; NaN where that is infeasible
    mean_value: float  # optimum of that program; infinite likewise
    evaluated: tuple[float, ...]  # cost of each scenario with that first stage; infinite where it is infeasible
    mean_value_evaluated: float  # mean of `evaluated` (EEV)

    @property
    def recourse(self) -> float:
        """Optimum of the two-stage program.

        Returns:
            Unit of the objective.
        """
        return self.solution.value

    @property
    def of_perfect_information(self) -> float:
        """Expected value of perfect information (EVPI).

        Returns:
            Unit of the objective.
        """
        return self.recourse - self.wait_and_see

    @property
    def of_stochastic_solution(self) -> float:
        """Value of the stochastic solution (VSS).

        Returns:
            Unit of the objective.
        """
        return self.mean_value_evaluated - self.recourse


def compute_information_value(
    first: SolverProgram,
    stages: Sequence[ScenarioStage],
    mean: ScenarioStage,
    report_progress: Callable[[str], None] = lambda _: None,
) -> InformationValue:
    """Compute the value of the stochastic solution and of perfect information.

    Args:
        first: Columns, costs and rows of the first stage.
        stages: Scenarios; their probabilities sum to 1.
        mean: The scenario of mean data.
        report_progress: Called before each solve.

    Returns:
        The optimum and the values around it.

    Raises:
        InfeasibleScenariosError: Some scenarios are infeasible even if known beforehand.
        NoPlanError: The two-stage program is infeasible.
    """

    def weigh(costs: Sequence[float]) -> float:
        """Return the expected value over the scenarios.

        Args:
            costs: Cost by scenario.

        Returns:
            Unit of the objective.
        """
        return sum(stage.probability * value for stage, value in zip(stages, costs, strict=True))

    alone, stages = _solve_each(first, stages, report_progress)
    lost = [number for number, value in enumerate(alone) if value == np.inf]
    if lost:
        raise InfeasibleScenariosError(lost)
    report_progress("all scenarios together")
    solution = solve_two_stage(first, stages)
    report_progress("expected values")
    decided, least, evaluated = np.full(len(first.lower), np.nan), np.inf, [np.inf] * len(stages)
    try:
        middle = solve_two_stage(first, [replace(mean, probability=1.0)])
    except NoPlanError:
        pass  # there are no decisions for mean data
    else:
        decided, least = middle.first, middle.value
        fixed = replace(first, lower=decided, upper=decided)
        evaluated, _ = _solve_each(fixed, solution.stages, report_progress)
    return InformationValue(
        *(solution, tuple(alone), weigh(alone), decided, least, tuple(evaluated), weigh(evaluated)),
    )


def _solve_each(
    first: SolverProgram, stages: Sequence[ScenarioStage], report_progress: Callable[[str], None]
) -> tuple[list[float], list[ScenarioStage]]:
    """Return the optimum of each scenario by itself, infinite where it is infeasible, and the stages with its cuts."""
    values: list[float] = []
    cut: list[ScenarioStage] = []
    for number, stage in enumerate(stages, start=1):
        report_progress(f"scenario {number} of {len(stages)} by itself")
        try:
            solution = solve_two_stage(first, [replace(stage, probability=1.0)])
        except NoPlanError:
            values.append(np.inf)
            cut.append(stage)
        else:
            values.append(solution.value)
            cut.append(replace(solution.stages[0], probability=stage.probability))
    return values, cut


class InfeasibleScenariosError(NoPlanError):
    """Scenarios that are infeasible even if known beforehand; `scenarios` are their indices."""

    def __init__(self, scenarios: Sequence[int]) -> None:
        super().__init__("two-stage program", "infeasible")
        self.scenarios = tuple(scenarios)
