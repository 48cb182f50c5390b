"""Two-stage plans of instances: optimum, certificate, information values, and invalid input."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from campaigns.two_stage import trial
from scipy.optimize import linprog
from scipy.sparse import csr_matrix
from tests.random_instances import Case

import medalopt
from medalopt.analysis.risk import two_stage_plan
from medalopt.analysis.risk.contract_program import build_first_stage, build_stage
from medalopt.analysis.risk.two_stage_plan import TwoStageOptions, TwoStagePlan, compute_two_stage_plan
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.errors import LimitError, TwoStageInfeasibleError, UsageError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.confidence import build_confidence, measure_confidence
from medalopt.plan.metal_values import MetalValues
from medalopt.proof.two_stage import ScenarioClaim, certify_two_stage, project_weights
from medalopt.report.solve import summarize_plan
from medalopt.report.two_stage import build_two_stage_report
from medalopt.solve_instance import solve
from medalopt.solver.program import SolverProgram
from medalopt.solver.two_stage import build_extensive_form

TEXT = """
format: medalopt/1
name: contracts
currency: EUR
periods: {count: 4}
metals: {Ag: {}}
devices: {phone: {content: {Ag: 1 kg/t}, cv: 20 %}, board: {content: {Ag: 2 kg/t}, cv: 30 %}}
streams:
- {device: phone, region: north, available: [10, 10, 10, 10], collection: 100, cv: 20 %}
- {device: board, region: north, available: [5, 5, 5, 5], collection: 450}
smelters:
  near: {returned: 100 %, treatment_charge: 60, capacity: 8}
  far: {returned: 100 %, treatment_charge: 150, lead: 1}
market: {bullion: {composition: {Ag: 100 %}, price: [600, 600, 800, 900], storable: true, limit: 60}}
alloys: {silver: {composition: {Ag: 100 %}}}
medals: {first: {count: 20, parts: {silver: 1}, due: 3}, second: {count: 30, parts: {silver: 1}}}
scenarios:
  poor: {changes: {"devices.*.content": 70 %, "streams.*.available": 80 %}, probability: 25 %}
  usual: {probability: 50 %}
  rich: {"devices.*.content": 120 %, probability: 0.25}
  other: {medals.second.count: 10}
"""
PLAIN = TwoStageOptions()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an instance with three scenarios that have a probability and one that has none."""
    return Case({"instance.yaml": TEXT}).write(tmp_path_factory.mktemp("contracts"))


def decide(path: Path, options: TwoStageOptions = PLAIN, **changes: str) -> TwoStagePlan:
    """Return the two-stage plan of an instance with changes."""
    return compute_two_stage_plan(ScenarioRunner(path, {k.replace("__", "."): v for k, v in changes.items()}), options)


@pytest.fixture(scope="module")
def plan(path: Path) -> TwoStagePlan:
    """Return the two-stage plan without further options."""
    return decide(path)


def solve_by_scipy(program: SolverProgram) -> float:
    """Return the optimum that another interface to a solver finds, rows as inequalities."""
    entries, shape = program.entries, (len(program.rows), len(program.lower))
    matrix = csr_matrix((entries.value, (entries.row, entries.column)), shape)
    low, high = np.isfinite(program.row_lower), np.isfinite(program.row_upper)
    rows = np.concatenate([matrix[high].toarray(), -matrix[low].toarray()])
    right = np.concatenate([program.row_upper[high], -program.row_lower[low]])
    bounds = np.stack([program.lower, program.upper], axis=1)
    return float(linprog(program.costs[0], rows, right, bounds=bounds, method="highs-ipm").fun)


def test_plan_is_certified_and_between_its_bounds(path: Path, plan: TwoStagePlan) -> None:
    """In fractions the gap is rounding; WS < SP <= EEV; every scenario alone costs the same as `solve`."""
    values, proof = plan.information, plan.certificate
    assert proof.arithmetic == "exact rational" and proof.optimal and abs(proof.gap) < 1e-12
    assert proof.value == pytest.approx(plan.expected, rel=1e-12)
    assert [one.name for one in plan.outcomes] == ["poor", "rich", "usual"]
    assert values.wait_and_see + 100 < values.recourse <= values.mean_value_evaluated + 1e-6
    for one in plan.outcomes:
        assert one.wait_and_see == pytest.approx(solve(one.account.instance).objective, rel=1e-9)
        assert one.cost >= one.wait_and_see - 1e-6
    runner = ScenarioRunner(path)
    programs = [runner.build_scenario(one.texts) for one in runner.named_scenarios() if one.name != "other"]
    shares = np.stack([one.share for one in plan.book.contracts])
    stages = [
        build_stage(plan.book, program, outcome.probability, shares[:, n])
        for n, (program, outcome) in enumerate(zip(programs, plan.outcomes, strict=True))
    ]
    form = build_extensive_form(build_first_stage(plan.book), stages, 2.0, 0.5)
    averse = decide(path, TwoStageOptions(risk_weight=2.0, risk_level=0.5))
    assert solve_by_scipy(form.program) == pytest.approx(averse.certificate.value, rel=1e-7)
    assert averse.expected > plan.expected + 1 and averse.value_at_risk < plan.value_at_risk - 1
    assert averse.certificate.value == pytest.approx(averse.expected + 2 * averse.value_at_risk, rel=1e-9)


