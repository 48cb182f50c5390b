r"""Variables besides the network columns, and parameter arrays indexed by name: `capacity[smelter, period]`.

Linking variables aggregate the network; constraint families and extensions refer to them: feed $F_{kt}=\sum_{j\ni
k}\pi_jx_{jt}$ · treated $G_{ht}=\sum_{j\ni h}x_{jt}$ · returned $R_{ket}=\sum_{j\ni k}y_{je}x_{j,t-l_{ke}}$ · sent by
device, region and stream $X_d,X_g,X_i$ · spend $c_t=\sum_jc_{jt}x_{jt}+\sum_ih_is'_{it}$ · footprint
$\Phi=\sum_{jt}\phi_jx_{jt}$.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pyomo.core as pyo

from medalopt.instance.arithmetic import Numbers
from medalopt.instance.arrays import Bools
from medalopt.instance.bounds import (
    can_be_in_stock,
    can_return_metal,
    compute_bounds,
    compute_scrap_rate,
    has_demand,
    is_stocked,
    may_buy,
    may_charge,
)
from medalopt.instance.instance import Instance
from medalopt.instance.lots import LINE_KIND, has_lot_constraint
from medalopt.instance.routes import Routes, compute_separable_participation
from medalopt.instance.smelter_terms import has_limit, leaves_metal, list_terms_names, may_leave

AxisNames = Sequence[str]


def index_by_name(values: Numbers, *axes: AxisNames) -> dict[Any, float]:
    """Return an array as a mapping from names to values.

    Args:
        values: Array with one axis per element of `axes`.
        *axes: Names along each axis.

    Returns:
        By name, or by tuple of names for several axes.
    """
    keys: Any = product(*axes) if len(axes) > 1 else axes[0]
    return dict(zip(keys, values.ravel().tolist(), strict=True))


def select_names(chosen: Numbers, *axes: AxisNames) -> list[Any]:
    """Return the names at which a mask is true.

    Args:
        chosen: Mask with one axis per element of `axes`.
        *axes: Names along each axis.

    Returns:
        Names, or tuples of names, in row-major order.
    """
    return [key for key, holds in index_by_name(chosen, *axes).items() if holds]


def group_terms(table: Any, *axes: int) -> dict[Any, list[Any]]:
    """Group the members of an indexed component by some of their indices.

    Args:
        table: Component.
        *axes: Positions of the indices to keep.

    Returns:
        Members by the index kept, or by tuple of indices for several.
    """
    result: dict[Any, list[Any]] = {}
    for index, member in table.items():
        result.setdefault(tuple(index[axis] for axis in axes) if len(axes) > 1 else index[axes[0]], []).append(member)
    return result


LinkingKey = tuple[str, ...]


@dataclass(frozen=True)
class LinkingFamily:
    """One family of linking variables: component name, indices in order, documentation and lower bound."""

    name: str
    keys: tuple[LinkingKey, ...]
    doc: str
    lower: float | None = 0.0


def list_linking_families(instance: Instance, routes: Routes, whole: bool = True) -> tuple[LinkingFamily, ...]:
    """Return the families of linking variables of `instance`, in the row order of the network's defining equations.

    Args:
        instance: Instance.
        routes: Admissible routes (J).
        whole: Include every region and stream; otherwise only those that a constraint of the instance needs.

    Returns:
        The families, empty ones included.
    """
    periods, smelters, metals = instance.periods, instance.smelters.names, instance.metals.names
    back = select_names(can_return_metal(instance, routes), smelters, metals, periods)
    least = None if instance.terms.pooled.any() else 0.0  # non-negativity is a settlement constraint then
    ordered = [
        i for i, yes in zip(instance.streams.names, has_lot_constraint(instance.streams).tolist(), strict=True) if yes
    ]
    by_period = LinkingFamily(
        "shipped", tuple(product(ordered, periods)), "X_it: devices sent, by stream and period, t"
    )
    lines = select_names(LINE_KIND.find_members(instance), list_terms_names(instance))
    fed = LinkingFamily("line_feed", tuple(product(lines, periods)), "F_l: feed of a line of terms in a period, t")
    limited = select_names(has_limit(instance), smelters, instance.impurities.names)
    impurity = LinkingFamily(
        "impurity",
        tuple((k, x, t) for k, x in limited for t in periods),
        "S: metal or impurity in the feed of a smelter in a period, kg",
    )
    assured = LinkingFamily(
        "assured", list_cut_keys(instance, routes), "Y: metal returned less its deviation along a cut, kg", None
    )
    return (
        LinkingFamily("feed", tuple(product(smelters, periods)), "F: feed of a smelter in a period, t"),
        LinkingFamily(
            "treated", tuple(product(instance.treatments.names, periods)), "G: devices treated in a period, t"
        ),
        LinkingFamily("returned", tuple(back), "R: metal credited, by smelter, kg", least),
        *_list_line_families(instance, routes, least),
        LinkingFamily("sent_device", tuple((d,) for d in instance.devices.names), "X_d: devices sent, by type, t"),
        LinkingFamily(
            "sent_region",
            _keys_where(instance.regions, mark_linked_regions(instance, routes, whole)),
            "X_g: devices sent, by region, t",
        ),
        LinkingFamily(
            "sent_stream",
            _keys_where(instance.streams.names, mark_linked_streams(instance, whole)),
            "X_i: devices sent, by stream, t",
        ),
        *((by_period,) if ordered else ()),
        *((fed,) if fed.keys else ()),
        *((impurity,) if limited else ()),
        *((assured,) if routes.cuts else ()),
        LinkingFamily("spend", tuple((t,) for t in periods), "c_t: cost of the network in a period, money", None),
        LinkingFamily("network_footprint", ((),), "Phi: footprint of the network, kg CO2e", None),
    )


def list_cut_keys(instance: Instance, routes: Routes) -> tuple[LinkingKey, ...]:
    """Return metal, period and number of the cuts of the promised confidence.

    Args:
        instance: Instance.
        routes: Admissible routes, with the cuts.

    Returns:
        One key for each cut; empty without any.
    """
    return tuple(
        (instance.metals.names[cut.metal], instance.periods[cut.period], str(number))
        for number, cut in enumerate(routes.cuts)
    )


def _list_line_families(instance: Instance, routes: Routes, least: float | None) -> tuple[LinkingFamily, ...]:
    """Return the family of metal credited by line of terms; none where no metal may be left with a smelter."""
    if not leaves_metal(instance):
        return ()
    names, axes = (list_terms_names(instance), instance.metals.names, instance.periods), may_leave(instance, routes)
    doc = "R_l: metal credited, by line of terms, kg"
    return (LinkingFamily("returned_line", tuple(select_names(axes, *names)), doc, least),)


def mark_linked_regions(instance: Instance, routes: Routes, whole: bool) -> Bools:
    """Return a mask of the regions with a linking variable of their own.

    Args:
        instance: Instance.
        routes: Admissible routes (J).
        whole: Mark every region; otherwise those that a policy couples, or with a participation constraint that is not
            separable by stream.

    Returns:
        Mask (G).
    """
    asked = instance.policy.participation.raw > 0
    whole = whole or instance.policy.couples_regions
    return np.full(len(instance.regions), whole) | (asked & (compute_separable_participation(instance, routes) == 0))


def mark_linked_streams(instance: Instance, whole: bool) -> Bools:
    """Return a mask of the streams with a linking variable of their own.

    Args:
        instance: Instance.
        whole: Mark every stream; otherwise those with committed tonnes or price steps.

    Returns:
        Mask (I).
    """
    stepped = np.isin(np.arange(len(instance.streams.names)), instance.streams.steps.owner)
    return np.asarray(whole | stepped | (instance.streams.committed.raw > 0))


def _keys_where(names: tuple[str, ...], told: Bools) -> tuple[LinkingKey, ...]:
    """Return the index keys of the names that the mask selects."""
    return tuple((names[index],) for index in np.flatnonzero(told).tolist())


def declare_linking_variables(model: pyo.ConcreteModel, families: tuple[LinkingFamily, ...]) -> None:
    """Declare the linking variables, and the total tonnes `sent` as an expression; `attach_network` defines them.

    Args:
        model: Empty model.
        families: Linking families, from `list_linking_families`.
    """
    for link in families:
        index = () if link.keys == ((),) else (link.keys,)
        model.add_component(link.name, pyo.Var(*index, domain=pyo.Reals, bounds=(link.lower, None), doc=link.doc))
    model.sent = pyo.Expression(expr=pyo.quicksum(model.sent_device.values()), doc="X: total devices sent, t")


def iterate_linking_variables(model: pyo.ConcreteModel, families: tuple[LinkingFamily, ...]) -> Iterator[pyo.Var]:
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


def declare_metal_variables(model: pyo.ConcreteModel, instance: Instance, routes: Routes) -> None:
    """Declare stock, surplus, charge, purchase, casting and process scrap (kg), and the charge expressions.

    Args:
        model: Model to extend.
        instance: Instance.
        routes: Admissible routes (J), for the metals that can return and the purchase bounds.
    """
    metals, alloys, periods = instance.metals.names, instance.alloys.names, instance.periods
    account = select_names(can_be_in_stock(instance, routes), metals)
    owed = select_names(has_demand(instance), alloys)
    charges = select_names(may_charge(instance, routes), alloys, metals)
    purchases = select_names(may_buy(instance), instance.market.names, alloys)
    scrapping = select_names(compute_scrap_rate(instance) > 0, alloys)
    free = {"domain": pyo.NonNegativeReals}
    model.stock = pyo.Var(
        _keys_over_periods(account, periods), **free, doc="z: refined metal in stock at the end of a period, kg"
    )
    model.surplus = pyo.Var(_keys_over_periods(account, periods), **free, doc="g: surplus metal, sold, kg")
    model.charge = pyo.Var(_keys_over_periods(charges, periods), **free, doc="w: stocked metal charged to an alloy, kg")
    model.buy = pyo.Var(
        _keys_over_periods(purchases, periods),
        **free,
        doc="b: offer charged to an alloy, kg; bought at once, or from stock",
    )
    stocked = select_names(is_stocked(instance), instance.market.names)
    if stocked:
        most = index_by_name(compute_bounds(instance, routes).purchase, instance.market.names)
        keys = _keys_over_periods(stocked, periods)
        model.acquire = pyo.Var(
            keys,
            domain=pyo.NonNegativeReals,
            bounds=lambda m, o, t: (0.0, most[o]),
            doc="b+: offer bought into stock, kg",
        )
        model.offer_stock = pyo.Var(keys, **free, doc="z: offer in stock at the end of a period, kg")
    if leaves_metal(instance):
        keys = select_names(may_leave(instance, routes), list_terms_names(instance), metals, periods)
        model.left = pyo.Var(keys, **free, doc="L: credited metal left with a smelter, kg")
    model.cast = pyo.Var(_keys_over_periods(owed, periods), **free, doc="k: alloy cast, kg")
    model.recharge = pyo.Var(_keys_over_periods(scrapping, periods), **free, doc="v: process scrap charged again, kg")
    model.scrap = pyo.Var(
        _keys_over_periods(scrapping, periods), **free, doc="n: process scrap in hand at the end of a period, kg"
    )
    _declare_charge_expressions(model, instance, charges, purchases)


def _keys_over_periods(keys: Sequence[object], periods: tuple[str, ...]) -> list[tuple[object, ...]]:
    """Return each key extended by each period."""
    return [(*(key if isinstance(key, tuple) else (key,)), t) for key in keys for t in periods]


def _declare_charge_expressions(
    model: pyo.ConcreteModel,
    instance: Instance,
    charges: list[tuple[str, str]],
    purchases: list[tuple[str, str]],
) -> None:
    r"""Declare $C_{aet}=w_{aet}+\sum_ob_{oe}b_{oat}$ and $C_{at}=\sum_ew_{aet}+\sum_ob_{oat}$, no process scrap."""
    content = index_by_name(instance.market.composition.value, instance.market.names, instance.metals.names)
    stocked: dict[str, list[str]] = {}
    for a, e in charges:
        stocked.setdefault(a, []).append(e)
    bought: dict[str, list[str]] = {}
    for o, a in purchases:
        bought.setdefault(a, []).append(o)
    holding = {
        (a, e): [o for o in bought.get(a, []) if content[o, e]]
        for a in instance.alloys.names
        for e in instance.metals.names
    }
    reached = [key for key, offers in holding.items() if offers or key[1] in stocked.get(key[0], [])]

    def of_metal(m: pyo.ConcreteModel, a: str, e: str, t: str) -> object:
        """Sum one metal charged, from stock and in offers."""
        own = [m.charge[a, e, t]] if e in stocked.get(a, []) else []
        return pyo.quicksum(own + [content[o, e] * m.buy[o, a, t] for o in holding[a, e]])

    def in_all(m: pyo.ConcreteModel, a: str, t: str) -> object:
        """Sum all metal charged."""
        own = [m.charge[a, e, t] for e in stocked.get(a, [])]
        return pyo.quicksum(own + [m.buy[o, a, t] for o in bought.get(a, [])])

    charged = [a for a in instance.alloys.names if a in stocked or a in bought]
    model.charged = pyo.Expression(
        _keys_over_periods(reached, instance.periods),
        rule=of_metal,
        doc="C_ae: metal charged, from stock and offers, kg",
    )
    model.charged_all = pyo.Expression(
        _keys_over_periods(charged, instance.periods),
        rule=in_all,
        doc="C_a: total charge without process scrap, kg",
    )
