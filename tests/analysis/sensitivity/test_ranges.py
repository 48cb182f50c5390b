"""Sensitivity ranges by hand, and the effect of each parameter compared with programs built again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.analysis.varied import TINY, random
from tests.random_instances import Case, as_text, with_price_lists

from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.ranges import SensitivityParameter, compute_ranges, find_parameters
from medalopt.solver.infeasibility import convert_stockpile_limits
from medalopt.solver.program import SolverProgram


def rows_of(variant: ScenarioProgram) -> SolverProgram:
    """Return the program with the limits of stockpiles as rows."""
    instance = variant.instance
    return convert_stockpile_limits(variant.program, variant.network, instance.streams.names, instance.periods)


def written(value: float, unit: str | None) -> str:
    """Return a figure as `--set` takes it."""
    return f"{value!r} {unit}" if unit else str(round(value))


def moved(variants: ScenarioRunner, figure: SensitivityParameter) -> tuple[float, SolverProgram]:
    """Return by how much a figure was moved, and the program with it there."""
    by = 1.0 if figure.unit is None else max(abs(figure.value), 1.0) * 2.0**-12
    by = -by if figure.value + by > figure.greatest else by
    return by, rows_of(variants.build_scenario({figure.path: written(figure.value + by, figure.unit)}))


@pytest.mark.parametrize("stock", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_a_figure_moves_what_it_is_said_to_move(seed: int, stock: bool) -> None:
    """Increasing a parameter changes exactly the costs and bounds of its derivatives."""
    with random(seed, ("cost", "footprint")[(seed + stock) % 2], stock) as variants:
        program = rows_of(variants.base)
        for figure in find_parameters(variants, program):
            by, other = moved(variants, figure)
            assert other.rows == program.rows
            np.testing.assert_allclose(other.entries.value, program.entries.value, rtol=1e-12)
            weights = np.zeros(len(program.lower)) if figure.weights is None else figure.weights
            close(other.costs[0], program.costs[0], weights * by, figure.path)
            for number, name in enumerate(("row_lower", "row_upper")):
                ends = np.zeros(len(program.rows))
                for row, move in figure.ends.items():
                    ends[row] = move[number] * by
                close(getattr(other, name), getattr(program, name), ends, figure.path)


@pytest.mark.parametrize("seed", range(8))
def test_prices_by_period_move_what_they_are_said_to_move(seed: int, tmp_path: Path) -> None:
    """So do the values of lists by period, penalties, and prices of fractions and of metal left with smelters."""
    path = Case({"instance.yaml": as_text(with_price_lists(seed))}).write(tmp_path)
    variants = ScenarioRunner(path, {}, "cost")
    program = rows_of(variants.base)
    figures = [one for one in find_parameters(variants, program) if any(f".{name}" in one.path for name in LISTED)]
    assert figures
    for figure in figures:
        if figure.weights is not None:
            by, other = moved(variants, figure)
            close(other.costs[0], program.costs[0], figure.weights * by, figure.path)


LISTED = ("price", "collection", "cost", "sold", "treatment_charge", "refining_charge", "penalties", "pays")


def close(new: np.ndarray, old: np.ndarray, by: np.ndarray, path: str) -> None:  # type: ignore[type-arg]
    """See that `new` is `old` moved by `by`, but for rounding."""
    finite = np.isfinite(old)
    assert np.array_equal(np.isfinite(new), finite)
    size = 1e-9 * float(np.abs(by).max(initial=0.0)) + 1e-13 * float(np.abs(old[finite]).max(initial=0.0))
    assert np.abs(new[finite] - old[finite] - by[finite]).max(initial=0.0) <= size, path


def test_an_end_shows_what_takes_over() -> None:
    """Dearer old silver is replaced by old coins, up to whose price the plan takes it."""
    found = {row.path: row for row in compute_ranges(ScenarioRunner(TINY)).rows}
    row = found["market.old_silver.price"]
    assert (row.value, row.unit) == (80, "JPY/g")
    assert row.high == pytest.approx(111.1)
    assert (row.price_up, row.price_down) == (pytest.approx(2_000), pytest.approx(-2_000))
    assert "old_coins" in [part.name for part in row.at_high.more]
    assert "old_silver" in [part.name for part in row.at_high.less]
    assert row.low is None
    assert not row.has_kink


def test_a_kink_has_two_prices() -> None:
    """One more tonne of storage saves less than one tonne less costs: two shadow prices."""
    row = {one.path: one for one in compute_ranges(ScenarioRunner(TINY)).rows}["streams.laptop@east.storage.limit"]
    assert row.has_kink
    assert (row.low, row.high) == (pytest.approx(3), pytest.approx(4.90534, rel=1e-5))


def test_no_plan_lies_that_way() -> None:
    """If all supply is needed, a decrease has no price and the range ends at the present value."""
    changes = {"market.old_silver.limit": "0 kg"}
    found = compute_ranges(ScenarioRunner(TINY, changes | {"alloys.silver_925.capacity": "13.571428571428571 kg"})).rows
    row = {one.path: one for one in found}["alloys.silver_925.capacity"]
    assert row.has_kink
    assert row.low == pytest.approx(row.value, rel=1e-6)


def test_all_figures_are_counted() -> None:
    """Progress is reported once per parameter."""
    told: list[tuple[int, int]] = []
    found = compute_ranges(ScenarioRunner(TINY), lambda done, of: told.append((done, of)))
    assert told == [(number, len(found.rows)) for number in range(len(found.rows))]


def test_an_exchange_rate_is_ranged_as_one_figure() -> None:
    """All prices in another currency change together with its rate."""
    changes = {"exchange": "{USD: 100 JPY}", "market.old_silver.price": "800 USD/kg", "market.zinc.price": "3.2 USD/kg"}
    variants = ScenarioRunner(TINY, changes)
    row = {one.path: one for one in compute_ranges(variants).rows}["exchange.USD"]
    assert row.unit == "JPY"
    assert row.price_up == pytest.approx(800 * 2 + 3.2 * 150)