def test_one_scenario_is_the_deterministic_optimum(path: Path) -> None:
    """One scenario gives the deterministic plan, also if it is known late; an option costs its premium."""
    one = {"scenarios__usual": "{probability: 100%}", "scenarios__poor": "{}", "scenarios__rich": "{}"}
    base = solve(medalopt.load(path)).objective
    for options in (TwoStageOptions(), TwoStageOptions(known="3"), TwoStageOptions(risk_weight=3.0)):
        assert decide(path, options, **one).expected == pytest.approx(base, rel=1e-9)
    dearer = medalopt.load(path).with_changes({"market.bullion.price": 240})
    option = decide(path, PLAIN, **one, market__bullion__price="200", market__bullion__option="40 EUR/kg")
    assert option.expected == pytest.approx(solve(dearer).objective, rel=1e-9) and option.premiums > 0


def test_information_costs_nothing_where_nothing_is_agreed(path: Path, plan: TwoStagePlan) -> None:
    """Without fees the plan waits and sees; the later a scenario is known, the more a plan costs; options cost more."""
    free = decide(path, TwoStageOptions(take_or_pay=0.0))
    assert free.information.of_perfect_information == pytest.approx(0.0, abs=1e-6) and not free.book.contracts
    late = [decide(path, TwoStageOptions(known=period)).expected for period in ("2", "4")]
    half = decide(path, TwoStageOptions(take_or_pay=0.5)).expected
    assert free.expected < half < plan.expected < late[0] + 1e-9 < late[1]
    option = decide(path, market__bullion__option="40 EUR/kg")
    assert option.expected > plan.expected + 1
    secured = [float(k) for k, one in zip(option.agreed, option.book.contracts, strict=True) if one.kind == "option"]
    bought = max(float(np.asarray(one.account.bought).sum()) for one in option.outcomes)
    assert secured == pytest.approx([bought])


def test_prices_by_period_of_independent_scenarios() -> None:
    """With prices by period the plan without fees is the weighted sum of the plans by themselves; WS < SP < EEV."""
    path = Path(__file__).parents[2] / "planted/contracts.yaml"
    runner = ScenarioRunner(path, {"market.bullion.option": "0"})
    free = compute_two_stage_plan(runner, TwoStageOptions(take_or_pay=0.0))
    alone = [one.probability * solve(one.account.instance).objective for one in free.outcomes]
    assert free.certificate.value == pytest.approx(sum(alone), rel=1e-12)
    bound = compute_two_stage_plan(ScenarioRunner(path), PLAIN)
    fees = {one.get_name(bound.instance): one.fee for one in bound.book.contracts}
    assert fees == {"board@north": 450.0, "phone@north": 100.0, "near": 60.0, "far": 140.0, "bullion": 0.0}
    values = bound.information
    assert values.wait_and_see + 1 < values.recourse < values.mean_value_evaluated - 1 and bound.certificate.optimal


def test_money_in_another_unit_and_drawn_scenarios(path: Path, plan: TwoStagePlan) -> None:
    """A thousandth of every price costs a thousandth; drawn scenarios are equally likely and repeat with their seed."""
    prices = {
        "streams.*.collection": "*0.001",
        "smelters.*.treatment_charge": "*0.001",
        "market.bullion.price": "[0.6, 0.6, 0.8, 0.9]",
    }
    small = compute_two_stage_plan(ScenarioRunner(path, prices), TwoStageOptions())
    assert small.expected == pytest.approx(plan.expected / 1000, rel=1e-8)
    drawn = [decide(path, TwoStageOptions(draws=4, seed=seed)) for seed in (1, 1, 2)]
    assert drawn[0].expected == drawn[1].expected != drawn[2].expected
    assert {one.probability for one in drawn[0].outcomes} == {0.25}


@pytest.mark.parametrize("seed", [0, 5, 10, 13])
def test_trials_of_the_campaign(seed: int) -> None:
    """Random instances under three scenarios: certified, WS <= SP <= EEV, in any order of the scenarios."""
    assert trial(seed).wrong == ()


