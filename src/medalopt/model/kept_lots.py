"""Constraints that keep the lots, contracts and falling price steps of a plan, which leaves a linear program.

Contracts in use keep their least quantity, all others stay unused, whole lots keep their numbers, and falling prices
the step that is reached, whose price then holds. Charges are constant and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyomo.core as pyo

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.instance import Instance
from medalopt.instance.lots import (
    ACTIVITY_KINDS,
    STEP_KINDS,
    ActivityKind,
    compute_quantity,
    has_lot_constraint,
    list_used_keys,
    mark_falling,
)
from medalopt.model.balance import collect_purchases
from medalopt.text import render_path
from medalopt.tolerances import AMOUNT_TOLERANCE

_Row = tuple[str, Any, float | None, float | None]  # name, expression, least and greatest quantity


def build_kept_lots(account: PlanAccount, measure: str) -> Callable[[pyo.ConcreteModel, Instance], None]:
    """Build the extension that keeps the lots of a plan.

    Args:
        account: Plan in lots.
        measure: Its objective.

    Returns:
        A function `extend(model, instance)` for the instance without lots.
    """

    def lots_of_the_plan(model: pyo.ConcreteModel, instance: Instance) -> None:
        """Add `unused`, `least_lot` and `kept_lots`, and the surcharges of the falling steps that are reached."""
        rows = {name: (low, body, high) for name, body, low, high in _list_rows(model, account)}
        groups: dict[str, list[str]] = {"unused": [], "least_lot": [], "kept_lots": []}
        for name, (low, _, high) in rows.items():
            groups["least_lot" if high is None else "kept_lots" if low else "unused"].append(name)
        for component, names in groups.items():
            model.add_component(component, pyo.Constraint(names, rule=lambda m, name: rows[name]))
        if measure == "cost":
            model.objective.expr += pyo.quicksum(_list_step_costs(model, account))

    return lots_of_the_plan


def _list_rows(model: Any, account: PlanAccount) -> Iterator[_Row]:
    """Yield the quantities of contracts, orders and price steps that are kept."""
    instance = account.instance
    used = list_used_keys(account)
    for kind in ACTIVITY_KINDS:
        members, names, paths = kind.find_members(instance), kind.list_names(instance), kind.list_paths(instance)
        least = kind.get_least(instance)
        for n in np.flatnonzero(members).tolist():
            for period in instance.periods if kind.periodic else ("",):
                key = (names[n], period) if kind.periodic else names[n]
                body = _sum_quantity(model, account, kind, n, period)
                if body is None:
                    continue
                name = f"{paths[n]} {period}".strip() + f", {kind.unit}"
                if (f"{kind.name}_used", key) not in used:
                    yield name, body, 0.0, 0.0
                elif least[n] > 0:
                    yield name, body, float(least[n]), None
    yield from _list_order_rows(model, account)
    for steps in STEP_KINDS:
        for path, total, above, _ in _list_reached_steps(model, account, steps):
            yield f"{path}, {steps.unit}", total, above, None


def _sum_quantity(model: Any, account: PlanAccount, kind: ActivityKind, n: int, period: str) -> Any:
    """Return the quantity of an activity as an expression; None where it is always 0."""
    instance, periods = account.instance, account.instance.periods
    if kind.name == "line":
        routes = account.routes
        streams, treatments, smelters = (
            part.names for part in (instance.streams, instance.treatments, instance.smelters)
        )
        keys = {
            (streams[routes.stream[j]], treatments[routes.treatment[j]], smelters[routes.smelter[j]], period): float(
                routes.to_smelter[j]
            )
            for j in np.flatnonzero(routes.line == n).tolist()
        }
        terms = [share * model.ship[key] for key, share in keys.items() if key in model.ship]
        return pyo.quicksum(terms) if terms else None
    name = kind.list_names(instance)[n]
    if kind.name in ("smelter", "treatment"):
        part = model.feed if kind.name == "smelter" else model.treated
        return pyo.quicksum(part[name, t] for t in periods)
    return (model.sent_stream if kind.name == "stream" else model.bought)[name]


def _list_order_rows(model: Any, account: PlanAccount) -> Iterator[_Row]:
    """Yield the quantities of streams and offers with lots or minimum orders, by period."""
    instance = account.instance
    bought = {key: pyo.quicksum(terms) for key, terms in collect_purchases(model).items()}
    treats = {
        (instance.streams.names[i], instance.treatments.names[h])
        for i, h, treats in zip(account.routes.stream, account.routes.treatment, account.routes.treats, strict=True)
        if treats
    }
    sent: dict[tuple[str, str], list[Any]] = {}
    for which in (model.ship, model.leave):
        for index in which:
            if (index[0], index[1]) in treats:
                sent.setdefault((index[0], index[-1]), []).append(which[index])
    sums = {key: pyo.quicksum(terms) for key, terms in sent.items()}
    for section, part, quantity, bodies in (
        ("streams", instance.streams, account.sent_by_stream, sums),
        ("market", instance.market, account.purchases, bought),
    ):
        for n in np.flatnonzero(has_lot_constraint(part)).tolist():
            for t, period in enumerate(instance.periods):
                body = bodies.get((part.names[n], period))
                if body is None:
                    continue
                amount, lot, least = float(quantity[n, t]), float(part.lot.value[n]), float(part.minimum_order.value[n])
                name = f"{render_path((section, part.names[n]))} {period}, {'kg' if section == 'market' else 't'}"
                if lot > 0:
                    amount = lot * round(amount / lot)
                    yield name, body, amount, amount
                elif amount > AMOUNT_TOLERANCE * float(quantity[n].max()):
                    yield name, body, least, None
                else:
                    yield name, body, 0.0, 0.0


def _list_reached_steps(
    model: Any, account: PlanAccount, kind: ActivityKind
) -> Iterator[tuple[str, Any, float, float]]:
    """Yield path, quantity, limit and surcharge of each falling step beyond whose limit the plan goes."""
    instance = account.instance
    steps, names, falls = kind.get_steps(instance), kind.list_steps(instance), mark_falling(instance, kind)
    part = getattr(instance, kind.part).names
    totals = compute_quantity(account, kind).sum(axis=1)
    variable = model.sent_stream if kind.part == "streams" else model.bought
    for row in np.flatnonzero(falls).tolist():
        owner, above = int(steps.owner[row]), float(steps.above.value[row])
        if float(totals[owner]) > above * (1 + AMOUNT_TOLERANCE):
            yield names[row], variable[part[owner]], above, float(steps.surcharge.value[row])


def _list_step_costs(model: Any, account: PlanAccount) -> Iterator[Any]:
    """Yield the surcharges of the falling steps that are reached, for all of the quantity."""
    for kind in STEP_KINDS:
        yield from (surcharge * total for _, total, _, surcharge in _list_reached_steps(model, account, kind))
