"""The certificate accepts every right plan, and no NaN."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from tests.model.cases import EXPECTED, MEASURES, at_random, conformance, loaded, plain, planned

from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arithmetic import EXACT_ARITHMETIC, INTERVAL_ARITHMETIC
from medalopt.instance.bounds import compute_bounds
from medalopt.plan.plan import Plan
from medalopt.proof import certificate
from medalopt.proof.certificate import Certificate, certify_plan, prove_infeasibility, sum_absolute_costs
from medalopt.proof.extensions import ExtensionData, ExtensionTerm
from medalopt.tolerances import FEASIBILITY_TOLERANCE, GAP_TOLERANCE

SEEDS = range(100)


@pytest.mark.parametrize("measure", MEASURES)
def test_every_right_conformance_plan_is_accepted(measure: str) -> None:
    """Conformance instances have their expected optimum, verified, or are proven infeasible."""
    for name, answers in EXPECTED.items():
        plan = planned(conformance(name), measure)
        assert (plan is not None) == (answers[measure]["status"] == "optimal"), name
        if plan is not None:
            assert plan.certificate.optimal
            assert plan.objective == pytest.approx(answers[measure]["value"], rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("measure", MEASURES)
def test_every_right_random_plan_is_accepted(measure: str) -> None:
    """Each random instance has a verified plan or a proof of infeasibility."""
    plans = [plan for seed in SEEDS if (plan := planned(at_random(seed), measure)) is not None]
    assert len(plans) > 50
    assert all(plan.certificate.optimal for plan in plans)


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Return the plan of the plain case."""
    plan = planned(loaded(plain()))
    assert plan is not None
    return plan


PARTS = [
    field.name for field in fields(Decisions) if field.name not in ("purchased", "withheld", "missed", "left")
]  # that it has


def with_decisions(plan: Plan, decisions: Decisions) -> PlanAccount:
    """Return the plan's account with other decisions."""
    return PlanAccount(plan.instance, plan.account.routes, decisions)


@pytest.mark.parametrize("part", PARTS)
def test_what_is_no_number_is_accepted_nowhere(part: str, plan: Plan) -> None:
    """A single NaN among the decisions is neither without fault nor without a gap."""
    values = getattr(plan.account.decisions, part).copy()
    values.flat[-1] = np.nan
    account = with_decisions(plan, replace(plan.account.decisions, **{part: values}))
    certificate = certify_plan(account, compute_bounds(plan.instance, account.routes), plan.duals, "cost")
    assert np.isnan(certificate.primal_violation) and certificate.lower_bound == -np.inf
    assert not certificate.optimal


def test_what_is_no_number_among_purchases_into_stock_is_accepted_nowhere() -> None:
    """NaN among purchases of a storable offer gives neither 0 violation nor a finite gap."""
    document = plain()
    for offer in document["market"].values():
        offer["storable"] = True
    plan = planned(loaded(document))
    assert plan is not None and plan.certificate.optimal and plan.account.decisions.purchased.size
    values = plan.account.decisions.purchased.copy()
    values.flat[-1] = np.nan
    account = with_decisions(plan, replace(plan.account.decisions, purchased=values))
    certificate = certify_plan(account, compute_bounds(plan.instance, account.routes), plan.duals, "cost")
    assert np.isnan(certificate.primal_violation) and not certificate.optimal


def test_a_plan_that_costs_more_than_it_must_has_a_gap(plan: Plan) -> None:
    """Half as many tonnes again violate no constraint, and the gap is the excess cost."""
    made, found = plan.account.decisions, plan.account.routes
    more = 1.5 * made.sent
    surplus = made.surplus + (found.returned.T @ (more - made.sent))
    account = with_decisions(plan, replace(made, sent=more, surplus=surplus))
    certificate = certify_plan(account, compute_bounds(plan.instance, found), plan.duals, "cost")
    assert certificate.primal_violation <= FEASIBILITY_TOLERANCE
    assert certificate.gap == pytest.approx((account.cost - plan.cost) / sum_absolute_costs(account, "cost"), abs=1e-9)
    assert certificate.gap > GAP_TOLERANCE
    assert not certificate.optimal


