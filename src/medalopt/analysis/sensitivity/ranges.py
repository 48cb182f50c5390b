"""The ranges: of every figure that costs or stands at the side of a rule its two prices, and how far they hold."""

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

Progress = Callable[[int, int], None]  # figures done, of how many


@dataclass(frozen=True)
class Turn:
    """What happens at an end: sources and offers of which the plan takes more, and less; or `stops`, no plan beyond.

    Of an end that the figure itself has (nothing is offered less than nothing) all is empty.
    """

    more: tuple[Part, ...] = ()
    less: tuple[Part, ...] = ()
    stops: bool = False


@dataclass(frozen=True)
class Range:
    """A figure, what the measure changes by for one unit more and one less, and from where to where that holds.

    A price is None where no plan lies that way, an end where there is none. `costs`: whether the figure is a cost
    (else it stands at the side of a rule).
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
        """Whether one unit less does not save what one unit more costs."""
        if self.price_up is None or self.price_down is None:
            return True
        return abs(self.price_up + self.price_down) > 1e-7 * max(abs(self.price_up), abs(self.price_down))


@dataclass(frozen=True, eq=False)
class Ranges:
    """A proven plan and its ranges, in the order of the file; `only`: whether no other plan is as good.

    `only` is None where that is not proven; of the figures `unproven`, by path, no range could be had.
    """

    plan: Plan
    rows: tuple[Range, ...]
    only: bool | None
    unproven: tuple[str, ...] = ()


def ranges(variants: Variants, progress: Progress = lambda done, of: None) -> Ranges:
    """Return the ranges of the instance of `variants`. Raises NoPlanError where it has no plan."""
    plan = variants.plan
    near = Near.of(plan)
    instance, linear = plan.instance, near.rerun.linear
    rows = stockpiles_as_rows(linear, near.block, instance.streams.names, instance.periods)
    found = list(figures(variants, rows))
    meters = [figure.weights for figure in found if figure.weights is not None]
    movers = [Mover(figure.ends, abs(figure.value)) for figure in found if figure.weights is None]
    at = (rows, near.rerun.x, _duals(near, linear, rows))
    metered, moved = Around(*at, meters, ()), Around(*at, (), movers)  # apart, as meters are long rows
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
    """Return the duals of `rows`, in which limits of stockpiles are rows, from those of the plan."""
    y, entries = duals_of(near.plan.duals, linear), linear.entries
    pull = np.bincount(entries.column, entries.value * y[entries.row], len(linear.lower))
    height = len(linear.rows)
    limits = rows.entries.row >= height
    above = np.minimum(linear.costs[0] - pull, 0.0)[rows.entries.column[limits]]
    return np.append(y, above)


def _of_cost(near: Near, around: Around, figure: Figure, meter: int) -> Range:
    slope_up, up = cost_range(around, meter, 1)
    slope_down, down = cost_range(around, meter, -1)
    return _told(near, figure, slope_up, 0.0 - slope_down, up, down, costs=True)


def _of_side(near: Near, around: Around, figure: Figure, mover: int) -> Range:
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
    return value if math.isfinite(value) else None


def _turn(near: Near, end: End) -> Turn:
    if math.isinf(end.distance):
        return Turn()
    if end.turn is None:
        return Turn(stops=True)
    moved = parts(near, end.turn)
    return Turn(tuple(part for part in moved if part.amount > 0), tuple(part for part in moved if part.amount < 0))
