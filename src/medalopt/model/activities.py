r"""Family 21, lots of feed and fixed charges: an activity is used or not, which makes the program a mixed-integer one.

With the quantity $F_n$ of activity $n$ (feed of a line of terms in a period; feed of a smelter, input of a treatment,
tonnes of a stream, kilograms of an offer over the horizon), $\underline m_n$ its least quantity where it is used and
$M_n$ an upper bound: $\underline m_ny_n\le F_n\le M_ny_n$ with $y_n\in\{0,1\}$, and the objective has
$+\eta_ny_n$.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyomo.core as pyo

from medalopt.instance.activities import ACTIVITY_KINDS, ActivityKind, bound_activities
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model.variables import index_by_name

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
