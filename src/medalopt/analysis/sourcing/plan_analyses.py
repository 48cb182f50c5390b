"""Analyses of a plan for its report, each by further solves, among them entry prices and constraint costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from medalopt.analysis.explain.binding import BindingConstraint, find_binding_constraints
from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.analysis.explain.sources import compute_entry_discounts, group_sources, list_sources
from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.base_case import StepCallback, ignore_progress, solve_or_none
from medalopt.analysis.sensitivity.premium import RecyclingPremium, compare_with_buying
from medalopt.analysis.sourcing.risks import PlanRisks, analyse_risks
from medalopt.instance.arrays import EXACT_INFINITY, EXACT_ZERO, ExactArray
from medalopt.instance.bounds import drop_lot_constraints
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render_path
from medalopt.plan.plan import Plan
from medalopt.proof.certificate import sum_absolute_costs
from medalopt.proof.prices import Prices, build_prices
from medalopt.solve_instance import solve_continuous
from medalopt.solver.parametric_solver import solve_from_scratch
from medalopt.tolerances import AMOUNT_TOLERANCE, VALUE_TOLERANCE

MAX_PRICED_SOURCES = 40  # maximum number of sources priced, those with the most tonnes left


def compute_entry_prices(plan: Plan) -> Mapping[int, float]:
    """Compute the price reduction at which more of a source enters the optimal plan.

    Args:
        plan: Optimal plan.

    Returns:
        Discount per tonne by stream index, money/t, for sources not fully taken (at most MAX_PRICED_SOURCES, largest
        rest first). Streams of a bundle get cheaper together. Infinite if no price is low enough.
    """
    instance = plan.instance
    left = {}
    for source in list_sources(instance):
        offered = float(instance.streams.available.value[source.streams].sum())
        rest = offered - float(np.asarray(plan.account.sent)[source.streams].sum())
        if rest > AMOUNT_TOLERANCE * offered:
            left[source.name] = (rest, source)
    sources = [
        source for _, (_, source) in sorted(left.items(), key=lambda item: (-item[1][0], item[0]))[:MAX_PRICED_SOURCES]
    ]
    if not sources:
        return {}
    neighbourhood = PlanNeighbourhood.build(plan, [source.streams for source in sources])
    lower = compute_entry_discounts(neighbourhood, len(sources))
    pairs = [(source, by) for source, by in zip(sources, lower, strict=True) if by is not None]
    return {int(i): by for source, by in pairs for i in source.streams}


@dataclass(frozen=True)
class ConstraintCost:
    """A constraint with its path and value, and its cost: the objective with it less the objective without it.

    `costs` is None if the relaxed optimum is not verified.
    """

    path: str
    kind: str
    subject: str
    value: float
    unit: str
    costs: float | None
    binds: bool


@dataclass(frozen=True, eq=False)
class _RemovableConstraint:
    """A constraint that can be removed, its dual value, and the instance without it."""

    path: str
    kind: str
    subject: str
    value: float
    unit: str
    dual: float  # dual value of its rows; if 0, the constraint costs nothing
    relaxed_instance: Instance


def compute_constraint_costs(plan: Plan) -> tuple[ConstraintCost, ...]:
    """Compute the cost of every removable constraint.

    Recycled-content floors, device share limits, participation, footprint cap, and commitments and limits of streams,
    smelters and offers. A constraint with dual value 0 costs nothing; every other one is removed and the LP solved
    again.

    Args:
        plan: Optimal plan.

    Returns:
        Constraint costs in the order of the file format.
    """
    nothing = VALUE_TOLERANCE * max(1.0, float(sum_absolute_costs(plan.account, plan.measure)))
    collected = []
    for rule in _list_removable_constraints(plan.instance, build_prices(plan.instance, plan.duals)):
        costs: float | None = 0.0
        if rule.dual:
            result = solve_or_none(
                partial(solve_from_scratch, ScenarioProgram.build(rule.relaxed_instance, plan.measure).program)
            )
            costs = None if result is None else plan.objective - result.value
        costs = costs if costs is None or costs > nothing else 0.0
        collected.append(
            ConstraintCost(rule.path, rule.kind, rule.subject, rule.value, rule.unit, costs, bool(rule.dual))
        )
    return tuple(collected)


def _list_removable_constraints(instance: Instance, y: Prices) -> Iterator[_RemovableConstraint]:
    """Yield every constraint that can be removed, with the instance without it."""
    yield from _list_policy_constraints(instance, y)
    streams, smelters, market = instance.streams, instance.smelters, instance.market
    for section, part, figure, unit, duals in (
        ("streams", streams, "committed", "t", y.stream_commitment),
        ("smelters", smelters, "committed", "t", np.maximum(y.feed_total, 0)),
        ("smelters", smelters, "limit", "t", np.minimum(y.feed_total, 0)),
        ("market", market, "committed", "kg", np.maximum(y.purchase, 0)),
        ("market", market, "limit", "kg", np.minimum(y.purchase, 0)),
    ):
        array: ExactArray = getattr(part, figure)
        free = 0.0 if figure == "committed" else np.inf
        for index, name in enumerate(part.names):
            if array.value[index] != free:
                changed = _replace_field(part, figure, _replace_value(array, index, free))
                without = _replace_field(instance, section, changed)
                path, value = render_path((section, name, figure)), float(array.value[index])
                yield _RemovableConstraint(path, f"{section} {figure}", name, value, unit, float(duals[index]), without)


def _list_policy_constraints(instance: Instance, y: Prices) -> Iterator[_RemovableConstraint]:
    """Yield the policy constraints."""
    policy = instance.policy

    def without(field: str, array: ExactArray) -> Instance:
        """Return the instance with one field of the policy replaced."""
        return _replace_field(instance, "policy", _replace_field(policy, field, array))

    for e, metal in enumerate(instance.metals.names):
        floor, title = float(policy.recycled.value[e]), instance.metals.titles[e]
        if floor:
            free = without("recycled", _replace_value(policy.recycled, e, 0.0))
            path = render_path(("policy", "recycled", metal))
            yield _RemovableConstraint(path, "recycled floor", title, floor, "%", float(y.recycled[e]), free)
    for w, window in enumerate(policy.windows):
        path = render_path(("policy", "device_share", window))
        low, high = float(policy.window_low.value[w]), float(policy.window_high.value[w])
        if low > 0:
            free = without("window_low", _replace_value(policy.window_low, w, 0.0))
            yield _RemovableConstraint(f"{path}[0]", "least share", window, low, "%", float(y.mix_low[w]), free)
        if high < 1:
            free = without("window_high", _replace_value(policy.window_high, w, 1.0))
            yield _RemovableConstraint(f"{path}[1]", "greatest share", window, high, "%", float(y.mix_high[w]), free)
    minimum = float(policy.participation.value)
    if minimum:
        free = without("participation", ExactArray.gather([EXACT_ZERO], ()))
        yield _RemovableConstraint(
            "policy.participation", "participation", "every region", minimum, "%", float(y.participation.sum()), free
        )
    cap = float(policy.footprint_cap.value)
    if np.isfinite(cap):
        free = without("footprint_cap", ExactArray.gather([EXACT_INFINITY], ()))
        yield _RemovableConstraint(
            "policy.footprint_cap", "footprint cap", "the plan", cap / 1000, "t CO2e", float(y.footprint_cap), free
        )


def _replace_field(part: Any, field: str, value: Any) -> Any:
    """Return a copy of `part` with one field replaced."""
    return dataclasses.replace(part, **{field: value})


def _replace_value(array: ExactArray, index: int, value: float) -> ExactArray:
    """Return an array with one entry replaced by a value in the canonical unit."""
    raw, unit = array.raw.copy(), np.broadcast_to(array.unit, array.shape).copy()
    raw[index], unit[index] = value, len(array.factors)
    return ExactArray(raw, unit, (*array.factors, Fraction(1)))


@dataclass(frozen=True, eq=False)
class PlanAnalyses:
    """Analyses of the optimal plan; for a plan in whole lots or stopped early, of the continuous optimum `base`.

    `risks` is None if the instance does not come from a file, such as a remaining horizon.
    """

    base: Plan
    premium: RecyclingPremium
    binding: tuple[BindingConstraint, ...]
    entry_prices: Mapping[int, float]
    rules: tuple[ConstraintCost, ...]
    risks: PlanRisks | None


def analyse_plan(
    plan: Plan, runner: ScenarioRunner | None, report_progress: StepCallback = ignore_progress
) -> PlanAnalyses:
    """Analyse a plan: buying benchmark, binding constraints, entry prices, constraint costs and risks.

    Args:
        plan: The plan.
        runner: Scenarios of its instance; None to leave out the risks.
        report_progress: Progress callback.

    Returns:
        All analyses.
    """
    base = plan
    if plan.instance.lots or not plan.certificate.optimal:
        report_progress("solving without whole lots")
        base = solve_continuous(drop_lot_constraints(plan.instance))[0]
    report_progress("asking what binds, and what buying the metal would cost")
    neighbourhood = PlanNeighbourhood.build(base)
    premium, binds = (
        compare_with_buying(base.account),
        find_binding_constraints(neighbourhood, group_sources(base.instance), []),
    )
    report_progress("asking when refused streams come in, and what each rule costs")
    entering, rules = compute_entry_prices(base), compute_constraint_costs(base)
    found = None
    if runner is not None:
        runner.plan = base  # avoids another solve
        found = analyse_risks(runner, neighbourhood, report_progress)
    return PlanAnalyses(base, premium, binds, entering, rules, found)
