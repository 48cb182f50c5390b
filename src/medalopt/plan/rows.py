"""The tables of a plan as columns of equal length; rows of zeros are dropped, except of metals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from medalopt.instance.decisions import Account
from medalopt.instance.figures import Ints
from medalopt.instance.needs import is_stocked
from medalopt.instance.pooling import pool_names

Rows = dict[str, list[Any]]

ROUNDING = 1e-9  # relative, as in the proof


def _names(axis: tuple[str, ...], at: Ints) -> list[str]:
    """Return the names at some indices."""
    return [axis[number] for number in at.tolist()]


def shipments(account: Account) -> Rows:
    """Return shipments: route, period, tonnes and cost."""
    instance, found, sent = account.instance, account.found, account.decisions.sent
    route, period = np.nonzero(sent)
    stream = found.stream[route]
    smelters = (*instance.smelters.names, None)  # the last, at -1, for a route without a smelter
    tonnes = sent[route, period]
    return {
        "stream": _names(instance.streams.names, stream),
        "device": _names(instance.devices.names, instance.streams.device[stream]),
        "region": _names(instance.regions, instance.streams.region[stream]),
        "treatment": _names(instance.treatments.names, found.treatment[route]),
        "smelter": [smelters[number] for number in found.smelter[route].tolist()],
        "period": _names(instance.periods, period),
        "tonnes": tonnes.tolist(),
        "cost": account.shipment_costs[route, period].tolist(),
    }


def stockpiles(account: Account) -> Rows:
    """Return tonnes in stock at the end of each period."""
    instance, waiting = account.instance, account.decisions.stockpile
    stream, period = np.nonzero(waiting)
    return {
        "stream": _names(instance.streams.names, stream),
        "period": _names(instance.periods, period),
        "tonnes": waiting[stream, period].tolist(),
    }


def purchases(account: Account) -> Rows:
    """Return offers bought and charged at once: kg and cost by offer, alloy and period."""
    instance = account.instance
    bought = np.where(is_stocked(instance)[:, None, None], 0.0, account.decisions.bought)
    offer, alloy, period = np.nonzero(bought)
    kilograms = bought[offer, alloy, period]
    return {
        "offer": _names(instance.market.names, offer),
        "alloy": _names(instance.alloys.names, alloy),
        "period": _names(instance.periods, period),
        "kg": kilograms.tolist(),
        "cost": (kilograms * instance.market.price.value[offer, period]).tolist(),
    }


def offer_stock(account: Account) -> Rows:
    """Return offers in stock: kg bought, charged and left by offer and period, and cost of the purchase.

    Stock below `ROUNDING_TOLERANCE` of all purchases of the offer is set to 0.
    """
    instance, stocked = account.instance, is_stocked(account.instance)[:, None]
    bought = np.where(stocked, account.purchases, 0.0)
    charged = np.where(stocked, account.decisions.bought.sum(axis=1), 0.0)
    left = np.where(abs(account.offer_stock) > ROUNDING * account.bought[:, None], account.offer_stock, 0.0)
    offer, period = np.nonzero((bought != 0) | (charged != 0) | (left != 0))
    return {
        "offer": _names(instance.market.names, offer),
        "period": _names(instance.periods, period),
        "bought": bought[offer, period].tolist(),
        "charged": charged[offer, period].tolist(),
        "stock": left[offer, period].tolist(),
        "cost": (bought * instance.market.price.value)[offer, period].tolist(),
    }


def offer_charges(account: Account) -> Rows:
    """Return kg charged from offers in stock, by offer, alloy and period."""
    instance = account.instance
    charged = np.where(is_stocked(instance)[:, None, None], account.decisions.bought, 0.0)
    offer, alloy, period = np.nonzero(charged)
    return {
        "offer": _names(instance.market.names, offer),
        "alloy": _names(instance.alloys.names, alloy),
        "period": _names(instance.periods, period),
        "kg": charged[offer, alloy, period].tolist(),
    }


def metals(account: Account) -> Rows:
    """Return the metal account: kg of every metal and period.

    Stock below `ROUNDING_TOLERANCE` of all inflow of the metal is set to 0.
    """
    instance = account.instance
    back = account.returned.sum(axis=0)
    turnover = instance.metals.opening_stock.value + back.sum(axis=1)
    stock = np.where(abs(account.stock) > ROUNDING * turnover[:, None], account.stock, 0.0)
    metal, period = (axis.ravel() for axis in np.indices(account.stock.shape))
    return {
        "metal": _names(instance.metals.names, metal),
        "period": _names(instance.periods, period),
        "returned": back.ravel().tolist(),
        "used": account.decisions.charged.sum(axis=0).ravel().tolist(),
        "surplus": account.decisions.surplus.ravel().tolist(),
        "stock": stock.ravel().tolist(),
    }


def melts(account: Account) -> Rows:
    """Return kg charged by alloy, period and metal, from stock and offers together; `other` is unnamed matter."""
    instance = account.instance
    other = np.maximum(account.charge - account.composition.sum(axis=1), 0)
    other = np.where(other > 1e-12 * account.charge, other, 0)[:, None, :]  # less is rounding
    charged = np.concatenate([account.composition, other], axis=1).transpose(0, 2, 1)  # (A, T, E + 1)
    alloy, period, metal = np.nonzero(charged)
    return {
        "alloy": _names(instance.alloys.names, alloy),
        "period": _names(instance.periods, period),
        "metal": _names((*instance.metals.names, "other"), metal),
        "kg": charged[alloy, period, metal].tolist(),
    }


def casts(account: Account) -> Rows:
    """Return kg cast, charged and recharged by alloy and period."""
    instance = account.instance
    alloy, period = np.nonzero(account.cast)
    return {
        "alloy": _names(instance.alloys.names, alloy),
        "period": _names(instance.periods, period),
        "charged": account.charge[alloy, period].tolist(),
        "scrap": account.decisions.recharged[alloy, period].tolist(),
        "cast": account.cast[alloy, period].tolist(),
    }


def withheld(account: Account) -> Rows:
    """Return kg withheld from each pooled lot by settlement terms, metal and period of shipment."""
    instance, kept = account.instance, account.decisions.withheld
    pool, metal, period = np.nonzero(kept)
    return {
        "terms": _names(pool_names(instance), pool),
        "metal": _names(instance.metals.names, metal),
        "period": _names(instance.periods, period),
        "kg": kept[pool, metal, period].tolist(),
    }


TABLES: dict[str, Callable[[Account], Rows]] = {
    "shipments": shipments,
    "stockpiles": stockpiles,
    "purchases": purchases,
    "metals": metals,
    "melts": melts,
    "casts": casts,
}
POOL_TABLES: dict[str, Callable[[Account], Rows]] = {"withheld": withheld}
STOCK_TABLES: dict[str, Callable[[Account], Rows]] = {"offer_stock": offer_stock, "offer_charges": offer_charges}


def tables(account: Account) -> dict[str, Rows]:
    """Return the tables of a plan.

    Args:
        account: Plan.

    Returns:
        Columns by table; those of offers in stock and of pooled lots only if the instance has any.
    """
    stock = STOCK_TABLES if is_stocked(account.instance).any() else {}
    pooled = POOL_TABLES if account.instance.terms.pooled.any() else {}
    return {name: table(account) for name, table in {**TABLES, **stock, **pooled}.items()}
