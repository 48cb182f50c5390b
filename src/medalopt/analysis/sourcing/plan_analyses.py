"""Facts of a plan that several parts of a report share, each computed once, and analyses by further solves.

Among the analyses are entry prices, constraint costs, and plans in whole loads: the tonnes called off in a period are a
whole number of truckloads, or all that is available. Streams of a bundle share their trucks; streams with a lot size or
minimum order of their own keep it. Metal, melts and purchases are optimised again for these loads, and the plan is
verified like any other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

import numpy as np

from medalopt.analysis.explain.binding import BindingConstraint, find_binding_constraints
from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.analysis.explain.sources import compute_entry_discounts, group_sources, list_sources
from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.base_case import StepCallback, ignore_progress, solve_or_none
from medalopt.analysis.sensitivity.outages import RecyclingPremium, compare_with_buying
from medalopt.analysis.sourcing.metals import MetalAccount, compute_metal_account
from medalopt.analysis.sourcing.payments import Payments, allocate_payments
from medalopt.analysis.sourcing.risks import PlanRisks, analyse_risks
from medalopt.analysis.sourcing.traceability import MetalTrace, trace_metal
from medalopt.catalog import LOWER, Limit, list_limits
from medalopt.errors import UsageError
from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arrays import ExactArray, Floats
from medalopt.instance.bounds import (
    compute_bounds,
    drop_lot_constraints,
    get_limit,
    has_lot_constraint,
    list_axis_names,
    list_axis_titles,
)
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model.network import Network
from medalopt.plan.metal_values import MetalValues
from medalopt.plan.plan import Plan
from medalopt.proof.certificate import certify_plan, sum_absolute_costs
from medalopt.proof.marginal import KILOGRAMS
from medalopt.proof.prices import Prices, build_prices
from medalopt.solve_instance import solve_continuous
from medalopt.solver.highs import NO_TIME_LIMIT, TimeBudget
from medalopt.solver.mip import TruckloadGroup, solve_truckload_mip
from medalopt.solver.parametric_solver import solve_from_scratch
from medalopt.solver.solution import extract_decisions
from medalopt.solver.solve_lp import SolveTask, build_program
from medalopt.text import render_path
from medalopt.tolerances import AMOUNT_TOLERANCE, INTEGRALITY_TOLERANCE, VALUE_TOLERANCE

MAX_PRICED_SOURCES = 40  # maximum number of sources priced, those with the most tonnes left


def compute_entry_prices(plan: Plan) -> Mapping[int, float]:
    """Compute the price reduction at which more of a source enters the optimal plan.

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
    plan: Plan,
    runner: ScenarioRunner | None,
    report_progress: StepCallback = ignore_progress,
    settled: frozenset[str] = frozenset(),
) -> PlanAnalyses:
    """Analyse a plan: buying benchmark, binding constraints, entry prices, constraint costs and risks.

    Args:
        runner: Scenarios of its instance; None to leave out the risks.
        settled: Parties that have delivered already, whose limits are no binding constraints.

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
        find_binding_constraints(neighbourhood, group_sources(base.instance), [], settled),
    )
    report_progress("computing break-even prices and the cost of each constraint")
    entering, rules = compute_entry_prices(base), compute_constraint_costs(base)
    found = None
    if runner is not None:
        runner.plan = base  # avoids another solve
        found = analyse_risks(runner, neighbourhood, report_progress)
    return PlanAnalyses(base, premium, binds, entering, rules, found)


@dataclass(frozen=True, eq=False)
class PlanFacts:
    """A plan with its payments, metal values, metal account and trace of metal, computed on first access."""

    plan: Plan

    @cached_property
    def payments(self) -> Payments:
        """Payments by document, party, kind of cost and period, computed once."""
        return allocate_payments(self.plan.account)

    @cached_property
    def metal_values(self) -> MetalValues:
        """Value of each metal, computed once."""
        return MetalValues(self.plan)

    @cached_property
    def metal_account(self) -> MetalAccount:
        """Metal returned, bought, charged and left, kilograms by metal and period, computed once."""
        return compute_metal_account(self.plan.account)

    @cached_property
    def trace(self) -> MetalTrace:
        """Kilograms of metal from each source to each destination, computed once."""
        return trace_metal(self.plan.account)


@dataclass(frozen=True, eq=False)
class WholeLoadPlan:
    """The plan in loads of `size` t and the `exact` plan: number of loads, of which `part` are partly filled."""

    plan: Plan
    exact: Plan
    size: float
    loads: int
    part: int

    @property
    def extra(self) -> float:
        """Extra cost of whole loads, money."""
        return self.plan.cost - self.exact.cost


def plan_whole_loads(exact: Plan, size: float, budget: TimeBudget = NO_TIME_LIMIT) -> WholeLoadPlan:
    """Solve the plan in whole loads by branch and bound.

    Args:
        exact: Optimal continuous plan.
        size: Size of a load, t.
        budget: Limit of computing time.

    Returns:
        The best verified plan found.

    Raises:
        UsageError: If no plan in such loads is found, or it cannot be verified.
    """
    instance = exact.instance
    bounds = compute_bounds(instance, exact.account.routes)
    network, program = build_program(SolveTask(instance, exact.account.routes, bounds, exact.measure))
    loads = _list_loads(exact, network, size)
    found = solve_truckload_mip(program, loads, budget)
    if found is None:
        raise UsageError(f"--round {size:g} t: no plan in loads of this size is feasible; give a smaller size")
    amounts, result = found
    decisions = extract_decisions(instance, exact.account.routes, network, program, result.x[: len(program.lower)])
    scaled = _scale_to_loads(decisions, exact.account.routes, network, loads, amounts)
    account = PlanAccount(instance, exact.account.routes, scaled)
    account = replace(account, decisions=account.clip_withheld())
    certificate = certify_plan(account, bounds, exact.duals, exact.measure)
    if not certificate.feasible:
        raise UsageError(f"--round {size:g} t: the plan in loads of this size could not be verified; give another size")
    method = f"{exact.method}; loads of {size:g} t by branch and bound"
    plan = replace(exact, account=account, certificate=certificate, method=method)
    lots = replace(exact.lots, value=plan.objective) if exact.lots else None
    counted = np.ceil(amounts / size - INTEGRALITY_TOLERANCE)
    part = np.abs(amounts - np.rint(amounts / size) * size) > INTEGRALITY_TOLERANCE * size
    return WholeLoadPlan(replace(plan, lots=lots), exact, size, int(counted.sum()), int(part.sum()))


def _list_loads(exact: Plan, network: Network, size: float) -> list[TruckloadGroup]:
    """Return the load group of each source and period that is delivered in loads."""
    instance, streams = exact.instance, exact.instance.streams
    every, periods = list_sources(instance), len(instance.periods)
    group = np.zeros(len(streams.names), dtype=np.intp)
    for number, source in enumerate(every):
        group[source.streams] = number
    offered, known = np.zeros((2, len(every), periods))
    np.add.at(offered, group, streams.available.value)
    np.add.at(known, group[exact.account.routes.stream], exact.account.treated_devices)
    ordered, waits = (
        np.bincount(group, some, len(every)) > 0 for some in (has_lot_constraint(streams), streams.storable)
    )
    maximum = np.where(waits[:, None], offered.cumsum(axis=1), offered)
    place = group[exact.account.routes.stream[network.route]] * periods + network.period
    order = np.argsort(place, kind="stable")
    order = order[exact.account.routes.treats[network.route[order]]]  # branches carry what is delivered already
    places, first = np.unique(place[order], return_index=True)
    loads = []
    for at, columns in zip(places.tolist(), np.split(order, first[1:]), strict=False):
        one, t = divmod(at, periods)
        if maximum[one, t] > 0 and not ordered[one]:
            loads.append(TruckloadGroup(columns, size, float(maximum[one, t]), float(known[one, t]), bool(waits[one])))
    return loads


def _scale_to_loads(
    decisions: Decisions, routes: Routes, network: Network, loads: list[TruckloadGroup], amounts: Floats
) -> Decisions:
    """Scale shipments so that each sum equals its load exactly, beyond the solver's tolerance, and their fractions."""
    sent = decisions.sent.copy()
    for load, amount in zip(loads, amounts.tolist(), strict=True):
        route, period = network.route[load.columns], network.period[load.columns]
        total = float(sent[route, period].sum())
        if routes.parent is not None:
            branches = np.flatnonzero((routes.parent >= 0) & np.isin(routes.parent, route))
            route, period = np.append(route, branches), np.append(period, np.full(len(branches), period[0]))
        sent[route, period] *= amount / total if amount and total else 0.0
    return replace(decisions, sent=sent)
