"""What is scarce in a plan, gathered over the periods, the dearest first."""

from __future__ import annotations

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.plan.marginal import Marginal
from medalopt.plan.plan import Plan
from medalopt.report.numbers import digits, whole

MOST = 10


def metal_values(plan: Plan) -> Floats:
    """Return for each metal what one more kilogram needed costs where it is dearest, (E,), in the plan's unit."""
    values = np.zeros(len(plan.instance.metals.names))
    place = {name: number for number, name in enumerate(plan.instance.metals.names)}
    for name, index_values in plan.duals.items():
        if name == "balance":
            for (metal, _), value in index_values.items():
                values[place[metal]] = max(values[place[metal]], -value)
    return values


def scarce_rows(plan: Plan) -> tuple[tuple[str, ...], ...]:
    """Return the figures of which one more unit would save most in all: path, periods, saving, unit, rent."""
    groups: dict[str, list[Marginal]] = {}
    for marginal in plan.marginals:
        if marginal.value < 0 and not marginal.path.startswith("metals."):
            groups.setdefault(marginal.path, []).append(marginal)
    rent = {path: sum(_rent(plan, marginal) for marginal in group) for path, group in groups.items()}
    dearest = sorted(groups, key=lambda path: (-rent[path], path))[:MOST]
    return tuple(_row(plan, path, groups[path], rent[path]) for path in dearest if rent[path] > 0)


def _row(plan: Plan, path: str, group: list[Marginal], rent: float) -> tuple[str, ...]:
    best = max(-marginal.value for marginal in group)
    least = min(-marginal.value for marginal in group)
    span = digits(best, 3) if best - least < 1e-3 * best else f"{digits(least, 3)} to {digits(best, 3)}"
    when = "" if group[0].period is None else f"{len(group)} of {len(plan.instance.periods)}"
    return (path, when, span, group[0].unit, whole(rent))


def _rent(plan: Plan, marginal: Marginal) -> float:
    """Return what the whole figure is worth at its marginal value."""
    instance = plan.instance
    section, *_ = marginal.path.split(".")
    figure = marginal.path.rsplit(".", 1)[-1]
    name = marginal.path[len(section) + 1 : -len(figure) - 1].strip('"')
    tables = {
        ("streams", "available"): (instance.streams.names, instance.streams.available),
        ("smelters", "capacity"): (instance.smelters.names, instance.smelters.capacity),
        ("treatments", "capacity"): (instance.treatments.names, instance.treatments.capacity),
        ("alloys", "capacity"): (instance.alloys.names, instance.alloys.capacity),
        ("smelters", "limit"): (instance.smelters.names, instance.smelters.limit),
        ("market", "limit"): (instance.market.names, instance.market.limit),
    }
    if (section, figure) not in tables or name not in tables[section, figure][0]:
        return -marginal.value
    names, figures = tables[section, figure]
    at = names.index(name)
    row = figures.value[at]
    amount = row if marginal.period is None else row[instance.periods.index(marginal.period)]
    return float(-marginal.value * amount)
