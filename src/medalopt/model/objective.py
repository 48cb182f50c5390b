"""The objectives: cost, footprint or mass."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.instance.needs import offer_holding, process_scrap_rate
from medalopt.model.balance import purchases
from medalopt.model.tables import by_name

MEASURES = ("cost", "footprint", "mass")


def declare(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""The cost of a plan as the expression `cost`, its tonnes as `tonnes`.

    $\sum_tc_t+\sum_{ot}p_{ot}b^+_{ot}+\sum_{et}h_{et}z_{et}+\sum_{ot}h_{ot}z_{ot}+\sum_{at}h_{at}z_{at}-\sum_{et}p_{et}g_{et}
    -\sum_a\nu_a\bigl(n_{an}+\omega_a\sigma_a\sum_{t>n-\mu_a}k_{at}\bigr)$.
    """
    market, metals, periods = instance.market, instance.metals, instance.periods
    price = by_name(market.price.value, market.names, periods)
    holding = by_name(metals.holding.value, metals.names, periods)
    sell = by_name(metals.sell.value, metals.names, periods)
    terms = list(model.spend.values())
    terms += [price[key] * b for key, quantities in purchases(model).items() if price[key] for b in quantities]
    terms += [holding[e, t] * z for (e, t), z in model.stock.items() if holding[e, t]]
    terms += _offers(model, instance)
    terms += _castings(model, instance)
    terms += [-sell[e, t] * g for (e, t), g in model.surplus.items() if sell[e, t]]
    terms += _scrap_left(model, instance)
    model.cost = pyo.Expression(expr=pyo.quicksum(terms), doc="cost of the plan, money")
    model.tonnes = pyo.Expression(expr=model.sent, doc="devices sent in all, t")


def _offers(model: pyo.ConcreteModel, instance: Instance) -> list[object]:
    """What offers in stock cost: as much as the metals in them."""
    if model.component("offer_stock") is None:
        return []
    holding = by_name(offer_holding(instance), instance.market.names, instance.periods)
    return [holding[key] * quantity for key, quantity in model.offer_stock.items() if holding[key]]


def _castings(model: pyo.ConcreteModel, instance: Instance) -> list[object]:
    """What castings in stock cost; nothing where they cost nothing."""
    if model.component("cast_stock") is None:
        return []
    holding = by_name(instance.alloys.holding.value, instance.alloys.names, instance.periods)
    return [holding[key] * quantity for key, quantity in model.cast_stock.items() if holding[key]]


def _scrap_left(model: pyo.ConcreteModel, instance: Instance) -> list[object]:
    """What process scrap is worth that is in hand at the end, or falls too late to be charged again."""
    periods = instance.periods
    worth = by_name(instance.alloys.scrap_value.value, instance.alloys.names)
    rate = by_name(process_scrap_rate(instance), instance.alloys.names)
    lead = by_name(instance.alloys.scrap_lead, instance.alloys.names)
    terms: list[object] = []
    for a in instance.alloys.names:
        if (a, periods[-1]) in model.scrap and worth[a]:
            late = periods[max(0, len(periods) - int(lead[a])) :]
            terms.append(-worth[a] * model.scrap[a, periods[-1]])
            terms += [-worth[a] * rate[a] * model.cast[a, t] for t in late]
    return terms


def minimise(model: pyo.ConcreteModel, measure: str) -> None:
    """Set the objective to one of `MEASURES`."""
    body = {"cost": model.cost, "footprint": model.footprint, "mass": model.tonnes}[measure]
    model.objective = pyo.Objective(expr=body, sense=pyo.minimize, doc=f"least {measure}")
