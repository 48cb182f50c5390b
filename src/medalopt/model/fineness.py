"""Family 5, fineness: the composition window of what is freshly charged.

Process scrap of an alloy is in its window already.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.model.tables import by_name, where


def fineness(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""5. fineness of the fresh charge: $\underline f_{ae}C_{at}\le C_{aet}\le\overline f_{ae}C_{at}$, and others."""
    alloys, metals, market = instance.alloys.names, instance.metals.names, instance.market.names
    low = by_name(instance.alloys.low.value, alloys, metals)
    high = by_name(instance.alloys.high.value, alloys, metals)
    named = where(instance.alloys.named, alloys, metals)
    others = by_name(instance.alloys.others.value, alloys)
    admits = by_name(instance.alloys.admits_others, alloys)
    window = [(a, e, t) for a, e in named for t in instance.periods if (a, t) in model.charged_all]

    content = dict(model.charged.items())

    model.fineness_low = pyo.Constraint(
        [key for key in window if low[key[:2]] > 0],
        rule=lambda m, a, e, t: (0.0, content.get((a, e, t), 0.0) - low[a, e] * m.charged_all[a, t], None),
        doc="5. fineness, least share; dual: what a kilogram less of this metal asked for saves, money/kg",
    )
    model.fineness_high = pyo.Constraint(
        [key for key in window if high[key[:2]] < 1],
        rule=lambda m, a, e, t: (None, content.get((a, e, t), 0.0) - high[a, e] * m.charged_all[a, t], 0.0),
        doc="5. fineness, greatest share; dual: what a kilogram more of this metal allowed saves (negative), money/kg",
    )
    stocked, bought = _above_others(instance)

    def rest(m: pyo.ConcreteModel, a: str, t: str) -> object:
        parts = [stocked[a, e] * m.charge[a, e, t] for e in metals if (a, e, t) in m.charge and stocked[a, e]]
        parts += [bought[o, a] * m.buy[o, a, t] for o in market if (o, a, t) in m.buy and bought[o, a]]
        return (None, pyo.quicksum(parts), 0.0) if parts else pyo.Constraint.Skip

    model.others = pyo.Constraint(
        [key for key in model.charged_all if admits[key[0]] and others[key[0]] < 1],
        rule=rest,
        doc="5. fineness, all that is not named; dual: what a kilogram more of it allowed saves (negative), money/kg",
    )


def _above_others(instance: Instance) -> tuple[Mapping[tuple[str, str], float], Mapping[tuple[str, str], float]]:
    """Return by how much a kilogram charged holds more unnamed matter than its alloy may: of a metal, and of an offer.

    Rounded once: what holds just as much counts nothing, and no residue of rounding stands in its row.
    """
    alloys, market = instance.alloys, instance.market
    named = alloys.named.astype(int).astype(object)
    most_named = (1 - alloys.others.exact())[:, None]
    of_metal = (most_named - named).astype(float)
    of_offer = (most_named.T - market.composition.exact() @ named.T).astype(float)
    return by_name(of_metal, alloys.names, instance.metals.names), by_name(of_offer, market.names, alloys.names)
