"""Family 5, fineness: the composition window of what is freshly charged.

Process scrap of an alloy is in its window already.
"""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.instance import Instance
from medalopt.model.tables import by_name, where


def fineness(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""5. fineness of the fresh charge: $\underline f_{ae}C_{at}\le C_{aet}\le\overline f_{ae}C_{at}$, and others."""
    alloys, metals = instance.alloys.names, instance.metals.names
    low = by_name(instance.alloys.low.value, alloys, metals)
    high = by_name(instance.alloys.high.value, alloys, metals)
    named = where(instance.alloys.named, alloys, metals)
    others = by_name(instance.alloys.others.value, alloys)
    known_share = by_name((1 - instance.alloys.others.exact()).astype(float), alloys)  # rounded once, as a share is
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
    foreign = {a: [e for e in metals if (a, e) not in set(named)] for a in alloys}

    def rest(m: pyo.ConcreteModel, a: str, t: str) -> tuple[None, object, float]:
        known = pyo.quicksum([m.charged[a, e, t] for e in metals if e not in foreign[a] and (a, e, t) in m.charged])
        return (None, known_share[a] * m.charged_all[a, t] - known, 0.0)

    model.others = pyo.Constraint(
        [key for key in model.charged_all if admits[key[0]] and others[key[0]] < 1],
        rule=rest,
        doc="5. fineness, all that is not named; dual: what a kilogram more of it allowed saves (negative), money/kg",
    )
