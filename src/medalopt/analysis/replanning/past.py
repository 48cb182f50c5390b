"""What has happened and what is signed: which metal has come back, which is awaited and when, what it has cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from medalopt.instance.decisions import Account, Decisions
from medalopt.instance.figures import Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, routes
from medalopt.instance.settlement.lots import Lots
from medalopt.plan.rows import ROUNDING


@dataclass(frozen=True, eq=False)
class Past:
    """`instance` up to the period `last`, from 0: its `lots`, and what is `signed` for later or was done at the mint.

    Of `signed` the shipments after `last` count, the purchases of every period, and what was charged to melts up to
    `last`, process scrap too. Shipments up to then are the lots; what is charged later is planned anew.
    """

    instance: Instance
    found: Routes
    last: int
    lots: Lots
    signed: Decisions

    @cached_property
    def mint(self) -> Account:
        """What was bought, charged and cast up to `last`, and the shipments that are signed for later."""
        before = np.arange(len(self.instance.periods)) <= self.last
        made = self.signed
        kept = replace(
            made,
            sent=np.where(before, 0.0, made.sent),
            charged=np.where(before, made.charged, 0.0),
            bought=np.where(before, made.bought, 0.0),
            surplus=np.zeros_like(made.surplus),  # it is still there
            recharged=np.where(before, made.recharged, 0.0),
            purchased=np.where(before, made.purchased, 0.0) if len(made.purchased) else made.purchased,
        )
        together = Account(self.instance, self.found, kept).settled_together()
        return Account(self.instance, self.found, together)

    @cached_property
    def bought_later(self) -> Floats:
        """Purchases signed for later, (O,), kg."""
        signed = Account(self.instance, self.found, self.signed).purchases
        return np.asarray(signed[:, self.last + 1 :].sum(axis=1))

    @cached_property
    def offers_kept(self) -> Floats:
        """What has been bought of each offer and not been charged by the end of `last`, (O,), kg."""
        kept = self.mint.offer_stock[:, self.last]
        return np.where(abs(kept) > ROUNDING * self.mint.bought, kept, 0.0)

    @cached_property
    def sent(self) -> Floats:
        """Devices sent in lots, on each route and in each period, (J, T), t."""
        total = np.zeros((len(self.found), len(self.instance.periods)))
        went = ~self.lots.waits
        np.add.at(total, (self.lots.route[went], self.lots.period[went]), self.lots.devices_t[went])
        return total

    @cached_property
    def waiting(self) -> Floats:
        """Devices that lie in stockpiles, (I,), t."""
        total = np.zeros(len(self.instance.streams.names))
        np.add.at(total, self.lots.stream[self.lots.waits], self.lots.devices_t[self.lots.waits])
        return total

    @cached_property
    def expected(self) -> Floats:
        """Metal that the instance would have each lot return, (N, E), kg; 0 of what waits in a stockpile."""
        if not len(self.found):
            return np.zeros(self.lots.payable.shape)
        alone = self.found
        if self.instance.terms.pooled.any():  # until it is settled each lot counts as settled by itself
            apart = replace(self.instance.terms, pooled=np.zeros_like(self.instance.terms.pooled))
            alone = routes(replace(self.instance, terms=apart))
        each = alone.returned[self.lots.route] * self.lots.devices_t[:, None]
        return np.asarray(np.where(self.lots.waits[:, None], 0.0, each))

    @cached_property
    def coming(self) -> Floats:
        """Metal that each lot has returned or is taken to return, (N, E), kg: as payable, by its assay, as expected."""
        lots = self.lots
        by_assay = np.where(np.isfinite(lots.assay), self._by_terms(), self.expected)
        by_assay = np.where(lots.waits[:, None], 0.0, by_assay)
        return np.where(np.isfinite(lots.payable), lots.payable, by_assay)

    def _by_terms(self) -> Floats:
        """What the smelter's terms make of the assay of each lot, (N, E), kg."""
        instance, lots = self.instance, self.lots
        if not len(self.found) or not len(instance.terms.names):
            return np.zeros(lots.assay.shape)
        device, smelter = instance.streams.device[lots.stream], self.found.smelter[lots.route]
        line = instance.smelters.line[smelter, device, self.found.treatment[lots.route]]
        share, off = instance.terms.returned.value[line], instance.terms.deduction.value[line]
        settled = np.maximum(np.minimum(share * lots.assay, lots.assay - off), 0.0)
        settled = np.where((smelter >= 0)[:, None], settled, 0.0)
        return np.asarray(instance.streams.credited.value[lots.stream] * settled * lots.feed_t[:, None])

    @cached_property
    def arrival(self) -> Ints:
        """The period in which the metal of each lot comes, (N, E): when it is settled, else after the smelter's lead.

        What is overdue is taken to come in the first period that is left.
        """
        lots = self.lots
        lead = np.zeros(lots.payable.shape, dtype=np.intp)
        if len(self.instance.smelters.names) and len(self.found):
            lead = self.instance.smelters.lead[self.found.smelter[lots.route]]
        awaited = np.maximum(lots.period[:, None] + lead, self.last + 1)
        return np.where((lots.settled >= 0)[:, None], lots.settled[:, None], awaited)

    @cached_property
    def back(self) -> Floats:
        """Metal of all lots by the period in which it comes, (E, T + 1), kg; the last: after the horizon."""
        periods, metals = len(self.instance.periods), len(self.instance.metals.names)
        total = np.zeros((metals, periods + 1))
        metal = np.broadcast_to(np.arange(metals), self.coming.shape)
        np.add.at(total, (metal, np.minimum(self.arrival, periods)), self.coming)
        return total

    @cached_property
    def scrap_back(self) -> Floats:
        """Metal in the process scrap of what has been cast, by when it may be charged again, (E, T), kg.

        What is in hand at the end of `last` comes in the next period.
        """
        instance, mint = self.instance, self.mint
        total = np.zeros((len(instance.metals.names), len(instance.periods)))
        for alloy, cast in enumerate(mint.cast[:, : self.last + 1]):
            charge = mint.charge[alloy].sum()
            if cast.any() and charge > 0:
                shares = mint.composition[alloy].sum(axis=1) / charge
                in_hand = mint.scrap[alloy]
                falls = np.diff(in_hand, prepend=0.0)[self.last + 1 :]
                total[:, self.last + 1 :] += shares[:, None] * falls
                total[:, self.last + 1 : self.last + 2] += shares[:, None] * in_hand[self.last]
        return total

    @cached_property
    def stock(self) -> Floats:
        """Metal on the account at the end of `last`, (E,), kg: less than 0 where more was used than there was.

        What rounding alone leaves, or lacks, is nothing.
        """
        until = slice(None, self.last + 1)
        came = self.instance.metals.opening_stock.value + self.back[:, until].sum(axis=1)
        used = self.mint.decisions.charged[:, :, until].sum(axis=(0, 2))
        return np.where(abs(came - used) > ROUNDING * np.maximum(came, used), came - used, 0.0)

    @cached_property
    def awaited(self) -> Floats:
        """Metal on its way, by the period in which it comes, (E, T - last - 1), kg: lots, signed shipments, scrap."""
        every = self.back[:, :-1] + self.mint.returned.sum(axis=0) + self.scrap_back
        return np.where(every > ROUNDING * every.sum(axis=1, keepdims=True), every, 0.0)[:, self.last + 1 :]

    @cached_property
    def spent(self) -> dict[str, float]:
        """What the lots have cost, money, by kind; smelters' charges as settled, else as the terms have them."""
        found, lots, tonnes = self.found, self.lots, self.sent.sum(axis=1)
        parts = ("supply", "collection", "treating", "transport", "residue")
        spent = {part: float(getattr(found, part) @ tonnes) for part in parts}
        streams = self.instance.streams
        spent["supply"] += float(streams.price.value @ self.waiting)
        spent["collection"] += float(streams.collection.value @ self.waiting)
        return {**spent, "charges": float(np.where(lots.waits, 0.0, self.charges).sum())}

    @cached_property
    def expected_charges(self) -> Floats:
        """What the terms charge for each lot, (N,), money: treatment and refining of what comes back."""
        if not len(self.found):
            return np.zeros(len(self.lots.names))
        route = self.lots.route
        rate = np.divide(
            self.found.refining,
            self.found.returned,
            out=np.zeros_like(self.found.refining),
            where=self.found.returned > 0,
        )
        refining = (rate[route] * self.expected).sum(axis=1)
        return np.asarray(np.where(self.lots.waits, 0.0, self.found.smelting[route] * self.lots.devices_t + refining))

    @cached_property
    def charges(self) -> Floats:
        """What smelters charge for each lot, (N,), money: as settled, else as the terms have them."""
        return np.where(np.isfinite(self.lots.charges), self.lots.charges, self.expected_charges)

    @cached_property
    def signed_cost(self) -> float:
        """What the signed shipments cost, and what was bought and held up to `last`, money."""
        sent = float(self.mint.shipment_costs.sum())
        bought = float((self.instance.market.price.value * self.mint.purchases).sum())
        return sent + bought
