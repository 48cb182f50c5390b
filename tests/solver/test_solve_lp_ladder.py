"""Sequence of solution methods: a result that cannot be verified is not accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.model.cases import changed, conformance, loaded, plain, planned

import medalopt
from medalopt.analysis.explain.explanation import explain_plan
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.ranges import compute_ranges
from medalopt.analysis.sensitivity.what_if import evaluate_outages
from medalopt.errors import NoPlanError, SolverError, UsageError
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.routes import build_routes
from medalopt.plan.reader import read_saved_plan
from medalopt.proof.verdict import verify_plan
from medalopt.report.render.json import build_plan_object, render_json
from medalopt.solver import solve_lp
from medalopt.solver.highs import METHODS, HighsResult, solve_by_method
from medalopt.solver.scaling import ScaledProgram, scale_program
from medalopt.solver.solve_lp import SolveTask, build_program
from medalopt.solver.verification import compute_bound_and_violation

Attempt = Callable[[ScaledProgram, str], HighsResult]


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Callable[[Attempt], list[str]]:
    """Return a function that replaces the solver and records the methods used."""

    def use(other: Attempt) -> list[str]:
        methods: list[str] = []

        def noted(scaled_program: ScaledProgram, method: str, *_: object) -> HighsResult:
            methods.append(method)
            return other(scaled_program, method)

        monkeypatch.setattr(solve_lp, "solve_by_method", noted)
        monkeypatch.setattr(solve_lp, "refine_iteratively", lambda *_: ())
        return methods

    return use


def nothing(scaled_program: ScaledProgram, method: str) -> HighsResult:
    """Claim that the zero solution is optimal."""
    return HighsResult("optimal", method, np.zeros(len(scaled_program.lower)), np.zeros(len(scaled_program.row_lower)))


def too_dear(scaled_program: ScaledProgram, method: str) -> HighsResult:
    """Claim that the dearest plan is the best: right in every row, and not proven."""
    answer = solve_by_method(replace(scaled_program, costs=-scaled_program.costs), method)
    return HighsResult("optimal", method, answer.x, answer.y)


def unanswered(_: ScaledProgram, method: str) -> HighsResult:
    """Give no answer."""
    return HighsResult("unanswered", method, np.zeros(0), np.zeros(0))


def no_number(scaled_program: ScaledProgram, method: str) -> HighsResult:
    """Claim that the best plan is no number."""
    answer = nothing(scaled_program, method)
    return HighsResult("optimal", method, answer.x + np.nan, answer.y)


def impossible(_: ScaledProgram, method: str) -> HighsResult:
    """Claim that there is no plan."""
    return HighsResult("infeasible", method, np.zeros(0), np.zeros(0))


def endless(_: ScaledProgram, method: str) -> HighsResult:
    """Claim that no plan is best."""
    return HighsResult("unbounded", method, np.zeros(0), np.zeros(0))


WRONG = (nothing, too_dear, unanswered, no_number, impossible, endless)


def finite() -> dict[str, object]:
    """Return the plain case with an end to everything, so that there is a dearest plan."""
    document = plain()
    document["market"]["silver"]["limit"] = "9 kg"
    return document


@pytest.mark.parametrize("wrong", WRONG)
def test_the_ladder_goes_on(wrong: Attempt, tried: Callable[[Attempt], list[str]]) -> None:
    """If the first method's result is rejected, the second's is used, and the plan names it.

    If the first claims infeasibility without proof, it also solves the rows relaxed by a tiny amount.
    """
    methods = tried(
        lambda scaled_program, method: (wrong if method == METHODS[0] else solve_by_method)(scaled_program, method)
    )
    plan = medalopt.solve(loaded(finite()))
    assert methods == [METHODS[0], *([METHODS[0]] if wrong is impossible else []), METHODS[1]]
    assert plan.method == f"{METHODS[1]}, direct"
    assert plan.cost == pytest.approx(4500)


@pytest.mark.parametrize("wrong", WRONG)
def test_at_the_end_of_the_ladder_nothing_is_claimed(wrong: Attempt, tried: Callable[[Attempt], list[str]]) -> None:
    """If no method's result is proven in any scaling, an error is raised.

    In each scaling the first method also solves the relaxed rows, once no contradiction is proven.
    """
    methods = tried(wrong)
    with pytest.raises(SolverError, match="no method found a solution that can be verified"):
        medalopt.solve(loaded(finite()))
    first = METHODS[0]
    each = [first, first, *METHODS[1:]] if wrong is impossible else [*METHODS, first]
    assert methods == [*each, *each, *each]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_plan(method: str, tried: Callable[[Attempt], list[str]]) -> None:
    """Each method alone finds the same cost."""
    tried(lambda scaled_program, asked: (solve_by_method if asked == method else unanswered)(scaled_program, asked))
    for name in ("c00", "c03", "c07"):
        plan = medalopt.solve(conformance(name))
        assert plan.method == f"{method}, direct"
        assert plan.cost == pytest.approx(planned(conformance(name)).cost, rel=1e-9)  # type: ignore[union-attr]


def test_where_there_is_no_plan_it_is_said_at_once(tried: Callable[[Attempt], list[str]]) -> None:
    """A proven contradiction ends the ladder."""
    methods = tried(solve_by_method)
    with pytest.raises(NoPlanError) as refusal:
        medalopt.solve(loaded(changed(market=None, streams=None, smelters=None)))
    assert refusal.value.status == "infeasible"
    assert methods == [METHODS[0]]


def test_questions_that_cannot_be_asked() -> None:
    """An unknown objective is refused, with the valid ones in the message."""
    with pytest.raises(UsageError, match="'beauty' is no objective: choose one of cost, footprint, mass"):
        medalopt.solve(loaded(plain()), "beauty")


def test_no_duals_make_the_compiled_bound_too_high() -> None:
    """Of the program as it was compiled, too, no prices prove more than the optimum, those of a wrong sign included."""
    random = np.random.default_rng(7)
    for name in ("c00", "c01", "c03", "c05", "c07", "c09"):
        instance = conformance(name)
        found = build_routes(instance)
        _, linear = build_program(SolveTask(instance, found, compute_bounds(instance, found)))
        ready = scale_program(linear)
        answer = solve_by_method(ready, METHODS[0])
        x, y = ready.unscale_columns(answer.x), ready.unscale_duals(answer.y)
        value = float(linear.costs[0] @ x)
        size = 1e-9 * float(np.abs(linear.costs[0] * x).sum() + 1)
        assert compute_bound_and_violation(linear, x, y)[0] == pytest.approx(value, abs=size)
        for _ in range(100):
            wrong = y * random.choice([0.0, 1.0, -1.0, 0.5, 2.0], len(y))
            wrong = np.where(random.random(len(y)) < 0.2, wrong, y)
            assert compute_bound_and_violation(linear, x, wrong)[0] <= value + size
        assert compute_bound_and_violation(linear, x, y)[1] <= 1e-9
        assert compute_bound_and_violation(linear, 0 * x, y)[1] > 1e-3


def test_a_program_without_columns_and_rows_has_an_empty_plan(tmp_path: Path) -> None:
    """Without demand and supply the program is empty, and the empty plan is verified optimal."""
    content = """
        {format: medalopt/1, name: nothing, currency: EUR, metals: {Cu: {}}, devices: {laptop: {}}, smelters: {},
        streams: [{device: laptop, region: north, available: 11.72 t}], alloys: {bronze: {}},
        medals: {bronze: {count: 23, parts: {}}}}
    """
    (tmp_path / "instance.yaml").write_text(content, encoding="utf-8")
    variants = ScenarioRunner(tmp_path / "instance.yaml")
    assert variants.plan.certificate.optimal and variants.plan.objective == 0
    assert variants.solve_scenario().value == 0 and evaluate_outages(variants).losses
    assert explain_plan(medalopt.solve(variants.instance)).is_unique and not compute_ranges(variants).rows


def least(variants: ScenarioRunner, objective: str) -> float:
    """Return the minimum of `objective`."""
    return medalopt.solve(variants.instance, objective).objective


@pytest.mark.parametrize("hair", [0.0, 1e-15, -1e-15, -1e-13, -1e-12])
def test_a_cap_at_the_least_footprint_leaves_a_plan(hair: float, tmp_path: Path) -> None:
    """A cap at the least footprint, or below it within rounding, gives a proven plan."""
    tiny = Path(__file__).parents[2] / "instances" / "tiny.yaml"
    cap = least(ScenarioRunner(tiny), "footprint") / 1000 * (1 + hair)
    plan = medalopt.solve(medalopt.load(tiny, {"policy.footprint_cap": f"{cap!r} t"}))
    assert plan.certificate.optimal and plan.footprint == pytest.approx(1000 * cap, rel=1e-9)
    (tmp_path / "plan.json").write_text(render_json(build_plan_object(plan)), encoding="utf-8")
    found = verify_plan(plan.instance, read_saved_plan(tmp_path / "plan.json"))
    assert found.accepted, found.broken


@pytest.mark.parametrize("share", [1e-8, 1e-6])
def test_a_cap_below_the_least_footprint_leaves_none(share: float) -> None:
    """A cap below the minimum footprint by more than the tolerance is infeasible."""
    tiny = Path(__file__).parents[2] / "instances" / "tiny.yaml"
    cap = least(ScenarioRunner(tiny), "footprint") / 1000 * (1 - share)
    with pytest.raises(NoPlanError):
        medalopt.solve(medalopt.load(tiny, {"policy.footprint_cap": f"{cap!r} t"}))
