"""Prices and charges that may change over time: arrays whose last axis has one value per period, or one for all.

An axis of length 1 stands for every period, so that an instance without such lists is no larger, and no slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from medalopt.instance.arithmetic import Numbers, make_zeros, read_floats
from medalopt.instance.arrays import ExactArray, Floats, Ints
from medalopt.instance.instance import Instance

if TYPE_CHECKING:
    from medalopt.instance.routes import NumberReader, PooledLots


def index_period(values: Numbers, period: Any) -> Any:
    """Return the index along the axis of periods at which the values of a period are found.

    Args:
        values (..., 1 or T): Values in any arithmetic.
        period: Index of a period, or array of them.

    Returns:
        The index, of the shape of `period`; 0 where one value holds for all periods.
    """
    last = values.shape[-1] - 1
    return min(period, last) if isinstance(period, int) else np.minimum(period, last)


def read_at_credit(charge: Numbers, lead: Ints, periods: int) -> Numbers:
    """Return charges on metal by period of shipment from those by period in which the metal is on the account.

    Args:
        charge (N, 1 or T): Charges by period of credit.
        lead (N,): Periods from shipment to credit.
        periods: Number of periods T.

    Returns:
        Charges (N, T); 0 for shipments whose metal is credited after the horizon.
    """
    back = np.arange(periods)[None, :] + lead[:, None]
    if charge.shape[1] > 1:
        charge = np.take_along_axis(charge, np.minimum(back, periods - 1), axis=1)
    return np.where(back < periods, charge, 0)


def compute_withheld_charge(instance: Instance, lots: PooledLots, read: NumberReader = read_floats) -> Numbers:
    """Compute the refining charge that a kilogram withheld of a pooled lot saves.

    Returns:
        Money per kilogram by pooled line, metal and period of shipment (P, E, T); 0 where it is credited too late.
    """
    charge, periods = read(instance.terms.refining_charge)[lots.line], len(instance.periods)
    total = make_zeros((*charge.shape[:2], periods), charge)
    for metal in range(charge.shape[1]):
        lead = instance.smelters.lead[lots.smelter, metal]
        total[:, metal] = read_at_credit(charge[:, metal], lead, periods)
    return total


def sum_over_routes(rate: Numbers, sent: Numbers) -> Numbers:
    """Sum a unit cost over all routes, by period.

    Args:
        rate (J, 1 or T): Money per tonne.
        sent (J, T): Tonnes sent.

    Returns:
        Money (T,).
    """
    return rate[:, 0] @ sent if rate.shape[1] == 1 else (rate * sent).sum(axis=0)


def compute_mean_price(instance: Instance, price: Floats) -> Floats:
    """Compute price and collection of a tonne of each stream, on average over its supply where they change over time.

    Args:
        instance: Instance.
        price (I, 1 or T): Price of a tonne, that of the step in use.

    Returns:
        Money per tonne (I,).
    """
    streams = instance.streams
    each = price + streams.collection.value
    if each.shape[1] == 1:
        return np.asarray(each[:, 0])
    available = streams.available.value
    total = available.sum(axis=1)
    weights = np.where(total[:, None] > 0, available, 1.0)
    return np.asarray((each * weights).sum(axis=1) / weights.sum(axis=1))


def stack_over_periods(arrays: Sequence[ExactArray]) -> ExactArray:
    """Stack the parameters of single periods along a new last axis; equal ones become one value for all periods.

    Args:
        arrays: Array (...) of each period, or one for all periods.

    Returns:
        Array (..., 1 or T).
    """
    factors: dict[Fraction, int] = {}
    raw, unit = [], []
    for one in arrays:
        place = np.array([factors.setdefault(factor, len(factors)) for factor in one.factors], dtype=np.intp)
        raw.append(one.raw)
        unit.append(place[np.broadcast_to(one.unit, one.raw.shape)])
    stacked = ExactArray(np.stack(raw, axis=-1), np.stack(unit, axis=-1), tuple(factors))
    same = (stacked.raw == stacked.raw[..., :1]).all() and (stacked.unit == stacked.unit[..., :1]).all()
    return ExactArray(stacked.raw[..., :1], stacked.unit[..., :1], stacked.factors) if same else stacked
