"""Executed and contracted quantities up to a period: lots, settlements, metal returned and in transit, costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.bounds import (
    compute_casting_holding_cost,
    compute_casting_price,
    compute_offer_holding_cost,
    has_casting_holding_cost,
)
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import drop_price_steps
from medalopt.instance.lots import (
    ACTIVITY_KINDS,
    STEP_KINDS,
    compute_line_feed,
    compute_quantity,
    list_charging_kinds,
    sum_step_surcharges,
)
from medalopt.instance.routes import Routes, build_routes, index_period, sum_over_routes
from medalopt.instance.settlement import ActualLots
from medalopt.instance.smelter_terms import leaves_metal
from medalopt.tolerances import AMOUNT_TOLERANCE


@dataclass(frozen=True, eq=False)
class Actuals:
    """State of `instance` after period index `last`: its settled `lots`, and the `signed` decisions.

    Of `signed` the shipments after `last`, all purchases, and the charges to melts up to `last` (process scrap
    included), surplus sold and metal left up to `last` are used. Shipments up to `last` are the lots; charges after
    `last` are planned again.
    """

    instance: Instance
    routes: Routes
    last: int
    lots: ActualLots
    signed: Decisions

    @cached_property
    def executed_account(self) -> PlanAccount:
        """Accounting of purchases, charges and casts up to `last`, and of shipments contracted for later.

        Returns:
            Accounting of the whole horizon; 0 where nothing is executed or contracted.
        """
        before = np.arange(len(self.instance.periods)) <= self.last
        decisions = self.signed
        kept = replace(
            decisions,
            sent=np.where(before, 0.0, decisions.sent),
            charged=np.where(before, decisions.charged, 0.0),
            bought=np.where(before, decisions.bought, 0.0),
            surplus=np.where(before, decisions.surplus, 0.0),
            recharged=np.where(before, decisions.recharged, 0.0),
            purchased=np.where(before, decisions.purchased, 0.0) if len(decisions.purchased) else decisions.purchased,
            left=np.where(before, decisions.left, 0.0) if len(decisions.left) else decisions.left,
        )
        together = PlanAccount(self.instance, self.routes, kept).clip_withheld()
        return PlanAccount(self.instance, self.routes, together)

    @cached_property
    def contracted_purchases(self) -> Floats:
        """Purchases contracted for later periods, (O,) kg."""
        signed = PlanAccount(self.instance, self.routes, self.signed).purchases
        return np.asarray(signed[:, self.last + 1 :].sum(axis=1))

    @cached_property
    def offer_stock_left(self) -> Floats:
        """Stock of each offer at the end of `last`: bought but not charged, (O,) kg; 0 within rounding."""
        kept = self.executed_account.offer_stock[:, self.last]
        size = self.executed_account.bought + self.instance.market.opening_stock.value
        return np.where(abs(kept) > AMOUNT_TOLERANCE * size, kept, 0.0)

    @cached_property
    def sent(self) -> Floats:
        """Devices sent in lots by route and period, (J, T) t."""
        total = np.zeros((len(self.routes), len(self.instance.periods)))
        went = ~self.lots.waits
        np.add.at(total, (self.lots.route[went], self.lots.period[went]), self.lots.devices_t[went])
        return total

    @property
    def sent_devices(self) -> Floats:
        """Devices taken and treated in lots by route and period, which their fractions do not count again, (J, T) t."""
        return np.asarray(self.routes.mask_branches(self.sent))

    @cached_property
    def taken_by_stream(self) -> Floats:
        """Devices of each stream in lots, stockpiles and contracted shipments by period, (I, T) t."""
        total = np.array(self._together.sent_by_stream, dtype=np.float64)
        waits = self.lots.waits
        np.add.at(total, (self.lots.stream[waits], self.lots.period[waits]), self.lots.devices_t[waits])
        return total

    @cached_property
    def step_surcharges(self) -> dict[str, Floats]:
        """Cost of devices taken, and of purchases up to `last`, beyond the prices of their first steps.

        Returns:
            By kind (N, T) money; kinds without price steps are left out.
        """
        taken = {"stream": self.taken_by_stream, "offer": self.executed_account.purchases}
        return {
            kind.name: np.asarray(sum_step_surcharges(self.instance, kind, taken[kind.name]))
            for kind in STEP_KINDS
            if len(kind.get_steps(self.instance).owner)
        }

    @cached_property
    def stockpiles(self) -> Floats:
        """Devices in stockpiles, (I,) t."""
        total = np.zeros(len(self.instance.streams.names))
        np.add.at(total, self.lots.stream[self.lots.waits], self.lots.devices_t[self.lots.waits])
        return total

    @cached_property
    def expected_metal(self) -> Floats:
        """Metal that each lot should return by the data of the instance, (N, E) kg; 0 for lots in a stockpile."""
        if not len(self.routes):
            return np.zeros(self.lots.payable.shape)
        alone = self.routes
        if self.instance.terms.pooled.any():  # before settlement each lot counts as settled alone
            unpooled_terms = replace(self.instance.terms, pooled=np.zeros_like(self.instance.terms.pooled))
            alone = build_routes(replace(self.instance, terms=unpooled_terms))
        each = alone.returned[self.lots.route] * self.lots.devices_t[:, None]
        return np.asarray(np.where(self.lots.waits[:, None], 0.0, each))

    @cached_property
    def lot_returns(self) -> Floats:
        """Metal returned or expected of each lot: payable if settled, else by its assay, else as planned, (N, E) kg."""
        lots = self.lots
        by_assay = np.where(np.isfinite(lots.assay), self._compute_charges_by_terms(), self.expected_metal)
        by_assay = np.where(lots.waits[:, None], 0.0, by_assay)
        return np.where(np.isfinite(lots.payable), lots.payable, by_assay)

    def _compute_charges_by_terms(self) -> Floats:
        """Return each lot's metal by terms and assay a, (N, E) kg: credited · max(0, min(share · a, a − d)) · feed."""
        instance, lots = self.instance, self.lots
        if not len(self.routes) or not len(instance.terms.names):
            return np.zeros(lots.assay.shape)
        device, smelter = instance.streams.device[lots.stream], self.routes.smelter[lots.route]
        line = instance.smelters.line[smelter, device, self.routes.treatment[lots.route]]
        share, off = instance.terms.returned.value[line], instance.terms.deduction.value[line]
        settled = np.maximum(np.minimum(share * lots.assay, lots.assay - off), 0.0)
        settled = np.where((smelter >= 0)[:, None], settled, 0.0)
        return np.asarray(instance.streams.credited.value[lots.stream] * settled * lots.feed_t[:, None])

    @cached_property
    def arrival_periods(self) -> Ints:
        """Period in which the metal of each lot arrives: of its settlement, else sending plus lead time.

        Overdue metal is expected in the first remaining period.

        Returns:
            (N, E) period index.
        """
        lots = self.lots
        lead = np.zeros(lots.payable.shape, dtype=np.intp)
        if len(self.instance.smelters.names) and len(self.routes):
            lead = self.instance.smelters.lead[self.routes.smelter[lots.route]]
        awaited = np.maximum(lots.period[:, None] + lead, self.last + 1)
        return np.where((lots.settled >= 0)[:, None], lots.settled[:, None], awaited)

    @cached_property
    def metal_by_arrival(self) -> Floats:
        """Metal of all lots by period of arrival, (E, T + 1) kg; the last column is after the horizon."""
        periods, metals = len(self.instance.periods), len(self.instance.metals.names)
        total = np.zeros((metals, periods + 1))
        metal = np.broadcast_to(np.arange(metals), self.lot_returns.shape)
        np.add.at(total, (metal, np.minimum(self.arrival_periods, periods)), self.lot_returns)
        return total

    @cached_property
    def scrap_returns(self) -> Floats:
        """Metal in process scrap of executed casts by period of reuse, (E, T) kg.

        Scrap in stock at the end of `last` is available in the next period.
        """
        instance, mint = self.instance, self.executed_account
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
    def past_stock(self) -> Floats:
        """Metal stock at the end of each period up to `last`.

        Returns:
            (E, last + 1) kg; 0 within rounding error, negative if overdrawn.
        """
        until = slice(None, self.last + 1)
        came = self.instance.metals.opening_stock.value[:, None] + np.cumsum(self.metal_by_arrival[:, until], axis=1)
        gone, decisions = self.executed_account, self.executed_account.decisions
        used = decisions.charged[:, :, until].sum(axis=0) + gone.left[:, until] + decisions.surplus[:, until]
        used = np.cumsum(used, axis=1)
        return np.where(abs(came - used) > AMOUNT_TOLERANCE * np.maximum(came, used), came - used, 0.0)

    @property
    def metal_stock(self) -> Floats:
        """Metal stock at the end of `last`, (E,) kg; 0 within rounding error, negative if overdrawn."""
        return self.past_stock[:, -1]

    def limit_sales(self) -> Actuals:
        """Return the actuals without sales of surplus that there was not: of a plan, less has come than expected.

        Returns:
            The actuals, with at most the metal in stock sold in each past period.
        """
        unsold = replace(self, signed=replace(self.signed, surplus=np.zeros_like(self.signed.surplus)))
        room = np.maximum(np.minimum.accumulate(unsold.past_stock[:, ::-1], axis=1)[:, ::-1], 0.0)
        surplus = self.signed.surplus.copy()
        until = slice(None, self.last + 1)
        surplus[:, until] = np.diff(np.minimum(np.cumsum(surplus[:, until], axis=1), room), axis=1, prepend=0.0)
        return replace(self, signed=replace(self.signed, surplus=surplus))

    @cached_property
    def metal_in_transit(self) -> Floats:
        """Metal in transit by period of arrival: lots, contracted shipments, process scrap, (E, T − last − 1) kg."""
        every = self.metal_by_arrival[:, :-1] + self.executed_account.returned.sum(axis=0) + self.scrap_returns
        return np.where(every > AMOUNT_TOLERANCE * every.sum(axis=1, keepdims=True), every, 0.0)[:, self.last + 1 :]

    @cached_property
    def metal_in_transit_by_line(self) -> Floats:
        """Metal in transit by line of terms and period of arrival, and of process scrap as the last line.

        Returns:
            (L + 1, E, T − last − 1) kg; (1, E, T − last − 1) where no metal may be left with a smelter.
        """
        if not leaves_metal(self.instance):
            return self.metal_in_transit[None]
        lots, instance = self.lots, self.instance
        lines, periods = len(instance.terms.names), len(instance.periods)
        total = np.zeros((lines + 1, len(instance.metals.names), periods + 1))
        line = np.where(lots.waits, lines, self.routes.line[lots.route] if len(self.routes) else lines)
        metal = np.arange(total.shape[1])[None, :]
        when = np.minimum(self.arrival_periods, periods)
        np.add.at(total, (np.where(line < 0, lines, line)[:, None], metal, when), self.lot_returns)
        total[:-1, :, :-1] += self._sum_contracted_by_line()
        total[-1, :, :-1] += self.scrap_returns
        known = self.metal_in_transit > 0
        return np.where(known[None], total[:, :, self.last + 1 : -1], 0.0)

    def _sum_contracted_by_line(self) -> Floats:
        """Return the metal of contracted shipments by line of terms and period of arrival, (L, E, T) kg."""
        account, every = self.executed_account, np.ones_like(self.instance.metals.surplus_to_smelter)
        whole = replace(self.instance, metals=replace(self.instance.metals, surplus_to_smelter=every))
        return np.asarray(replace(account, instance=whole).credited_by_line)

    @cached_property
    def cost_by_kind(self) -> dict[str, float]:
        """Cost of the lots by kind, smelter charges as settled, else by the terms; holding and sales up to `last`.

        Returns:
            Money by kind.
        """
        cost = self._sum_lot_costs()
        if self.past_revenue:
            cost["sales"] = cost.get("sales", 0.0) - self.past_revenue
        if self.past_holding_cost:
            cost["holding"] = self.past_holding_cost
        return cost

    @cached_property
    def past_revenue(self) -> float:
        """Revenue from surplus metal and castings sold up to `last`, money."""
        account = self.executed_account
        sold = self.instance.metals.sell.value * account.decisions.surplus
        return float(sold.sum() + (compute_casting_price(self.instance) * account.cast).sum())

    @cached_property
    def past_holding_cost(self) -> float:
        """Holding cost up to `last` of metal, offers and stockpiles, and that of castings until they are due, money.

        Of a stockpile it counts from the period of its row; devices stored and sent by `last` are in no row.
        """
        instance, until, waits = self.instance, slice(None, self.last + 1), self.lots.waits
        holding = np.broadcast_to(instance.metals.holding.value, (len(instance.metals.names), len(instance.periods)))
        cost = float((holding[:, until] * np.maximum(self.past_stock, 0.0)).sum())
        offers = np.broadcast_to(compute_offer_holding_cost(instance), self.executed_account.offer_stock.shape)
        cost += float((offers * np.maximum(self.executed_account.offer_stock, 0.0))[:, until].sum())
        if has_casting_holding_cost(instance).any():
            waiting = np.maximum(self.executed_account.cast_stock, 0.0)
            cost += float((compute_casting_holding_cost(instance) * waiting).sum())
        periods = self.last + 1 - self.lots.period[waits]
        stored = instance.streams.storage_cost.value[self.lots.stream[waits]] * self.lots.devices_t[waits]
        return cost + float(periods @ stored)

    def _sum_lot_costs(self) -> dict[str, float]:
        """Return the cost of the lots by kind, money."""
        routes, lots = self.routes, self.lots
        parts = ["supply", "collection", "treating", "transport", "residue"]
        parts += [] if routes.parent is None else ["sales"]
        spent = {part: float(sum_over_routes(getattr(routes, part), self.sent).sum()) for part in parts}
        if "stream" in self.step_surcharges:
            spent["supply"] += float(self.step_surcharges["stream"][:, : self.last + 1].sum())
        streams, waits = self.instance.streams, lots.waits
        for part, price in (("supply", streams.price.value), ("collection", streams.collection.value)):
            each = price[lots.stream[waits], index_period(price, lots.period[waits])]
            spent[part] += float(each @ lots.devices_t[waits])
        return {**spent, "charges": float(np.where(lots.waits, 0.0, self.smelter_charges).sum())}

    @cached_property
    def expected_charges(self) -> Floats:
        """Treatment and refining charges of each lot by the terms, (N,) money."""
        if not len(self.routes):
            return np.zeros(len(self.lots.names))
        lots, charges, smelting = self.lots, self.routes.refining, self.routes.smelting
        rate = np.divide(
            charges,
            self.routes.returned[:, :, None],
            out=np.zeros_like(charges),
            where=self.routes.returned[:, :, None] > 0,
        )
        metal = np.arange(charges.shape[1])[None, :]
        due = rate[lots.route[:, None], metal, index_period(charges, self.arrival_periods)]
        refining = (due * self.expected_metal).sum(axis=1)
        treating = smelting[lots.route, index_period(smelting, lots.period)] * lots.devices_t
        return np.asarray(np.where(lots.waits, 0.0, treating + refining))

    @cached_property
    def smelter_charges(self) -> Floats:
        """Smelter charges of each lot: as settled, else by the terms, (N,) money."""
        return np.where(np.isfinite(self.lots.charges), self.lots.charges, self.expected_charges)

    @cached_property
    def signed_cost(self) -> float:
        """Cost of contracted shipments and of purchases up to `last`, less payments for metal left, money.

        Lot charges of all shipments, and fixed charges of all contracts in use, are included.
        """
        executed, steps = self.executed_account, self.step_surcharges
        at_first_steps = replace(executed, instance=drop_price_steps(self.instance))
        sent = float(at_first_steps.shipment_costs.sum()) + self._sum_charges()
        sent += float(steps["stream"][:, self.last + 1 :].sum()) if "stream" in steps else 0.0
        bought = float((self.instance.market.price.value * executed.purchases).sum())
        bought += float(steps["offer"].sum()) if "offer" in steps else 0.0
        left = executed.decisions.left
        return sent + bought - (float((self.instance.terms.pays.value * left).sum()) if len(left) else 0.0)

    @cached_property
    def _together(self) -> PlanAccount:
        """Account of lots, contracted shipments and purchases together."""
        executed = self.executed_account
        return replace(executed, decisions=replace(executed.decisions, sent=self.sent + executed.decisions.sent))

    @cached_property
    def used_contracts(self) -> dict[str, Bools]:
        """Contracts that lots, stockpiles, contracted shipments or purchases use, kind of activity to mask (N,)."""
        quantity = {kind.name: compute_quantity(self._together, kind).sum(axis=1) for kind in ACTIVITY_KINDS}
        quantity["stream"] = quantity["stream"] + self.stockpiles
        return {name: each > 0 for name, each in quantity.items()}

    def _sum_charges(self) -> float:
        """Return the lot charges of all shipments, and the fixed charges of all contracts in use, money."""
        total = 0.0
        for kind in list_charging_kinds(self.instance):
            times = (
                (compute_line_feed(self._together) > 0).sum(axis=1) if kind.periodic else self.used_contracts[kind.name]
            )
            total += float(kind.get_charge(self.instance).value @ times)
        return total
