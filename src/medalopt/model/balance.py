"""Balances of metal and offers in stock (family 3), process scrap (12), metal left with smelters (17), reserve (18)."""

from __future__ import annotations

from typing import Any

import pyomo.core as pyo

from medalopt.instance.bounds import compute_scrap_rate
from medalopt.instance.instance import Instance
from medalopt.instance.smelter_terms import compute_worth_left, list_terms_names
from medalopt.model.variables import group_terms, index_by_name


def add_metal_balance(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add the metal balance (family 3): $z_{et}=z_{e,t-1}+R_{et}-\sum_aw_{aet}-g_{et}$, with $z_{e0}=S_{e0}$ (kg).

    Metal left with the smelters is no part of $R_{et}$ on the account.

    Args:
        model: Model with stock, surplus, charge, returned metal and metal left declared.
        instance: Instance.
    """
    before = dict(zip(instance.periods[1:], instance.periods, strict=False))
    opening = index_by_name(instance.metals.opening_stock.value, instance.metals.names)
    returned, charged = group_terms(model.returned, 1, 2), group_terms(model.charge, 1, 2)
    left = {} if model.component("left") is None else group_terms(model.left, 1, 2)

    def rule(m: pyo.ConcreteModel, e: str, t: str) -> tuple[float, object, float]:
        """Balance one metal in one period."""
        gone = pyo.quicksum([m.stock[e, t], m.surplus[e, t], *charged.get((e, t), []), *left.get((e, t), [])])
        come = returned.get((e, t), []) + ([m.stock[e, before[t]]] if t in before else [])
        start = 0.0 if t in before else opening[e]
        return (start, gone - pyo.quicksum(come) if come else gone, start)

    doc = "3. metal balance; dual: change of cost per kilogram more on the account, money/kg; negative: saving"
    model.balance = pyo.Constraint(list(model.stock), rule=rule, doc=doc)


def add_offer_balance(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add the offer stock balance (family 3): $z_{ot}=z_{o,t-1}+b^+_{ot}-\sum_ab_{oat}$, with $z_{o0}=S_{o0}$ (kg).

    Args:
        model: Model with `acquire`, `offer_stock` and `buy` declared.
        instance: Instance.
    """
    if model.component("acquire") is None:
        return
    before = dict(zip(instance.periods[1:], instance.periods, strict=False))
    opening = index_by_name(instance.market.opening_stock.value, instance.market.names)
    charged = group_terms(model.buy, 0, 2)

    def rule(m: pyo.ConcreteModel, o: str, t: str) -> tuple[float, object, float]:
        """Balance one stocked offer in one period."""
        come = [m.acquire[o, t]] + ([m.offer_stock[o, before[t]]] if t in before else [])
        start = 0.0 if t in before else opening[o]
        return (start, pyo.quicksum([m.offer_stock[o, t], *charged.get((o, t), [])]) - pyo.quicksum(come), start)

    doc = "3. balance of an offer in stock; dual: change of cost per kilogram more, money/kg; negative: saving"
    model.offer_balance = pyo.Constraint(list(model.acquire), rule=rule, doc=doc)


def collect_purchases(model: pyo.ConcreteModel) -> dict[tuple[str, str], list[Any]]:
    """Return the terms of the purchases of each offer and period (kg).

    Args:
        model: Model with purchase variables declared.

    Returns:
        By (offer, period): `acquire` for an offer bought into stock, else its `buy` variables over all alloys.
    """
    stocked = {} if model.component("acquire") is None else {key: [quantity] for key, quantity in model.acquire.items()}
    return {**{key: terms for key, terms in group_terms(model.buy, 0, 2).items() if key not in stocked}, **stocked}


def add_left_metal_constraints(model: pyo.ConcreteModel) -> None:
    r"""Add the limit on metal left with a smelter (family 17): $L_{\ell et}\le R_{\ell et}$ (kg).

    Args:
        model: Model with `left` and `returned_line` declared.
    """
    if model.component("left") is None:
        return
    doc = "17. title, no more is left than is credited; dual: worth of a kilogram more (negative), money/kg"
    model.left_most = pyo.Constraint(
        list(model.left), rule=lambda m, *key: (None, m.left[key] - m.returned_line[key], 0.0), doc=doc
    )


def list_left_metal_terms(model: pyo.ConcreteModel, instance: Instance) -> list[object]:
    """Return the cost of metal left with the smelters: their payments, and the refining charge saved (negative).

    Args:
        model: Model with `left` declared.
        instance: Instance.

    Returns:
        Terms of the cost, money; empty where no metal may be left.
    """
    if model.component("left") is None:
        return []
    names, metals = list_terms_names(instance), instance.metals.names
    worth = index_by_name(compute_worth_left(instance), names, metals, instance.periods)
    return [-worth[key] * kilograms for key, kilograms in model.left.items() if worth[key]]


def add_reserve_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add the safety stock (family 18): $z_{et}\ge\sum_{t'=t+1}^{t+r_e}\sum_aw_{aet'}$, within the horizon (kg).

    Args:
        model: Model with stock and metal charged declared.
        instance: Instance.
    """
    periods, metals = instance.periods, instance.metals
    ahead = {e: r for e, r in zip(metals.names, metals.reserve.tolist(), strict=True) if r}
    charged = group_terms(model.charge, 1, 2)
    place = {t: number for number, t in enumerate(periods)}
    keys = [(e, t) for e, t in charged if e in ahead and t != periods[-1]]
    if not keys:
        return

    def rule(m: pyo.ConcreteModel, e: str, t: str) -> tuple[float, object, None]:
        """Keep the metal of the coming periods in stock."""
        coming = periods[place[t] + 1 : place[t] + 1 + ahead[e]]
        return (0.0, m.stock[e, t] - pyo.quicksum([w for u in coming for w in charged[e, u]]), None)

    doc = "18. safety stock; dual: what a kilogram more in stock at the end of this period costs, money/kg"
    model.reserve = pyo.Constraint(sorted(keys, key=lambda key: (key[0], place[key[1]])), rule=rule, doc=doc)


def add_process_scrap_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add the scrap balance (family 12): $n_{at}=n_{a,t-1}+\omega_a\sigma_ak_{a,t-\mu_a}-v_{at}$, $n_{a0}=0$ (kg).

    Args:
        model: Model with `scrap`, `recharge` and `cast` declared.
        instance: Instance.
    """
    alloys, periods = instance.alloys.names, instance.periods
    rate = index_by_name(compute_scrap_rate(instance), alloys)
    lead = index_by_name(instance.alloys.scrap_lead, alloys)
    place = {t: number for number, t in enumerate(periods)}

    def rule(m: pyo.ConcreteModel, a: str, t: str) -> tuple[float, object, float]:
        """Balance the process scrap of one alloy in one period."""
        parts = [m.scrap[a, t], m.recharge[a, t]]
        if place[t] > 0:
            parts.append(-m.scrap[a, periods[place[t] - 1]])
        if place[t] >= lead[a]:
            parts.append(-rate[a] * m.cast[a, periods[place[t] - int(lead[a])]])
        return (0.0, pyo.quicksum(parts), 0.0)

    doc = "12. process scrap in hand; dual: change of cost per kilogram more, money/kg; negative: saving"
    model.process_scrap = pyo.Constraint(list(model.scrap), rule=rule, doc=doc)
