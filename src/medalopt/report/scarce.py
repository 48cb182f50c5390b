"""Binding constraints of a plan with shadow prices: the saving in the objective from relaxing each by one unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.instance.paths import parse
from medalopt.plan.plan import Plan
from medalopt.proof.certificate import paid
from medalopt.proof.marginal import ON_OFFER, Marginal, stream_worth
from medalopt.report.numbers import span
from medalopt.report.section import Column, Section, section
from medalopt.report.sources import FEW, grouped
from medalopt.report.worth import Worth

MOST = 15  # rows
_COUNTS, _SMALL = 1e-4, 1e-3  # relative to all payments: constraints of a smaller total value are left out
_PERIOD_LIMITS = {
    "smelters": ("{}, capacity", "t"),
    "treatments": ("{}, capacity", "t"),
    "alloys": ("casting of {}", "kg"),
}
_AT_HAND, _AS_OFFERED, _EACH_PERIOD = "1 kg more at hand", "1 t more, as offered", "1 {} more in each period"
_DEFINITIONS = (
    "As offered: the tonnes of all periods scaled alike. In one period: a unit in that period alone, as `sensitivity` "
    "has it. At hand: metal in stock in a period; `explain` has the price of metal in proportion to what is charged."
)
_TOTALS = {"market": ("{}, {}", "kg"), "smelters": ("{}, {}", "t"), "streams": ("{}, {}", "t")}


@dataclass(frozen=True)
class Scarcity:
    """Shadow price of one right-hand side: `saves` per unit, or least and greatest; `whole` for the entire quantity.

    With a `period`, `saves` refers to that period alone. `every` is the saving from a change in all periods together,
    which `step` names; without it the single periods are shown as a range.
    """

    rank: int  # order of the groups: metals, capacities, supply, offers, policy
    what: str
    step: str
    saves: tuple[float, ...]
    whole: float
    period: str | None = None
    every: tuple[float, ...] = ()


def scarcities(plan: Plan, worth: Worth) -> Section:
    """Return the table of binding constraints with shadow prices.

    Args:
        plan: Optimal plan.
        worth: Marginal values of its metals.

    Returns:
        The table: metals, capacities, supply, offers, policy constraints; in each group the largest total value first.
    """
    least = _COUNTS * max(1.0, paid(plan.account, plan.measure))
    groups: dict[tuple[int, str, str], list[Scarcity]] = {}
    for found in (*_metals(plan, worth), *_devices(plan, worth, _SMALL * least), *_limits(plan)):
        if found.whole > _SMALL * least:
            groups.setdefault((found.rank, found.what, found.step), []).append(found)
    whole = {key: sum(found.whole for found in group) for key, group in groups.items()}
    keys = sorted((key for key in groups if whole[key] > least), key=lambda key: (key[0], -whole[key], key))
    listed, rest = keys[:MOST], len(keys) - MOST
    columns = [
        (Column("constraint", right=False), [what for _, what, _ in listed]),
        (Column("change", right=False), [step for _, _, step in listed]),
        (Column(f"saves {plan.unit}"), [_saves(groups[key]) for key in listed]),
        (Column("in one period", rank=1), [_by_period(groups[key]) for key in listed]),
        (Column("binding in", rank=2), [_when(plan, groups[key]) for key in listed]),
    ]
    notes = [_DEFINITIONS] if any(found.every for group in groups.values() for found in group) else []
    notes += [f"{rest} more are in the plan's prices (-o, --json)."] if rest > 0 else []
    return section("Binding constraints and shadow prices", columns, notes=notes, always=1)


def _saves(group: list[Scarcity]) -> str:
    """Return the saving from a change in all periods together, or the range over single periods."""
    return span([each for found in group for each in found.every or found.saves])


def _by_period(group: list[Scarcity]) -> str:
    """Return the range of single-period shadow prices, for a change spread over all periods."""
    return span([each for found in group for each in found.saves]) if any(found.every for found in group) else ""


def _when(plan: Plan, group: list[Scarcity]) -> str:
    """Return the number of periods in which the constraint binds, of all periods."""
    periods = {found.period for found in group} - {None}
    count = len(plan.instance.periods)
    return f"{len(periods)} of {count}" if periods and count > 1 else ""


def _metals(plan: Plan, worth: Worth) -> Iterator[Scarcity]:
    """Yield the shadow price of each bottleneck metal at hand, period by period."""
    charged = plan.account.composition.sum(axis=0)
    for e in worth.scarce:
        for t, period in enumerate(plan.instance.periods):
            if worth.used[e, t]:
                value = float(worth.at_hand[e, t])
                yield Scarcity(0, plan.instance.metals.titles[e], _AT_HAND, (value,), value * charged[e, t], period)


def _devices(plan: Plan, worth: Worth, least: float) -> Iterator[Scarcity]:
    """Yield the shadow price of one more tonne of each source, scaled as it is offered, a bundle in its proportions.

    Sources under one label are one row. Sources with a total value of at most `least` are left out.
    """
    labels, of = grouped(plan.instance)
    available = plan.instance.streams.available.value
    offered, saved = np.zeros((2, len(labels), available.shape[1]))
    np.add.at(offered, of, available)
    np.add.at(saved, of, -stream_worth(plan.account, worth.prices) * available)
    told = [f"{what} from {region}" if len(labels) <= FEW else what for region, what in labels]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(told))}
    kind = np.array([numbers[name] for name in told], dtype=np.intp)
    source, period = np.nonzero((saved > max(least, 0.0)) & (offered > 0))
    amount = saved[source, period]
    each, at = amount / offered[source, period], (kind[source], period)
    whole, low, high = np.zeros((3, len(numbers), available.shape[1])) + np.array([0.0, np.inf, 0.0])[:, None, None]
    np.add.at(whole, at, amount)
    np.minimum.at(low, at, each)
    np.maximum.at(high, at, each)
    tonnes = offered.sum(axis=1)
    scaled = np.divide(saved.sum(axis=1), tonnes, out=np.zeros_like(tonnes), where=tonnes > 0)
    for name, number in numbers.items():
        of_name = scaled[np.unique(source[kind[source] == number])]
        for t in np.flatnonzero(whole[number]).tolist():
            saves, every = (float(low[number, t]), float(high[number, t])), (float(of_name.min()), float(of_name.max()))
            yield Scarcity(2, name, _AS_OFFERED, saves, float(whole[number, t]), plan.instance.periods[t], every)


def _limits(plan: Plan) -> Iterator[Scarcity]:
    """Yield shadow prices of capacities, limits, commitments and policy constraints."""
    instance = plan.instance
    place = {period: number for number, period in enumerate(instance.periods)}
    capacities = {
        "smelters": (instance.smelters.names, instance.smelters.capacity.value),
        "treatments": (instance.treatments.names, instance.treatments.capacity.value),
        "alloys": (instance.alloys.names, instance.alloys.capacity.value),
    }
    sums: dict[str, float] = {}
    for marginal, _ in _of(plan, "capacity"):
        sums[marginal.path] = sums.get(marginal.path, 0.0) - marginal.value
    for marginal, path in _of(plan, "capacity"):
        names, values = capacities[str(path[0])]
        amount = float(_row(names, values, path[1])[place[str(marginal.period)]])
        told, unit = _PERIOD_LIMITS[str(path[0])]
        saves, name = -marginal.value, told.format(path[1])
        every = (sums[marginal.path],)
        yield Scarcity(1, name, _EACH_PERIOD.format(unit), (saves,), saves * amount, marginal.period, every)
    for figure in ("limit", "committed"):
        for marginal, path in _of(plan, figure):
            told, unit = _TOTALS[str(path[0])]
            rank = {"smelters": 1, "streams": 2, "market": 3}[str(path[0])]
            yield _eased(marginal, rank, told.format(path[1], figure), unit, _amount(plan, path))
    yield from _policies(plan)


def _policies(plan: Plan) -> Iterator[Scarcity]:
    """Yield shadow prices of policy constraints: recycled share, device shares, participation, footprint."""
    for marginal in _rules(plan):
        path = parse(marginal.path)
        if path[0] != "policy":
            continue
        if path[1] == "recycled":
            metal = plan.instance.metals.names.index(str(path[2]))
            told = f"{plan.instance.metals.titles[metal]}, recycled share"
        else:
            named = {"device_share": f"share of {path[-1]}", "participation": "participation of every region"}
            told = named.get(str(path[1]), "footprint cap, CO2e")
        yield _eased(marginal, 4, told, marginal.unit.rpartition("/")[2], 1.0)


def _eased(marginal: Marginal, rank: int, what: str, unit: str, amount: float) -> Scarcity:
    """Return the saving from one unit more of an upper limit, or one unit less of a lower one."""
    step = f"1 {unit} {'more' if marginal.value < 0 else 'less'}"
    return Scarcity(rank, what, step, (abs(marginal.value),), abs(marginal.value) * max(amount, 1.0))


def _amount(plan: Plan, path: tuple[str | int, ...]) -> float:
    """Return the right-hand side that a path names."""
    instance, figure = plan.instance, str(path[2])
    tables: dict[str, Any] = {"market": instance.market, "smelters": instance.smelters, "streams": instance.streams}
    table = tables[str(path[0])]
    return float(_row(table.names, getattr(table, figure).value, path[1]))


def _row(names: tuple[str, ...], values: Floats, name: str | int) -> Floats:
    """Return the values of one name."""
    return values[names.index(str(name))]


def _of(plan: Plan, figure: str) -> Iterator[tuple[Marginal, tuple[str | int, ...]]]:
    """Yield the marginal values of parameters called `figure`, with their parsed paths."""
    for marginal in _rules(plan):
        if marginal.path.endswith(f".{figure}"):
            yield marginal, parse(marginal.path)


def _rules(plan: Plan) -> Iterator[Marginal]:
    """Yield all marginal values but those of supply, which can be very many."""
    for row in zip(*plan.priced.values(), strict=True):
        if row[-1] != ON_OFFER:
            yield Marginal(*row)
