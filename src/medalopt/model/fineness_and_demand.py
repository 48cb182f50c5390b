"""Melt (family 4), fineness (5): composition limits of the fresh charge of an alloy, and demand (6).

Process scrap of an alloy satisfies the limits already and is not counted. The alloy of every medal is cast by the end
of its due period; castings may be stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyomo.core as pyo

from medalopt.instance.bounds import compute_cumulative_demand, has_casting_holding_cost, has_demand, may_miss
from medalopt.instance.instance import Instance
from medalopt.model.variables import index_by_name, select_names


def add_melt_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add melt constraints (family 4): $(C_{at}+v_{at})(1-\lambda_a)=k_{at}$ (kg).

    Args:
        model: Model with charge, recharged scrap and castings declared.
        instance: Instance.
    """
    yielded = index_by_name(1 - instance.alloys.loss.value, instance.alloys.names)

    def rule(m: pyo.ConcreteModel, a: str, t: str) -> tuple[float, object, float]:
        """Define the mass cast by the charge and the recharged scrap."""
        parts = [table[a, t] for table in (m.charged_all, m.recharge) if (a, t) in table]
        return (0.0, m.cast[a, t] - pyo.quicksum([yielded[a] * part for part in parts]), 0.0)

    doc = "4. melt: charge less melt loss equals castings; dual: marginal value of a kilogram in the melt, money/kg"
    model.melt = pyo.Constraint(list(model.cast), rule=rule, doc=doc)


def add_fineness_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add fineness constraints (family 5): $\underline f_{ae}C_{at}\le C_{aet}\le\overline f_{ae}C_{at}$ (kg).

    The same for the share of all unnamed matter, where the alloy admits any.

    Args:
        model: Model with charge and purchase variables declared.
        instance: Instance; constraints are added for shares above 0 % and below 100 %.
    """
    alloys, metals, market = instance.alloys.names, instance.metals.names, instance.market.names
    low = index_by_name(instance.alloys.low.value, alloys, metals)
    high = index_by_name(instance.alloys.high.value, alloys, metals)
    named = select_names(instance.alloys.named, alloys, metals)
    others = index_by_name(instance.alloys.others.value, alloys)
    admits = index_by_name(instance.alloys.admits_others, alloys)
    window = [(a, e, t) for a, e in named for t in instance.periods if (a, t) in model.charged_all]

    content = dict(model.charged.items())

    model.fineness_low = pyo.Constraint(
        [key for key in window if low[key[:2]] > 0],
        rule=lambda m, a, e, t: (0.0, content.get((a, e, t), 0.0) - low[a, e] * m.charged_all[a, t], None),
        doc="5. fineness, least share; dual: shadow price of the required metal, >= 0, money/kg",
    )
    model.fineness_high = pyo.Constraint(
        [key for key in window if high[key[:2]] < 1],
        rule=lambda m, a, e, t: (None, content.get((a, e, t), 0.0) - high[a, e] * m.charged_all[a, t], 0.0),
        doc="5. fineness, greatest share; dual: shadow price of the allowed metal, <= 0, money/kg",
    )
    stocked, bought = _unnamed_excess(instance)

    def rest(m: pyo.ConcreteModel, a: str, t: str) -> object:
        """Bound the metals other than those of the composition."""
        parts = [stocked[a, e] * m.charge[a, e, t] for e in metals if (a, e, t) in m.charge and stocked[a, e]]
        parts += [bought[o, a] * m.buy[o, a, t] for o in market if (o, a, t) in m.buy and bought[o, a]]
        return (None, pyo.quicksum(parts), 0.0) if parts else pyo.Constraint.Skip

    model.others = pyo.Constraint(
        [key for key in model.charged_all if admits[key[0]] and others[key[0]] < 1],
        rule=rest,
        doc="5. fineness, unnamed matter; dual: shadow price of the allowed mass, <= 0, money/kg",
    )


def _unnamed_excess(instance: Instance) -> tuple[Mapping[tuple[str, str], float], Mapping[tuple[str, str], float]]:
    """Return unnamed matter above the permitted share per kilogram charged: (alloy, metal) and (offer, alloy).

    Computed exactly and rounded once, so that equality gives 0 and no rounding residue enters the constraint.
    """
    alloys, market = instance.alloys, instance.market
    named = alloys.named.astype(int).astype(object)
    most_named = (1 - alloys.others.exact())[:, None]
    of_metal = (most_named - named).astype(float)
    of_offer = (most_named.T - market.composition.exact() @ named.T).astype(float)
    return index_by_name(of_metal, alloys.names, instance.metals.names), index_by_name(
        of_offer, market.names, alloys.names
    )


def declare_missed_medals(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Declare the medals missed, $0\le u_m\le N_m$, of every kind with a `shortfall`; none without such a kind.

    Args:
        model: Model to extend.
        instance: Instance.
    """
    medals = instance.medals
    count = index_by_name(medals.count, medals.names)
    kinds = select_names(may_miss(instance), medals.names)
    if kinds:
        bounds = {m: (0.0, float(count[m])) for m in kinds}
        model.missed = pyo.Var(kinds, domain=pyo.NonNegativeReals, bounds=bounds, doc="u: medals that are not made")


