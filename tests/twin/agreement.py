"""One instance solved by Pyomo with HiGHS and MathProg with GLPK, and the quantities that must agree."""

from __future__ import annotations

from collections.abc import Sequence

import pyomo.core as pyo
import pytest
from tests.twin import glpk, names

import medalopt
from medalopt.errors import NoPlanError
from medalopt.export import write_mathprog
from medalopt.instance.instance import Instance

NEAR = 1e-9  # of all that is paid
INTEGER = 1e-7  # beside the value: GLPK's tolerance for an integer


def solve_status(instance: Instance, measure: str) -> tuple[str, float | None]:
    """Return the status and the optimum as medalopt finds them."""
    try:
        plan = medalopt.solve(instance, measure)
    except NoPlanError as error:
        return error.status, None
    assert plan.certificate.feasible and not plan.stopped
    return "optimal", plan.objective


def assert_same_optimum(instance: Instance, measure: str) -> glpk.Answer:
    """Fail unless both ways have the same status and the same optimum; return GLPK's answer."""
    solve, near = (glpk.solve_whole, INTEGER) if instance.lots else (glpk.solve, NEAR)
    answer = solve(write_mathprog(instance, measure))
    status, objective = solve_status(instance, measure)
    assert status == answer.status
    if answer.objective is not None:
        assert objective == pytest.approx(
            answer.objective, rel=0, abs=near * max(1, abs(answer.objective), answer.paid)
        )
    return answer


def assert_twins_agree(instance: Instance, measures: Sequence[str] = ("cost",)) -> list[str]:
    """Fail unless both ways have the same optima, and rows and columns of the same names; return the statuses."""
    answers = [assert_same_optimum(instance, measure) for measure in measures]
    model = medalopt.build(instance, measures[0])
    assert names.of_mathprog(answers[0].rows, instance) == names.of_pyomo(model, pyo.Constraint)
    assert names.of_mathprog(answers[0].columns, instance) == names.of_pyomo(model, pyo.Var)
    return [answer.status for answer in answers]
