"""The lower bound is valid for any prices, and equals the optimum at optimal ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from random import Random
from typing import Any

import pytest
from tests.model.cases import EXPECTED, MEASURES, at_random, conforming, planned

from medalopt.instance.bounds import VariableBounds, compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, build_routes
from medalopt.plan.plan import Plan
from medalopt.proof.bound import compute_lower_bound
from medalopt.proof.prices import Duals, build_prices

SEEDS = range(60)


def axes(instance: Instance) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return the names along the axes of each constraint family, whether a row exists or not."""
    periods, alloys, metals = instance.periods, instance.alloys.names, instance.metals.names
    smelters, streams, windows = instance.smelters.names, instance.streams.names, instance.policy.windows
    return {
        "feed_capacity": (smelters, periods),
        "treatment_capacity": (instance.treatments.names, periods),
        "cast_capacity": (alloys, periods),
        "balance": (metals, periods),
        "melt": (alloys, periods),
        "fineness_low": (alloys, metals, periods),
        "fineness_high": (alloys, metals, periods),
        "others": (alloys, periods),
        "demand": (alloys, periods),
        "purchase": (instance.market.names,),
        "stream_commitment": (streams,),
        "feed_total": (smelters,),
        "recycled": (metals,),
        "mix_low": (windows,),
        "mix_high": (windows,),
        "participation": (instance.regions,),
        "process_scrap": (alloys, periods),
        "supply": (streams, periods),
        "footprint_cap": (),
    }


def keys(along: tuple[tuple[str, ...], ...]) -> list[Any]:
    """Return the keys of one family's rows, as the model has them."""
    return [key if len(along) > 1 else key[0] for key in product(*along)] if along else [None]


def one_changed(instance: Instance, duals: Duals, random: Random) -> Iterator[Duals]:
    """Yield the plan's own prices with one price changed, or invented: in half of the families, up or down."""
    families = axes(instance)
    for name in random.sample(sorted(families), 10):
        along = families[name]
        places = keys(along)
        if places:
            place = random.choice(places)
            size = abs(random.choice([*filter(None, duals.get(name, {}).values()), 1.0]))
            change = random.choice((-size, 0.01 * size, 100 * size))
            yield {**duals, name: {**duals.get(name, {}), place: duals.get(name, {}).get(place, 0.0) + change}}


def all_changed(instance: Instance, duals: Duals, random: Random) -> Duals:
    """Return prices that are wrong everywhere: some forgotten, some turned round, all beside the mark."""
    known = [abs(value) for rows in duals.values() for value in rows.values() if value]
    width = random.choice((1e-6, 1e-2, 1.0)) * random.choice(known or [1.0])
    return {
        name: {
            key: random.choice((0.0, 1.0, -1.0)) * duals.get(name, {}).get(key, 0.0) + random.gauss(0, width)
            for key in keys(along)
        }
        for name, along in axes(instance).items()
    }


@cache
def figures(plan: Plan) -> tuple[Routes, VariableBounds]:
    """Return the routes of a plan's instance, and the bounds that hold in all its plans."""
    found = build_routes(plan.instance)
    return found, compute_bounds(plan.instance, found)


def proven(plan: Plan, duals: Duals) -> float:
    """Return the bound that `duals` give."""
    return compute_lower_bound(plan.instance, *figures(plan), build_prices(plan.instance, duals), plan.measure)


def slack(plan: Plan) -> float:
    """Return the rounding error allowed for the values of a plan."""
    return 1e-9 * max(1.0, sum(abs(cost) for cost in plan.costs.values()), abs(plan.objective))


def plans(measure: str) -> Iterator[tuple[str, Plan]]:
    """Yield the plans of the conformance instances and of the random ones."""
    named = {**conforming(), **{str(seed): at_random(seed) for seed in SEEDS}}
    for name, instance in named.items():
        plan = planned(instance, measure)
        if plan is not None:
            yield name, plan


@pytest.mark.parametrize("measure", MEASURES)
def test_no_prices_prove_more_than_is_true(measure: str) -> None:
    """The bound never exceeds the optimum, for prices of rows that exist or do not."""
    random = Random(f"any price, {measure}")
    for name, plan in plans(measure):
        wrong = [all_changed(plan.instance, plan.duals, random) for _ in range(2)]
        for duals in (*one_changed(plan.instance, plan.duals, random), *wrong):
            assert proven(plan, duals) <= plan.objective + slack(plan), name


@pytest.mark.parametrize("measure", MEASURES)
def test_the_prices_of_the_best_plan_prove_it(measure: str) -> None:
    """At the plan's own prices the bound equals the objective; without prices it is no better."""
    worse = 0
    for name, plan in plans(measure):
        assert abs(proven(plan, plan.duals) - plan.objective) <= slack(plan), name
        assert proven(plan, {}) <= plan.objective + slack(plan), name
        worse += proven(plan, {}) < plan.objective - slack(plan)
    assert worse > 20


def test_there_are_plans_enough() -> None:
    """The tests above cover some forty random plans and every conformance plan, for each objective."""
    for measure in MEASURES:
        names = [name for name, _ in plans(measure)]
        assert len(names) >= 45
        assert {name for name, answers in EXPECTED.items() if answers[measure]["status"] == "optimal"} <= set(names)
