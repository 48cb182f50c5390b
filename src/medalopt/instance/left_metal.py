"""Metal left with the smelters: of a metal with `surplus: smelter`, credited metal beyond need is not called back.

It is known by line of terms, metal and the period in which it is credited: the smelter pays for it then, and the
refining charge is due only on metal called back.
"""

from __future__ import annotations

import numpy as np

from medalopt.instance.arithmetic import Numbers, make_zeros, read_floats, sum_by_group
from medalopt.instance.arrays import Bools, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render_path
from medalopt.instance.routes import NumberReader, PooledLots, Routes, locate_terms


def leaves_metal(instance: Instance) -> bool:
    """Return whether any metal may be left with a smelter.

    Returns:
        True if surplus of a metal goes to the smelters.
    """
    return bool(instance.metals.surplus_to_smelter.any())


def list_terms_names(instance: Instance) -> tuple[str, ...]:
    """List the paths of all lines of terms.

    Returns:
        `smelters.NAME`, or `smelters.NAME.terms.LINE` where the smelter has a schedule (L,).
    """
    return tuple(render_path(locate_terms(instance, line)) for line in range(len(instance.terms.names)))


def get_line_leads(instance: Instance) -> Ints:
    """Return the periods from shipment to credited metal by line of terms, (L, E).

    Returns:
        (L, E) periods.
    """
    return instance.smelters.lead[instance.terms.smelter]


def may_leave(instance: Instance, routes: Routes) -> Bools:
    """Return where metal may be left with a smelter: a route of the line yields it, and its lead time has passed.

    Returns:
        Mask by line of terms, metal and period in which it is credited (L, E, T).
    """
    lines, metals, periods = len(instance.terms.names), len(instance.metals.names), len(instance.periods)
    if not leaves_metal(instance):
        return np.zeros((lines, metals, periods), dtype=np.bool_)
    yields = np.zeros((lines, metals), dtype=np.bool_)
    for metal in np.flatnonzero(instance.metals.surplus_to_smelter).tolist():
        yields[routes.line[np.nonzero(routes.returned[:, metal] > 0)[0]], metal] = True  # routes to a smelter alone
    return yields[:, :, None] & (np.arange(periods)[None, None, :] >= get_line_leads(instance)[:, :, None])


def compute_worth_left(instance: Instance, read: NumberReader = read_floats) -> Numbers:
    """Compute the value of a kilogram left with a smelter: its price, and the refining charge saved.

    Args:
        instance: The instance, in which some metal may be left.
        read: Reads parameters in the arithmetic of the result.

    Returns:
        Money per kilogram by line of terms, metal and period in which it is credited (L, E, T).
    """
    return read(instance.terms.pays) + read(instance.terms.refining_charge)


def sum_credited_by_line(
    instance: Instance, routes: Routes, lots: PooledLots, sent: Numbers, withheld: Numbers
) -> Numbers:
    """Sum the metal credited by line of terms, of the metals that may be left with the smelters.

    Args:
        instance: The instance.
        routes: Its routes.
        lots: Its pooled lots.
        sent (J, T): Devices sent on each route, t.
        withheld (P, E, T): Metal withheld of pooled lots by period of shipment, kg.

    Returns:
        Metal by period in which it is credited (L, E, T), kg; 0 for all other metals.
    """
    lines, periods = len(instance.terms.names), sent.shape[1]
    total = make_zeros((lines, len(instance.metals.names), periods), sent)
    for metal in np.flatnonzero(instance.metals.surplus_to_smelter).tolist():
        moved = np.nonzero(routes.returned[:, metal] != 0)[0]
        returned = sum_by_group(routes.returned[moved, metal][:, None] * sent[moved], routes.line[moved], lines)
        if len(lots.line):
            returned[lots.line] = returned[lots.line] - withheld[:, metal]
        total[:, metal] = shift_to_credit(instance, returned, metal)
    return total


def shift_to_credit(instance: Instance, values: Numbers, metal: int) -> Numbers:
    """Move values of a metal by line from the period of shipment to that in which the metal is credited.

    Args:
        instance: The instance.
        values (L, T): Values by period of shipment.
        metal: Index of the metal.

    Returns:
        Values (L, T); those of metal that is credited after the horizon are dropped.
    """
    total, periods = make_zeros(values.shape, values), values.shape[1]
    for line, lead in enumerate(get_line_leads(instance)[:, metal].tolist()):
        if lead < periods:
            total[line, lead:] = values[line, : periods - lead]
    return total


def shift_to_shipment(instance: Instance, values: Numbers) -> Numbers:
    """Move values by line and metal from the period in which the metal is credited to that of its shipment.

    Args:
        instance: The instance.
        values (L, E, T): Values by period in which the metal is credited.

    Returns:
        Values by period of shipment (L, E, T); 0 for shipments whose metal is credited after the horizon.
    """
    periods = values.shape[2]
    padded = np.concatenate([values, np.zeros_like(values[:, :, :1])], axis=2)
    back = np.minimum(np.arange(periods)[None, None, :] + get_line_leads(instance)[:, :, None], periods)
    lines, metals = np.arange(values.shape[0])[:, None, None], np.arange(values.shape[1])[None, :, None]
    return padded[lines, metals, back]
