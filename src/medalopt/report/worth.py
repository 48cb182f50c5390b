"""What a kilogram of each metal is worth in a plan: what one more at hand would save."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.instance.figures import Bools, Floats
from medalopt.instance.needs import is_owed, on_account
from medalopt.plan.plan import Plan
from medalopt.proof.prices import Prices, prices

ALMOST = 1e-6  # relative: what differs by less is the same price


@dataclass(frozen=True, eq=False)
class Worth:
    """Marginal values of the metals of `plan`, in its unit per kg; E metals, T periods, O offers."""

    plan: Plan

    @cached_property
    def prices(self) -> Prices:
        """The plan's duals as arrays."""
        return prices(self.plan.instance, self.plan.duals)

    @cached_property
    def matter(self) -> Floats:
        """What one more kilogram of anything in the charge of each alloy costs, (A, T)."""
        return _matter(self.plan, self.prices)

    @cached_property
    def at_hand(self) -> Floats:
        """What one more kilogram at hand would save, (E, T): on the account, or else in the charge of some alloy."""
        in_charge = _in_charge(self.plan, self.prices, self.matter)
        account = on_account(self.plan.instance, self.plan.account.found)[:, None]
        return np.where(account, -self.prices.balance, in_charge)

    @cached_property
    def used(self) -> Bools:
        """When a metal is charged, (E, T); of one that never is, when it is left over.

        In other periods there may be no metal to save, and a dual there holds for nobody.
        """
        charged = self.plan.account.composition.sum(axis=0)
        charged = charged > 1e-9 * charged.max(axis=1, initial=0)[:, None]
        return np.where(charged.any(axis=1)[:, None], charged, self.plan.account.decisions.surplus > 0)

    @cached_property
    def asked(self) -> Floats:
        """The least that the market asks for a kilogram of each metal, (E, T); infinite where it is not on offer.

        Offers count that hold more of it than of all else.
        """
        return self._asked(0.5)

    def _asked(self, more_than: float) -> Floats:
        market = self.plan.instance.market
        content = market.composition.value[:, :, None]  # (O, E, 1)
        price = market.price.value[:, None, :] + 0 * content  # (O, E, T)
        each = np.divide(price, content, out=np.full_like(price, np.inf), where=content > more_than)
        return each.min(axis=0, initial=np.inf)

    @cached_property
    def known_price(self) -> Floats:
        """What a kilogram costs or fetches whatever the plan, (E, T): worth more than that, a metal is scarce."""
        sell = self.plan.instance.metals.sell.value
        if self.plan.measure != "cost":
            return np.zeros_like(sell)
        asked = self._asked(0)  # in an offer of several metals one alone is worth no more than all of it
        return np.where(np.isfinite(asked), np.maximum(asked, sell), sell)

    @cached_property
    def scarce(self) -> tuple[int, ...]:
        """The metals worth more than market and sale explain, in the periods in which they are used; dearest first."""
        above = np.where(self.used, self.at_hand - self.known_price, 0)
        above = np.where(above > ALMOST * np.abs(self.at_hand), above, 0)
        value = (above * self.plan.account.composition.sum(axis=0)).sum(axis=1)
        counts = value > ALMOST * max(1.0, abs(self.plan.objective))
        return tuple(e for e in np.argsort(-value, kind="stable").tolist() if counts[e])


def _matter(plan: Plan, y: Prices) -> Floats:
    """Return what one more kilogram of anything in the charge of an alloy costs, (A, T)."""
    alloys = plan.instance.alloys
    low, high = alloys.low.value[:, :, None], alloys.high.value[:, :, None]
    whole = (low * y.fineness_low + high * y.fineness_high).sum(axis=1)
    return (1 - alloys.loss.value)[:, None] * y.melt + whole - (1 - alloys.others.value)[:, None] * y.others


def _in_charge(plan: Plan, y: Prices, matter: Floats) -> Floats:
    """Return what one more kilogram to charge would save, (E, T), in the alloy in which it saves most."""
    alloys = plan.instance.alloys
    of_metal = alloys.named[:, :, None] * y.others[:, None, :] - y.fineness_low - y.fineness_high
    floor = (1 - plan.instance.policy.recycled.value) * y.recycled
    saved = -(matter[:, None, :] + of_metal + floor[None, :, None])  # (A, E, T)
    may = alloys.named & is_owed(plan.instance)[:, None]
    return np.where(may[:, :, None], saved, 0.0).max(axis=0, initial=0.0)
