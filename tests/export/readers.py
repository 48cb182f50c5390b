"""Programs as read by HiGHS and GLPK, in one form that can be compared exactly."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highspy
import swiglpk as glpk

from medalopt.export.lp_mps import make_lp_names
from medalopt.linear_program import NamedLinearProgram

Column = tuple[float, float, float]  # lower, upper, cost
Row = tuple[float, float, dict[str, float]]  # lower, upper, coefficients


@dataclass(frozen=True)
class Content:
    """A program by name; the order of names counts too."""

    offset: float
    columns: dict[str, Column]
    rows: dict[str, Row]


def of_program(program: NamedLinearProgram) -> Content:
    """Return the expected content of a file of `program`."""
    columns, rows = make_lp_names(program.columns), make_lp_names(program.rows)
    figures = zip(program.lower.tolist(), program.upper.tolist(), program.cost.tolist(), strict=True)
    entries: dict[str, dict[str, float]] = {row: {} for row in rows}
    for j, column in enumerate(columns):
        for at in range(program.indptr[j], program.indptr[j + 1]):
            entries[rows[program.indices[at]]][column] = float(program.data[at])
    limits = zip(program.row_lower.tolist(), program.row_upper.tolist(), strict=True)
    return Content(
        offset=program.offset,
        columns=dict(zip(columns, figures, strict=True)),
        rows={row: (low, high, entries[row]) for row, (low, high) in zip(rows, limits, strict=True)},
    )


def highs(text: str, path: Path) -> Content:
    """Return the program that HiGHS reads; `path` ends in .lp or .mps."""
    path.write_text(text, encoding="ascii")
    solver = highspy.Highs()
    solver.silent()
    assert solver.readModel(str(path)) == highspy.HighsStatus.kOk
    lp = solver.getLp()
    columns = {name: (lp.col_lower_[j], lp.col_upper_[j], lp.col_cost_[j]) for j, name in enumerate(lp.col_names_)}
    rows: dict[str, Row] = {name: (lp.row_lower_[i], lp.row_upper_[i], {}) for i, name in enumerate(lp.row_names_)}
    matrix = lp.a_matrix_
    for j, name in enumerate(lp.col_names_):
        for at in range(matrix.start_[j], matrix.start_[j + 1]):
            rows[lp.row_names_[matrix.index_[at]]][2][name] = matrix.value_[at]
    return _joined(lp.offset_, columns, rows)


def gnu(text: str, path: Path) -> Content:
    """Return the program that GLPK reads; `path` ends in .lp or .mps."""
    path.write_text(text, encoding="ascii")
    glpk.glp_term_out(glpk.GLP_OFF)
    problem = glpk.glp_create_prob()
    try:
        read: Callable[[], int] = (
            (lambda: glpk.glp_read_lp(problem, None, str(path)))
            if path.suffix == ".lp"
            else (lambda: glpk.glp_read_mps(problem, glpk.GLP_MPS_FILE, None, str(path)))
        )
        assert read() == 0
        return _glpk_content(problem)
    finally:
        glpk.glp_delete_prob(problem)


def _glpk_content(problem: Any) -> Content:
    columns = {
        glpk.glp_get_col_name(problem, j): (
            glpk.glp_get_col_lb(problem, j),
            glpk.glp_get_col_ub(problem, j),
            glpk.glp_get_obj_coef(problem, j),
        )
        for j in range(1, glpk.glp_get_num_cols(problem) + 1)
    }
    names, rows = list(columns), {}
    places, values = glpk.intArray(len(names) + 1), glpk.doubleArray(len(names) + 1)
    for i in range(1, glpk.glp_get_num_rows(problem) + 1):
        count = glpk.glp_get_mat_row(problem, i, places, values)
        entries = {names[places[at] - 1]: values[at] for at in range(1, count + 1)}
        name = glpk.glp_get_row_name(problem, i)
        rows[name] = (glpk.glp_get_row_lb(problem, i), glpk.glp_get_row_ub(problem, i), entries)
    return _joined(glpk.glp_get_obj_coef(problem, 0), columns, rows)


def _joined(offset: float, columns: dict[str, Column], rows: dict[str, Row]) -> Content:
    """Undo conventions of the format: column of the constant, split rows, limits that mean none."""
    if "constant" in columns:
        low, high, cost = columns.pop("constant")
        assert (low, high, offset) == (1.0, 1.0, 0.0)
        offset = cost
    for name in [name for name in rows if name.endswith(".upper")]:
        _, high, entries = rows.pop(name)
        low, _, same = rows[name.removesuffix(".upper")]
        assert entries == same
        rows[name.removesuffix(".upper")] = (low, high, same)
    plain = {name: (_limit(low), _limit(high), cost) for name, (low, high, cost) in columns.items()}
    return Content(offset, plain, {name: (_limit(low), _limit(high), row) for name, (low, high, row) in rows.items()})


def _limit(value: float) -> float:
    return math.copysign(math.inf, value) if abs(value) >= 1e30 else value
