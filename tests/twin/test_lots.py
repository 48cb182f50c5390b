"""Whole lots and minimum orders on random instances: Pyomo with HiGHS against MathProg with GLPK's branch and cut."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

import pyomo.core as pyo
import pytest
from tests.instances_at_random.figures import Document
from tests.random_instances import as_text, document
from tests.twin import glpk, names

import medalopt
from medalopt.errors import NoPlanError
from medalopt.export import write_mathprog
from medalopt.instance.instance import Instance
from medalopt.model.lots import INTEGER_VARIABLES

TOO_LONG = {19, 26, 27, 30, 34}  # GLPK does not come to an end with these within some seconds
SEEDS = [seed for seed in range(55) if seed not in TOO_LONG]


def ordered(seed: int) -> Document:
    """Return the random instance number `seed` with lots and minimum orders."""
    content, random = document(Random(seed)), Random(seed + 10**6)
    for stream in content.get("streams", []):
        if random.random() < 0.6:
            stream["lot"] = f"{random.choice((0.1, 0.25, 0.4, 1, 1.5))} t"
        if random.random() < 0.4:
            stream["minimum_order"] = f"{random.choice((0.3, 0.75, 2))} t"
    for offer in content.get("market", {}).values():
        if random.random() < 0.5:
            offer["lot"] = f"{random.choice((0.05, 0.2, 0.5))} kg"
        if random.random() < 0.4:
            offer["minimum_order"] = f"{random.choice((0.2, 1))} kg"
    return content


def loaded(seed: int) -> Instance:
    """Return it read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instance.yaml"
        path.write_text(as_text(ordered(seed)), encoding="utf-8")
        return medalopt.load(path)


@pytest.mark.parametrize("seed", SEEDS)
def test_both_ways_find_the_same_plan_in_whole_lots(seed: int) -> None:
    """The same rows and columns, the same status, and the same value within GLPK's tolerance for a whole number."""
    instance = loaded(seed)
    answer, model = glpk.solve_whole(write_mathprog(instance)), medalopt.build(instance)
    assert names.of_mathprog(answer.rows, instance) == names.of_pyomo(model, pyo.Constraint)
    assert names.of_mathprog(answer.columns, instance) == names.of_pyomo(model, pyo.Var)
    try:
        plan = medalopt.solve(instance)
    except NoPlanError:
        assert answer.status == "infeasible"
    else:
        assert plan.certificate.feasible and not plan.stopped
        assert plan.objective == pytest.approx(answer.objective, rel=1e-7, abs=1e-6)


def test_these_instances_have_teeth() -> None:
    """At least forty have lots, and every row and column of family 13 is in some; no others are whole numbers."""
    cases = [loaded(seed) for seed in SEEDS]
    assert sum(bool(case.lots) for case in cases) >= 40
    models = [medalopt.build(case) for case in cases]
    for model in models:
        for column in model.component_data_objects(pyo.Var):
            assert column.is_continuous() == (column.parent_component().local_name not in INTEGER_VARIABLES)
    parts = {part.local_name for model in models for part in model.component_objects((pyo.Var, pyo.Constraint))}
    rows = {f"{side}{row}" for side in ("", "offer_") for row in ("whole_lots", "least_order", "most_order")}
    assert rows | {"shipped", "define_shipped", "lots", "ordered", "offer_lots", "offer_ordered"} <= parts
