"""Programs along the move of one parameter, interpolated linearly where the LP is affine in the parameter."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from medalopt.analysis.conflict import Problem
from medalopt.solver.line import alike, line

Draw = Callable[[float], Problem]


def along(build: Draw, start: Problem, far: Problem, begin: float, end: float, whole: bool = False) -> Draw:
    """Return a builder of programs along the move of one parameter.

    Programs are interpolated if every coefficient is affine in the position, else built (at whole numbers if `whole`).

    Args:
        build: Builder of the program at a position.
        start: Program at `begin`.
        far: Program at `end`.
        begin: First position.
        end: Last position.
        whole: True for a parameter in whole numbers.

    Returns:
        Function from a position to its program.
    """

    def part(share: float) -> float:
        return float(round(begin + (end - begin) * share)) if whole else begin + (end - begin) * share

    first, second, at = begin, end, part(1 / 2)
    one, two, check = start, far, build(at)
    if not alike(one.linear, two.linear):
        first, second, at = part(1 / 4), at, part(1 / 8)
        one, two, check = build(first), check, build(at)
    drawn = line(one.linear, first, two.linear, second, check.linear, at)
    if drawn is None:
        return build
    return lambda position: dataclasses.replace(one, linear=drawn.at(position))
