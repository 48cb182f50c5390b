"""Ranges held against solves on either side, against programs built anew, and against GLPK."""

from __future__ import annotations

import math

import numpy as np
import pytest
import swiglpk as glpk
from tests.analysis.varied import TINY, random
from tests.laws import pool
from tests.solver.programs import two_by_two

from medalopt.analysis.sensitivity.figures import Figure, figures
from medalopt.analysis.sensitivity.ranges import Range, Ranges, ranges
from medalopt.analysis.variants import Variant, Variants
from medalopt.errors import InputError
from medalopt.model.network import Entries
from medalopt.solver.around import Around
from medalopt.solver.augmenting import Mover
from medalopt.solver.cost_range import cost_range
from medalopt.solver.linear import Linear
from medalopt.solver.moving import cold
from medalopt.solver.relaxing import stockpiles_as_rows
from medalopt.solver.side_range import side_range

SEEDS = (1, 28, 33)


def rows_of(variant: Variant) -> Linear:
    """Return the program with the limits of stockpiles as rows."""
    instance = variant.instance
    return stockpiles_as_rows(variant.linear, variant.block, instance.streams.names, instance.periods)


def written(value: float, unit: str | None) -> str:
    """Return a figure as `--set` takes it."""
    return f"{value!r} {unit}" if unit else str(round(value))


def moved(variants: Variants, figure: Figure) -> tuple[float, Linear]:
    """Return by how much a figure was moved, and the program with it there."""
    by = 1.0 if figure.unit is None else max(abs(figure.value), 1.0) * 2.0**-12
    by = -by if figure.value + by > figure.greatest else by
    return by, rows_of(variants.variant({figure.path: written(figure.value + by, figure.unit)}))


@pytest.mark.parametrize("measure", ["cost", "footprint"])
@pytest.mark.parametrize("seed", range(6))
def test_a_figure_moves_what_it_is_said_to_move(seed: int, measure: str) -> None:
    """The program built with a figure a little higher differs in costs and ends as told, and in nothing else."""
    with random(seed, measure) as variants:
        program = rows_of(variants.base)
        for figure in figures(variants, program):
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


def close(new: np.ndarray, old: np.ndarray, by: np.ndarray, path: str) -> None:  # type: ignore[type-arg]
    """See that `new` is `old` moved by `by`, but for rounding."""
    finite = np.isfinite(old)
    assert np.array_equal(np.isfinite(new), finite)
    size = 1e-9 * float(np.abs(by).max(initial=0.0)) + 1e-13 * float(np.abs(old[finite]).max(initial=0.0))
    assert np.abs(new[finite] - old[finite] - by[finite]).max(initial=0.0) <= size, path


@pytest.mark.parametrize("seed", SEEDS)
def test_prices_and_ends_hold_by_solves_on_either_side(seed: int) -> None:
    """Half way to an end and just before it the measure is on the line of the price; beyond it, it is off."""
    with random(seed) as variants:
        found = ranges(variants)
        for row in found.rows[seed % 2 :: 2]:
            for by, price, end, stops in (
                (1, row.price_up, row.high, row.at_high.stops),
                (-1, row.price_down, row.low, row.at_low.stops),
            ):
                held(variants, found, row, by, price, end, stops=stops)


def held(
    variants: Variants, found: Ranges, row: Range, by: int, price: float | None, end: float | None, *, stops: bool
) -> None:
    """See that one price of a figure holds up to its end, and no farther."""
    slack = 10 * pool.slack(found.plan) + 1e-9
    if price is None:
        value = measured(variants, row, row.value + by * 1e-3 * max(abs(row.value), 1.0))
        assert value in (None, math.inf), row.path
        return
    reach = abs((row.value + by * 3 * max(abs(row.value), 1.0) if end is None else end) - row.value)
    for share in (0.5, 1 - 1e-7):
        at, value = stepped(variants, row, by, reach * share, inwards=True)
        if value is not None:
            line = found.plan.objective + price * abs(at - row.value)
            assert abs(value - line) <= slack + 1e-7 * abs(line - found.plan.objective), (row.path, by, share)
    if end is None or reach == 0:
        return
    at, value = stepped(variants, row, by, reach * 1.05, inwards=False)
    if value is not None:
        line = found.plan.objective + price * abs(at - row.value)
        assert value == math.inf or not stops, row.path
        assert (line - value if row.costs else value - line) > -slack, (row.path, by)
        assert value != pytest.approx(line, rel=1e-14), (row.path, by)


