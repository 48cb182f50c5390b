"""Parameters that a repair may move: location, direction, limits, rounding and spelling; those of each kind of rule.

A lister yields parameters from the instance, the names of the rule (empty for all), its periods, and the streams in
the order in which more supply helps most.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np

from medalopt.catalog import Family, Limit
from medalopt.instance.arrays import ExactArray
from medalopt.instance.bounds import get_limit, is_excluded_by_unnamed, list_axis_names
from medalopt.instance.instance import Instance
from medalopt.instance.lots import STEP_KINDS, ActivityKind
from medalopt.text import ParameterPath, parse_path, render_path
from medalopt.units import PER_CENT

SIGNIFICANT_DIGITS, SHORT_DIGITS = 6, 5
POSITION_TOLERANCE = 2e-6  # relative error of a position found by search
SNAP_TOLERANCE = 1e-6  # share of the way to `end` below which the rest of it is added
FileValue = float | int | str | list[float]


@dataclass(frozen=True, eq=False)
class RepairParameter:
    """Parameter and its direction; its position is its value in `unit`, or for a list the factor on all values.

    Attributes:
        paths: Spellings a file may use, the most common first.
        section: Section of the instance; `field`: array in it.
        index: Index into the array.
        factor: From `unit` to the unit of the instance.
        now: Present values, in `unit`.
        kind: `one`, `list` (one value per period), `window` (both ends written as one number, one of which moves),
            `whole` (a count or lead time) or `date`.
        up: True if the parameter is to increase.
        end: Farthest position that makes sense; infinite if there is none.
    """

    paths: tuple[ParameterPath, ...]
    section: str
    field: str
    index: tuple[Any, ...]  # index into the array
    unit: str | None
    factor: Fraction  # from `unit` to the unit of the array
    now: tuple[float, ...]
    kind: str
    up: bool
    end: float  # farthest position; may be infinite

    @property
    def start(self) -> float:
        """Present position: value of the parameter, or 1 for a list that is scaled as a whole."""
        return 1.0 if self.kind == "list" else self.now[0]

    @property
    def path_texts(self) -> frozenset[str]:
        """Paths as text, such as `streams.phone@east.available`."""
        return frozenset(render_path(path) for path in self.paths)

    @property
    def is_stepwise(self) -> bool:
        """Return whether the parameter, a date or a lead time, moves in whole steps that change the rows of the LP."""
        return self.kind == "date" or (self.kind == "whole" and self.field != "count")

    def round_values(self, position: float) -> tuple[float, ...]:
        """Round the values at a position outwards, to six significant digits or to whole numbers.

        Args:
            position: Position, see `RepairParameter`.

        Returns:
            Values in `unit`, within `end`.
        """
        if self.kind in ("whole", "date"):
            near = round(position)
            if abs(position - near) > 1e-6:
                near = math.ceil(position) if self.up else math.floor(position)
            return (float(min(near, self.end) if self.up else max(near, self.end)),)
        scaled = [position * value for value in self.now] if self.kind == "list" else [position]
        return tuple(self._round_outwards(value) for value in scaled)

    def simplify(self, position: float) -> tuple[float, ...] | None:
        """Return a value of few digits if it equals the position within rounding.

        Args:
            position: Position, see `RepairParameter`.

        Returns:
            Values in `unit`; None if there is no such value, and for dates and lists.
        """
        if self.kind in ("date", "list"):
            return None
        if math.isfinite(self.end) and abs(position - self.end) <= SNAP_TOLERANCE * abs(self.now[0] - self.end):
            return (self.end,)  # the rest is within the tolerance alone, but not together with other changes
        few = float(round(position)) if self.kind == "whole" else float(f"{position:.{SHORT_DIGITS}g}")
        return (few,) if abs(few - position) <= POSITION_TOLERANCE * abs(position) else None

    def _round_outwards(self, value: float) -> float:
        """Round away from the present value, to `end` if that is nearly reached."""
        if (
            self.kind != "list"
            and math.isfinite(self.end)
            and abs(value - self.end) <= SNAP_TOLERANCE * abs(self.now[0] - self.end)
        ):
            return self.end
        result = round_outwards(value, self.up)
        bound = self.end if self.kind != "list" else math.inf
        return min(result, bound) if self.up else max(result, bound)

    def apply(self, instance: Any, values: tuple[float, ...]) -> Any:
        """Set the parameter.

        Args:
            instance: Instance to change, or the part of it that holds the section.
            values: Values in `unit`.

        Returns:
            A copy of the instance with these values.
        """
        part, field = getattr(instance, self.section), self.field
        if "." in field:  # of a part of the section
            outer, field = field.split(".")
            inner = dataclasses.replace(self, section=outer, field=field).apply(part, values)
            return dataclasses.replace(instance, **{self.section: inner})
        old = getattr(part, field)
        if isinstance(old, ExactArray):
            new: Any = _replace_values(old, self.index, values if len(values) > 1 else values[0], self.factor)
        else:
            new = old.copy()
            new[self.index] = int(values[0])
        changed = {field: new}
        if field == "others":  # an alloy without `others` now has it
            changed["admits_others"] = part.admits_others.copy()
            changed["admits_others"][self.index] = True
        return dataclasses.replace(instance, **{self.section: dataclasses.replace(part, **changed)})

    def at_position(self, instance: Instance, position: float) -> Instance:
        """Set the parameter to a position without rounding.

        Args:
            position: Position, see `RepairParameter`.

        Returns:
            A copy of the instance with the values at this position.
        """
        return self.apply(
            instance, tuple(position * value for value in self.now) if self.kind == "list" else (position,)
        )

    def format_values(self, values: tuple[float, ...], instance: Instance) -> FileValue:
        """Return values as a file would hold them, without the unit.

        Args:
            values: Values in `unit`.
            instance: Instance with the names of the periods.

        Returns:
            A number, a list, or the name of a period.
        """
        if self.kind == "date":
            return instance.periods[int(values[0])]
        if self.kind == "whole":
            return int(values[0])
        if self.kind == "list":
            return list(values)
        if self.kind == "window":
            other = self.now[0]
            return [other, values[0]] if self.up else [values[0], other]
        return values[0]


def round_outwards(value: float, up: bool) -> float:
    """Round to six significant digits, up or down, after removing floating-point noise beyond ten digits.

    Returns:
        The rounded value.
    """
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    return float(Context(prec=SIGNIFICANT_DIGITS, rounding=rounding).plus(Decimal(f"{value:.10g}")))


def _replace_values(old: ExactArray, at: tuple[Any, ...], values: Any, factor: Fraction) -> ExactArray:
    """Return a copy of an exact array with other values, given in another unit."""
    raw, unit = old.raw.copy(), np.broadcast_to(old.unit, old.raw.shape).copy()
    raw[at], unit[at] = values, len(old.factors)
    return ExactArray(raw, unit, (*old.factors, factor))


def format_file_value(value: FileValue, unit: str | None) -> str:
    """Format a value as a file may hold it, such as `46 %` or `[1 t, 2 t]`.

    Args:
        value: Number, list of numbers, or name of a period.
        unit: Unit of the numbers; None if they have none.

    Returns:
        The text.
    """
    if isinstance(value, list):
        return f"[{', '.join(format_file_value(one, unit) for one in value)}]"
    if isinstance(value, str):
        return value
    number = f"{Decimal(repr(value)).normalize():f}"
    return f"{number} {unit}" if unit else number


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
        places: list[tuple[ParameterPath, Any, int]] = [((instance.metals.names[e],), e, leads[e]) for e in metals]
        if len(set(leads.tolist())) == 1:
            places = [((), slice(None), leads[0])]
        for steps, e, lead in places:
            if lead > 0:
                at = (k, e)
                yield RepairParameter(
                    ((*path, *steps),), "smelters", "lead", at, None, Fraction(1), (lead,), "whole", False, 0.0
                )


def _list_reserves(instance: Instance, names: tuple[str, ...], *_: Any) -> Iterator[RepairParameter]:
    """List decreases of the safety stock of a metal, down to none."""
    for metal in names or instance.metals.names:
        e = instance.metals.names.index(metal)
        ahead, path = int(instance.metals.reserve[e]), ("metals", metal, "reserve")
        if ahead:
            yield RepairParameter((path,), "metals", "reserve", (e,), None, Fraction(1), (ahead,), "whole", False, 0.0)


def _list_steps(kind: ActivityKind, instance: Instance, names: tuple[str, ...], *_: Any) -> Iterator[RepairParameter]:
    """List increases of the limit of the last price step of streams or offers."""
    steps, every = kind.get_steps(instance), kind.list_steps(instance)
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
