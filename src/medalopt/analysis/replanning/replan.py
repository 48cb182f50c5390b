"""Replanning: actuals replace the past, contracted quantities are fixed, and the remaining horizon is optimised."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from medalopt.analysis.replanning.past import Past
from medalopt.analysis.replanning.rest import overdue, rest
from medalopt.analysis.replanning.whole import Missed, missed
from medalopt.errors import Fault, NoPlanError, UsageError
from medalopt.instance.decisions import Decisions
from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.needs import on_account
from medalopt.instance.routes import Routes, routes
from medalopt.instance.settlement.lots import no_lots, read_lots
from medalopt.instance.settlement.signed import nothing, read_signed
from medalopt.instance.settlement.table import calendar_of
from medalopt.plan.plan import Plan
from medalopt.plan.saved import PLANS, SavedPlan, saved_plan
from medalopt.proof.stated import decided
from medalopt.solving import solve
from medalopt.wording import shown


@dataclass(frozen=True, eq=False)
class Question:
    """Replanning problem: the `past`, and the instance `left` of the remaining horizon with its file digests."""

    past: Past
    left: Instance

    @property
    def after(self) -> str:
        """Last period of the past."""
        return self.past.instance.periods[self.past.last]

    @property
    def settled_parties(self) -> frozenset[str]:
        """Regions and smelters that represent stock and metal in transit, and get no orders."""
        instance = self.past.instance
        known = {*instance.regions, *instance.smelters.names}
        return frozenset({*self.left.regions, *self.left.smelters.names} - known)

    @property
    def overdue(self) -> tuple[str, ...]:
        """Kinds of medal due in the past and not completely cast."""
        return overdue(self.past)


@dataclass(frozen=True, eq=False)
class Replan:
    """Plan of the remaining horizon, and the plan `before`, None if it was infeasible."""

    question: Question
    plan: Plan
    before: Plan | None

    @property
    def past(self) -> Past:
        """Executed and contracted quantities."""
        return self.question.past

    @cached_property
    def spent(self) -> float:
        """Cost of the lots so far, money; charges not yet settled are taken from the terms."""
        return sum(self.past.spent.values())

    @property
    def total(self) -> float:
        """Expected total cost, money: spent, contracted, and planned."""
        return self.spent + self.past.signed_cost + self.plan.cost

    @cached_property
    def missed(self) -> tuple[Missed, ...]:
        """Policies violated over the whole horizon."""
        return missed(self.past, self.plan)

    @cached_property
    def metals(self) -> tuple[int, ...]:
        """Indices of the metals that are, or can be, on the account."""
        could = on_account(self.past.instance, self.past.found) | (self.past.back.sum(axis=1) > 0)
        return tuple(np.flatnonzero(could).tolist())

    @cached_property
    def returned_before(self) -> Floats | None:
        """Cumulated metal returned in the first plan, with opening stock, (E, T) kg; None without a first plan."""
        if self.before is None:
            return None
        opening = self.past.instance.metals.opening_stock.value
        return np.asarray(opening[:, None] + np.cumsum(self.before.account.returned.sum(axis=0), axis=1))

    @cached_property
    def returned_now(self) -> Floats:
        """Cumulated metal returned, actual up to `last`, then planned, with opening stock, (E, T) kg."""
        past, periods = self.past, len(self.past.instance.periods)
        opening = past.instance.metals.opening_stock.value
        came = np.zeros((len(opening), periods))
        came[:, : past.last + 1] = past.back[:, : past.last + 1]
        came[:, past.last + 1 :] = self.plan.account.returned.sum(axis=0)
        return np.asarray(opening[:, None] + np.cumsum(came, axis=1))


def question(instance: Instance, after: str, actuals: Path | None = None, frozen: Path | None = None) -> Question:
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
    found, last = routes(instance), calendar_of(instance).index(after.strip())
    if last is None:
        raise UsageError(f"--after: {calendar_of(instance).unknown(after)}")
    if last == len(instance.periods) - 1:
        raise UsageError(f"--after {shown(after)}: that is the last period, and nothing is left to plan")
    if actuals is None and frozen is None:
        raise UsageError("--after: say what has happened since by --actuals, or what is signed by --frozen")
    files = {}
    lots = None
    if actuals is not None:
        lots = read_lots(actuals, instance, found, last)
        files[actuals.name] = lots.sha256
    signed, odd = nothing(instance, found), lots.warnings if lots else ()
    if frozen is not None:
        signed, digest, repeated = _signed(frozen, instance, found)
        odd += repeated
        files |= digest
    past = Past(instance, found, last, lots or no_lots(instance), signed)
    left = rest(past)
    return Question(past, replace(left, files=dict(sorted({**instance.files, **files}.items())), warnings=odd))


def _signed(path: Path, instance: Instance, found: Routes) -> tuple[Decisions, dict[str, str], tuple[Fault, ...]]:
    """Return the contracted decisions, the digests of their file, and warnings."""
    if not os.path.isdir(path) and path.suffix.lower() not in PLANS:
        made, digest, odd = read_signed(path, instance, found)
        return made, {path.name: digest}, odd
    saved = saved_plan(path)
    if not isinstance(saved, SavedPlan) or saved.instance.figures != instance.figures:
        why = "says that there is no plan" if not isinstance(saved, SavedPlan) else "is the plan of other figures"
        cure = "give a plan of this instance, or a CSV of what is signed"
        raise UsageError(f"--frozen {shown(str(path), 400)}: {why}; {cure}")
    made, broken = decided(instance, found, saved)
    if broken:
        raise UsageError(f"--frozen {shown(str(path), 400)}: {broken[0].text}; medalopt verify tells all")
    return made, {}, ()


def replanned(asked: Question, measure: str = "cost") -> Replan:
    """Solve the replanning problem.

    Args:
        asked: Replanning problem.
        measure: Objective: cost, footprint or mass.

    Returns:
        Optimal plan of the remaining horizon, with the first plan.

    Raises:
        NoPlanError: If the remaining horizon is infeasible.
    """
    return beside(asked, solve(asked.left, measure))


def beside(asked: Question, plan: Plan) -> Replan:
    """Compare a plan of the remaining horizon with the first plan.

    Args:
        asked: Replanning problem.
        plan: Plan of the remaining horizon.

    Returns:
        Both plans; the first one is None if the whole horizon was infeasible.
    """
    try:
        before = solve(asked.past.instance, plan.measure)
    except NoPlanError:
        before = None
    return Replan(asked, plan, before)
