"""What has happened replaces the past, what is signed stays, and the rest is planned anew."""

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
    """What is to be planned anew: the `past`, and the instance of what is `left`, with the files that say so."""

    past: Past
    left: Instance

    @property
    def after(self) -> str:
        """The last period that is over."""
        return self.past.instance.periods[self.past.last]

    @property
    def settled_parties(self) -> frozenset[str]:
        """Regions and smelters that stand for what is on its way or in stock: nothing is ordered from them."""
        instance = self.past.instance
        known = {*instance.regions, *instance.smelters.names}
        return frozenset({*self.left.regions, *self.left.smelters.names} - known)

    @property
    def overdue(self) -> tuple[str, ...]:
        """Kinds of medal whose alloy was due before and has not all been cast."""
        return overdue(self.past)


@dataclass(frozen=True, eq=False)
class Replan:
    """The plan of what is left beside the plan as it was `before`, None where there was none."""

    question: Question
    plan: Plan
    before: Plan | None

    @property
    def past(self) -> Past:
        """What has happened."""
        return self.question.past

    @cached_property
    def spent(self) -> float:
        """What has been spent on lots so far, money: charges that are not settled as the terms have them."""
        return sum(self.past.spent.values())

    @property
    def total(self) -> float:
        """What everything is now taken to cost: spent, signed, and planned anew, money."""
        return self.spent + self.past.signed_cost + self.plan.cost

    @cached_property
    def missed(self) -> tuple[Missed, ...]:
        """Shares that past and rest together miss."""
        return missed(self.past, self.plan)

    @cached_property
    def metals(self) -> tuple[int, ...]:
        """The metals that can be on the account at all, or have been."""
        could = on_account(self.past.instance, self.past.found) | (self.past.back.sum(axis=1) > 0)
        return tuple(np.flatnonzero(could).tolist())

    @cached_property
    def returned_before(self) -> Floats | None:
        """What the first plan has come back, with the opening stock, up to each period, (E, T), kg."""
        if self.before is None:
            return None
        opening = self.past.instance.metals.opening_stock.value
        return np.asarray(opening[:, None] + np.cumsum(self.before.account.returned.sum(axis=0), axis=1))

    @cached_property
    def returned_now(self) -> Floats:
        """What has come back, and from the period after on is planned to, up to each period, (E, T), kg."""
        past, periods = self.past, len(self.past.instance.periods)
        opening = past.instance.metals.opening_stock.value
        came = np.zeros((len(opening), periods))
        came[:, : past.last + 1] = past.back[:, : past.last + 1]
        came[:, past.last + 1 :] = self.plan.account.returned.sum(axis=0)
        return np.asarray(opening[:, None] + np.cumsum(came, axis=1))


def question(instance: Instance, after: str, actuals: Path | None = None, frozen: Path | None = None) -> Question:
    """Return what is left to plan of `instance` `after` a period, by what is in the files.

    `actuals`: the settlement sheet; without it nothing has happened. `frozen`: what is signed, as CSV or as a saved
    plan of this instance. Raises UsageError where they do not fit the instance, InputError where a file is wrong.
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
    """Return what is signed, the digests of what says so, and warnings."""
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
    """Return the best plan of what is left, beside the first plan. Raises NoPlanError where there is none."""
    return beside(asked, solve(asked.left, measure))


def beside(asked: Question, plan: Plan) -> Replan:
    """Return the `plan` of what is left beside the best plan of the whole, where there was one."""
    try:
        before = solve(asked.past.instance, plan.measure)
    except NoPlanError:
        before = None
    return Replan(asked, plan, before)
