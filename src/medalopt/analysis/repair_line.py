"""Programs along the way of one figure: drawn as a line between two of them, where they are one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from medalopt.analysis.conflict import Problem
from medalopt.instance.figures import Floats
from medalopt.model.network import Entries
from medalopt.solver.linear import Linear

STRAIGHT = 1e-12  # in relation to its size, by which an entry may lie beside the line
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
    if not _same(one.linear, two.linear):
        first, second, at = part(1 / 4), at, part(1 / 8)
        one, two, check = build(first), check, build(at)
    if not (_same(one.linear, two.linear) and _same(one.linear, check.linear)):
        return build

    def drawn(position: float) -> Problem:
        return _between(one, two, (position - first) / (second - first))

    return drawn if _close(drawn(at).linear, check.linear) else build


def _same(one: Linear, other: Linear) -> bool:
    return (
        one.rows == other.rows
        and one.places == other.places
        and len(one.lower) == len(other.lower)
        and np.array_equal(one.entries.row, other.entries.row)
        and np.array_equal(one.entries.column, other.entries.column)
        and all(np.array_equal(np.isfinite(a), np.isfinite(b)) for a, b in zip(_ends(one), _ends(other), strict=True))
    )


def _ends(of: Linear) -> tuple[Floats, ...]:
    return of.row_lower, of.row_upper, of.lower, of.upper


def _between(one: Problem, two: Problem, share: float) -> Problem:
    a, b = one.linear, two.linear

    def mix(x: Floats, y: Floats) -> Floats:
        moves = np.isfinite(x) & (x != y)
        return np.where(moves, np.where(moves, x, 0.0) * (1 - share) + np.where(moves, y, 0.0) * share, x)

    linear = dataclasses.replace(
        a,
        lower=mix(a.lower, b.lower),
        upper=mix(a.upper, b.upper),
        size=np.maximum(mix(a.size, b.size), np.minimum(a.size, b.size) * 2.0**-20),
        row_lower=mix(a.row_lower, b.row_lower),
        row_upper=mix(a.row_upper, b.row_upper),
        entries=Entries(a.entries.row, a.entries.column, mix(a.entries.value, b.entries.value)),
    )
    return dataclasses.replace(one, linear=linear)


def _close(one: Linear, other: Linear) -> bool:
    pairs = zip((*_ends(one), one.entries.value), (*_ends(other), other.entries.value), strict=True)
    return all(_near(a, b) for a, b in pairs)


def _near(a: Floats, b: Floats) -> bool:
    finite = np.isfinite(a)
    size = np.maximum(np.abs(a[finite]), np.abs(b[finite]))
    return bool((np.abs(a[finite] - b[finite]) <= STRAIGHT * np.maximum(size, 1.0)).all())
