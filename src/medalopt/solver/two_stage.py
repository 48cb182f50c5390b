r"""Two-stage stochastic linear programs: extensive form, conditional value at risk, and the value of information.

First-stage columns $x$ are decided before, second-stage columns $y_s$ after scenario $s$ (probability $p_s$) is known:
minimise $c^\top x+\sum_sp_sq_s^\top y_s$ subject to $Ax\in[b]$ and $T_sx+W_sy_s\in[h_s]$ (Birge and Louveaux 2011).
The conditional value at risk at level $\alpha$, the mean cost of the worst $1-\alpha$, is the minimum over $\eta$ of
$\eta+\sum_sp_s\max(0,\mathrm{cost}_s-\eta)/(1-\alpha)$ (Rockafellar and Uryasev 2000).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalopt.errors import LimitError, NoPlanError, SolverError
from medalopt.instance.arrays import Floats, Ints
from medalopt.model.network import SparseEntries
from medalopt.solver.highs import METHODS, solve_by_method
from medalopt.solver.program import ProgramBuilder, SolverProgram
from medalopt.solver.scaling import scale_program

LARGEST_EXTENSIVE_FORM = 10_000_000  # columns times scenarios; beyond it memory does not suffice


@dataclass(frozen=True, eq=False)
class ScenarioStage:
    """Second stage of one scenario: W y + T x within the row bounds, with `program` = (q, W, bounds of y and rows)."""

    probability: float
    program: SolverProgram  # columns y and rows
    linking: SparseEntries  # entries of T: row of `program`, first-stage column, value


@dataclass(frozen=True, eq=False)
class TwoStageSolution:
    """Optimum of a two-stage program."""

    value: float  # objective: expected cost plus weighted conditional value at risk
    first: Floats  # (n,) first-stage columns
    costs: Floats  # (S,) total cost in each scenario
    second: tuple[Floats, ...]  # second-stage columns by scenario

    def compute_expected_cost(self, probabilities: Sequence[float]) -> float:
        """Return the expected cost.

        Args:
            probabilities (S,): Probability of each scenario.

        Returns:
            Sum of probabilities times costs.
        """
        return float(np.dot(probabilities, self.costs))


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
    width = len(first.lower) + sum(len(stage.program.lower) for stage in stages)
    if width * len(stages) > LARGEST_EXTENSIVE_FORM:
        raise LimitError(
            f"{width:,} columns times {len(stages)} scenarios are more than {LARGEST_EXTENSIVE_FORM:,}: "
            "use fewer scenarios"
        )
    built = ProgramBuilder.extend(replace(first, costs=first.costs[:1]))
    columns: list[Ints] = []
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
    if risk_weight > 0:
        _add_value_at_risk(built, first, stages, columns, risk_weight, risk_level)
    x, value = solve_small_program(built.build())
    decided = float(first.costs[0] @ x[: len(first.lower)])
    costs = [decided + float(stage.program.costs[0] @ x[own]) for stage, own in zip(stages, columns, strict=True)]
    return TwoStageSolution(value, x[: len(first.lower)], np.array(costs), tuple(x[own] for own in columns))


def _add_value_at_risk(
    built: ProgramBuilder,
    first: SolverProgram,
    stages: Sequence[ScenarioStage],
    columns: Sequence[Ints],
    weight: float,
    level: float,
) -> None:
    """Add the weighted conditional value at risk: excess_s >= cost_s - quantile, for each scenario."""
    largest = max(float(np.abs(stage.program.costs[0]).sum()) for stage in stages) or 1.0
    quantile = built.add_columns([("quantile", None)], -np.inf, np.inf, largest, weight)
    weights = np.array([[weight * stage.probability / (1 - level) for stage in stages]])
    excess = built.add_columns([("excess", n) for n in range(len(stages))], 0.0, np.inf, largest, weights)
    rows = built.add_rows([("risk", n) for n in range(len(stages))], 0.0)
    built.add_entries(rows, excess)
    built.add_entries(rows, quantile)
    for row, stage, own in zip(rows.tolist(), stages, columns, strict=True):
        for numbers, costs in ((own, stage.program.costs[0]), (np.arange(len(first.lower)), first.costs[0])):
            built.add_entries(row, numbers[costs != 0], -costs[costs != 0])


def solve_small_program(program: SolverProgram) -> tuple[Floats, float]:
    """Solve a linear program by the first method that succeeds.

    Args:
        program: Program in own units.

    Returns:
        Columns (N,) and objective value.

    Raises:
        NoPlanError: Infeasible.
        SolverError: No method found a solution.
    """
    scaled = scale_program(program)
    for method in METHODS:
        result = solve_by_method(scaled, method)
        if result.status == "optimal":
            x = scaled.unscale_columns(result.x)
            return x, float(program.costs[0] @ x)
        if result.status == "infeasible":
            raise NoPlanError("two-stage program", "infeasible")
    raise SolverError("no method solved the two-stage program; an unbounded cost is one cause")


@dataclass(frozen=True)
class InformationValue:
    """Value of a stochastic program and of perfect information; all are costs to minimise.

    `wait_and_see` <= `recourse` <= `mean_value_evaluated`.
    """

    recourse: float  # optimum of the two-stage program
    wait_and_see: float  # mean of the optima with the scenario known beforehand
    mean_value: float  # optimum of the program with mean data
    mean_value_evaluated: float  # expected cost of the first stage of the mean-value solution

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
    first: SolverProgram, stages: Sequence[ScenarioStage], mean: ScenarioStage
) -> InformationValue:
    """Compute the value of the stochastic solution and of perfect information.

    Args:
        first: Columns, costs and rows of the first stage.
        stages: Scenarios; their probabilities sum to 1.
        mean: The scenario of mean data.

    Returns:
        The four optimal values; `mean_value_evaluated` is infinite where the mean-value decisions are infeasible in
        some scenario.
    """
    recourse = solve_two_stage(first, stages).value
    alone = [solve_two_stage(first, [replace(stage, probability=1.0)]).value for stage in stages]
    waiting = sum(stage.probability * value for stage, value in zip(stages, alone, strict=True))
    middle = solve_two_stage(first, [replace(mean, probability=1.0)])
    fixed = replace(first, lower=middle.first, upper=middle.first)
    try:
        evaluated = solve_two_stage(fixed, stages).value
    except NoPlanError:
        evaluated = np.inf
    return InformationValue(recourse, waiting, middle.value, evaluated)
