"""Payments by counterparty, period and fiscal year: the cost of a plan allocated to its documents.

Collectors are paid for devices, operators for treatment and carriers for freight, which fall to the region where no
party has the role; smelters for treatment and refining, offers at their price. Buyers of fractions, surplus metal and
castings pay for them. Interest on stock and remaining process scrap have no counterparty and are internal items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.sourcing.orders import list_material_sales
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import sum_by_group
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.instance import Instance, Names
from medalopt.instance.payers import PartyDirectory
from medalopt.instance.routes import compute_refining_costs
from medalopt.proof.certificate import sum_absolute_costs
from medalopt.tolerances import AMOUNT_TOLERANCE


def get_fiscal_year_start(instance: Instance) -> int:
    """Return the month in which the buyer's fiscal year begins.

    Returns:
        The month, 1 to 12; 1 if the instance does not state it.
    """
    return int(instance.annex.get("project", {}).get("fiscal_year_start", 1))


def get_fiscal_years(instance: Instance) -> Names:
    """Return the fiscal year of each period, by its first month.

    Returns:
        (T,): names such as FY2018, the year in which the fiscal year begins; '' if periods have no dates.
    """
    start = get_fiscal_year_start(instance)
    return tuple(_format_fiscal_year(period, start) if "-" in period else "" for period in instance.periods)


def has_straddling_periods(instance: Instance) -> bool:
    """Check if a period spans two fiscal years.

    Returns:
        True if a period of more than one month extends beyond the end of a fiscal year.
    """
    starts = {int(period[5:]) for period in instance.periods if "-" in period}
    months = {"month": 1, "quarter": 3, "year": 12}[instance.period_length]
    return any((start - get_fiscal_year_start(instance)) % 12 + months > 12 for start in starts)


def _format_fiscal_year(period: str, start: int) -> str:
    """Return the name of the fiscal year of a month."""
    year, month = int(period[:4]), int(period[5:])
    return f"FY{year if month >= start else year - 1}"


CALL_OFF, TOLL, PURCHASE_ORDER, SALES_ORDER, OWN_ACCOUNT = (
    "call-off",
    "toll-refining instruction",
    "metal purchase order",
    "sales order",
    "own account",
)
DOCUMENT_KINDS = (CALL_OFF, TOLL, PURCHASE_ORDER, SALES_ORDER, OWN_ACCOUNT)


@dataclass(frozen=True, eq=False)
class Payments:
    """Money by kind of document: the parties, and by kind of cost their payments (P, T). Receipts are negative."""

    parties: Mapping[str, Names]
    amounts: Mapping[str, Mapping[str, Floats]]

    def of(self, kind: str) -> Floats:
        """Sum the payments of a kind of document.

        Args:
            kind: Kind of document, of DOCUMENT_KINDS.

        Returns:
            (P, T): payments by party and period.
        """
        return np.asarray(sum(self.amounts[kind].values()))

    @property
    def kinds(self) -> Names:
        """Kinds of document.

        Returns:
            Those of DOCUMENT_KINDS in their order; sales orders only where something is sold.
        """
        return tuple(kind for kind in DOCUMENT_KINDS if kind != SALES_ORDER or self.parties[kind])

    def by_kind(self) -> Floats:
        """Sum the payments by kind of document.

        Returns:
            (K, T): payments in the order of `kinds`.
        """
        return np.array([self.of(kind).sum(axis=0) for kind in self.kinds])


def allocate_payments(account: PlanAccount) -> Payments:
    """Allocate the cost of a plan to counterparties and periods.

    Returns:
        Payments by document, party, kind of cost and period; they sum to the cost of the plan.
    """
    instance, by_region = account.instance, _allocate_by_region(account)
    paid, sold = compute_revenue_of_left(account), _sum_sales(account)
    bought, offers = instance.market.price.value * account.purchases, np.arange(len(instance.market.names))
    return Payments(
        {
            CALL_OFF: by_region[0],
            TOLL: instance.smelters.names,
            PURCHASE_ORDER: instance.market.names,
            SALES_ORDER: tuple(sold),
            OWN_ACCOUNT: ("own account",),
        },
        {
            CALL_OFF: by_region[1],
            TOLL: {**_sum_toll_charges(account), **({"sales": -paid} if len(paid) else {})},
            PURCHASE_ORDER: {"purchases": _add_charges(account, bought, offer=offers)},
            SALES_ORDER: {"sales": -np.array(list(sold.values()))} if sold else {},
            OWN_ACCOUNT: _collect_internal_items(account, [*paid, *sold.values()]),
        },
    )


def _allocate_by_region(account: PlanAccount) -> tuple[Names, Mapping[str, Floats]]:
    """Return the parties of all regions, and their payments (P, T) by kind of cost up to the smelter's gate."""
    instance, routes, sent = account.instance, account.routes, account.decisions.sent
    directory = PartyDirectory.from_instance(instance)
    collectors, region = directory.list_collectors(instance), instance.streams.region.tolist()
    operators, carriers = ([of[place] for place in region] for of in (directory.operators, directory.carriers))
    regional = zip(directory.collectors, directory.operators, directory.carriers, strict=True)
    named = tuple(dict.fromkeys([*(party for of_region in regional for party in of_region), *collectors]))
    number = {party: index for index, party in enumerate(named)}

    def by_party(money: Floats, stream: Ints, parties: Sequence[str]) -> Floats:
        """Sum money by the party of each stream."""
        party = np.array([number[name] for name in parties], dtype=np.intp)
        return np.asarray(sum_by_group(money, party[stream], len(named)))

    def pay(rate: Floats, parties: Sequence[str]) -> Floats:
        """Return a rate times the tonnes sent, by party."""
        return by_party(rate * sent, routes.stream, parties)

    charges, streams = account.charges.get("stream"), np.arange(len(region))
    fixed = 0.0 if charges is None else by_party(charges, streams, collectors)
    waiting = instance.streams.storage_cost.value[:, None] * account.decisions.stockpile
    return named, {
        "supply": pay(routes.supply, collectors) + fixed,
        "collection": pay(routes.collection, collectors),
        "treatment": pay(routes.treating, operators),
        "transport": pay(routes.transport, carriers),
        "residue": pay(routes.residue, operators),
        "storage": by_party(waiting, streams, collectors),
    }


