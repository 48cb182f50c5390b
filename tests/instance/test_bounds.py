"""Bounds that no plan can pass: by hand, and on every plan there is."""

from __future__ import annotations

import numpy as np
from tests.model.cases import MEASURES, ROOT, at_random, changed, conforming, loaded, planned

import medalopt
from medalopt.instance.arrays import ExactArray
from medalopt.instance.bounds import bound_metal_charged, compute_bounds
from medalopt.instance.routes import build_routes


def test_bounds_of_supply_by_hand() -> None:
    """10 t in the first period, of which 4 t may wait; a stream that may not wait has no stockpile."""
    instance = medalopt.load(ROOT / "tests" / "model" / "golden" / "supply.yaml")
    bounds = compute_bounds(instance, build_routes(instance))
    names = ("boxed", "phone@north", "phone@south", "tube@south", "tube@west")
    assert instance.streams.names == names
    assert bounds.stockpile.tolist() == [[0, 0], [4, 4], [0, 0], [0, 0], [2, 2]]
    assert bounds.sent.tolist() == [[5, 6], [10, 4], [0, 7], [9, 9], [2, 2]]


def test_bounds_of_metal_by_hand() -> None:
    """2.5 kg at the opening; at 1 kg/t, 90 % from 20 t a period: at once from `near`, and not twice from `far`."""
    instance = medalopt.load(ROOT / "tests" / "model" / "golden" / "metal_balance.yaml")
    found = build_routes(instance)
    bounds = compute_bounds(instance, found)
    assert np.allclose(bounds.stock, [[2.5 + 18, 2.5 + 36], [0, 90 * 20], [0, 0]])
    exact = compute_bounds(instance, build_routes(instance, ExactArray.exact), ExactArray.exact)
    assert exact.stock.tolist() == [[20.5, 38.5], [0, 1800], [0, 0]]


def test_of_what_is_not_owed_nothing_is_cast() -> None:
    """An alloy that no medal asks for has bounds of 0, its process scrap as well."""
    scrap = {"share": "20 %", "returned": "50 %"}
    idle = {"composition": {"Ag": "100 %"}, "scrap": scrap}
    alloys = {"idle": idle, "silver": {"composition": {"Ag": ["90 %", "100 %"]}}}
    instance = loaded(changed(alloys=alloys))
    bounds = compute_bounds(instance, build_routes(instance))
    assert bounds.cast.tolist() == bounds.charge.tolist() == [0, 5]
    assert bounds.scrap.tolist() == [0, 0]


def test_bounds_of_the_foundry_by_hand() -> None:
    """1 kg of silver is 60 % of the cast, 98 % of the charge; one fifth is scrap."""
    instance = medalopt.load(ROOT / "tests" / "model" / "golden" / "melt.yaml")
    bounds = compute_bounds(instance, build_routes(instance))
    assert instance.alloys.names == ("plate", "silver", "zinc")
    assert np.allclose(bounds.cast, [1, 1 / 0.6, 1])
    assert np.allclose(bounds.charge, [1, 1 / 0.6 / 0.98, 1])
    assert np.allclose(bounds.scrap, [0, 0.2 / 0.6, 0])
    assert np.allclose(
        bound_metal_charged(instance, build_routes(instance), bounds), [1 + 1 / 0.6 / 0.98, 1 / 0.6 / 0.98, 0]
    )


def test_no_plan_passes_a_bound() -> None:
    """Every quantity of every plan, under each objective, is within its implied bound."""
    for instance in (*conforming().values(), *map(at_random, range(40))):
        bounds = compute_bounds(instance, build_routes(instance))
        for measure in MEASURES:
            plan = planned(instance, measure)
            if plan is not None:
                account, made = plan.account, plan.account.decisions
                for value, most in (
                    (made.sent, bounds.sent[account.routes.stream]),
                    (made.stockpile, bounds.stockpile),
                    (account.stock, bounds.stock),
                    (made.surplus, bounds.stock),
                    (account.cast, bounds.cast[:, None]),
                    (made.charged.sum(axis=1), bounds.charge[:, None]),
                    (made.bought.sum(axis=0), bounds.charge[:, None]),
                    (made.recharged, np.minimum(bounds.charge, bounds.scrap)[:, None]),
                    (account.scrap, bounds.scrap[:, None]),
                ):
                    assert (value <= most * (1 + 1e-9) + 1e-12).all()


def test_bounds_are_reached() -> None:
    """They are no wider than they must be: a case in which all there is, is sent, cast and left over."""
    document = changed(market=None, metals={"Ag": {"sell": "1e6 JPY/kg"}, "Cu": {"sell": "1e6 JPY/kg"}})
    plan = planned(loaded(document))
    assert plan is not None
    bounds = compute_bounds(plan.instance, plan.account.routes)
    assert np.allclose(plan.account.decisions.sent, bounds.sent)
    assert np.allclose(plan.account.cast.sum(axis=1), bounds.cast)
    assert np.allclose(plan.account.returned.sum(axis=(0, 2)), bounds.stock[:, -1])
