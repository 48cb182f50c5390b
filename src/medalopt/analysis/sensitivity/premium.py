"""Benchmark of buying all metal on the market, and the premium of recycling over it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.sensitivity.shortage import Short, Shortage
from medalopt.analysis.sensitivity.steps import with_plan
from medalopt.analysis.variants import Variant, Variants
from medalopt.errors import UsageError
from medalopt.instance.decisions import Account
from medalopt.instance.figures import UNLIMITED, Figures
from medalopt.instance.instance import Instance
from medalopt.solver.moving import cold


@dataclass(frozen=True)
class Premium:
    """Cost and footprint of the plan and of the benchmark, in which all metal is bought from market offers.

    If the offers do not suffice the benchmark is not available: `cost` is infinite and `short` gives the missing metal
    (None if no metal restores feasibility). Other prices, such as `sell`, are never used in place of an offer.
    """

    plan: float
    cost: float
    medals: int
    footprint: float  # kg CO2e of the plan
    footprint_bought: float
    short: Short | None
    recycles: bool = True  # the plan collects devices

    @property
    def amount(self) -> float:
        """Cost of recycling above that of buying, money."""
        return self.plan - self.cost

    @property
    def per_medal(self) -> float:
        """Cost of recycling above that of buying, money per medal."""
        return self.amount / self.medals if self.medals else 0.0


def premium(variants: Variants) -> Premium:
    """Compute the premium of the optimal plan over buying all metal.

    Args:
        variants: Scenarios of the instance, with cost as objective.

    Returns:
        Costs and footprints of plan and benchmark.

    Raises:
        UsageError: If the objective is not cost.
        NoPlanError: If the instance is infeasible.
    """
    if variants.measure != "cost":
        raise UsageError("what recycling costs more than buying is told of costs alone: leave the objective out")
    return beside_buying(variants.base.account(with_plan(variants)))


def beside_buying(account: Account) -> Premium:
    """Compare a plan with buying all metal.

    Args:
        account: Accounting of the plan.

    Returns:
        Costs and footprints of plan and benchmark.
    """
    instance = bought(account.instance)
    variant = Variant.of(instance, "cost")
    outcome = cold(variant.linear)
    simply = variant.account(outcome) if outcome.feasible else None
    return Premium(
        plan=float(account.cost),
        cost=np.inf if simply is None else float(simply.cost),
        medals=int(instance.medals.count.sum()),
        footprint=float(account.footprint),
        footprint_bought=np.inf if simply is None else float(simply.footprint),
        short=Shortage(instance).short() if simply is None else None,
        recycles=bool(account.sent.any()),
    )


def bought(instance: Instance) -> Instance:
    """Return the benchmark instance: no streams, no committed feed, and no policy constraints."""
    streams, policy = instance.streams, instance.policy
    return dataclasses.replace(
        instance,
        streams=dataclasses.replace(streams, available=_none(streams.available), committed=_none(streams.committed)),
        smelters=dataclasses.replace(instance.smelters, committed=_none(instance.smelters.committed)),
        policy=dataclasses.replace(
            policy,
            recycled=_none(policy.recycled),
            participation=_none(policy.participation),
            footprint_cap=Figures.of([UNLIMITED], ()),
            windows=(),
            members=policy.members[:0],
            window_low=_none(policy.window_low, 0),
            window_high=_none(policy.window_high, 0),
        ),
    )


def _none(figures: Figures, first: int | None = None) -> Figures:
    """Return zeros of the same shape, or only the `first` of them."""
    raw = np.zeros(figures.shape)[:first] if figures.shape else np.zeros(())
    return Figures(raw, np.zeros(raw.shape, dtype=np.intp))
