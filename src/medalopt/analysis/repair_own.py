"""Repairs of a user's own rules: one end loosened, or the rule left out. They stand in no instance file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator

import numpy as np

from medalopt.analysis.conflict import Conflict
from medalopt.analysis.conflict_members import LOWER
from medalopt.analysis.repair import ROUNDING_TRIALS, Asked, Change, Repair
from medalopt.analysis.repair_figure import outwards
from medalopt.analysis.repair_search import FARTHEST, Stuck
from medalopt.errors import NoPlanError, SolverError
from medalopt.instance.paths import render
from medalopt.proof.added import AddedRow
from medalopt.solver.relaxing import least_step
from medalopt.solving import solved

MOST = 6  # rows that are tried one by one
LEFT_OUT: list[float] = []  # in place of an end
ENDLESS = (-math.inf, math.inf)

Ends = dict[str, tuple[float, float]]  # by name of a row: its ends


def own_repairs(at: Stuck, rules: Conflict, asked: Asked) -> list[Repair]:
    """Return repairs of single rows of the user's own that are in the conflict; else of all of them together."""
    height = len(at.problem.linear.rows)
    rows = [(row, end) for end in (0, 1) for row in range(height) if row in at.problem.own and rules.side(end)[row]]
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


def _of_row(at: Stuck, asked: Asked, row: int, end: int) -> Iterator[Repair]:
    """Yield the repairs that loosen one end of a row as little as suffices, and that leave the row out."""
    own = at.problem.own[row]
    now, sign = (own.lower, -1.0) if end == LOWER else (own.upper, 1.0)
    by = _least(at, row, end, sign)
    if by is None:
        if math.isfinite(own.lower) and math.isfinite(own.upper):
            yield from _without(at, asked, [own])
        return
    for more in ROUNDING_TRIALS:
        value = outwards(now + sign * (by + more * max(abs(now), by)), sign > 0)
        ends = (value, own.upper) if end == LOWER else (own.lower, value)
        repair = _tried(at, asked, {own.name: ends}, [_change(own, now, value)])
        if repair is not None:
            yield repair
            break
    yield from _without(at, asked, [own])


def _least(at: Stuck, row: int, end: int, sign: float) -> float | None:
    """Return how far the end of a row must move for there to be a plan; None where no move of it does."""
    linear = at.problem.linear
    size = abs(float((linear.row_lower if end == LOWER else linear.row_upper)[row])) or 1.0
    moved = np.zeros(len(linear.rows))
    moved[row] = sign * size
    lower, upper = linear.row_lower, linear.row_upper
    lower, upper = (lower + moved, upper) if end == LOWER else (lower, upper + moved)
    step = least_step(linear, dataclasses.replace(linear, row_lower=lower, row_upper=upper), FARTHEST)
    return None if step is None else step * size


def _without(at: Stuck, asked: Asked, rows: Iterable[AddedRow]) -> list[Repair]:
    once = {row.name: row for row in rows}
    repair = _tried(at, asked, dict.fromkeys(once, ENDLESS), [_left_out(row) for row in once.values()])
    return [] if repair is None else [repair]


def _change(row: AddedRow, before: float, after: float | list[float]) -> Change:
    return Change(render(("extension", row.name)), before, after, None)


def _left_out(row: AddedRow) -> Change:
    return _change(row, row.upper if math.isfinite(row.upper) else row.lower, LEFT_OUT)


def _tried(at: Stuck, asked: Asked, ends: Ends, changes: list[Change]) -> Repair | None:
    """Return the repair by which rows of these names have other `ends`; None where there is no plan with it."""
    try:
        plan, standing = solved(at.instance, asked.measure, asked.extensions, at.standing, eased=ends)
    except (NoPlanError, SolverError):
        return None
    return Repair(tuple(changes), plan.objective, standing)
