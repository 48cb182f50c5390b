"""Breakpoints of the price of confidence: from which confidence on a source of metal is used, or no longer used.

Between two plans whose sources differ the confidence is bisected. Every plan is solved from the one before and
certified.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.plan.plan import Plan

BREAKPOINT_TOLERANCE = 1e-3  # of a confidence
MAX_PLANS_BETWEEN = 80  # solved to place breakpoints
_USED_SHARE = 1e-6  # of the largest quantity of its kind, above which a source is used

Source = tuple[str, str]  # `stream` or `offer`, and its name


@dataclass(frozen=True)
class Breakpoint:
    """Sources that a plan uses at a confidence of `level`, and not at `below`, or the reverse."""

    below: float
    level: float
    enters: tuple[Source, ...]
    leaves: tuple[Source, ...]
    cost: float  # of the plan at `level`, money


def list_sources(account: PlanAccount) -> frozenset[Source]:
    """List the sources of metal that a plan uses: streams of which devices are smelted, and offers bought.

    Args:
        account: Plan in floats.

    Returns:
        The sources.
    """
    instance, routes = account.instance, account.routes
    smelted = np.where(routes.smelter >= 0, account.decisions.sent.sum(axis=1), 0.0)
    tonnes = np.bincount(routes.stream, smelted, len(instance.streams.names))
    found = set[Source]()
    for kind, names, amounts in (
        ("stream", instance.streams.names, tonnes),
        ("offer", instance.market.names, np.asarray(account.bought)),
    ):
        enough = _USED_SHARE * max(float(np.max(amounts, initial=0.0)), 1.0)
        found |= {(kind, name) for name, amount in zip(names, amounts.tolist(), strict=True) if amount > enough}
    return frozenset(found)


def find_breakpoints(plans: dict[float, Plan], solve_level: Callable[[float], Plan]) -> tuple[Breakpoint, ...]:
    """Find the confidences at which sources enter or leave, between plans whose sources differ.

    A source that is used between two neighbouring plans alone is not found.

    Args:
        plans: Plans by confidence; those found between are added.
        solve_level: Solves for the plan of a confidence.

    Returns:
        The breakpoints by rising confidence, within `BREAKPOINT_TOLERANCE` or as near as `MAX_PLANS_BETWEEN` allow.
    """
    known = {level: list_sources(plan.account) for level, plan in plans.items()}
    left, wide = MAX_PLANS_BETWEEN, [(0.0, 1.0)]
    while left and wide:
        changing = [pair for pair in pairwise(sorted(known)) if known[pair[0]] != known[pair[1]]]
        wide = [pair for pair in changing if pair[1] - pair[0] > BREAKPOINT_TOLERANCE]
        for low, high in wide[:left]:
            middle = (low + high) / 2
            plans[middle] = solve_level(middle)
            known[middle] = list_sources(plans[middle].account)
        left -= len(wide[:left])
    return tuple(
        Breakpoint(
            low,
            high,
            tuple(sorted(known[high] - known[low])),
            tuple(sorted(known[low] - known[high])),
            plans[high].objective,
        )
        for low, high in pairwise(sorted(known))
        if known[low] != known[high]
    )
