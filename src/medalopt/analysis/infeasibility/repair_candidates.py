"""Parameters that may relax the rules of a conflict, by constraint kind, each with its direction and limit.

A lister yields parameters from the instance, the names of the rule (empty for all), its periods, and the streams in
the order in which more supply helps most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np

from medalopt.analysis.infeasibility.repair_parameter import RepairParameter
from medalopt.catalog import Family, Limit
from medalopt.instance.bounds import get_limit, list_axis_names
from medalopt.instance.demand import is_excluded_by_unnamed
from medalopt.instance.instance import Instance
from medalopt.instance.price_steps import STEP_KINDS, StepKind
from medalopt.text import ParameterPath, parse_path
from medalopt.units import PER_CENT

MAX_CONTENT = 1000.0  # kg/t
MAX_MEDAL_FACTOR = 10.0  # largest factor on the number of medals in a repair
MAX_DEVICE_KINDS = 2  # kinds of device, each with its likeliest stream, if all streams fall short together
StreamRanking = Mapping[str, int]  # streams, likeliest first, to the last period in which one tonne more helps most


def _list_no_parameters(*_: Any) -> Iterator[RepairParameter]:
    """List nothing: only its own file can change a constraint of an extension, and some rules have no parameter."""
    return iter(())


def _make_share_parameter(
    instance: Instance, a: int, path: ParameterPath, field: str, up: bool, end: float
) -> RepairParameter:
    """Return a share [%] of alloy `a` as parameter."""
    now = float(getattr(instance.alloys, field).exact()[a] * 100)
    return RepairParameter((path,), "alloys", field, (a,), "%", PER_CENT, (now,), "one", up, end)


def _make_amount_parameter(
    path: ParameterPath, instance: Instance, section: str, field: str, at: tuple[Any, ...], unit: str, up: bool
) -> RepairParameter:
    """Return an amount as parameter: one value, or one per period, reduced to one if all are equal."""
    values = np.atleast_1d(attrgetter(f"{section}.{field}")(instance).value[at])
    same = bool((values == values[0]).all())
    now = (float(values[0]),) if same else tuple(values.tolist())
    return RepairParameter(
        *((path,), section, field, at, unit, Fraction(1), now),
        "one" if same else "list",
        up,
        math.inf if up else 0.0,
    )


def _list_stream_supply(
    instance: Instance, names: tuple[str, ...], periods: tuple[str, ...], likely: StreamRanking
) -> Iterator[RepairParameter]:
    """List increases of supply: of the last period in which it helps most, of all periods, or of the total."""
    streams = instance.streams
    kinds: dict[int, str] = {}
    for name in likely:
        kinds.setdefault(int(streams.device[streams.names.index(name)]), name)
    for name in names or tuple(kinds.values())[:MAX_DEVICE_KINDS]:
        i = streams.names.index(name)
        offered = streams.available.value[i]
        even = bool((offered == offered[0]).all())
        if name in likely and not even:
            t = likely[name]
            yield _make_amount_parameter(
                ("streams", name, "available", t), instance, "streams", "available", (i, t), "t", True
            )
        if offered.any():
            yield _make_amount_parameter(
                ("streams", name, "available"), instance, "streams", "available", (i,), "t", True
            )
        if even:
            yield _make_total_supply_parameter(instance, i)


def _make_total_supply_parameter(instance: Instance, i: int) -> RepairParameter:
    """Return the total supply of a stream, spread evenly over the periods (`total`), as parameter."""
    streams, periods = instance.streams, len(instance.periods)
    now = float(streams.available.exact()[i].sum())
    path: ParameterPath = ("streams", streams.names[i], "total")
    share = Fraction(1, periods)
    return RepairParameter((path,), "streams", "available", (i,), "t", share, (now,), "one", True, math.inf)


def _list_storage_limits(instance: Instance, names: tuple[str, ...], *_: Any) -> Iterator[RepairParameter]:
    """List increases of finite storage limits."""
    for name in names or instance.streams.names:
        i = instance.streams.names.index(name)
        if instance.streams.storable[i] and np.isfinite(instance.streams.storage_limit.value[i]):
            path: ParameterPath = ("streams", name, "storage", "limit")
            yield _make_amount_parameter(path, instance, "streams", "storage_limit", (i,), "t", True)


def list_limit(
    family: Family, limit: Limit, instance: Instance, names: tuple[str, ...], periods: tuple[str, ...], *_: Any
) -> Iterator[RepairParameter]:
    """List the changes that relax a limit: of one period or of all, of a share, or of an end of a window.

    Args:
        limit: One of its limits.
        names: Subjects; if empty, all.
        periods: Periods of the rule.

    Yields:
        Parameters.
    """
    make = _list_capacities if family.periodic else _list_shares if limit.section == "policy" else _list_totals
    every = list_axis_names(instance)[family.axes[0]] if family.axes else ()
    for name in ("",) if limit.common else names or every:
        yield from make(instance, limit, name, () if limit.common else (every.index(name),), periods)


def _list_capacities(
    instance: Instance, limit: Limit, name: str, at: tuple[int, ...], periods: tuple[str, ...]
) -> Iterator[RepairParameter]:
    """List increases of a capacity per period."""
    limits, up = get_limit(instance, limit).value[at], limit.step > 0
    if len(periods) == 1 and np.isfinite(limits).any() and not (limits == limits[0]).all():
        t = instance.periods.index(periods[0])
        yield _make_amount_parameter(
            (*limit.locate(name), t), instance, limit.section, limit.field, (*at, t), limit.unit, up
        )
    if limits.any() and np.isfinite(limits).all():
        yield _make_amount_parameter(limit.locate(name), instance, limit.section, limit.field, at, limit.unit, up)


def _list_totals(
    instance: Instance, limit: Limit, name: str, at: tuple[int, ...], _: tuple[str, ...]
) -> Iterator[RepairParameter]:
    """List the increase of a limit or the decrease of a commitment."""
    value, up = get_limit(instance, limit).value[at], limit.step > 0
    if np.isfinite(value) and (up or value > 0):
        yield _make_amount_parameter(limit.locate(name), instance, limit.section, limit.field, at, limit.unit, up)


def _list_shares(
    instance: Instance, limit: Limit, name: str, at: tuple[int, ...], _: tuple[str, ...]
) -> Iterator[RepairParameter]:
    """List the change of a policy: of a share, of an end of a window, or of an amount without end."""
    share, up, path = limit.unit == "%", limit.step > 0, limit.locate(name)
    factor = PER_CENT if share else Fraction(1000)
    now, end = float(get_limit(instance, limit).exact()[at] / factor), 0.0 if not up else 100.0 if share else math.inf
    paths: tuple[ParameterPath, ...] = (path,)
    kind = "one"
    if isinstance(path[-1], int):
        figure, policy = path[:-1], instance.policy
        window = policy.window_low.exact()[at] == policy.window_high.exact()[at]
        paths = (figure, (*figure, "share")) if window else (path, (*figure, "share", path[-1]))
        kind = "window" if window else "one"
    yield RepairParameter(paths, limit.section, limit.field, at, limit.unit, factor, (now,), kind, up, end)


def _list_fineness(side: str, instance: Instance, names: tuple[str, ...], *_: Any) -> Iterator[RepairParameter]:
    """List wider composition windows of an alloy, at the end `low` or `high`."""
    if not names:
        return
    alloy, metal = names
    a, e = instance.alloys.names.index(alloy), instance.metals.names.index(metal)
    low, high = (float(part.exact()[a, e] * 100) for part in (instance.alloys.low, instance.alloys.high))
    up = side == "high"
    path: ParameterPath = ("alloys", alloy, "composition", metal)
    kind, paths = ("window", (path,)) if low == high else ("one", ((*path, int(up)), path))
    now, end = (high, 100.0) if up else (low, 0.0)
    yield RepairParameter(paths, "alloys", side, (a, e), "%", PER_CENT, (now,), kind, up, end)


def _list_charge_limits(instance: Instance, names: tuple[str, ...], *_: Any) -> Iterator[RepairParameter]:
    """List increases of the greatest charge of a group of offers to an alloy."""
    if names:
        at = instance.alloys.names.index(names[0]), instance.charge_limits.names.index(names[1])
        if np.isfinite(instance.charge_limits.most.raw[at]).all():
            path: ParameterPath = ("alloys", names[0], "limits", names[1], "most")
            yield _make_amount_parameter(path, instance, "charge_limits", "most", at, "kg", True)


def _list_impurity_limits(instance: Instance, names: tuple[str, ...], *_: Any) -> Iterator[RepairParameter]:
    """List increases of the mean content that a smelter allows in its feed."""
    if names:
        k, x = instance.smelters.names.index(names[0]), instance.impurities.names.index(names[1])
        now = float(instance.impurities.limit.value[k, x])
        path: ParameterPath = ("smelters", names[0], "limits", names[1])
        yield RepairParameter(
            (path,), "impurities", "limit", (k, x), "kg/t", Fraction(1), (now,), "one", True, MAX_CONTENT
        )


def _list_unnamed_shares(instance: Instance, names: tuple[str, ...], *_: Any) -> Iterator[RepairParameter]:
    """List increases of the share of unnamed metals of an alloy."""
    for alloy in names or instance.alloys.names:
        a = instance.alloys.names.index(alloy)
        if instance.alloys.admits_others[a]:
            path: ParameterPath = ("alloys", alloy, "others")
            yield _make_share_parameter(instance, a, path, "others", True, 100.0)


def _list_medal_counts(up: bool, instance: Instance, names: tuple[str, ...], *_: Any) -> Iterator[RepairParameter]:
    """List medal counts of an alloy: up to ten times as many, or down to one."""
    a = instance.alloys.names.index(names[0]) if names else slice(None)
    for m, medal in enumerate(instance.medals.names):
        count = int(instance.medals.count[m])
        if count and (instance.medals.parts.raw[m, a] > 0).any() and (up or count > 1):
            end = MAX_MEDAL_FACTOR * count if up else 1.0
            path: ParameterPath = ("medals", medal, "count")
            yield RepairParameter((path,), "medals", "count", (m,), None, Fraction(1), (count,), "whole", up, end)


def _list_demand_parameters(instance: Instance, names: tuple[str, ...], *_: Any) -> Iterator[RepairParameter]:
    """List changes that reduce or postpone demand: fewer medals, later dates, and less loss, scrap and lead time."""
    alloys = [instance.alloys.names.index(names[0])] if names else range(len(instance.alloys.names))
    until = instance.periods.index(names[1]) if len(names) > 1 else len(instance.periods) - 1
    yield from _list_medal_counts(False, instance, names[:1])
    last = len(instance.periods) - 1
    for m, medal in enumerate(instance.medals.names):
        is_demanded = (instance.medals.parts.raw[m, alloys] > 0).any() and instance.medals.count[m] > 0
        due = int(instance.medals.due[m])
        if is_demanded and due <= until and due < last:
            path: ParameterPath = ("medals", medal, "due")
            yield RepairParameter((path,), "medals", "due", (m,), None, Fraction(1), (due,), "date", True, last)
    barred = np.logical_or.reduce(is_excluded_by_unnamed(instance), axis=0)
    for a in alloys:
        if barred[a]:
            path = ("alloys", instance.alloys.names[a], "others")
            yield _make_share_parameter(instance, a, path, "others", True, 100.0)
        if instance.alloys.loss.raw[a] > 0:
            path = ("alloys", instance.alloys.names[a], "loss")
            yield _make_share_parameter(instance, a, path, "loss", False, 0.0)
        yield from _list_scrap_parameters(instance, a)
    metals = np.flatnonzero((instance.alloys.named & (instance.alloys.high.raw > 0))[alloys].any(axis=0)).tolist()
    yield from _list_lead_times(instance, metals)


def _list_scrap_parameters(instance: Instance, a: int) -> Iterator[RepairParameter]:
    """List decreases of the scrap share and its lead time, and increases of the share returned."""
    alloys, name = instance.alloys, instance.alloys.names[a]
    if alloys.scrap_share.raw[a] == 0:
        return
    path: ParameterPath = ("alloys", name, "scrap")
    yield _make_share_parameter(instance, a, (*path, "share"), "scrap_share", False, 0.0)
    if alloys.scrap_returned.value[a] < 1:
        yield _make_share_parameter(instance, a, (*path, "returned"), "scrap_returned", True, 100.0)
    lead = int(alloys.scrap_lead[a])
    if lead > 1 and alloys.scrap_returned.raw[a] > 0:
        yield RepairParameter(
            ((*path, "lead"),), "alloys", "scrap_lead", (a,), None, Fraction(1), (lead,), "whole", False, 1.0
        )


def _list_lead_times(instance: Instance, metals: list[int]) -> Iterator[RepairParameter]:
    """List decreases of the lead times of smelters: one for all metals if they are equal, else by metal."""
    for k, smelter in enumerate(instance.smelters.names):
        leads = instance.smelters.lead[k]
        path: ParameterPath = ("smelters", smelter, "lead")
        if len(set(leads.tolist())) == 1:
            if leads[0] > 0:
                whole = (k, slice(None))
                yield RepairParameter(
                    (path,), "smelters", "lead", whole, None, Fraction(1), (leads[0],), "whole", False, 0.0
                )
            continue
        for e in metals:
            if leads[e] > 0:
                own: ParameterPath = (*path, instance.metals.names[e])
                yield RepairParameter(
                    (own,), "smelters", "lead", (k, e), None, Fraction(1), (leads[e],), "whole", False, 0.0
                )


def _list_reserves(instance: Instance, names: tuple[str, ...], *_: Any) -> Iterator[RepairParameter]:
    """List decreases of the safety stock of a metal, down to none."""
    for metal in names or instance.metals.names:
        e = instance.metals.names.index(metal)
        ahead, path = int(instance.metals.reserve[e]), ("metals", metal, "reserve")
        if ahead:
            yield RepairParameter((path,), "metals", "reserve", (e,), None, Fraction(1), (ahead,), "whole", False, 0.0)


def _list_steps(kind: StepKind, instance: Instance, names: tuple[str, ...], *_: Any) -> Iterator[RepairParameter]:
    """List increases of the limit of the last price step of streams or offers."""
    steps, every = kind.get_steps(instance), kind.list_names(instance)
    for row in [every.index(name) for name in names or every]:
        if np.isinf(steps.surcharge.raw[row]):
            path = parse_path(every[row])
            yield _make_amount_parameter(path, instance, kind.part, "steps.above", (row,), kind.unit, True)


def list_opening_stocks(instance: Instance, alloys: list[int]) -> Iterator[RepairParameter]:
    """List increases of opening stock. Tried last, since no parameter states its price.

    Args:
        alloys: Numbers of the alloys whose metals are listed.

    Yields:
        Parameters.
    """
    takes = instance.alloys.named & (instance.alloys.high.raw > 0)
    for e in np.flatnonzero(takes[alloys].any(axis=0)).tolist():
        path: ParameterPath = ("metals", instance.metals.names[e], "opening_stock")
        yield _make_amount_parameter(path, instance, "metals", "opening_stock", (e,), "kg", True)


SPECIAL_REPAIRS: Mapping[str, Callable[..., Iterator[RepairParameter]]] = {  # by kind; else the limit itself
    "extension": _list_no_parameters,
    "stockpile": _list_storage_limits,
    "together": _list_no_parameters,
    "no_more": partial(_list_medal_counts, True),
    "others": _list_unnamed_shares,
    "charge_limit": _list_charge_limits,
    "impurity_limit": _list_impurity_limits,
    "fineness_high": partial(_list_fineness, "high"),
    "fineness_low": partial(_list_fineness, "low"),
    **dict.fromkeys(("withheld_least", "withheld_most", "withheld_all"), _list_no_parameters),
    "reserve": _list_reserves,
    "supply": _list_stream_supply,
    "demand": _list_demand_parameters,
    **{f"{kind.name}_steps": partial(_list_steps, kind) for kind in STEP_KINDS},
}
