"""Promised confidence: plans on the cone, their certificate, and infeasible promises."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

import medalopt
from campaigns import promises
from medalopt import solve_instance
from medalopt.analysis.comparison import Comparison, summarize_instance
from medalopt.analysis.risk.price_of_confidence import GAP_SHARE, compute_price_of_confidence, list_sources
from medalopt.errors import ConfidenceNotReachedError, InputError, NoPlanError, UsageError
from medalopt.instance.confidence import build_confidence, measure_confidence
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.plan.schema import SavedPlan
from medalopt.proof.confidence import CONE_RULE, DIRECTION_RULE, LEVEL_RULE
from medalopt.proof.verdict import verify_plan
from medalopt.report.confidence import build_confidence_report
from medalopt.report.deadline_risk import _describe_split, describe_risks
from medalopt.report.render.json import build_plan_object
from medalopt.report.verify import build_verdict_report
from medalopt.solve_instance import solve
from medalopt.solver.confidence import separate_cuts
from medalopt.solver.decomposition import column_generation
from medalopt.solver.solve_lp import SolveTask

TEXT = """
format: medalopt/1
name: two_sources
currency: JPY
distribution: normal
periods: {count: 3}
metals: {Ag: {}}
devices:
  phone: {content: {Ag: 1 kg/t}, cv: {Ag: 40 %}}
  board: {content: {Ag: 1 kg/t}, cv: {Ag: 20 %}}
streams:
- {device: phone, region: north, available: 90 t, collection: 100 JPY/t, cv: 10 %}
- {device: board, region: north, available: 60 t, collection: 200 JPY/t, cv: 10 %}
- {device: board, region: south, available: 60 t, collection: 250 JPY/t, cv: 10 %}
supply_correlation: {device: 50 %}
smelters: {works: {returned: 100 %, lead: 1, cv: 5 %}}
alloys: {silver: {composition: {Ag: 100 %}}}
medals:
  first: {count: 40, parts: {silver: 1 kg}, due: 2}
  second: {count: 60, parts: {silver: 1 kg}}
