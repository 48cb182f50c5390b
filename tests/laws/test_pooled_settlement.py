"""Pooled settlement: equal without deductions, different where feeds differ."""

from __future__ import annotations

from typing import Any

import pytest
from tests.laws import pool
from tests.laws.answer import answer
from tests.model.cases import changed, loaded
from tests.random_instances import Document, with_pools

import medalopt
from medalopt.errors import NoPlanError


def by(lot: str, content: Document, **terms: Any) -> Document:
    """Return the instance with this `settlement_lot` at every smelter, and nowhere else."""
    smelters = {}
    for name, smelter in content.get("smelters", {}).items():
        lines = {
            line: {k: v for k, v in one.items() if k not in terms} for line, one in smelter.get("terms", {}).items()
        }
        smelters[name] = {**smelter, **({"terms": lines} if lines else {}), **terms, "settlement_lot": lot}
    return {**content, **({"smelters": smelters} if smelters else {})}


def without_pools(seed: int) -> Document:
    """Return the random instance with pools, none of them pooled."""
    content = with_pools(seed)
    for smelter in content.get("smelters", {}).values():
        for one in (smelter, *smelter.get("terms", {}).values()):
            one.pop("settlement_lot", None)
    return content


def two_feeds(lot: str) -> Document:
    """Return a tonne at 20 g/t and one at 2,000 g/t, of which 95 % is returned, less 30 g/t; 1,919 g are needed."""
    return changed(
        periods=None,
        metals={"Ag": {}},
        devices={"poor": {"content": {"Ag": "20 g/t"}}, "rich": {"content": {"Ag": "2_000 g/t"}}},
        streams=[{"device": name, "region": "north", "available": "1 t"} for name in ("poor", "rich")],
        smelters={"smelter": {"returned": "95 %", "deduction": {"Ag": "30 g/t"}, "settlement_lot": lot}},
        market=None,
        alloys={"silver": {"composition": {"Ag": "100 %"}}},
        medals={"medal": {"count": 1919, "parts": {"silver": "1 g"}}},
    )


@pytest.mark.parametrize("seed", range(8))
def test_route_is_the_default(seed: int) -> None:
    """`settlement_lot: route` gives the bytes of a plan in which it is left out."""
    content = without_pools(seed)
    assert answer(loaded(by("route", content))) == answer(loaded(content))


@pytest.mark.parametrize("seed", range(20))
def test_without_deductions_both_are_the_same(seed: int) -> None:
    """Without deductions pooling has no effect: the same cost or infeasible, and no metal withheld."""
    apart, together = (pool.solved(loaded(by(lot, without_pools(seed), deduction=0))) for lot in ("route", "pooled"))
    assert (apart is None) == (together is None)
    if apart is not None and together is not None:
        assert together.objective == pytest.approx(apart.objective, rel=0, abs=pool.slack(apart, together))
        assert not together.account.decisions.withheld.any()


def test_one_lot_returns_what_two_do_not() -> None:
    """min(0.95 · 2,020 g, 2,020 g − 60 g) = 1,919 g come back of one lot; of two 0 and 1,900 g, which is too little."""
    with pytest.raises(NoPlanError) as caught:
        medalopt.solve(loaded(two_feeds("route")))
    assert caught.value.proof is not None and caught.value.proof.holds
    plan = medalopt.solve(loaded(two_feeds("pooled")))
    assert plan.certificate.optimal and plan.certificate.basis == "proven"
    assert plan.account.returned.sum() == pytest.approx(1.919, rel=1e-12)
    with pytest.raises(NoPlanError) as caught:
        medalopt.solve(
            loaded({**two_feeds("pooled"), "medals": {"medal": {"count": 1920, "parts": {"silver": "1 g"}}}})
        )
    assert caught.value.proof is not None and caught.value.proof.holds


def test_a_lot_must_hold_its_deduction() -> None:
    """Committed poor feed is infeasible as a lot by itself, and returns 0 as a route."""
    content = two_feeds("pooled")
    content["streams"] = [{"device": "poor", "region": "north", "available": "1 t", "committed": "1 t"}]
    content["market"] = {"bars": {"composition": {"Ag": "100 %"}, "price": "1 JPY/kg"}}
    with pytest.raises(NoPlanError):
        medalopt.solve(loaded(content))
    content["smelters"]["smelter"]["settlement_lot"] = "route"
    assert medalopt.solve(loaded(content)).cost == pytest.approx(1.919)


@pytest.mark.parametrize("seed", range(24))
def test_both_ways_agree(seed: int) -> None:
    """The decomposition, whose master problem holds the streams of pooled lots, finds the same optimum."""
    instance = loaded(with_pools(seed))
    if not instance.lots:
        pool.assert_decomposition_agrees(instance, pool.solved(instance))


def test_these_instances_have_teeth() -> None:
    """In some of the random instances something is withheld, and pooling changes the cost both up and down."""
    changes = []
    for seed in range(40):
        apart, together = (pool.solved(loaded(by(lot, without_pools(seed)))) for lot in ("route", "pooled"))
        if apart is not None and together is not None:
            changes.append(together.objective - apart.objective)
    assert min(changes) < -1 and max(changes) > 1
