"""Optimal value of a parametric LP along a line of programs: values, supporting lines and ends of feasibility.

If right-hand sides or bounds move, the duals at one position give a lower bound everywhere: the value is convex. If
costs move, the solution at one position gives an upper bound everywhere: it is concave, and is negated here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from medalopt.analysis.sensitivity.pieces import Touch
from medalopt.analysis.variants import Along, Variant, Variants
from medalopt.errors import SolverError
from medalopt.instance.figures import Floats
from medalopt.solver.infeasible import margin
from medalopt.solver.line import Line
from medalopt.solver.linear import Linear
from medalopt.solver.outcome import Outcome
from medalopt.solver.scaling import scaled

_STEP = 1e-10  # fraction of the interval: minimum step from an infeasible position
_TRIES = 200


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
    """A scenario and its verified result."""

    variant: Variant
    outcome: Outcome


class Touching:
    """Optimal value along `way`, whose `line` moves either row and column bounds or costs.

    `sign` is 1 if the value is convex, −1 if concave.

    Args:
        variants: Scenarios of the instance, which solve and cache.
        way: Family of scenarios by position.
        line: Affine function from the position to the program.
        progress: Progress callback.
    """

    def __init__(self, variants: Variants, way: Along, line: Line, progress: Callable[[str], None]) -> None:
        self._variants, self._way, self._line, self._progress = variants, way, line, progress
        self.sign = -1.0 if line.moves_costs else 1.0
        self._known: dict[float, Found] = {}

    def found(self, at: float) -> Found:
        """Solve the scenario at a position, once.

        Args:
            at: Position.

        Returns:
            The scenario and its verified result.
        """
        if at not in self._known:
            self._progress(f"question {len(self._known) + 1}")
            variant = self._way.drawn(at)
            self._known[at] = Found(variant, self._variants.answer(variant))
        return self._known[at]

    def touch(self, at: float) -> Touch:
        """Return value and supporting line at a feasible position.

        Args:
            at: Position.

        Returns:
            `sign` times the optimal value, and its slope: c'·x if costs move, else the duals times the moving bounds.
        """
        found = self.found(at)
        slope = self._line.costs_slope @ found.outcome.x if self.sign < 0 else self._priced(found)
        return Touch(at, self.sign * found.outcome.value, self.sign * float(slope), found)

    def _priced(self, found: Found) -> float:
        """Return the slope of the dual objective: Σ y·b' over rows, Σ d·u' over columns with d = c − Aᵀy."""
        linear, y = found.variant.linear, found.outcome.y
        entries = linear.entries
        reduced = linear.costs[0] - np.bincount(entries.column, entries.value * y[entries.row], len(linear.lower))
        slopes = self._line.end_slopes
        return _at_ends(y, slopes["row_lower"], slopes["row_upper"]) + _at_ends(
            reduced, slopes["lower"], slopes["upper"]
        )

    def first(self, start: float, stop: float) -> float | None:
        """Find the feasible position nearest to `start`.

        A Farkas certificate at one position excludes all positions up to the zero of its margin, which is affine in
        them.

        Args:
            start: Position where the search begins.
            stop: Position where it ends.

        Returns:
            The position; None if no position up to `stop` is feasible.
        """
        at, span = start, stop - start
        for _ in range(_TRIES):
            try:
                found = self.found(at)
            except SolverError:  # so near to the boundary that neither can be verified
                at += span * _STEP * 100
                continue
            if found.outcome.feasible:
                return at
            now, then = (self._margin(found.outcome.y, position) for position in (at, stop))
            if self.sign < 0 or then > 0 or not then < now:
                return None
            at = max(at + (stop - at) * now / (now - then), at + span * _STEP, key=lambda x: (x - at) / span)
        return None

    def _margin(self, y: Floats, at: float) -> float:
        """Return the margin of a Farkas certificate at a position."""
        return stands(self._line.at(at), y)


def stands(linear: Linear, y: Floats) -> float:
    """Return the margin by which multipliers `y` (M,) prove `linear` infeasible; no proof if it is not above 0."""
    program = scaled(linear)
    return margin(linear, program, np.ldexp(y, -program.row))


def _at_ends(price: Floats, low: Floats, high: Floats) -> float:
    """Return Σ price · slope of the active bound: the lower one for positive prices, else the upper one."""
    return float(np.where(price > 0, price * low, price * high).sum())
