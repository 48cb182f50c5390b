"""Family 15, concentration: no smelter, region or offer has more than a share of the total of all of them."""

from __future__ import annotations

import pyomo.core as pyo

from medalopt.instance.instance import Instance


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
