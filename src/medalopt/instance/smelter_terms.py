r"""Terms of the smelters: metal and impurities in feeds, penalties, pooled settlement, and metal left with a smelter.

The content of a feed is the metal or impurity in it by assay and recovery, in kg per tonne of feed. A feed whose
content is above `refuse` has no route. A penalty is $c\max(0,(a-\theta)/p)$ per tonne of feed of content $a$; per tonne
of devices, of which $\pi$ become feed with $m=\pi a$, it is $c\max(0,m-\theta\pi)/p$.

With pooled settlement all feed F of a line of terms in a period is one lot with metal M = sum(chi m x), of which the
smelter withholds W, so that the metal returned, R = sum(r chi m x) - W, is at most r M and at most M - delta F. Where
the share leaves more than the deduction with the smelter on every route, W is no variable.

Of a metal with `surplus: smelter`, credited metal beyond need is not called back. It is known by line of terms, metal
and the period in which it is credited: the smelter pays for it then, and the refining charge is due only on metal
called back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medalopt.instance.arithmetic import NumberReader, Numbers, make_zeros, read_floats, sum_by_group
from medalopt.instance.arrays import Bools, Ints
from medalopt.instance.instance import Instance
from medalopt.text import ParameterPath, render_path
from medalopt.tolerances import AMOUNT_TOLERANCE, SUM_TOLERANCE

if TYPE_CHECKING:
    from medalopt.instance.routes import Routes


def compute_impurity_content(instance: Instance, read: NumberReader, device: Ints, treatment: Ints) -> Numbers:
    """Compute the impurities in the feed per tonne of devices, before any condition of a smelter.

    Args:
        instance: The instance.
        read: Reads parameters in the arithmetic of the result.
        device (N,): Index of the device.
        treatment (N,): Index of the treatment.

    Returns:
        Assay times recovery (N, X), kg/t of devices.
    """
    impurities = instance.impurities
    content = read(impurities.assay)[device] * read(impurities.recovery)[treatment, device]
    for x, metal in enumerate(impurities.metal.tolist()):
        if metal >= 0:
            assay, recovery = read(instance.devices.assay), read(instance.treatments.recovery)
            content[:, x] = assay[device, metal] * recovery[treatment, device, metal]
    return content


def find_refused_elements(instance: Instance) -> Bools:
    """Find which feeds are above the content that a smelter accepts; equal, within rounding, is accepted.

    Returns:
        By smelter, device, treatment and element (K, D, H, X), False where no line of terms settles the feed.
    """
    impurities, line = instance.impurities, instance.smelters.line
    refused = np.zeros((*line.shape, len(impurities.names)), dtype=np.bool_)
    if not np.isfinite(impurities.refuse.raw).any():
        return refused
    k, d, h = np.nonzero(line >= 0)
    content = compute_impurity_content(instance, read_floats, d, h)
    share = instance.treatments.to_smelter.value[h, d][:, None]
    limit = impurities.refuse.value[line[k, d, h]]
    with np.errstate(invalid="ignore"):
        above = content > limit * share * (1 + AMOUNT_TOLERANCE)
    refused[k, d, h] = above & np.isfinite(limit)
    return refused


def find_accepted_lines(instance: Instance) -> Ints:
    """Find the line of terms of every feed that a smelter accepts.

    Returns:
        By smelter, device and treatment (K, D, H), -1 where the feed is not accepted.
    """
    line = instance.smelters.line
    if not np.isfinite(instance.impurities.refuse.raw).any():
        return line
    return np.where(find_refused_elements(instance).any(axis=-1), -1, line)


def has_limit(instance: Instance) -> Bools:
    """Return which elements a smelter limits in its feed.

    Returns:
        Mask (K, X).
    """
    return np.isfinite(instance.impurities.limit.raw)


def compute_penalties(
    instance: Instance,
    read: NumberReader,
    line: Ints,
    content: Numbers,
    to_smelter: Numbers,
) -> Numbers:
    """Compute the penalties of feeds.

    Args:
        instance: The instance.
        read: Reads parameters in the arithmetic of the result.
        line (N,): Index of the line of terms, -1 without a smelter.
        content (N, X): Impurities in the feed, kg/t of devices.
        to_smelter (N,): Mass fraction sent on to the smelter.

    Returns:
        Penalties by element (N, X, 1 or T), money/t of devices.
    """
    impurities = instance.impurities
    total = make_zeros((*content.shape, impurities.penalty_charge.shape[1]), content)
    above, per, charge = map(read, (impurities.penalty_above, impurities.penalty_per, impurities.penalty_charge))
    for n, (of, x) in enumerate(
        zip(impurities.penalty_line.tolist(), impurities.penalty_element.tolist(), strict=True)
    ):
        those = np.flatnonzero(line == of)
        excess = np.maximum(content[those, x] - above[n] * to_smelter[those], 0)
        total[those, x] = total[those, x] + charge[n] * excess[:, None] / per[n]
    return total


def compute_feed_metal(instance: Instance, read: NumberReader, stream: Ints, treatment: Ints) -> Numbers:
    """Return $m_{je}$, (N, E): metal in the feed per tonne of devices of each stream and treatment, kg/t.

    Args:
        instance: Instance.
        read: Reads an array in floats, intervals or fractions.
        stream: Streams, (N,).
        treatment: Treatment of each, (N,).

    Returns:
        (N, E) kg/t.
    """
    device = instance.streams.device[stream]
    return read(instance.devices.assay)[device] * read(instance.treatments.recovery)[treatment, device]


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


@dataclass(frozen=True, eq=False)
class PooledLots:
    """P lines of terms with pooled settlement, and the N routes that feed them."""

    line: Ints  # (P,) index of the line of terms
    smelter: Ints  # (P,)
    routes: Ints  # (N,) index of each route that feeds one
    pool: Ints  # (N,) index of its pooled line
    withheld: Numbers  # (N, E) kg/t of devices: deduction less the unpaid share; any sign
    exists: Bools  # (P, E, T) whether metal shipped in t can be withheld and is due within the horizon


def find_pooled_lots(instance: Instance, all_routes: Routes, read: NumberReader = read_floats) -> PooledLots:
    """Find the pooled lots of an instance.

    Args:
        instance: The instance.
        all_routes: Its routes.
        read: Reads parameters in the arithmetic of `withheld`.

    Returns:
        The pooled lots; none where every route is settled separately.
    """
    line = np.flatnonzero(instance.terms.pooled)
    metals, periods = len(instance.metals.names), len(instance.periods)
    smelter = instance.terms.smelter[line]
    if not len(line):
        none = np.zeros(0, dtype=np.intp)
        exists = np.zeros((0, metals, periods), dtype=np.bool_)
        return PooledLots(line, smelter, none, none, make_zeros((0, metals), all_routes.returned), exists)
    routes = np.flatnonzero(np.isin(all_routes.line, line))
    pool = np.searchsorted(line, all_routes.line[routes])
    some = np.zeros((len(line), metals), dtype=np.bool_)
    np.logical_or.at(some, pool, _compute_withheld_rate(instance, all_routes, read_floats, routes) > 0)
    yields = np.zeros_like(some)
    np.logical_or.at(yields, pool, _is_payable(instance, all_routes, routes))
    in_time = np.arange(periods)[None, None, :] + instance.smelters.lead[smelter][:, :, None] < periods
    return PooledLots(
        line,
        smelter,
        routes,
        pool,
        _compute_withheld_rate(instance, all_routes, read, routes),
        (some & yields)[:, :, None] & in_time,
    )


def _compute_withheld_rate(instance: Instance, all_routes: Routes, read: NumberReader, routes: Ints) -> Numbers:
    r"""Return $w_j=\chi(\delta\pi-(1-r)m)$ of each of `routes`, (N, E), in kg/t of devices."""
    line, stream, treatment = all_routes.line[routes], all_routes.stream[routes], all_routes.treatment[routes]
    share, deduction = read(instance.terms.returned)[line], read(instance.terms.deduction)[line]
    sent_on = read(instance.treatments.to_smelter)[treatment, instance.streams.device[stream]]
    deducted = deduction * sent_on[:, None]
    left = (1 - share) * compute_feed_metal(instance, read, stream, treatment)
    withheld = read(instance.streams.credited)[stream] * (deducted - left)
    return np.where(abs(withheld) > SUM_TOLERANCE * deducted, withheld, 0) if read is read_floats else withheld


def _is_payable(instance: Instance, all_routes: Routes, routes: Ints) -> Bools:
    """Return for which metals `routes` have a payable share, (N, E)."""
    stream, line = all_routes.stream[routes], all_routes.line[routes]
    held = compute_feed_metal(instance, read_floats, stream, all_routes.treatment[routes]) > 0
    return np.asarray(held & (instance.terms.returned.raw[line] > 0) & (instance.streams.credited.raw[stream] > 0))


def bound_withheld(instance: Instance, routes: Routes, lots: PooledLots, sent: Numbers) -> Numbers:
    """Bound the metal that pooled lots can withhold: the payable share of all supply that can be sent.

    Args:
        instance: The instance.
        routes: Its routes.
        lots: Its pooled lots.
        sent (I, T): Greatest tonnes sent of each stream in each period.

    Returns:
        Upper bounds (P, E, T), kg.
    """
    metals = len(instance.metals.names)
    maximum = make_zeros((len(lots.line), metals, sent.shape[1]), sent)
    for metal in range(metals):
        share = routes.returned[lots.routes, metal][:, None] * sent[routes.stream[lots.routes]]
        maximum[:, metal] = sum_by_group(share, lots.pool, len(lots.line))
    return np.where(lots.exists, maximum, 0)


def list_pool_names(instance: Instance) -> tuple[str, ...]:
    """List the paths of pooled lines, in the order of `PooledLots`.

    Returns:
        `smelters.NAME`, or `smelters.NAME.terms.LINE` where the smelter has a schedule.
    """
    return tuple(render_path(locate_pool_terms(instance, pool)) for pool in range(int(instance.terms.pooled.sum())))


def locate_pool_terms(instance: Instance, pool: int) -> ParameterPath:
    """Return the path at which the terms of a pooled line are given.

    Args:
        instance: The instance.
        pool: Index of the pooled line.

    Returns:
        The path.
    """
    return _locate_terms(instance, int(np.flatnonzero(instance.terms.pooled)[pool]))


def _locate_terms(instance: Instance, line: int) -> ParameterPath:
    """Return the path at which a line of terms is given."""
    terms = instance.terms
    smelter: ParameterPath = ("smelters", instance.smelters.names[terms.smelter[line]])
    return (*smelter, "terms", terms.names[line]) if terms.names[line] else smelter


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
    return tuple(render_path(_locate_terms(instance, line)) for line in range(len(instance.terms.names)))


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
    used = (sent != 0).any(axis=1)  # of a nation few routes are
    for metal in np.flatnonzero(instance.metals.surplus_to_smelter).tolist():
        moved = np.nonzero((routes.returned[:, metal] != 0) & used)[0]
        returned = sum_by_group(routes.returned[moved, metal][:, None] * sent[moved], routes.line[moved], lines)
        if len(lots.line):
            returned[lots.line] = returned[lots.line] - withheld[:, metal]
        total[:, metal] = _shift_to_credit(instance, returned, metal)
    return total


def _shift_to_credit(instance: Instance, values: Numbers, metal: int) -> Numbers:
    """Move values (L, T) of a metal from the period of shipment to that of credit, within the horizon."""
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
