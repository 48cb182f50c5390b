"""Plan accounting: all quantities that follow from a plan's decisions by arithmetic.

Feed, metal returned, stocks, castings, process scrap, costs and footprint, in floats, fractions or intervals.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from medalopt.instance.arithmetic import (
    NumberReader,
    Numbers,
    make_zeros,
    read_floats,
    sum_by_group,
    zero_where_infinite,
)
from medalopt.instance.arrays import Ints
from medalopt.instance.bounds import (
    compute_casting_holding_cost,
    compute_casting_price,
    compute_cumulative_demand,
    compute_offer_holding_cost,
    compute_scrap_rate,
    compute_scrap_worth,
    has_casting_holding_cost,
    is_stocked,
    may_miss,
)
from medalopt.instance.instance import Instance
from medalopt.instance.lots import (
    ACTIVITY_KINDS,
    STEP_KINDS,
    allocate_surcharges,
    compute_charges,
    compute_quantity,
    sum_step_surcharges,
)
from medalopt.instance.payers import compute_party_costs, parse_cost_objective
from medalopt.instance.routes import Routes, compute_refining_costs, compute_route_costs, sum_over_routes
from medalopt.instance.smelter_terms import (
    PooledLots,
    compute_withheld_charge,
    find_pooled_lots,
    read_at_credit,
    shift_to_shipment,
    sum_credited_by_line,
)


@dataclass(frozen=True, eq=False)
class Decisions:
    """Values of the decision variables; all other quantities of a plan follow from them."""

    sent: Numbers  # (J, T) t, x: devices on each route
    stockpile: Numbers  # (I, T) t, s': at the end of each period
    charged: Numbers  # (A, E, T) kg, w: metal charged from stock
    bought: Numbers  # (O, A, T) kg, b: each offer charged, which is its purchase where it is not stocked
    surplus: Numbers  # (E, T) kg, g: surplus metal
    recharged: Numbers  # (A, T) kg, v: process scrap recharged
    purchased: Numbers = field(default_factory=lambda: np.zeros((0, 0)))  # (S, T) kg, of offers bought into stock
    withheld: Numbers = field(
        default_factory=lambda: np.zeros((0, 0, 0))
    )  # (P, E, T) kg, W: metal withheld of pooled lots
    missed: Numbers = field(default_factory=lambda: np.zeros(0))  # (M,) u: medals not made; empty: none
    left: Numbers = field(
        default_factory=lambda: np.zeros((0, 0, 0))
    )  # (L, E, T) kg, of credited metal left with the smelters, by period of credit; empty where none may be left


@dataclass(frozen=True)
class PlanAccount:
    """The quantities that follow from `decisions` on the routes `routes` of `instance`; `read` as in `routes`."""

    instance: Instance
    routes: Routes
    decisions: Decisions
    read: NumberReader = read_floats

    @cached_property
    def sent(self) -> Numbers:
        """$X_i$: devices sent of each stream over the horizon, (I,) t."""
        of, streams = self.routes.taking, len(self.instance.streams.names)
        return sum_by_group(self.decisions.sent[of].sum(axis=1), self.routes.stream[of], streams)

    @property
    def treated_devices(self) -> Numbers:
        """Devices taken and treated on each route, (J, T) t; 0 for branches, which carry their fractions."""
        return self.routes.mask_branches(self.decisions.sent)

    @cached_property
    def sent_by_stream(self) -> Numbers:
        """Devices sent of each stream, (I, T) t."""
        return sum_by_group(self.treated_devices, self.routes.stream, len(self.instance.streams.names))

    @cached_property
    def taken(self) -> Numbers:
        """Devices taken of each stream, (I, T) t: those sent, and the change of its stockpile."""
        stockpile = self.decisions.stockpile
        before = np.concatenate([np.zeros_like(stockpile[:, :1]), stockpile[:, :-1]], axis=1)
        return self.sent_by_stream + stockpile - before

    @cached_property
    def feed(self) -> Numbers:
        """$F_{kt}$: feed of each smelter, (K, T) t."""
        travels = self.routes.smelter >= 0
        fed = self.routes.to_smelter[travels, None] * self.decisions.sent[travels]
        return sum_by_group(fed, self.routes.smelter[travels], len(self.instance.smelters.names))

    @cached_property
    def impurity(self) -> Numbers:
        """$S_{kxt}$: metal or impurity in the feed of each smelter, (K, X, T) kg."""
        routes, sent = self.routes, self.decisions.sent
        travels = np.nonzero(routes.smelter >= 0)[0]
        smelters, elements = len(self.instance.smelters.names), len(self.instance.impurities.names)
        total = make_zeros((smelters, elements, sent.shape[1]), sent)
        for x in range(elements):
            held = routes.impurity[travels, x][:, None] * sent[travels]
            total[:, x] = sum_by_group(held, routes.smelter[travels], smelters)
        return total

    @cached_property
    def treated(self) -> Numbers:
        """$G_{ht}$: input of each treatment, (H, T) t."""
        return sum_by_group(self.decisions.sent, self.routes.treatment, len(self.instance.treatments.names))

    @cached_property
    def returned(self) -> Numbers:
        """$R_{ket}$: metal credited by each smelter, (K, E, T) kg, by period of credit."""
        instance, routes, sent = self.instance, self.routes, self.decisions.sent
        smelters, metals, periods = len(instance.smelters.names), len(instance.metals.names), len(instance.periods)
        total = make_zeros((smelters, metals, periods), sent)
        by_line = instance.metals.surplus_to_smelter
        for metal in np.flatnonzero(by_line).tolist():
            total[:, metal] = sum_by_group(self.credited_by_line[:, metal], instance.terms.smelter, smelters)
        for metal in np.flatnonzero(~by_line).tolist():
            moved = np.nonzero(routes.returned[:, metal] != 0)[0]  # such routes have a smelter
            lead = instance.smelters.lead[routes.smelter[moved], metal]
            for wait in np.unique(lead):
                if wait < periods:
                    those = moved[lead == wait]
                    kilograms = routes.returned[those, metal][:, None] * sent[those, : periods - wait]
                    back = sum_by_group(kilograms, routes.smelter[those], smelters)
                    total[:, metal, wait:] = total[:, metal, wait:] + back
        for pool, smelter in enumerate(self.pools.smelter.tolist()):
            for metal in np.flatnonzero(~by_line).tolist():  # of the others subtracted by line
                wait = int(instance.smelters.lead[smelter, metal])
                if wait < periods:
                    less = self.decisions.withheld[pool, metal, : periods - wait]
                    total[smelter, metal, wait:] = total[smelter, metal, wait:] - less
        return total

    @cached_property
    def credited_by_line(self) -> Numbers:
        """$R_{let}$: metal credited by line of terms, (L, E, T) kg; 0 for metals that are not left with smelters."""
        decisions = self.decisions
        return sum_credited_by_line(self.instance, self.routes, self.pools, decisions.sent, decisions.withheld)

    def replace_left(self, left: Numbers) -> PlanAccount:
        """Return the account of the same plan with other quantities left with the smelters.

        Args:
            left (L, E, T): Metal left by period of credit, kg.

        Returns:
            The account; credited metal, which does not depend on metal left, is not summed again.
        """
        account = replace(self, decisions=replace(self.decisions, left=left))
        account.__dict__["credited_by_line"] = self.credited_by_line
        return account

    @cached_property
    def left(self) -> Numbers:
        """Credited metal left with the smelters, (E, T) kg, by period of credit."""
        if len(self.decisions.left):
            return self.decisions.left.sum(axis=0)
        sent = self.decisions.sent
        return make_zeros((len(self.instance.metals.names), sent.shape[1]), sent)

    @cached_property
    def called_back(self) -> Numbers:
        """Metal that comes on the account: credited by the smelters and not left with them, (E, T) kg."""
        back = self.returned.sum(axis=0)
        return back - self.left if len(self.decisions.left) else back

    @cached_property
    def called_shares(self) -> Numbers:
        """Fraction of credited metal called back, (L, E, T), by period of shipment; 1 where nothing is credited."""
        credited = self.credited_by_line
        some = credited > 0
        shares = 1 - np.where(some, self.decisions.left / np.where(some, credited, 1), 0)
        return shift_to_shipment(self.instance, shares)

    def compute_called_share(self, routes: Ints, metal: int) -> Numbers:
        """Return the fraction of the credited metal of routes that is called back; 1 where none may be left.

        Args:
            routes (N,): Index of the route.
            metal: Index of the metal.

        Returns:
            Fractions by period of shipment (N, T); 0 where the metal is credited after the horizon.
        """
        if not self.instance.metals.surplus_to_smelter[metal] or not len(self.decisions.left):
            return np.ones((len(routes), self.decisions.sent.shape[1]))
        return self.called_shares[self.routes.line[routes], metal]

    @cached_property
    def pools(self) -> PooledLots:
        """The pooled lots of the instance."""
        return find_pooled_lots(self.instance, self.routes, self.read)

    def sum_by_pool(self, rate: Numbers) -> Numbers:
        """Sum a quantity over the routes of each pooled lot, by period of shipment.

        Args:
            rate (N, E): Quantity per tonne of devices on each route of `pools`, kg/t.

        Returns:
            Sums (P, E, T), kg.
        """
        lots, sent = self.pools, self.decisions.sent
        total = make_zeros(lots.exists.shape, sent)
        for metal in range(lots.exists.shape[1]):
            each = rate[:, metal][:, None] * sent[lots.routes]
            total[:, metal] = sum_by_group(each, lots.pool, len(lots.line))
        return total

    @cached_property
    def gross_payable(self) -> Numbers:
        """Payable share of each pooled lot before metal is withheld, (P, E, T) kg."""
        return self.sum_by_pool(self.routes.returned[self.pools.routes])

    def compute_settled_share(self, routes: Ints, metal: int) -> Numbers:
        """Return the fraction of the payable share of a metal that is returned; 1 for routes that are not pooled.

        The metal withheld of a pooled lot is allocated to its routes in proportion to their payable share.

        Args:
            routes (N,): Index of the route.
            metal: Index of the metal.

        Returns:
            Fractions by period of shipment (N, T).
        """
        lots, gross = self.pools, self.gross_payable[:, metal]
        if not len(lots.line):
            return np.ones((len(routes), self.decisions.sent.shape[1]))
        left = 1 - np.where(gross > 0, self.decisions.withheld[:, metal] / np.where(gross > 0, gross, 1), 0)
        every = np.concatenate([left, np.ones_like(left[:1])])  # last element: routes in no pool
        place = np.full(len(self.instance.terms.names) + 1, len(lots.line), dtype=np.intp)
        place[lots.line] = np.arange(len(lots.line))
        return every[place[self.routes.line[routes]]]

    def clip_withheld(self) -> Decisions:
        """Clip the metal withheld of pooled lots to the bounds that the shipments imply.

        Returns:
            The decisions, with `withheld` within its bounds.
        """
        lots, decisions = self.pools, self.decisions
        if not len(lots.line):
            return decisions
        minimum = np.maximum(self.sum_by_pool(lots.withheld), 0)
        maximum = np.minimum(self.sum_by_pool(np.maximum(lots.withheld, 0)), self.gross_payable)
        return replace(
            decisions,
            withheld=np.where(lots.exists, np.clip(decisions.withheld, np.minimum(minimum, maximum), maximum), 0),
        )

    def compute_unrefined_charge(self, sent: Numbers) -> Numbers:
        """Compute the refining charge saved because metal is withheld of pooled lots, or left with the smelters.

        Args:
            sent (J, T): Devices sent on each route, t.

        Returns:
            Refining charges (J, T), money.
        """
        instance, all_routes = self.instance, self.routes
        total = make_zeros(sent.shape, sent)
        for metal, leaves in enumerate(instance.metals.surplus_to_smelter.tolist()):
            routes = np.nonzero(all_routes.smelter >= 0)[0] if leaves else self.pools.routes
            routes = routes[(sent[routes] != 0).any(axis=1) & (all_routes.refining[routes, metal] != 0).any(axis=1)]
            if not len(routes):
                continue
            lead = instance.smelters.lead[all_routes.smelter[routes], metal]
            refined = self.compute_settled_share(routes, metal)
            refined = refined * self.compute_called_share(routes, metal) if leaves else refined
            rate = read_at_credit(all_routes.refining[routes, metal], lead, len(instance.periods))
            total[routes] = total[routes] + rate * sent[routes] * (1 - refined)
        return total

    @cached_property
    def shipment_costs(self) -> Numbers:
        """Cost of each route in each period, without a refining charge on metal withheld or left, (J, T) money."""
        sent = self.decisions.sent
        spent = compute_route_costs(self.instance, self.routes) * sent
        if "stream" in self.surcharges:
            spent = spent + allocate_surcharges(self)
        unrefined = len(self.pools.routes) or len(self.decisions.left)
        return spent - self.compute_unrefined_charge(sent) if unrefined else spent

    @cached_property
    def composition(self) -> Numbers:
        """$C_{aet}$: metal charged from stock and offers, (A, E, T) kg."""
        content, bought = self.read(self.instance.market.composition), self.decisions.bought
        total = self.decisions.charged
        for offer in range(len(self.instance.market.names)):
            total = total + content[offer][None, :, None] * bought[offer][:, None, :]
        return total

    @cached_property
    def charged_groups(self) -> Numbers:
        """Offers charged to each alloy by group of its limits, (A, N, T) kg."""
        member = self.instance.charge_limits.offers.astype(np.intp)  # (A, N, O)
        return (member[..., None] * self.decisions.bought.transpose(1, 0, 2)[:, None]).sum(axis=2)

    @cached_property
    def charge(self) -> Numbers:
        """$C_{at}$: total charge without process scrap, (A, T) kg."""
        return self.decisions.charged.sum(axis=1) + self.decisions.bought.sum(axis=0)

    @cached_property
    def purchases(self) -> Numbers:
        """$b^+_{ot}$: purchases of each offer in each period, (O, T) kg."""
        bought, stocked = self.decisions.bought.sum(axis=1), is_stocked(self.instance)
        if not stocked.any() or not len(self.decisions.purchased):
            return bought
        total = make_zeros(bought.shape, bought) + bought
        total[np.flatnonzero(stocked)] = self.decisions.purchased
        return total

    @cached_property
    def bought(self) -> Numbers:
        """$b_o$: purchases of each offer over the horizon, (O,) kg."""
        if is_stocked(self.instance).any():
            return self.purchases.sum(axis=1)
        return self.decisions.bought.sum(axis=(1, 2))

    @cached_property
    def offer_stock(self) -> Numbers:
        """$z_{ot}$: stock of each offer at the end of each period, (O, T) kg; 0 for offers that are not stocked."""
        bought = self.decisions.bought.sum(axis=1)
        stock = np.cumsum(self.purchases, axis=1) - np.cumsum(bought, axis=1)
        stock = self.read(self.instance.market.opening_stock)[:, None] + stock
        return np.where(is_stocked(self.instance)[:, None], stock, 0)

    @cached_property
    def cast(self) -> Numbers:
        r"""$k_{at}=(C_{at}+v_{at})(1-\lambda_a)$: mass cast, (A, T) kg."""
        return (self.charge + self.decisions.recharged) * (1 - self.read(self.instance.alloys.loss))[:, None]

    @cached_property
    def cast_stock(self) -> Numbers:
        r"""$\sum_{t'\le t}(1-\sigma_a)k_{at'}-Q_{at}$: castings in stock at the end of each period, (A, T) kg."""
        usable = 1 - self.read(self.instance.alloys.scrap_share)
        return usable[:, None] * np.cumsum(self.cast, axis=1) - self.demand

    @cached_property
    def missed(self) -> Numbers:
        """$u_m$: medals that are not made, (M,) pieces; 0 where all must be made."""
        missed = self.decisions.missed
        return missed if len(missed) else np.zeros(len(self.instance.medals.names))

    @cached_property
    def demand(self) -> Numbers:
        r"""$Q_{at}-\sum_mw_{ma}u_m$: alloy due by the end of each period for the medals that are made, (A, T) kg."""
        missed = self.missed if len(self.decisions.missed) else None
        return compute_cumulative_demand(self.instance, self.read, missed)

    @cached_property
    def scrap(self) -> Numbers:
        """$n_{at}$: process scrap in stock at the end of each period, (A, T) kg."""
        rate = compute_scrap_rate(self.instance, self.read)
        fit = np.zeros_like(self.cast)
        periods = len(self.instance.periods)
        for alloy, lead in enumerate(self.instance.alloys.scrap_lead.tolist()):
            if lead < periods:
                fit[alloy, lead:] = rate[alloy] * self.cast[alloy, : periods - lead]
        return np.cumsum(fit - self.decisions.recharged, axis=1)

    @cached_property
    def stock(self) -> Numbers:
        """$z_{et}$: refined metal in stock at the end of each period, (E, T) kg."""
        flow = self.called_back - self.decisions.charged.sum(axis=0) - self.decisions.surplus
        return self.read(self.instance.metals.opening_stock)[:, None] + np.cumsum(flow, axis=1)

    def compute_coming_need(self) -> Numbers:
        r"""Compute $\sum_{t'=t+1}^{t+r_e}\sum_aw_{aet'}$: metal charged in the periods of its reserve.

        Returns:
            (E, T) kg.
        """
        charged, reserve = self.decisions.charged.sum(axis=0), self.instance.metals.reserve[:, None]
        total = make_zeros(charged.shape, charged)
        for ahead in range(1, min(int(reserve.max(initial=0)), charged.shape[1] - 1) + 1):
            total[:, :-ahead] = total[:, :-ahead] + np.where(reserve >= ahead, charged[:, ahead:], 0)
        return total

    @cached_property
    def surcharges(self) -> dict[str, Numbers]:
        """Cost of streams and offers beyond the prices of their first steps, in the order of purchase, (N, T) money.

        By kind; negative where prices fall. Kinds without price steps are left out.
        """
        return {
            kind.name: sum_step_surcharges(self.instance, kind, compute_quantity(self, kind), self.read)
            for kind in STEP_KINDS
            if len(kind.get_steps(self.instance).owner)
        }

    @cached_property
    def charges(self) -> dict[str, Numbers]:
        """Lot charges, fixed charges and surcharges of price steps by kind of activity, (N, T) money."""
        charges = compute_charges(self)
        return charges | {kind: paid + charges.get(kind, 0) for kind, paid in self.surcharges.items()}

    @cached_property
    def costs(self) -> dict[str, Numbers]:
        """Cost by kind, (T,) money each; sales and scrap are negative, and the total is `cost`."""
        total = dict(self.costs_of_quantities)
        for kind in ACTIVITY_KINDS:
            if kind.name in self.charges:
                total[kind.cost] = total[kind.cost] + self.charges[kind.name].sum(axis=0)
        return total

    @cached_property
    def costs_of_quantities(self) -> dict[str, Numbers]:
        """Cost by kind at the prices of first steps, without lot charges and fixed charges, (T,) money."""
        instance, routes, decisions, read = self.instance, self.routes, self.decisions, self.read
        prices = read(instance.market.price)
        by_route = {kind: sum_over_routes(rate, decisions.sent) for kind, rate in self._route_rates.items()}
        return {
            **{kind: by_route[kind] for kind in ("supply", "collection", "treatment", "transport", "smelting")},
            "refining": (compute_refining_costs(instance, routes) * decisions.sent).sum(axis=0)
            - self._sum_unrefined_charge()
            - self.sum_uncalled_charge(),
            "residue": by_route["residue"],
            "storage": read(instance.streams.storage_cost) @ decisions.stockpile,
            "purchases": (prices * self.purchases).sum(axis=0),
            "holding": self._holding_cost(),
            "sales": -(read(instance.metals.sell) * decisions.surplus).sum(axis=0)
            - self._sum_paid_for_left()
            - by_route.get("fractions", 0)
            - (compute_casting_price(instance, read) * self.cast).sum(axis=0),
            "scrap": compute_scrap_worth(instance, self.cast, self.scrap, read),
            **({"shortfall": self._shortfall_cost()} if may_miss(instance).any() else {}),
        }

    @property
    def _route_rates(self) -> dict[str, Numbers]:
        """Unit costs of the routes by kind, (J, 1 or T) each, money/t."""
        routes = self.routes
        return {
            "supply": routes.supply,
            "collection": routes.collection,
            "treatment": routes.treating,
            "transport": routes.transport,
            "smelting": routes.smelting,
            "residue": routes.residue,
            **({} if routes.parent is None else {"fractions": -routes.sales}),
        }

    def split_costs(self, kind: str, group: Ints) -> dict[int, Numbers]:
        """Split one kind of cost by groups of streams or treatments.

        Args:
            kind: `supply`, `collection` or `storage` by stream; `treatment` or `residue` by treatment.
            group: Group of each stream (I,) or treatment (H,).

        Returns:
            Money by group and period (T,).
        """
        rate, amount, of = self.read(self.instance.streams.storage_cost)[:, None], self.decisions.stockpile, group
        if kind != "storage":
            by_stream = kind in ("supply", "collection")
            rate, amount = self._route_rates[kind], self.decisions.sent
            of = group[self.routes.stream if by_stream else self.routes.treatment]
        split = {
            number: sum_over_routes(rate[of == number], amount[of == number]) for number in np.unique(group).tolist()
        }
        charge = self.charges.get({"supply": "stream", "treatment": "treatment"}.get(kind, ""))
        if charge is None:
            return split
        return {number: spent + charge[group == number].sum(axis=0) for number, spent in split.items()}

    def _holding_cost(self) -> Numbers:
        """Holding cost of metal, offers and castings in stock, (T,), money."""
        cost = (self.read(self.instance.metals.holding) * self.stock).sum(axis=0)
        if is_stocked(self.instance).any():
            cost = cost + (compute_offer_holding_cost(self.instance, self.read) * self.offer_stock).sum(axis=0)
        if has_casting_holding_cost(self.instance).any():
            cost = cost + (compute_casting_holding_cost(self.instance, self.read) * self.cast_stock).sum(axis=0)
        return cost

    def _shortfall_cost(self) -> Numbers:
        """Penalty of the medals that are not made, in the period in which they are due, (T,), money."""
        medals = self.instance.medals
        each = np.where(may_miss(self.instance), zero_where_infinite(self.read(medals.shortfall)), 0)
        return sum_by_group(each * self.missed, medals.due, len(self.instance.periods))

    def _sum_unrefined_charge(self) -> Numbers:
        """Refining charge saved on metal withheld of pooled lots, (T,), money."""
        if not len(self.pools.line):
            return 0
        charge = compute_withheld_charge(self.instance, self.pools, self.read)
        return (charge * self.decisions.withheld).sum(axis=(0, 1))

    def sum_uncalled_charge(self) -> Numbers:
        """Sum the refining charge saved on metal left with the smelters.

        Returns:
            (T,) money, by period of shipment; 0 where no metal may be left.
        """
        if not len(self.decisions.left):
            return 0
        charge = self.read(self.instance.terms.refining_charge) * self.decisions.left
        return shift_to_shipment(self.instance, charge).sum(axis=(0, 1))

    def _sum_paid_for_left(self) -> Numbers:
        """Revenue from the smelters for metal left with them, (T,), money."""
        if not len(self.decisions.left):
            return 0
        return (self.read(self.instance.terms.pays) * self.decisions.left).sum(axis=(0, 1))

    @cached_property
    def cost(self) -> Numbers:
        """Total cost of the plan, money."""
        return sum(by_period.sum() for by_period in self.costs.values())

    @cached_property
    def footprint(self) -> Numbers:
        """Footprint of the plan, kg CO2e."""
        bought = self.bought
        return (self.routes.footprint @ self.decisions.sent).sum() + (
            self.read(self.instance.market.footprint) * bought
        ).sum()

    @cached_property
    def tonnes(self) -> Numbers:
        """Devices sent over the horizon, t."""
        return self.sent.sum()

    def compute_objective(self, objective: str) -> Numbers:
        """Return the value of an objective.

        Args:
            objective: `cost`, `cost@PARTY`, `footprint` or `mass`.

        Returns:
            The plan's cost (money), all or that of one party, footprint (kg CO2e) or devices sent (t).
        """
        party = parse_cost_objective(objective)[1]
        if party is not None:
            return sum(by_period.sum() for by_period in compute_party_costs(self)[party].values())
        measures = {"cost": lambda: self.cost, "footprint": lambda: self.footprint, "mass": lambda: self.tonnes}
        return measures[objective]()