def test_information_states_the_value_of_the_scenarios(path: Path, plan: TwoStagePlan) -> None:
    """The value of information at a promised confidence names that of the scenarios, without the promise."""
    found = medalopt.value_of_information(medalopt.load(path), 0.6)
    expected = plan.information.of_perfect_information
    assert found.data.scenarios.perfect == pytest.approx(expected) and found.data.scenarios.count == 3
    assert json.loads(found.to_json())["scenarios"]["perfect_information"] == pytest.approx(expected)


@pytest.mark.parametrize(
    "change",
    [{"policy__confidence": "90 %"}, {"policy__joint_confidence": "85 %"}, {"policy__uncertainty_budget": "1"}],
)
def test_promises_hold_within_each_scenario(path: Path, plan: TwoStagePlan, change: dict[str, str]) -> None:
    """Each scenario keeps its promise, proven; it costs as `solve` says if known; a plan without it is found out."""
    found = decide(path, PLAIN, **change)
    values, proof = found.information, found.certificate
    assert proof.optimal and abs(proof.gap) < 1e-10 and proof.value > plan.expected + 100
    assert values.wait_and_see + 100 < values.recourse <= values.mean_value_evaluated + 1e-6
    excess = []
    for one in found.outcomes:
        policy = build_confidence(one.account.instance)
        assert policy is not None
        excess += [slack.excess for slack in measure_confidence(policy, one.account)]
        if "policy__joint_confidence" not in change:  # which `solve` splits better than equally
            assert one.wait_and_see == pytest.approx(solve(one.account.instance).objective, rel=1e-9)
        least = {"policy__confidence": 0.9, "policy__joint_confidence": 0.925}.get(*change)
        assert one.confidence is least or (one.confidence or 0) >= (least or 1) - 1e-9
    assert max(excess) == pytest.approx(0, abs=1e-8)
    averse = decide(path, TwoStageOptions(risk_weight=2.0, risk_level=0.5), **change)
    assert averse.certificate.optimal and averse.expected > found.expected - 1e-6
    bare = [
        ScenarioClaim(
            *(one.probability, 0.5, PlanAccount(kept.account.instance, one.account.routes, one.account.decisions)),
            *({}, np.zeros(len(plan.agreed)), one.available / np.where(plan.agreed > 0, plan.agreed, 1)),
        )
        for one, kept in zip(plan.outcomes, found.outcomes, strict=True)
    ]
    assert certify_two_stage(plan.book, plan.agreed, bare).violation > 1e-3
    if "policy__confidence" in change:
        assert any("at least 90 %" in line for line in build_two_stage_report(found).headline)
    remedy = {"policy__confidence": "policy.confidence=50%", "policy__joint_confidence": "policy.joint_confidence=null"}
    with pytest.raises(
        UsageError, match=f"--set {remedy.get(next(iter(change)), 'policy.uncertainty_budget=0')}"
    ) as refused:
        decide(path, TwoStageOptions(draws=4), **change)
    assert "shortfall" in str(refused.value)
    field, value = remedy.get(next(iter(change)), "policy.uncertainty_budget=0").split("=")
    assert decide(path, TwoStageOptions(draws=2), **{**change, field.replace(".", "__"): value}).certificate.optimal


STEPS = Path(__file__).parents[3] / "instances/price_steps.yaml"


def test_rising_and_falling_steps_of_one_price_count_in_every_scenario(tmp_path: Path) -> None:
    """Without fees for what is not used, the expected cost is the mean of the plans that know the scenario."""
    bars = "[{up_to: 20 kg, price: 800}, {up_to: 50 kg, price: 900}, {up_to: 80 kg, price: 700}, {price: 850}]"
    counts = {"few": 60, "many": 110}
    scenarios = {name: {"changes": {"medals.medal.count": n}, "probability": 0.5} for name, n in counts.items()}
    path = Case({"instance.yaml": f"{STEPS.read_text()}scenarios: {json.dumps(scenarios)}"}).write(tmp_path)
    runner = ScenarioRunner(path, {"market.bars.price": bars}, in_lots=True)
    plan = compute_two_stage_plan(runner, TwoStageOptions(take_or_pay=0.0))
    known = [solve(runner.file.with_changes({"medals.medal.count": str(n)})).objective for n in counts.values()]
    assert [one.cost for one in plan.outcomes] == pytest.approx(known) and plan.certificate.feasible


LOTS = Path(__file__).parents[2] / "solver/lots.yaml"


