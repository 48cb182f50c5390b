from __future__ import annotations

from dataclasses import replace

import numpy as np

from medalopt.instance.arithmetic import Numbers
from medalopt.instance.bounds import Bounds
from medalopt.instance.figures import Bools, Figures
from medalopt.instance.instance import Instance, Market, Streams
from medalopt.instance.needs import is_stocked, may_buy


def without_lots(instance: Instance) -> Instance:
    """Return the relaxation of an instance without lot-size and minimum-order constraints.

    Args:
        instance: The instance.

    Returns:
        The relaxed instance, whose optimal cost is a lower bound; `instance` itself where it has no such constraint.
    """
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
    """Return `count` parameters equal to 0."""
    return Figures(np.zeros(count), np.zeros(count, dtype=np.intp))


def by_order(part: Streams | Market) -> Bools:
    """Return which streams or offers have a lot size or a minimum order.

    Args:
        part: The streams or the market of an instance.

    Returns:
        Mask (I,) or (O,).
    """
    return (part.lot.raw > 0) | (part.minimum_order.raw > 0)


def most_bought(instance: Instance, bounds: Bounds) -> Numbers:
    """Bound the purchases of each offer in a period: its limit, or the charge of the melts that admit it.

    Offers bought into stock have the greater bound `VariableBounds.purchase`.

    Args:
        instance: The instance.
        bounds: Implied bounds.

    Returns:
        Upper bounds (O,), kg.
    """
    melts = np.where(may_buy(instance), bounds.charge[None, :], 0).sum(axis=1)
    most = np.where(is_stocked(instance), bounds.purchase, melts)
    return np.minimum(instance.market.limit.value, most)
