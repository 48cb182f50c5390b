"""Diagnosis of an infeasible instance: reasons proven by screening, conflicting constraints, and repairs by cost."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from medalopt.analysis.infeasibility.conflict import (
    Conflict,
    Extensions,
    build_feasibility_problem,
    describe_rules,
    find_conflict,
    list_repair_parameters,
)
from medalopt.analysis.infeasibility.lot_diagnosis import diagnose_lots
from medalopt.analysis.infeasibility.repair import (
    MAX_OFFERED_REPAIRS,
    ROUNDING_TRIALS,
    CandidateChooser,
    Diagnosis,
    Repair,
    RepairChange,
    RepairRequest,
    drop_firm,
    find_greedy_set,
    find_repair_sets,
    find_single_repairs,
    get_ample_position,
)
from medalopt.analysis.infeasibility.repair_parameter import RepairParameter, list_opening_stocks, round_outwards
from medalopt.analysis.infeasibility.screening import screen_instance
from medalopt.analysis.infeasibility.search import MAX_MOVE_FACTOR, InfeasibleInstance, measure_infeasibility
from medalopt.catalog import LOWER
from medalopt.errors import NoPlanError, SolverError
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import drop_lot_constraints
from medalopt.instance.payers import parse_cost_objective
from medalopt.instance.routes import build_routes, compute_base_costs, fold_branches
from medalopt.model.extensions import Extension, list_extensions
from medalopt.plan.plan import OBJECTIVE_UNITS
from medalopt.proof.extensions import ExtensionRow
from medalopt.solve_instance import solve_continuous
from medalopt.solver.highs import NO_TIME_LIMIT, TimeBudget
from medalopt.solver.infeasibility import find_least_relaxation
from medalopt.text import render_path
from medalopt.tolerances import DISPLAY_TOLERANCE

MAX_REPAIRS = 12  # largest number of repairs


def diagnose_infeasibility(
    instance: Instance,
    objective: str = "cost",
    extensions: Sequence[Extension] = (),
    source: str | os.PathLike[str] | None = None,
    changes: Mapping[str, str] | None = None,
    report_progress: Callable[[str], None] = lambda activity: None,
    budget: TimeBudget = NO_TIME_LIMIT,
    in_lots: bool = False,
) -> Diagnosis | None:
    """Diagnose an infeasible instance.

    Args:
        objective: `cost`, `footprint` or `mass`; of `cost@PARTY` repairs are priced in total cost.
        extensions: Python files or functions of the user's extensions.
        source: File the instance was read from, on which repairs are verified as it spells them.
        changes: Path to value, made when the file was read.
        report_progress: Progress callback, called before each step.
        budget: Time limit; results so far are returned when it is exhausted.
        in_lots: Diagnose the lots of an instance that has a plan without them; else they are left out.

    Returns:
        The diagnosis; None if the instance is feasible.
    """
    objective = parse_cost_objective(objective)[0]
    users = Extensions(list_extensions(extensions))
    request = RepairRequest(source, changes, objective, users, report_progress, budget, in_lots)
    if in_lots:
        return diagnose_lots(instance, request)
    instance, unit = drop_lot_constraints(instance), OBJECTIVE_UNITS.get(objective, instance.currency)
    reasons = screen_instance(instance)
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
    ) + _find_extension_repairs(at, rules, request)
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
    return find_repair_sets(at, rules, choose, request) or _find_mixed_repairs(at, rules, choose, request)


def _choose_parameters_or_stock(instance: Instance, rules: Conflict, at: InfeasibleInstance) -> list[RepairParameter]:
    """Return the parameters of a conflict, then opening stock."""
    return [*_choose_parameters(instance, rules, at), *drop_firm(instance, _choose_opening_stocks(instance, rules))]


def _choose_parameters(instance: Instance, rules: Conflict, at: InfeasibleInstance) -> list[RepairParameter]:
    """Return the parameters that relax the rules of a conflict, without firm ones."""
    return drop_firm(instance, list_repair_parameters(instance, rules.rules, rank_supply_streams(instance, rules, at)))


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
    largest = {name: max(value for _, value in parts) for name, parts in does.items()}
    ratios = {name: float(minimum[instance.streams.names.index(name)]) / value for name, value in largest.items()}
    return {
        name: max(t for t, value in does[name] if value >= (1 - DISPLAY_TOLERANCE) * largest[name])
        for name in sorted(does, key=lambda name: (ratios[name], name))
    }


MAX_TRIED_ROWS = 6  # rows tried one by one
LEFT_OUT: list[float] = []  # new "bound" of a removed row
UNBOUNDED = (-math.inf, math.inf)

RowBounds = dict[str, tuple[float, float]]  # name of a row to its bounds


def _find_extension_repairs(at: InfeasibleInstance, rules: Conflict, request: RepairRequest) -> list[Repair]:
    """Find repairs of single extension rows of a conflict; if there is none, of all of them together."""
    rows = _list_conflict_rows(at, rules)
    repairs: list[Repair] = []
    for row, end in rows[:MAX_TRIED_ROWS]:
        if not request.budget.seconds_left():
            return repairs
        request.report_progress(f"trying a change of {at.problem.extension_rows[row].name}")
        repairs += _repair_row(at, request, row, end)
    if not repairs and len(rows) > 1:
        repairs += _drop_rows(at, request, [at.problem.extension_rows[row] for row, _ in rows])
    if not repairs and len(rows) < len(at.problem.extension_rows):
        repairs += _drop_rows(at, request, at.problem.extension_rows.values())
    return repairs


def _find_mixed_repairs(
    at: InfeasibleInstance, rules: Conflict, choose: CandidateChooser, request: RepairRequest
) -> list[Repair]:
    """Find repairs of one extension row and one parameter of the instance together.

    The row is relaxed as little as suffices with the parameter at its end, or removed; then the parameter is moved as
    little as suffices with the relaxed row.
    """
    repairs: list[Repair] = []
    ends = [
        (row, end)
        for row, own in at.problem.extension_rows.items()
        for end in (0, 1)
        if math.isfinite(_get_bound(own, end)[0])
    ]
    for row, end in list(dict.fromkeys([*_list_conflict_rows(at, rules), *ends]))[:MAX_TRIED_ROWS]:
        if request.budget.seconds_left():
            request.report_progress(f"finding constraints in conflict with {at.problem.extension_rows[row].name}")
            repairs += _pair_with_parameters(at, request, at.problem.extension_rows[row], end, choose)
    return sorted(repairs, key=lambda repair: repair.objective)[:MAX_OFFERED_REPAIRS]


def _pair_with_parameters(
    at: InfeasibleInstance, request: RepairRequest, row: ExtensionRow, end: int, choose: CandidateChooser
) -> Iterator[Repair]:
    """Yield the repairs of an extension row with one parameter each."""
    rest = _relax_row(at, row, UNBOUNDED)
    if rest is None:
        return
    parameters = choose(rest.instance, find_conflict(rest.problem, rest.violation), rest)
    change, without = _make_removal(row), dataclasses.replace(request, extensions=rest.extensions)
    for repair in find_single_repairs(rest, parameters, without, MAX_OFFERED_REPAIRS):
        yield dataclasses.replace(repair, changes=(change, *repair.changes))
        paths = {each.path for each in repair.changes}
        for parameter in (each for each in parameters if paths & each.path_texts):
            yield from _loosen_row(at, request, row, end, parameter)


def _loosen_row(
    at: InfeasibleInstance, request: RepairRequest, row: ExtensionRow, end: int, parameter: RepairParameter
) -> Iterator[Repair]:
    """Yield the repair in which the row is relaxed as little as possible, with the parameter at its ample position."""
    far = measure_infeasibility(parameter.at_position(at.instance, get_ample_position(parameter)), at.extensions)
    number = next((n for n, each in far.problem.extension_rows.items() if each.name == row.name), None) if far else None
    if far is None or number is None:
        return
    by = _find_least_change(far, number, end)
    for value in () if by is None else _propose_bounds(row, end, by):
        rest = _relax_row(at, row, _replace_bound(row, end, value))
        if rest is None or not request.budget.seconds_left():
            return
        so = dataclasses.replace(request, extensions=rest.extensions)
        for repair in find_single_repairs(rest, [parameter], so, 1):
            yield dataclasses.replace(
                repair, changes=(_make_change(row, _get_bound(row, end)[0], value), *repair.changes)
            )
            return


def _relax_row(at: InfeasibleInstance, row: ExtensionRow, bounds: tuple[float, float]) -> InfeasibleInstance | None:
    """Return the remaining infeasibility with other bounds of a row; None if there is none."""
    eased = dataclasses.replace(at.extensions, relaxed={**at.extensions.relaxed, row.name: bounds})
    return measure_infeasibility(at.instance, eased)


def _list_conflict_rows(at: InfeasibleInstance, rules: Conflict) -> list[tuple[int, int]]:
    """Return the extension rows of a conflict, as number of the row and which bound."""
    sides = (rules.bounds.lower, rules.bounds.upper)
    return [(row, end) for end in (0, 1) for row in at.problem.extension_rows if sides[end][row]]


def _get_bound(row: ExtensionRow, end: int) -> tuple[float, float]:
    """Return the bound of a row and the sign of the direction that relaxes it."""
    return (row.lower, -1.0) if end == LOWER else (row.upper, 1.0)


def _replace_bound(row: ExtensionRow, end: int, value: float) -> tuple[float, float]:
    """Return both bounds of a row with one replaced."""
    return (value, row.upper) if end == LOWER else (row.lower, value)


def _propose_bounds(row: ExtensionRow, end: int, by: float) -> Iterator[float]:
    """Yield bounds relaxed by `by`: rounded outwards, then slightly beyond."""
    now, sign = _get_bound(row, end)
    for more in ROUNDING_TRIALS:
        yield round_outwards(now + sign * (by + more * max(abs(now), by)), sign > 0)


def _repair_row(at: InfeasibleInstance, request: RepairRequest, row: int, end: int) -> Iterator[Repair]:
    """Yield the repairs that relax one bound as little as suffices, and that remove the row."""
    extension = at.problem.extension_rows[row]
    by = _find_least_change(at, row, end)
    if by is None:
        if math.isfinite(extension.lower) and math.isfinite(extension.upper):
            yield from _drop_rows(at, request, [extension])
        return
    for value in _propose_bounds(extension, end, by):
        changes = [_make_change(extension, _get_bound(extension, end)[0], value)]
        repair = _price_row_repair(at, request, {extension.name: _replace_bound(extension, end, value)}, changes)
        if repair is not None:
            yield repair
            break
    yield from _drop_rows(at, request, [extension])


def _find_least_change(at: InfeasibleInstance, row: int, end: int) -> float | None:
    """Return the least move of a row bound that restores feasibility; None if none does."""
    program, sign = at.problem.program, _get_bound(at.problem.extension_rows[row], end)[1]
    size = abs(float((program.row_lower if end == LOWER else program.row_upper)[row])) or 1.0
    moved = np.zeros(len(program.rows))
    moved[row] = sign * size
    lower, upper = program.row_lower, program.row_upper
    lower, upper = (lower + moved, upper) if end == LOWER else (lower, upper + moved)
    step = find_least_relaxation(
        program, dataclasses.replace(program, row_lower=lower, row_upper=upper), MAX_MOVE_FACTOR
    )
    return None if step is None else step * size


def _drop_rows(at: InfeasibleInstance, request: RepairRequest, rows: Iterable[ExtensionRow]) -> list[Repair]:
    """Return the repair that removes these rows; empty if it is not feasible."""
    once = {row.name: row for row in rows}
    repair = _price_row_repair(
        at, request, dict.fromkeys(once, UNBOUNDED), [_make_removal(row) for row in once.values()]
    )
    return [] if repair is None else [repair]


def _make_change(row: ExtensionRow, before: float, after: float | list[float]) -> RepairChange:
    """Return the change of a row bound."""
    return RepairChange(render_path(("extension", row.name)), before, after, None)


def _make_removal(row: ExtensionRow) -> RepairChange:
    """Return the change that removes a row."""
    return _make_change(row, row.upper if math.isfinite(row.upper) else row.lower, LEFT_OUT)


def _price_row_repair(
    at: InfeasibleInstance, request: RepairRequest, ends: RowBounds, changes: list[RepairChange]
) -> Repair | None:
    """Solve with replaced row bounds; None if infeasible or not verified."""
    try:
        plan, basis = solve_continuous(at.instance, request.objective, request.extensions.files, at.basis, eased=ends)
    except (NoPlanError, SolverError):
        return None
    return Repair(tuple(changes), plan.objective, basis)
