"""Published optima of two-stage programs."""

from __future__ import annotations

import numpy as np
import pytest

from medalopt.errors import LimitError
from medalopt.solver import two_stage
from medalopt.solver.information_value import compute_evpi_and_vss
from medalopt.solver.program import ProgramBuilder, SolverProgram
from medalopt.solver.two_stage import ScenarioStage, solve_two_stage

Matrix = list[list[float]]


def program(
    costs: list[float], rows: Matrix, lower: list[float], upper: list[float], most: float = np.inf
) -> SolverProgram:
    """Return a program in nonnegative columns of at most `most`."""
    built = ProgramBuilder()
    columns = built.add_columns([("x", n) for n in range(len(costs))], 0.0, most, most, np.array([costs]))
    for number, (row, least, greatest) in enumerate(zip(rows, lower, upper, strict=True)):
        number_of_row, some = built.add_rows([("row", number)], least, greatest), np.flatnonzero(row)
        built.add_entries(number_of_row, columns[some], np.array(row)[some])
    return built.build()


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
    values = compute_evpi_and_vss(FIRST, STAGES, farm(1.0, 1.0))
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
    values = compute_evpi_and_vss(FIRST, stages, farm(1.0, float(weights @ harvests)))
    slack = 1e-7 * abs(values.recourse)
    assert values.wait_and_see <= values.recourse + slack <= values.mean_value_evaluated + 2 * slack
