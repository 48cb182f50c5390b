"""GLPK on `models/sourcing.mod`: read, generated and solved in this process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import swiglpk as glpk

MODEL = Path(__file__).parents[2] / "models" / "sourcing.mod"


@dataclass(frozen=True)
class Answer:
    """Result of GLPK for one instance: `optimal` or `infeasible`, optimum, and names without quotes."""

    status: str
    objective: float | None
    paid: float  # sum of |cost * value| over the columns
    rows: frozenset[str]
    columns: frozenset[str]
    binding: frozenset[str]  # rows with a price


def solve(data: str, model: Path = MODEL) -> Answer:
    """Solve `model` with the data section `data`."""
    with generated(data, model) as problem:
        status = optimise(problem)
        rows = [glpk.glp_get_row_name(problem, i + 1) for i in range(glpk.glp_get_num_rows(problem))]
        columns = [glpk.glp_get_col_name(problem, j + 1) for j in range(glpk.glp_get_num_cols(problem))]
        optimal = status == "optimal"
        return Answer(
            status=status,
            objective=glpk.glp_get_obj_val(problem) if optimal else None,
            paid=sum(_paid(problem, j + 1) for j in range(len(columns))) if optimal else 0.0,
            rows=frozenset(map(plain, rows)) - {"objective"},
            columns=frozenset(map(plain, columns)),
            binding=frozenset(plain(name) for i, name in enumerate(rows) if optimal and _priced(problem, i + 1)),
        )


def solve_whole(data: str, model: Path = MODEL) -> Answer:
    """Solve `model` with the data section `data` as the mixed-integer program that it is."""
    with generated(data, model) as problem:
        control = glpk.glp_iocp()
        glpk.glp_init_iocp(control)
        control.msg_lev, control.presolve, control.tol_int = glpk.GLP_MSG_OFF, glpk.GLP_ON, 1e-9
        ended = glpk.glp_intopt(problem, control)
        optimal = ended == 0 and glpk.glp_mip_status(problem) == glpk.GLP_OPT
        rows = [glpk.glp_get_row_name(problem, i + 1) for i in range(glpk.glp_get_num_rows(problem))]
        columns = [glpk.glp_get_col_name(problem, j + 1) for j in range(glpk.glp_get_num_cols(problem))]
        return Answer(
            status="optimal" if optimal else "infeasible",
            objective=glpk.glp_mip_obj_val(problem) if optimal else None,
            paid=0.0,
            rows=frozenset(map(plain, rows)) - {"objective"},
            columns=frozenset(map(plain, columns)),
            binding=frozenset(),
        )


@contextmanager
def generated(data: str, model: Path = MODEL) -> Iterator[Any]:
    """Give the generated problem; GLPK reads files only."""
    glpk.glp_term_out(glpk.GLP_OFF)
    descriptor, path = tempfile.mkstemp(suffix=".dat")
    problem, translator = glpk.glp_create_prob(), glpk.glp_mpl_alloc_wksp()
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(data)
        assert glpk.glp_mpl_read_model(translator, str(model), 1) == 0, "GLPK cannot read the model"
        assert glpk.glp_mpl_read_data(translator, path) == 0, "GLPK cannot read the data"
        assert glpk.glp_mpl_generate(translator, None) == 0, "GLPK cannot generate the problem"
        glpk.glp_mpl_build_prob(translator, problem)
        yield problem
    finally:
        Path(path).unlink()
        glpk.glp_mpl_free_wksp(translator)
        glpk.glp_delete_prob(problem)


def optimise(problem: Any) -> str:
    """Find the optimal basis in floating point, then exactly, and its values for the exact parameters.

    The values are recomputed because glp_exact approximates each number by a fraction within about 1e-9. If the basis
    is singular for the exact parameters, the optimum is that of floating point.
    """
    if any(
        glpk.glp_get_row_lb(problem, i) > glpk.glp_get_row_ub(problem, i)
        for i in range(1, glpk.glp_get_num_rows(problem) + 1)
    ):
        return "infeasible"
    glpk.glp_scale_prob(problem, glpk.GLP_SF_AUTO)
    glpk.glp_adv_basis(problem, 0)
    control = glpk.glp_smcp()
    glpk.glp_init_smcp(control)
    control.msg_lev = glpk.GLP_MSG_OFF
    control.it_lim = 100_000  # in floating point it may turn in a circle; exactly it does not
    glpk.glp_simplex(problem, control)
    assert glpk.glp_exact(problem, control) == 0
    status = glpk.glp_get_status(problem)
    if status == glpk.GLP_OPT and glpk.glp_warm_up(problem) != 0:
        glpk.glp_std_basis(problem)
        assert glpk.glp_simplex(problem, control) == 0
        status = glpk.glp_get_status(problem)
    return {glpk.GLP_OPT: "optimal", glpk.GLP_NOFEAS: "infeasible"}.get(status, f"status {status}")


def _paid(problem: Any, column: int) -> float:
    return abs(float(glpk.glp_get_obj_coef(problem, column) * glpk.glp_get_col_prim(problem, column)))


def _priced(problem: Any, row: int) -> bool:
    return abs(float(glpk.glp_get_row_dual(problem, row))) > 1e-9


def plain(name: str) -> str:
    """Take away the quotes of symbols, and the subscript that MathProg needs for a row that may not exist."""
    return name.replace("'", "").replace("footprint_cap[1]", "footprint_cap")
