"""Export of a linear program in the CPLEX LP format and in the free MPS format, with equal names.

Every number is the shortest decimal that reads back as the same double; the writers of HiGHS and GLPK keep 15 digits.
Only syntax common to CPLEX, GLPK, Gurobi, HiGHS and SCIP is used: a row with two bounds becomes two rows, the second
named `NAME.upper` (in MPS only where a range does not reproduce both bounds exactly); a row without a bound is one
above -1e30, since readers ignore a second N row; a constant in the objective is the cost of a column fixed at 1, since
readers disagree on the sign of a right-hand side of the objective.

Names stay recognisable. Names of the program consist of ASCII letters, digits, `_.-~@%` and the brackets and commas of
indices. MPS takes them unchanged. The LP format takes neither brackets nor the minus sign, and reads `e10` as part of a
number and words such as `free` as keywords, so that `ship[phone@tokyo,2017-04]` becomes `ship(phone@tokyo,2017%2D04)`
in both formats. A name longer than the format allows is cut and ends in a hash of the whole.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from medalopt.linear_program import NamedLinearProgram

MAX_NAME_LENGTH = 255  # characters of a row or column name that CPLEX, GLPK and HiGHS all read


MAX_SYMBOL_LENGTH = 75  # characters of a MathProg symbol: three of them fit into one row name


_LP_SAFE = "(),@%"  # besides letters, digits and `_.~`: characters that every reader of LP files takes


_NUMBER_LIKE = re.compile(r"[^A-Za-z_]|[eE][0-9]")


_LP_WORDS = re.compile(
    r"min|max|minimi[sz]e|maximi[sz]e|minimum|maximum|subject|such|st|s\.t\.|st\.|bounds?|free|inf|infinity|integers?|int"
    r"|generals?|gen|binary|binaries|bin|semis?|sec|sos[12]?|end"
)


def _make_lp_name(name: str) -> str:
    """Return a name with the characters allowed in LP and MPS files, of any length."""
    safe = quote(name.replace("[", "(").replace("]", ")"), safe=_LP_SAFE).replace("-", "%2D")
    return f"_{safe}" if _NUMBER_LIKE.match(safe) or _LP_WORDS.fullmatch(safe.lower()) else safe


def _shorten_name(name: str, longest: int) -> str:
    """Return a name, or if it is longer than `longest` its start with a hash of the whole."""
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: longest - len(digest) - 1]}~{digest}"


def make_lp_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names in LP and MPS files.

    Args:
        names: Names of rows or columns.

    Returns:
        Distinct names in the same order.
    """
    return make_names_unique((_make_lp_name(name) for name in names), MAX_NAME_LENGTH)


