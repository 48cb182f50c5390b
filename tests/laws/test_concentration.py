"""Concentration: 100 % is no limit; a share holds for every partner, at any scale; both ways of solving agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.laws import pool
from tests.laws.answer import answer
from tests.model.cases import ROOT, loaded
from tests.random_instances import Document, with_concentration

import medalopt
from medalopt.analysis.explain.explanation import explain_plan
from medalopt.errors import NoPlanError
from medalopt.plan.plan import Plan

BY_HAND = ROOT / "tests" / "planted" / "instances" / "concentration.yaml"


def limited(seed: int, **shares: Any) -> Document:
    """Return the random instance with these limits in place of its own."""
    content = with_concentration(seed)
    policy = {key: value for key, value in content["policy"].items() if key != "concentration"}
    return {**content, "policy": policy | ({"concentration": shares} if shares else {})}


def shares(plan: Plan) -> dict[str, tuple[float, float]]:
    """Return by kind of partner its limit and the greatest share that one has."""
    account, policy = plan.account, plan.instance.policy
    regional = np.zeros(len(plan.instance.regions))
    np.add.at(regional, plan.instance.streams.region, account.sent)
    totals = {"smelters": account.feed.sum(axis=1), "regions": regional, "offers": account.bought}
    return {
        name: (
            float(getattr(policy, f"concentration_{name}").value),
            float(each.max(initial=0) / max(each.sum(), 1e-12)),
        )
        for name, each in totals.items()
    }


@pytest.mark.parametrize("seed", range(6))
def test_a_limit_of_everything_is_none(seed: int) -> None:
    """Limits of 100 % give the bytes of a plan without them."""
    assert answer(loaded(limited(seed, smelters="100 %", regions=1, offers="100 %"))) == answer(loaded(limited(seed)))


def test_the_plan_by_hand() -> None:
    """The instance computed in its file: optimum, binding limits, and the saving per percentage point."""
    instance = medalopt.load(BY_HAND)
    plan = medalopt.solve(instance)
    assert plan.certificate.optimal and plan.certificate.basis == "proven"
    assert plan.cost == pytest.approx(5100, rel=1e-9)
    assert shares(plan) == {name: (most, pytest.approx(most)) for name, (most, _) in shares(plan).items()}
    bound = {row.paths[0]: row.saves for row in explain_plan(plan).binding}
    for name in ("smelters", "regions", "offers"):
        path = f"policy.concentration.{name}"
        by = 1e-4
        most = float(getattr(instance.policy, f"concentration_{name}").value)
        less = plan.cost - medalopt.solve(medalopt.load(BY_HAND, {path: f"{100 * (most + by)} %"})).cost
        assert bound[path] == pytest.approx(0.01 * less / by, rel=1e-2)


@pytest.mark.parametrize("seed", range(20))
def test_no_partner_has_more_and_both_ways_agree(seed: int) -> None:
    """Of random instances every limit holds, and the decomposition finds the same optimum, or by either no plan."""
    instance = loaded(with_concentration(seed))
    plan = pool.solved(instance)
    if not instance.lots:
        pool.assert_decomposition_agrees(instance, plan)
    if plan is not None:
        assert all(share <= most + 1e-9 for most, share in shares(plan).values())


def test_below_equal_shares_nothing_is_possible() -> None:
    """With two smelters limited to 40 % no feed is possible; without purchases it is infeasible."""
    plan = medalopt.solve(medalopt.load(BY_HAND, {"policy.concentration.smelters": "40 %"}))
    assert not plan.account.feed.any() and plan.cost == pytest.approx(9500)
    changes = {"policy.concentration.smelters": "40 %", "policy.concentration.offers": "30 %"}
    with pytest.raises(NoPlanError) as caught:
        medalopt.solve(medalopt.load(BY_HAND, changes))
    assert caught.value.proof is not None and caught.value.proof.holds
