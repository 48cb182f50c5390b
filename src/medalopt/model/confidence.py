"""Family 16, promised confidence: cuts of the chance constraints of metals and deadlines, or an uncertainty budget."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.instance.uncertainty import get_uncertainty_budget
from medalopt.model.variables import LinkingKey, index_by_name, list_cut_keys

_DOC = "16. promised confidence; dual: what a kilogram less of it assured saves, money/kg"


def add_confidence_cuts(model: pyo.ConcreteModel, instance: Instance, routes: Routes) -> None:
    r"""Add the cuts of the promised confidence (family 16): $Y_n-\sum_{a,t'\le t}w_{aet'}\ge-S_e$ (kg).

    $Y_n=\bar R_{et}-z_\alpha u_n^\top L^\top Dg_{et}$ is the metal returned by the deadline, less its deviation along
    the direction $u_n$ of the cut.

    With an uncertainty budget $\Gamma$ it is $\bar R_{et}-\Gamma\theta_{et}-\sum_n\pi_{etn}$ with
    $\theta_{et}+\pi_{etn}\ge(L^\top Dg_{et})_n$ and $\theta,\pi\ge0$: by duality the sum of the $\Gamma$ largest
    deviations.

    Args:
        model: Model with assured metal and metal charged declared.
        instance: Instance.
        routes: Admissible routes, with the cuts.
    """
    if not routes.cuts:
        return
    opening = index_by_name(instance.metals.opening_stock.value, instance.metals.names)
    place = {period: number for number, period in enumerate(instance.periods)}
    charged: dict[str, list[tuple[int, object]]] = {}
    for (_, e, t), quantity in model.charge.items():
        charged.setdefault(e, []).append((place[t], quantity))
    keys, budget = list_cut_keys(instance, routes), get_uncertainty_budget(instance)
    parts = [key for key, cut in zip(keys, routes.cuts, strict=True) if cut.part and budget]
    lost = _add_budget_constraints(model, budget, parts) if parts else {}

    def rule(m: pyo.ConcreteModel, e: str, t: str, n: str) -> tuple[float, object, None]:
        """Bound the metal charged up to a deadline by the assured metal of one cut."""
        gone = [quantity for period, quantity in charged.get(e, []) if period <= place[t]]
        return (-opening[e], m.assured[e, t, n] - lost.get((e, t), 0.0) - pyo.quicksum(gone), None)

    rows = [key for key, cut in zip(keys, routes.cuts, strict=True) if not cut.part]
    model.confidence = pyo.Constraint(rows, rule=rule, doc=_DOC)


def _add_budget_constraints(
    model: pyo.ConcreteModel, budget: float, parts: list[LinkingKey]
) -> dict[tuple[str, str], object]:
    """Return the metal that an uncertainty budget withholds at each deadline, with its variables and constraints."""
    places = list(dict.fromkeys((e, t) for e, t, _ in parts))
    model.budget_threshold = pyo.Var(places, within=pyo.NonNegativeReals, doc="theta: threshold of deviations, kg")
    model.protection = pyo.Var(parts, within=pyo.NonNegativeReals, doc="pi: deviation beyond the threshold, kg")
    model.protected = pyo.Constraint(
        parts,
        rule=lambda m, e, t, n: m.budget_threshold[e, t] + m.protection[e, t, n] - m.assured[e, t, n] >= 0,
        doc="16. promised confidence: deviation of one variate; dual: what a kilogram less of it saves, money/kg",
    )
    lost: dict[tuple[str, str], object] = {}
    for e, t in places:
        over = pyo.quicksum(model.protection[key] for key in parts if key[:2] == (e, t))
        lost[e, t] = budget * model.budget_threshold[e, t] + over
    return lost
