"""Repairs of the user's extensions: one bound of a row relaxed, or the row removed. No instance file holds them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator

import numpy as np

from medalopt.analysis.infeasibility.conflict import Conflict, find_conflict
from medalopt.analysis.infeasibility.repair import (
    MAX_OFFERED_REPAIRS,
    ROUNDING_TRIALS,
    CandidateChooser,
    Repair,
    RepairChange,
    RepairRequest,
    find_single_repairs,
    get_ample_position,
)
from medalopt.analysis.infeasibility.repair_parameter import RepairParameter, round_outwards
from medalopt.analysis.infeasibility.search import MAX_MOVE_FACTOR, InfeasibleInstance, measure_infeasibility
from medalopt.catalog import LOWER
from medalopt.errors import NoPlanError, SolverError
from medalopt.instance.paths import render_path
from medalopt.proof.extensions import ExtensionRow
from medalopt.solve_instance import solve_continuous
from medalopt.solver.infeasibility import find_least_relaxation

MAX_TRIED_ROWS = 6  # rows tried one by one
LEFT_OUT: list[float] = []  # new "bound" of a removed row
UNBOUNDED = (-math.inf, math.inf)

RowBounds = dict[str, tuple[float, float]]  # name of a row to its bounds


def find_extension_repairs(at: InfeasibleInstance, rules: Conflict, request: RepairRequest) -> list[Repair]:
    """Find repairs of single extension rows of a conflict; if there is none, of all of them together.

    Args:
        at: Infeasible instance.
        rules: Its conflict.
        request: Request.

    Returns:
        The repairs.
    """
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


def find_mixed_repairs(
    at: InfeasibleInstance, rules: Conflict, choose: CandidateChooser, request: RepairRequest
) -> list[Repair]:
    """Find repairs of one extension row and one parameter of the instance together.

    The row is relaxed as little as suffices with the parameter at its end, or removed; then the parameter is moved as
    little as suffices with the relaxed row.

    Args:
        at: Infeasible instance.
        rules: Its conflict.
        choose: Function that lists the parameters of a conflict.
        request: Request.

    Returns:
        At most three repairs by ascending objective.
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
    return [(row, end) for end in (0, 1) for row in at.problem.extension_rows if rules.select_side(end)[row]]


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
    own = at.problem.extension_rows[row]
    by = _find_least_change(at, row, end)
    if by is None:
        if math.isfinite(own.lower) and math.isfinite(own.upper):
            yield from _drop_rows(at, request, [own])
        return
    for value in _propose_bounds(own, end, by):
        changes = [_make_change(own, _get_bound(own, end)[0], value)]
        repair = _price_row_repair(at, request, {own.name: _replace_bound(own, end, value)}, changes)
        if repair is not None:
            yield repair
            break
    yield from _drop_rows(at, request, [own])


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