def stepped(variants: Variants, row: Range, by: int, far: float, *, inwards: bool) -> tuple[float, float | None]:
    """Return where a figure is so far away, a count whole, and the measure there; None where it cannot be there."""
    at = row.value + by * far
    if row.unit is None:
        at = math.floor(at) if (by > 0) == inwards else math.ceil(at)
    return at, measured(variants, row, at)


def measured(variants: Variants, row: Range, at: float) -> float | None:
    """Return the measure with a figure at `at`; None where it cannot be there."""
    try:
        return variants.answer(variants.variant({row.path: written(at, row.unit)})).value
    except InputError:
        return None


def test_an_end_tells_what_takes_over() -> None:
    """Dearer old silver is replaced by old coins, up to whose price the plan takes it."""
    found = {row.path: row for row in ranges(Variants(TINY)).rows}
    row = found["market.old_silver.price"]
    assert (row.value, row.unit) == (80, "JPY/g")
    assert row.high == pytest.approx(111.1)
    assert (row.price_up, row.price_down) == (pytest.approx(2_000), pytest.approx(-2_000))
    assert "old_coins" in [part.what for part in row.at_high.more]
    assert "old_silver" in [part.what for part in row.at_high.less]
    assert row.low is None
    assert not row.kinked


def test_a_kink_has_two_prices() -> None:
    """A tonne more of storage saves less than one less costs: the plan stands on a kink there."""
    row = {one.path: one for one in ranges(Variants(TINY)).rows}["streams.laptop@east.storage.limit"]
    assert row.kinked
    assert (row.low, row.high) == (pytest.approx(3), pytest.approx(4.90534, rel=1e-5))


def test_no_plan_lies_that_way() -> None:
    """Where all that is offered is needed there is no price for one unit less, and the range ends where it begins."""
    changes = {"market.old_silver.limit": "0 kg"}
    found = ranges(Variants(TINY, changes | {"alloys.silver_925.capacity": "13.571428571428571 kg"})).rows
    row = {one.path: one for one in found}["alloys.silver_925.capacity"]
    assert row.kinked
    assert row.low == pytest.approx(row.value, rel=1e-6)


def test_all_figures_are_counted() -> None:
    """Progress is told figure by figure."""
    told: list[tuple[int, int]] = []
    found = ranges(Variants(TINY), lambda done, of: told.append((done, of)))
    assert told == [(number, len(found.rows)) for number in range(len(found.rows))]


def test_an_exchange_rate_is_ranged_as_one_figure() -> None:
    """What is priced in another currency moves with its rate, all of it together."""
    changes = {"exchange": "{USD: 100 JPY}", "market.old_silver.price": "800 USD/kg", "market.zinc.price": "3.2 USD/kg"}
    variants = Variants(TINY, changes)
    row = {one.path: one for one in ranges(variants).rows}["exchange.USD"]
    assert row.unit == "JPY"
    assert row.price_up == pytest.approx(800 * 2 + 3.2 * 150)


@pytest.mark.parametrize("seed", range(12))
def test_a_blend_has_the_ranges_of_glpk(seed: int) -> None:
    """Of a blend that is not degenerate, every range is the one that GLPK's own analysis finds."""
    blend = blend_of(seed)
    answer = cold(blend)
    binding = np.flatnonzero(np.abs(answer.y) > 1e-9).tolist()
    width = len(blend.lower)
    meters = [np.eye(width)[column] for column in range(width)]
    around = Around(blend, answer.x, answer.y, meters, [Mover({row: (1.0, 1.0)}, 1.0) for row in binding])
    problem = in_glpk(blend)
    for column in range(width):
        low, high = coefficient(problem, column)
        cost, amount = blend.costs[0, column], answer.x[column]
        for by, limit in ((1, high), (-1, low)):
            slope, reach = cost_range(around, column, by)
            assert slope == pytest.approx(amount, abs=1e-9)
            assert cost + by * reach.distance == pytest.approx(limit, rel=1e-6)
    for mover, row in enumerate(binding):
        end = blend.row_lower[row] if answer.y[row] > 0 else blend.row_upper[row]
        low, high = activity(problem, row)
        sides = side_range(around, mover, math.inf, math.inf)
        for by, limit, (price, reached) in ((1, high, sides[0]), (-1, low, sides[1])):
            assert price == pytest.approx(by * answer.y[row], rel=1e-6)
            assert end + by * reached.distance == pytest.approx(limit, rel=1e-5)
    glpk.glp_delete_prob(problem)


