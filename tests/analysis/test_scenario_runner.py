"""Scenario runner: costs, paths of programs and values at paths."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.analysis.varied import TINY, random
from tests.laws import pool

from medalopt.analysis.scenario_runner import ParametricScenarios, ScenarioRunner
from medalopt.errors import InputError, NoPlanError, UsageError
from medalopt.instance import load
from medalopt.solve_instance import solve

WAYS = (
    "devices.*.content.Ag",
    "streams.*.collection",
    "streams.*.available",
    "smelters.*.returned.Ag",
    "smelters.*.capacity",
    "treatments.*.cost",
    "market.*.price",
    "market.*.limit",
    "policy.participation",
    "medals.*.count",
)


def scaled(variants: ScenarioRunner, path: str, percent: float) -> dict[str, str]:
    """Return the changes that scale the parameters at `path`."""
    return {path: f"{percent!r} %"}


@pytest.mark.parametrize("path", [path for path in WAYS if "*" in path])
def test_a_variant_costs_what_its_instance_does(path: str) -> None:
    """The answer of the warm program is that of a solve from the file with the same changes."""
    variants = ScenarioRunner(TINY)
    for percent in (93.0, 99.0, 105.0):
        changes = scaled(variants, path, percent)
        found = variants.solve_scenario(variants.build_scenario(changes))
        try:
            expected = solve(load(TINY, changes)).objective
        except NoPlanError:
            expected = math.inf
        assert found.value == pytest.approx(expected, rel=1e-8)
        assert found.warm


@pytest.mark.parametrize("seed", range(12))
def test_random_variants_in_a_row(seed: int) -> None:
    """One warm program answers whatever is changed, also where rows and columns come and go, as a solve does."""
    with random(seed) as variants:
        for number, path in enumerate(WAYS):
            for value in ("0 %", "70 %", "130 %"):
                try:
                    changes = {path: value}
                    instance = variants.apply_changes(changes)
                except (UsageError, InputError):
                    continue
                if number % 4 != seed % 4:
                    continue
                expected = pool.solved(instance)
                found = variants.solve_scenario(variants.build_scenario(changes))
                assert found.feasible == (expected is not None)
                if expected is not None:
                    assert abs(found.value - expected.objective) <= 2 * pool.slack(expected) + 1e-6


def test_an_answer_is_a_plan() -> None:
    """The account of an answer is that of the plan: its cost is the answer's, and it keeps the bounds."""
    variants = ScenarioRunner(TINY)
    variant = variants.build_scenario({"market.old_silver.limit": "1 kg", "streams.phone@west.available": "0 t"})
    found = variants.solve_scenario(variant)
    assert float(variant.compute_account(found).compute_objective("cost")) == pytest.approx(found.value, rel=1e-12)
    assert found.bound <= found.value * (1 + 1e-9)
    assert found.violation <= 1e-9


def test_the_plan_is_where_the_warm_program_begins() -> None:
    """Solved from the plan the instance itself costs the same, and is solved warm."""
    variants = ScenarioRunner(TINY, {"medals.gold.count": "37"})
    assert variants.plan.instance.medals.count.tolist()[1] == 37
    found = variants.solve_scenario()
    assert found.warm
    assert found.value == pytest.approx(variants.plan.objective, rel=1e-12)


@pytest.mark.parametrize(
    ("path", "moves"),
    [
        ("devices.*.content.Ag", (False, False, True)),
        ("streams.*.collection", (True, False, False)),
        ("medals.gold.count", (False, True, False)),
        ("streams.*.available", (False, True, False)),
        ("streams.phone@west.available", (False, True, True)),
    ],
)
def test_a_way_is_drawn_as_a_line(path: str, moves: tuple[bool, bool, bool]) -> None:
    """If the program is affine in the parameter, the line states whether costs, bounds or entries change."""
    variants = ScenarioRunner(TINY)

    def changes(position: float) -> dict[str, str]:
        if path.startswith("streams.phone"):
            return {path: f"{position / 100!r} t"}
        return scaled(variants, path, position) if "*" in path else {path: str(round(position) - 60)}

    way = ParametricScenarios(variants, changes, 80.0, 120.0)
    assert way.line is not None
    assert (way.line.moves_costs, way.line.moves_ends, way.line.moves_matrix) == moves
    for position in (80.0, 88.0, 97.0, 120.0):
        built = variants.solve_scenario(variants.build_scenario(changes(position)))
        assert way.solve_at(position).value == pytest.approx(built.value, rel=1e-9)


