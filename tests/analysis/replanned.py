"""Replanning problems, solved."""

from __future__ import annotations

from medalopt.analysis.replanning.replan import Replan, ReplanProblem, compare_with_first_plan
from medalopt.solve_instance import solve


def solve_replan(problem: ReplanProblem) -> Replan:
    """Return the optimal plan of the remaining horizon, with the first plan."""
    return compare_with_first_plan(problem, solve(problem.remaining_instance))
