"""Uncertainty budgets: published optima through the whole program, the linear counterpart as oracle, and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pytest
import yaml
from scipy.optimize import linprog
from tests.laws.test_confidence import TEXT, read_back

import medalopt
from medalopt.cli.exchange import ExportFormat, _render_files
from medalopt.errors import ConfidenceNotReachedError, InputError
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.confidence import ProtectionNorm, build_confidence, find_attained_budget
from medalopt.instance.instance import Instance
from medalopt.instance.uncertainty import build_uncertainty
from medalopt.plan.metal_values import MetalValues
from medalopt.proof.certificate import certify_plan
from medalopt.proof.confidence import DIRECTION_RULE, price_confidence
from medalopt.proof.verdict import verify_plan
from medalopt.report.render.json import build_plan_object
from medalopt.report.solve import summarize_plan
from medalopt.solve_instance import solve


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """Return two device types, three streams with correlated supply, and two deadlines."""
    path: Path = tmp_path_factory.mktemp("budget") / "two_sources.yaml"
    path.write_text(TEXT)
    return medalopt.load(path)


def load_mix(folder: Path, contents: dict[str, dict[str, float]], prices: list[float], needs: dict[str, float]) -> Any:
    """Return an instance that mixes devices of given content (kg/t), by metal, so that each metal suffices.

    A content given as a pair has a coefficient of variation.
    """
    names = [f"d{n:03}" for n in range(len(prices))]
    document: dict[str, Any] = {
        "format": "medalopt/1",
        "name": "mix",
        "currency": "USD",
        "distribution": "normal",
        "metals": {metal: {} for metal in needs},
        "devices": {
            name: {
                "content": {metal: f"{given['mean'][n]!r} kg/t" for metal, given in contents.items()},
                "cv": {metal: given["cv"][n] for metal, given in contents.items() if "cv" in given},
            }
            for n, name in enumerate(names)
        },
        "streams": [
            {"device": name, "region": "here", "available": "1000 t", "price": f"{price!r} USD/t"}
            for name, price in zip(names, prices, strict=True)
        ],
        "smelters": {"works": {"returned": "100 %"}},
        "alloys": {metal: {"composition": {metal: "100 %"}} for metal in needs},
        "medals": {f"m_{metal}": {"count": 1, "parts": {metal: f"{need} kg"}} for metal, need in needs.items()},
    }
    path = folder / "mix.yaml"
    path.write_text(yaml.safe_dump(document))
    return medalopt.load(path)


@pytest.mark.parametrize(("budget", "value"), [(0, 1.2), (5, 1.17089), (17, 1.150356), (150, 1.126685)])
def test_portfolio_with_a_budget_of_uncertainty(tmp_path: Path, budget: float, value: float) -> None:
    """The portfolio of 150 stocks of Bertsimas and Sim returns least, where `budget` deviate, as published.

    Returns are homogeneous: to return at least 1 costs the reciprocal of the largest return of 1.
    """
    number, stocks = np.arange(1, 151), 150
    mean = 1.15 + number * 0.05 / stocks
    deviation = 0.05 / 450 * np.sqrt(2 * stocks * (stocks + 1) * number)
    returns: Any = {"Ag": {"mean": mean.tolist(), "cv": (deviation / mean).tolist()}}
    mix = load_mix(tmp_path, returns, [1.0] * stocks, {"Ag": 1})
    plan = solve(mix.with_changes({"policy.uncertainty_budget": budget}))
    assert 1 / plan.objective == pytest.approx(value, abs=1e-6) and plan.certificate.optimal


def test_chance_constrained_feed_mix(tmp_path: Path) -> None:
    """The cattle feed of Bracken and McCormick (Hock and Schittkowski 73, `chance` of GAMS) costs 29.894378."""
    protein, variance = np.array([12.0, 11.9, 41.8, 52.1]), np.array([0.28, 0.19, 20.5, 0.62])
    contents: Any = {
        "Ag": {"mean": protein.tolist(), "cv": (np.sqrt(variance) / protein).tolist()},
        "Au": {"mean": [2.3, 5.6, 11.1, 1.3]},  # fat
        "Cu": {"mean": [1.0] * 4},  # the mass itself: a tonne
    }
    mix = load_mix(tmp_path, contents, [24.55, 26.75, 39.0, 40.5], {"Ag": 21, "Au": 5, "Cu": 1})
    plan = solve(mix.with_changes({"policy.confidence.Ag": 0.950015094354679}))  # of the quantile 1.645
    assert plan.objective == pytest.approx(29.894378, abs=1e-6) and plan.certificate.optimal


def solve_counterpart(instance: Instance, budget: float) -> float:
    """Return the least cost of the linear counterpart of Bertsimas and Sim, written from their paper."""
    plan = solve(instance)
    routes, periods = plan.account.routes, len(instance.periods)
    model, loading = build_uncertainty(instance, routes), build_uncertainty(instance, routes).loading.build_dense()
    columns = [(j, t) for j in range(len(routes)) for t in range(periods)]
    limits = [(0, instance.streams.available.value[routes.stream[j], t]) for j, t in columns]
    costs = [routes.collection[j, 0] for j, _ in columns]
    variates, width = loading.shape[1], len(columns)
    rows, right = [], []
    for number, (period, need) in enumerate({1: 40.0, 2: 100.0}.items()):
        start = width + number * (variates + 1)  # the threshold, then the protection of each variate
        row, spread = np.zeros(width + 2 * (variates + 1)), np.zeros((variates, width))
        for column, (j, t) in enumerate(columns):
            if t + instance.smelters.lead[routes.smelter[j], 0] <= period:
                row[column] = -routes.returned[j, 0]
                own = np.flatnonzero(model.route == j)
                rates = np.bincount(model.factor[own], model.rate[own], len(model.factors)) * model.deviation
                spread[:, column] = loading.T @ rates
        row[start], row[start + 1 : start + 1 + variates] = budget, 1.0
        rows.append(row)
        right.append(-need)
        for n in range(variates):
            each = np.zeros_like(row)
            each[:width], each[start], each[start + 1 + n] = spread[n], -1.0, -1.0
            rows.append(each)
            right.append(0.0)
    limits += [(0, None)] * (2 * (variates + 1))
    return float(linprog(costs + [0.0] * (2 * (variates + 1)), np.array(rows), right, bounds=limits).fun)


@pytest.mark.parametrize("budget", [1, 1.5, 4])
def test_both_ways_find_the_optimum_of_the_counterpart(instance: Instance, budget: float) -> None:
    """Both methods agree with the linear counterpart; the saved plan is verified, at no larger budget."""
    changed, least = instance.with_changes({"policy.uncertainty_budget": budget}), solve_counterpart(instance, budget)
    for method in ("direct", "decomposition"):
        found = solve(changed, method=method)
        assert found.objective == pytest.approx(least, rel=1e-9) and found.certificate.optimal
        assert verify_plan(changed, read_back(found)).accepted
        assert not verify_plan(
            instance.with_changes({"policy.uncertainty_budget": budget + 0.01}), read_back(found)
        ).accepted


def test_a_budget_is_priced_and_proven(instance: Instance) -> None:
    """One parameter less saves as much as a re-solve; longer directions are shortened; certainty has no effect."""
    below, plan = (solve(instance.with_changes({"policy.uncertainty_budget": budget})) for budget in (1.99, 2))
    (price, *_) = price_confidence(plan.account, plan.duals)
    assert price.saves == pytest.approx((plan.cost - below.cost) / 0.01, rel=1e-3)
    assert any(
        "uncertainty budget of 2 for Ag by 3 binds: one parameter less" in line
        for line in summarize_plan(plan, MetalValues(plan))
    )
    longer = {key: 2 * value for key, value in plan.duals[DIRECTION_RULE].items()}
    bounds = compute_bounds(plan.instance, plan.account.routes)
    shortened = certify_plan(plan.account, bounds, {**plan.duals, DIRECTION_RULE: longer}, "cost")
    assert shortened.lower_bound <= plan.objective * (1 + 1e-12)
    certain = {f"devices.{name}.cv.Ag": 0 for name in ("phone", "board")} | {"smelters.works.cv": 0, "streams.*.cv": 0}
    known = instance.with_changes(certain)
    plans = [build_plan_object(solve(one)) for one in (known, known.with_changes({"policy.uncertainty_budget": 5}))]
    assert plans[0] == plans[1]


def test_what_budget_no_plan_can_hold(instance: Instance) -> None:
    """The error names the largest budget, and a little below it there is a plan; a promise beside it is refused."""
    scarce = instance.with_changes({"medals.second.count": 280})
    with pytest.raises(ConfidenceNotReachedError, match=r"uncertainty budget above \d(\.\d+)?: Ag by") as caught:
        solve(scarce.with_changes({"policy.uncertainty_budget": 20}))
    highest = caught.value.highest
    assert highest.upper - highest.level <= 0.01 and highest.gains["supply", "board"] > 0
    assert solve(scarce.with_changes({"policy.uncertainty_budget": highest.level - 1e-3})).certificate.optimal
    with pytest.raises(ConfidenceNotReachedError):
        solve(scarce.with_changes({"policy.uncertainty_budget": highest.upper + 1e-3}))
    with pytest.raises(InputError, match="alternative"):
        instance.with_changes({"policy.uncertainty_budget": 2, "policy.confidence": "90 %"})
    promised = instance.with_changes({"policy.uncertainty_budget": 2, "policy.confidence": "50 %"})
    assert build_confidence(promised).budget == 2
    assert build_confidence(instance.with_changes({"policy.uncertainty_budget": 0})) is None


def test_the_norm_of_a_budget() -> None:
    """Norm, direction, dual ball and the largest budget that a reserve covers, by hand."""
    norm, deviations = ProtectionNorm(1.5), np.array([1.0, -4.0, 2.0])
    assert norm.measure(deviations) == 5.0 and norm.find_direction(deviations).tolist() == [0.0, -1.0, 0.5]
    assert norm.measure_dual(np.array([3.0, -3.0])) == 4.0
    assert norm.is_within(np.array([2.0, -4.0]), 4.0) and not norm.is_within(np.array([2.0, -4.0]), 3.999)
    assert not norm.is_within(np.array([3.0, -3.1]), 4.0)
    budgets = [find_attained_budget(deviations, reserve) for reserve in (-1.0, 2.0, 5.0, 7.0)]
    assert budgets == [0.0, 0.5, 1.5, np.inf]


@pytest.mark.parametrize("promise", [{"policy.confidence": "75 %"}, {"policy.uncertainty_budget": 1.5}])
def test_exported_files_hold_the_promise(instance: Instance, promise: dict[str, Any], tmp_path: Path) -> None:
    """An LP file has the cost of the plan; MathProg data state that they contain no promise."""
    changed, path = instance.with_changes(promise), tmp_path / "program.lp"
    path.write_text(_render_files(changed, ExportFormat.lp, "cost", path)[path])
    solver = highspy.Highs()
    solver.silent()
    solver.readModel(str(path))
    solver.run()
    assert solver.getInfo().objective_function_value == pytest.approx(solve(changed).objective, rel=1e-8)
    (data,) = _render_files(changed, ExportFormat.mathprog, "cost", None).values()
    assert "# Without the promise" in data
