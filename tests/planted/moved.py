"""Check of analyses by parameters: prices, curves, bars, shortages and sweeps, each against cold solves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TINY, BY_HAND = ROOT / "instances/tiny.yaml", ROOT / "tests/analysis/sensitivity/uncertain.yaml"
CLOSE = 1e-6
STEPS = 2.0**-12  # of a figure, by which it is moved to see what it costs
FIGURES = (  # of each kind one whose price is not 0
    "medals.silver.parts.silver_925",
    "policy.footprint_cap",
    "treatments.dismantle.capacity",
    "market.old_coins.price",
    "treatments.dismantle.cost",
    "smelters.near.treatment_charge",
)


def check(of: Callable[[], Iterator[bool]]) -> Callable[[object], Iterator[str]]:
    """Return the check that compares analyses by parameters with solves from scratch."""

    def found(known: object) -> Iterator[str]:
        from medalopt.errors import MedaloptError

        try:
            if not all(of()):
                yield of.__name__
        except MedaloptError:
            yield "unanswered"

    return found


def _cold(variants: Any, changes: dict[str, str]) -> float:
    from medalopt.solver.verification import solve_from_scratch

    return float(solve_from_scratch(variants.build_scenario(changes).program).value)


def _near(one: float, other: float, close: float = CLOSE) -> bool:
    return one == other or abs(one - other) <= close * max(1.0, abs(one), abs(other))


def ranges() -> Iterator[bool]:
    """Prices are differences of two solves, with full and with partial pricing."""
    from medalopt.analysis.scenario_runner import ScenarioRunner
    from medalopt.analysis.sensitivity.ranges import compute_ranges
    from medalopt.solver import warm_solver

    warm_solver._PARTIAL_PRICING_ENTRIES, warm_solver._INITIAL_COLUMNS_PER_ROW = 0, 0
    variants = ScenarioRunner(TINY)
    base = _cold(variants, {})
    rows = {row.path: row for row in compute_ranges(variants).rows}
    for path in FIGURES:
        row = rows[path]
        for price, sign in ((row.price_up, 1), (row.price_down, -1)):
            by = sign * row.value * STEPS
            found = _cold(variants, {path: f"{row.value + by!r} {row.unit}"})
            yield price is not None and _near(found - base, price * abs(by), 1e-4)
        for end, turns in ((row.low, -1), (row.high, 1)):
            if end:
                beyond = _cold(variants, {path: f"{end * (1 + turns * 0.01)!r} {row.unit}"})
                line = base + (row.price_up if turns > 0 else -row.price_down) * (end * (1 + turns * 0.01) - row.value)
                yield not _near(beyond, line, 1e-8)
                within = end + (row.value - end) * 0.01
                line = base + (row.price_up if turns > 0 else -row.price_down) * (within - row.value)
                yield _near(_cold(variants, {path: f"{within!r} {row.unit}"}), line)
    dated = ScenarioRunner(Path(__file__).parent / "instances" / "prices.yaml")
    dearer = _cold(dated, {DATED: "4 JPY/t"}) - _cold(dated, {})
    row = next(row for row in compute_ranges(dated).rows if row.path == DATED)
    yield row.price_up is not None and _near(dearer, row.price_up, 1e-4)


DATED = "smelters.works.treatment_charge[1]"  # 3 JPY/t


def curves() -> Iterator[bool]:
    """Between its points a curve equals a solve."""
    from medalopt.analysis.scenario_runner import ScenarioRunner
    from medalopt.analysis.sensitivity.curves import compute_curve
    from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range

    for asked in ("policy.footprint_cap=1..8", "market.old_coins.price=50..200 JPY/g"):
        variants = ScenarioRunner(TINY)
        figure = parse_parameter_range(variants, asked)
        points = [(point.value, point.objective) for point in compute_curve(variants, figure).points]
        for (one, low), (two, high) in pairwise(points):
            yield _near((low + high) / 2, _cold(variants, dict(figure.make_changes((one + two) / 2))))
        yield len(points) > 2


def bars() -> Iterator[bool]:
    """Every end of every bar equals a solve, and the shortage equals its arithmetic."""
    from medalopt.analysis.scenario_runner import ScenarioRunner
    from medalopt.analysis.sensitivity.tornado import compute_tornado

    variants = ScenarioRunner(BY_HAND)
    found = compute_tornado(variants, 1)
    for bar in found.bars:
        for end in bar.ends:
            value = _cold(variants, bar.factor.make_changes(end.factor))
            yield _near(value, float("inf") if end.result.value is None else end.result.value)
    yield [round(1000 * sum((bar.down.shortage or {}).values())) for bar in found.bars[:2]] == [80, 400]
    steps = {bar.factor.path[::2]: bar.factor.relative_step for bar in found.bars}
    yield (steps["devices", "content"], steps["market", "price"], steps["medals", "count"]) == (0.5, 0.2, 0.1)


def shortage() -> Iterator[bool]:
    """Of 10 kg 3.2 come from phones and 6.7 are bought: 100 g are short."""
    from medalopt.analysis.scenario_runner import ScenarioRunner
    from medalopt.analysis.sensitivity.base_case import ShortageSolver

    short = ShortageSolver(ScenarioRunner(BY_HAND, {"market.silver.limit": "6.7 kg"}).instance).compute_shortage()
    yield short is not None and _near(sum(short.values()), 0.1)


def sweep() -> Iterator[bool]:
    """Answers along a line, drawn or solved, are those of solves."""
    from medalopt.analysis.scenario_runner import ParametricScenarios, ScenarioRunner

    variants = ScenarioRunner(TINY)
    way = ParametricScenarios(variants, lambda at: {"smelters.near.limit": f"{at!r} t"}, 2.0, 3.0)
    positions = [2.9, 2.1, 2.5, 2.3, 2.7, 2.2]
    for position, outcome in zip(positions, way.solve_all(positions), strict=True):
        expected = _cold(variants, {"smelters.near.limit": f"{position!r} t"})
        yield _near(outcome.value, expected)
        yield _near(way.solve_at(position).value, expected)


def proof() -> Iterator[bool]:
    """The right answer proves itself; one that misses a row, costs more, or has other prices does not."""
    import numpy as np

    from medalopt.analysis.scenario_runner import ScenarioRunner
    from medalopt.solver.scaling import scale_program
    from medalopt.solver.verification import MatrixLayout, make_single_batch, solve_from_scratch, verify_optima

    linear = ScenarioRunner(TINY).base.program
    ready, right = scale_program(linear), solve_from_scratch(linear)
    x, y = np.ldexp(right.x, -ready.column), np.ldexp(right.y, ready.cost[0] - ready.row)
    layout, program = MatrixLayout(ready.start, ready.index, len(ready.row_lower)), make_single_batch(linear, ready)
    for times, priced, holds in ((1, 1, True), (0.99, 1, False), (1.01, 1, False), (1, 0.99, False), (1, -1, False)):
        found = verify_optima(layout, ready, program, times * x[None, :], priced * y[None, :], warm=False)
        yield (found[0] is not None) == holds


MOVED = {f"moved: {of.__name__}": check(of) for of in (ranges, curves, bars, shortage, sweep, proof)}
