"""Replanning: actuals replace the past, contracted quantities are fixed, and the remaining horizon is optimised.

Policies over the whole horizon are also checked for past and remaining periods together.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from medalopt.analysis.replanning.actuals import Actuals
from medalopt.analysis.replanning.in_transit import IN_STOCK_FORMAT
from medalopt.analysis.replanning.remaining_horizon import (
    count_missed_medals,
    find_overdue_medals,
    make_remaining_instance,
)
from medalopt.errors import Fault, NoPlanError, UsageError
from medalopt.instance.accounting import Decisions
from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import can_be_in_stock
from medalopt.instance.input_table import make_calendar
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, build_routes
from medalopt.instance.settlement import make_empty_decisions, make_empty_lots, read_lots, read_signed_contracts
from medalopt.plan.plan import Plan
from medalopt.plan.reader import PLAN_SUFFIXES, read_saved_plan
from medalopt.plan.schema import SavedPlan
from medalopt.proof.claims import parse_decisions
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
    """Return the violated policies on shares: of devices, regions, recycled content, and one smelter or offer."""
    checks = (_check_device_shares, _check_participation, _check_recycled_content, _check_concentration)
    return tuple(missed for check in checks for missed in check(actuals, plan))


def _sum_sent(actuals: Actuals, plan: Plan) -> tuple[Floats, Floats]:
    """Return the tonnes sent over the whole horizon by device (D,) and by region (G,) of the original instance."""
    instance, left = actuals.instance, plan.instance
    gone = actuals.taken_by_stream.sum(axis=1) - actuals.stockpiles  # those in stock are streams of the remainder
    by_device, by_region = np.zeros(len(left.devices.names)), np.zeros(len(instance.regions))
    np.add.at(by_device, instance.streams.device, gone)
    np.add.at(by_device, left.streams.device, plan.account.sent)
    np.add.at(by_region, instance.streams.region, gone)
    home = {name: g for g, name in enumerate(instance.regions)}
    home |= {IN_STOCK_FORMAT.format(name): g for g, name in enumerate(instance.regions)}
    of = np.array([home.get(name, -1) for name in left.regions], dtype=np.intp)[left.streams.region]
    np.add.at(by_region, of[of >= 0], plan.account.sent[of >= 0])
    return by_device[: len(instance.devices.names)], by_region


def _check_device_shares(actuals: Actuals, plan: Plan) -> Iterator[MissedRequirement]:
    """Yield the device share windows that are violated."""
    policy, by_device = actuals.instance.policy, _sum_sent(actuals, plan)[0]
    everything = float(by_device.sum())
    for w, name in enumerate(policy.windows):
        share = float(by_device[policy.members[w]].sum()) / everything if everything else 0.0
        low, high = float(policy.window_low.value[w]), float(policy.window_high.value[w])
        if everything and not low - FEASIBILITY_TOLERANCE <= share <= high + FEASIBILITY_TOLERANCE:
            yield MissedRequirement(render_path(("policy", "device_share", name)), low if share < low else high, share)


def _check_participation(actuals: Actuals, plan: Plan) -> Iterator[MissedRequirement]:
    """Yield the regions whose participation is too low."""
    instance, by_region = actuals.instance, _sum_sent(actuals, plan)[1]
    required_share, offered = float(instance.policy.participation.value), np.zeros(len(actuals.instance.regions))
    np.add.at(offered, instance.streams.region, instance.streams.available.value.sum(axis=1))
    for g in np.flatnonzero(by_region < (required_share - FEASIBILITY_TOLERANCE) * offered).tolist():
        region = instance.regions[g]
        yield MissedRequirement(
            f"{render_path(('policy', 'participation'))} of {region}", required_share, float(by_region[g] / offered[g])
        )


def _check_recycled_content(actuals: Actuals, plan: Plan) -> Iterator[MissedRequirement]:
    """Yield the metals whose recycled content is too low."""
    instance, floors = actuals.instance, actuals.instance.policy.recycled.value
    charged = actuals.executed_account.composition.sum(axis=(0, 2)) + plan.account.composition.sum(axis=(0, 2))
    new = np.zeros(len(floors))
    for market, account in ((instance.market, actuals.executed_account), (plan.instance.market, plan.account)):
        content = market.composition.value * (1 - market.recycled.value)[:, None]  # (O, E)
        new += account.decisions.bought.sum(axis=(1, 2)) @ content
    for metal in np.flatnonzero((floors > 0) & (new > (1 - floors + FEASIBILITY_TOLERANCE) * charged)).tolist():
        path = render_path(("policy", "recycled", instance.metals.names[metal]))
        yield MissedRequirement(path, float(floors[metal]), 1 - float(new[metal] / charged[metal]))


def _check_concentration(actuals: Actuals, plan: Plan) -> Iterator[MissedRequirement]:
    """Yield the smelters, regions and offers with more than their share of the whole horizon."""
    instance, before = actuals.instance, actuals.executed_account
    travelled = actuals.routes.smelter >= 0
    bought = np.asarray(plan.account.bought)[: len(instance.market.names)] + before.bought  # stock was bought before
    feed = np.asarray(plan.account.feed).sum(axis=1)
    sent = (actuals.routes.to_smelter[:, None] * (actuals.sent + before.decisions.sent)).sum(axis=1)
    np.add.at(feed, actuals.routes.smelter[travelled], sent[travelled])
    for name, names, each in (
        ("smelters", instance.smelters.names, feed),
        ("regions", instance.regions, _sum_sent(actuals, plan)[1]),
        ("offers", instance.market.names, bought),
    ):
        most, everything = float(getattr(instance.policy, f"concentration_{name}").value), float(each.sum())
        for n in np.flatnonzero(each > (most + FEASIBILITY_TOLERANCE) * everything).tolist():
            path = render_path(("policy", "concentration", name))
            yield MissedRequirement(f"{path} of {names[n]}", most, float(each[n]) / everything)


@dataclass(frozen=True, eq=False)
class ReplanProblem:
    """Replanning problem: the `actuals`, and the `remaining_instance` with the digests of its files."""

    actuals: Actuals
    remaining_instance: Instance

    @property
    def last_period(self) -> str:
        """Last period of the past.

        Returns:
            Its label.
        """
        return self.actuals.instance.periods[self.actuals.last]

    @property
    def settled_parties(self) -> frozenset[str]:
        """Regions, smelters and offers that represent stock and metal in transit, and get no orders.

        Returns:
            Names.
        """
        before, left = (
            {*instance.regions, *instance.smelters.names, *instance.market.names}
            for instance in (self.actuals.instance, self.remaining_instance)
        )
        return frozenset(left - before)

    @property
    def overdue_medals(self) -> tuple[str, ...]:
        """Kinds of medal due in the past and not completely cast.

        Returns:
            Names.
        """
        return find_overdue_medals(self.actuals)

    @property
    def missed_medals(self) -> Floats:
        """Medals missed at a date that has passed, and never made.

        Returns:
            (M,) pieces.
        """
        return count_missed_medals(self.actuals)


@dataclass(frozen=True, eq=False)
class Replan:
    """Plan of the remaining horizon, and the plan `before`, None if it was infeasible."""

    problem: ReplanProblem
    plan: Plan
    before: Plan | None

    @property
    def actuals(self) -> Actuals:
        """Executed and contracted quantities.

        Returns:
            Those of the problem.
        """
        return self.problem.actuals

    @cached_property
    def cost_to_date(self) -> float:
        """Cost of the lots so far; charges not yet settled are taken from the terms.

        Returns:
            Money.
        """
        return sum(self.actuals.cost_by_kind.values())

    @cached_property
    def penalty_to_date(self) -> float:
        """Penalty of the medals missed at a date that has passed.

        Returns:
            Money.
        """
        missed, medals = self.problem.missed_medals, self.actuals.instance.medals
        return float((np.where(missed > 0, medals.shortfall.value, 0.0) * missed).sum())

    @property
    def total_cost(self) -> float:
        """Expected total cost: spent, contracted, penalties so far, and planned.

        Returns:
            Money.
        """
        return self.cost_to_date + self.actuals.signed_cost + self.penalty_to_date + self.plan.cost

    @cached_property
    def missed_requirements(self) -> tuple[MissedRequirement, ...]:
        """Policies violated over the whole horizon.

        Returns:
            One entry per policy and subject.
        """
        return _find_missed_requirements(self.actuals, self.plan)

    @cached_property
    def metals(self) -> tuple[int, ...]:
        """Metals that are, or can be, on the account.

        Returns:
            Indices, ascending.
        """
        could = can_be_in_stock(self.actuals.instance, self.actuals.routes) | (
            self.actuals.metal_by_arrival.sum(axis=1) > 0
        )
        return tuple(np.flatnonzero(could).tolist())

    @cached_property
    def returned_before(self) -> Floats | None:
        """Cumulated metal returned in the first plan, with opening stock.

        Returns:
            (E, T) kg; None without a first plan.
        """
        if self.before is None:
            return None
        opening = self.actuals.instance.metals.opening_stock.value
        return np.asarray(opening[:, None] + np.cumsum(self.before.account.returned.sum(axis=0), axis=1))

    @cached_property
    def returned_now(self) -> Floats:
        """Cumulated metal returned, actual up to `last`, then planned, with opening stock.

        Returns:
            (E, T) kg.
        """
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