"""


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """Return two device types, three streams with correlated supply, and two deadlines."""
    path: Path = tmp_path_factory.mktemp("confidence") / "two_sources.yaml"
    path.write_text(TEXT)
    return medalopt.load(path)


@pytest.fixture(scope="module")
def plan(instance: Instance) -> Plan:
    """Return the plan with a confidence of 70 % for each deadline."""
    return solve(instance.with_changes({"policy.confidence": "70 %"}))


@pytest.mark.parametrize("promise", [{"policy.confidence": "70 %"}, {"policy.uncertainty_budget": "1"}])
def test_the_party_that_pays_for_all_has_the_plan_of_the_cost(instance: Instance, promise: dict[str, str]) -> None:
    """With cuts in the program, ties of the costs of a party are broken by the total cost as without."""
    changed = instance.with_changes(promise)
    least = solve(changed)
    own = solve(changed, "cost@project")
    assert own.objective == pytest.approx(least.objective)
    assert own.account.sent == pytest.approx(least.account.sent, abs=1e-4)
    assert own.certificate.feasible


@pytest.mark.parametrize("level", ["60 %", "75 %", "90 %"])
def test_both_ways_find_the_optimum_of_a_cone_solver(instance: Instance, level: str) -> None:
    """The direct way and the decomposition cost what an interior-point solver finds, and prove it."""
    changed = instance.with_changes({"policy.confidence": level})
    least = promises.solve_cones(changed)
    for method in ("direct", "decomposition"):
        found = solve(changed, method=method)
        assert found.objective == pytest.approx(least, rel=1e-7) and found.certificate.optimal
        assert verify_plan(changed, read_back(found)).accepted


@pytest.mark.parametrize("seed", range(4))
def test_random_promises(seed: int) -> None:
    """Random instances cost what a cone solver finds, or have no plan by either; the campaign tries more."""
    assert promises.trial(seed).wrong == ()


def read_back(plan: Plan) -> object:
    """Return a plan as read from its JSON."""
    return SavedPlan.model_validate(build_plan_object(plan))


def test_confidence_costs_and_none_costs_nothing(instance: Instance) -> None:
    """Cost rises with confidence; 50 % and no coefficient of variation have no effect."""
    bare = build_plan_object(solve(instance))
    costs = [solve(instance.with_changes({"policy.confidence": f"{level} %"})).objective for level in (50, 60, 70, 80)]
    assert costs == sorted(costs) and costs[0] == bare["objective"]["value"] < costs[1]
    certain = {f"devices.{name}.cv.Ag": 0 for name in ("phone", "board")} | {"smelters.works.cv": 0, "streams.*.cv": 0}
    known = instance.with_changes(certain)
    plans = [build_plan_object(solve(one)) for one in (known, known.with_changes({"policy.confidence": "90 %"}))]
    assert plans[0] == plans[1]


def test_the_promise_holds_out_of_sample(plan: Plan) -> None:
    """Of 100,000 normal draws 70 % return enough at each deadline that the plan meets without slack."""
    policy, account = build_confidence(plan.instance), plan.account
    assert policy is not None
    draws = np.random.default_rng(1).standard_normal((100_000, policy.model.loading.shape[1]))
    tight = 0
    for slack in measure_confidence(policy, account):
        exposure = policy.model.compute_exposure(account.decisions.sent, slack.row.metal, slack.row.period)
        held = (policy.model.loading.apply(draws) @ exposure + slack.buffer >= 0).mean()
        assert held >= 0.70 - 0.005
        if abs(slack.excess) < 1e-9:
            tight += 1
            assert held == pytest.approx(0.70, abs=0.005)
    assert tight


def test_planted_errors_are_caught(plan: Plan) -> None:
    """Less metal than promised, and a direction longer than its dual value, are no proof."""
    saved = read_back(plan)
    assert verify_plan(plan.instance, saved).accepted
    easier = plan.instance.with_changes({"policy.confidence": "70.01 %"})
    verdict = verify_plan(easier, saved)
    assert any(broken.text.startswith("confidence: confidence[Ag") for broken in verdict.broken)
    from medalopt.instance.bounds import compute_bounds
    from medalopt.proof.certificate import certify_plan

    bounds = compute_bounds(plan.instance, plan.account.routes)
    longer = {key: 2 * value for key, value in plan.duals[DIRECTION_RULE].items()}
    flipped = {key: -value for key, value in plan.duals[DIRECTION_RULE].items()}
    cleared = dict.fromkeys(plan.duals[CONE_RULE], 0.0)
    for duals in ({DIRECTION_RULE: flipped}, {DIRECTION_RULE: {}}, {CONE_RULE: cleared}):
        certificate = certify_plan(plan.account, bounds, {**plan.duals, **duals}, "cost")
        assert certificate.lower_bound < plan.objective and not certificate.optimal
    shortened = certify_plan(plan.account, bounds, {**plan.duals, DIRECTION_RULE: longer}, "cost")
    assert shortened.lower_bound == pytest.approx(plan.objective) and shortened.lower_bound <= plan.objective


def test_what_no_plan_can_promise(instance: Instance) -> None:
    """The error names the highest confidence, its deadline and a remedy; a little below it there is a plan."""
    with pytest.raises(ConfidenceNotReachedError, match=r"more than \d+(\.\d)? %: Ag by") as caught:
        solve(instance.with_changes({"policy.confidence": "99.99 %"}))
    highest = caught.value.highest
    assert highest.upper - highest.level <= 1e-4 and highest.gains["supply", "board"] > 0
    assert solve(instance.with_changes({"policy.confidence": f"{100 * highest.level - 0.01} %"})).certificate.optimal
    with pytest.raises(ConfidenceNotReachedError):
        solve(instance.with_changes({"policy.confidence": f"{100 * highest.upper + 0.01} %"}))


@pytest.mark.parametrize("promise", ["confidence", "joint_confidence"])
def test_a_promise_that_is_nearly_certain_has_a_highest_one(instance: Instance, promise: str) -> None:
    """A quantile beyond that of the highest confidence is not passed over, and no level is rounded to 1."""
    changes = {"medals.first.count": 30, "medals.second.count": 30, f"policy.{promise}": "99.9999999999 %"}
    with pytest.raises(ConfidenceNotReachedError, match=r"more than 99\.99 %: Ag by 2 limits it") as caught:
        solve(instance.with_changes(changes))
    highest = caught.value.highest
    assert 0.9999 < highest.level < highest.upper < 1 and highest.upper - highest.level <= 1e-4
    levels = replace(highest, attained={("Ag", "2"): highest.level, ("Ag", "3"): 1.0}).split_risk(0.999).values()
    assert all(0.5 < level < 1 for level in levels) and len(levels) == 2


def test_what_no_plan_of_a_large_instance_can_promise(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bisection encloses the highest confidence that the search finds, and names the same metal."""
    impossible = instance.with_changes({"policy.confidence": "99.99 %"})
    with pytest.raises(ConfidenceNotReachedError) as exact:
        solve(impossible)
    monkeypatch.setattr(solve_instance, "LARGEST_CONFIDENCE_SEARCH", 0)
    with pytest.raises(
        ConfidenceNotReachedError, match=r"can promise \d+(\.\d)? %, none \d+(\.\d)? %: Ag by"
    ) as caught:
        solve(impossible)
    highest, found = exact.value.highest, caught.value.highest
    assert found.level <= highest.upper and highest.level <= found.upper and found.upper - found.level <= 5e-3
    assert found.metal == highest.metal and found.period in instance.periods  # several deadlines limit it together


