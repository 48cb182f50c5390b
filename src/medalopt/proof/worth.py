"""Prices of linking quantities converted to prices of the decisions they consist of (adjoint of the accounting)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from medalopt.instance.arithmetic import Numbers, zeros
from medalopt.instance.instance import Instance
from medalopt.instance.needs import is_stocked
from medalopt.instance.pooling import pools
from medalopt.instance.routes import Reading, Routes, route_costs

_LINKING = frozenset(
    {"feed", "treated", "returned", "sent_device", "sent_region", "sent_stream", "spend", "network_footprint"}
)


def on_decisions(instance: Instance, found: Routes, read: Reading, price: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Return prices of quantities as prices of the decisions.

    Decisions are `sent`, `stockpile`, `take`, `stock`, `surplus`, `charge`, `buy`, `acquire`, `offer_stock`, `cast`,
    `cast_stock`, `recharge`, `scrap` and `withheld`. A linking quantity is the sum of its shipments, spending includes
    stockpiles, and an offer bought is the sum of its purchases.

    Args:
        instance: Instance.
        found: Admissible routes (J).
        read: Reads parameters in the arithmetic of the prices.
        price: Price per unit of each quantity, by array.

    Returns:
        Price per unit of each decision, by array.
    """
    made = {array: each for array, each in price.items() if array not in _LINKING | {"bought", "acquire"}}
    if not _LINKING.isdisjoint(price):
        made["sent"] = made.get("sent", 0) + _on_routes(instance, found, price)
    if "spend" in price:
        waiting = read(instance.streams.storage_cost)[:, None] * price["spend"][None, :]
        made["stockpile"] = made.get("stockpile", 0) + waiting
    made |= _on_withheld(instance, found, read, price, made)
    shape = (len(instance.market.names), len(instance.alloys.names), len(instance.periods))
    stocked = is_stocked(instance)[:, None]
    if "acquire" in price or ("bought" in price and stocked.any()):
        purchases = _on_purchases(instance, price)
        made["acquire"] = np.where(stocked, purchases, 0)
        at_once = np.where(stocked, 0, purchases)[:, None, :]
        made["buy"] = made.get("buy", zeros(shape, purchases)) + at_once
    elif "bought" in price:
        made["buy"] = made.get("buy", zeros(shape, price["bought"])) + price["bought"][:, None, None]
    return made


def _on_purchases(instance: Instance, price: Mapping[str, Numbers]) -> Numbers:
    """Return the prices of purchases per period (O, T), those of totals over the horizon included."""
    total = price.get("acquire", 0)
    if "bought" not in price:
        return total
    shape = (len(instance.market.names), len(instance.periods))
    return total + (zeros(shape, price["bought"]) + price["bought"][:, None])


def _on_withheld(
    instance: Instance, found: Routes, read: Reading, price: Mapping[str, Numbers], made: Mapping[str, Numbers]
) -> dict[str, Numbers]:
    """Return the prices of metal withheld from pooled lots: it is neither returned nor refined."""
    lots, periods = pools(instance, found, read), np.arange(len(instance.periods))
    if not len(lots.line) or {"returned", "spend"}.isdisjoint(price):
        return {}
    total = made.get("withheld", 0)
    if "spend" in price:
        charge = read(instance.terms.refining_charge)[lots.line]
        total = total - charge[:, :, None] * price["spend"][None, None, :]
    if "returned" in price:
        back = price["returned"]
        padded = np.concatenate([back, np.zeros_like(back[..., :1])], axis=-1)  # too late to count
        when = np.minimum(periods[None, None, :] + instance.smelters.lead[lots.smelter][:, :, None], len(periods))
        total = total - padded[lots.smelter[:, None, None], np.arange(back.shape[1])[None, :, None], when]
    return {"withheld": total}


def _on_routes(instance: Instance, found: Routes, price: Mapping[str, Numbers]) -> Numbers:
    """Return the prices of linking quantities per tonne on each route (J, T)."""
    total = zeros((len(found), len(instance.periods)), found.footprint)
    device, region = instance.streams.device[found.stream], instance.streams.region[found.stream]
    for array, group in (("sent_device", device), ("sent_region", region), ("sent_stream", found.stream)):
        if array in price:
            total = total + price[array][group][:, None]
    if "network_footprint" in price:
        total = total + (found.footprint * price["network_footprint"][0])[:, None]
    if "treated" in price:
        total = total + price["treated"][found.treatment]
    if "spend" in price:
        total = total + route_costs(instance, found) * price["spend"][None, :]
    travels = np.nonzero(found.smelter >= 0)[0]
    if "feed" in price:
        total[travels] = total[travels] + found.to_smelter[travels][:, None] * price["feed"][found.smelter[travels]]
    if "returned" in price:
        total[travels] = total[travels] + _returned(instance, found, price["returned"])
    return total


def _returned(instance: Instance, found: Routes, price: Numbers) -> Numbers:
    """Return the value of returned metal per tonne on each route to a smelter (routes to a smelter, T)."""
    travels, periods = np.nonzero(found.smelter >= 0)[0], np.arange(len(instance.periods))
    smelter = found.smelter[travels]
    padded = np.concatenate([price, np.zeros_like(price[..., :1])], axis=-1)  # too late to count
    total = zeros((len(travels), len(periods)), price)
    for metal in range(len(instance.metals.names)):
        when = np.minimum(periods[None, :] + instance.smelters.lead[smelter, metal][:, None], len(periods))
        total = total + found.returned[travels, metal][:, None] * padded[smelter[:, None], metal, when]
    return total
