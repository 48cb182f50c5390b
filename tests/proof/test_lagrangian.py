"""The bound beside the same bound found by a solver, on the program as arrays: two ways to one number."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from tests.model.cases import MEASURES, ROOT, Document, at_random, changed, conforming, loaded, planned

import medalopt
from medalopt.instance.arrays import Bools, Floats
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.model.network import SparseEntries, build_network
from medalopt.proof.bound import compute_lower_bound
from medalopt.proof.prices import build_prices
from medalopt.solver.assemble import assemble_program
from medalopt.solver.highs import solve_by_method
from medalopt.solver.program import SolverProgram
from medalopt.solver.scaling import scale_program
from medalopt.solver.solve_lp import extract_duals

FOUNDRY = ("stock", "surplus", "charge", "buy", "cast", "recharge", "scrap")


def whole(instance: Instance, measure: str) -> SolverProgram:
    """Return the program of `instance` with all its rows."""
    found = build_routes(instance)
    return assemble_program(instance, found, build_network(instance, found), compute_bounds(instance, found), measure)


def random_prices(linear: SolverProgram, random: Random) -> Floats:
    """Return a price for each row, with the sign that its limits allow."""
    width = 10.0 ** random.uniform(-1, 5)
    y = np.array([random.gauss(0, width) for _ in linear.rows])
    y = np.where(np.isfinite(linear.row_lower), y, np.minimum(y, 0))
    return np.where(np.isfinite(linear.row_upper), y, np.maximum(y, 0))


def relaxed(linear: SolverProgram, kept: Bools, y: Floats) -> tuple[SolverProgram, float]:
    """Return the program in which all rows but `kept` are priced at `y`, with variable bounds, and its constant."""
    entries = linear.entries
    stays = kept[entries.row]
    gone = np.where(kept, 0.0, y)
    costs = linear.costs[0] - np.bincount(entries.column, entries.value * gone[entries.row], len(linear.lower))
    end = np.where(gone > 0, linear.row_lower, linear.row_upper)
    number = np.cumsum(kept) - 1
    boxed = [True] * linear.network + [name in FOUNDRY for name, _ in linear.places]  # the others follow
    program = replace(
        linear,
        upper=np.where(boxed, np.minimum(linear.upper, linear.size), linear.upper),
        costs=costs[None, :],
        rows=tuple(row for row, stay in zip(linear.rows, kept, strict=True) if stay),
        row_lower=linear.row_lower[kept],
        row_upper=linear.row_upper[kept],
        entries=SparseEntries(number[entries.row[stays]], entries.column[stays], entries.value[stays]),
    )
    return program, float((gone * np.where(gone == 0, 0.0, end)).sum())


def both_ways(instance: Instance, measure: str, random: Random) -> tuple[float, float, float]:
    """Return the bound at random prices, the same found by the solver, and how large the numbers in it are."""
    linear = whole(instance, measure)
    names = np.array([name for name, _ in linear.rows])
    kept = np.isin(names, ["supply", "bundle_supply"]) | np.char.startswith(names, "define_")
    y = random_prices(linear, random)
    program, rest = relaxed(linear, kept, y)
    ready = scale_program(program)
    answer = solve_by_method(ready, "dual simplex")
    assert answer.status == "optimal"
    y[kept] = ready.unscale_duals(answer.y)
    terms = program.costs[0] * ready.unscale_columns(answer.x)
    found = build_routes(instance)
    duals = build_prices(instance, extract_duals(linear, y))
    bound = compute_lower_bound(instance, found, compute_bounds(instance, found), duals, measure)
    most = np.abs(program.costs[0]) * np.where(np.isfinite(linear.size), linear.size, 0)
    return bound, float(terms.sum()) + rest, float(most.sum()) + abs(rest)


def tiny() -> Instance:
    """Return the instance in which every family binds."""
    return medalopt.load(ROOT / "instances" / "tiny.yaml")


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("part", ["tiny", "by hand", *range(0, 50, 10)])
def test_the_bound_is_the_lagrangian_of_the_program(part: str | int, measure: str) -> None:
    """At random prices of the linking rows, the bound is the least that the program with those rows priced can cost."""
    random = Random(f"Lagrange, {measure}, {part}")
    if isinstance(part, int):
        instances = [at_random(seed) for seed in range(part, part + 10)]
    else:
        instances = [tiny()] * 3 if part == "tiny" else list(conforming().values())
    for instance in instances:
        bound, solved, size = both_ways(instance, measure, random)
        assert bound == pytest.approx(solved, rel=0, abs=1e-9 * size)


STRICT = {"Ag": ["90 %", "100 %"], "Cu": ["0 %", "5 %"]}


@pytest.mark.parametrize(
    ("row", "loose", "tight"),
    [
        (
            "fineness_high",
            {"composition": {"Ag": ["90 %", "100 %"]}, "others": "10 %"},
            {"composition": {"Ag": ["90 %", "100 %"], "Cu": "0 %"}, "others": "10 %"},
        ),
        ("others", {"composition": STRICT, "others": "100 %"}, {"composition": STRICT, "others": "0 %"}),
    ],
)
def test_prices_of_rows_that_do_not_exist_prove_nothing(row: str, loose: Document, tight: Document) -> None:
    """Prices of rows that exist only in a stricter instance count as 0."""
    offers = {
        "silver": {"composition": {"Ag": "100 %"}, "price": "60000 JPY/kg"},
        "copper": {"composition": {"Cu": "100 %"}, "price": "700 JPY/kg"},
        "old": {"composition": {"Ag": "90 %"}, "price": "100 JPY/kg"},
    }
    offers.pop("old" if row == "fineness_high" else "copper")
    strict, free = (
        loaded(changed(streams=None, smelters=None, market=offers, alloys={"silver": alloy}))
        for alloy in (tight, loose)
    )
    strict_plan, plan, found = planned(strict), planned(free), build_routes(free)
    assert strict_plan is not None
    assert plan is not None
    assert any(strict_plan.duals[row].values())
    assert strict_plan.cost > plan.cost + 1000
    bound = compute_lower_bound(free, found, compute_bounds(free, found), build_prices(free, strict_plan.duals), "cost")
    assert bound <= plan.cost * (1 + 1e-12)
