"""The exact vertex next to a plan: found for small programs, the same by every method, and never claimed wrongly."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from tests.instance.test_accounting import nothing
from tests.laws import pool
from tests.model.cases import EXPECTED, MEASURES, at_random, changed, conformance, loaded, plain, planned
from tests.twin import glpk

import medalopt
from medalopt.export import write_mathprog
from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arithmetic import EXACT_ARITHMETIC, FLOAT_ARITHMETIC
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.plan.plan import Plan
from medalopt.plan.reader import read_saved_plan
from medalopt.plan.schema import SavedPlan
from medalopt.proof import basis
from medalopt.proof.basis import BASIS_NOT_PROVEN, BASIS_PROVEN, BASIS_TOO_LARGE, ExactBasis
from medalopt.proof.bound import BoundContext
from medalopt.proof.certificate import EXACT_SIZE_LIMIT
from medalopt.proof.prices import build_prices
from medalopt.proof.verdict import verify_plan
from medalopt.report.atomic_write import write_folder
from medalopt.report.render.csv import render_csv_folder
from medalopt.report.render.json import build_plan_object
from medalopt.solver import solve_lp

ROOT = Path(__file__).parents[2]
SHIPPED = ("tiny", "dantzig", "steelco", "london2012", "rio2016")
SEEDS = range(62)


def shown(plan: Plan, decisions: Decisions | None = None, duals: Any = None) -> ExactBasis:
    """Return the exact check of `plan`, or of other decisions and prices in its place."""
    account = PlanAccount(plan.instance, plan.account.routes, decisions or plan.account.decisions)
    bounds = compute_bounds(plan.instance, plan.account.routes)
    return ExactBasis.build(account, bounds, plan.duals if duals is None else duals, plan.measure)


def agrees(plan: Plan, answer: glpk.Answer) -> bool:
    """Return whether GLPK's exact simplex on the MathProg twin finds the same optimum."""
    value = float(Fraction(str(plan.certificate.exact_value)))
    return value == pytest.approx(answer.objective, rel=1e-9, abs=1e-9 * max(1.0, answer.paid))


def parts(decisions: Decisions) -> dict[str, Any]:
    """Return the arrays of the decisions by name."""
    return {field.name: getattr(decisions, field.name) for field in fields(Decisions)}


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("name", SHIPPED)
def test_the_basis_of_a_shipped_small_instance_is_proven(name: str, measure: str) -> None:
    """Each small instance that is shipped has an exact optimum, and GLPK's is the same."""
    instance = medalopt.load(ROOT / f"instances/{name}.yaml")
    plan = planned(instance, measure)
    assert plan is not None
    if plan.certificate.basis != BASIS_TOO_LARGE:
        assert plan.certificate.basis == BASIS_PROVEN
        assert agrees(plan, glpk.solve(write_mathprog(instance, measure)))


@pytest.mark.parametrize("measure", MEASURES)
def test_every_conformance_basis_is_proven(measure: str) -> None:
    """Wherever a conformance instance has a plan, it has an exact optimum: the expected one."""
    for name, answers in EXPECTED.items():
        plan = planned(conformance(name), measure)
        if plan is not None:
            assert plan.certificate.basis == BASIS_PROVEN, name
            value = float(Fraction(str(plan.certificate.exact_value)))
            assert value == pytest.approx(answers[measure]["value"], rel=1e-7, abs=1e-7), name


def test_nearly_every_random_basis_is_proven() -> None:
    """Of the plans of random instances all but a few have an exact optimum, which is GLPK's."""
    states: Counter[str] = Counter()
    for seed in SEEDS:
        for measure in MEASURES if planned(at_random(seed)) else ():
            plan = planned(at_random(seed), measure)
            assert plan is not None
            states[plan.certificate.basis] += 1
            if plan.certificate.basis == BASIS_PROVEN:
                assert agrees(plan, glpk.solve(write_mathprog(plan.instance, measure))), (seed, measure)
    print(dict(states))
    assert states[BASIS_PROVEN] + states[BASIS_NOT_PROVEN] >= 100
    assert states[BASIS_NOT_PROVEN] <= 2  # where a dual is degenerate, rounding may hide which of its prices is nothing


