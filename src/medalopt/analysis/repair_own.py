"""Repairs of the user's extensions: one bound of a row relaxed, or the row removed. No instance file holds them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator

import numpy as np

from medalopt.analysis.conflict import Conflict, conflict
from medalopt.analysis.conflict_members import LOWER
from medalopt.analysis.repair import ROUNDING_TRIALS, Asked, Change, Repair, single_repairs
from medalopt.analysis.repair_figure import Figure, outwards
from medalopt.analysis.repair_search import FARTHEST, Stuck, stuck
from medalopt.analysis.repair_sets import ENOUGH, Choose, ample
from medalopt.errors import NoPlanError, SolverError
from medalopt.instance.paths import render
from medalopt.proof.added import AddedRow
from medalopt.solver.relaxing import least_step
from medalopt.solving import solved

MOST = 6  # rows tried one by one
LEFT_OUT: list[float] = []  # new "bound" of a removed row
ENDLESS = (-math.inf, math.inf)

Ends = dict[str, tuple[float, float]]  # name of a row to its bounds


def own_repairs(at: Stuck, rules: Conflict, asked: Asked) -> list[Repair]:
    """Find repairs of single extension rows of a conflict; if there is none, of all of them together.

    Args:
        at: Infeasible instance.
        rules: Its conflict.
        asked: Request.

    Returns:
        The repairs.
    """
    rows = _rows(at, rules)
    found: list[Repair] = []
    for row, end in rows[:MOST]:
        if not asked.budget.left():
            return found
        asked.tell(f"how far {at.problem.own[row].name} would have to move")
        found += _of_row(at, asked, row, end)
    if not found and len(rows) > 1:
        found += _without(at, asked, [at.problem.own[row] for row, _ in rows])
    if not found and len(rows) < len(at.problem.own):
        found += _without(at, asked, at.problem.own.values())
    return found


def with_figures(at: Stuck, rules: Conflict, choose: Choose, asked: Asked) -> list[Repair]:
    """Find repairs of one extension row and one parameter of the instance together.

    The row is relaxed as little as suffices with the parameter at its end, or removed; then the parameter is moved as
    little as suffices with the relaxed row.

    Args:
        at: Infeasible instance.
        rules: Its conflict.
        choose: Function that lists the parameters of a conflict.
        asked: Request.

    Returns:
        At most three repairs by ascending objective.
    """
    found: list[Repair] = []
    ends = [(row, end) for row, own in at.problem.own.items() for end in (0, 1) if math.isfinite(_side(own, end)[0])]
    for row, end in list(dict.fromkeys([*_rows(at, rules), *ends]))[:MOST]:
        if asked.budget.left():
            asked.tell(f"what else stands in the way beside {at.problem.own[row].name}")
            found += _beside(at, asked, at.problem.own[row], end, choose)
    return sorted(found, key=lambda repair: repair.objective)[:ENOUGH]


def _beside(at: Stuck, asked: Asked, row: AddedRow, end: int, choose: Choose) -> Iterator[Repair]:
    """Yield the repairs of an extension row with one parameter each."""
    rest = _eased(at, row, ENDLESS)
    if rest is None:
        return
    figures = choose(rest.instance, conflict(rest.problem, rest.short), rest)
    change, without = _left_out(row), dataclasses.replace(asked, extensions=rest.extensions)
    for repair in single_repairs(rest, figures, without, ENOUGH):
        yield dataclasses.replace(repair, changes=(change, *repair.changes))
        paths = {each.path for each in repair.changes}
        for figure in (each for each in figures if paths & each.spelled):
            yield from _loosened(at, asked, row, end, figure)


def _loosened(at: Stuck, asked: Asked, row: AddedRow, end: int, figure: Figure) -> Iterator[Repair]:
    """Yield the repair in which the row is relaxed as little as possible, with the parameter at its ample position."""
    far = stuck(figure.at_position(at.instance, ample(figure)), at.extensions)
    number = next((n for n, each in far.problem.own.items() if each.name == row.name), None) if far else None
    if far is None or number is None:
        return
    by = _least(far, number, end)
    for value in () if by is None else _values(row, end, by):
        rest = _eased(at, row, _with_end(row, end, value))
        if rest is None or not asked.budget.left():
            return
        so = dataclasses.replace(asked, extensions=rest.extensions)
        for repair in single_repairs(rest, [figure], so, 1):
            yield dataclasses.replace(repair, changes=(_change(row, _side(row, end)[0], value), *repair.changes))
            return


def _eased(at: Stuck, row: AddedRow, ends: tuple[float, float]) -> Stuck | None:
    """Return the remaining infeasibility with other bounds of a row; None if there is none."""
    eased = dataclasses.replace(at.extensions, eased={**at.extensions.eased, row.name: ends})
    return stuck(at.instance, eased)


def _rows(at: Stuck, rules: Conflict) -> list[tuple[int, int]]:
    """Return the extension rows of a conflict, as number of the row and which bound."""
    return [(row, end) for end in (0, 1) for row in at.problem.own if rules.side(end)[row]]


def _side(row: AddedRow, end: int) -> tuple[float, float]:
    """Return the bound of a row and the sign of the direction that relaxes it."""
    return (row.lower, -1.0) if end == LOWER else (row.upper, 1.0)


def _with_end(row: AddedRow, end: int, value: float) -> tuple[float, float]:
    """Return both bounds of a row with one replaced."""
    return (value, row.upper) if end == LOWER else (row.lower, value)


def _values(row: AddedRow, end: int, by: float) -> Iterator[float]:
    """Yield bounds relaxed by `by`: rounded outwards, then slightly beyond."""
    now, sign = _side(row, end)
    for more in ROUNDING_TRIALS:
        yield outwards(now + sign * (by + more * max(abs(now), by)), sign > 0)


def _of_row(at: Stuck, asked: Asked, row: int, end: int) -> Iterator[Repair]:
    """Yield the repairs that relax one bound as little as suffices, and that remove the row."""
    own = at.problem.own[row]
    by = _least(at, row, end)
    if by is None:
        if math.isfinite(own.lower) and math.isfinite(own.upper):
            yield from _without(at, asked, [own])
        return
    for value in _values(own, end, by):
        changes = [_change(own, _side(own, end)[0], value)]
        repair = _tried(at, asked, {own.name: _with_end(own, end, value)}, changes)
        if repair is not None:
            yield repair
            break
    yield from _without(at, asked, [own])


def _least(at: Stuck, row: int, end: int) -> float | None:
    """Return the least move of a row bound that restores feasibility; None if none does."""
    linear, sign = at.problem.linear, _side(at.problem.own[row], end)[1]
    size = abs(float((linear.row_lower if end == LOWER else linear.row_upper)[row])) or 1.0
    moved = np.zeros(len(linear.rows))
    moved[row] = sign * size
    lower, upper = linear.row_lower, linear.row_upper
    lower, upper = (lower + moved, upper) if end == LOWER else (lower, upper + moved)
    step = least_step(linear, dataclasses.replace(linear, row_lower=lower, row_upper=upper), FARTHEST)
    return None if step is None else step * size


def _without(at: Stuck, asked: Asked, rows: Iterable[AddedRow]) -> list[Repair]:
    """Return the repair that removes these rows; empty if it is not feasible."""
    once = {row.name: row for row in rows}
    repair = _tried(at, asked, dict.fromkeys(once, ENDLESS), [_left_out(row) for row in once.values()])
    return [] if repair is None else [repair]


def _change(row: AddedRow, before: float, after: float | list[float]) -> Change:
    """Return the change of a row bound."""
    return Change(render(("extension", row.name)), before, after, None)


def _left_out(row: AddedRow) -> Change:
    """Return the change that removes a row."""
    return _change(row, row.upper if math.isfinite(row.upper) else row.lower, LEFT_OUT)


def _tried(at: Stuck, asked: Asked, ends: Ends, changes: list[Change]) -> Repair | None:
    """Solve with replaced row bounds; None if infeasible or not verified."""
    try:
        plan, standing = solved(at.instance, asked.measure, asked.extensions.files, at.standing, eased=ends)
    except (NoPlanError, SolverError):
        return None
    return Repair(tuple(changes), plan.objective, standing)