@pytest.mark.parametrize("apart", [False, True])
def test_whole_lots_count_in_every_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apart: bool) -> None:
    """All numbers of lots are enumerated: together the plan is the best, apart near to it."""
    scenarios = {"a": {"changes": {"streams.*.available": "90 %"}, "probability": "40 %"}, "b": {"probability": "60 %"}}
    text = f"{LOTS.read_text()}\nscenarios: {json.dumps(scenarios)}\n"
    runner = ScenarioRunner(Case({"instance.yaml": text}).write(tmp_path), in_lots=True)
    monkeypatch.setattr("medalopt.solver.two_stage.LARGEST_SEARCH", 0 if apart else 2_000)
    plan = compute_two_stage_plan(runner, PLAIN)
    share = {0.4: 16.2 / 17.28, 0.6: 18 / 17.28}  # supply over the expected supply, by probability
    bought = {n: 900 * max(30 - 8 * n, 0) for n in (2, 3, 4)}  # lots of 4 t with 2 kg/t, the rest bought
    enumerated = [
        1000 * max(4 * a / share[0.4], 4 * b / share[0.6]) + 0.4 * bought[a] + 0.6 * bought[b]
        for a in bought
        for b in bought
    ]
    values, proof = plan.information, plan.certificate
    assert plan.expected == pytest.approx(min(enumerated), rel=1e-3 if apart else 1e-9) and proof.feasible
    assert plan.expected >= min(enumerated) - 1e-6 >= (plan.search_bound or 0) - 2e-3 >= proof.bound - 2e-3
    assert values.wait_and_see <= values.recourse <= values.mean_value_evaluated
    for one in plan.outcomes:
        assert one.wait_and_see == pytest.approx(solve(one.account.instance).objective, rel=1e-9)
        assert float(np.sum(one.account.sent)) % 4 == pytest.approx(0, abs=1e-9)
    averse = compute_two_stage_plan(runner, TwoStageOptions(risk_weight=1.0, risk_level=0.5))
    assert averse.certificate.feasible and averse.certificate.value >= averse.certificate.bound
    assert any("whole lots" in line for line in build_two_stage_report(plan).headline[:1])
    assert any("--time-limit" in line for line in build_two_stage_report(plan).headline) is apart
    together = compute_two_stage_plan(runner, TwoStageOptions(gap=0.0))
    assert together.expected == pytest.approx(min(enumerated), rel=1e-4) and together.stopped
    assert build_two_stage_report(together).headline[0].startswith("The gap asked for is not proven.")
    near = compute_two_stage_plan(runner, TwoStageOptions(gap=0.2))
    assert near.certificate.gap <= 0.2 and not near.stopped
    if apart:
        ended = compute_two_stage_plan(runner, TwoStageOptions(gap=0.0, time_limit=0.0))
        assert ended.stopped and ended.expected == plan.expected
    else:
        with pytest.raises(LimitError, match="within 0 s"):
            compute_two_stage_plan(runner, TwoStageOptions(time_limit=0.0))


def test_certificate_believes_nobody(plan: TwoStagePlan) -> None:
    """Fewer tonnes agreed are a violation; no prices and weights, however wrong, give a bound above the optimum."""
    rng, shares = np.random.default_rng(7), np.stack([one.share for one in plan.book.contracts])
    claims = [
        ScenarioClaim(one.probability, 0.5, one.account, {}, np.zeros(len(shares)), shares[:, n])
        for n, one in enumerate(plan.outcomes)
    ]
    assert certify_two_stage(plan.book, plan.agreed, claims).violation < 1e-9
    less = certify_two_stage(plan.book, plan.agreed * 0.99, claims)
    assert less.violation > 1e-3 and not less.optimal
    for _ in range(5):
        random = [replace(one, use=rng.normal(0, 100, len(shares)), weight=rng.uniform(0, 3)) for one in claims]
        wild = certify_two_stage(plan.book, plan.agreed, random, 1.0, 0.5)
        assert wild.bound < wild.value and not wild.optimal
        assert sum(project_weights(random, 1.0, 0.5)) == 2


