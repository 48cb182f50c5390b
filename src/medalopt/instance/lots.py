"""Whole lots and minimum orders: where they are asked for, and the same instance without them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medalopt.instance.arithmetic import Numbers
from medalopt.instance.bounds import Bounds
from medalopt.instance.figures import Bools, Figures
from medalopt.instance.instance import Instance, Market, Streams
from medalopt.instance.needs import is_stocked, may_buy


def without_lots(instance: Instance) -> Instance:
    """Return `instance` without whole lots and minimum orders: no plan of the one costs less than the best of this."""
    if not instance.lots:
        return instance
    streams, market = instance.streams, instance.market
    none, nothing = _nothing(len(streams.names)), _nothing(len(market.names))
    return replace(
        instance,
        lots=(),
        streams=replace(streams, lot=none, minimum_order=none),
        market=replace(market, lot=nothing, minimum_order=nothing),
    )


def _nothing(count: int) -> Figures:
    return Figures(np.zeros(count), np.zeros(count, dtype=np.intp))


def by_order(part: Streams | Market) -> Bools:
    """Return which of the streams, (I,), or offers, (O,), are ordered in whole lots or from a minimum on."""
    return (part.lot.raw > 0) | (part.minimum_order.raw > 0)


def most_bought(instance: Instance, bounds: Bounds) -> Numbers:
    """Return the most that can be bought of each offer in a period, (O,), kg: its limit, or what the melts take.

    Into stock more (see `bounds`).
    """
    melts = np.where(may_buy(instance), bounds.charge[None, :], 0).sum(axis=1)
    most = np.where(is_stocked(instance), bounds.purchase, melts)
    return np.minimum(instance.market.limit.value, most)
