"""What a plan sells: fractions of treated devices, surplus metal that the project owns, and castings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Floats
from medalopt.instance.demand import has_demand
from medalopt.instance.routes import index_period

FRACTION, SURPLUS, CASTING = "fraction", "surplus metal", "castings"


@dataclass(frozen=True)
class MaterialSale:
    """One material that is sold in one period at one price.

    Attributes:
        kind: FRACTION, SURPLUS or CASTING.
        name: Name of the fraction, title of the metal, or name of the alloy.
        party: Name in the instance under which the buyer may be stated: that of the fraction, metal or alloy.
        treatment: Name of the treatment of a fraction, else ''.
        region: Index of the region of a fraction, else −1.
        period: Index of the period.
        quantity: Tonnes of a fraction, else kg.
        price: Money per unit of the quantity.
    """

    kind: str
    name: str
    party: str
    treatment: str
    region: int
    period: int
    quantity: float
    price: float


def list_material_sales(account: PlanAccount) -> Iterator[MaterialSale]:
    """List what a plan sells; metal that a smelter keeps and pays for is none of it.

    Yields:
        Fractions, then surplus metal and castings, each by period.
    """
    instance, decisions = account.instance, account.decisions
    yield from _list_fraction_sales(account)
    metals = tuple(zip(instance.metals.titles, instance.metals.names, strict=True))
    yield from _list_sales(SURPLUS, metals, decisions.surplus, instance.metals.sell.value)
    castings = account.cast * (1 - instance.alloys.scrap_share.value)[:, None]
    price = np.where(has_demand(instance)[:, None], instance.alloys.sell.value, 0.0)
    yield from _list_sales(CASTING, tuple((name, name) for name in instance.alloys.names), castings, price)


def _list_fraction_sales(account: PlanAccount) -> Iterator[MaterialSale]:
    """Yield the fractions sold, by treatment and fraction, period, region and price."""
    instance, routes, treated = account.instance, account.routes, account.treated_devices
    treatments, streams = instance.treatments, instance.streams
    for fraction in np.flatnonzero(treatments.sells.any(axis=1)).tolist():
        own = np.flatnonzero((routes.treatment == treatments.parent[fraction]) & routes.treats)
        device = streams.device[routes.stream[own]]
        share = np.where(treatments.sells[fraction], treatments.to_smelter.value[fraction], 0)[device]
        amounts, prices = share[:, None] * treated[own], treatments.sold.value[fraction, device]
        groups: dict[tuple[int, int, float], float] = {}
        for j, t in zip(*(axis.tolist() for axis in np.nonzero(amounts)), strict=True):
            key = t, int(streams.region[routes.stream[own[j]]]), float(prices[j, index_period(prices, t)])
            groups[key] = groups.get(key, 0.0) + float(amounts[j, t])
        treatment, _, name = treatments.names[fraction].partition("/")
        for (period, region, price), tonnes in sorted(groups.items()):
            yield MaterialSale(FRACTION, name, name, treatment, region, period, tonnes, price)


def _list_sales(
    kind: str, names: tuple[tuple[str, str], ...], amounts: Floats, prices: Floats
) -> Iterator[MaterialSale]:
    """Yield what is sold at a price, by title and name, then period; amounts (N, T) kg, prices (N, 1 or T)."""
    each = np.broadcast_to(prices, (len(names), amounts.shape[1]))
    for n, t in zip(*(axis.tolist() for axis in np.nonzero((amounts > 0) & (each != 0))), strict=True):
        name, party = names[n]
        yield MaterialSale(kind, name, party, "", -1, t, float(amounts[n, t]), float(each[n, t]))
