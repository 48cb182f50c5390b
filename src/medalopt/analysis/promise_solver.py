"""Scenarios with a promised confidence: programs solved with cuts, which later scenarios start with."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from medalopt.errors import SolverError
from medalopt.instance.arrays import Floats
from medalopt.instance.confidence import build_confidence
from medalopt.instance.instance import Instance
from medalopt.solver.confidence import MAX_CUT_ROUNDS, add_cut_rows, separate_cuts
from medalopt.solver.parametric_solver import solve_from_scratch
from medalopt.solver.verification import VerifiedResult

if TYPE_CHECKING:
    from medalopt.analysis.scenario_runner import ScenarioProgram

_MOST_DIRECTIONS = 30  # kept for each metal and deadline, the latest ones


def needs_cuts(instance: Instance) -> bool:
    """Return whether an instance promises a confidence, whose cuts are found solution by solution.

    Args:
        instance: Instance.

    Returns:
        False also with an uncertainty budget, which one linear program holds.
    """
    policy = build_confidence(instance)
    return policy is not None and policy.budget is None


class PromiseSolver:
    """Solver of scenarios with a promised confidence; keeps the directions of its cuts, valid in every scenario."""

    def __init__(self) -> None:
        self._directions: dict[tuple[int, int], list[Floats]] = {}

    def solve(self, scenario: ScenarioProgram) -> VerifiedResult:
        """Solve a scenario: add the cuts that its solution violates, until it violates none.

        Args:
            scenario: Scenario, whose program may have other bounds than its instance.

        Returns:
            Verified result, with the columns of the program; its rows are the first ones.

        Raises:
            SolverError: If no result can be verified, or the cuts do not end.
        """
        instance, routes, policy = scenario.instance, scenario.routes, build_confidence(scenario.instance)
        assert policy is not None
        width = policy.model.loading.shape[1]
        known = {
            (row.metal, row.period): [
                one for one in self._directions.get((row.metal, row.period), []) if len(one) == width
            ]
            for row in policy.rows
        }
        for _ in range(MAX_CUT_ROUNDS):
            cuts = tuple(
                policy.build_cut(routes, row, direction)
                for row in policy.rows
                for direction in known[row.metal, row.period]
            )
            program = add_cut_rows(scenario.program, instance, routes, scenario.network, cuts)
            result = solve_from_scratch(program)
            if not result.feasible:
                return result
            decisions = scenario.compute_account(result).decisions
            added = separate_cuts(instance, routes, decisions)
            if not added:
                return dataclasses.replace(result, y=result.y[: len(scenario.program.rows)])
            for cut in added:
                known[cut.metal, cut.period].append(cut.direction)
                self._directions.setdefault((cut.metal, cut.period), []).append(cut.direction)
                del self._directions[cut.metal, cut.period][:-_MOST_DIRECTIONS]
        raise SolverError(f"{instance.name}: a promised confidence could not be approximated")
