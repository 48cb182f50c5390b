"""Whole lots and minimum orders on random instances: Pyomo with HiGHS against MathProg with GLPK's branch and cut."""

from __future__ import annotations

import pyomo.core as pyo
import pytest
from tests.instances_at_random.figures import Document
from tests.laws import pool
from tests.model.cases import loaded
from tests.random_instances import with_activities, with_branched_activities, with_lots
from tests.twin.agreement import assert_twins_agree

import medalopt
from medalopt.errors import NoPlanError
from medalopt.instance.lot_relaxation import drop_lot_constraints, spread_charges
from medalopt.model.lots import INTEGER_VARIABLES

MOST = 24  # integers, at most: with more, GLPK's branch and cut may take minutes


def count_uses(content: Document) -> int:
    """Return how many integers the lots of feed and fixed charges of an instance take, at most."""
    smelters, periods = content.get("smelters", {}).values(), int(content.get("periods", {}).get("count", 1))
    lines = [line for smelter in smelters for line in (smelter, *smelter.get("terms", {}).values())]
    lotted = sum(("minimum_lot" in line) or ("lot_charge" in line) for line in lines)
    members = [*smelters, *content.get("treatments", {}).values(), *content.get("market", {}).values()]
    return periods * lotted + sum("fixed_charge" in member for member in [*members, *content.get("streams", [])])


def count_integers(content: Document) -> int:
    """Return how many integers the lots and minimum orders of an instance take, at most."""
    rows = [*content.get("streams", []), *content.get("market", {}).values()]
    orders = sum((field in row) for row in rows for field in ("lot", "minimum_order"))
    return int(content.get("periods", {}).get("count", 1)) * orders


SEEDS = [seed for seed in range(80) if count_integers(with_lots(seed)) <= MOST]


@pytest.mark.parametrize("seed", SEEDS)
def test_both_ways_find_the_same_plan_in_whole_lots(seed: int) -> None:
    """The same rows and columns, the same status, and the same value within GLPK's tolerance for an integer."""
    assert_twins_agree(loaded(with_lots(seed)))


USED_SEEDS = [seed for seed in range(40) if count_uses(with_activities(seed)) <= MOST]


@pytest.mark.parametrize("seed", USED_SEEDS)
def test_both_ways_use_the_same_contracts(seed: int) -> None:
    """With lots of feed and fixed charges the same rows and columns, the same status and the same value."""
    assert_twins_agree(loaded(with_activities(seed)))


BRANCHED_SEEDS = [seed for seed in range(70) if count_uses(with_branched_activities(seed)) <= MOST]


@pytest.mark.parametrize("seed", BRANCHED_SEEDS)
def test_fractions_and_prices_by_period_in_lots(seed: int) -> None:
    """Fractions or prices by period with lots agree; with charges pro rata both methods find the same optimum."""
    instance = loaded(with_branched_activities(seed))
    assert_twins_agree(instance)
    relaxed = drop_lot_constraints(spread_charges(instance))
    if relaxed.terms.pooled.any():
        return  # not for the decomposition
    plan = pool.solved(relaxed)
    if plan is None:
        with pytest.raises(NoPlanError):
            medalopt.solve(relaxed, method="decomposition")
        return
    other = medalopt.solve(relaxed, method="decomposition")
    assert abs(plan.objective - other.objective) <= pool.slack(plan, other)


def test_these_instances_have_teeth() -> None:
    """At least forty have lots, and every row and column of family 13 is in some; no others are whole numbers."""
    cases = [loaded(with_lots(seed)) for seed in SEEDS]
    assert sum(bool(case.lots) for case in cases) >= 40
    models = [medalopt.build(case) for case in (*cases, *(loaded(with_activities(seed)) for seed in USED_SEEDS))]
    for model in models:
        for column in model.component_data_objects(pyo.Var):
            assert column.is_continuous() == (column.parent_component().local_name not in INTEGER_VARIABLES)
    parts = {part.local_name for model in models for part in model.component_objects((pyo.Var, pyo.Constraint))}
    rows = {f"{side}{row}" for side in ("", "offer_") for row in ("whole_lots", "least_order", "most_order")}
    assert rows | {"shipped", "define_shipped", "lots", "ordered", "offer_lots", "offer_ordered"} <= parts
