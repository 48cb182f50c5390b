"""Policies: recycled content (family 8), device mix (9), participation (10), footprint (11), concentration (15).

Promised confidence (16): cuts of the chance constraints of metals and deadlines, or an uncertainty budget.
"""

from __future__ import annotations

import math

import numpy as np
import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.instance.uncertainty import get_uncertainty_budget
from medalopt.model.balance_and_limits import collect_purchases
from medalopt.model.variables import LinkingKey, group_terms, index_by_name, list_cut_keys


def add_policy_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    """Add the constraints of the policies on recycled content, device mix, participation and footprint.

    Args:
        model: Model with linking variables, metal variables and `footprint` declared.
        instance: Instance.
    """
    _add_recycled_content(model, instance)
    _add_device_mix(model, instance)
    _add_participation(model, instance)
    _add_footprint_cap(model, instance)


def _add_recycled_content(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add recycled content constraints (family 8).

    $\sum_{oat}(1-\varphi_o)b_{oe}b_{oat}\le(1-\kappa_e)\sum_{at}C_{aet}$ (kg).
    Metal from stock, opening stock included, counts as recycled.
    """
    market, metals = instance.market, instance.metals.names
    content = index_by_name(market.composition.value, market.names, metals)
    mined = index_by_name(1 - market.recycled.value, market.names)
    floor = index_by_name(instance.policy.recycled.value, metals)
    charged = group_terms(model.charged, 1)

    def rule(m: pyo.ConcreteModel, e: str) -> tuple[None, object, float]:
        """Bound the mined metal charged over the horizon."""
        new = pyo.quicksum(
            [mined[o] * content[o, e] * b for (o, _, _), b in m.buy.items() if mined[o] * content[o, e]],
        )
        return (None, new - (1 - floor[e]) * pyo.quicksum(charged[e]), 0.0)

    doc = "8. recycled content; dual: shadow price of primary metal allowed, <= 0, money/kg"
    model.recycled = pyo.Constraint([e for e in metals if floor[e] > 0 and e in charged], rule=rule, doc=doc)


def _add_device_mix(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add device mix constraints (family 9): $\underline\mu X\le X_d\le\overline\mu X$ (t)."""
    policy, devices = instance.policy, instance.devices.names
    member = index_by_name(policy.members, policy.windows, devices)
    low, high = (
        index_by_name(policy.window_low.value, policy.windows),
        index_by_name(policy.window_high.value, policy.windows),
    )

    def excess(m: pyo.ConcreteModel, w: str, share: float) -> object:
        """Return the tonnes of the window's devices above a share of all tonnes sent."""
        return pyo.quicksum([(member[w, d] - share) * m.sent_device[d] for d in devices])

    model.mix_low = pyo.Constraint(
        [w for w in policy.windows if low[w] > 0],
        rule=lambda m, w: (0.0, excess(m, w, low[w]), None),
        doc="9. device mix, least share; dual: shadow price of the required tonnes, >= 0, money/t",
    )
    model.mix_high = pyo.Constraint(
        [w for w in policy.windows if high[w] < 1],
        rule=lambda m, w: (None, excess(m, w, high[w]), 0.0),
        doc="9. device mix, greatest share; dual: shadow price of the allowed tonnes, <= 0, money/t",
    )


def _add_participation(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add participation constraints (family 10): $X_g\ge\psi\sum_{i:g(i)=g}\sum_ts_{it}$ (t).

    Supply of streams without a route is included in the right-hand side.
    """
    share = float(instance.policy.participation.value)
    offers = np.zeros(len(instance.regions))
    np.add.at(offers, instance.streams.region, instance.streams.available.value.sum(axis=1))
    offered = index_by_name(offers, instance.regions)
    model.participation = pyo.Constraint(
        [g for g in instance.regions if share * offered[g] > 0 and g in model.sent_region],
        rule=lambda m, g: (share * offered[g], m.sent_region[g], None),
        doc="10. participation; dual: shadow price of the required tonnes, >= 0, money/t",
    )


def declare_footprint(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Declare the footprint of a plan, $\Phi+\sum_o\phi_ob_o$, as the expression `footprint` (kg CO2e).

    Args:
        model: Model with `network_footprint` and purchases declared.
        instance: Instance.
    """
    each = index_by_name(instance.market.footprint.value, instance.market.names)
    bought = [each[o] * one for (o, _), quantities in collect_purchases(model).items() if each[o] for one in quantities]
    model.footprint = pyo.Expression(
        expr=pyo.quicksum([model.network_footprint, *bought]), doc="footprint of the plan, kg CO2e"
    )


def _add_footprint_cap(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add the footprint cap (family 11): $\Phi+\sum_o\phi_ob_o\le$ cap (kg CO2e); nothing if the cap is infinite."""
    cap = float(instance.policy.footprint_cap.value)
    if math.isfinite(cap):
        doc = "11. footprint; dual: shadow price of the cap, <= 0, money/kg CO2e"
        model.footprint_cap = pyo.Constraint(rule=lambda m: (None, m.footprint, cap), doc=doc)


def add_concentration_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add concentration limits (family 15).

    $\sum_tF_{kt}\le\alpha\sum_{k't}F_{k't}$ (t); $X_g\le\alpha X$ (t); $b_o\le\alpha\sum_{o'}b_{o'}$ (kg).

    Args:
        model: Model with feed, tonnes sent by region and purchases over the horizon declared.
        instance: Instance; constraints are added for shares below 100 %.
    """
    policy, periods = instance.policy, instance.periods
    feed = {k: pyo.quicksum([model.feed[k, t] for t in periods]) for k in instance.smelters.names}
    for name, share, unit, own, everything in (
        ("smelters", policy.concentration_smelters, "tonne", feed, pyo.quicksum(feed.values())),
        ("regions", policy.concentration_regions, "tonne", model.sent_region, model.sent),
        ("offers", policy.concentration_offers, "kilogram", model.bought, pyo.quicksum(model.bought.values())),
    ):
        most = float(share.value)
        rows = pyo.Constraint(
            list(own) if most < 1 else [],
            rule=lambda m, key, own=own, most=most, everything=everything: (None, own[key] - most * everything, 0.0),
            doc=f"15. concentration; dual: shadow price of the right-hand side, <= 0, money per {unit}",
        )
        model.add_component(f"concentration_{name}", rows)


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
