"""Analyses of a plan for its sourcing report: margins of its orders, entry prices, and costs of its constraints.

A margin is the part by which an order may fall short. Facts that several parts of a report share are computed once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

import numpy as np

from medalopt.analysis.explain.local_analysis import PlanNeighbourhood, group_sources, list_sources
from medalopt.analysis.explain.shadow_prices import BindingConstraint, find_binding_constraints
from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.base_case import RecyclingPremium, StepCallback, compare_with_buying, solve_or_none
from medalopt.analysis.sensitivity.tornado import PlanRisks, analyse_risks
from medalopt.analysis.sourcing.metals import (
    MetalAccount,
    MetalTrace,
    compute_metal_account,
    compute_route_returns,
    trace_metal,
)
from medalopt.analysis.sourcing.orders import Payments, allocate_payments
from medalopt.catalog import LOWER, Limit, list_limits
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import sum_by_group
from medalopt.instance.arrays import ExactArray, Floats, Ints
from medalopt.instance.bounds import get_limit, is_stocked, list_axis_names, list_axis_titles
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import drop_lot_constraints
from medalopt.instance.payers import PartyDirectory
from medalopt.plan.metal_values import MetalValues
from medalopt.plan.plan import Plan
from medalopt.proof.certificate import sum_absolute_costs
from medalopt.proof.marginal import KILOGRAMS
from medalopt.proof.prices import Prices, build_prices
from medalopt.solve_instance import solve_continuous
from medalopt.solver.verification import solve_from_scratch
from medalopt.text import render_path
from medalopt.tolerances import AMOUNT_TOLERANCE, VALUE_TOLERANCE

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
    lower = [solve_or_none(partial(neighbourhood.compute_source_slope, group, 1)) for group in range(len(sources))]
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
    report_progress: StepCallback = lambda activity: None,
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


_WITHOUT_OFFER = 1e6  # a metal that no offer replaces, in units of the dearest price


@dataclass(frozen=True)
class OrderMargin:
    """Share of an order that may fail while all else goes as planned.

    Attributes:
        share: Largest share of the order that may fail, 0 to 1; more than 1 where the rest of the plan suffices.
        metal: Index of the metal that is short first; of several the one whose loss costs most to replace.
        period: Index of the period in which it is short.
        kilograms: What the whole order brings of that metal until then.
    """

    share: float
    metal: int
    period: int
    kilograms: float


@dataclass(frozen=True)
class MetalShortage:
    """Metal that is missing by the end of a period [kg], and its charge over the horizon [kg]."""

    metal: int
    period: int
    kilograms: float
    needed: float


@dataclass(frozen=True, eq=False)
class OrderMargins:
    """Margins of the orders to each region (G,), smelter (K,) and offer (O,); None where an order brings no metal.

    `collections` are those of collection orders, by collector and index of the region.
    """

    regions: Sequence[OrderMargin | None]
    collections: Mapping[tuple[str, int], OrderMargin | None]
    smelters: Sequence[OrderMargin | None]
    offers: Sequence[OrderMargin | None]


def compute_spare_metal(account: PlanAccount) -> Floats:
    """Compute the metal that no melt of the plan needs until the end of each period.

    Returns:
        (E, T) kg: stock, with all that was sold or left with the smelters before.
    """
    return np.asarray(account.stock + (account.decisions.surplus + account.left).cumsum(axis=1))


def compute_order_margins(account: PlanAccount) -> OrderMargins:
    """Compute the margin of the orders to every region, smelter and offer.

    Returns:
        The margins; each order fails alone, by the same share in all periods.
    """
    instance, routes = account.instance, account.routes
    used = np.flatnonzero((account.decisions.sent > 0).any(axis=1))
    back = np.moveaxis(compute_route_returns(account, used), 1, 0)  # (J, E, T)
    travels = routes.smelter[used] >= 0
    spare, price = compute_spare_metal(account), _compute_replacement_prices(instance)
    turnover = spare + _sum_charged(account).cumsum(axis=1)

    def find_margins(members: Ints, brought: Floats, count: int) -> list[OrderMargin | None]:
        """Return the margin of each group of routes."""
        each = np.asarray(sum_by_group(brought, members, count)).cumsum(axis=2)
        return [_find_margin(metal, spare, turnover, price) for metal in each]

    region = instance.streams.region[routes.stream[used]]
    collectors = PartyDirectory.from_instance(instance).list_collectors(instance)
    handed_over = list(zip(collectors, instance.streams.region.tolist(), strict=True))
    pairs = list(dict.fromkeys(handed_over))
    pair = np.array([pairs.index(of) for of in handed_over], dtype=np.intp)[routes.stream[used]]
    content = instance.market.composition.value[:, :, None]  # (O, E, 1)
    bought = content * account.decisions.bought.sum(axis=1)[:, None, :]
    return OrderMargins(
        find_margins(region, back, len(instance.regions)),
        dict(zip(pairs, find_margins(pair, back, len(pairs)), strict=True)),
        find_margins(routes.smelter[used][travels], back[travels], len(instance.smelters.names)),
        [_find_margin(metal, spare, turnover, price) for metal in bought.cumsum(axis=2)],
    )


def _sum_charged(account: PlanAccount) -> Floats:
    """Return the metal charged (E, T) kg, from stock and with offers."""
    with_offers = np.einsum("oat,oe->et", account.decisions.bought, account.instance.market.composition.value)
    return np.asarray(account.decisions.charged.sum(axis=0) + with_offers)


def _compute_replacement_prices(instance: Instance) -> Floats:
    """Compute the price of a kilogram of each metal in the cheapest offer that is recycled enough."""
    market, floor = instance.market, instance.policy.recycled.value
    content = market.composition.value  # (O, E)
    price = market.price.value.min(axis=1, initial=np.inf)[:, None]
    suits = (content > 0) & (market.recycled.value[:, None] >= floor)
    each = np.divide(price, content, out=np.full_like(content, np.inf), where=suits)
    least = np.maximum(each.min(axis=0, initial=np.inf), 0)
    known = least[np.isfinite(least)]
    return np.where(np.isfinite(least), least, _WITHOUT_OFFER * max(1.0, float(known.max(initial=0.0))))


def _find_margin(brought: Floats, spare: Floats, turnover: Floats, price: Floats) -> OrderMargin | None:
    """Return the margin of an order that brings so much metal until each period, (E, T) kg."""
    spare = np.where(spare > AMOUNT_TOLERANCE * turnover, spare, 0.0)
    counts = brought > AMOUNT_TOLERANCE * np.maximum(turnover, 1e-12)
    if not counts.any():
        return None
    share = np.divide(spare, brought, out=np.full_like(spare, np.inf), where=counts)
    first = share <= share.min() + AMOUNT_TOLERANCE  # of metals that are short at once, the dearest loss
    value = np.where(first, brought * price[:, None], -1.0)
    metal, period = np.unravel_index(int(value.argmax()), share.shape)
    return OrderMargin(float(share[metal, period]), int(metal), int(period), float(brought[metal, period]))


def find_rounding_shortages(
    account: PlanAccount, tonnes: Mapping[tuple[int, int], float], bought: Mapping[tuple[int, int], float]
) -> tuple[MetalShortage, ...]:
    """Find the metals that are short where every order is delivered as rounded, and all melts are charged as planned.

    Args:
        tonnes: Rounded over planned quantity, by index of stream and period.
        bought: Likewise by index of offer and period.

    Returns:
        The greatest shortage of each metal; none where all suffice.
    """
    instance, decisions = account.instance, account.decisions
    factors = np.ones(instance.streams.available.value.shape)
    for place, factor in tonnes.items():
        factors[place] = factor
    rounded = replace(account, decisions=replace(decisions, sent=decisions.sent * factors[account.routes.stream]))
    delivered = decisions.bought.sum(axis=1)
    extra = np.zeros_like(delivered)
    for (offer, period), factor in bought.items():
        amount = float(account.purchases[offer, period]) if is_stocked(instance)[offer] else delivered[offer, period]
        extra[offer, period] = amount * (factor - 1)
    spare = compute_spare_metal(rounded) + (instance.market.composition.value.T @ extra).cumsum(axis=1)
    needed = _sum_charged(account).sum(axis=1)
    found = []
    for metal in np.flatnonzero(needed > 0).tolist():
        period = int(spare[metal].argmin())
        short = -float(spare[metal, period])
        if short > AMOUNT_TOLERANCE * needed[metal]:
            found.append(MetalShortage(metal, period, short, float(needed[metal])))
    return tuple(found)
