"""GLPK's own analysis of an optimum of `models/sourcing.mod`: how far costs and ends of rows may move."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import swiglpk as glpk
from tests.twin.glpk import generated, optimise, plain

NOTHING = 1e-9  # kg, or a cost of 1 kg, below which there is none
Ends = tuple[float, float]


@dataclass(frozen=True)
class Ranged:
    """Optimum by names of rows and columns, with the ranges of costs and row bounds in which its basis is optimal.

    Slack rows have no entry in `ends`, and a dual value of 0. `owed` is the need of the first alloy.
    """

    values: Mapping[str, float]
    costs: Mapping[str, Ends]
    duals: Mapping[str, float]
    ends: Mapping[str, Ends]
    owed: float


def ranged(data: str) -> Ranged | None:
    """Return the analysis of the program with the data section `data`; None where its optimum is degenerate."""
    with generated(data) as problem:
        if optimise(problem) != "optimal":
            raise AssertionError("GLPK finds no plan")
        if _degenerate(problem):
            return None
        rows = {plain(glpk.glp_get_row_name(problem, i)): i for i in range(1, glpk.glp_get_num_rows(problem) + 1)}
        columns = {plain(glpk.glp_get_col_name(problem, j)): j for j in range(1, glpk.glp_get_num_cols(problem) + 1)}
        bound = {name: i for name, i in rows.items() if glpk.glp_get_row_stat(problem, i) != glpk.GLP_BS}
        return Ranged(
            values={name: glpk.glp_get_col_prim(problem, j) for name, j in columns.items()},
            costs={name: _coefficient(problem, j) for name, j in columns.items()},
            duals={name: glpk.glp_get_row_dual(problem, i) for name, i in rows.items()},
            ends={name: _activity(problem, i) for name, i in bound.items()},
            owed=glpk.glp_get_row_lb(problem, next(i for name, i in rows.items() if name.startswith("demand"))),
        )


def _degenerate(problem: Any) -> bool:
    """Return whether a purchase is basic at a bound, or another could enter at no cost.

    Sums defined by a row, such as total purchases, are 0 with their parts and limit no variable.
    """
    for j in range(1, glpk.glp_get_num_cols(problem) + 1):
        basic = glpk.glp_get_col_stat(problem, j) == glpk.GLP_BS
        told = glpk.glp_get_col_prim(problem, j) if basic else glpk.glp_get_col_dual(problem, j)
        if abs(told) <= NOTHING and glpk.glp_get_col_name(problem, j).startswith(("buy", "cast")):
            return True
    for i in range(1, glpk.glp_get_num_rows(problem) + 1):
        value, ends = glpk.glp_get_row_prim(problem, i), [glpk.glp_get_row_ub(problem, i)]
        if glpk.glp_get_row_name(problem, i).startswith("fineness"):
            ends.append(glpk.glp_get_row_lb(problem, i))
        basic = glpk.glp_get_row_stat(problem, i) == glpk.GLP_BS
        if basic and any(abs(value - end) <= NOTHING * max(abs(value), 1.0) for end in ends):
            return True
    return False


def _coefficient(problem: Any, column: int) -> Ends:
    """Return between which costs of a column the plan stays, by `glp_analyze_coef`, or by its reduced cost."""
    cost = glpk.glp_get_obj_coef(problem, column)
    if glpk.glp_get_col_stat(problem, column) != glpk.GLP_BS:
        return cost - glpk.glp_get_col_dual(problem, column), math.inf
    low, high, spare = glpk.doubleArray(1), glpk.doubleArray(1), [glpk.doubleArray(1) for _ in range(2)]
    which = [glpk.intArray(1) for _ in range(2)]
    number = glpk.glp_get_num_rows(problem) + column
    glpk.glp_analyze_coef(problem, number, low, which[0], spare[0], high, which[1], spare[1])
    return _unbounded(low[0]), _unbounded(high[0])


def _activity(problem: Any, row: int) -> Ends:
    """Return between which ends of a row its price holds, by `glp_analyze_bound`."""
    low, high, which = glpk.doubleArray(1), glpk.doubleArray(1), [glpk.intArray(1) for _ in range(2)]
    glpk.glp_analyze_bound(problem, row, low, which[0], high, which[1])
    return _unbounded(low[0]), _unbounded(high[0])


def _unbounded(value: float) -> float:
    """Return a limit of GLPK, whose largest number means none."""
    return math.copysign(math.inf, value) if abs(value) >= 1e300 else value