def _sum_toll_charges(account: PlanAccount) -> dict[str, Floats]:
    """Return treatment charges, penalties and lots, and refining charges, by smelter and period (K, T)."""
    instance, routes, sent = account.instance, account.routes, account.decisions.sent
    travels, smelters = routes.smelter >= 0, np.arange(len(instance.smelters.names))

    def by_smelter(money: Floats) -> Floats:
        """Sum money by smelter."""
        return np.asarray(sum_by_group(money[travels], routes.smelter[travels], len(smelters)))

    treated = by_smelter(routes.smelting * sent)
    refined = compute_refining_costs(instance, routes) * sent - account.compute_unrefined_charge(sent)
    return {
        "smelting": _add_charges(account, treated, line=instance.terms.smelter, smelter=smelters),
        "refining": by_smelter(refined),
    }


def _sum_sales(account: PlanAccount) -> dict[str, Floats]:
    """Return the revenue (T,) for each material sold, by its name."""
    revenue: dict[str, Floats] = {}
    for one in list_material_sales(account):
        of_name = revenue.setdefault(one.name, np.zeros(len(account.instance.periods)))
        of_name[one.period] += one.quantity * one.price
    return revenue


def _collect_internal_items(account: PlanAccount, paid: Sequence[Floats]) -> dict[str, Floats]:
    """Return the costs that no order pays, by kind (1, T); each of `paid` (T,) is a revenue that an order states."""
    minimum = AMOUNT_TOLERANCE * sum_absolute_costs(account, "cost")
    costs = {kind: account.costs[kind] for kind in _OWN_KINDS if kind in account.costs}
    if len(paid):
        costs["sales"] = costs["sales"] + np.sum(paid, axis=0)
    internal = {kind: _drop_rounding(cost, minimum)[None, :] for kind, cost in costs.items()}
    if "treatment" in account.charges:  # of no single region's operator
        internal["treatment"] = account.charges["treatment"].sum(axis=0)[None, :]
    return internal


def _add_charges(account: PlanAccount, paid: Floats, **groups: Ints) -> Floats:
    """Return payments (P, T) with the charges of kinds of activity, each with the party of every contract."""
    for kind, party in groups.items():
        if kind in account.charges:
            paid = paid + np.asarray(sum_by_group(account.charges[kind], party, len(paid)))
    return paid


_OWN_KINDS = ("holding", "sales", "scrap", "shortfall")  # kinds of cost that no order pays


def compute_revenue_of_left(account: PlanAccount) -> Floats:
    """Compute the revenue from each smelter for metal left with it.

    Returns:
        Money by smelter and period of credit (K, T); no rows where no metal may be left.
    """
    instance, left = account.instance, account.decisions.left
    if not len(left):
        return np.zeros((0, len(instance.periods)))
    paid = (instance.terms.pays.value * left).sum(axis=1)
    return np.asarray(sum_by_group(paid, instance.terms.smelter, len(instance.smelters.names)))


def _drop_rounding(each: Floats, minimum: float) -> Floats:
    """Return amounts with those below rounding error set to 0."""
    return np.where(abs(each) > minimum, each, 0.0)
