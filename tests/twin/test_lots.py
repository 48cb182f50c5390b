"""Whole lots and minimum orders on random instances: Pyomo with HiGHS against MathProg with GLPK's branch and cut."""

from __future__ import annotations

import pyomo.core as pyo
import pytest
from tests.instances_at_random.figures import Document
from tests.model.cases import loaded
from tests.random_instances import with_lots
from tests.twin.agreement import assert_twins_agree

import medalopt
from medalopt.model.lots import INTEGER_VARIABLES

MOST = 24  # integers, at most: with more, GLPK's branch and cut may take minutes


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


def test_these_instances_have_teeth() -> None:
    """At least forty have lots, and every row and column of family 13 is in some; no others are whole numbers."""
    cases = [loaded(with_lots(seed)) for seed in SEEDS]
    assert sum(bool(case.lots) for case in cases) >= 40
    models = [medalopt.build(case) for case in cases]
    for model in models:
        for column in model.component_data_objects(pyo.Var):
            assert column.is_continuous() == (column.parent_component().local_name not in INTEGER_VARIABLES)
    parts = {part.local_name for model in models for part in model.component_objects((pyo.Var, pyo.Constraint))}
    rows = {f"{side}{row}" for side in ("", "offer_") for row in ("whole_lots", "least_order", "most_order")}
    assert rows | {"shipped", "define_shipped", "lots", "ordered", "offer_lots", "offer_ordered"} <= parts