@pytest.mark.parametrize(
    ("name", "optimum"), [("dantzig", "249/50"), ("steelco", "280726000/2861"), ("price_steps", "84250")]
)
def test_a_known_optimum_is_met_to_the_last_digit(name: str, optimum: str) -> None:
    """Dantzig's and Steelco's published optima, 4.98 and 98,121.64, are these rounded; price steps by hand."""
    plan = planned(medalopt.load(ROOT / f"instances/{name}.yaml"))
    assert plan is not None
    assert plan.certificate.exact_value == optimum


def test_steps_that_no_float_holds_are_met_to_the_last_digit() -> None:
    """By hand: 10.3 kg x 600.1 + 40.1 x 800.3 + 30.6 x 900.1 + 14.7 x 950.3 + 4.3 x 1,000 = 84,085.53."""
    changes = {
        "market.bars.price": "[{up_to: 40.1, price: 800.3}, {up_to: 70.7, price: 900.1}, {price: 1_100.7}]",
        "streams.phone@north.price": "[{up_to: 10.3 t, price: 300.1}, {up_to: 25 t, price: 650.3}]",
    }
    plan = planned(medalopt.load(ROOT / "instances/price_steps.yaml", changes))
    assert plan is not None and plan.certificate.exact_value == "8408553/100"


def test_the_optimum_of_the_plain_case_is_worked_out_by_hand() -> None:
    """The exact optimum equals the value by hand: 4.5 kg of silver from phones at 900 JPY for every 0.9 kg."""
    plan = planned(loaded(plain()))
    assert plan is not None
    assert plan.certificate.exact_value == "4500"
    assert plan.account.decisions.sent.sum() == 5.0


def test_a_plan_is_its_vertex_rounded() -> None:
    """Each decision is the float nearest to the exact vertex, whose value is the objective."""
    for seed in range(10):
        plan = planned(at_random(seed))
        if plan is None:
            continue
        best = shown(plan).best
        assert best is not None
        for name, exact in parts(best.decisions).items():
            assert np.array_equal(exact.astype(np.float64), getattr(plan.account.decisions, name)), (seed, name)
        assert plan.objective == pytest.approx(float(best.compute_objective("cost")), rel=1e-12)


