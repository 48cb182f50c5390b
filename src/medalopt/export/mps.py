"""A program in the free MPS format.

Written here, because the writers of HiGHS and GLPK keep 15 digits: every number is the shortest decimal that reads
back as the same double. A row with two limits is one row with a range wherever limit and range give back
both limits exactly, else two rows, the second with `.upper` behind its name. A row without any limit is one above
-1e30, which is as good as none: readers leave out a further N row. A constant in the objective is the cost of a
column that is fixed at 1: readers do not agree on the sign of a right-hand side of the objective.
Names are those of the LP file.
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
    kind: str  # E, L or G
    limit: float
    span: float = 0.0  # distance of the other limit; 0: there is none


def write_mps(program: Program) -> str:
    """Return `program`, whose figures must be no NaN, as the text of a free MPS file."""
    inexact = [
        place
        for place in np.flatnonzero(two_sided(program))
        if _row(program.row_lower[place].item(), program.row_upper[place].item()) is None
    ]
    which = np.zeros(len(program.rows), dtype=np.bool_)
    which[inexact] = True
    return "".join(f"{line}\n" for line in _lines(split(program, which)))


def _lines(program: Program) -> Iterator[str]:
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
            yield f" PL BOUND {column}"  # some readers take a whole number without a bound for 0 or 1
        yield from (f" {bound[:2]} BOUND {column}{bound[2:]}" for bound in _bounds(low, high))
    if program.offset:
        yield f" FX BOUND {constant} 1"
    yield "ENDATA"


def _columns(program: Program, objective: str, rows: list[str], columns: list[str]) -> Iterator[str]:
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
    """Return the row between `low` and `high`, or None where no range gives back both exactly."""
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
