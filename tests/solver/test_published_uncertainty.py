"""Published optima of programs under uncertainty, and a cone solver as oracle."""

from __future__ import annotations

from dataclasses import replace

import clarabel
import numpy as np
import pytest
from scipy import sparse

from medalopt.errors import LimitError, NoPlanError
from medalopt.solver import two_stage
from medalopt.solver.cone_program import SecondOrderCone, certify_cone, solve_cone_program
from medalopt.solver.program import ProgramBuilder, SolverProgram
from medalopt.solver.two_stage import (
    ScenarioStage,
    compute_information_value,
    solve_small_program,
    solve_two_stage,
)
from medalopt.solver.uncertainty_budget import add_uncertainty_budget

Matrix = list[list[float]]


def program(
    costs: list[float], rows: Matrix, lower: list[float], upper: list[float], most: float = np.inf
) -> SolverProgram:
    """Return a program in nonnegative columns of at most `most`."""
    built = ProgramBuilder()
    columns = built.add_columns([("x", n) for n in range(len(costs))], 0.0, most, costs=np.array([costs]))
    for number, (row, least, greatest) in enumerate(zip(rows, lower, upper, strict=True)):
        number_of_row, some = built.add_rows([("row", number)], least, greatest), np.flatnonzero(row)
        built.add_entries(number_of_row, columns[some], np.array(row)[some])
    return built.build()


def random_cone_program(seed: int) -> tuple[SolverProgram, list[SecondOrderCone]]:
    """Return a cone program with a point strictly inside two cones, and finite bounds."""
    rng = np.random.default_rng(seed)
    width, inside = 6, rng.uniform(0.2, 1.0, 6)
    rows = rng.normal(size=(3, width))
    linear = program(
        rng.normal(size=width).tolist(), rows.tolist(), [-np.inf] * 3, (rows @ inside + 0.1).tolist(), most=3.0
    )
    cones = []
    for _ in range(2):
        matrix, offset, slope = rng.normal(size=(4, width)), rng.normal(size=4), rng.normal(size=width)
        constant = float(np.linalg.norm(matrix @ inside + offset) - slope @ inside + 0.2)
        cones.append(SecondOrderCone(matrix, offset, slope, constant))
    return linear, cones


def solve_by_clarabel(linear: SolverProgram, cones: list[SecondOrderCone]) -> float:
    """Return the optimum that an interior-point solver for cones finds."""
    width, entries = len(linear.lower), linear.entries
    matrix = np.zeros((len(linear.rows), width))
    np.add.at(matrix, (entries.row, entries.column), entries.value)
    parts = [matrix, np.eye(width), -np.eye(width)]
    right = [linear.row_upper, linear.upper, -linear.lower]
    kinds = [clarabel.NonnegativeConeT(len(linear.rows) + 2 * width)]
    for cone in cones:
        parts.append(-np.vstack([cone.slope, cone.matrix]))
        right.append(np.concatenate([[cone.constant], cone.offset]))
        kinds.append(clarabel.SecondOrderConeT(1 + len(cone.offset)))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-11
    none = sparse.csc_matrix((width, width))
    solver = clarabel.DefaultSolver(
        none, linear.costs[0], sparse.csc_matrix(np.vstack(parts)), np.concatenate(right), kinds, settings
    )
    return float(solver.solve().obj_val)


@pytest.mark.parametrize("seed", range(5))
def test_cuts_find_the_optimum_of_a_cone_solver(seed: int) -> None:
    """The optimum over cuts and its proven bound agree with an interior-point solver; in 3 no cone binds."""
    linear, cones = random_cone_program(seed)
    solution, value = solve_cone_program(linear, cones), solve_by_clarabel(linear, cones)
    assert solution.value == pytest.approx(value, abs=1e-7 * max(1.0, abs(value)))
    assert value - 1e-7 <= solution.bound + 2e-7 and solution.bound <= solution.value + 1e-9
    assert (solution.cuts > 0) == (seed != 3) and all(certify_cone(cone, solution.x) for cone in cones)
    beyond = solution.x - 1e-4 * linear.costs[0]  # cheaper, so that a cone or a row must be violated
    rows = program_activity(linear, beyond) <= linear.row_upper
    assert not (rows.all() and (beyond >= 0).all() and all(certify_cone(cone, beyond) for cone in cones))


