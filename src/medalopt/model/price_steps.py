r"""Family 24, price steps: what is taken beyond the limit of a step costs more, or less.

With the quantity $Q$ over the horizon (tonnes of a stream, kilograms of an offer), the limit $u_n$ of a step and the
surcharge $\Delta_n$ of the next one, $e_n\ge0$ is what is taken beyond $u_n$, and the objective has $+\Delta_ne_n$.
Where the price rises: $Q-e_n\le u_n$; the limit of the last step has no $e_n$. Where it falls, $y_n\in\{0,1\}$ is 1
if the next step is used: $e_n+u_ny_n\le Q$ and $e_n\le(M-u_n)y_n$ with an upper bound $M$ of $Q$.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.core as pyo

from medalopt.instance.activities import bound_activities
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.price_steps import STEP_KINDS, StepKind, has_price_steps, list_falling_paths, mark_falling
from medalopt.instance.routes import Routes
from medalopt.model.variables import index_by_name, select_names

_NO_DUAL_DOC = "dual: undefined, the program is not linear"


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
        names, total = kind.list_names(instance), getattr(model, totals)
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


def _add_rising_rows(model: pyo.ConcreteModel, instance: Instance, kind: StepKind, quantity: dict[str, Any]) -> None:
    """Add the constraints of steps above which the price rises or nothing more can be had."""
    names, steps = kind.list_names(instance), kind.get_steps(instance)
    above, excess = index_by_name(steps.above.value, names), dict(model.component(f"{kind.name}_excess").items())

    def rule(m: pyo.ConcreteModel, name: str) -> tuple[None, Any, float]:
        """Limit what is taken at the price of a step."""
        return (None, quantity[name] - excess.get(name, 0.0), above[name])

    doc = f"24. price steps; dual: change of cost per {kind.unit} more at the lower price, <= 0"
    rising = select_names(~mark_falling(instance, kind), names)
    model.add_component(f"{kind.name}_steps", pyo.Constraint(rising, rule=rule, doc=doc))


def _add_falling_rows(
    model: pyo.ConcreteModel, instance: Instance, kind: StepKind, quantity: dict[str, Any], most: Any
) -> None:
    """Add the binary variables and constraints of steps above which the price falls; `most` (S,) bounds quantities."""
    names, steps = kind.list_names(instance), kind.get_steps(instance)
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