def test_report_adds_up(plan: TwoStagePlan) -> None:
    """The JSON's costs, fees and premiums add up to the cost of a scenario, and those to the expected cost."""
    data: Any = json.loads("".join(build_two_stage_report(plan).json(build_two_stage_report(plan))))  # type: ignore[misc]
    for row in data["scenarios"]:
        assert sum(row["costs"].values()) + row["fees"] + row["premiums"] == pytest.approx(row["cost"])
        fees = [contract["fee"] * left for contract, left in zip(data["contracts"], row["unused"], strict=True)]
        assert sum(fees) == pytest.approx(row["fees"], abs=0.1)
    for n, name in enumerate(plan.instance.market.names):
        own = [row for row in data["purchases"] if row["offer"] == name]
        mean = sum(one.probability * float(np.sum(one.account.purchases[n])) for one in plan.outcomes)
        assert sum(row["mean_kg"] for row in own) == pytest.approx(mean, abs=1e-4)
        assert all(row["least_kg"] <= row["mean_kg"] * (1 + 1e-9) <= row["greatest_kg"] * (1 + 2e-9) for row in own)
        assert all((row["least_kg"] > 0) <= (row["probability"] > 1 - 1e-9) for row in own)
    (when,) = [line for line in build_two_stage_report(plan).headline if line.startswith("When to buy bullion: ")]
    assert all(row["period"] in when for row in data["purchases"] if row["offer"] == "bullion")
    expected = sum(row["probability"] * row["cost"] for row in data["scenarios"])
    assert data["values"]["expected_cost"] == pytest.approx(expected)
    assert data["values"]["evpi"] == pytest.approx(data["values"]["recourse"] - data["values"]["wait_and_see"])


def test_a_plan_without_options_lists_their_premiums() -> None:
    """A premium in the file is stated by the report of a plan that does not count it, with its amount."""
    plan = solve(medalopt.load(Path(__file__).parents[2] / "planted/contracts.yaml", {"market.bullion.price": "100"}))
    (line,) = [one for one in summarize_plan(plan, MetalValues(plan)) if "remiums" in one]
    bought = float(plan.account.bought.sum())
    assert "bullion 40 EUR/kg" in line and bought > 0 and f"{40 * bought:,.0f} EUR for" in line
    free = solve(plan.instance.with_changes({"market.bullion.option": "0"}))
    assert not any("remiums" in one for one in summarize_plan(free, MetalValues(free)))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (TwoStageOptions(draws=1), "--draws"),
        (TwoStageOptions(seed=-1), "--seed"),
        (TwoStageOptions(take_or_pay=1.5), "--take-or-pay"),
        (TwoStageOptions(risk_level=1.0), "--cvar"),
        (TwoStageOptions(risk_weight=float("nan")), "--weight"),
        (TwoStageOptions(known="9"), "--known"),
        (TwoStageOptions(gap=-0.1), "--gap"),
        (TwoStageOptions(time_limit=-1.0), "--time-limit"),
    ],
)
def test_options_out_of_range(path: Path, options: TwoStageOptions, text: str) -> None:
    """An option out of range is named."""
    with pytest.raises(UsageError, match=text):
        decide(path, options)


def test_no_plan_and_too_large(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scenarios without a plan are named, as are missing probabilities; too many scenarios say how many may be."""
    with pytest.raises(TwoStageInfeasibleError, match="poor"):
        decide(
            path, scenarios__poor='{changes: {"streams.*.available": 1 %, market.bullion.limit: 1}, probability: 25%}'
        )
    with pytest.raises(UsageError, match="--draws 50"):
        decide(path, scenarios="{}")
    monkeypatch.setattr(two_stage_plan, "LARGEST_EXTENSIVE_FORM", 100)
    with pytest.raises(LimitError, match=r"GB of memory, exceed the 100 columns .*; use at most 1 scenario\b"):
        decide(path)
    monkeypatch.setattr(two_stage_plan, "LARGEST_EXTENSIVE_FORM", 1e9)
    monkeypatch.setattr(two_stage_plan, "MEMORY_PER_COLUMN", 1e15)
    with pytest.raises(LimitError, match=r"exceed the memory of this machine, .* GB; solve a smaller instance"):
        decide(path)


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"market.bullion.limit": 0, "devices.*.content": "80 %"}, "own values allow no plan in 25 % of cases."),
        ({"medals.second.count": 30}, "the file's own values allow no plan."),
    ],
)
def test_an_infinite_value_of_the_stochastic_solution_is_explained(path: Path, changes: Any, end: str) -> None:
    """It is infinite where the contracts for the file's own values allow no plan in a scenario, or there are none."""
    other = "30" if "25 %" in end else "300"  # more than there is metal for, without the changes of each scenario
    usual = {"medals.second.count": 30}
    scenarios = {
        "a": {"changes": {**usual, **changes}, "probability": 0.25},
        "b": {"changes": usual, "probability": 0.75},
    }
    plan = decide(path, medals__second__count=other, scenarios=json.dumps(scenarios))
    (line,) = [one for one in build_two_stage_report(plan).headline if one.startswith("Value of the stochastic")]
    assert "infinite, as " in line and line.endswith(end)
    assert bool(np.isnan(plan.nominal).all()) == (other == "300")
