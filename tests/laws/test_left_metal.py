"""Metal left with smelters costs the same as surplus of the project at equal prices; both methods agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.laws import pool
from tests.laws.answer import answer
from tests.model.cases import loaded
from tests.random_instances import Document, document, with_settlement


def owned(content: Document, title: str, **terms: Any) -> Document:
    """Return the instance with this title to surplus of every metal, no sales, and these terms of every smelter."""
    metals = {
        name: {key: value for key, value in metal.items() if key not in ("sell", "surplus")} | {"surplus": title}
        for name, metal in content["metals"].items()
    }
    smelters = {}
    for name, smelter in content.get("smelters", {}).items():
        kept = {key: value for key, value in smelter.items() if key not in ("pays", *terms)}
        if "terms" in kept:
            kept["terms"] = {
                line: {key: value for key, value in one.items() if key not in ("pays", *terms)}
                for line, one in kept["terms"].items()
            }
        smelters[name] = {**kept, **terms}
    return {**content, "metals": metals, **({"smelters": smelters} if smelters else {})}


@pytest.mark.parametrize("seed", range(6))
def test_project_is_the_default(seed: int) -> None:
    """`surplus: project` and prices of 0 give the bytes of a plan in which both are left out."""
    content = document(seed)
    stated = {
        **content,
        "metals": {name: {**metal, "surplus": "project"} for name, metal in content["metals"].items()},
    }
    for smelter in stated.get("smelters", {}).values():
        smelter["pays"] = {"Au": 0, "Ag": "0 JPY/g"}
    assert answer(loaded(stated)) == answer(loaded(document(seed)))


@pytest.mark.parametrize("price", [0, 40_000])
@pytest.mark.parametrize("seed", range(12))
def test_left_at_a_price_is_sold_at_that_price(seed: int, price: int) -> None:
    """Without refining charges a smelter's price for metal left, in every period, is a selling price."""
    content = with_settlement(seed)
    mine = owned(content, "project", refining_charge=0)
    theirs = owned(content, "smelter", refining_charge=0)
    for metal in content["metals"]:
        mine["metals"][metal] |= {"sell": price, "holding": "1 JPY/kg", "opening_stock": 0}
        theirs["metals"][metal] |= {"holding": "1 JPY/kg", "opening_stock": 0}
    for smelter in theirs.get("smelters", {}).values():
        smelter["pays"] = dict.fromkeys(content["metals"], price)
    plans = [pool.solved(loaded(one)) for one in (mine, theirs)]
    assert (plans[0] is None) == (plans[1] is None)
    if plans[0] is not None and plans[1] is not None:
        assert plans[0].objective == pytest.approx(plans[1].objective, rel=0, abs=pool.slack(*plans))


@pytest.mark.parametrize("seed", range(20))
def test_both_ways_agree_and_the_account_adds_up(seed: int) -> None:
    """Of random instances decomposition finds the same optimum; costs by shipment and sales add up to those by kind."""
    instance = loaded(with_settlement(seed))
    plan = pool.solved(instance)
    if not instance.lots and not instance.terms.pooled.any():
        pool.assert_decomposition_agrees(instance, plan)
    if plan is None:
        return
    account = plan.account
    assert (account.decisions.left <= account.credited_by_line * (1 + 1e-9) + 1e-12).all()
    kinds = ("supply", "collection", "treatment", "transport", "smelting", "refining", "residue")
    spent, size = (sum(f(account.costs[kind]).sum() for kind in kinds) for f in (np.asarray, np.abs))
    assert account.shipment_costs.sum() == pytest.approx(spent, rel=0, abs=1e-9 * max(1.0, size))


def test_these_instances_have_teeth() -> None:
    """In the random instances metal is both called back and left, of one line and metal."""
    both = 0
    for seed in range(20):
        plan = pool.solved(loaded(with_settlement(seed)))
        if plan is not None and len(plan.account.decisions.left):
            left, credited = plan.account.decisions.left, plan.account.credited_by_line
            both += bool(((left > 1e-6 * credited) & (left < (1 - 1e-6) * credited)).any())
    assert both > 3