@pytest.mark.parametrize("large", [False, True])
def test_what_no_plan_can_promise_jointly(instance: Instance, monkeypatch: pytest.MonkeyPatch, large: bool) -> None:
    """A plan keeps the joint confidence named; at the other one named no plan keeps even that of each deadline."""
    scarce = instance.with_changes({"medals.first.count": 90, "medals.second.count": 100})
    if large:
        monkeypatch.setattr(solve_instance, "LARGEST_CONFIDENCE_SEARCH", 0)
    with pytest.raises(ConfidenceNotReachedError, match=r"(jointly, none|more than) \d+(\.\d)? %") as caught:
        solve(scarce.with_changes({"policy.joint_confidence": "99 %"}))
    highest = caught.value.highest
    assert 0.5 < highest.jointly <= highest.upper < 0.999 and highest.metal == "Ag"
    below = {"policy.joint_confidence": f"{100 * highest.jointly - 0.01} %"}
    assert solve(scarce.with_changes(below)).certificate.optimal
    with pytest.raises(ConfidenceNotReachedError):
        solve(scarce.with_changes({"policy.confidence": f"{100 * highest.upper + 0.01} %"}))


def test_risk_where_plans_are_verified_and_compared(instance: Instance, plan: Plan) -> None:
    """A valid plan is shown with its risk, and plans side by side with the probability of each metal and deadline."""
    report = build_verdict_report(verify_plan(plan.instance, read_back(plan)), "plan.json")
    assert report.headline[1:] == describe_risks(plan.instance, plan.risks) and "probability 70 %" in report.headline[1]
    bare = solve(instance)
    comparison = Comparison(tuple(summarize_instance("plan", one, "cost") for one in (bare, plan)))
    for risk, other, row in zip(bare.risks, plan.risks, comparison.select_part("risk"), strict=True):
        assert (row.item, row.unit) == (f"Ag by {instance.periods[risk.period]}", "%")
        assert row.values == pytest.approx((100 * risk.probability, 100 * other.probability), abs=0.01)


