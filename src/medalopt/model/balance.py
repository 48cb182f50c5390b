"""Family 3, metal balance: stock of refined metal, and of offers bought into stock, from period to period."""

from __future__ import annotations

from typing import Any

import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.model.variables import index_by_name


def add_metal_balance(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add the metal balance (family 3): $z_{et}=z_{e,t-1}+R_{et}-\sum_aw_{aet}-g_{et}$, with $z_{e0}=S_{e0}$ (kg).

    Metal left with the smelters is no part of $R_{et}$ on the account.

    Args:
        model: Model with stock, surplus, charge, returned metal and metal left declared.
        instance: Instance.
    """
    before = dict(zip(instance.periods[1:], instance.periods, strict=False))
    opening = index_by_name(instance.metals.opening_stock.value, instance.metals.names)
    returned: dict[tuple[str, str], list[object]] = {}
    for (_, e, t), quantity in model.returned.items():
        returned.setdefault((e, t), []).append(quantity)
    charged: dict[tuple[str, str], list[object]] = {}
    for (_, e, t), quantity in model.charge.items():
        charged.setdefault((e, t), []).append(quantity)
    left = model.component("left")
    for (_, e, t), quantity in left.items() if left is not None else ():
        charged.setdefault((e, t), []).append(quantity)

    def rule(m: pyo.ConcreteModel, e: str, t: str) -> tuple[float, object, float]:
        """Balance one metal in one period."""
        gone = pyo.quicksum([m.stock[e, t], m.surplus[e, t], *charged.get((e, t), [])])
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
    charged: dict[tuple[str, str], list[object]] = {}
    for (o, _, t), quantity in model.buy.items():
        charged.setdefault((o, t), []).append(quantity)

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
    result: dict[tuple[str, str], list[Any]] = {}
    for (o, _, t), quantity in model.buy.items():
        if (o, t) not in stocked:
            result.setdefault((o, t), []).append(quantity)
    return {**result, **stocked}
