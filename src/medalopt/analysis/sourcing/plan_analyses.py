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
from medalopt.catalog import LOWER, Limit, list_limits
from medalopt.instance.arrays import ExactArray
from medalopt.instance.bounds import drop_lot_constraints, get_limit, list_axis_names, list_axis_titles
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render_path
from medalopt.plan.plan import Plan
from medalopt.proof.certificate import sum_absolute_costs
from medalopt.proof.marginal import KILOGRAMS
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
    limit: Limit
    subject: str
    value: float
    costs: float | None
    binds: bool


@dataclass(frozen=True, eq=False)
class _RemovableConstraint:
    """A constraint that can be removed, its dual value, and the instance without it."""

    path: str
    limit: Limit
    subject: str
    value: float
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
        collected.append(ConstraintCost(rule.path, rule.limit, rule.subject, rule.value, costs, bool(rule.dual)))
    return tuple(collected)


def _list_removable_constraints(instance: Instance, y: Prices) -> Iterator[_RemovableConstraint]:
    """Yield every policy, commitment and limit that can be removed, with the instance without it."""
    names = list_axis_names(instance)
    for family, limit in list_limits("policy", "streams", "smelters", "market"):
        if family.periodic:
            continue
        array, part = get_limit(instance, limit), getattr(instance, limit.section)
        duals = np.atleast_1d(getattr(y, family.name))
        duals = np.maximum(duals, 0) if limit.side == LOWER else np.minimum(duals, 0)
        titles = list_axis_titles(instance, family.axes)
        for index in np.argwhere(array.value != limit.free).tolist():
            n = index[0] if index else 0
            changed = _replace_field(part, limit.field, _replace_value(array, tuple(index), limit.free))
            path = render_path(limit.locate(names[family.axes[0]][n] if index else ""))
            value = float(array.value[tuple(index)]) / (1 if index or limit.unit == "%" else KILOGRAMS)
            dual = float(duals.sum() if limit.common else duals[n])
            without = _replace_field(instance, limit.section, changed)
            yield _RemovableConstraint(path, limit, "" if limit.common else titles[n], value, dual, without)


def _replace_field(part: Any, field: str, value: Any) -> Any:
    """Return a copy of `part` with one field replaced."""
    return dataclasses.replace(part, **{field: value})


def _replace_value(array: ExactArray, index: tuple[int, ...], value: float) -> ExactArray:
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
    report_progress("computing shadow prices and the cost of buying the metal")
    neighbourhood = PlanNeighbourhood.build(base)
    premium, binds = (
        compare_with_buying(base.account),
        find_binding_constraints(neighbourhood, group_sources(base.instance), []),
    )
    report_progress("computing break-even prices and the cost of each constraint")
    entering, rules = compute_entry_prices(base), compute_constraint_costs(base)
    found = None
    if runner is not None:
        runner.plan = base  # avoids another solve
        found = analyse_risks(runner, neighbourhood, report_progress)
    return PlanAnalyses(base, premium, binds, entering, rules, found)
