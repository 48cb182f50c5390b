"""Repairs of several figures, for conflicts of which no single figure cures all."""

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

WIDE, WIDE_LARGE = 3, 2  # figures of each conflict that are tried as part of a set
DEEP, DEEP_LARGE = 2, 1  # figures in a set beside the first
MOST_SETS, ENOUGH = 6, 3  # sets that are worked out, and offered
NO_HELP = 1e-6  # of what is missing, which a figure must at least bring
MOST_TOGETHER = 12  # figures in a set that is gathered conflict by conflict
TRIED = 8  # figures of a conflict of which the best is taken into such a set
AMPLE = 1e3  # times what stands there: how far a figure without an end is moved to see what else is in the way

Choose = Callable[[Instance, Conflict, Stuck], list[Figure]]


def repair_sets(at: Stuck, found: Conflict, choose: Choose, asked: Asked) -> list[Repair]:
    """Return the smallest sets of changes found after which there is a plan, cheapest first."""
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
    """Yield sets of `depth` + 1 figures: one that dissolves this conflict, then what the next conflict asks for."""
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
    """Return one repair of as many figures as it takes: of each conflict in turn the figure that leaves least missing.

    Each is then moved as little as the others allow. Nothing where some conflict holds no figure that helps.
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
    """Return what is still in the way with `figure` at its end, or moved amply; None where nothing is."""
    return stuck(figure.at_position(at.instance, ample(figure)), at.extensions, near=at)


def ample(figure: Figure) -> float:
    """Return how far a figure is moved to see what else is in the way: to its end, if it has one."""
    return figure.end if math.isfinite(figure.end) else AMPLE * max(figure.start, 1.0)


def _settled(at: Stuck, figures: tuple[Figure, ...], asked: Asked) -> Repair | None:
    """Move each figure as little as the others, as far as they go, allow; the first ones last."""
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
    """Return the values at `position`: those of few digits where they are enough, else rounded outwards."""
    neat = figure.neat(position)
    if neat is not None and stuck(figure.put(instance, neat), at.extensions) is None:
        return neat
    return figure.rounded(position)


def _distinct(repairs: list[Repair]) -> list[Repair]:
    """Return the repairs cheapest first, those of the same figures once."""
    order = sorted(repairs, key=lambda repair: (repair.objective, [change.path for change in repair.changes]))
    return list({frozenset(change.path for change in repair.changes): repair for repair in reversed(order)}.values())[
        ::-1
    ]
