from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.arithmetic import Numbers, floats, summed, zeros
from medalopt.instance.figures import Bools, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.paths import Path, render
from medalopt.instance.routes import Reading, Routes, contained

_ROUNDING = 1e-12  # relative to the deduction; smaller floats count as 0


@dataclass(frozen=True, eq=False)
class Pools:
    """P lines of terms with pooled settlement, and the N routes that feed them."""

    line: Ints  # (P,) index of the line of terms
    smelter: Ints  # (P,)
    routes: Ints  # (N,) index of each route that feeds one
    pool: Ints  # (N,) index of its pooled line
    withheld: Numbers  # (N, E) kg/t of devices: deduction less the unpaid share; any sign
    exists: Bools  # (P, E, T) whether metal shipped in t can be withheld and is due within the horizon


def pools(instance: Instance, found: Routes, read: Reading = floats) -> Pools:
    """Find the pooled lots of an instance.

    Args:
        instance: The instance.
        found: Its routes.
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
        return Pools(line, smelter, none, none, zeros((0, metals), found.returned), exists)
    routes = np.flatnonzero(np.isin(found.line, line))
    pool = np.searchsorted(line, found.line[routes])
    some = np.zeros((len(line), metals), dtype=np.bool_)
    np.logical_or.at(some, pool, _withheld(instance, found, floats, routes) > 0)
    yields = np.zeros_like(some)
    np.logical_or.at(yields, pool, _yields(instance, found, routes))
    in_time = np.arange(periods)[None, None, :] + instance.smelters.lead[smelter][:, :, None] < periods
    return Pools(
        line, smelter, routes, pool, _withheld(instance, found, read, routes), (some & yields)[:, :, None] & in_time
    )


def _withheld(instance: Instance, found: Routes, read: Reading, routes: Ints) -> Numbers:
    r"""Return $w_j=\chi(\delta\pi-(1-r)m)$ of each of `routes`, (N, E), in kg/t of devices."""
    line, stream, treatment = found.line[routes], found.stream[routes], found.treatment[routes]
    share, deduction = read(instance.terms.returned)[line], read(instance.terms.deduction)[line]
    sent_on = read(instance.treatments.to_smelter)[treatment, instance.streams.device[stream]]
    deducted = deduction * sent_on[:, None]
    left = (1 - share) * contained(instance, read, stream, treatment)
    kept = read(instance.streams.credited)[stream] * (deducted - left)
    return np.where(abs(kept) > _ROUNDING * deducted, kept, 0) if read is floats else kept


def _yields(instance: Instance, found: Routes, routes: Ints) -> Bools:
    """Return for which metals `routes` have a payable share, (N, E)."""
    stream, line = found.stream[routes], found.line[routes]
    held = contained(instance, floats, stream, found.treatment[routes]) > 0
    return np.asarray(held & (instance.terms.returned.raw[line] > 0) & (instance.streams.credited.raw[stream] > 0))


def most_withheld(instance: Instance, found: Routes, lots: Pools, sent: Numbers) -> Numbers:
    """Bound the metal that pooled lots can withhold: the payable share of all supply that can be sent.

    Args:
        instance: The instance.
        found: Its routes.
        lots: Its pooled lots.
        sent (I, T): Greatest tonnes sent of each stream in each period.

    Returns:
        Upper bounds (P, E, T), kg.
    """
    metals = len(instance.metals.names)
    most = zeros((len(lots.line), metals, sent.shape[1]), sent)
    for metal in range(metals):
        share = found.returned[lots.routes, metal][:, None] * sent[found.stream[lots.routes]]
        most[:, metal] = summed(share, lots.pool, len(lots.line))
    return np.where(lots.exists, most, 0)


def pool_names(instance: Instance) -> tuple[str, ...]:
    """List the paths of pooled lines, in the order of `PooledLots`.

    Args:
        instance: The instance.

    Returns:
        `smelters.NAME`, or `smelters.NAME.terms.LINE` where the smelter has a schedule.
    """
    return tuple(render(pool_path(instance, pool)) for pool in range(int(instance.terms.pooled.sum())))


def pool_path(instance: Instance, pool: int) -> Path:
    """Return the path at which the terms of a pooled line are given.

    Args:
        instance: The instance.
        pool: Index of the pooled line.

    Returns:
        The path.
    """
    terms, line = instance.terms, int(np.flatnonzero(instance.terms.pooled)[pool])
    smelter: Path = ("smelters", instance.smelters.names[terms.smelter[line]])
    return (*smelter, "terms", terms.names[line]) if terms.names[line] else smelter
