"""Derived values of a saved plan are accepted within rounding, and refused beyond."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.instance.test_accounting import nothing
from tests.model.cases import loaded, plain
from tests.proof.test_extensions_quantities import account as at_random

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.routes import build_routes, compute_route_costs
from medalopt.proof.derived import _compare_values, check_derived_values, check_marginal_values
from medalopt.proof.marginal import SUPPLY_MEANING, MarginalValue

ROW = SimpleNamespace


@cache
def account(done: bool) -> PlanAccount:
    """Return the account of tiny with random decisions, or of the plain instance with zero decisions."""
    if done:
        return at_random()
    instance = loaded(plain())
    return PlanAccount(instance, build_routes(instance), nothing(instance))


def _state_melts(of: PlanAccount) -> list[Any]:
    """Return the rows of the melts; 77 kg of each named metal, which no check derives."""
    instance, other = of.instance, of.charge - of.composition.sum(axis=1)
    return [
        ROW(alloy=alloy, metal=metal, period=period, kg=float(other[a, t]) if metal == "other" else 77.0)
        for a, alloy in enumerate(instance.alloys.names)
        for metal in (*instance.metals.names, "other", "zzz")
        for t, period in enumerate(instance.periods)
    ]


def stated(of: PlanAccount) -> Any:
    """Return a plan that states all values derived from an account."""
    instance, routes, made = of.instance, of.routes, of.decisions
    periods, smelters = instance.periods, (*instance.smelters.names, None)
    spent, bought = (
        compute_route_costs(instance, routes) * made.sent,
        instance.market.price.value[:, None, :] * made.bought,
    )
    ways = zip(*(part.tolist() for part in (routes.stream, routes.treatment, routes.smelter)), strict=True)
    names = [(instance.streams.names[i], instance.treatments.names[h], smelters[k]) for i, h, k in ways]
    return ROW(
        objective=ROW(unit="JPY", value=float(of.cost)),
        cost={kind: float(part.sum()) for kind, part in of.costs.items()} | {"total": float(of.cost)},
        footprint=float(of.footprint),
        tonnes=float(of.tonnes),
        shipments=[
            ROW(stream=name[0], treatment=name[1], smelter=name[2], period=period, cost=float(spent[j, t]))
            for j, name in enumerate(names)
            for t, period in enumerate(periods)
        ],
        purchases=[
            ROW(offer=offer, alloy=alloy, period=period, cost=float(bought[o, a, t]))
            for o, offer in enumerate(instance.market.names)
            for a, alloy in enumerate(instance.alloys.names)
            for t, period in enumerate(periods)
        ],
        metals=[
            ROW(
                metal=metal,
                period=period,
                returned=float(of.returned[:, e, t].sum()),
                used=float(made.charged[:, e, t].sum()),
                stock=float(of.stock[e, t]),
            )
            for e, metal in enumerate(instance.metals.names)
            for t, period in enumerate(periods)
        ],
        offer_stock=[],
        shortfall=[],
        charges=[],
        price_steps=[],
        feed_content=[],
        parties=[],
        risk=[],
        digests={},
        casts=[
            ROW(alloy=alloy, period=period, charged=float(of.charge[a, t]), cast=float(of.cast[a, t]))
            for a, alloy in enumerate(instance.alloys.names)
            for t, period in enumerate(periods)
        ],
        melts=_state_melts(of),
    )


def list_violations(of: PlanAccount, plan: Any, unit: str = "JPY") -> list[Any]:
    """Return the differences from the derived values."""
    return list(check_derived_values(of, plan, float(of.cost), unit))


def sizes(of: PlanAccount) -> dict[str, tuple[Callable[[Any], Any], str, str, str, float]]:
    """Return by name: the row or mapping, its member, rule and path, and the size that it is measured by."""
    instance, made, last = of.instance, of.decisions, len(of.instance.alloys.names) - 1
    paid = max(1.0, sum(abs(part).sum() for part in of.costs.values()))
    held = instance.metals.opening_stock.value[0] + of.returned[:, 0].sum()
    metal, alloy, first = instance.metals.names[0], instance.alloys.names[last], instance.periods[0]
    stream, offer = instance.streams.names[of.routes.stream[0]], instance.market.names[0]
    sent = max(1.0, float(abs(compute_route_costs(instance, of.routes) * made.sent).sum()))
    bought = max(1.0, float(abs(instance.market.price.value[:, None, :] * made.bought).sum()))
    cast, charge = of.cast[last], of.charge[last, 0]
    row = last * len(instance.periods)

    def other(plan: Any) -> Any:
        return next(row for row in plan.melts if (row.alloy, row.metal) == (alloy, "other"))

    return {
        "a cost": (lambda plan: plan.cost, "smelting", "cost", "cost.smelting", paid),
        "all costs": (lambda plan: plan.cost, "total", "cost", "cost.total", paid),
        "the objective": (
            *(lambda plan: plan.objective, "value", "objective", "objective.value"),
            max(paid, abs(of.cost)),
        ),
        "the footprint": (lambda plan: plan, "footprint", "footprint", "footprint", max(1.0, abs(of.footprint))),
        "the tonnes": (lambda plan: plan, "tonnes", "mass", "tonnes", max(1.0, of.tonnes)),
        "a shipment": (lambda plan: plan.shipments[0], "cost", "cost", f"shipments.cost, {stream}, {first}", sent),
        "a purchase": (lambda plan: plan.purchases[0], "cost", "cost", f"purchases.cost, {offer}, {first}", bought),
        **{
            f"metal {name}": (
                *(lambda plan: plan.metals[0], name, "metal balance"),
                f"metals.{metal}.{name}, {first}",
                max(1e-3, held),
            )
            for name in ("returned", "used", "stock")
        },
        **{
            f"alloy {name}": (
                *(lambda plan: plan.casts[row], name, "melt", f"casts.{alloy}.{name}, {first}"),
                max(1e-3, cast.sum(), true),
            )
            for name, true in (("charged", charge), ("cast", cast[0]))
        },
        "matter without a name": (other, "kg", "melt", f"melts.{alloy}.other, {first}", max(1e-3, charge)),
    }


@pytest.mark.parametrize("done", [True, False])
def test_what_follows_is_accepted(done: bool) -> None:
    """Derived values are accepted, for random and for zero decisions."""
    assert list_violations(account(done), stated(account(done))) == []


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("figure", sizes(account(True)))
def test_a_figure_may_be_off_by_rounding_alone(figure: str, done: bool) -> None:
    """A value may be off by 1e-9 of its reference size; beyond, it is reported with the derived value."""
    of = account(done)
    part, name, rule, path, size = sizes(of)[figure]
    for share, broken in ((0.97, False), (-0.97, False), (1.03, True), (-1.03, True)):
        plan = copy.deepcopy(stated(of))
        values = part(plan) if isinstance(part(plan), dict) else vars(part(plan))
        true, values[name] = values[name], values[name] + share * 1e-9 * size
        amounts = list_violations(of, plan)
        assert [(each.rule, each.path) for each in amounts] == ([(rule, path)] if broken else [])
        for each in amounts:
            assert each.amount == pytest.approx(1.03e-9 * size, rel=0.02)
            assert each.text.startswith(f"{path} is stated as {values[name]:.10g}, and its parts give {true:.10g}: ")


def test_what_is_missing_is_reported() -> None:
    """A kind of cost, another unit, a row of metals; a row of casts or of other matter that is not there is 0."""
    of = account(True)
    plan = stated(of)
    del plan.cost["residue"]
    assert [(each.path, each.amount) for each in list_violations(of, plan)] == [("cost", 0.0)]
    plan = stated(of)
    assert [(each.path, each.amount) for each in list_violations(of, plan, "USD")] == [("objective.unit", 0.0)]
    gone, wrong = plan.metals.pop(0), plan.metals[0]
    assert [(each.path, each.amount, each.unit) for each in list_violations(of, plan)] == [
        (f"metals.{gone.metal}", 0.0, "kg")
    ]
    wrong.stock += 1e6  # the next row of the same metal is looked at too
    paths = [f"metals.{gone.metal}", f"metals.{gone.metal}.stock, {wrong.period}"]
    assert [each.path for each in list_violations(of, plan)] == paths
    plan = stated(of)
    gone = plan.casts.pop(0)
    amounts = {each.path: each.amount for each in list_violations(of, plan)}
    assert amounts == {
        f"casts.{gone.alloy}.charged, {gone.period}": pytest.approx(gone.charged),
        f"casts.{gone.alloy}.cast, {gone.period}": pytest.approx(gone.cast),
    }
    plan = stated(of)
    gone = max((row for row in plan.melts if row.metal == "other"), key=lambda row: abs(row.kg))
    plan.melts.remove(gone)
    (one,) = list_violations(of, plan)
    assert (one.path, one.amount) == (f"melts.{gone.alloy}.other, {gone.period}", pytest.approx(abs(gone.kg)))


def test_a_row_of_nothing_is_reported_elsewhere() -> None:
    """Costs of unknown routes and offers are skipped here."""
    of = account(True)
    plan = stated(of)
    plan.shipments[0].stream, plan.purchases[0].offer = "nobody", "nothing"
    plan.shipments[1].cost = plan.purchases[1].cost = -1e12
    assert len(list_violations(of, plan)) == 2


def test_a_difference_is_reported_with_its_unit() -> None:
    """A difference is reported with the stated value, the derived value, their difference and unit."""
    (with_unit,) = _compare_values("rule", "path", 1.5, 1.0, 1.0, "kg")
    assert with_unit.text == "path is stated as 1.5, and its parts give 1: 0.5 kg apart"
    (without,) = _compare_values("rule", "path", 1.5, 1.0, 1.0, "")
    assert without.text == "path is stated as 1.5, and its parts give 1: 0.5 apart"
    assert list(_compare_values("rule", "path", 1e-9, 0.0, 1.0, "")) == []
    assert list(_compare_values("rule", "path", math.nextafter(1e-9, 1), 0.0, 1.0, "")) != []
    assert list(_compare_values("rule", "path", np.nan, 1.0, 1.0, "")) != []


def price(
    value: float, path: str = "a", period: str | None = None, unit: str = "JPY/t", meaning: str = "m"
) -> MarginalValue:
    """Return a marginal value."""
    return MarginalValue(path, period, value, unit, meaning)


def compare_marginals(follow: list[MarginalValue], say: list[MarginalValue]) -> list[tuple[str, float]]:
    """Return path and amount of each difference."""
    return [(each.path, each.amount) for each in check_marginal_values(follow, say)]


def test_marginal_values_follow() -> None:
    """Marginal values are compared relative to the largest of their meaning; a missing one counts as 0."""
    follow = [price(1e6), price(2.0, "b", "1"), price(1.0, "c", None, "JPY", "n")]
    assert compare_marginals(follow, list(reversed(follow))) == []
    assert compare_marginals(follow, [price(1e6), price(2.0009, "b", "1"), follow[2]]) == []
    assert compare_marginals(follow, [price(1e6), price(2.0, "b", "1"), price(1.0009, "c", None, "JPY", "n")]) == [
        ("prices.c", pytest.approx(0.0009))
    ]
    assert compare_marginals(follow, [price(1e6), price(2.5, "b", "1"), follow[2]]) == [("prices.b, 1", 0.5)]
    assert compare_marginals(follow, follow[:2]) == [("prices.c", 1.0)]
    assert compare_marginals(follow, [*follow, price(0.25, "d", "2", "JPY", "o")]) == [("prices.d, 2", 0.25)]
    assert compare_marginals([], [price(1e-18)]) == [] and compare_marginals([], [price(1.1e-18)]) == [
        ("prices.a", 1.1e-18)
    ]
    assert compare_marginals([price(1e-18)], []) == [] and compare_marginals([price(-1e6)], [price(-1e6 - 9e-4)]) == []


def test_a_marginal_value_is_reported_once_and_in_its_unit() -> None:
    """A repeated marginal value and a wrong unit are violations; supply has no marginal value."""
    one = price(1.0)
    assert compare_marginals([one], [one, one]) == [("prices.a", 0.0)]
    assert compare_marginals([one], [price(1.0, unit="USD/t")]) == [("prices.a", 0.0)]
    offered = price(3.0, "x", "1", "JPY/t", SUPPLY_MEANING)
    assert compare_marginals([one, offered], [one]) == compare_marginals([one], [one, offered]) == []