@pytest.mark.parametrize("name", ["c01", "c05", "c09"])
def test_where_one_plan_is_best_every_method_finds_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Primal simplex, dual simplex and interior point lead to the same decisions, byte for byte."""
    instance = conformance(name)
    found = set()
    for method in solve_lp.METHODS:
        monkeypatch.setattr(solve_lp, "METHODS", (method,))
        plan = medalopt.solve(instance)
        assert (plan.certificate.basis, plan.method) == (BASIS_PROVEN, f"{method}, direct")
        found.add(b"".join(values.tobytes() for values in parts(plan.account.decisions).values()))
    assert len(found) == 1


def test_nothing_is_claimed_of_a_wrong_active_set() -> None:
    """With one decision removed or added, a claim is either the true optimum or none."""
    random = Random(5)
    refused = 0
    for number in range(3):
        plan = planned(at_random(pool.solvable(number)))
        assert plan is not None
        for name, values in parts(plan.account.decisions).items():
            for at in random.sample(range(values.size), min(values.size, 6)):
                wrong = values.copy()
                wrong.flat[at] = 0.0 if wrong.flat[at] else values.max(initial=1.0) * 1e-10
                found = shown(plan, replace(plan.account.decisions, **{name: wrong}))
                refused += found.state != BASIS_PROVEN
                assert found.best is None or str(found.best.compute_objective("cost")) == plan.certificate.exact_value
    assert refused > 10


def test_a_vertex_that_is_not_the_best_is_not_claimed() -> None:
    """The plan of one objective is not claimed optimal for another, with the prices of either."""
    tried = 0
    for name in ("c00", "c03", "c07"):
        cheap, light = (planned(conformance(name), measure) for measure in ("cost", "mass"))
        assert cheap is not None and light is not None
        if cheap.objective < light.cost:
            tried += 1
            assert shown(cheap, light.account.decisions).state == BASIS_NOT_PROVEN
            assert shown(cheap, light.account.decisions, light.duals).state == BASIS_NOT_PROVEN
    assert tried


def test_prices_of_the_wrong_sign_prove_nothing() -> None:
    """Reversed and random prices prove no other optimum than the true one."""
    random = Random(1)
    plan = planned(conformance("c03"))
    assert plan is not None
    for factor in (lambda: -1.0, lambda: random.choice((0.0, 1.0)), lambda: random.uniform(0.9, 1.1)):
        duals = {rule: {key: value * factor() for key, value in rows.items()} for rule, rows in plan.duals.items()}
        assert shown(plan, duals=duals).state == BASIS_NOT_PROVEN


@pytest.mark.parametrize(("dearer", "kept"), [("0.0000001", False), ("-0.0000001", True)])
def test_a_price_that_would_change_its_sign_proves_nothing(dearer: str, kept: bool) -> None:
    """Two smelters differ by a ten-millionth of a yen, below float accuracy.

    The price of the second one's capacity has to make up for the difference: it may have a value, and never a cost.
    """
    one = {"returned": "90 %", "capacity": "100 t"}
    smelters = {"a": one, "b": one | {"terms": {"phone": {"treatment_charge": f"{dearer} JPY/t"}}}}
    instance = loaded(changed(smelters=smelters))
    plan = planned(loaded(changed(smelters={"a": dict(one), "b": dict(one)})))
    assert plan is not None
    duals = {**plan.duals, "feed_capacity": {("b", "1"): -1e-8}}
    floats, exact = (
        BoundContext(instance, found := build_routes(instance, read), compute_bounds(instance, found, read), read)
        for read in (FLOAT_ARITHMETIC.read, EXACT_ARITHMETIC.read)
    )
    y = basis._solve_exact_prices(floats, exact, duals, "cost")
    assert (y is not None) == kept
    if y is not None:
        assert y.feed_capacity[1, 0] == Fraction(dearer)


def test_flint_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """With Python's own fractions, as where python-flint is not installed, the same vertex is found."""
    monkeypatch.setitem(sys.modules, "flint", None)
    assert basis._choose_rational() is Fraction
    plans = [plan for seed in range(8) if (plan := planned(at_random(seed))) is not None]
    with_flint = [shown(plan).best for plan in plans]
    monkeypatch.setattr(basis, "_rational", Fraction)
    for plan, best in zip(plans, with_flint, strict=True):
        again = shown(plan).best
        assert best is not None and again is not None
        ours, theirs = parts(again.decisions), parts(best.decisions)
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_a_large_program_is_left_to_floats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Systems that would take long are not solved; the certificate says so and stays valid."""
    monkeypatch.setattr(basis, "MAX_EXACT_DECISIONS", 3)
    plan = medalopt.solve(loaded(plain()))
    assert plan.certificate.optimal
    assert (plan.certificate.basis, plan.certificate.exact_value) == (BASIS_TOO_LARGE, None)


def test_what_is_large_is_counted_in_decisions_and_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size limits hold exactly, in decisions and in prices, as docs/explanation/proof.md states them."""
    plan = planned(loaded(plain()))
    assert plan is not None
    decisions = sum(part.size for part in parts(plan.account.decisions).values())
    rows = sum(np.size(part) for part in vars(build_prices(plan.instance, {})).values())
    for columns, most, state in (
        (decisions, rows, BASIS_PROVEN),
        (decisions - 1, rows, BASIS_TOO_LARGE),
        (decisions, rows - 1, BASIS_TOO_LARGE),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(basis, "MAX_EXACT_DECISIONS", columns)
            patch.setattr(basis, "MAX_EXACT_PRICES", most)
            assert shown(plan).state == state
    said = (ROOT / "docs/explanation/proof.md").read_text(encoding="utf-8")
    assert f"at most {basis.MAX_EXACT_DECISIONS} decisions and {basis.MAX_EXACT_PRICES} prices" in said
    assert f"routes times periods are at most {EXACT_SIZE_LIMIT}," in said


def test_a_plan_that_breaks_a_rule_is_no_vertex() -> None:
    """Zero decisions, which miss the demand, give no exact vertex."""
    instance = loaded(plain())
    found = build_routes(instance)
    account = PlanAccount(instance, found, nothing(instance))
    exact = BoundContext(
        instance,
        build_routes(instance, EXACT_ARITHMETIC.read),
        compute_bounds(instance, found, EXACT_ARITHMETIC.read),
        EXACT_ARITHMETIC.read,
    )
    assert basis._solve_exact_plan(account, exact) is None


def test_a_vertex_is_near_if_it_is_within_a_share_of_the_largest() -> None:
    """A thousand-millionth of the largest decision, however small that is."""
    exact = EXACT_ARITHMETIC.lift(np.array([0.5, 0.25]))
    assert basis._is_close(exact, np.array([0.5 + 4e-10, 0.25 - 4e-10]))
    assert not basis._is_close(exact, np.array([0.5, 0.25 + 6e-10]))
    assert basis._is_close(EXACT_ARITHMETIC.lift(np.zeros(2)), np.zeros(2)) and basis._is_close(
        EXACT_ARITHMETIC.lift(np.zeros(0)), np.zeros(0)
    )


def test_nothing_is_shown_of_what_is_no_number_nor_of_lots() -> None:
    """NaN decisions and instances with whole lots give no exact check."""
    plan = planned(loaded(plain()))
    assert plan is not None
    sent = np.where(plan.account.decisions.sent > 0, np.nan, 0.0)
    assert shown(plan, replace(plan.account.decisions, sent=sent)).state == BASIS_NOT_PROVEN
    lots: Instance = replace(plan.instance, lots=("market.silver.lot",))
    account = PlanAccount(lots, plan.account.routes, plan.account.decisions)
    assert ExactBasis.build(account, compute_bounds(lots, account.routes), plan.duals, "cost").state == BASIS_NOT_PROVEN


def saved(plan: Plan, path: Path) -> SavedPlan:
    """Return the plan as it comes back from a folder of CSV."""
    write_folder(path, render_csv_folder(plan))
    return read_saved_plan(path)


def test_verify_computes_the_basis_again(tmp_path: Path) -> None:
    """From the decisions and prices of a saved plan alone the same exact optimum follows."""
    for seed in range(6):
        plan = planned(at_random(seed))
        if plan is not None:
            again = verify_plan(plan.instance, saved(plan, tmp_path / str(seed)))
            assert again.accepted
            assert again.certificate.exact_value == plan.certificate.exact_value is not None


def test_verify_believes_no_claim_of_a_basis() -> None:
    """A false exact value is a violation, a missing one is not."""
    plan = planned(loaded(plain()))
    assert plan is not None
    content = build_plan_object(plan)
    for claim, accepted in (
        ({"exact_value": "4499"}, False),
        ({"exact_value": None}, False),
        ({"basis": BASIS_NOT_PROVEN, "exact_value": "4499"}, False),
        ({"basis": BASIS_NOT_PROVEN, "exact_value": None}, True),
        ({"basis": "", "exact_value": None}, True),
    ):
        changed = content | {"certificate": content["certificate"] | claim}
        found = verify_plan(plan.instance, SavedPlan.model_validate(changed))
        assert found.accepted == accepted, claim
        assert accepted or [broken.path for broken in found.broken] == ["certificate.basis"]