def test_price_of_confidence(instance: Instance) -> None:
    """Cost rises with confidence, its slope is the stated cost of a point, and it ends at the highest confidence."""
    scarce = instance.with_changes({"medals.second.count": 220})
    found = compute_price_of_confidence(scarce, (0.7, 0.701, 0.8, 0.9999))
    first, one, other, *more = found.rows
    assert found.highest is not None and found.highest < 0.999 and [row.level for row in more] == [0.8]
    assert first.level == 0.5 and first.cost == solve(scarce).objective < one.cost < other.cost < more[0].cost
    slope = (other.cost - one.cost) / 0.1
    assert one.marginal_cost <= slope <= other.marginal_cost
    assert slope == pytest.approx(one.marginal_cost, rel=0.01)
    assert found.breakpoints and all(0.5 <= one.below < one.level for one in found.breakpoints)
    for one in found.breakpoints:
        ends = [
            list_sources(solve(scarce.with_changes({"policy.confidence": f"{100 * end:.12f} %"})).account)
            for end in (one.below, one.level)
        ]
        assert (ends[1] - ends[0], ends[0] - ends[1]) == (set(one.enters), set(one.leaves))
    report = build_confidence_report(found)
    assert report.tables[1].key == "breakpoints" and len(report.tables[1].rows) == len(found.breakpoints)
    assert report.headline[-1].startswith("No plan can promise more than") and report.charts
    certain = {f"devices.{name}.cv.Ag": 0 for name in ("phone", "board")} | {"smelters.works.cv": 0, "streams.*.cv": 0}
    with pytest.raises(UsageError, match="nothing that is returned is uncertain"):
        compute_price_of_confidence(instance.with_changes(certain))


def test_a_promise_with_fixed_charges(instance: Instance) -> None:
    """Both ways find the best of all choices of contracts, each solved by itself, and bound it from below."""
    charges = {"phone@north": 9_000, "board@north": 4_000, "board@south": 3_000}
    promised = instance.with_changes({"policy.confidence": "80 %"})
    choices = []
    for used in product((False, True), repeat=3):
        none = {f"streams.{name}.available": "0 t" for name, use in zip(charges, used, strict=True) if not use}
        with contextlib.suppress(NoPlanError):
            fixed = sum(charge for charge, use in zip(charges.values(), used, strict=True) if use)
            choices.append(solve(promised.with_changes(none) if none else promised).objective + fixed)
    charged = promised.with_changes({f"streams.{name}.fixed_charge": f"{one} JPY" for name, one in charges.items()})
    for method in ("direct", "decomposition"):
        found = solve(charged, method=method)
        assert found.objective == pytest.approx(min(choices), rel=1e-7) and found.certificate.feasible
        assert 0 < found.certificate.lower_bound <= found.objective
        assert verify_plan(charged, read_back(found)).accepted


def test_price_of_confidence_in_whole_lots(instance: Instance) -> None:
    """No dual values bound the cost between plans: several confidences are solved, each dearer than the one before."""
    found = compute_price_of_confidence(instance.with_changes({"streams.phone@north.lot": "1 t"}))
    levels, costs = [row.level for row in found.rows], [row.cost for row in found.rows]
    assert found.gap is None and levels == [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.999]
    assert costs == sorted({*costs}) and costs[0] == 100 * 100  # 100 t of phones, the promise being free at 50 %


def test_cost_between_two_plans_is_within_its_bounds(instance: Instance) -> None:
    """Where chord and lower bound are farthest apart, the least cost is between them."""
    scarce = instance.with_changes({"medals.second.count": 220})
    found = compute_price_of_confidence(scarce)
    assert found.gap is not None and 0 < found.gap <= GAP_SHARE * (found.rows[-1].cost - found.rows[0].cost)
    wide = max(found.intervals, key=lambda interval: interval.gap)
    quantile, lower = wide.bound_at_crossing()
    level = 100 * NormalDist().cdf(quantile)
    cost = solve(scarce.with_changes({"policy.confidence": f"{level:.12f} %"})).objective
    chord = wide.chord[0] + wide.crossing * (wide.chord[1] - wide.chord[0])
    assert lower * (1 - 1e-8) <= cost <= (chord + wide.excess) * (1 + 1e-8) and cost >= chord + wide.excess - wide.gap


