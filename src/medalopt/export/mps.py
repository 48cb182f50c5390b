"""Export of a linear program in the free MPS format.

The writers of HiGHS and GLPK keep 15 digits; here every number is the shortest decimal that reads back as the same
double. Names are those of the LP file.

- A row with two bounds is one row with a range if bound and range reproduce both bounds exactly; otherwise it becomes
  two rows, the second named `NAME.upper`.
- A row without a bound is one above -1e30, which is as good as none: readers ignore a second N row.
- A constant in the objective is the cost of a column fixed at 1: readers disagree on the sign of a right-hand side of
  the objective.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from medalopt.export.names import lp_names
from medalopt.export.rows import NO_LIMIT, split, two_sided
from medalopt.program import Program


class _Row(NamedTuple):
    """A row of an MPS file: type, right-hand side, range."""

    kind: str  # E, L or G
    limit: float
    span: float = 0.0  # range: distance of the other bound; 0 without one


def write_mps(program: Program) -> str:
    """Render a linear program in the free MPS format.

    Args:
        program: Linear program without NaN.

    Returns:
        The text of the MPS file.
    """
    inexact = [
        place
        for place in np.flatnonzero(two_sided(program))
        if _row(program.row_lower[place].item(), program.row_upper[place].item()) is None
    ]
    which = np.zeros(len(program.rows), dtype=np.bool_)
    which[inexact] = True
    return "".join(f"{line}\n" for line in _lines(split(program, which)))


def _lines(program: Program) -> Iterator[str]:
    """Yield the lines of the file."""
    objective, *names = lp_names(("objective", *program.rows))
    constant, *columns = lp_names(("constant", *program.columns))
    rows = list(filter(None, map(_row, program.row_lower.tolist(), program.row_upper.tolist())))
    yield "NAME medalopt FREE"
    yield "ROWS"
    yield f" N {objective}"
    yield from (f" {row.kind} {name}" for name, row in zip(names, rows, strict=True))
    yield "COLUMNS"
    yield from _columns(program, objective, names, columns)
    if program.offset:
        yield f" {constant} {objective} {program.offset!r}"
    yield "RHS"
    yield from (f" RHS {name} {row.limit!r}" for name, row in zip(names, rows, strict=True) if row.limit)
    yield "RANGES"
    yield from (f" RANGE {name} {row.span!r}" for name, row in zip(names, rows, strict=True) if row.span)
    yield "BOUNDS"
    bounds = zip(program.lower.tolist(), program.upper.tolist(), strict=True)
    for place, (column, (low, high)) in enumerate(zip(columns, bounds, strict=True)):
        if place in program.whole and high == math.inf:
            yield f" PL BOUND {column}"  # some readers take an integer column without a bound for binary
        yield from (f" {bound[:2]} BOUND {column}{bound[2:]}" for bound in _bounds(low, high))
    if program.offset:
        yield f" FX BOUND {constant} 1"
    yield "ENDATA"


def _columns(program: Program, objective: str, rows: list[str], columns: list[str]) -> Iterator[str]:
    """Yield the coefficients by column, with markers around integer columns."""
    starts, places, values = program.indptr.tolist(), program.indices.tolist(), program.data.tolist()
    inside = False
    each = zip(columns, program.cost.tolist(), starts, starts[1:], strict=False)
    for place, (column, cost, start, end) in enumerate(each):
        if (place in program.whole) != inside:
            inside = not inside
            yield f" MARKER{place} 'MARKER' 'INT{'ORG' if inside else 'END'}'"
        if cost or start == end:
            yield f" {column} {objective} {cost!r}"
        yield from (f" {column} {rows[places[at]]} {values[at]!r}" for at in range(start, end))
    if inside:
        yield " MARKER 'MARKER' 'INTEND'"


def _row(low: float, high: float) -> _Row | None:
    """Return the row with these bounds, or None if no range reproduces both exactly."""
    if low == high:
        return _Row("E", low)
    if not math.isfinite(low):
        return _Row("L", high) if math.isfinite(high) else _Row("G", NO_LIMIT)
    if not math.isfinite(high):
        return _Row("G", low)
    for span in (high - low, math.nextafter(high - low, math.inf), math.nextafter(high - low, 0.0)):
        if low + span == high:
            return _Row("G", low, span)
        if high - span == low:
            return _Row("L", high, span)
    return None


def _bounds(low: float, high: float) -> Iterator[str]:
    """Yield bound types with values; none for the default of 0 to infinity."""
    if low == high:
        yield f"FX {low!r}"
    elif low == -math.inf and high == math.inf:
        yield "FR"
    else:
        if low == -math.inf:
            yield "MI"
        elif low != 0:
            yield f"LO {low!r}"
        if math.isfinite(high):
            yield f"UP {high!r}"
