"""Least move of one parameter, all others fixed, that makes an infeasible instance feasible.

Depending on the parameter: one LP with the move as a variable (parameters of row bounds), bisection (dates and lead
times), or a root search on the least violation, whose multipliers supply its derivative (coefficients of the matrix).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.conflict import NONE, SMALL, Extensions, Problem, problem
from medalopt.analysis.refusal_arithmetic import known
from medalopt.analysis.repair_figure import Figure
from medalopt.analysis.repair_line import Draw, along
from medalopt.instance.bounds import implied
from medalopt.instance.instance import Instance
from medalopt.instance.routes import routes
from medalopt.solver.conflict import Shortfall, shortfall
from medalopt.solver.infeasible import PROVEN, margin
from medalopt.solver.relaxing import alike, least_step
from medalopt.solver.standing import Standing

FARTHEST = 1e4  # largest move: factor on the present value, or in the parameter's unit if that is 0
CLOSE = 1e-8  # relative precision of the least position
MOST_TRIALS = 24
CAUTION = 0.9  # share of the first Newton step, which gives a second sample for the cubic
FIRST = 0.01  # first step as share of the interval if the slope is unknown
NUDGE = 1e-4  # finite-difference step as share of the way to the end


@dataclass(frozen=True, eq=False)
class Stuck:
    """Infeasible instance with its program and least violation."""

    instance: Instance
    problem: Problem
    short: Shortfall
    extensions: Extensions = NONE

    @property
    def large(self) -> bool:
        """True if the program is so large that solves are used sparingly."""
        return len(self.problem.linear.rows) > SMALL

    @property
    def standing(self) -> Standing | None:
        """Basis at which the violation was least; None if there is none."""
        return None if self.short.basis is None else Standing(self.problem.linear, self.short.basis).bare()

    def moved(self, figure: Figure, position: float) -> Problem:
        """Build the program with a parameter at another position.

        Args:
            figure: Parameter.
            position: Its position.

        Returns:
            The program.
        """
        return problem(figure.at_position(self.instance, position), self.extensions)


def stuck(
    instance: Instance, extensions: Extensions = NONE, examined: Problem | None = None, near: Stuck | None = None
) -> Stuck | None:
    """Measure the least violation of the rows of an instance.

    Args:
        instance: Instance.
        extensions: User's extensions.
        examined: Its program if it has been built already.
        near: Similar infeasible instance whose basis is the starting point.

    Returns:
        The instance with its violation; None if it is feasible.
    """
    examined = examined or problem(instance, extensions)
    ends = examined.always | examined.spoken
    short = shortfall(examined.ready, ends, near.short.beside(near.problem.linear, examined.linear) if near else None)
    return Stuck(instance, examined, short, extensions) if short.contradicts else None


def least(figure: Figure, at: Stuck) -> float | None:
    """Find the position closest to the present one at which the instance is feasible.

    Args:
        figure: Parameter to move.
        at: Infeasible instance.

    Returns:
        The position; None if no position up to `figure.end` suffices.
    """
    end = figure.end if math.isfinite(figure.end) else _far(figure)
    if end == figure.start:
        return None
    if impossible(figure.at_position(at.instance, end)):
        return None
    if figure.stepwise:
        return _by_steps(figure, at, int(end))
    if not at.large:
        goal = at.moved(figure, _one_step(figure, end))
        if alike(at.problem.linear, goal.linear):
            return _by_one_program(figure, at, goal, end)
    far = at.moved(figure, end)
    if _still_proven(at, far) or _contradicts(far, at):
        return None
    return _by_trials(figure, at, far, end)


def impossible(instance: Instance) -> bool:
    """Return True if the screening proves infeasibility."""
    found = routes(instance)
    return bool(known(instance, found, implied(instance, found)))


def _far(figure: Figure) -> float:
    """Return the end of the search for a parameter without an end."""
    return FARTHEST * max(abs(figure.start), 1.0)


def _one_step(figure: Figure, end: float) -> float:
    """Return the position at which the effect of a move is measured: the end or, if infinite, twice the present one."""
    return end if math.isfinite(figure.end) else 2 * figure.start if figure.start else 1.0


def _contradicts(examined: Problem, near: Stuck) -> bool:
    """Return True if the program is infeasible."""
    return stuck(near.instance, near.extensions, examined, near) is not None


def _still_proven(at: Stuck, other: Problem) -> bool:
    """Return True if the multipliers that prove infeasibility prove it for the other program too."""
    if at.problem.linear.rows != other.linear.rows:
        return False
    y = np.ldexp(at.short.multipliers, at.problem.ready.row - other.ready.row)
    return margin(other.linear, other.ready, y / max(1.0, float(np.abs(y).max(initial=0.0)))) > 2 * PROVEN


def _by_one_program(figure: Figure, at: Stuck, goal: Problem, end: float) -> float | None:
    """Solve for the least move of a parameter that changes row bounds only: an LP with one more column."""
    span = _one_step(figure, end) - figure.start
    if _still_proven(at, goal) and math.isfinite(figure.end):
        return None
    step = least_step(at.problem.linear, goal.linear, (end - figure.start) / span)
    return None if step is None else figure.start + step * span


def _by_steps(figure: Figure, at: Stuck, end: int) -> float | None:
    """Bisect on whole steps (dates and lead times) between an infeasible and a feasible position."""
    short, enough = int(figure.start), end
    if _contradicts(at.moved(figure, float(end)), at):
        return None
    while abs(enough - short) > 1:
        middle = (enough + short) // 2
        if _contradicts(at.moved(figure, float(middle)), at):
            short = middle
        else:
            enough = middle
    return float(enough)


def _by_trials(figure: Figure, at: Stuck, far: Problem, end: float) -> float:
    """Search the root of the least violation over a parameter in the matrix, with bisection as safeguard."""
    whole = figure.kind == "whole"
    draw = along(lambda position: at.moved(figure, position), at.problem, far, figure.start, end, whole)
    short, enough, again, last = figure.start, end, False, at
    seen = [_seen(draw, at.problem, at.short, short, enough)]
    for _ in range(MOST_TRIALS):
        close = math.copysign(CLOSE * max(abs(short), abs(enough), CLOSE), end - figure.start)
        if abs(enough - short) <= 3 * abs(close):
            break
        trial = _trial(seen, short, enough, close)
        if again and abs(trial - enough) <= 3 * abs(close):
            trial = short + CAUTION * (enough - short)
        again = abs(trial - enough) <= 3 * abs(close)
        found = stuck(at.instance, at.extensions, draw(trial), last)
        if found is None:
            enough = trial
        else:
            short, again, last = trial, False, found
            seen = [*seen[-1:], _seen(draw, found.problem, found.short, trial, enough)]
    return enough


@dataclass(frozen=True)
class Seen:
    """Least violation at one position, and its decrease per unit of position (negative; None if unknown)."""

    position: float
    value: float
    slope: float | None


def _trial(seen: list[Seen], short: float, enough: float, close: float) -> float:
    """Return the next position: just beyond the estimated root, just short of a feasible position, or halfway."""
    root = _root(seen)
    if seen[-1].slope is None and len(seen) == 1:
        return short + FIRST * (enough - short)
    if root is None or not min(short, enough - close) < root < max(short, enough - close):
        near = root is not None and abs(enough - root) <= 2 * abs(close)
        return enough - 2 * close if near else (short + enough) / 2
    if abs(enough - root) <= 2 * abs(close):
        return enough - 2 * close
    return root + close if len(seen) > 1 else short + CAUTION * (root - short)


def _root(seen: list[Seen]) -> float | None:
    """Estimate the root by a Newton step or the inverse cubic through two samples; None if the slope is unknown."""
    last = seen[-1]
    if last.slope is None:
        return None
    if len(seen) == 1 or seen[0].slope is None or seen[0].value <= last.value:
        return last.position - last.value / last.slope
    first = seen[0]
    span = last.value - first.value
    chord = (last.position - first.position) / span
    at_first, at_last = 1 / seen[0].slope, 1 / last.slope  # inverse cubic Hermite interpolation
    u = -first.value / span
    bend, twist = chord - at_first, at_last + at_first - 2 * chord
    return first.position + span * u * (at_first + u * (bend + (u - 1) * twist))


def _seen(draw: Draw, here: Problem, short: Shortfall, position: float, enough: float) -> Seen:
    """Sample the least violation; its slope follows from the multipliers by a finite difference towards `enough`."""
    farther = min(enough, 2 * position + 1) if enough > position else enough
    step = NUDGE * (farther - position)
    near = draw(position + step)
    if near.linear.rows != here.linear.rows or near.linear.places != here.linear.places:
        return Seen(position, short.value, None)
    y, x = np.ldexp(short.multipliers, here.ready.row), here.ready.primal(short.x)
    change = 0.0
    for of, sign in ((near.linear, 1.0), (here.linear, -1.0)):
        ends = np.where(y > 0, of.row_lower, of.row_upper)
        ends = np.where(np.isfinite(ends) & (y != 0), ends, 0.0)
        rows = np.bincount(of.entries.row, of.entries.value * x[of.entries.column], len(of.rows))
        change += sign * float(y @ (ends - rows))
    falls = change < 0
    return Seen(position, short.value, change / step if falls else None)
