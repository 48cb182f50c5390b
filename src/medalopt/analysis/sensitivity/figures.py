"""Parameters that enter the objective or a right-hand side, with the derivatives of costs and row bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from medalopt.analysis.sensitivity.costed import Costed
from medalopt.analysis.sensitivity.sided import sides
from medalopt.analysis.variants import Variants
from medalopt.instance.figures import Floats
from medalopt.instance.paths import Path, render
from medalopt.instance.reader.nodes import Scalar
from medalopt.instance.schema.at import Kind
from medalopt.instance.schema.fields import Measure
from medalopt.solver.linear import Linear

_NUDGE = Fraction(1025, 1024)  # factor on an exchange rate for the finite difference


@dataclass(frozen=True, eq=False)
class Figure:
    """A parameter in the unit of the file (None for a count), with the least and greatest value that the file allows.

    One unit more adds `weights` (N,) to the cost vector, or shifts row bounds: `ends` maps a row to (lower, upper).
    """

    path: str
    unit: str | None
    value: float
    least: float
    greatest: float
    weights: Floats | None
    ends: Mapping[int, tuple[float, float]]


def figures(variants: Variants, linear: Linear) -> Iterator[Figure]:
    """Find the parameters written in the file that enter the objective or a right-hand side.

    Args:
        variants: Scenarios of the instance.
        linear: Program with stockpile limits as rows.

    Yields:
        Parameters in the order of the file.
    """
    costed = Costed(variants.base, variants.written, variants.measure)
    numbers = {place: row for row, place in enumerate(linear.rows)}
    for path, scalar, kind in variants.written.figures():
        weights = _rate(variants, path, scalar, kind) if path[0] == "exchange" else costed.weights(path)
        ends = {} if weights is not None else _ends(variants, linear, numbers, path)
        if weights is not None or ends:
            yield _figure(variants, path, scalar, kind, weights, ends)


def _figure(
    variants: Variants,
    path: Path,
    scalar: Scalar,
    kind: Kind,
    weights: Floats | None,
    ends: Mapping[int, tuple[float, float]],
) -> Figure:
    """Return the parameter with value, limits and derivatives converted from canonical to file units."""
    exact = variants.written.exact(path, scalar, kind)
    assert exact is not None, "a figure of an instance without faults can be read"
    measure, unit, factor = kind.measure, None, Fraction(1)
    if isinstance(measure, Measure):
        unit, factor = variants.written.unit(path, scalar, measure)
    each = float(factor)
    return Figure(
        render(path),
        unit,
        float(exact / factor),
        -np.inf if measure.low is None else float(measure.low / factor),
        float(measure.high / factor) if isinstance(measure, Measure) and measure.high is not None else np.inf,
        None if weights is None else weights * each,
        {row: (low * each, high * each) for row, (low, high) in ends.items()},
    )


def _ends(
    variants: Variants, linear: Linear, numbers: Mapping[tuple[str, object], int], path: Path
) -> dict[int, tuple[float, float]]:
    """Return the shift of finite row bounds per canonical unit; empty if a row that the parameter needs is missing."""
    moves: dict[int, tuple[float, float]] = {}
    rows = sides(variants.instance, path)
    for (name, *index), low, high in rows:
        row = numbers.get((name, tuple(index) if len(index) > 1 else index[0] if index else None))
        if row is None:
            continue
        before = moves.get(row, (0.0, 0.0))
        moves[row] = (
            before[0] + low if np.isfinite(linear.row_lower[row]) else 0.0,
            before[1] + high if np.isfinite(linear.row_upper[row]) else 0.0,
        )
    moves = {row: by for row, by in moves.items() if any(by)}
    return moves if _complete(variants, numbers, path) else {}


def _complete(variants: Variants, numbers: Mapping[tuple[str, object], int], path: Path) -> bool:
    """Return True if the rows that an increase needs exist: those of supply above 0, or of demand above 0."""
    instance = variants.instance
    if path[0] == "medals":
        m = instance.medals.names.index(str(path[1]))
        due = instance.periods[int(instance.medals.due[m])]
        parts = np.flatnonzero(instance.medals.parts.value[m]).tolist()
        owed = (("demand", (instance.alloys.names[a], due)) in numbers for a in parts)
        return bool(instance.medals.count[m]) and all(owed)
    if path[0] == "streams" and path[2] in ("available", "total"):
        i = instance.streams.names.index(str(path[1]))
        offered = instance.streams.available.value[i]
        return bool((offered if len(path) < 4 else offered[[path[3]]]).all())
    return True


def _rate(variants: Variants, path: Path, scalar: Scalar, kind: Kind) -> Floats | None:
    """Return the derivative of the costs by an exchange rate; None if matrix coefficients change too."""
    exact = variants.written.exact(path, scalar, kind)
    if exact is None:
        return None
    base = variants.base.linear
    moved = variants.variant({render(path): repr(float(exact * _NUDGE))}).linear
    weights = (moved.costs[0] - base.costs[0]) / float(exact * (_NUDGE - 1))
    still = len(moved.lower) == len(base.lower) and np.array_equal(moved.entries.value, base.entries.value)
    return weights if still and weights.any() else None
