"""Scaling of a program by exact powers of two, and of its solution back.

HiGHS uses absolute tolerances in each row's unit, so a plan in tonnes and raw yen could be 'solved' by zero. Each
column is scaled by its implied bound, each row by its largest coefficient, the objective by its largest cost over 256;
a power of two changes exponents only, no digit.

Implied bounds of all columns in own units, from which the column scale factors are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.bounds import VariableBounds, bound_metal_charged
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model.network import Network, SparseEntries
from medalopt.model.variables import index_by_name
from medalopt.solver.program import ComponentKey, SolverProgram, order_by_column

COST_EXPONENT = 8  # the largest cost is 2**8, which resolves reduced costs 256 times as finely
FINE_COST_EXPONENT = 24  # exponent of the largest cost in the second scaling
FINE_COLUMN_EXPONENT = 12  # in the third scaling a column is scaled by 2**-12 of its implied bound


def bound_network_columns(routes: Routes, network: Network, bounds: VariableBounds) -> Floats:
    """Return the implied upper bound of each network column.

    Args:
        network: Network block of C columns.

    Returns:
        Bounds (C,): tonnes sent and stored, shares of bundles (1), metal withheld.
    """
    sizes = [
        bounds.sent[routes.stream[network.route], network.period],
        bounds.stockpile[network.stock_stream, network.stock_period],
        np.ones(len(network.take_bundle)),
    ]
    count, own = len(network.withheld_pool), np.concatenate([*sizes, np.zeros(len(network.withheld_pool))])
    all_of_it = bound_row_activities(network.settlement, 3 * count, own)[
        2 * count :
    ]  # at most the full share is withheld
    return np.concatenate([*sizes, all_of_it])


def bound_row_activities(entries: SparseEntries, height: int, sizes: Floats) -> Floats:
    """Return the greatest activity of each row, the sum of the magnitudes of its terms at their bounds.

    Args:
        entries: Sparse matrix.
        height: Number of rows.
        sizes (N,): Implied bound of each column.

    Returns:
        Bounds (height,).
    """
    return np.bincount(entries.row, np.abs(entries.value) * sizes[entries.column], height).astype(np.float64)


def bound_metal_columns(instance: Instance, bounds: VariableBounds, columns: Sequence[ComponentKey]) -> Floats:
    """Return the implied upper bound of each column on metals, alloys and offers.

    Args:
        columns: Keys of the columns.

    Returns:
        Bounds (columns,); infinite for variables of extensions.
    """
    metals, alloys, periods = instance.metals.names, instance.alloys.names, instance.periods
    stock = index_by_name(bounds.stock, metals, periods)
    ever = index_by_name(bounds.stock[:, -1], metals)
    cast, charge, scrap = (index_by_name(table, alloys) for table in (bounds.cast, bounds.charge, bounds.scrap))
    purchase = index_by_name(bounds.purchase, instance.market.names)
    opening = index_by_name(instance.market.opening_stock.value, instance.market.names)
    count = index_by_name(instance.medals.count, instance.medals.names)
    maximum = max(sum(charge.values()), *(len(periods) * one for one in purchase.values()), 0.0)
    rules: dict[str, Callable[..., float]] = {
        "stock": lambda e, t: stock[e, t],
        "surplus": lambda e, t: stock[e, t],
        "left": lambda line, e, t: stock[e, t],
        "charge": lambda a, e, t: min(charge[a], ever[e]),
        "buy": lambda o, a, t: charge[a],
        "acquire": lambda o, t: purchase[o],
        "offer_stock": lambda o, t: purchase[o] * len(periods) + opening[o],
        "cast": lambda a, t: cast[a],
        "cast_stock": lambda a, t: cast[a],
        "recharge": lambda a, t: min(charge[a], scrap[a]),
        "scrap": lambda a, t: scrap[a],
        "bought": lambda o: maximum,
        "missed": lambda m: count[m],
    }
    sizes = np.full(len(columns), np.inf)
    for number, (name, index) in enumerate(columns):
        rule = rules.get(name)
        if rule is not None:
            sizes[number] = rule(*(index if isinstance(index, tuple) else (index,)))
    return sizes


def tighten_bounds_to_demand(instance: Instance, routes: Routes, bounds: VariableBounds) -> VariableBounds:
    """Return bounds cut to the metal, and the tonnes of each stream, that all melts together could use.

    For scaling only: a feasible plan may exceed them by a surplus.

    Returns:
        The tighter bounds.
    """
    useful = bound_metal_charged(instance, routes, bounds)
    some = (useful > 0) & (routes.returned > 0)
    tonnes = np.divide(useful, routes.returned, out=np.zeros(some.shape), where=some).max(axis=1)
    maximum = np.zeros(len(instance.streams.names))
    np.maximum.at(maximum, routes.stream, tonnes)
    sent = np.minimum(bounds.sent, np.where(maximum > 0, maximum, np.inf)[:, None])
    with_it = sent.sum(axis=1)[routes.stream] @ routes.returned
    cut = np.where(useful > 0, useful, instance.metals.opening_stock.value + with_it)
    return replace(bounds, sent=sent, stock=np.minimum(bounds.stock, cut[:, None]))


def compute_exponents(sizes: Floats) -> Ints:
    """Return the exponent of the nearest power of two.

    Args:
        sizes: Nonnegative numbers.

    Returns:
        Exponents of the same shape; 0 for a size of 0 or infinity.
    """
    positive = (sizes > 0) & np.isfinite(sizes)
    return np.where(positive, np.rint(np.log2(np.where(positive, sizes, 1.0))), 0).astype(np.intp)


@dataclass(frozen=True, eq=False)
class ScaledProgram:
    """Program as passed to the solver, in compressed sparse columns.

    In own units, x = 2**column * x_scaled and y = 2**(row - cost) * y_scaled.
    """

    column: Ints  # (N,) exponents
    row: Ints  # (M,) exponents
    cost: Ints  # (objectives,) exponents
    lower: Floats
    upper: Floats
    costs: Floats
    row_lower: Floats
    row_upper: Floats
    start: Ints  # (N + 1,)
    index: Ints  # (entries,) rows
    value: Floats

    @cached_property
    def entry_columns(self) -> Ints:
        """Column of each entry, (entries,)."""
        return np.repeat(np.arange(len(self.lower)), np.diff(self.start))

    def compute_activity(self, x: Floats) -> Floats:
        """Return the row activities A x.

        Args:
            x (N,): Scaled columns.

        Returns:
            Scaled activities (M,).
        """
        return np.bincount(self.index, self.value * x[self.entry_columns], len(self.row_lower)).astype(np.float64)

    def transpose_multiply(self, y: Floats) -> Floats:
        """Return A'y, the duals carried to the columns.

        Args:
            y (M,): Scaled duals.

        Returns:
            A'y (N,); the reduced costs are `costs[0] - A'y`.
        """
        return np.bincount(self.entry_columns, self.value * y[self.index], len(self.lower)).astype(np.float64)

    def unscale_columns(self, x: Floats) -> Floats:
        """Return the columns in own units.

        Args:
            x (N,): Scaled columns.

        Returns:
            Columns (N,).
        """
        return np.ldexp(x, self.column)

    def unscale_duals(self, y: Floats) -> Floats:
        """Return the duals in own units: first objective per unit of the row.

        Args:
            y (M,): Scaled duals.

        Returns:
            Duals (M,).
        """
        return np.ldexp(y, self.row - self.cost[0])


def scale_program(program: SolverProgram, lift: int = COST_EXPONENT) -> ScaledProgram:
    """Scale a program.

    Args:
        program: Program in own units.
        lift: Exponent of the largest scaled cost.

    Returns:
        The scaled program.

    Raises:
        SolverError: A coefficient is not finite, or the coefficients differ by too many orders of magnitude.
    """
    entries = program.entries
    _check_finite(program)
    column = _column_exponents(program)
    value = np.ldexp(entries.value, column[entries.column])
    row = -compute_exponents(_largest_magnitude(value, entries.row, len(program.rows)))
    value = np.ldexp(value, row[entries.row])
    costs = np.ldexp(program.costs, column[None, :])
    cost = lift - compute_exponents(np.abs(costs).max(axis=1, initial=0.0))
    order, start = order_by_column(entries, len(column))
    result = ScaledProgram(
        *(column, row, cost),
        np.ldexp(program.lower, -column),
        np.ldexp(program.upper, -column),
        np.ldexp(costs, cost[:, None]),
        np.ldexp(program.row_lower, row),
        np.ldexp(program.row_upper, row),
        start,
        entries.row[order],
        value[order],
    )
    if not (np.isfinite(result.value).all() and (result.value != 0).all() and np.isfinite(result.costs).all()):
        raise SolverError("the coefficients span too many orders of magnitude: look for a wrong unit")
    return result


def _column_exponents(program: SolverProgram) -> Ints:
    """Return the exponent of each column, (N,).

    A column without a size is scaled so that its largest coefficient equals its row's: the coefficients of a column
    that can only be 0 might otherwise be so small beside the others that HiGHS drops them.
    """
    entries = program.entries
    column = compute_exponents(program.size)
    sized = (program.size > 0) & np.isfinite(program.size)
    value = np.where(sized[entries.column], np.ldexp(entries.value, column[entries.column]), 0.0)
    largest = _largest_magnitude(value, entries.row, len(program.rows))
    scaled = np.where(largest[entries.row] > 0, np.ldexp(entries.value, -compute_exponents(largest)[entries.row]), 0.0)
    reach = _largest_magnitude(scaled, entries.column, len(column))
    return np.where(sized, column, -compute_exponents(reach))


def _largest_magnitude(value: Floats, place: Ints, count: int) -> Floats:
    """Return the largest magnitude of `value` at each of `count` places; 0 where there is none."""
    largest = np.zeros(count)
    np.maximum.at(largest, place, np.abs(value))
    return largest


def _check_finite(program: SolverProgram) -> None:
    """Raise SolverError where a coefficient or bound of the program is not finite."""
    finite = all(np.isfinite(part).all() for part in (program.entries.value, program.costs))
    lower_ok = not (np.isnan(program.row_lower).any() or (program.row_lower == np.inf).any())
    upper_ok = not (np.isnan(program.row_upper).any() or (program.row_upper == -np.inf).any())
    bounds_ok = not (np.isnan(program.lower).any() or np.isnan(program.upper).any())
    if not (finite and lower_ok and upper_ok and bounds_ok) or np.isnan(program.size).any():
        raise SolverError("a coefficient of the model is not finite: look for a parameter that is far too large")


def generate_scalings(program: SolverProgram, useful: Callable[[], Floats]) -> Iterator[ScaledProgram]:
    """Yield a program in three scalings: by implied bounds, by useful amounts, and by a fraction of the implied bounds.

    The second is for demands that are tiny beside supply, which the solver's tolerance would ignore. The third is for
    geometric sequences, as process scrap charged again and again: a basis may violate their last rows by the tolerance,
    which is large beside them.

    Args:
        program: Program in own units.
        useful: Function that returns the useful amounts (N,).

    Yields:
        The scaled programs.
    """
    yield scale_program(program)
    yield scale_program(replace(program, size=useful()), FINE_COST_EXPONENT)
    yield scale_program(replace(program, size=np.ldexp(program.size, -FINE_COLUMN_EXPONENT)))
