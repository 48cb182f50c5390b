"""Prices and ranges of random instances, compared with plans solved from the files on both sides.

A price is the difference of two solves: from the present value to half way to the end of its range, and to just before
it. Beyond the end the objective leaves the line of the price, or is infeasible, as the range states.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from tests.laws import pool

from campaigns.running import Found, campaign
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.ranges import SensitivityRange, SensitivityRanges, compute_ranges
from medalopt.errors import InputError, NoPlanError, SolverError

FIGURES = 8  # of an instance, drawn at random
FAR = 1_000  # times the figure, up to which a price without an end is tried
NEARLY = 1 - 1e-7  # of the way to an end, where the price still holds
BEYOND = (1 + 1e-6, 1.05, 2.0, 10.0)  # of the way to an end, where it no longer does
STEP = 1e-3  # of a figure, to see that no plan lies that way


def trial(seed: int, stock: bool = False) -> Found:
    """Compute the ranges of instance number `seed` for one objective, and solve it on both sides of parameters."""
    with tempfile.TemporaryDirectory() as folder:
        variants = ScenarioRunner(
            pool.files(seed, stock).write(Path(folder)), objective=pool.MEASURES[seed % len(pool.MEASURES)]
        )
        try:
            found = compute_ranges(variants)
        except NoPlanError:
            return Found(Counter({"instances without a plan": 1}))
        rows = Random(seed).sample(found.rows, min(FIGURES, len(found.rows)))
        sides = (Side(variants, found, row, by) for row in rows for by in (1, -1))
        told = sum((held(side) for side in sides), Found())
    return Found(told.seen, tuple(f"{seed} ({variants.objective}): {wrong}" for wrong in told.wrong))


class Side:
    """A parameter, up (`by` 1) or down (-1): its price in that direction, and plans solved there."""

    def __init__(self, variants: ScenarioRunner, found: SensitivityRanges, row: SensitivityRange, by: int) -> None:
        up = by > 0
        self.variants, self.row, self.by = variants, row, by
        self.price, self.end = (row.price_up, row.high) if up else (row.price_down, row.low)
        self.stops = (row.at_high if up else row.at_low).stops
        self.objective, self.slack = found.plan.objective, 10 * pool.slack(found.plan)

    def says(self, text: str) -> str:
        """Return the fault, with the parameter and its direction."""
        return f"{self.row.path} {'up' if self.by > 0 else 'down'}: {text}"

    def solved(self, far: float, inwards: bool) -> tuple[float, float] | None:
        """Return the step of the parameter, whole for a count, and the objective; None if not allowed there."""
        at = self.row.value + self.by * far
        if self.row.unit is None:
            at = float(math.floor(at) if (self.by > 0) == inwards else math.ceil(at))
        text = str(round(at)) if self.row.unit is None else f"{at!r} {self.row.unit}"
        try:
            plan = pool.solved(self.variants.apply_changes({self.row.path: text}), self.variants.objective)
        except (InputError, SolverError):  # or a number so small beside the others that nothing is proven
            return None
        return abs(at - self.row.value), pool.value(plan)

    def beside(self, far: float, value: float) -> float:
        """Return the excess of the objective above the line of the price, beyond rounding."""
        assert self.price is not None
        by = value - self.objective - self.price * far
        near = self.slack + 1e-7 * abs(self.price * far)
        return 0.0 if abs(by) <= near else by


def held(side: Side) -> Found:
    """Return whether the price is valid up to its end and no farther."""
    if side.price is None:
        return _none(side)
    size = max(abs(side.row.value), 1.0)
    reach = FAR * size if side.end is None else abs(side.end - side.row.value)
    wrong, tried = [], 0
    for share in (0.5, NEARLY):
        answer = side.solved(reach * share, inwards=True)
        if answer is not None:
            tried += answer[0] > 0
            if side.beside(*answer):
                wrong.append(side.says(f"{answer[1]!r} at {share:g} of the way, {side.beside(*answer):g} beside"))
    found = Found(Counter({"solves on the line of a price": tried}), tuple(wrong))
    return found if side.end is None or not reach else found + _beyond(side, reach)


def _none(side: Side) -> Found:
    answer = side.solved(STEP * max(abs(side.row.value), 1.0), inwards=False)
    if answer is not None and math.isfinite(answer[1]):
        return Found(wrong=(side.says("a plan where none is said to be"),))
    return Found(Counter({"no plan that way": 1}))


def _beyond(side: Side, reach: float) -> Found:
    """Return whether beyond its end the price is another (of costs a lesser one, else a greater), or no plan is."""
    for share in BEYOND:
        answer = side.solved(reach * share, inwards=False)
        if answer is None:
            return Found(Counter({"ends beyond which no figure may stand": 1}))
        if math.isinf(answer[1]):
            if side.stops:
                return Found(Counter({"ends beyond which there is no plan": 1}))
            near = share == BEYOND[0] and side.row.unit is not None
            return Found(Counter({"no plan soon after an end": 1}), (side.says("no plan beyond"),) if near else ())
        by = side.beside(*answer)
        if side.stops or by * (-1 if side.row.costs else 1) < 0:
            return Found(wrong=(side.says(f"a plan beyond the end, {by:g} beside the line"),))
        if by:
            return Found(Counter({"ends beyond which the price is another": 1}))
    return Found(Counter({"ends beyond which nothing could be seen": 1}))


if __name__ == "__main__":
    sys.exit(campaign("prices", trial, 2_000, sys.argv[1:]))
