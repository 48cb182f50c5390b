"""Infeasibility is reported only with verified Farkas multipliers."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from tests.model.cases import EXPECTED, at_random, changed, conformance, loaded, plain

from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.solver import infeasibility
from medalopt.solver.highs import HighsResult, solve_by_method
from medalopt.solver.infeasibility import compute_farkas_margin, find_farkas_multipliers
from medalopt.solver.program import SolverProgram, maximise_over_bounds
from medalopt.solver.scaling import ScaledProgram, scale_program
from medalopt.solver.solve_lp import SolveTask, build_program
from medalopt.tolerances import FARKAS_TOLERANCE


def programs(instance: Instance, *extensions: Path) -> tuple[SolverProgram, ScaledProgram]:
    """Return the program of an instance, as it is and scaled."""
    found = build_routes(instance)
    _, linear = build_program(SolveTask(instance, found, compute_bounds(instance, found), "cost", extensions))
    return linear, scale_program(linear)


def contradiction(linear: SolverProgram, program: ScaledProgram) -> Floats | None:
    """Return the first multipliers, scaled, that show on the rows as they were compiled that there is no plan."""
    return next(
        (y for y in find_farkas_multipliers(program) if compute_farkas_margin(linear, program, y) > FARKAS_TOLERANCE),
        None,
    )


def too_little() -> Instance:
    """Return an instance that requires 5 kg of silver with at most 4.5 kg recoverable."""
    stream = {"device": "phone", "region": "north", "available": "5 t"}
    alloy = {"composition": {"Ag": "100 %"}}
    return loaded(changed(market=None, periods=None, streams=[stream], alloys={"silver": alloy}))


def test_what_has_no_plan_is_proven_to_have_none() -> None:
    """Each infeasible conformance instance has Farkas multipliers, at most 1 in scaled units."""
    refused = [name for name, answers in EXPECTED.items() if answers["cost"]["status"] == "infeasible"]
    assert len(refused) >= 5
    for name in refused:
        linear, program = programs(conformance(name))
        y = contradiction(linear, program)
        assert y is not None
        assert np.abs(y).max() <= 1 + FARKAS_TOLERANCE


def test_what_has_a_plan_is_never_proven_to_have_none() -> None:
    """No multipliers show a contradiction where a plan is expected: neither those that were found nor any others."""
    random = Random("no contradiction")
    for name, answers in EXPECTED.items():
        if answers["cost"]["status"] == "optimal":
            linear, program = programs(conformance(name))
            assert contradiction(linear, program) is None
            for _ in range(30):
                width = 10.0 ** random.uniform(-3, 0)
                y = np.array([random.gauss(0, width) * (random.random() < 0.3) for _ in program.row_lower])
                assert compute_farkas_margin(linear, program, y) <= 1e-9 * np.abs(y).sum()


def test_the_contradiction_is_the_one_a_person_sees() -> None:
    """The margin is the missing 0.5 kg when balance and demand of silver have equal multipliers."""
    linear, program = programs(too_little())
    y = contradiction(linear, program)
    assert y is not None
    weights = np.ldexp(y, program.row)
    weighed = {name for (name, _), weight in zip(linear.rows, weights, strict=True) if abs(weight) > 1e-12}
    assert {"balance", "melt", "demand"} <= weighed
    (demand,) = (weight for (name, _), weight in zip(linear.rows, weights, strict=True) if name == "demand")
    assert compute_farkas_margin(linear, program, y) == pytest.approx(0.5 * demand)


@pytest.mark.parametrize("wrong", ["nothing", "turned round", "one row alone", "no number"])
def test_wrong_multipliers_are_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Multipliers without a contradiction are rejected."""
    linear, program = programs(too_little())

    def altered(scaled_program: ScaledProgram, method: str, *_: object) -> HighsResult:
        answer = solve_by_method(scaled_program, method)
        y = {
            "nothing": 0 * answer.y,
            "turned round": -answer.y,
            "one row alone": np.where(np.arange(len(answer.y)) == np.argmax(np.abs(answer.y)), answer.y, 0),
            "no number": np.full(len(answer.y), np.nan),
        }[wrong]
        return HighsResult(answer.status, method, answer.x, y)

    assert contradiction(linear, program) is not None
    monkeypatch.setattr(infeasibility, "solve_by_method", altered)
    assert contradiction(linear, program) is None


def test_a_variable_of_ones_own_without_bounds_proves_nothing(tmp_path: Path) -> None:
    """A row that a free slack can always fill is no contradiction, however it is weighed; that it is bounded, is."""
    for bounds, proof in (("", False), ("bounds=(0, 900)", True)):
        own = tmp_path / f"own{proof}.py"
        own.write_text(
            "import pyomo.environ as pyo\n"
            "def extend(model, instance):\n"
            f"    model.u = pyo.Var({bounds or 'domain=pyo.NonNegativeReals'})\n"
            "    model.row = pyo.Constraint(expr=model.sent_device['phone'] + model.u >= 1000)\n",
            encoding="utf-8",
        )
        linear, program = programs(loaded(plain()), own)
        y = np.array([float(name in ("row", "define_sent_device")) for name, _ in linear.rows])
        at = {name: number for number, (name, _) in enumerate(linear.rows)}
        y[at["define_sent_device"]] = -1.0  # what is sent is the sum of its shipments
        found = compute_farkas_margin(linear, program, np.ldexp(y, -program.row))
        assert (found > FARKAS_TOLERANCE) == proof
        assert (contradiction(linear, program) is not None) == proof


def test_the_most_that_columns_can_add() -> None:
    """By hand: 2 of [0, 3] and −1 of [−4, 5] add 6 and 4; a pull without an end adds no end, unless it is rounding."""
    least, most = np.array([0.0, -4.0]), np.array([3.0, 5.0])
    assert maximise_over_bounds(np.array([2.0, -1.0]), np.array([2.0, 1.0]), least, most) == 10
    endless = np.array([3.0, np.inf])
    assert maximise_over_bounds(np.array([2.0, 1.0]), np.array([2.0, 1.0]), least, endless) == np.inf
    assert maximise_over_bounds(np.array([2.0, 1e-12]), np.array([2.0, 1.0]), least, endless) == 6
    assert maximise_over_bounds(np.array([2.0, 0.0]), np.array([2.0, 0.0]), least, endless) == 6


def test_random_instances_have_a_plan_or_a_proof_that_there_is_none() -> None:
    """Never both: the solver's answer and the contradiction agree on every random instance."""
    for seed in range(40):
        linear, program = programs(at_random(seed))
        status = solve_by_method(program, "primal simplex").status
        assert (status == "optimal") == (contradiction(linear, program) is None)
