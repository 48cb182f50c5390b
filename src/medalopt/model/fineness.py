"""Melt (family 4) and fineness: composition limits of the fresh charge of an alloy (family 5).

Process scrap of an alloy satisfies the limits already and is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyomo.core as pyo

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
