r"""Robust counterpart of a row under a budget of uncertainty (Bertsimas and Sim 2004), which stays linear.

Of the coefficients $a_j\pm\hat a_j$ of a row at most $\Gamma$ deviate, each by at most $\hat a_j$, in the worst way:
$\sum_ja_jx_j+\max_{\xi\in[0,1]^n,\ \sum\xi\le\Gamma}\sum_j\hat a_j|x_j|\xi_j\le b$. By duality this holds
exactly if $\sum_ja_jx_j+\Gamma z+\sum_jp_j\le b$ for some $z,p\ge0$ with $z+p_j\ge\pm\hat a_jx_j$.
"""

from __future__ import annotations

import numpy as np

from medalopt.instance.arrays import Floats, Ints
from medalopt.solver.program import ProgramBuilder, SolverProgram


def add_uncertainty_budget(
    program: SolverProgram, row: int, columns: Ints, deviations: Floats, budget: float
) -> SolverProgram:
    """Return a program in which one row holds whenever at most `budget` of its coefficients deviate.

    Args:
        program: Linear program; the row has an upper bound, or a lower bound, not both.
        row: Number of the row.
        columns (n,): Columns with an uncertain coefficient.
        deviations (n,): Greatest deviation of each coefficient, 0 or more.
        budget: Greatest number of coefficients that deviate, 0 or more; a fraction lets one deviate in part.

    Returns:
        The robust counterpart, with n + 1 further columns and up to 2 n rows.
    """
    deviates = deviations > 0
    columns, deviations = columns[deviates], deviations[deviates]
    sign = 1.0 if np.isfinite(program.row_upper[row]) else -1.0
    count, size = len(columns), deviations * program.size[columns]
    built = ProgramBuilder.extend(program)
    threshold = built.add_columns([("budget_threshold", row)], size=float(size.max(initial=0.0)) or 1.0)
    protection = built.add_columns([("protection", (row, n)) for n in range(count)], size=size)
    if budget:
        built.add_entries(row, threshold, sign * budget)
    built.add_entries(row, protection, sign)
    for side in (1.0, -1.0):
        needed = np.flatnonzero((program.upper if side > 0 else -program.lower)[columns] > 0)
        rows = built.add_rows([("protected", (row, int(n), int(side))) for n in needed], 0.0)
        built.add_entries(rows, np.repeat(threshold, len(needed)))
        built.add_entries(rows, protection[needed])
        built.add_entries(rows, columns[needed], -side * deviations[needed])
    return built.build()
