"""What it would cost simply to buy the metal, and so what it costs to win it from devices."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.sensitivity.shortage import Short, Shortage, offering
from medalopt.analysis.sensitivity.steps import with_plan
from medalopt.analysis.variants import Variant, Variants
from medalopt.errors import UsageError
from medalopt.instance.decisions import Account
from medalopt.instance.figures import UNLIMITED, Bools, Figures
from medalopt.instance.instance import Instance
from medalopt.instance.needs import is_owed, may_buy
from medalopt.solver.moving import cold
from medalopt.solver.outcome import Outcome

_AT_SELL = "\1"  # begins the name of an offer that no file can name


@dataclass(frozen=True)
class Premium:
    """What the plan costs beside buying every metal at the market's offers, in money and kg CO2e.

    `cost` is infinite where even that gives no plan; `short` then says what is missing, None where no metal helps.
    """

    plan: float
    cost: float
    medals: int
    footprint: float  # kg CO2e of the plan
    footprint_bought: float
    at_sell: tuple[str, ...]  # metals that no offer gives enough of, bought at their `sell` price
    short: Short | None
    recycles: bool = True  # whether the plan takes devices at all

    @property
    def amount(self) -> float:
        """What recycling costs more than buying, money."""
        return self.plan - self.cost

    @property
    def per_medal(self) -> float:
        """What recycling costs more than buying, money a medal."""
        return self.amount / self.medals if self.medals else 0.0


def premium(variants: Variants) -> Premium:
    """Return what the plan costs beside simply buying the metal. Raises NoPlanError where there is no plan."""
    if variants.measure != "cost":
        raise UsageError("what recycling costs more than buying is told of costs alone: leave the objective out")
    return beside_buying(variants.base.account(with_plan(variants)))


def beside_buying(account: Account) -> Premium:
    """Return what the plan of `account` costs beside simply buying the metal."""
    instance = bought(account.instance)
    at_sell, short = _without_offer(instance), None
    variant, outcome = _offered(instance, at_sell)
    if not outcome.feasible:  # offers that are limited: the rest at the price of the metal itself
        short = Shortage(variant.instance).short()
        more = np.array([name in (short or ()) for name in instance.metals.names]) & _priced(instance)
        if more.any():
            at_sell = at_sell | more
            variant, outcome = _offered(instance, at_sell)
            short = None if outcome.feasible else Shortage(variant.instance).short()
    simply = variant.account(outcome) if outcome.feasible else None
    return Premium(
        plan=float(account.cost),
        cost=np.inf if simply is None else float(simply.cost),
        medals=int(instance.medals.count.sum()),
        footprint=float(account.footprint),
        footprint_bought=np.inf if simply is None else float(simply.footprint),
        at_sell=tuple(name for name, sold in zip(instance.metals.titles, at_sell, strict=True) if sold),
        short=short,
        recycles=bool(account.sent.any()),
    )


def bought(instance: Instance) -> Instance:
    """Return `instance` without its streams, the feed committed to smelters, and all policies."""
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
    """Return figures of the same shape, or only the `first` of them, that are all 0."""
    raw = np.zeros(figures.shape)[:first] if figures.shape else np.zeros(())
    return Figures(raw, np.zeros(raw.shape, dtype=np.intp))


def _priced(instance: Instance) -> Bools:
    return np.asarray((instance.metals.sell.raw > 0).all(axis=1))


def _without_offer(instance: Instance) -> Bools:
    """Return the metals that an alloy needs and no offer holds, but have a price of their own, (E,)."""
    buyable = may_buy(instance).any(axis=1)
    holds = (instance.market.composition.raw[buyable] > 0).any(axis=0)
    named = instance.alloys.named[is_owed(instance)].any(axis=0)
    return np.asarray(named & ~holds & _priced(instance))


def _offered(instance: Instance, at_sell: Bools) -> tuple[Variant, Outcome]:
    variant = Variant.of(offering(instance, at_sell, _AT_SELL, instance.metals.sell), "cost")
    return variant, cold(variant.linear)
