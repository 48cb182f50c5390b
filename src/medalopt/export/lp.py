"""Export of a linear program in the CPLEX LP format, as read by CPLEX, GLPK, Gurobi, HiGHS, SCIP and others.

The writers of HiGHS and GLPK keep 15 digits and replace names with brackets. Here every number is the shortest
decimal that reads back as the same double, and names stay recognisable. Only syntax common to these readers is used:

- a row with two different bounds becomes two rows, the second named `NAME.upper`;
- a row without a bound is one above -1e30, which is as good as none;
- a constant in the objective is the cost of a column fixed at 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from medalopt.export.names import lp_names
from medalopt.export.rows import NO_LIMIT, entries_by_row, split, two_sided
from medalopt.program import Program

_WIDTH = 120  # characters of a line: HiGHS stops reading a line at 560


def write_lp(program: Program) -> str:
    """Render a linear program in the LP format.

    Args:
        program: Linear program without NaN.

    Returns:
        The text of the LP file.
    """
    return "".join(f"{line}\n" for line in _lines(split(program, two_sided(program))))


def _lines(program: Program) -> Iterator[str]:
    """Yield the lines of the file."""
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
    """Yield coefficients with sign and column name."""
    for name, value in entries:
        yield f"{'-' if math.copysign(1, value) < 0 else '+'} {abs(value)!r} {name}"


def _wrapped(name: str, terms: Iterable[str], limit: str) -> Iterator[str]:
    """Yield an expression and its bound in lines of the allowed length."""
    line = f" {name}:"
    for term in (*terms, *([limit] if limit else [])):
        if len(line) + len(term) >= _WIDTH and line.strip():
            yield line
            line = " "
        line += f" {term}"
    yield line


def _limit(low: float, high: float) -> str:
    """Return the relation and right-hand side of a row."""
    if low == high:
        return f"= {low!r}"
    if math.isfinite(high):
        return f"<= {high!r}"
    return f">= {low if math.isfinite(low) else NO_LIMIT!r}"


def _bound(column: str, low: float, high: float) -> Iterator[str]:
    """Yield the bounds of a column; none for the default of 0 to infinity."""
    if low == high:
        yield f" {column} = {low!r}"
    elif low == -math.inf and high == math.inf:
        yield f" {column} free"
    elif low != 0 or math.isfinite(high):
        least = repr(low) if math.isfinite(low) else "-inf"
        yield f" {least} <= {column}" + (f" <= {high!r}" if math.isfinite(high) else "")
