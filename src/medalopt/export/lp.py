"""A program in the CPLEX LP format, as CPLEX, GLPK, Gurobi, HiGHS, SCIP and others read it.

Written here, because the writers of HiGHS and GLPK keep 15 digits and replace names such as ours: here every
number is the shortest decimal that reads back as the same double, and every name stays recognisable.
What these readers do not share is written in the words they do. A row with two different limits becomes two rows,
the second with `.upper` behind its name; a row without any limit is one above -1e30, which is as good
as none; a constant in the objective is the cost of a column that is fixed at 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from medalopt.export.names import lp_names
from medalopt.export.rows import NO_LIMIT, entries_by_row, split, two_sided
from medalopt.program import Program

_WIDTH = 120  # of a line: HiGHS stops reading a line at 560 characters


def write_lp(program: Program) -> str:
    """Return `program`, whose figures must be no NaN, as the text of an LP file."""
    return "".join(f"{line}\n" for line in _lines(split(program, two_sided(program))))


def _lines(program: Program) -> Iterator[str]:
    constant, *columns = lp_names(("constant", *program.columns))
    objective, *rows = lp_names(("objective", *program.rows))
    costs = list(zip(columns, program.cost.tolist(), strict=True))
    yield "minimize"
    yield from _wrapped(objective, _terms([*costs, (constant, program.offset)] if program.offset else costs), "")
    yield "subject to"
    limits = zip(program.row_lower.tolist(), program.row_upper.tolist(), strict=True)
    for row, entries, (low, high) in zip(rows, entries_by_row(program), limits, strict=True):
        named = [(columns[place], value) for place, value in entries] or [(columns[0], 0.0)]
        yield from _wrapped(row, _terms(named), _limit(low, high))
    yield "bounds"
    bounds = zip(program.lower.tolist(), program.upper.tolist(), strict=True)
    for column, (low, high) in zip(columns, bounds, strict=True):
        yield from _bound(column, low, high)
    if program.offset:
        yield f" {constant} = 1"
    if program.whole:
        yield "general"
        yield from (f" {columns[place]}" for place in sorted(program.whole))
    yield "end"


def _terms(entries: Iterable[tuple[str, float]]) -> Iterator[str]:
    for name, value in entries:
        yield f"{'-' if math.copysign(1, value) < 0 else '+'} {abs(value)!r} {name}"


def _wrapped(name: str, terms: Iterable[str], limit: str) -> Iterator[str]:
    line = f" {name}:"
    for term in (*terms, *([limit] if limit else [])):
        if len(line) + len(term) >= _WIDTH and line.strip():
            yield line
            line = " "
        line += f" {term}"
    yield line


def _limit(low: float, high: float) -> str:
    if low == high:
        return f"= {low!r}"
    if math.isfinite(high):
        return f"<= {high!r}"
    return f">= {low if math.isfinite(low) else NO_LIMIT!r}"


def _bound(column: str, low: float, high: float) -> Iterator[str]:
    if low == high:
        yield f" {column} = {low!r}"
    elif low == -math.inf and high == math.inf:
        yield f" {column} free"
    elif low != 0 or math.isfinite(high):
        least = repr(low) if math.isfinite(low) else "-inf"
        yield f" {least} <= {column}" + (f" <= {high!r}" if math.isfinite(high) else "")
