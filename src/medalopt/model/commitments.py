"""Family 7, commitments and limits over the horizon: of offers (kg), streams (t) and smelters (t)."""

from __future__ import annotations

import math

import pyomo.core as pyo

from medalopt.instance.arrays import ExactArray
from medalopt.instance.instance import Instance
from medalopt.model.balance import collect_purchases
from medalopt.model.variables import index_by_name


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