def write_names(program: NamedLinearProgram) -> str:
    """Render the mapping from exported names to original names as CSV.

    Args:
        program: Linear program.

    Returns:
        The CSV text, a line for each column and row.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("kind", "name", "original"))
    for kind, names in (("column", program.columns), ("row", program.rows)):
        writer.writerows((kind, safe, unquote(name)) for safe, name in zip(make_lp_names(names), names, strict=True))
    return table.getvalue()


def make_names_unique(names: Iterable[str], longest: int) -> tuple[str, ...]:
    """Shorten names and number those that would be equal.

    Args:
        names: Names.
        longest: Greatest number of characters.

    Returns:
        Distinct names in the same order.
    """
    seen: set[str] = set()
    result = []
    for name in names:
        short, count = _shorten_name(name, longest), 1
        while short in seen:
            count += 1
            short = _shorten_name(f"{name}~{count}", longest)
        seen.add(short)
        result.append(short)
    return tuple(result)


NO_LIMIT = -1e30  # below any attainable value; HiGHS, CPLEX and Gurobi read it as infinite


def _find_ranged_rows(program: NamedLinearProgram) -> NDArray[np.bool_]:
    """Return the rows with two different finite bounds, (rows,)."""
    both = np.isfinite(program.row_lower) & np.isfinite(program.row_upper)
    result: NDArray[np.bool_] = both & (program.row_lower != program.row_upper)
    return result


def _split_ranged_rows(program: NamedLinearProgram, ranged: NDArray[np.bool_]) -> NamedLinearProgram:
    """Return the program with each row of a mask as two: its lower bound, and at the end its upper as `NAME.upper`."""
    chosen = np.flatnonzero(ranged)
    copy_of = np.full(len(program.rows), -1, dtype=np.int32)
    copy_of[chosen] = len(program.rows) + np.arange(len(chosen), dtype=np.int32)
    columns = np.repeat(np.arange(len(program.columns)), np.diff(program.indptr))
    copied = np.flatnonzero(copy_of[program.indices] >= 0)
    columns = np.concatenate([columns, columns[copied]])
    order = np.argsort(columns, kind="stable")
    counts = np.bincount(columns, minlength=len(program.columns))
    return replace(
        program,
        rows=(*program.rows, *(f"{program.rows[row]}.upper" for row in chosen)),
        row_lower=np.concatenate([program.row_lower, np.full(len(chosen), -np.inf)]),
        row_upper=np.concatenate([np.where(ranged, np.inf, program.row_upper), program.row_upper[chosen]]),
        indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        indices=np.concatenate([program.indices, copy_of[program.indices[copied]]])[order].astype(np.int32),
        data=np.concatenate([program.data, program.data[copied]])[order],
    )


def list_row_entries(program: NamedLinearProgram) -> list[list[tuple[int, float]]]:
    """Return the coefficients by row.

    Args:
        program: Linear program.

    Returns:
        For each row the pairs (column index, coefficient).
    """
    result: list[list[tuple[int, float]]] = [[] for _ in program.rows]
    columns = np.repeat(np.arange(len(program.columns)), np.diff(program.indptr))
    for row, column, value in zip(program.indices.tolist(), columns.tolist(), program.data.tolist(), strict=True):
        result[row].append((column, value))
    return result


_LINE_WIDTH = 120  # characters of a line: HiGHS stops reading a line at 560


def write_lp(program: NamedLinearProgram) -> str:
    """Render a linear program in the LP format.

    Args:
        program: Linear program without NaN.

    Returns:
        The text of the LP file.
    """
    return "".join(f"{line}\n" for line in _list_lp_lines(_split_ranged_rows(program, _find_ranged_rows(program))))


def _list_lp_lines(program: NamedLinearProgram) -> Iterator[str]:
    """Yield the lines of the file."""
    constant, *columns = make_lp_names(("constant", *program.columns))
    objective, *rows = make_lp_names(("objective", *program.rows))
    costs = list(zip(columns, program.cost.tolist(), strict=True))
    yield "minimize"
    yield from _wrap_expression(
        objective, _format_terms([*costs, (constant, program.offset)] if program.offset else costs), ""
    )
    yield "subject to"
    limits = zip(program.row_lower.tolist(), program.row_upper.tolist(), strict=True)
    for row, entries, (low, high) in zip(rows, list_row_entries(program), limits, strict=True):
        named = [(columns[position], value) for position, value in entries] or [(columns[0], 0.0)]
        yield from _wrap_expression(row, _format_terms(named), _format_row_limit(low, high))
    yield "bounds"
    bounds = zip(program.lower.tolist(), program.upper.tolist(), strict=True)
    for column, (low, high) in zip(columns, bounds, strict=True):
        yield from _format_lp_bound(column, low, high)
    if program.offset:
        yield f" {constant} = 1"
    if program.integer_columns:
        yield "general"
        yield from (f" {columns[position]}" for position in sorted(program.integer_columns))
    yield "end"


def _format_terms(entries: Iterable[tuple[str, float]]) -> Iterator[str]:
    """Yield coefficients with sign and column name."""
    for name, value in entries:
        yield f"{'-' if math.copysign(1, value) < 0 else '+'} {abs(value)!r} {name}"


def _wrap_expression(name: str, terms: Iterable[str], limit: str) -> Iterator[str]:
    """Yield an expression and its bound in lines of the allowed length."""
    line = f" {name}:"
    for term in (*terms, *([limit] if limit else [])):
        if len(line) + len(term) >= _LINE_WIDTH and line.strip():
            yield line
            line = " "
        line += f" {term}"
    yield line


def _format_row_limit(low: float, high: float) -> str:
    """Return the relation and right-hand side of a row."""
    if low == high:
        return f"= {low!r}"
    if math.isfinite(high):
        return f"<= {high!r}"
    return f">= {low if math.isfinite(low) else NO_LIMIT!r}"


def _format_lp_bound(column: str, low: float, high: float) -> Iterator[str]:
    """Yield the bounds of a column; none for the default of 0 to infinity."""
    if low == high:
        yield f" {column} = {low!r}"
    elif low == -math.inf and high == math.inf:
        yield f" {column} free"
    elif low != 0 or math.isfinite(high):
        least = repr(low) if math.isfinite(low) else "-inf"
        yield f" {least} <= {column}" + (f" <= {high!r}" if math.isfinite(high) else "")


class _MpsRow(NamedTuple):
    """A row of an MPS file: type, right-hand side, range."""

    kind: str  # E, L or G
    limit: float
    span: float = 0.0  # range: distance of the other bound; 0 without one


def write_mps(program: NamedLinearProgram) -> str:
    """Render a linear program in the free MPS format.

    Args:
        program: Linear program without NaN.

    Returns:
        The text of the MPS file.
    """
    inexact = [
        place
        for place in np.flatnonzero(_find_ranged_rows(program))
        if _make_mps_row(program.row_lower[place].item(), program.row_upper[place].item()) is None
    ]
    which = np.zeros(len(program.rows), dtype=np.bool_)
    which[inexact] = True
    return "".join(f"{line}\n" for line in _list_mps_lines(_split_ranged_rows(program, which)))


def _list_mps_lines(program: NamedLinearProgram) -> Iterator[str]:
    """Yield the lines of the file."""
    objective, *names = make_lp_names(("objective", *program.rows))
    constant, *columns = make_lp_names(("constant", *program.columns))
    rows = list(filter(None, map(_make_mps_row, program.row_lower.tolist(), program.row_upper.tolist())))
    yield "NAME medalopt FREE"
    yield "ROWS"
    yield f" N {objective}"
    yield from (f" {row.kind} {name}" for name, row in zip(names, rows, strict=True))
    yield "COLUMNS"
    yield from _list_mps_columns(program, objective, names, columns)
    if program.offset:
        yield f" {constant} {objective} {program.offset!r}"
    yield "RHS"
    yield from (f" RHS {name} {row.limit!r}" for name, row in zip(names, rows, strict=True) if row.limit)
    yield "RANGES"
    yield from (f" RANGE {name} {row.span!r}" for name, row in zip(names, rows, strict=True) if row.span)
    yield "BOUNDS"
    bounds = zip(program.lower.tolist(), program.upper.tolist(), strict=True)
    for position, (column, (low, high)) in enumerate(zip(columns, bounds, strict=True)):
        if position in program.integer_columns and high == math.inf:
            yield f" PL BOUND {column}"  # some readers take an integer column without a bound for binary
        yield from (f" {bound[:2]} BOUND {column}{bound[2:]}" for bound in _format_mps_bounds(low, high))
    if program.offset:
        yield f" FX BOUND {constant} 1"
    yield "ENDATA"


def _list_mps_columns(
    program: NamedLinearProgram, objective: str, rows: list[str], columns: list[str]
) -> Iterator[str]:
    """Yield the coefficients by column, with markers around integer columns."""
    starts, places, values = program.indptr.tolist(), program.indices.tolist(), program.data.tolist()
    inside = False
    each = zip(columns, program.cost.tolist(), starts, starts[1:], strict=False)
    for position, (column, cost, start, end) in enumerate(each):
        if (position in program.integer_columns) != inside:
            inside = not inside
            yield f" MARKER{position} 'MARKER' 'INT{'ORG' if inside else 'END'}'"
        if cost or start == end:
            yield f" {column} {objective} {cost!r}"
        yield from (f" {column} {rows[places[index]]} {values[index]!r}" for index in range(start, end))
    if inside:
        yield " MARKER 'MARKER' 'INTEND'"


def _make_mps_row(low: float, high: float) -> _MpsRow | None:
    """Return the row with these bounds, or None if no range reproduces both exactly."""
    if low == high:
        return _MpsRow("E", low)
    if not math.isfinite(low):
        return _MpsRow("L", high) if math.isfinite(high) else _MpsRow("G", NO_LIMIT)
    if not math.isfinite(high):
        return _MpsRow("G", low)
    for span in (high - low, math.nextafter(high - low, math.inf), math.nextafter(high - low, 0.0)):
        if low + span == high:
            return _MpsRow("G", low, span)
        if high - span == low:
            return _MpsRow("L", high, span)
    return None


def _format_mps_bounds(low: float, high: float) -> Iterator[str]:
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
