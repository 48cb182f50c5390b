"""The objectives: cost (money), footprint (kg CO2e) or mass (t)."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import compute_casting_price, compute_offer_holding_cost, compute_scrap_rate
from medalopt.instance.instance import Instance, Names
from medalopt.instance.lots import ACTIVITY_KINDS, STEP_KINDS
from medalopt.model.balance import collect_purchases, list_left_metal_terms
from medalopt.model.variables import index_by_name

OBJECTIVES = ("cost", "footprint", "mass")


def declare_cost_expressions(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Declare the total cost as expression `cost` (money) and the devices sent as `tonnes` (t).

    $\sum_tc_t+\sum_{ot}p_{ot}b^+_{ot}+\sum_{et}h_{et}z_{et}+\sum_{ot}h_{ot}z_{ot}+\sum_{at}h_{at}z_{at}-\sum_{et}p_{et}g_{et}
    -\sum_{\ell et}(p_{\ell et}+\zeta_{\ell e})L_{\ell et}-\sum_{at}p_{at}(1-\sigma_a)k_{at}
    -\sum_a\nu_a\bigl(n_{an}+\omega_a\sigma_a\sum_{t>n-\mu_a}k_{at}\bigr)+\sum_m\varpi_mu_m
    +\sum_n\eta_ny_n+\sum_n\Delta_ne_n$.

    Args:
        model: Model with all variables declared.
        instance: Instance.
    """
    market, metals, periods = instance.market, instance.metals, instance.periods
    price = index_by_name(market.price.value, market.names, periods)
    holding = index_by_name(metals.holding.value, metals.names, periods)
    sell = index_by_name(metals.sell.value, metals.names, periods)
    terms = list(model.spend.values())
    terms += [price[key] * b for key, quantities in collect_purchases(model).items() if price[key] for b in quantities]
    terms += [holding[e, t] * z for (e, t), z in model.stock.items() if holding[e, t]]
    terms += _offer_holding_terms(model, instance)
    terms += _casting_sale_terms(model, instance)
    terms += _casting_holding_terms(model, instance)
    terms += [-sell[e, t] * g for (e, t), g in model.surplus.items() if sell[e, t]]
    terms += list_left_metal_terms(model, instance)
    terms += _scrap_value_terms(model, instance)
    terms += _shortfall_terms(model, instance)
    for kind in ACTIVITY_KINDS:
        terms += _price_component(
            model, f"{kind.name}_used", kind.get_charge(instance).value, kind.list_names(instance)
        )
    for steps in STEP_KINDS:
        surcharge = steps.get_steps(instance).surcharge.value
        terms += _price_component(model, f"{steps.name}_excess", surcharge, steps.list_steps(instance))
    model.cost = pyo.Expression(expr=pyo.quicksum(terms), doc="cost of the plan, money")
    model.tonnes = pyo.Expression(expr=model.sent, doc="devices sent in all, t")


def _price_component(model: pyo.ConcreteModel, name: str, price: Floats, names: Names) -> list[object]:
    """Return the variables of a component at the prices of the first names of their index; empty without it."""
    if model.component(name) is None:
        return []
    by_name = index_by_name(price, names)
    variables = ((key[0] if isinstance(key, tuple) else key, each) for key, each in model.component(name).items())
    return [by_name[first] * each for first, each in variables if by_name[first]]


def _offer_holding_terms(model: pyo.ConcreteModel, instance: Instance) -> list[object]:
    """Return the holding cost of offers in stock, that of their metals; empty without such stock."""
    if model.component("offer_stock") is None:
        return []
    holding = index_by_name(compute_offer_holding_cost(instance), instance.market.names, instance.periods)
    return [holding[key] * quantity for key, quantity in model.offer_stock.items() if holding[key]]


def _casting_holding_terms(model: pyo.ConcreteModel, instance: Instance) -> list[object]:
    """Return the holding cost of castings in stock; empty if holding is free."""
    if model.component("cast_stock") is None:
        return []
    holding = index_by_name(instance.alloys.holding.value, instance.alloys.names, instance.periods)
    return [holding[key] * quantity for key, quantity in model.cast_stock.items() if holding[key]]


def _casting_sale_terms(model: pyo.ConcreteModel, instance: Instance) -> list[object]:
    """Return the revenue for castings (negative), process scrap excluded; empty if none are sold."""
    price = index_by_name(compute_casting_price(instance), instance.alloys.names, instance.periods)
    return [-price[key] * quantity for key, quantity in model.cast.items() if price[key]]


def _scrap_value_terms(model: pyo.ConcreteModel, instance: Instance) -> list[object]:
    """Return the credit for process scrap in hand at the end, or available too late to be recharged (negative)."""
    periods = instance.periods
    worth = index_by_name(instance.alloys.scrap_value.value, instance.alloys.names)
    rate = index_by_name(compute_scrap_rate(instance), instance.alloys.names)
    lead = index_by_name(instance.alloys.scrap_lead, instance.alloys.names)
    terms: list[object] = []
    for a in instance.alloys.names:
        if (a, periods[-1]) in model.scrap and worth[a]:
            late = periods[max(0, len(periods) - int(lead[a])) :]
            terms.append(-worth[a] * model.scrap[a, periods[-1]])
            terms += [-worth[a] * rate[a] * model.cast[a, t] for t in late]
    return terms


def _shortfall_terms(model: pyo.ConcreteModel, instance: Instance) -> list[object]:
    """Return the penalties of missed medals; empty if all must be made."""
    if model.component("missed") is None:
        return []
    penalty = index_by_name(instance.medals.shortfall.value, instance.medals.names)
    return [penalty[m] * missed for m, missed in model.missed.items() if penalty[m]]


def set_objective(model: pyo.ConcreteModel, objective: str) -> None:
    """Set the objective to minimise.

    Args:
        model: Model with `cost`, `footprint` and `tonnes` declared.
        objective: One of `OBJECTIVES`.
    """
    body = {"cost": model.cost, "footprint": model.footprint, "mass": model.tonnes}[objective]
    model.objective = pyo.Objective(expr=body, sense=pyo.minimize, doc=f"least {objective}")