def add_demand_constraints(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Add demand constraints (family 6): $\sum_{\tau\le t}(1-\sigma_a)k_{a\tau}+\sum_mw_{ma}u_m\ge Q_{at}$ (kg).

    The second sum runs over the medals due by then that may be missed.

    The last period has an equation. A period in which no more falls due has no constraint: that of the period before
    implies it.

    Args:
        model: Model with castings and missed medals declared.
        instance: Instance.
    """
    alloys, periods = instance.alloys.names, instance.periods
    quantity = compute_cumulative_demand(instance)
    rises = np.diff(quantity, axis=1, prepend=0.0) > 0
    rises[has_demand(instance), -1] = True
    need = index_by_name(quantity, alloys, periods)
    made = _cumulative_castings(model, instance)

    def rule(m: pyo.ConcreteModel, a: str, t: str) -> tuple[float, object, float | None]:
        """Meet the demand cumulated up to a period."""
        return (need[a, t], made(a, t), need[a, t] if t == periods[-1] else None)

    doc = "6. demand; dual: marginal cost of the alloy due by the end of this period, money/kg"
    model.demand = pyo.Constraint(select_names(rises, alloys, periods), rule=rule, doc=doc)


def add_casting_stock(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Define the stock of castings that carries a holding cost: $z_{at}=\sum_{\tau\le t}(1-\sigma_a)k_{a\tau}-Q_{at}$.

    The last period has none, by the demand equation. The variable is unbounded: demand keeps it non-negative.

    Args:
        model: Model with castings declared.
        instance: Instance.
    """
    periods, alloys = instance.periods, instance.alloys.names
    keys = [(a, t) for a in select_names(has_casting_holding_cost(instance), alloys) for t in periods[:-1]]
    if not keys:
        return
    need, made = (
        index_by_name(compute_cumulative_demand(instance), alloys, periods),
        _cumulative_castings(model, instance),
    )

    def rule(m: pyo.ConcreteModel, a: str, t: str) -> tuple[float, object, float]:
        """Define the castings in stock at the end of a period."""
        return (-need[a, t], m.cast_stock[a, t] - made(a, t), -need[a, t])

    model.cast_stock = pyo.Var(keys, domain=pyo.Reals, doc="castings that wait at the end of a period, kg")
    doc = "linking: castings in stock are castings less process scrap and deliveries due; dual: marginal cost, money/kg"
    model.define_cast_stock = pyo.Constraint(keys, rule=rule, doc=doc)


def _cumulative_castings(model: pyo.ConcreteModel, instance: Instance) -> Callable[[str, str], object]:
    """Return a function for cumulative net castings of an alloy up to a period: process scrap deducted (kg).

    The alloy of medals due by then that are missed counts too: it need not be cast.
    """
    periods, medals = instance.periods, instance.medals
    kept = index_by_name(1 - instance.alloys.scrap_share.value, instance.alloys.names)
    each = index_by_name(
        medals.parts.value * (1 + medals.allowance.value)[:, None], medals.names, instance.alloys.names
    )
    due = index_by_name(medals.due, medals.names)
    missed = {} if model.component("missed") is None else model.missed
    place = {t: number for number, t in enumerate(periods)}

    def made(a: str, t: str) -> object:
        """Sum the good castings up to a period, and the alloy of medals that are not made."""
        own = [kept[a] * model.cast[a, tau] for tau in periods[: place[t] + 1]]
        return pyo.quicksum(own + [each[m, a] * missed[m] for m in missed if each[m, a] and due[m] <= place[t]])

    return made