def test_wrong_prices_prove_less(plan: Plan) -> None:
    """With half the prices, or none, the plan is feasible but not verified optimal."""
    bounds = compute_bounds(plan.instance, plan.account.routes)
    for share in (0.0, 0.5):
        duals = {name: {key: share * value for key, value in rows.items()} for name, rows in plan.duals.items()}
        certificate = certify_plan(plan.account, bounds, duals, "cost")
        assert certificate.lower_bound < plan.cost - 1
        assert not certificate.optimal


def test_a_gap_is_measured_by_all_that_is_paid() -> None:
    """The gap is relative to the sum of absolute costs and revenues, at least 1."""
    account = planned(conformance("c02")).account  # type: ignore[union-attr]
    assert account.costs["sales"].sum() < 0
    assert sum_absolute_costs(account, "cost") == pytest.approx(sum(abs(part).sum() for part in account.costs.values()))
    assert sum_absolute_costs(account, "footprint") == pytest.approx(account.footprint)
    assert sum_absolute_costs(account, "mass") == pytest.approx(account.tonnes)


def test_added_costs_count_in_what_is_paid(plan: Plan) -> None:
    """The gap is relative to all payments including added costs, in absolute values."""
    bounds = compute_bounds(plan.instance, plan.account.routes)
    for each in (100.0, -100.0):
        added = ExtensionData((), (), (ExtensionTerm("sent_device", ("phone",), each),))
        certificate = certify_plan(plan.account, bounds, {}, "cost", added=added)
        extra = each * float(plan.account.tonnes)
        off = plan.cost + extra - certificate.lower_bound
        assert certificate.gap == pytest.approx(off / (sum_absolute_costs(plan.account, "cost") + abs(extra)))


def test_few_routes_and_periods_are_proven_in_fractions(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as are few are; one more is enclosed, and so it is with multipliers that refute."""
    bounds, few = compute_bounds(plan.instance, plan.account.routes), plan.account.decisions.sent.size
    for most, arithmetic in ((few, EXACT_ARITHMETIC), (few - 1, INTERVAL_ARITHMETIC)):
        monkeypatch.setattr(certificate, "EXACT_SIZE_LIMIT", most)
        assert certify_plan(plan.account, bounds, plan.duals, "cost").arithmetic == arithmetic.name
        assert prove_infeasibility(plan.instance, plan.duals).arithmetic == arithmetic.name


def test_what_a_certificate_allows_to_be_said() -> None:
    """A thousand-millionth of violation or gap may be left, no more; without a bound a plan is not even feasible."""
    beyond = math.nextafter(1e-9, 1)
    for violation, gap, feasible, optimal in (
        (0.0, 0.0, True, True),
        (1e-9, 1e-9, True, True),
        (beyond, 0.0, False, False),
        (0.0, beyond, True, False),
        (0.0, 1e300, True, False),
        (0.0, math.inf, False, False),
        (math.nan, 0.0, False, False),
        (0.0, math.nan, False, False),
    ):
        found = Certificate(violation, 0.0, gap, "", "")
        assert (found.feasible, found.optimal) == (feasible, optimal)


def test_a_gap_beside_little_is_reported_in_full(plan: Plan) -> None:
    """If payments sum to less than 1, the gap is the absolute difference."""
    bounds = compute_bounds(plan.instance, plan.account.routes)
    for share in (1e-9, 0.0):
        made = replace(plan.account.decisions, sent=share * plan.account.decisions.sent)
        account = with_decisions(plan, made)
        certificate = certify_plan(account, bounds, plan.duals, "cost")
        assert sum_absolute_costs(account, "cost") < 1
        assert certificate.gap == pytest.approx(account.cost - plan.cost, rel=1e-9)
