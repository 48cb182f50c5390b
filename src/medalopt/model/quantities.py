"""Metal and alloy variables besides the network, and total charge as expressions."""

from __future__ import annotations

from collections.abc import Sequence

import pyomo.core as pyo

from medalopt.instance.bounds import implied
from medalopt.instance.instance import Instance
from medalopt.instance.needs import is_owed, is_stocked, may_buy, may_charge, on_account, process_scrap_rate
from medalopt.instance.routes import Routes
from medalopt.model.tables import by_name, where


def declare(model: pyo.ConcreteModel, instance: Instance, found: Routes) -> None:
    """Declare stock, surplus, charge, purchase, casting and process scrap (kg), and the charge expressions.

    Args:
        model: Model to extend.
        instance: Instance.
        found: Admissible routes (J), for the metals that can return and the purchase bounds.
    """
    metals, alloys, periods = instance.metals.names, instance.alloys.names, instance.periods
    account = where(on_account(instance, found), metals)
    owed = where(is_owed(instance), alloys)
    charges = where(may_charge(instance, found), alloys, metals)
    purchases = where(may_buy(instance), instance.market.names, alloys)
    scrapping = where(process_scrap_rate(instance) > 0, alloys)
    free = {"domain": pyo.NonNegativeReals}
    model.stock = pyo.Var(_over(account, periods), **free, doc="z: refined metal in stock at the end of a period, kg")
    model.surplus = pyo.Var(_over(account, periods), **free, doc="g: metal sold, or left as surplus, kg")
    model.charge = pyo.Var(_over(charges, periods), **free, doc="w: stocked metal charged to an alloy, kg")
    model.buy = pyo.Var(
        _over(purchases, periods), **free, doc="b: offer charged to an alloy, kg; bought at once, or from stock"
    )
    stocked = where(is_stocked(instance), instance.market.names)
    if stocked:
        most = by_name(implied(instance, found).purchase, instance.market.names)
        keys = _over(stocked, periods)
        model.acquire = pyo.Var(
            keys,
            domain=pyo.NonNegativeReals,
            bounds=lambda m, o, t: (0.0, most[o]),
            doc="b+: offer bought into stock, kg",
        )
        model.offer_stock = pyo.Var(keys, **free, doc="z: offer in stock at the end of a period, kg")
    model.cast = pyo.Var(_over(owed, periods), **free, doc="k: alloy cast, kg")
    model.recharge = pyo.Var(_over(scrapping, periods), **free, doc="v: process scrap charged again, kg")
    model.scrap = pyo.Var(_over(scrapping, periods), **free, doc="n: process scrap in hand at the end of a period, kg")
    _charged(model, instance, charges, purchases)


def _over(keys: Sequence[object], periods: tuple[str, ...]) -> list[tuple[object, ...]]:
    """Return each key extended by each period."""
    return [(*(key if isinstance(key, tuple) else (key,)), t) for key in keys for t in periods]


def _charged(
    model: pyo.ConcreteModel,
    instance: Instance,
    charges: list[tuple[str, str]],
    purchases: list[tuple[str, str]],
) -> None:
    r"""Declare $C_{aet}=w_{aet}+\sum_ob_{oe}b_{oat}$ and $C_{at}=\sum_ew_{aet}+\sum_ob_{oat}$, no process scrap."""
    content = by_name(instance.market.composition.value, instance.market.names, instance.metals.names)
    stocked: dict[str, list[str]] = {}
    for a, e in charges:
        stocked.setdefault(a, []).append(e)
    bought: dict[str, list[str]] = {}
    for o, a in purchases:
        bought.setdefault(a, []).append(o)
    holding = {
        (a, e): [o for o in bought.get(a, []) if content[o, e]]
        for a in instance.alloys.names
        for e in instance.metals.names
    }
    reached = [key for key, offers in holding.items() if offers or key[1] in stocked.get(key[0], [])]

    def of_metal(m: pyo.ConcreteModel, a: str, e: str, t: str) -> object:
        own = [m.charge[a, e, t]] if e in stocked.get(a, []) else []
        return pyo.quicksum(own + [content[o, e] * m.buy[o, a, t] for o in holding[a, e]])

    def in_all(m: pyo.ConcreteModel, a: str, t: str) -> object:
        own = [m.charge[a, e, t] for e in stocked.get(a, [])]
        return pyo.quicksum(own + [m.buy[o, a, t] for o in bought.get(a, [])])

    charged = [a for a in instance.alloys.names if a in stocked or a in bought]
    model.charged = pyo.Expression(
        _over(reached, instance.periods), rule=of_metal, doc="C_ae: metal charged, from stock and offers, kg"
    )
    model.charged_all = pyo.Expression(
        _over(charged, instance.periods), rule=in_all, doc="C_a: charged in all, process scrap not counted, kg"
    )
