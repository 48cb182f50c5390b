"""Cost of each policy and contract constraint: the optimal plan compared with the optimum without it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from medalopt.analysis.sensitivity.steps import attempted
from medalopt.analysis.variants import SAME, Variant
from medalopt.instance.figures import NOTHING, UNLIMITED, Figures
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render
from medalopt.plan.plan import Plan
from medalopt.proof.certificate import paid
from medalopt.proof.prices import Prices, prices
from medalopt.solver.moving import cold


@dataclass(frozen=True)
class RulePrice:
    """A constraint with its path and value, and its cost: the objective with it less the objective without it.

    `costs` is None if the relaxed optimum is not verified.
    """

    path: str
    kind: str
    subject: str
    figure: float
    unit: str
    costs: float | None
    binds: bool


@dataclass(frozen=True, eq=False)
class _Rule:
    """A constraint that can be removed, its dual value, and the instance without it."""

    path: str
    kind: str
    subject: str
    figure: float
    unit: str
    dual: float  # dual value of its rows; if 0, the constraint costs nothing
    without: Instance


def rule_prices(plan: Plan) -> tuple[RulePrice, ...]:
    """Compute the cost of every removable constraint.

    Recycled-content floors, device share limits, participation, footprint cap, and commitments and limits of streams,
    smelters and offers. A constraint with dual value 0 costs nothing; every other one is removed and the LP solved
    again.

    Args:
        plan: Optimal plan.

    Returns:
        Constraint costs in the order of the file format.
    """
    nothing = SAME * max(1.0, float(paid(plan.account, plan.measure)))
    found = []
    for rule in _rules(plan.instance, prices(plan.instance, plan.duals)):
        costs: float | None = 0.0
        if rule.dual:
            answer = attempted(partial(cold, Variant.of(rule.without, plan.measure).linear))
            costs = None if answer is None else plan.objective - answer.value
        costs = costs if costs is None or costs > nothing else 0.0
        found.append(RulePrice(rule.path, rule.kind, rule.subject, rule.figure, rule.unit, costs, bool(rule.dual)))
    return tuple(found)


def _rules(instance: Instance, y: Prices) -> Iterator[_Rule]:
    """Yield every constraint that can be removed, with the instance without it."""
    yield from _policies(instance, y)
    streams, smelters, market = instance.streams, instance.smelters, instance.market
    for section, part, figure, unit, duals in (
        ("streams", streams, "committed", "t", y.stream_commitment),
        ("smelters", smelters, "committed", "t", np.maximum(y.feed_total, 0)),
        ("smelters", smelters, "limit", "t", np.minimum(y.feed_total, 0)),
        ("market", market, "committed", "kg", np.maximum(y.purchase, 0)),
        ("market", market, "limit", "kg", np.minimum(y.purchase, 0)),
    ):
        figures: Figures = getattr(part, figure)
        free = 0.0 if figure == "committed" else np.inf
        for at, name in enumerate(part.names):
            if figures.value[at] != free:
                changed = _replaced(part, figure, _with(figures, at, free))
                without = _replaced(instance, section, changed)
                path, value = render((section, name, figure)), float(figures.value[at])
                yield _Rule(path, f"{section} {figure}", name, value, unit, float(duals[at]), without)


def _policies(instance: Instance, y: Prices) -> Iterator[_Rule]:
    """Yield the policy constraints."""
    policy = instance.policy

    def without(field: str, figures: Figures) -> Instance:
        """Return the instance with one field of the policy replaced."""
        return _replaced(instance, "policy", _replaced(policy, field, figures))

    for e, metal in enumerate(instance.metals.names):
        floor, title = float(policy.recycled.value[e]), instance.metals.titles[e]
        if floor:
            free = without("recycled", _with(policy.recycled, e, 0.0))
            path = render(("policy", "recycled", metal))
            yield _Rule(path, "recycled floor", title, floor, "%", float(y.recycled[e]), free)
    for w, window in enumerate(policy.windows):
        path = render(("policy", "device_share", window))
        low, high = float(policy.window_low.value[w]), float(policy.window_high.value[w])
        if low > 0:
            free = without("window_low", _with(policy.window_low, w, 0.0))
            yield _Rule(f"{path}[0]", "least share", window, low, "%", float(y.mix_low[w]), free)
        if high < 1:
            free = without("window_high", _with(policy.window_high, w, 1.0))
            yield _Rule(f"{path}[1]", "greatest share", window, high, "%", float(y.mix_high[w]), free)
    least = float(policy.participation.value)
    if least:
        free = without("participation", Figures.of([NOTHING], ()))
        yield _Rule(
            "policy.participation", "participation", "every region", least, "%", float(y.participation.sum()), free
        )
    cap = float(policy.footprint_cap.value)
    if np.isfinite(cap):
        free = without("footprint_cap", Figures.of([UNLIMITED], ()))
        yield _Rule(
            "policy.footprint_cap", "footprint cap", "the plan", cap / 1000, "t CO2e", float(y.footprint_cap), free
        )


def _replaced(part: Any, field: str, value: Any) -> Any:
    """Return a copy of `part` with one field replaced."""
    return dataclasses.replace(part, **{field: value})


def _with(figures: Figures, at: int, value: float) -> Figures:
    """Return an array with one entry replaced by a value in the canonical unit."""
    raw, unit = figures.raw.copy(), np.broadcast_to(figures.unit, figures.shape).copy()
    raw[at], unit[at] = value, len(figures.factors)
    return Figures(raw, unit, (*figures.factors, Fraction(1)))