def blend_of(seed: int) -> Linear:
    """Return a blend of six materials with windows on three metals, at random and thus not degenerate."""
    drawn = np.random.default_rng(seed)
    content = drawn.uniform(0.05, 0.4, (3, 6))
    matrix = np.vstack([content, np.ones(6)])
    row, column = np.nonzero(matrix)
    target = content @ drawn.dirichlet(np.ones(6))
    return two_by_two(
        places=tuple(("x", number) for number in range(6)),
        lower=np.zeros(6),
        upper=np.full(6, np.inf),
        size=np.full(6, 100.0),
        costs=np.vstack([drawn.uniform(10, 100, 6), np.zeros(6)]),
        rows=(("a", None), ("b", None), ("c", None), ("all", None)),
        row_lower=np.array([*(100 * target[:2] * 1.01), -np.inf, 100.0]),
        row_upper=np.array([np.inf, np.inf, 100 * target[2] * 1.02, 100.0]),
        entries=Entries(row, column, matrix[row, column]),
    )


def in_glpk(linear: Linear) -> object:
    """Return the program in GLPK, solved."""
    glpk.glp_term_out(glpk.GLP_OFF)
    problem = glpk.glp_create_prob()
    glpk.glp_add_rows(problem, len(linear.rows))
    glpk.glp_add_cols(problem, len(linear.lower))
    for row, (low, high) in enumerate(zip(linear.row_lower.tolist(), linear.row_upper.tolist(), strict=True)):
        kind = glpk.GLP_FX if low == high else glpk.GLP_LO if math.isfinite(low) else glpk.GLP_UP
        glpk.glp_set_row_bnds(problem, row + 1, kind, low, high)
    for column, cost in enumerate(linear.costs[0].tolist()):
        glpk.glp_set_col_bnds(problem, column + 1, glpk.GLP_LO, 0.0, 0.0)
        glpk.glp_set_obj_coef(problem, column + 1, cost)
    count = len(linear.entries.value)
    rows, columns, values = glpk.intArray(count + 1), glpk.intArray(count + 1), glpk.doubleArray(count + 1)
    for number in range(count):
        rows[number + 1] = int(linear.entries.row[number]) + 1
        columns[number + 1] = int(linear.entries.column[number]) + 1
        values[number + 1] = float(linear.entries.value[number])
    glpk.glp_load_matrix(problem, count, rows, columns, values)
    assert glpk.glp_simplex(problem, None) == 0
    assert glpk.glp_get_status(problem) == glpk.GLP_OPT
    return problem


def coefficient(problem: object, column: int) -> tuple[float, float]:
    """Return between which costs of a column the plan stays, by `glp_analyze_coef`, or by its reduced cost."""
    cost = glpk.glp_get_obj_coef(problem, column + 1)
    if glpk.glp_get_col_stat(problem, column + 1) != glpk.GLP_BS:
        return cost - glpk.glp_get_col_dual(problem, column + 1), math.inf
    low, high, spare = glpk.doubleArray(1), glpk.doubleArray(1), [glpk.doubleArray(1) for _ in range(2)]
    which = [glpk.intArray(1) for _ in range(2)]
    number = glpk.glp_get_num_rows(problem) + column + 1
    glpk.glp_analyze_coef(problem, number, low, which[0], spare[0], high, which[1], spare[1])
    return unbounded(low[0]), unbounded(high[0])


def activity(problem: object, row: int) -> tuple[float, float]:
    """Return between which ends of a row its price holds, by `glp_analyze_bound`."""
    low, high, which = glpk.doubleArray(1), glpk.doubleArray(1), [glpk.intArray(1) for _ in range(2)]
    glpk.glp_analyze_bound(problem, row + 1, low, which[0], high, which[1])
    return unbounded(low[0]), unbounded(high[0])


def unbounded(value: float) -> float:
    """Return a limit of GLPK's, whose largest number stands for none."""
    return math.copysign(math.inf, value) if abs(value) >= 1e300 else value
