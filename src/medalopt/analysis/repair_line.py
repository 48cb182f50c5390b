"""Programs along the way of one figure: drawn as a line between two of them, where they are one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from medalopt.analysis.conflict import Problem
from medalopt.solver.line import alike, line

Draw = Callable[[float], Problem]


def along(build: Draw, start: Problem, far: Problem, begin: float, end: float, whole: bool = False) -> Draw:
    """Return what gives the program at any position between `begin` (at `start`) and `end` (at `far`).

    Where every entry moves in proportion, as almost every figure has it, no program is built anew. A figure that is
    `whole` is built at whole positions alone, and drawn at all.
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