def program_activity(linear: SolverProgram, x: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """Return the activities of the rows."""
    entries = linear.entries
    return np.bincount(entries.row, entries.value * x[entries.column], len(linear.rows))


def test_chance_constrained_feed_mix() -> None:
    """The cattle feed of Bracken and McCormick (Hock and Schittkowski 73, `chance` of GAMS) costs 29.894378."""
    linear = program(
        [24.55, 26.75, 39.0, 40.5], [[1, 1, 1, 1], [2.3, 5.6, 11.1, 1.3]], [1.0, 5.0], [1.0, np.inf], most=1.0
    )
    spread = 1.645 * np.diag(np.sqrt([0.28, 0.19, 20.5, 0.62]))
    cone = SecondOrderCone(spread, np.zeros(4), np.array([12.0, 11.9, 41.8, 52.1]), -21.0)
    solution = solve_cone_program(linear, [cone])
    assert solution.value == pytest.approx(29.894378, abs=1e-6) and 2 <= solution.cuts <= 3
    assert solution.bound == pytest.approx(solution.value, abs=1e-8)
    with pytest.raises(NoPlanError):
        solve_cone_program(linear, [replace(cone, constant=-60.0)])


@pytest.mark.parametrize(("budget", "value"), [(0, 1.2), (5, 1.17089), (17, 1.150356), (150, 1.126685)])
def test_portfolio_with_a_budget_of_uncertainty(budget: float, value: float) -> None:
    """The portfolio of 150 stocks of Bertsimas and Sim returns least, where `budget` stocks deviate, as published."""
    number, stocks = np.arange(1, 151), 150
    mean = 1.15 + number * 0.05 / stocks
    deviation = 0.05 / 450 * np.sqrt(2 * stocks * (stocks + 1) * number)
    linear = program(
        [*np.zeros(stocks), -1.0], [[*np.ones(stocks), 0.0], [*mean, -1.0]], [1.0, 0.0], [1.0, np.inf], most=2.0
    )
    robust = add_uncertainty_budget(linear, 1, np.arange(stocks), deviation, budget)
    assert -solve_small_program(robust)[1] == pytest.approx(value, abs=1e-5)


def farm(probability: float, harvest: float) -> ScenarioStage:
    """Return the second stage of the farmer of Birge and Louveaux: columns are bought and sold tonnes."""
    stage = program(  # wheat bought and sold, corn bought and sold, beets sold within and beyond the quota
        [238.0, -170.0, 210.0, -150.0, -36.0, -10.0],
        [[1, -1, 0, 0, 0, 0], [0, 0, 1, -1, 0, 0], [0, 0, 0, 0, -1, -1], [0, 0, 0, 0, 1, 0]],
        [200.0, 240.0, 0.0, -np.inf],
        [np.inf, np.inf, np.inf, 6000.0],
    )
    linking = ProgramBuilder()
    linking.add_columns([("acres", n) for n in range(3)])
    linking.add_entries(np.arange(3), np.arange(3), harvest * np.array([2.5, 3.0, 20.0]))
    return ScenarioStage(probability, stage, linking.build().entries)


FIRST = program([150.0, 230.0, 260.0], [[1, 1, 1]], [-np.inf], [500.0])
STAGES = [farm(1 / 3, harvest) for harvest in (0.8, 1.0, 1.2)]


def test_farmer_with_recourse() -> None:
    """The farmer's recourse, mean-value, evaluated and wait-and-see optima are the published ones."""
    values = compute_information_value(FIRST, STAGES, farm(1.0, 1.0))
    assert values.recourse == pytest.approx(-108_390, abs=0.5)
    assert values.mean_value == pytest.approx(-118_600, abs=0.5)
    assert values.mean_value_evaluated == pytest.approx(-107_240, abs=0.5)
    assert values.wait_and_see == pytest.approx(-115_405.56, abs=0.01)
    assert values.of_perfect_information == pytest.approx(7_015.6, abs=0.1)
    assert values.of_stochastic_solution == pytest.approx(1_150, abs=0.5)


def test_farmer_averse_to_risk(monkeypatch: pytest.MonkeyPatch) -> None:
    """With weight 5 on the conditional value at risk at 0.8 the farmer earns less on average and more at worst."""
    neutral, averse = solve_two_stage(FIRST, STAGES), solve_two_stage(FIRST, STAGES, 5.0, 0.8)
    equal = [stage.probability for stage in STAGES]
    assert neutral.costs.max() == pytest.approx(-48_820, abs=0.5)
    assert averse.compute_expected_cost(equal) == pytest.approx(-103_313.33, abs=0.01)
    assert averse.costs.max() == pytest.approx(-57_640, abs=0.01)
    assert averse.first.tolist() == pytest.approx([100, 80, 320], abs=1e-6)
    monkeypatch.setattr(two_stage, "LARGEST_EXTENSIVE_FORM", 20)
    with pytest.raises(LimitError, match="fewer scenarios"):
        solve_two_stage(FIRST, STAGES)


@pytest.mark.parametrize("seed", range(10))
def test_information_is_worth_no_less_than_nothing(seed: int) -> None:
    """Wait-and-see <= recourse <= mean-value decisions, whatever the harvests and probabilities."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(4))
    harvests = rng.lognormal(0.0, 0.4, 4)
    stages = [farm(*pair) for pair in zip(weights.tolist(), harvests.tolist(), strict=True)]
    values = compute_information_value(FIRST, stages, farm(1.0, float(weights @ harvests)))
    slack = 1e-7 * abs(values.recourse)
    assert values.wait_and_see <= values.recourse + slack <= values.mean_value_evaluated + 2 * slack
