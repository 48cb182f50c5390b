"""Balances of metal and offers in stock (family 3), process scrap (12), metal left with smelters (17), reserve (18).

Capacity (2), commitments and limits over the horizon (7), limits on impurities (19) and offers (22, 23).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyomo.core as pyo

from medalopt.instance.arrays import ExactArray
from medalopt.instance.bounds import compute_scrap_rate, find_charge_limits, may_buy
from medalopt.instance.instance import Instance
from medalopt.instance.smelter_terms import has_limit
from medalopt.model.variables import group_terms, index_by_name, select_names


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


def add_capacity_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add capacity constraints (family 2): $F_{kt}\le u_{kt}$; $G_{ht}\le v_{ht}$; $k_{at}\le\overline k_{at}$.

    Args:
        model: Model with feed, treated tonnage and castings declared.
        instance: Instance; a constraint is added per finite capacity only.
    """
    dual_doc = "dual: shadow price of capacity in this period, <= 0, money/{}"
    for name, quantity, axis, limit, unit in (
        ("feed_capacity", model.feed, instance.smelters.names, instance.smelters.capacity, "tonne"),
        ("treatment_capacity", model.treated, instance.treatments.names, instance.treatments.capacity, "tonne"),
        ("cast_capacity", model.cast, instance.alloys.names, instance.alloys.capacity, "kilogram"),
    ):
        greatest = index_by_name(limit.value, axis, instance.periods)
        given = select_names(np.isfinite(limit.value), axis, instance.periods)
        rows = pyo.Constraint(
            [key for key in given if key in quantity],
            rule=lambda m, *key, quantity=quantity, maximum=greatest: (None, quantity[key], maximum[key]),
            doc="2. capacity; " + dual_doc.format({"tonne": "t", "kilogram": "kg"}[unit]),
        )
        model.add_component(name, rows)


def add_commitment_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add commitments and limits (family 7).

    $\underline b_o\le\sum_{at}b_{oat}\le\overline b_o$; $X_i\ge\underline s_i$;
    $\underline u_k\le\sum_tF_{kt}\le\overline u_k$.

    Args:
        model: Model with purchases and linking variables declared; `bought` is added to it.
        instance: Instance; a constraint is added only if a commitment is positive or a limit finite.
    """
    market, smelters, streams = instance.market, instance.smelters, instance.streams
    by_offer: dict[str, list[object]] = {o: [] for o in market.names}
    for (o, _), quantities in collect_purchases(model).items():
        by_offer[o] += quantities
    model.bought = pyo.Var(list(market.names), domain=pyo.NonNegativeReals, doc="offer bought over the horizon, kg")
    model.define_bought = pyo.Constraint(
        list(market.names),
        rule=lambda m, o: (0.0, m.bought[o] - pyo.quicksum(by_offer[o]), 0.0),
        doc="linking: total of the purchases of an offer; dual: marginal cost of the total, money/kg",
    )
    offers = _total_bounds(market.names, market.committed, market.limit)
    model.purchase = pyo.Constraint(
        list(offers),
        rule=lambda m, o: (offers[o][0], m.bought[o], offers[o][1]),
        doc="7. commitment and limit of purchases; dual: >= 0 at the commitment, <= 0 at the limit, money/kg",
    )
    committed = {
        i: minimum for i, minimum in index_by_name(streams.committed.value, streams.names).items() if minimum > 0
    }
    model.stream_commitment = pyo.Constraint(
        list(committed),
        rule=lambda m, i: (committed[i], m.sent_stream[i], None),
        doc="7. commitment of a stream; dual: shadow price of the commitment, >= 0, money/t",
    )
    feeds = _total_bounds(smelters.names, smelters.committed, smelters.limit)
    model.feed_total = pyo.Constraint(
        list(feeds),
        rule=lambda m, k: (
            feeds[k][0],
            pyo.quicksum([m.feed[k, t] for t in instance.periods]),
            feeds[k][1],
        ),
        doc="7. commitment and limit of feed; dual: >= 0 at the commitment, <= 0 at the limit, money/t",
    )


def _total_bounds(
    names: tuple[str, ...], least: ExactArray, greatest: ExactArray
) -> dict[str, tuple[float | None, float | None]]:
    """Return lower and upper bound of each name's total, None if absent; names with neither are left out."""
    pairs = zip(names, least.value.tolist(), greatest.value.tolist(), strict=True)
    return {
        name: (low if low > 0 else None, high if math.isfinite(high) else None)
        for name, low, high in pairs
        if low > 0 or math.isfinite(high)
    }


def add_impurity_limits(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add limits on the mean content of feed (family 19): $S_{kxt}\le\overline a_{kx}F_{kt}$ (kg).

    Args:
        model: Model with feed and impurities in feed declared.
        instance: Instance; constraints are added where a limit is given.
    """
    smelters, elements = instance.smelters.names, instance.impurities.names
    limited = select_names(has_limit(instance), smelters, elements)
    most = index_by_name(instance.impurities.limit.value, smelters, elements)
    model.impurity_limit = pyo.Constraint(
        [(k, x, t) for k, x in limited for t in instance.periods],
        rule=lambda m, k, x, t: (None, m.impurity[k, x, t] - most[k, x] * m.feed[k, t], 0.0),
        doc="19. impurity limit; dual: what a kilogram more of it in the feed saves (negative), money/kg",
    )


def add_offer_stock_limits(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add limits on the stock of offers (family 22): $z_{ot}\le L_{ot}$ and $z_{on}\ge E_o$ (kg).

    Args:
        model: Model with `offer_stock` declared, where some offer is bought into stock.
        instance: Instance.
    """
    market, stock = instance.market, model.component("offer_stock")
    if stock is None:
        return
    most = index_by_name(market.storage_limit.value, market.names, instance.periods)
    least = index_by_name(market.closing_stock.value, market.names)
    model.offer_storage = pyo.Constraint(
        [key for key in stock if math.isfinite(most[key])],
        rule=lambda m, o, t: (None, m.offer_stock[o, t], most[o, t]),
        doc="22. storage limit of an offer; dual: what a kilogram more of storage saves (negative), money/kg",
    )
    model.closing_stock = pyo.Constraint(
        [o for o, t in stock if t == instance.periods[-1] and least[o] > 0],
        rule=lambda m, o: (least[o], m.offer_stock[o, instance.periods[-1]], None),
        doc="22. closing stock of an offer; dual: what a kilogram more in stock at the end costs, money/kg",
    )


def add_charge_limits(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add limits on groups of offers charged (family 23): $\sum_{o\in O_{aq}}b_{oat}\le\overline b_{aqt}$ (kg).

    Args:
        model: Model with the offers charged declared.
        instance: Instance; constraints are added where a limit is given and the alloy admits one of the offers.
    """
    limits, alloys, offers = instance.charge_limits, instance.alloys.names, instance.market.names
    if not limits.names:
        return
    most = index_by_name(limits.most.value, alloys, limits.names, instance.periods)
    members: dict[tuple[str, str], list[str]] = {}
    for a, n, o in select_names(limits.offers & may_buy(instance).T[:, None, :], alloys, limits.names, offers):
        members.setdefault((a, n), []).append(o)
    model.charge_limit = pyo.Constraint(
        select_names(find_charge_limits(instance), alloys, limits.names, instance.periods),
        rule=lambda m, a, n, t: (None, pyo.quicksum([m.buy[o, a, t] for o in members[a, n]]), most[a, n, t]),
        doc="23. limit on offers charged; dual: what a kilogram more of them saves (negative), money/kg",
    )
