"""One program in two forms: the Pyomo model that `build` returns, and the arrays that are solved and exported."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pyomo.core as pyo
import pytest
from pyomo.repn import generate_standard_repn
from tests.model.cases import MEASURES, at_random, changed, conforming, loaded, plain

import medalopt
from medalopt.export.lp_mps import list_row_entries
from medalopt.instance.instance import Instance
from medalopt.linear_program import NamedLinearProgram, format_component_name
from medalopt.solver.assemble import build_named_program

Row = tuple[Mapping[str, float], float, float]


def name_of(part: Any) -> str:
    """Return the name that a row or column of the model has in the arrays."""
    index = part.index()
    key = () if index is None else index if isinstance(index, tuple) else (index,)
    return format_component_name(part.parent_component().local_name, *key)


def terms(body: Any) -> dict[str, float]:
    """Return the non-zero coefficients of a linear expression, by Pyomo's older representation."""
    form = generate_standard_repn(body, compute_values=True)
    assert form.is_linear() or form.is_constant()
    assert form.constant == 0
    found: dict[str, float] = {}
    for value, column in zip(form.linear_coefs, form.linear_vars, strict=True):
        found[name_of(column)] = found.get(name_of(column), 0.0) + value
    return {name: value for name, value in found.items() if value != 0}


def of_model(model: pyo.ConcreteModel) -> tuple[dict[str, Row], dict[str, tuple[float, float]], dict[str, float]]:
    """Return rows, bounds of columns, and objective of a Pyomo model, by name."""

    def end(value: Any, none: float) -> float:
        return none if value is None else float(value)

    rows = {
        name_of(row): (terms(row.body), end(row.lower, -math.inf), end(row.upper, math.inf))
        for row in model.component_data_objects(pyo.Constraint, active=True)
    }
    columns = {
        name_of(column): (end(column.lb, -math.inf), end(column.ub, math.inf))
        for column in model.component_data_objects(pyo.Var)
    }
    return rows, columns, terms(model.objective.expr)


def of_arrays(program: NamedLinearProgram) -> tuple[dict[str, Row], dict[str, tuple[float, float]], dict[str, float]]:
    """Return rows, bounds of columns, and objective of the arrays, by name."""
    entries = list_row_entries(program)
    ends = zip(program.row_lower.tolist(), program.row_upper.tolist(), strict=True)
    rows = {
        name: ({program.columns[column]: value for column, value in row}, low, high)
        for name, row, (low, high) in zip(program.rows, entries, ends, strict=True)
    }
    limits = zip(program.lower.tolist(), program.upper.tolist(), strict=True)
    costs = zip(program.columns, program.cost.tolist(), strict=True)
    return rows, dict(zip(program.columns, limits, strict=True)), {name: cost for name, cost in costs if cost}


def are_one(instance: Instance, measure: str = "cost") -> None:
    """Fail unless both forms hold the same, to the last digit."""
    rows, columns, objective = of_model(medalopt.build(instance, measure))
    program = build_named_program(instance, measure)
    assert len(set(program.rows)) == len(program.rows)
    assert len(set(program.columns)) == len(program.columns)
    assert (rows, columns, objective) == of_arrays(program)


@pytest.mark.parametrize("name", conforming())
def test_model_and_arrays_are_one_program(name: str) -> None:
    """On the conformance instances: names, coefficients, limits, bounds and the three objectives are equal."""
    for measure in MEASURES:
        are_one(conforming()[name], measure)


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_model_and_arrays_are_one_random_program(first: int) -> None:
    """Pyomo model and arrays are the same program on sixty random instances."""
    for seed in range(first, first + 10):
        are_one(at_random(seed), MEASURES[seed % 3])


STRANGE = {
    "no streams": changed(streams=None, smelters=None),
    "one period": changed(periods=None),
    "no medals": changed(medals={"medal": {"count": 0, "parts": {"silver": "500 g"}}}),
    "an alloy that nothing can be charged to": changed(
        metals={"Ag": {}, "Cu": {}, "Zn": {}},
        alloys={"silver": plain()["alloys"]["silver"], "zinc": {"composition": {"Zn": "100 %"}}},
        medals={"medal": {"count": 1, "parts": {"silver": "500 g", "zinc": "1 g"}}},
    ),
    "a metal of which nothing may be in it": changed(alloys={"silver": {"composition": {"Ag": "100 %", "Cu": "0 %"}}}),
    "a lead beyond the horizon": changed(smelters={"smelter": {"returned": "90 %", "lead": 9}}),
    "nothing but what is recycled": changed(policy={"recycled": {"Ag": "100 %", "Cu": "100 %"}}),
    "a window that is everything": changed(policy={"device_share": {"phone": ["100 %", "100 %"]}}),
    "a smelter that takes nothing": changed(smelters={"smelter": {"returned": "90 %", "accepts": []}}),
}


@pytest.mark.parametrize("document", STRANGE.values(), ids=STRANGE)
def test_model_and_arrays_are_one_strange_program(document: dict[str, Any]) -> None:
    """With empty sums and zero coefficients the Pyomo model and the arrays are the same program."""
    are_one(loaded(document))


def test_a_difference_is_seen() -> None:
    """One coefficient changed in the model by its last digit: the comparison finds it."""
    instance = loaded(plain())
    model = medalopt.build(instance)
    model.melt["silver", "1"].set_value((0.0, model.melt["silver", "1"].body * (1 + 2**-52), 0.0))
    assert of_model(model)[0] != of_arrays(build_named_program(instance))[0]
