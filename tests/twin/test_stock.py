"""Castings in stock on random instances: Pyomo with HiGHS against MathProg with GLPK."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyomo.core as pyo
import pytest
from tests.random_instances import as_text, with_stock
from tests.twin import glpk, names

import medalopt
from medalopt.errors import NoPlanError
from medalopt.export import write_mathprog
from medalopt.instance.instance import Instance

SEEDS = range(60)


def loaded(seed: int) -> Instance:
    """Return the random instance number `seed` in which stock costs something, read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instance.yaml"
        path.write_text(as_text(with_stock(seed)), encoding="utf-8")
        return medalopt.load(path)


@pytest.mark.parametrize("seed", SEEDS)
def test_both_ways_find_the_same_plan_with_stock(seed: int) -> None:
    """The same rows and columns, the same status, and optima within 1e-9 of what is paid."""
    instance = loaded(seed)
    answer, model = glpk.solve(write_mathprog(instance)), medalopt.build(instance)
    assert names.of_mathprog(answer.rows, instance) == names.of_pyomo(model, pyo.Constraint)
    assert names.of_mathprog(answer.columns, instance) == names.of_pyomo(model, pyo.Var)
    try:
        plan = medalopt.solve(instance)
    except NoPlanError:
        assert answer.status == "infeasible"
    else:
        assert plan.status == "optimal"
        assert answer.objective is not None
        assert plan.objective == pytest.approx(answer.objective, rel=0, abs=1e-9 * max(1, answer.paid))


def test_these_instances_have_teeth() -> None:
    """In many of them castings wait although it costs something."""
    waiting = 0
    for seed in SEEDS:
        instance = loaded(seed)
        if medalopt.build(instance).component("cast_stock") is None:
            continue
        try:
            plan = medalopt.solve(instance)
        except NoPlanError:
            continue
        waiting += bool((plan.account.cast_stock * instance.alloys.holding.value > 1e-6).any())
    assert waiting >= 5
