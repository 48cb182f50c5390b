"""Unused stock changes no byte; a further choice never increases the cost."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from tests.laws import pool
from tests.random_instances import Case, as_text, document, with_stock

from medalopt import Plan
from medalopt.report.render.csv import render_csv_folder
from medalopt.report.render.json import build_plan_object, render_json

SEEDS = pool.seeds(lambda content: bool(content.get("market")), 8)


def solved(content: dict[str, Any]) -> Plan | None:
    """Return the plan of an instance given as a plain mapping; None where there is none."""
    return pool.solved(pool.read(Case({"instance.yaml": as_text(content)})))


@cache
def plain(seed: int) -> Plan | None:
    """Return the plan of the random instance number `seed`."""
    return solved(document(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_asked_for_changes_no_byte(seed: int) -> None:
    """A holding of 0 and `storable: false` give the plan that leaving them out gives."""
    content, before = document(seed), plain(seed)
    for alloy in content["alloys"].values():
        alloy["holding"] = 0
    for offer in content["market"].values():
        offer["storable"] = False
    after = solved(content)
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        one, other = (build_plan_object(plan) for plan in (before, after))
        assert one["instance"].pop("files") != other["instance"].pop("files")
        assert render_json(one) == render_json(other)
        assert render_csv_folder(before).keys() == render_csv_folder(after).keys()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_choice_more_costs_nothing(seed: int) -> None:
    """Offers that may be stocked never make a plan dearer, and castings that cost something never make it cheaper."""
    storable, held = document(seed), document(seed)
    for offer in storable["market"].values():
        offer["storable"] = True
    for alloy in held["alloys"].values():
        alloy["holding"] = "300 JPY/kg"
    before, free, dear = plain(seed), solved(storable), solved(held)
    assert pool.value(free) <= pool.value(before) + pool.slack(before, free)
    assert pool.value(before) <= pool.value(dear) + pool.slack(before, dear)


def test_stock_is_used() -> None:
    """On random instances some offers wait in stock, and some castings, though both cost something."""
    plans = [plan for seed in range(40) if (plan := pool.stocked(seed)) is not None]
    assert sum(bool((plan.account.offer_stock > 1e-6).any()) for plan in plans) >= 3
    assert all(plan.status == "optimal" for plan in plans)
    assert with_stock(SEEDS[0])["market"] != document(SEEDS[0])["market"]


def test_what_is_bought_is_read_back() -> None:
    """A saved plan with stocked offers reads back as solved, by offer and period."""
    plans = (plan for seed in range(40) if (plan := pool.stocked(seed)) is not None)
    plan = next(plan for plan in plans if (plan.account.offer_stock > 1e-6).any())
    frame, account = plan.offer_stock, plan.account
    assert frame["bought [kg]"].sum() - frame["charged [kg]"].sum() == pytest.approx(account.offer_stock[:, -1].sum())
    assert frame["cost [JPY]"].sum() + plan.purchases["cost [JPY]"].sum() == pytest.approx(plan.costs["purchases"])
    assert set(plan.offer_charges["offer"]) == set(frame["offer"]) and not set(plan.purchases["offer"]) & set(
        frame["offer"]
    )
