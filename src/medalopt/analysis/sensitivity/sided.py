"""Right-hand-side parameters and the derivative of each row bound with respect to them.

A RowShift is (constraint and index, ∂lower/∂p, ∂upper/∂p) per canonical unit of the parameter p.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.paths import Path
from medalopt.solver.linear import CASTINGS

Row = tuple[tuple[str, ...], float, float]  # constraint and index, shift of its lower and of its upper bound


def sides(instance: Instance, path: Path) -> list[Row]:
    """Return the derivatives of row bounds with respect to one parameter.

    Args:
        instance: The instance.
        path: Path of the parameter.

    Returns:
        The shifts of all rows concerned, whether or not the program has these rows; empty if none depend on it.
    """
    rule = _SIDES.get((path[0], path[2])) if len(path) > 2 else _SIDES.get(path[:2])
    return [] if rule is None else list(rule(instance, path))


def _stream(instance: Instance, path: Path) -> Iterable[Row]:
    """Differentiate by commitment, stockpile limit or supply of a stream; supply moves participation too."""
    streams, name = instance.streams, str(path[1])
    i = streams.names.index(name)
    if path[2] == "committed":
        return [(("stream_commitment", name), 1.0, 0.0)]
    if path[2] == "storage":
        return [(("stockpile", name, t), 0.0, 1.0) for t in instance.periods] if path[3] == "limit" else []
    if streams.bundle[i] >= 0:
        return []
    periods = [path[3]] if len(path) > 3 else range(len(instance.periods))
    share = 1.0 / len(instance.periods) if path[2] == "total" else 1.0
    asked = float(instance.policy.participation.value) * share
    region = instance.regions[int(streams.region[i])]
    rows: list[Row] = [(("supply", name, instance.periods[int(t)]), 0.0, share) for t in periods]
    return [*rows, *((("participation", region), asked, 0.0) for _ in periods)]


def _capacity(row: str) -> Callable[[Instance, Path], Iterable[Row]]:
    """Return the rule for a capacity per period of the constraint family `row`."""

    def rows(instance: Instance, path: Path) -> Iterable[Row]:
        """Return the upper bound shifts in one period or in all."""
        periods = [instance.periods[path[3]]] if len(path) > 3 and isinstance(path[3], int) else instance.periods
        return [((row, str(path[1]), t), 0.0, 1.0) for t in periods]

    return rows


def _total(row: str) -> Callable[[Instance, Path], Iterable[Row]]:
    """Return the rule for a commitment (lower bound) or limit (upper bound) over the horizon of the family `row`."""

    def rows(instance: Instance, path: Path) -> Iterable[Row]:
        """Return the shift of the one row of the subject."""
        upper = path[2] == "limit"
        return [((row, str(path[1])), 0.0 if upper else 1.0, 1.0 if upper else 0.0)]

    return rows


def _opening(instance: Instance, path: Path) -> Iterable[Row]:
    """Differentiate by the opening stock of a metal: both bounds of its first balance row."""
    return [(("balance", str(path[1]), instance.periods[0]), 1.0, 1.0)]


def _medal(instance: Instance, path: Path) -> Iterable[Row]:
    """Differentiate the demand by the number of medals, their alloy parts, or their allowance for lost metal."""
    medals = instance.medals
    m = medals.names.index(str(path[1]))
    count, parts, allowance = float(medals.count[m]), medals.parts.value[m], float(medals.allowance.value[m])
    each: Floats = parts * (1 + allowance)
    if path[2] == "allowance":
        each = parts * count
    elif path[2] == "parts":
        each = np.array([float(name == path[3]) for name in instance.alloys.names]) * count * (1 + allowance)
    late = instance.periods[int(medals.due[m]) :]
    alloys = zip(instance.alloys.names, each.tolist(), strict=True)
    return [row for alloy, kg in alloys if kg for t in late for row in due_rows(alloy, t, kg)]


def due_rows(alloy: str, period: str, kg: float) -> tuple[Row, Row]:
    """Return the shifts of the demand rows per `kg` more of an alloy due by the end of a period.

    Args:
        alloy: Name of the alloy.
        period: Label of the period.
        kg: Change of the quantity due, kg.

    Returns:
        The shift of the demand row, and of the row of castings in stock.
    """
    return (("demand", alloy, period), kg, kg), ((CASTINGS, alloy, period), -kg, -kg)


def _participation(instance: Instance, path: Path) -> Iterable[Row]:
    """Differentiate by the participation rate: the offered tonnes of each region."""
    offers = np.zeros(len(instance.regions))
    np.add.at(offers, instance.streams.region, instance.streams.available.value.sum(axis=1))
    return [(("participation", g), t, 0.0) for g, t in zip(instance.regions, offers.tolist(), strict=True)]


def _footprint_cap(instance: Instance, path: Path) -> Iterable[Row]:
    """Differentiate by the footprint cap, kg CO2e per t."""
    return [(("footprint_cap",), 0.0, 1000.0)]


_SIDES: Mapping[tuple[str | int, ...], Callable[[Instance, Path], Iterable[Row]]] = {
    **{("streams", field): _stream for field in ("available", "total", "committed", "storage")},
    ("treatments", "capacity"): _capacity("treatment_capacity"),
    ("smelters", "capacity"): _capacity("feed_capacity"),
    ("alloys", "capacity"): _capacity("cast_capacity"),
    **{("smelters", field): _total("feed_total") for field in ("committed", "limit")},
    **{("market", field): _total("purchase") for field in ("committed", "limit")},
    ("metals", "opening_stock"): _opening,
    **{("medals", field): _medal for field in ("count", "parts", "allowance")},
    ("policy", "participation"): _participation,
    ("policy", "footprint_cap"): _footprint_cap,
}
