r"""Contracts of a two-stage plan: quantities agreed before the scenario is known, and their use after it.

A contract $c$ of $K_c$ units makes $a_{cs}K_c$ available in scenario $s$. The plan of that scenario uses
$U_{cs}(x_s)\le a_{cs}K_c$ of it; each unit left costs the fee $f_c$, and each unit agreed the premium $\rho_c$. The
mathematics is in `docs/explanation/two_stage.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from medalopt.errors import UsageError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import Numbers, make_zeros
from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import VariableBounds, is_stocked, may_buy
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes

STREAM, SMELTER, OPTION, PURCHASE = "stream", "smelter", "option", "purchase"
KIND_UNITS = {STREAM: "t", SMELTER: "t", OPTION: "kg", PURCHASE: "kg"}
_SECTIONS = {STREAM: "streams", SMELTER: "smelters", OPTION: "market", PURCHASE: "market"}


@dataclass(frozen=True, eq=False)
class Contract:
    """One contract, on a member of a section of the instance, for the periods from `start` to before `end`.

    Attributes:
        kind: `stream`, `smelter`, `option` or `purchase`.
        member: Index of the stream, smelter or offer.
        start: First period.
        end: Period after the last one.
        fee: Money per unit made available and not used; None: all of it is used.
        premium: Money per unit agreed.
        most: Greatest quantity, t or kg.
        share (S,): Units made available per unit agreed, by scenario.
    """

    kind: str
    member: int
    start: int
    end: int
    fee: float | None
    premium: float
    most: float
    share: Floats

    @property
    def unit(self) -> str:
        """Unit of the quantity, `t` or `kg`."""
        return KIND_UNITS[self.kind]

    def get_name(self, instance: Instance) -> str:
        """Return the name of the stream, smelter or offer.

        Args:
            instance: Instance.
        """
        return str(getattr(instance, _SECTIONS[self.kind]).names[self.member])

    def measure_use(self, account: PlanAccount) -> Numbers:
        """Return the quantity that a plan uses.

        Args:
            account: Plan of a scenario.

        Returns:
            Tonnes sent of the stream, feed of the smelter (t), or purchases of the offer (kg).
        """
        span = slice(self.start, self.end)
        if self.kind == STREAM:
            return account.treated_devices[account.routes.stream == self.member, span].sum()
        if self.kind == SMELTER:
            return account.feed[self.member, span].sum()
        return account.purchases[self.member, span].sum()


@dataclass(frozen=True, eq=False)
class ContractBook:
    """All contracts of one two-stage program with S scenarios."""

    contracts: tuple[Contract, ...]

    def compute_nominal_shares(self, instance: Instance) -> Floats:
        """Return the units made available per unit agreed in the instance without the changes of scenarios.

        Returns:
            Shares (C,).
        """
        supply = instance.streams.available.value
        return np.array(
            [
                float(supply[one.member, one.start : one.end].sum()) / one.most if one.kind == STREAM else 1.0
                for one in self.contracts
            ]
        )

    def price_quantities(self, instance: Instance, routes: Routes, price: Numbers) -> dict[str, Numbers]:
        """Return prices per unit used as prices of the quantities of a plan.

        Args:
            instance: Instance of a scenario.
            routes: Its routes (J).
            price (C,): Objective per unit used of each contract.

        Returns:
            Price of each tonne sent on a route, of feed and of each kilogram purchased, by array and period.
        """
        periods, like = len(instance.periods), price
        sizes = {STREAM: len(instance.streams.names), SMELTER: len(instance.smelters.names)}
        sizes |= dict.fromkeys((OPTION, PURCHASE), len(instance.market.names))
        tables = {kind: make_zeros((size, periods), like) for kind, size in sizes.items()}
        for number, one in enumerate(self.contracts):
            own = tables[one.kind]
            own[one.member, one.start : one.end] = own[one.member, one.start : one.end] + price[number]
        return {
            "sent": routes.mask_branches(tables[STREAM][routes.stream]),
            "feed": tables[SMELTER],
            "acquire": tables[OPTION] + tables[PURCHASE],
        }


def list_contracts(
    base: Instance,
    scenarios: Sequence[tuple[Instance, Routes, VariableBounds]],
    probabilities: Floats,
    known: int = 0,
    take_or_pay: float = 1.0,
) -> ContractBook:
    """List the contracts that a two-stage plan decides.

    Args:
        base: Instance without the changes of scenarios, whose prices apply to contracts.
        scenarios: Instance, routes and implied bounds of each scenario (S).
        probabilities (S,): Probabilities.
        known: Index of the first period in which the scenario is known.
        take_or_pay: Share of the price that is paid for contracted quantities not used.

    Returns:
        The contracts: streams, smelters, options, and purchases before the scenario is known.

    Raises:
        UsageError: A scenario has other streams, smelters, offers or periods.
    """
    for instance, _, _ in scenarios:
        if any(getattr(instance, name).names != getattr(base, name).names for name in set(_SECTIONS.values())) or (
            instance.periods != base.periods
        ):
            raise UsageError(
                f"{base.name}: every scenario of a two-stage plan has the same periods, streams, smelters and offers; "
                "change values alone"
            )
    book = [
        *_list_stream_contracts(base, scenarios, probabilities, known, take_or_pay),
        *_list_smelter_contracts(base, scenarios, known, take_or_pay),
        *_list_offer_contracts(base, scenarios, known),
    ]
    return ContractBook(tuple(book))


def _list_spans(periods: int, known: int) -> list[tuple[int, int]]:
    """Return each period before the scenario is known, and all periods after that together."""
    return [*((t, t + 1) for t in range(known)), (known, periods)]


def _list_stream_contracts(
    base: Instance,
    scenarios: Sequence[tuple[Instance, Routes, VariableBounds]],
    probabilities: Floats,
    known: int,
    take_or_pay: float,
) -> Iterator[Contract]:
    """Yield the contracts on streams: a share of the supply of each, stated in tonnes of the expected supply."""
    cost = base.streams.price.value + base.streams.collection.value  # (I, 1 or T)
    cost = np.broadcast_to(cost, (len(cost), len(base.periods)))
    supply = np.stack([instance.streams.available.value for instance, _, _ in scenarios])  # (S, I, T)
    routed = np.unique(np.concatenate([routes.stream for _, routes, _ in scenarios]))
    for start, end in _list_spans(len(base.periods), known):
        offered = supply[:, :, start:end].sum(axis=2)
        mean = probabilities @ offered
        firm = end <= known
        for stream in routed.tolist():
            fee = take_or_pay * max(float(cost[stream, start:end].min()), 0.0)
            if mean[stream] > 0 and (fee > 0 or firm):
                share = offered[:, stream] / mean[stream]
                yield Contract(STREAM, stream, start, end, None if firm else fee, 0.0, float(mean[stream]), share)


def _list_smelter_contracts(
    base: Instance, scenarios: Sequence[tuple[Instance, Routes, VariableBounds]], known: int, take_or_pay: float
) -> Iterator[Contract]:
    """Yield the contracts on smelters: feed booked, at the lowest treatment charge of the smelter."""
    terms, count = base.terms, len(scenarios)
    charge = terms.treatment_charge.value  # (L, 1 or T)
    charge = np.broadcast_to(charge, (len(charge), len(base.periods)))
    for start, end in _list_spans(len(base.periods), known):
        for smelter in range(len(base.smelters.names)):
            charges = charge[terms.smelter == smelter, start:end]
            fee = take_or_pay * max(float(charges.min()), 0.0) if charges.size else 0.0
            feed = max(_bound_feed(*scenario, smelter, slice(start, end)) for scenario in scenarios)
            if fee > 0 and feed > 0:
                yield Contract(SMELTER, smelter, start, end, fee, 0.0, feed, np.ones(count))


def _bound_feed(instance: Instance, routes: Routes, bounds: VariableBounds, smelter: int, own: slice) -> float:
    """Return the greatest feed of a smelter in some periods, t."""
    streams = np.unique(routes.stream[routes.smelter == smelter])
    by_supply = float(bounds.sent[streams, own].sum())
    limits = instance.smelters.capacity.value[smelter, own].sum(), instance.smelters.limit.value[smelter]
    return float(min(by_supply, *limits))


def _list_offer_contracts(
    base: Instance, scenarios: Sequence[tuple[Instance, Routes, VariableBounds]], known: int
) -> Iterator[Contract]:
    """Yield options, and purchases of each period before the scenario is known."""
    premiums, count = base.annex.get("market_option", {}), len(scenarios)
    periods = len(base.periods)
    for offer, name in enumerate(base.market.names):
        purchase = max(_bound_purchase(instance, bounds, offer) for instance, _, bounds in scenarios)
        if purchase > 0 and name in premiums:
            whole = min(purchase * periods, max(float(one.market.limit.value[offer]) for one, _, _ in scenarios))
            yield Contract(OPTION, offer, 0, periods, 0.0, float(premiums[name]), whole, np.ones(count))
        for period in range(known if purchase > 0 else 0):
            yield Contract(PURCHASE, offer, period, period + 1, None, 0.0, purchase, np.ones(count))


def _bound_purchase(instance: Instance, bounds: VariableBounds, offer: int) -> float:
    """Return the greatest purchase of an offer in a period, kg; 0 where no alloy may be charged with it."""
    if not may_buy(instance)[offer].any():
        return 0.0
    if is_stocked(instance)[offer]:
        return float(bounds.purchase[offer])
    return float(np.asarray(bounds.charge)[may_buy(instance)[offer]].sum())
