"""Pyomo with HiGHS against MathProg with GLPK, on random instances: two formulations, two solvers."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from pathlib import Path

import pyomo.core as pyo
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.random_instances import Case, as_text, from_seed, instances, with_pools, with_stock
from tests.twin import glpk, names

import medalopt
from medalopt.errors import NoPlanError
from medalopt.export import write_mathprog
from medalopt.instance.instance import Instance

MEASURES = ("cost", "footprint", "mass")
WHOLE = 1e-7  # beside the value: what GLPK takes for a whole number
VARIABLES, CONSTRAINTS = "### Variables", "### Constraints"


def load(case: Case) -> Instance:
    """Read the files of `case`."""
    with tempfile.TemporaryDirectory() as folder:
        return medalopt.load(case.write(Path(folder)))


def best(instance: Instance, measure: str) -> tuple[str, float | None]:
    """Return the status and the optimum as medalopt finds them."""
    try:
        return "optimal", medalopt.solve(instance, measure).objective
    except NoPlanError as error:
        return error.status, None


def same_optimum(instance: Instance, measure: str) -> None:
    """Fail unless both ways come to the same end."""
    solve, near = (glpk.solve_whole, WHOLE) if instance.lots else (glpk.solve, 1e-9)
    answer = solve(write_mathprog(instance, measure))
    status, objective = best(instance, measure)
    assert status == answer.status
    if answer.objective is not None:
        assert objective == pytest.approx(
            answer.objective, rel=0, abs=near * max(1, abs(answer.objective), answer.paid)
        )


@settings(derandomize=True, max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(instances(), st.permutations(MEASURES))
def test_both_ways_find_the_same_optimum(case: Case, measures: list[str]) -> None:
    """Under each objective: the same status, and optima within 1e-9 of what is paid."""
    instance = load(case)
    for measure in measures:
        same_optimum(instance, measure)


@settings(derandomize=True, max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(instances())
def test_both_ways_have_the_same_rows_and_columns(case: Case) -> None:
    """No row or column stands in one of the two programs alone."""
    instance = load(case)
    answer, model = glpk.solve(write_mathprog(instance)), medalopt.build(instance)
    assert names.of_mathprog(answer.rows, instance) == names.of_pyomo(model, pyo.Constraint)
    assert names.of_mathprog(answer.columns, instance) == names.of_pyomo(model, pyo.Var)


@pytest.mark.parametrize("seed", range(25))
def test_both_ways_settle_pooled_lots_alike(seed: int) -> None:
    """With pooled lots, too: the same optimum under each objective, and the same rows and columns."""
    instance = load(Case({"instance.yaml": as_text(with_pools(seed))}))
    for measure in MEASURES:
        same_optimum(instance, measure)
    answer, model = glpk.solve(write_mathprog(instance)), medalopt.build(instance)
    assert names.of_mathprog(answer.rows, instance) == names.of_pyomo(model, pyo.Constraint)
    assert names.of_mathprog(answer.columns, instance) == names.of_pyomo(model, pyo.Var)


def components(heading: str) -> set[str]:
    """Return the components in the table of models/sourcing.md below `heading`."""
    page = (glpk.MODEL.parent / "sourcing.md").read_text(encoding="utf-8")
    table = page[page.index(heading) :].split("\n\n")[1]
    return {name for line in table.splitlines() for name in re.findall(r"`([a-z_]+)[`\[]", line.split("|")[2])}


def test_the_random_instances_have_teeth() -> None:
    """About two thirds have a plan; every row and column of the page is in some, and every row binds in some."""
    case = [Case({"instance.yaml": from_seed(seed)}) for seed in range(200)]
    answers = [glpk.solve(write_mathprog(load(each))) for each in case]
    counts = Counter(answer.status for answer in answers)
    assert counts["optimal"] + counts["infeasible"] == 200
    assert 110 <= counts["optimal"] <= 160
    stocked = [Case({"instance.yaml": as_text(with_stock(seed))}) for seed in range(20)]
    answers += [glpk.solve(write_mathprog(load(each))) for each in stocked]
    pooled = [Case({"instance.yaml": as_text(with_pools(seed))}) for seed in range(25)]
    answers += [glpk.solve(write_mathprog(load(each))) for each in pooled]

    def in_some(kind: str) -> set[str]:
        return {name.partition("[")[0] for answer in answers for name in getattr(answer, kind)}

    assert in_some("columns") == components(VARIABLES)
    assert in_some("rows") == in_some("binding") == components(CONSTRAINTS)
