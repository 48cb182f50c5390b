"""The compiled Pyomo part is shared by scenarios that differ in the network only."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.laws import pool

from medalopt.analysis.scenario_runner import ScenarioProgram
from medalopt.instance.arrays import ExactArray
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import drop_lot_constraints
from medalopt.instance.routes import build_routes
from medalopt.solver.assemble import CompiledMaster
from medalopt.solver.program import SolverProgram

SEEDS = (4, 33)


def moved(instance: Instance) -> Iterator[tuple[str, Instance]]:
    """Yield copies of `instance` in which all values of one field are multiplied by three quarters."""
    for part in dataclasses.fields(Instance):
        section: Any = getattr(instance, part.name)
        for field in dataclasses.fields(section) if dataclasses.is_dataclass(section) else ():
            figures = getattr(section, field.name)
            if isinstance(figures, ExactArray) and np.isfinite(figures.raw).any() and figures.raw.any():
                other = dataclasses.replace(
                    section, **{field.name: dataclasses.replace(figures, raw=figures.raw * 0.75)}
                )
                yield f"{part.name}.{field.name}", dataclasses.replace(instance, **{part.name: other})


def arrays(linear: SolverProgram) -> tuple[object, ...]:
    """Return all that makes up a program, to the last bit."""
    numbers = ("lower", "upper", "size", "costs", "row_lower", "row_upper")
    entries = (linear.entries.row, linear.entries.column, linear.entries.value)
    return (linear.rows, linear.places, *(a.tobytes() for a in (*entries, *(getattr(linear, n) for n in numbers))))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_variant_is_the_same_with_what_is_kept(seed: int) -> None:
    """Whichever field changes, the program with a shared compiled part equals the recompiled one bit by bit."""
    instance, measure = drop_lot_constraints(pool.instance(seed)), pool.MEASURES[seed % 2]
    master, kept = CompiledMaster.compile(instance, build_routes(instance), measure), set()
    for name, other in moved(instance):
        with_it, anew = ScenarioProgram.build(other, measure, master), ScenarioProgram.build(other, measure)
        assert arrays(with_it.program) == arrays(anew.program), name
        if master.adapt(other, build_routes(other), measure) is master:
            kept.add(name)
    assert {"devices.assay", "streams.collection", "terms.returned"} <= kept
    assert not any(name.startswith(("policy", "market", "alloys", "medals")) for name in kept)


def test_another_measure_is_compiled() -> None:
    """The compiled part of the cost objective is not used for footprint."""
    instance = drop_lot_constraints(pool.instance(SEEDS[0]))
    master = CompiledMaster.compile(instance, build_routes(instance), "cost")
    assert master.adapt(instance, build_routes(instance), "cost") is master
    assert master.adapt(instance, build_routes(instance), "footprint").objective == "footprint"
