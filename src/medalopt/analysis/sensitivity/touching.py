"""The measure along a line of programs: its value at a position, a line that touches it there, and where plans end.

Where ends of rows and columns move, the duals of one plan bound the measure from below everywhere: it is convex.
Where costs move, one plan bounds it from above everywhere: it is concave, and its negative is told.
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

_STEP = 1e-10  # of the way, by which one at least goes on from a position without a plan
_TRIES = 200


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
    """What stands at a position: the variant and its answer."""

    variant: Variant
    outcome: Outcome


class Touching:
    """The measure along `way`, whose line moves either ends or costs; `sign` is 1 where it is convex, else -1."""

    def __init__(self, variants: Variants, way: Along, line: Line, progress: Callable[[str], None]) -> None:
        self._variants, self._way, self._line, self._progress = variants, way, line, progress
        self.sign = -1.0 if line.moves_costs else 1.0
        self._known: dict[float, Found] = {}

    def found(self, at: float) -> Found:
        """Return the variant at a position, and its answer."""
        if at not in self._known:
            self._progress(f"question {len(self._known) + 1}")
            variant = self._way.drawn(at)
            self._known[at] = Found(variant, self._variants.answer(variant))
        return self._known[at]

    def touch(self, at: float) -> Touch:
        """Return the measure, times `sign`, at a position where there is a plan."""
        found = self.found(at)
        slope = self._line.costs_slope @ found.outcome.x if self.sign < 0 else self._priced(found)
        return Touch(at, self.sign * found.outcome.value, self.sign * float(slope), found)

    def _priced(self, found: Found) -> float:
        """Return what the duals make of the ends that move."""
        linear, y = found.variant.linear, found.outcome.y
        entries = linear.entries
        reduced = linear.costs[0] - np.bincount(entries.column, entries.value * y[entries.row], len(linear.lower))
        slopes = self._line.end_slopes
        return _at_ends(y, slopes["row_lower"], slopes["row_upper"]) + _at_ends(
            reduced, slopes["lower"], slopes["upper"]
        )

    def first(self, start: float, stop: float) -> float | None:
        """Return the position nearest to `start`, towards `stop`, at which there is a plan; None where there is none.

        What refutes a plan at one position refutes it up to where its margin, which is straight, comes to nothing.
        """
        at, span = start, stop - start
        for _ in range(_TRIES):
            try:
                found = self.found(at)
            except SolverError:  # so near to the end that neither can be proven
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
        return stands(self._line.at(at), y)


def stands(linear: Linear, y: Floats) -> float:
    """Return by how much `y`, (M,), refutes a plan of `linear`; not at all where that is no more than 0."""
    program = scaled(linear)
    return margin(linear, program, np.ldexp(y, -program.row))


def _at_ends(price: Floats, low: Floats, high: Floats) -> float:
    return float(np.where(price > 0, price * low, price * high).sum())
