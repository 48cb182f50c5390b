"""Quantities that extensions may refer to, by their names in `models/sourcing.md`, evaluated on a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from medalopt.instance.arithmetic import Numbers, summed, zeros
from medalopt.instance.decisions import Account
from medalopt.instance.needs import owed

_SPENT = ("supply", "collection", "treatment", "transport", "smelting", "refining", "residue", "storage")


def quantity(account: Account, array: str) -> Numbers:
    """Return the values of one array of quantities.

    Args:
        account: Plan.
        array: Name of the array.

    Returns:
        The values, in the unit of the quantity.
    """
    return _VALUES[array](account)


def scale(account: Account, array: str) -> Numbers:
    """Return the magnitude that rounding errors of an array are relative to: for a difference, that of its parts.

    Args:
        account: Plan.
        array: Name of the array.

    Returns:
        Non-negative values of the same shape as the quantity.
    """
    made = _SCALES.get(array)
    return made(account) if made else abs(quantity(account, array))


def _sent(by: str, groups: str) -> Callable[[Account], Numbers]:
    """Return a function that sums the tonnes sent by device or region."""

    def values(account: Account) -> Numbers:
        group, names = getattr(account.instance.streams, by), getattr(account.instance, groups)
        return summed(account.sent, group, len(names if by == "region" else names.names))

    return values


def _taken(account: Account) -> Numbers:
    """Return the share taken of each bundle (B, T): tonnes sent and stocked over supply."""
    streams, waits = account.instance.streams, account.decisions.stockpile
    before = np.concatenate([np.zeros_like(waits[:, :1]), waits[:, :-1]], axis=1)
    sent = summed(account.decisions.sent, account.found.stream, len(streams.names))
    member, bundles = streams.bundle >= 0, len(account.instance.bundles)
    taken = summed((sent + waits - before)[member], streams.bundle[member], bundles)
    offered = summed(account.read(streams.available)[member], streams.bundle[member], bundles)
    return np.where(offered > 0, taken / np.where(offered > 0, offered, 1), 0)


def _network_footprint(account: Account) -> Numbers:
    """Return the footprint of the network (1), kg CO2e."""
    emitted = (account.found.footprint @ account.decisions.sent).sum()
    return zeros((1,), account.sent) + emitted


_VALUES: Mapping[str, Callable[[Account], Numbers]] = {
    "sent": lambda account: account.decisions.sent,
    "stockpile": lambda account: account.decisions.stockpile,
    "take": _taken,
    "feed": lambda account: account.feed,
    "treated": lambda account: account.treated,
    "returned": lambda account: account.returned,
    "sent_device": _sent("device", "devices"),
    "sent_region": _sent("region", "regions"),
    "sent_stream": lambda account: account.sent,
    "spend": lambda account: sum(account.costs[kind] for kind in _SPENT),
    "network_footprint": _network_footprint,
    "bought": lambda account: account.bought,
    "acquire": lambda account: account.purchases,
    "offer_stock": lambda account: account.offer_stock,
    "stock": lambda account: account.stock,
    "surplus": lambda account: account.decisions.surplus,
    "charge": lambda account: account.decisions.charged,
    "buy": lambda account: account.decisions.bought,
    "cast": lambda account: account.cast,
    "cast_stock": lambda account: account.cast_stock,
    "recharge": lambda account: account.decisions.recharged,
    "scrap": lambda account: account.scrap,
    "withheld": lambda account: account.decisions.withheld,
}
_SCALES: Mapping[str, Callable[[Account], Numbers]] = {
    "spend": lambda account: sum(abs(account.costs[kind]) for kind in _SPENT),
    "stock": lambda account: np.maximum(
        abs(account.stock), np.cumsum(account.decisions.charged.sum(axis=0) + account.decisions.surplus, axis=1)
    ),
    "scrap": lambda account: np.maximum(abs(account.scrap), np.cumsum(account.decisions.recharged, axis=1)),
    "offer_stock": lambda account: np.maximum(abs(account.offer_stock), np.cumsum(account.purchases, axis=1)),
    "cast_stock": lambda account: np.maximum(abs(account.cast_stock), owed(account.instance, account.read)),
}