def test_confidences_one_after_the_other_keep_the_decomposition(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plans of a path cost what those of programs of their own do; column generation begins once with a promise."""
    scarce = instance.with_changes({"medals.second.count": 220})
    direct = compute_price_of_confidence(scarce, (0.6, 0.7, 0.8))
    monkeypatch.setattr(solve_instance, "DECOMPOSITION_THRESHOLD", 0)
    begun: list[float] = []
    decompose = column_generation.DecomposedTask.decompose

    def record(task: SolveTask) -> column_generation.DecomposedTask:
        """Record the promise of a task that is decomposed."""
        begun.append(task.instance.annex.get("confidence", {}).get("Ag", 0.5))
        return decompose(task)

    monkeypatch.setattr(column_generation.DecomposedTask, "decompose", record)
    found = compute_price_of_confidence(scarce, (0.6, 0.7, 0.8))
    assert [level for level in begun if 0.5 < level < 0.999] == [0.8]
    assert [(row.level, pytest.approx(row.cost, rel=1e-8)) for row in found.rows] == [
        (row.level, row.cost) for row in direct.rows
    ]
    assert found.breakpoints and [(one.level, one.enters, one.leaves) for one in found.breakpoints] == [
        (one.level, one.enters, one.leaves) for one in direct.breakpoints
    ]


def test_cuts_are_added_within_column_generation(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first exact plan of the decomposition violates no chance constraint, so that nothing is solved again."""
    rounds: list[int] = []

    def separate(*arguments: Any) -> Any:
        """Record the number of cuts that a solution violates."""
        cuts = separate_cuts(*arguments)
        rounds.append(len(cuts))
        return cuts

    monkeypatch.setattr(solve_instance, "separate_cuts", separate)
    for level in (60, 90):
        plan = solve(instance.with_changes({"policy.confidence": f"{level} %"}), method="decomposition")
        assert plan.certificate.optimal and plan.method.startswith("decomposition")
    assert rounds == [0, 0]


def test_joint_confidence_is_split_equally(instance: Instance) -> None:
    """Of a joint 80 % each of two deadlines has 90 %."""
    joint, each = ({"policy.joint_confidence": "80 %"}, {"policy.confidence": "90 %"})
    policies = [build_confidence(instance.with_changes(changes)) for changes in (joint, each)]
    assert [one and [(row.period, round(row.level, 12)) for row in one.rows] for one in policies] == [
        [(1, 0.9), (2, 0.9)]
    ] * 2


@pytest.mark.parametrize("changes", [{}, {"medals.first.count": 90, "medals.second.count": 150}])
def test_a_better_split_costs_less(instance: Instance, changes: dict[str, int]) -> None:
    """The split beats the equal one, keeps the joint promise in normal draws, and is verified from its file."""
    joint = instance.with_changes({**changes, "policy.joint_confidence": "80 %"})
    plan, equal = solve(joint), solve(instance.with_changes({**changes, "policy.confidence": "90 %"}))
    levels = plan.duals[LEVEL_RULE]
    assert plan.objective < 0.95 * equal.objective and plan.certificate.optimal
    assert sum(1 - level for level in levels.values()) == pytest.approx(0.2)
    assert "is split: " in _describe_split(plan)[0]
    policy, account = build_confidence(plan.instance), plan.account
    assert policy is not None
    draws = np.random.default_rng(2).standard_normal((100_000, policy.model.loading.shape[1]))
    held = np.ones(len(draws), dtype=bool)
    for slack in measure_confidence(policy, account):
        exposure = policy.model.compute_exposure(account.decisions.sent, slack.row.metal, slack.row.period)
        held &= policy.model.loading.apply(draws) @ exposure + slack.buffer >= 0
    assert held.mean() >= 0.8 - 0.004
    saved = build_plan_object(plan)
    assert verify_plan(joint, SavedPlan.model_validate(saved)).accepted
    looser = [{**row, "value": 0.5} if row["rule"] == LEVEL_RULE else row for row in saved["duals"]]
    broken = verify_plan(joint, SavedPlan.model_validate({**saved, "duals": looser})).broken
    assert any(one.path == LEVEL_RULE for one in broken)


@pytest.mark.parametrize(("level", "reason"), [("100 %", "less than 100 %"), ("40 %", "at least 50 %")])
def test_promises_without_sense_are_refused(instance: Instance, level: str, reason: str) -> None:
    """A certainty where figures are uncertain and a confidence below 50 % are errors with a remedy."""
    with pytest.raises(InputError, match=reason):
        instance.with_changes({"policy.confidence": level})
