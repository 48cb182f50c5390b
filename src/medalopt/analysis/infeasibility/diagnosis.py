"""Diagnosis of an infeasible instance: reasons proven by screening, conflicting constraints, and repairs by cost."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.infeasibility.conflict import (
    Conflict,
    Extensions,
    build_feasibility_problem,
    describe_rules,
    find_conflict,
    list_repair_parameters,
)
from medalopt.analysis.infeasibility.messages import InfeasibilityReason
from medalopt.analysis.infeasibility.repair import (
    CandidateChooser,
    Repair,
    RepairRequest,
    find_greedy_set,
    find_repair_sets,
    find_single_repairs,
)
from medalopt.analysis.infeasibility.repair_candidates import list_opening_stocks
from medalopt.analysis.infeasibility.repair_extensions import find_extension_repairs, find_mixed_repairs
from medalopt.analysis.infeasibility.repair_parameter import RepairParameter
from medalopt.analysis.infeasibility.screening import screen_instance
from medalopt.analysis.infeasibility.search import InfeasibleInstance, measure_infeasibility
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.fractions import fold_branches
from medalopt.instance.instance import Instance
from medalopt.instance.payers import parse_cost_objective
from medalopt.instance.routes import build_routes, compute_base_costs
from medalopt.instance.scenario import is_firm, list_firm_paths
from medalopt.model.extensions import Extension, list_extensions
from medalopt.solver.budget import NO_TIME_LIMIT, TimeBudget
from medalopt.tolerances import DISPLAY_TOLERANCE

MAX_REPAIRS = 12  # largest number of repairs


@dataclass(frozen=True)
class Diagnosis:
    """Reasons for infeasibility and repairs.

    Attributes:
        screened: Reasons proven by screening.
        rules: Conflicting rules.
        irreducible: True if each rule was verified to be needed for the conflict.
        repairs: Repairs by ascending objective.
        unit: Unit of their objectives.
        stopped: True if the time limit ended the search early.
    """

    screened: tuple[InfeasibilityReason, ...]
    rules: tuple[InfeasibilityReason, ...]
    irreducible: bool
    repairs: tuple[Repair, ...]
    unit: str  # of the repairs' objectives
    stopped: bool = False

    @property
    def conflict(self) -> tuple[InfeasibilityReason, ...]:
        """All reasons, those of the screening first.

        Returns:
            Reasons that conflict together.
        """
        return (*self.screened, *self.rules)

    def encode(self) -> dict[str, object]:
        """Return the diagnosis as JSON data.

        Returns:
            Field name to value.
        """
        members = {
            "conflict": [reason.encode() for reason in self.conflict],
            "repairs": [repair.encode() for repair in self.repairs],
        }
        return {**members, "stopped": True} if self.stopped else dict(members)


def diagnose_infeasibility(
    instance: Instance,
    objective: str = "cost",
    extensions: Sequence[Extension] = (),
    source: str | os.PathLike[str] | None = None,
    changes: Mapping[str, str] | None = None,
    report_progress: Callable[[str], None] = lambda activity: None,
    budget: TimeBudget = NO_TIME_LIMIT,
) -> Diagnosis | None:
    """Diagnose an infeasible instance.

    Args:
        instance: Instance.
        objective: `cost`, `footprint` or `mass`; of `cost@PARTY` repairs are priced in total cost.
        extensions: Python files or functions of the user's extensions.
        source: File the instance was read from, on which repairs are verified as it spells them.
        changes: Path to value, made when the file was read.
        report_progress: Progress callback, called before each step.
        budget: Time limit; results so far are returned when it is exhausted.

    Returns:
        The diagnosis; None if the instance is feasible.
    """
    objective = parse_cost_objective(objective)[0]
    request = RepairRequest(
        source, changes, objective, Extensions(list_extensions(extensions)), report_progress, budget
    )
    unit = {"cost": instance.currency, "footprint": "kg CO2e", "mass": "t"}[objective]
    routes = build_routes(instance)
    reasons = screen_instance(instance, routes, compute_bounds(instance, routes))
    if not budget.seconds_left():
        return Diagnosis(reasons, (), False, (), unit, stopped=True)
    problem = build_feasibility_problem(instance, request.extensions)
    at = measure_infeasibility(instance, request.extensions, problem)
    if at is None:
        return None
    report_progress("finding conflicting constraints")
    rules = find_conflict(problem, at.violation)
    repairs = tuple(_find_repairs(at, rules, request))
    statements = describe_rules(instance, rules.rules)
    return Diagnosis(reasons, statements, rules.irreducible, repairs, unit, stopped=not budget.seconds_left())


def _find_repairs(at: InfeasibleInstance, rules: Conflict, request: RepairRequest) -> list[Repair]:
    """Return repairs of one parameter or row; if there is none, of several or of opening stock.

    No parameter states the cost of opening stock, so it would seem the cheapest beside other repairs.
    """
    alone = find_single_repairs(
        at, _choose_parameters(at.instance, rules, at), request, MAX_REPAIRS
    ) + find_extension_repairs(at, rules, request)
    if alone:
        return sorted(alone, key=lambda repair: (repair.objective, repair.changes[0].path))
    repairs = find_single_repairs(
        at, _choose_opening_stocks(at.instance, rules), request, MAX_REPAIRS
    ) + _find_combined_repairs(at, rules, _choose_parameters, request)
    repairs = repairs or _find_combined_repairs(at, rules, _choose_parameters_or_stock, request)
    repairs = repairs or find_greedy_set(at, rules, _choose_parameters_or_stock, request)
    return sorted(repairs, key=lambda repair: repair.objective)


def _find_combined_repairs(
    at: InfeasibleInstance, rules: Conflict, choose: CandidateChooser, request: RepairRequest
) -> list[Repair]:
    """Return repairs of several parameters; if there is none, of an extension row and a parameter."""
    return find_repair_sets(at, rules, choose, request) or find_mixed_repairs(at, rules, choose, request)


def _choose_parameters_or_stock(instance: Instance, rules: Conflict, at: InfeasibleInstance) -> list[RepairParameter]:
    """Return the parameters of a conflict, then opening stock."""
    return [*_choose_parameters(instance, rules, at), *_drop_firm(instance, _choose_opening_stocks(instance, rules))]


def _choose_parameters(instance: Instance, rules: Conflict, at: InfeasibleInstance) -> list[RepairParameter]:
    """Return the parameters that relax the rules of a conflict, without firm ones."""
    return _drop_firm(instance, list_repair_parameters(instance, rules.rules, rank_supply_streams(instance, rules, at)))


def _drop_firm(instance: Instance, parameters: list[RepairParameter]) -> list[RepairParameter]:
    """Return the parameters that are not firm."""
    firm = list_firm_paths(instance)
    return [one for one in parameters if not any(is_firm(path, firm) for path in one.paths)]


def _choose_opening_stocks(instance: Instance, rules: Conflict) -> list[RepairParameter]:
    """Return the opening stock of the metals of the alloys in the conflict."""
    alloys = [
        instance.alloys.names.index(rule.names[0]) for rule in rules.rules if rule.kind == "demand" and rule.names
    ]
    return list(list_opening_stocks(instance, alloys))


def rank_supply_streams(instance: Instance, rules: Conflict, at: InfeasibleInstance) -> dict[str, int]:
    """Rank the streams of a conflict by the cost of goods and processing per unit of effect.

    The effect of one tonne is its multiplier in the proof of infeasibility.

    Args:
        instance: Instance.
        rules: Its conflict.
        at: Its program and violation.

    Returns:
        Stream to the last period in which one tonne has the largest effect, best first.
    """
    y, bounds = np.ldexp(rules.multipliers, at.problem.scaled.row), (rules.bounds.lower, rules.bounds.upper)
    does: dict[str, list[tuple[int, float]]] = {}
    for (row, end), (rule, period) in at.problem.rule_by_bound.items():
        if rule.kind == "supply" and bounds[end][row] and y[row]:
            does.setdefault(rule.names[0], []).append((instance.periods.index(period), abs(float(y[row]))))
    routes = build_routes(instance)
    minimum = np.full(len(instance.streams.names), np.inf)
    costs = compute_base_costs(routes).min(axis=1) + routes.refining.min(axis=2).sum(axis=1)
    costs = fold_branches(routes, costs)
    np.minimum.at(minimum, routes.stream, costs)
    most = {name: max(value for _, value in parts) for name, parts in does.items()}
    ratios = {name: float(minimum[instance.streams.names.index(name)]) / value for name, value in most.items()}
    return {
        name: max(t for t, value in does[name] if value >= (1 - DISPLAY_TOLERANCE) * most[name])
        for name in sorted(does, key=lambda name: (ratios[name], name))
    }
