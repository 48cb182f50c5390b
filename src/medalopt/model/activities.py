r"""Family 21, lots of feed and fixed charges: an activity is used or not, which makes the program a mixed-integer one.

With the quantity $F_n$ of activity $n$ (feed of a line of terms in a period; feed of a smelter, input of a treatment,
tonnes of a stream, kilograms of an offer over the horizon), $\underline m_n$ its least quantity where it is used and
$M_n$ an upper bound: $\underline m_ny_n\le F_n\le M_ny_n$ with $y_n\in\{0,1\}$, and the objective has
$+\eta_ny_n$.

Family 24, price steps: the quantity beyond the limit of a step costs more, or less.

With the quantity $Q$ over the horizon (tonnes of a stream, kilograms of an offer), the limit $u_n$ of a step and the
surcharge $\Delta_n$ of the next one, $e_n\ge0$ is the quantity beyond $u_n$, and the objective has $+\Delta_ne_n$.
Where the price rises: $Q-e_n\le u_n$; the limit of the last step has no $e_n$. Where it falls, $y_n\in\{0,1\}$ is 1
if the next step is used: $e_n+u_ny_n\le Q$ and $e_n\le(M-u_n)y_n$ with an upper bound $M$ of $Q$.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyomo.core as pyo

from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import bound_activities
from medalopt.instance.lots import (
    ACTIVITY_KINDS,
    STEP_KINDS,
    ActivityKind,
    has_price_steps,
    list_falling_paths,
    mark_falling,
)
from medalopt.instance.routes import Routes
from medalopt.model.variables import index_by_name, select_names

_NO_DUAL_DOC = "dual: undefined, the program is not linear"


def add_activity_constraints(model: pyo.ConcreteModel, instance: Instance, routes: Routes) -> None:
    """Add lots of feed and fixed charges (family 21); nothing if the instance has none.

    Args:
        model: Model with the linking variables and `bought` declared.
        instance: Instance.
        routes: Admissible routes (J), for the upper bounds $M$.
    """
    kinds = [kind for kind in ACTIVITY_KINDS if kind.find_members(instance).any()]
    if not kinds:
        return
    most = bound_activities(instance, routes, compute_bounds(instance, routes))
    quantities: dict[str, Any] = {
        "line": lambda key: model.line_feed[key],
        "smelter": lambda k: pyo.quicksum(model.feed[k, t] for t in instance.periods),
        "treatment": lambda h: pyo.quicksum(model.treated[h, t] for t in instance.periods),
        "stream": lambda i: model.sent_stream[i],
        "offer": lambda o: model.bought[o],
    }
    for kind in kinds:
        members, names = np.flatnonzero(kind.find_members(instance)), kind.list_names(instance)
        axes = [[names[member] for member in members.tolist()], *([instance.periods] if kind.periodic else [])]
        keys = list(index_by_name(most[kind.name][members], *axes))
        _add_used_rows(
            model,
            kind,
            {key: quantities[kind.name](key) for key in keys},
            index_by_name(most[kind.name][members], *axes),
            index_by_name(kind.get_least(instance), names),
        )


def _add_used_rows(
    model: pyo.ConcreteModel,
    kind: ActivityKind,
    quantity: Mapping[Any, Any],
    most: Mapping[Any, float],
    least: Mapping[str, float],
) -> None:
    """Add the binary variables and constraints of one kind of activity, by name, and period where it is periodic."""
    used = pyo.Var(list(quantity), domain=pyo.Binary, doc="y: 1 if the contract is used")
    model.add_component(f"{kind.name}_used", used)
    doc = f"21. lots of feed and fixed charges; {_NO_DUAL_DOC}"
    if kind.least:
        from_least = [key for key in quantity if least[key[0]] > 0]
        rows = pyo.Constraint(
            from_least, rule=lambda m, *key: (0.0, quantity[key] - least[key[0]] * used[key], None), doc=doc
        )
        model.add_component(f"{kind.name}_least", rows)

    def bound(m: pyo.ConcreteModel, *key: str) -> tuple[None, Any, float]:
        index = key if kind.periodic else key[0]
        return (None, quantity[index] - most[index] * used[index], 0.0)

    model.add_component(f"{kind.name}_most", pyo.Constraint(list(quantity), rule=bound, doc=doc))


def add_price_steps(model: pyo.ConcreteModel, instance: Instance, routes: Routes) -> None:
    """Add price steps (family 24); nothing if the instance has none.

    Args:
        model: Model with `sent_stream` and `bought` declared.
        instance: Instance.
        routes: Admissible routes (J), for the upper bounds $M$.
    """
    if not has_price_steps(instance):
        return
    falling = bool(list_falling_paths(instance))
    most = bound_activities(instance, routes, compute_bounds(instance, routes)) if falling else {}
    for kind, totals in zip(STEP_KINDS, ("sent_stream", "bought"), strict=True):
        steps = kind.get_steps(instance)
        if not len(steps.owner):
            continue
        names, total = kind.list_steps(instance), getattr(model, totals)
        owners = getattr(instance, kind.part).names
        quantity = {name: total[owners[owner]] for name, owner in zip(names, steps.owner.tolist(), strict=True)}
        last = np.isinf(steps.surcharge.raw)
        excess = pyo.Var(
            select_names(~last, names), domain=pyo.NonNegativeReals, doc=f"e: taken beyond the limit, {kind.unit}"
        )
        model.add_component(f"{kind.name}_excess", excess)
        _add_rising_rows(model, instance, kind, quantity)
        if mark_falling(instance, kind).any():
            _add_falling_rows(model, instance, kind, quantity, most[kind.name][steps.owner])


def _add_rising_rows(
    model: pyo.ConcreteModel, instance: Instance, kind: ActivityKind, quantity: dict[str, Any]
) -> None:
    """Add the constraints of steps above which the price rises or nothing more can be had."""
    names, steps = kind.list_steps(instance), kind.get_steps(instance)
    above, excess = index_by_name(steps.above.value, names), dict(model.component(f"{kind.name}_excess").items())

    def rule(m: pyo.ConcreteModel, name: str) -> tuple[None, Any, float]:
        """Limit the quantity at the price of a step."""
        return (None, quantity[name] - excess.get(name, 0.0), above[name])

    doc = f"24. price steps; dual: change of cost per {kind.unit} more at the lower price, <= 0"
    rising = select_names(~mark_falling(instance, kind), names)
    model.add_component(f"{kind.name}_steps", pyo.Constraint(rising, rule=rule, doc=doc))


def _add_falling_rows(
    model: pyo.ConcreteModel, instance: Instance, kind: ActivityKind, quantity: dict[str, Any], most: Any
) -> None:
    """Add the binary variables and constraints of steps above which the price falls; `most` (S,) bounds quantities."""
    names, steps = kind.list_steps(instance), kind.get_steps(instance)
    above, excess = index_by_name(steps.above.value, names), model.component(f"{kind.name}_excess")
    beyond = index_by_name(np.maximum(most - steps.above.value, 0.0), names)
    falling = select_names(mark_falling(instance, kind), names)
    used = pyo.Var(falling, domain=pyo.Binary, doc="y: 1 if more is taken than the limit of the step")
    model.add_component(f"{kind.name}_step_used", used)
    doc = f"24. price steps; {_NO_DUAL_DOC}"
    least = pyo.Constraint(
        falling, rule=lambda m, name: (None, excess[name] + above[name] * used[name] - quantity[name], 0.0), doc=doc
    )
    model.add_component(f"{kind.name}_steps_least", least)
    greatest = pyo.Constraint(
        falling, rule=lambda m, name: (None, excess[name] - beyond[name] * used[name], 0.0), doc=doc
    )
    model.add_component(f"{kind.name}_steps_most", greatest)