def test_a_way_that_is_no_line_is_built() -> None:
    """With a deduction the metal returned has a kink: the programs are built one by one, and still agree."""
    variants = ScenarioRunner(TINY, {"smelters.near.deduction": "{Ag: 900 g/t}"})
    way = ParametricScenarios(variants, lambda at: scaled(variants, "devices.*.content.Ag", at), 80.0, 120.0)
    assert way.line is None
    changes = scaled(variants, "devices.*.content.Ag", 97.0)
    assert way.solve_at(97.0).value == pytest.approx(solve(variants.apply_changes(changes)).objective, rel=1e-9)


def test_a_line_that_does_not_reach_an_end_is_none() -> None:
    """If a deduction takes all metal of poor feed, extrapolation from rich feed is rejected."""
    variants = ScenarioRunner(TINY, {"smelters.near.deduction": "{Ag: 300 g/t}"})
    way = ParametricScenarios(variants, lambda at: scaled(variants, "devices.*.content.Ag", at), 20.0, 180.0)
    assert way.line is None
    changes = scaled(variants, "devices.*.content.Ag", 160.0)
    assert way.solve_at(160.0).value == pytest.approx(solve(variants.apply_changes(changes)).objective, rel=1e-9)


@pytest.mark.parametrize(
    ("path", "value", "unit"),
    [
        ("streams.phone@east.collection", 10_000, "JPY/t"),
        ("streams.laptop@east.available[0]", 12, "t"),
        ("smelters.far.returned.Ag", 95, "%"),
        ("medals.gold.count", 38, None),
        ("medals.gold.parts.silver_925", 0.5, "kg"),
        ("market.zinc.price[2]", 320, "JPY/kg"),
        ("policy.footprint_cap", 4.5, "t CO2e"),
    ],
)
def test_what_is_at_a_path(path: str, value: float, unit: str | None) -> None:
    """A value is returned in the unit that the format expects."""
    found = ScenarioRunner(TINY).read_base_value(path)
    assert found.value == pytest.approx(value)
    assert found.unit == unit


@pytest.mark.parametrize("path", ["streams.phone@east", "smelters.near.terms", "nothing", "streams..a", "title"])
def test_no_figure_at_a_path(path: str) -> None:
    """A path without a single value is a usage error."""
    with pytest.raises(UsageError):
        ScenarioRunner(TINY).read_base_value(path)


def test_columns_are_distinguished() -> None:
    """Every column of the network has a number of its own."""
    variant = ScenarioRunner(TINY).base
    assert len(np.unique(variant.column_codes)) == len(variant.network.upper)


def test_many_on_a_line_are_answered_in_a_row() -> None:
    """Answers of many positions, the ends and those without a plan among them, are those of one by one."""
    variants = ScenarioRunner(TINY)
    way = ParametricScenarios(variants, lambda at: {"medals.gold.count": str(round(at))}, 20.0, 60.0)
    assert way.line is not None
    positions = [36.0, 20.0, 32.0, 52.0, 30.0]
    found = [outcome.value for outcome in way.solve_all(positions)]
    assert found == pytest.approx([way.solve_at(at).value for at in positions], rel=1e-9)
    assert math.inf in found
    built = ParametricScenarios(variants, lambda at: scaled(variants, "smelters.*.lead", 100 * round(at)), 0.0, 1.0)
    assert len(list(built.solve_all([0.0, 1.0]))) == 2
