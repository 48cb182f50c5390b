r"""Linking variables: aggregates of the network on which all other constraints are written.

feed $F_{kt}=\sum_{j\ni k}\pi_jx_{jt}$ · treated $G_{ht}=\sum_{j\ni h}x_{jt}$ ·
returned $R_{ket}=\sum_{j\ni k}y_{je}x_{j,t-l_{ke}}$ · sent by device, region and stream $X_d,X_g,X_i$ ·
spend $c_t=\sum_jc_{jt}x_{jt}+\sum_ih_is'_{it}$ · footprint $\Phi=\sum_{jt}\phi_jx_{jt}$.

Constraint families and user extensions refer to these, never to the network columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pyomo.core as pyo

from medalopt.instance.figures import Bools, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.lots import by_order
from medalopt.instance.needs import returns
from medalopt.instance.participating import own_share
from medalopt.instance.routes import Routes

Key = tuple[str, ...]


@dataclass(frozen=True)
class Link:
    """One family of linking variables: component name, indices in order, documentation and lower bound."""

    name: str
    keys: tuple[Key, ...]
    doc: str
    lower: float | None = 0.0


def links(instance: Instance, found: Routes, whole: bool = True) -> tuple[Link, ...]:
    """Return the families of linking variables of `instance`, in the row order of the network's defining equations.

    Args:
        instance: Instance.
        found: Admissible routes (J).
        whole: Include every region and stream; otherwise only those that a constraint of the instance needs.

    Returns:
        The families, empty ones included.
    """
    periods, smelters, metals = instance.periods, instance.smelters.names, instance.metals.names
    back = [
        (smelters[k], metals[e], periods[t])
        for k, e, t in zip(*(axis.tolist() for axis in returned_at(instance, found)), strict=True)
    ]
    least = None if instance.terms.pooled.any() else 0.0  # non-negativity is a settlement constraint then
    ordered = [i for i, yes in zip(instance.streams.names, by_order(instance.streams).tolist(), strict=True) if yes]
    by_period = Link("shipped", tuple(product(ordered, periods)), "X_it: devices sent, by stream and period, t")
    return (
        Link("feed", tuple(product(smelters, periods)), "F: feed of a smelter in a period, t"),
        Link("treated", tuple(product(instance.treatments.names, periods)), "G: devices treated in a period, t"),
        Link("returned", tuple(back), "R: metal back on the account, by smelter, kg", least),
        Link("sent_device", tuple((d,) for d in instance.devices.names), "X_d: devices sent, by type, t"),
        Link(
            "sent_region",
            _told(instance.regions, told_regions(instance, found, whole)),
            "X_g: devices sent, by region, t",
        ),
        Link(
            "sent_stream",
            _told(instance.streams.names, told_streams(instance, whole)),
            "X_i: devices sent, by stream, t",
        ),
        *((by_period,) if ordered else ()),
        Link("spend", tuple((t,) for t in periods), "c_t: what the network costs in a period, money", None),
        Link("network_footprint", ((),), "Phi: footprint of the network, kg CO2e", None),
    )


def told_regions(instance: Instance, found: Routes, whole: bool) -> Bools:
    """Return a mask of the regions with a linking variable of their own.

    Args:
        instance: Instance.
        found: Admissible routes (J).
        whole: Mark every region; otherwise those with a participation constraint that is not separable by stream.

    Returns:
        Mask (G).
    """
    asked = instance.policy.participation.raw > 0
    return np.full(len(instance.regions), whole) | (asked & (own_share(instance, found) == 0))


def told_streams(instance: Instance, whole: bool) -> Bools:
    """Return a mask of the streams with a linking variable of their own.

    Args:
        instance: Instance.
        whole: Mark every stream; otherwise those with committed tonnes.

    Returns:
        Mask (I).
    """
    return np.asarray(whole | (instance.streams.committed.raw > 0))


def _told(names: tuple[str, ...], told: Bools) -> tuple[Key, ...]:
    """Return the index keys of the names that the mask selects."""
    return tuple((names[at],) for at in np.flatnonzero(told).tolist())


def returned_at(instance: Instance, found: Routes) -> tuple[Ints, Ints, Ints]:
    """Return the indices at which metal can return from a smelter.

    Args:
        instance: Instance.
        found: Admissible routes (J).

    Returns:
        Smelter, metal and period indices, three arrays of equal length.
    """
    smelter, metal, period = np.nonzero(returns(instance, found))
    return smelter, metal, period


def declare(model: pyo.ConcreteModel, families: tuple[Link, ...]) -> None:
    """Declare the linking variables, and the total tonnes `sent` as an expression; `attach_network` defines them.

    Args:
        model: Empty model.
        families: Linking families, from `list_linking_families`.
    """
    for link in families:
        index = () if link.keys == ((),) else (link.keys,)
        model.add_component(link.name, pyo.Var(*index, domain=pyo.Reals, bounds=(link.lower, None), doc=link.doc))
    model.sent = pyo.Expression(expr=pyo.quicksum(model.sent_device.values()), doc="X: devices sent in all, t")


def variables(model: pyo.ConcreteModel, families: tuple[Link, ...]) -> Iterator[pyo.Var]:
    """Yield the linking variables in the row order of the network's defining equations.

    Args:
        model: Model with the linking variables declared.
        families: Linking families, from `list_linking_families`.

    Yields:
        One Pyomo variable per linking quantity.
    """
    for link in families:
        component = model.component(link.name)
        if link.keys == ((),):
            yield component
        else:
            yield from (component[key] for key in link.keys)
