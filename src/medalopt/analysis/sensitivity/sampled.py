"""Adaptive sampling of nonlinear curves: bisection where the curve bends, and of the ends of feasibility."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from medalopt.analysis.sensitivity.touching import Found, stands
from medalopt.errors import SolverError

START = 7  # initial samples
EDGE = 1e-6  # fraction of the interval to which the end of feasibility is located
ACCURACY = 1e-3  # fraction of the range of the objective: wanted accuracy of linear interpolation
Ask = Callable[[float], Found]


@dataclass(frozen=True, eq=False)
class Samples:
    """Results by position, ascending; linear interpolation is within `accuracy`, as estimated by the bisection.

    At the positions `unproven` there is no verified result.
    """

    found: tuple[tuple[float, Found], ...]
    accuracy: float
    unproven: tuple[float, ...] = ()


def sampled(ask: Ask, low: float, high: float, noise: float, most: int) -> Samples:
    """Sample a curve.

    Args:
        ask: Function that solves the scenario at a position.
        low: First position.
        high: Last position.
        noise: Differences of the objective up to this count as zero.
        most: Approximate maximum number of samples.

    Returns:
        The samples with their estimated accuracy.
    """
    known, unproven = {}, []
    for at in (low + (high - low) * step / (START - 1) for step in range(START)):
        try:
            known[at] = ask(at)
        except SolverError:
            unproven.append(at)
    for one, two in list(pairwise(sorted(known))):
        if known[one].outcome.feasible != known[two].outcome.feasible:
            inside, outside = (one, two) if known[one].outcome.feasible else (two, one)
            known |= _edge(ask, known, inside, outside, EDGE * (high - low))
    values = [found.outcome.value for found in known.values() if found.outcome.feasible]
    wanted = max(ACCURACY * (max(values, default=0.0) - min(values, default=0.0)), noise)
    accuracy = _halved(ask, known, unproven, wanted, (high - low) * EDGE, most)
    return Samples(tuple(sorted(known.items())), max(accuracy, noise), tuple(sorted(set(unproven) - known.keys())))


def _halved(
    ask: Ask, known: dict[float, Found], unproven: list[float], wanted: float, least: float, most: int
) -> float:
    """Bisect intervals whose midpoint deviates from the chord by more than `wanted`; return the largest deviation left.

    A midpoint without a verified result is added to `unproven`, and its interval is not refined further.
    """
    heap: list[tuple[float, float, float]] = []
    for one, two in pairwise(sorted(known)):
        if known[one].outcome.feasible and known[two].outcome.feasible:
            heapq.heappush(heap, (-math.inf, one, two))
    left = 0.0
    while heap and -heap[0][0] > wanted and len(known) < most:
        _, one, two = heapq.heappop(heap)
        middle = (one + two) / 2
        if two - one <= least:
            continue
        try:
            known[middle] = ask(middle)
        except SolverError:
            unproven.append(middle)
            continue
        if not known[middle].outcome.feasible:
            continue
        beside = abs(known[middle].outcome.value - (known[one].outcome.value + known[two].outcome.value) / 2)
        left = max(left, beside if beside <= wanted else 0.0)
        if beside > wanted:
            heapq.heappush(heap, (-beside, one, middle))
            heapq.heappush(heap, (-beside, middle, two))
    return max(left, -heap[0][0] if heap and math.isfinite(heap[0][0]) else 0.0)


def _edge(ask: Ask, known: dict[float, Found], inside: float, outside: float, near: float) -> dict[float, Found]:
    """Return the two positions, at most `near` apart, between which feasibility ends, with their results."""
    plan, none = known[inside], known[outside]
    tries = 0
    while abs(outside - inside) > near:
        tries += 1
        at = (inside + outside) / 2 if tries % 3 == 0 else _refuted_up_to(plan, none, inside, outside, near)
        try:
            found = ask(at)
        except SolverError:  # so near to the boundary that neither can be verified
            break
        if found.outcome.feasible:
            inside, plan = at, found
        else:
            outside, none = at, found
    return {inside: plan, outside: none}


def _refuted_up_to(plan: Found, none: Found, inside: float, outside: float, near: float) -> float:
    """Return the next position to try: the extrapolated zero of the Farkas margin of `outside`, else the middle."""
    y = none.outcome.y
    if len(y) != len(plan.variant.linear.rows):
        return (inside + outside) / 2
    there, here = stands(none.variant.linear, y), stands(plan.variant.linear, y)
    share = there / (there - here) if here < 0 < there else 0.5
    at = outside + (inside - outside) * share
    step = math.copysign(near / 2, inside - outside)
    at = at + step  # alternately just inside and just outside the estimated boundary
    return at if min(inside, outside) + near / 4 < at < max(inside, outside) - near / 4 else inside - step
