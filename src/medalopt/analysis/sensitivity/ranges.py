"""Sensitivity ranges: shadow price of every cost and right-hand-side parameter, up and down, with allowable changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from medalopt.analysis.explanation.kinks import Part, parts
from medalopt.analysis.explanation.near import Near
from medalopt.analysis.sensitivity.figures import Figure, figures
from medalopt.analysis.sensitivity.steps import attempted
from medalopt.analysis.variants import Variants
from medalopt.instance.figures import Floats
from medalopt.plan.plan import Plan
from medalopt.solver.around import Around, End
from medalopt.solver.augmenting import Mover
from medalopt.solver.cost_range import cost_range
from medalopt.solver.linear import Linear
from medalopt.solver.relaxing import stockpiles_as_rows
from medalopt.solver.retrace import duals_of
from medalopt.solver.side_range import side_range

Progress = Callable[[int, int], None]  # parameters done, and in all


@dataclass(frozen=True)
class Turn:
    """Change of the plan at one end of a range: sources and offers that it takes more and less of.

    `stops`: infeasible beyond. Empty if the end is only the limit of the parameter itself, such as a supply of 0.
    """

    more: tuple[Part, ...] = ()
    less: tuple[Part, ...] = ()
    stops: bool = False


@dataclass(frozen=True)
class Range:
    """Sensitivity range of one parameter: change of the objective per unit up and per unit down, and its range.

    A price is None if that direction is infeasible, `low` or `high` None if the range is unbounded. `costs`: the
    parameter is an objective coefficient, else a right-hand side.
    """

    path: str
    unit: str | None
    value: float
    price_up: float | None
    price_down: float | None
    low: float | None
    high: float | None
    at_low: Turn
    at_high: Turn
    costs: bool

    @property
    def kinked(self) -> bool:
        """True if the shadow price differs between increase and decrease."""
        if self.price_up is None or self.price_down is None:
            return True
        return abs(self.price_up + self.price_down) > 1e-7 * max(abs(self.price_up), abs(self.price_down))


@dataclass(frozen=True, eq=False)
class Ranges:
    """Sensitivity ranges of a verified optimal plan, in the order of the file.

    `only`: the optimum is unique (None if that is not verified). `unproven`: paths of parameters without a verified
    range.
    """

    plan: Plan
    rows: tuple[Range, ...]
    only: bool | None
    unproven: tuple[str, ...] = ()


def ranges(variants: Variants, progress: Progress = lambda done, of: None) -> Ranges:
    """Compute the sensitivity range of every cost and right-hand-side parameter, one at a time.

    Args:
        variants: Scenarios of the instance.
        progress: Callback with the number of parameters done and in all.

    Returns:
        The optimal plan and its ranges.

    Raises:
        NoPlanError: If the instance is infeasible.
    """
    plan = variants.plan
    near = Near.of(plan)
    instance, linear = plan.instance, near.rerun.linear
    rows = stockpiles_as_rows(linear, near.block, instance.streams.names, instance.periods)
    found = list(figures(variants, rows))
    meters = [figure.weights for figure in found if figure.weights is not None]
    movers = [Mover(figure.ends, abs(figure.value)) for figure in found if figure.weights is None]
    at = (rows, near.rerun.x, _duals(near, linear, rows))
    metered, moved = Around(*at, meters, ()), Around(*at, (), movers)  # separate, as cost rows are dense
    costs = sides = 0
    told: list[Range] = []
    unproven: list[str] = []
    for number, figure in enumerate(found):
        progress(number, len(found))
        if figure.weights is not None:
            asked = partial(_of_cost, near, metered, figure, costs)
            costs += 1
        else:
            asked = partial(_of_side, near, moved, figure, sides)
            sides += 1
        row = attempted(asked)
        if row is None:
            unproven.append(figure.path)
        else:
            told.append(row)
    others = attempted(near.others)
    return Ranges(plan, tuple(told), None if others is None else not others, tuple(unproven))


def _duals(near: Near, linear: Linear, rows: Linear) -> Floats:
    """Extend the duals of the plan by those of stockpile limits as rows: the negative part of the reduced costs."""
    y, entries = duals_of(near.plan.duals, linear), linear.entries
    pull = np.bincount(entries.column, entries.value * y[entries.row], len(linear.lower))
    height = len(linear.rows)
    limits = rows.entries.row >= height
    above = np.minimum(linear.costs[0] - pull, 0.0)[rows.entries.column[limits]]
    return np.append(y, above)


def _of_cost(near: Near, around: Around, figure: Figure, meter: int) -> Range:
    """Return the range of an objective coefficient by re-solving in both directions."""
    slope_up, up = cost_range(around, meter, 1)
    slope_down, down = cost_range(around, meter, -1)
    return _told(near, figure, slope_up, 0.0 - slope_down, up, down, costs=True)


def _of_side(near: Near, around: Around, figure: Figure, mover: int) -> Range:
    """Return the range of a right-hand side, limited by the values that the parameter may take."""
    more, less = side_range(around, mover, figure.greatest - figure.value, figure.value - figure.least)
    return _told(near, figure, more[0], less[0], more[1], less[1], costs=False)


def _told(
    near: Near,
    figure: Figure,
    price_up: float | None,
    price_down: float | None,
    up: End,
    down: End,
    *,
    costs: bool,
) -> Range:
    """Assemble the range from prices and distances, cut at the limits of the parameter."""
    high, low = figure.value + up.distance, figure.value - down.distance
    return Range(
        figure.path,
        figure.unit,
        figure.value,
        price_up,
        price_down,
        _finite(max(low, figure.least)),
        _finite(min(high, figure.greatest)),
        _turn(near, down) if low >= figure.least else Turn(),
        _turn(near, up) if high <= figure.greatest else Turn(),
        costs,
    )


def _finite(value: float) -> float | None:
    """Return None for an infinite value."""
    return value if math.isfinite(value) else None


def _turn(near: Near, end: End) -> Turn:
    """Return the change of sources and offers at an end of a range."""
    if math.isinf(end.distance):
        return Turn()
    if end.turn is None:
        return Turn(stops=True)
    moved = parts(near, end.turn)
    return Turn(tuple(part for part in moved if part.amount > 0), tuple(part for part in moved if part.amount < 0))
