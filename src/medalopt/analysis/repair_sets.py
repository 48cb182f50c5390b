"""Repairs of several parameters, for conflicts that no single parameter resolves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import islice

from medalopt.analysis.conflict import Conflict, conflict
from medalopt.analysis.repair import Asked, Moved, Repair, changed, priced, rounded
from medalopt.analysis.repair_figure import Figure
from medalopt.analysis.repair_search import Stuck, least, stuck
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render

WIDE, WIDE_LARGE = 3, 2  # parameters tried per conflict; on a large program
DEEP, DEEP_LARGE = 2, 1  # parameters of a set in addition to the first; on a large program
MOST_SETS, ENOUGH = 6, 3  # sets that are priced; repairs that are returned
NO_HELP = 1e-6  # least relative decrease of the violation by a parameter
MOST_TOGETHER = 12  # parameters in a greedy set
TRIED = 8  # parameters compared per conflict of the greedy search
AMPLE = 1e3  # factor on the present value of a parameter without an end, to relax it amply

Choose = Callable[[Instance, Conflict, Stuck], list[Figure]]


def repair_sets(at: Stuck, found: Conflict, choose: Choose, asked: Asked) -> list[Repair]:
    """Find the smallest sets of parameters that restore feasibility, by depth-first enumeration.

    Args:
        at: Infeasible instance.
        found: Its conflict.
        choose: Function that lists the parameters of a conflict.
        asked: Request.

    Returns:
        At most three repairs by ascending objective; empty if there is none up to the largest depth.
    """
    wide, deep = (WIDE_LARGE, DEEP_LARGE) if at.large else (WIDE, DEEP)
    for depth in range(1, deep + 1):
        repairs: list[Repair] = []
        for figures in _sets(at, found, choose, depth, wide) if asked.budget.left() else ():
            asked.tell(f"how far {' and '.join(render(one.paths[0]) for one in figures)} would have to move together")
            repair = _settled(at, figures, asked)
            repairs += [repair] if repair is not None else []
            if len(repairs) == MOST_SETS or not asked.budget.left():
                break
        if repairs:
            return _distinct(repairs)[:ENOUGH]
    return []


def _sets(at: Stuck, found: Conflict, choose: Choose, depth: int, wide: int) -> Iterable[tuple[Figure, ...]]:
    """Yield sets of `depth` + 1 parameters: one that resolves this conflict, then those of the next conflict."""
    tried = 0
    for figure in choose(at.instance, found, at):
        rest = _eased(figure, at)
        if rest is None:
            continue
        other = conflict(rest.problem, rest.short)
        if other.rules.keys() == found.rules.keys():
            continue
        tried += 1
        if depth > 1:
            yield from ((figure, *others) for others in _sets(rest, other, choose, depth - 1, wide))
        else:
            others = (one for one in choose(rest.instance, other, rest) if one.paths[0] != figure.paths[0])
            yield from ((figure, one) for one in islice((one for one in others if _eased(one, rest) is None), wide))
        if tried == wide:
            return


def gathered_set(at: Stuck, found: Conflict, choose: Choose, asked: Asked) -> list[Repair]:
    """Find one repair by a greedy search: of each conflict in turn the parameter that leaves the least violation.

    Each parameter is then moved as little as the others allow.

    Args:
        at: Infeasible instance.
        found: Its conflict.
        choose: Function that lists the parameters of a conflict.
        asked: Request.

    Returns:
        One repair; none if some conflict has no parameter that helps.
    """
    figures: list[Figure] = []
    now: Stuck | None = at
    while now is not None:
        rules = conflict(now.problem, now.short) if figures else found
        taken = {figure.paths[0] for figure in figures}
        new = (one for one in choose(now.instance, rules, now) if one.paths[0] not in taken)
        left = [(figure, _eased(figure, now)) for figure in islice(new, TRIED)]
        if not left or len(figures) == MOST_TOGETHER or not asked.budget.left():
            return []
        best, rest = min(left, key=lambda one: 0.0 if one[1] is None else one[1].short.value)
        if rest is not None and not rest.short.value < now.short.value * (1 - NO_HELP):
            return []
        figures.append(best)
        now = rest
    asked.tell(f"how far {len(figures)} figures would have to move together")
    repair = _settled(at, tuple(figures), asked)
    return [] if repair is None else [repair]


def _eased(figure: Figure, at: Stuck) -> Stuck | None:
    """Return the remaining infeasibility with the parameter at its end or moved amply; None if there is none."""
    return stuck(figure.at_position(at.instance, ample(figure)), at.extensions, near=at)


def ample(figure: Figure) -> float:
    """Return the position at which a parameter no longer limits: its end, or if infinite, a large multiple.

    Args:
        figure: Parameter.

    Returns:
        The position.
    """
    return figure.end if math.isfinite(figure.end) else AMPLE * max(figure.start, 1.0)


def _settled(at: Stuck, figures: tuple[Figure, ...], asked: Asked) -> Repair | None:
    """Move each parameter as little as the others, at their ample positions, allow; the first ones last."""
    moved: tuple[Moved, ...] = ()
    for place in range(len(figures) - 1, -1, -1):
        figure, before = figures[place], figures[:place]
        instance = changed(at.instance, moved)
        for other in before:
            instance = other.at_position(instance, ample(other))
        now = stuck(instance, at.extensions)
        position = figure.start if now is None else least(figure, now)
        if position is None:
            return None
        if now is None:
            continue
        if place == 0:
            return rounded(
                figure,
                position,
                lambda values, figure=figure, moved=moved: priced(  # type: ignore[misc]
                    at.instance, asked, ((figure, values), *moved)
                ),
            )
        moved = ((figure, _enough(figure, position, instance, at)), *moved)
    return None


def _enough(figure: Figure, position: float, instance: Instance, at: Stuck) -> tuple[float, ...]:
    """Return the values at a position: short ones if they suffice, else rounded outwards."""
    neat = figure.neat(position)
    if neat is not None and stuck(figure.put(instance, neat), at.extensions) is None:
        return neat
    return figure.rounded(position)


def _distinct(repairs: list[Repair]) -> list[Repair]:
    """Return repairs by ascending objective, one for each set of parameters."""
    order = sorted(repairs, key=lambda repair: (repair.objective, [change.path for change in repair.changes]))
    return list({frozenset(change.path for change in repair.changes): repair for repair in reversed(order)}.values())[
        ::-1
    ]
