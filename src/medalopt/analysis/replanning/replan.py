"""Replanning: actuals replace the past, contracted quantities are fixed, and the remaining horizon is optimised.

Policies over the whole horizon are also checked for past and remaining periods together.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from medalopt.analysis.replanning.actuals import Actuals
from medalopt.analysis.replanning.remaining_horizon import (
    IN_STOCK_FORMAT,
    count_missed_medals,
    find_overdue_medals,
    make_remaining_instance,
)
from medalopt.catalog import UPPER, list_limits
from medalopt.errors import Fault, NoPlanError, UsageError
from medalopt.instance.accounting import Decisions
from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import can_be_in_stock, get_limit, list_axis_names
from medalopt.instance.input_table import make_calendar
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, build_routes
from medalopt.instance.settlement import make_empty_decisions, make_empty_lots, read_lots, read_signed_contracts
from medalopt.plan.plan import Plan
from medalopt.plan.reader import PLAN_SUFFIXES, read_saved_plan
from medalopt.plan.schema import SavedPlan
from medalopt.proof.rows import HorizonTotals, compute_totals, measure_policies
from medalopt.proof.saved_plan import parse_decisions
from medalopt.solve_instance import solve
from medalopt.text import escape_text, render_path
from medalopt.tolerances import FEASIBILITY_TOLERANCE


@dataclass(frozen=True)
class MissedRequirement:
    """A policy violated over the whole horizon: its path, required share and actual share."""

    path: str
    required_share: float
    actual_share: float


def _find_missed_requirements(actuals: Actuals, plan: Plan) -> tuple[MissedRequirement, ...]:
    """Return the policies on shares that past and remaining periods together violate."""
    instance, missed = actuals.instance, []
    names = list_axis_names(instance)
    measured = measure_policies(instance.policy, _sum_horizon(actuals, plan))
    for family, limit in list_limits("policy"):
        if family.name not in measured:
            continue  # the footprint cap, which the remaining horizon has less what was emitted
        quantity, whole = measured[family.name]
        stated = np.broadcast_to(get_limit(instance, limit).value, quantity.shape)
        allowed, side = stated if limit.slope > 0 else 1 - stated, 1 if limit.side == UPPER else -1
        broken = side * (quantity - (allowed + side * FEASIBILITY_TOLERANCE) * whole) > 0
        for n in np.flatnonzero(broken & (stated != limit.free)).tolist():
            share, name = float(quantity[n] / whole[n]), names[family.axes[0]][n]
            path = render_path(limit.figure(name)) + (f" of {name}" if limit.common else "")
            missed.append(MissedRequirement(path, float(stated[n]), share if limit.slope > 0 else 1 - share))
    return tuple(missed)


def _sum_horizon(actuals: Actuals, plan: Plan) -> HorizonTotals:
    """Return the totals over the whole horizon, past included, by names of the original instance."""
    instance, left = actuals.instance, plan.instance
    done, rest = compute_totals(actuals.executed_account), compute_totals(plan.account)
    gone = actuals.taken_by_stream.sum(axis=1) - actuals.stockpiles  # those in stock are streams of the remainder
    by_device, by_region = rest.by_device[: len(instance.devices.names)].copy(), np.zeros(len(instance.regions))
    np.add.at(by_device, instance.streams.device, gone)
    np.add.at(by_region, instance.streams.region, gone)
    home = {name: g for g, name in enumerate(instance.regions)}
    home |= {IN_STOCK_FORMAT.format(name): g for name, g in home.items()}
    for name, tonnes in zip(left.regions, rest.by_region.tolist(), strict=True):
        if name in home:
            by_region[home[name]] += tonnes
    feed, routes = rest.feed[: len(instance.smelters.names)].copy(), actuals.routes
    travelled = routes.smelter >= 0
    sent = (routes.to_smelter[:, None] * (actuals.sent + actuals.executed_account.decisions.sent)).sum(axis=1)
    np.add.at(feed, routes.smelter[travelled], sent[travelled])
    return HorizonTotals(
        charged=done.charged + rest.charged,
        primary=done.primary + rest.primary,
        by_device=by_device,
        by_region=by_region,
        tonnes=by_device.sum(),
        supply=done.supply,
        feed=feed,
        bought=done.bought + rest.bought[: len(done.bought)],  # stock was bought before
    )


@dataclass(frozen=True, eq=False)
class ReplanProblem:
    """Replanning problem: the `actuals`, and the `remaining_instance` with the digests of its files."""

    actuals: Actuals
    remaining_instance: Instance

    @property
    def last_period(self) -> str:
        """Last period of the past."""
        return self.actuals.instance.periods[self.actuals.last]

    @property
    def settled_parties(self) -> frozenset[str]:
        """Regions, smelters and offers that represent stock and metal in transit, and get no orders."""
        before, left = (
            {*instance.regions, *instance.smelters.names, *instance.market.names}
            for instance in (self.actuals.instance, self.remaining_instance)
        )
        return frozenset(left - before)

    @property
    def overdue_medals(self) -> tuple[str, ...]:
        """Kinds of medal due in the past and not completely cast."""
        return find_overdue_medals(self.actuals)

    @property
    def missed_medals(self) -> Floats:
        """Medals missed at a date that has passed, and never made, (M,) pieces."""
        return count_missed_medals(self.actuals)


@dataclass(frozen=True, eq=False)
class Replan:
    """Plan of the remaining horizon, and the plan `before`, None if it was infeasible."""

    problem: ReplanProblem
    plan: Plan
    before: Plan | None

    @property
    def actuals(self) -> Actuals:
        """Executed and contracted quantities."""
        return self.problem.actuals

    @cached_property
    def cost_to_date(self) -> float:
        """Cost of the lots so far; charges not yet settled are taken from the terms (money)."""
        return sum(self.actuals.cost_by_kind.values())

    @cached_property
    def penalty_to_date(self) -> float:
        """Penalty of the medals missed at a date that has passed, money."""
        missed, medals = self.problem.missed_medals, self.actuals.instance.medals
        return float((np.where(missed > 0, medals.shortfall.value, 0.0) * missed).sum())

    @property
    def total_cost(self) -> float:
        """Expected total cost: spent, contracted, penalties so far, and planned, money."""
        return self.cost_to_date + self.actuals.signed_cost + self.penalty_to_date + self.plan.cost

    @cached_property
    def missed_requirements(self) -> tuple[MissedRequirement, ...]:
        """Policies violated over the whole horizon."""
        return _find_missed_requirements(self.actuals, self.plan)

    @cached_property
    def metals(self) -> tuple[int, ...]:
        """Metals that are, or can be, on the account."""
        could = can_be_in_stock(self.actuals.instance, self.actuals.routes) | (
            self.actuals.metal_by_arrival.sum(axis=1) > 0
        )
        return tuple(np.flatnonzero(could).tolist())

    @cached_property
    def returned_before(self) -> Floats | None:
        """Cumulated metal returned in the first plan, with opening stock, (E, T) kg; None without a first plan."""
        if self.before is None:
            return None
        opening = self.actuals.instance.metals.opening_stock.value
        return np.asarray(opening[:, None] + np.cumsum(self.before.account.returned.sum(axis=0), axis=1))

    @cached_property
    def returned_now(self) -> Floats:
        """Cumulated metal returned, actual up to `last`, then planned, with opening stock, (E, T) kg."""
        actuals, periods = self.actuals, len(self.actuals.instance.periods)
        opening = actuals.instance.metals.opening_stock.value
        came = np.zeros((len(opening), periods))
        came[:, : actuals.last + 1] = actuals.metal_by_arrival[:, : actuals.last + 1]
        came[:, actuals.last + 1 :] = self.plan.account.returned.sum(axis=0)
        return np.asarray(opening[:, None] + np.cumsum(came, axis=1))


def make_replan_problem(
    instance: Instance, after: str, actuals: Path | None = None, frozen: Path | None = None
) -> ReplanProblem:
    """Make the replanning problem of an instance after a period.

    Args:
        instance: The instance.
        after: Last period of the past.
        actuals: Settlement sheet; None if there are no lots.
        frozen: Contracted quantities, as CSV or a saved plan of this instance; None if there are none.

    Returns:
        The replanning problem.

    Raises:
        UsageError: If the period or a file does not fit the instance.
        InputError: If a file is invalid.
    """
    routes, last = build_routes(instance), make_calendar(instance).find_period(after.strip())
    if last is None:
        raise UsageError(f"--after: {make_calendar(instance).describe_unknown(after)}")
    if last == len(instance.periods) - 1:
        raise UsageError(f"--after {escape_text(after)}: this is the last period; no period remains to plan")
    if actuals is None and frozen is None:
        raise UsageError("--after: give what has happened since by --actuals, or signed contracts by --frozen")
    files = {}
    lots = None
    if actuals is not None:
        lots = read_lots(actuals, instance, routes, last)
        files[actuals.name] = lots.sha256
    signed, warnings = make_empty_decisions(instance, routes), lots.warnings if lots else ()
    if frozen is not None:
        signed, digest, repeated = _read_signed_decisions(frozen, instance, routes)
        warnings += repeated
        files |= digest
    past = Actuals(instance, routes, last, lots or make_empty_lots(instance), signed)
    if frozen is not None and _is_saved_plan(frozen):
        past = past.limit_sales()
    left = make_remaining_instance(past)
    return ReplanProblem(
        past, replace(left, files=dict(sorted({**instance.files, **files}.items())), warnings=warnings)
    )


def _is_saved_plan(path: Path) -> bool:
    """Return whether contracted quantities are given as a saved plan, and not as rows of CSV."""
    return os.path.isdir(path) or path.suffix.lower() in PLAN_SUFFIXES


def _read_signed_decisions(
    path: Path, instance: Instance, routes: Routes
) -> tuple[Decisions, dict[str, str], tuple[Fault, ...]]:
    """Return the contracted decisions, the digests of their file, and warnings."""
    if not _is_saved_plan(path):
        decisions, digest, warnings = read_signed_contracts(path, instance, routes)
        return decisions, {path.name: digest}, warnings
    saved = read_saved_plan(path)
    if not isinstance(saved, SavedPlan) or saved.instance.figures != instance.figures:
        reason = (
            "is the result of an infeasible instance"
            if not isinstance(saved, SavedPlan)
            else "is the plan of another instance or version of it"
        )
        remedy = "give a plan of this instance, or a CSV of signed contracts"
        raise UsageError(f"--frozen {escape_text(str(path), 400)}: {reason}; {remedy}")
    decisions, broken = parse_decisions(instance, routes, saved)
    if broken:
        raise UsageError(f"--frozen {escape_text(str(path), 400)}: {broken[0].text}; medalopt verify lists all errors")
    return decisions, {}, ()


def compare_with_first_plan(problem: ReplanProblem, plan: Plan) -> Replan:
    """Compare a plan of the remaining horizon with the first plan.

    Args:
        problem: Replanning problem.
        plan: Plan of the remaining horizon.

    Returns:
        Both plans; the first one is None if the whole horizon was infeasible.
    """
    try:
        before = solve(problem.actuals.instance, plan.measure)
    except NoPlanError:
        before = None
    return Replan(problem, plan, before)
