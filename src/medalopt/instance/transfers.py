"""Transfers: payments from one party of the project to another, which the project as a whole neither pays nor receives.

A transfer is paid per tonne shipped of streams, per tonne treated or per tonne of feed, or per kilogram that smelters
return. It is a cost of its payer and a revenue of its receiver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from medalopt.instance.arithmetic import Numbers
from medalopt.instance.arrays import Bools, ExactArray, Ints

if TYPE_CHECKING:
    from medalopt.instance.accounting import PlanAccount
    from medalopt.instance.instance import Instance, Names

TRANSFERS = "transfers"  # section of the file, and kind of cost of a party
TRANSFER_SECTIONS = ("streams", "treatments", "smelters", "metals")
_PER_TONNE, _PER_KILOGRAM = Fraction(1), Fraction(1, 1000)  # of a price in money/t


@dataclass(frozen=True, eq=False)
class PartyTransfer:
    """Payment of one party to another.

    Attributes:
        payer: Party that pays.
        receiver: Party that is paid.
        section: What it is paid for: `streams`, `treatments`, `smelters` or `metals`.
        members (N,): Names in that section.
        price (1 or T,): Money/t, of metals money/kg; one for all periods, or one per period.
    """

    payer: str
    receiver: str
    section: str
    members: Names
    price: ExactArray

    def locate_members(self, names: Names) -> Ints:
        """Return the indices of its members.

        Args:
            names: Names of the section; members that an instance no longer has are left out.

        Returns:
            Indices, sorted.
        """
        members = frozenset(self.members)
        return np.array([place for place, name in enumerate(names) if name in members], dtype=np.intp)


def list_transfers(instance: Instance) -> tuple[PartyTransfer, ...]:
    """List the transfers that an instance states.

    Args:
        instance: Instance.

    Returns:
        Transfers by name, without those at price 0.
    """
    stated: Mapping[str, Mapping[str, Any]] = instance.annex.get(TRANSFERS, {})
    result = []
    for one in stated.values():
        raw = np.array(one["price"], dtype=np.float64)
        factor = _PER_KILOGRAM if one["section"] == "metals" else _PER_TONNE
        price = ExactArray(raw, np.zeros(len(raw), dtype=np.intp), (factor,))
        result.append(PartyTransfer(one["payer"], one["receiver"], one["section"], tuple(one["members"]), price))
    return tuple(result)


def compute_transfer(account: PlanAccount, transfer: PartyTransfer) -> Numbers:
    """Compute what a plan makes the payer of a transfer pay, from the quantities of the plan.

    Args:
        account: Plan.
        transfer: The transfer.

    Returns:
        Money by period (T,): of shipment, or of credit for metals.
    """
    instance = account.instance
    names, amounts = {
        "streams": lambda: (instance.streams.names, account.sent_by_stream),
        "treatments": lambda: (instance.treatments.names, account.treated),
        "smelters": lambda: (instance.smelters.names, account.feed),
        "metals": lambda: (instance.metals.names, account.called_back),
    }[transfer.section]()
    return (account.read(transfer.price) * amounts[transfer.locate_members(names)]).sum(axis=0)


def add_transfers(instance: Instance, party: str) -> Instance:
    """Return an instance in whose prices one party also pays and receives its transfers.

    Transfers per tonne shipped are added to the prices of streams, those per tonne treated to the costs of treatments,
    and those per tonne of feed or kilogram returned to the treatment or refining charges of the smelters' terms.

    Args:
        instance: Instance with the prices of that party alone.
        party: Party.

    Returns:
        Copy of the instance; itself where the party has no transfer.
    """
    for transfer in list_transfers(instance):
        if party in (transfer.payer, transfer.receiver):
            instance = _add_transfer(instance, transfer, 1 if party == transfer.payer else -1)
    return instance


def _add_transfer(instance: Instance, transfer: PartyTransfer, sign: int) -> Instance:
    """Return the instance with a transfer in its prices: a cost with sign 1, a revenue with sign -1."""
    prices = sign * transfer.price.exact()
    if transfer.section == "streams":
        streams = instance.streams
        chosen = _mark(len(streams.names), transfer.locate_members(streams.names))
        return replace(instance, streams=replace(streams, price=_raise_prices(streams.price, chosen, prices)))
    if transfer.section == "treatments":
        treatments = instance.treatments
        whole = _mark(len(treatments.names), transfer.locate_members(treatments.names))
        chosen = np.broadcast_to(whole[:, None], treatments.cost.shape[:-1])
        return replace(instance, treatments=replace(treatments, cost=_raise_prices(treatments.cost, chosen, prices)))
    terms = instance.terms
    if transfer.section == "smelters":
        chosen = np.isin(terms.smelter, transfer.locate_members(instance.smelters.names))
        charge = _raise_prices(terms.treatment_charge, chosen, prices)
        return replace(instance, terms=replace(terms, treatment_charge=charge))
    metals = _mark(len(instance.metals.names), transfer.locate_members(instance.metals.names))
    chosen = np.broadcast_to(metals, terms.refining_charge.shape[:-1])
    charge = _raise_prices(terms.refining_charge, chosen, prices)
    return replace(instance, terms=replace(terms, refining_charge=charge))


def _mark(count: int, index: Ints) -> Bools:
    """Return a mask (count,) of the indices."""
    mask = np.zeros(count, dtype=np.bool_)
    mask[index] = True
    return mask


def _raise_prices(values: ExactArray, chosen: Bools, prices: Numbers) -> ExactArray:
    """Return prices (..., 1 or T) with `prices` (1 or T,) added, exactly, to those that a mask (...) chooses."""
    shape = (*values.shape[:-1], max(values.shape[-1], len(prices)))
    unit = np.broadcast_to(values.unit, values.shape)
    sums = ExactArray(values.raw[chosen], unit[chosen], values.factors).exact() + prices
    raw, unit = np.broadcast_to(values.raw, shape).copy(), np.broadcast_to(unit, shape).copy()
    raw[chosen], unit[chosen] = sums.astype(np.float64), len(values.factors)
    return ExactArray(raw, unit, (*values.factors, Fraction(1)))


def truncate_transfers(annex: Mapping[str, Any], periods: int) -> Mapping[str, Any]:
    """Return the sections of an instance for the rest of its horizon.

    Args:
        annex: Sections of the instance.
        periods: Number of periods that remain.

    Returns:
        The sections, with those prices of transfers that hold in these periods.
    """
    if TRANSFERS not in annex:
        return annex
    left = {
        name: {**one, "price": one["price"][-periods:] if len(one["price"]) > 1 else one["price"]}
        for name, one in annex[TRANSFERS].items()
    }
    return {**annex, TRANSFERS: left}
