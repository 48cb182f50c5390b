r"""Family 13, whole lots and minimum orders; they make the program a mixed-integer one.

A stream $i$ with lot size $\ell_i$ (t): $X_{it}=\ell_in_{it}$, $n_{it}$ integer; with a minimum order $m_i$ (t):
$m_iu_{it}\le X_{it}\le M_{it}u_{it}$, $u_{it}\in\{0,1\}$, $M_{it}$ an upper bound on the tonnes sent in $t$.
The same for offers, with the kilograms bought in $t$ as $X_{it}$.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyomo.core as pyo

from medalopt.instance.bounds import bound_purchases, compute_bounds
from medalopt.instance.instance import Instance, MarketOffers, Streams
from medalopt.instance.lots import ACTIVITY_KINDS, STEP_KINDS, has_lot_constraint
from medalopt.instance.routes import Routes
from medalopt.model.balance import collect_purchases
from medalopt.model.variables import index_by_name

USED_VARIABLES = frozenset(f"{kind.name}_used" for kind in ACTIVITY_KINDS)  # of lots of feed and fixed charges
STEP_VARIABLES = frozenset(f"{kind.name}_step_used" for kind in STEP_KINDS)  # of falling prices
INTEGER_VARIABLES = USED_VARIABLES | STEP_VARIABLES | {"lots", "ordered", "offer_lots", "offer_ordered"}
_NO_DUAL_DOC = "dual: undefined, the program is not linear"

_OrderKey = tuple[str, str]


def add_lot_constraints(model: pyo.ConcreteModel, instance: Instance, routes: Routes) -> None:
    """Add whole lots and minimum orders (family 13) of streams and offers; nothing if the instance has none.

    Args:
        model: Model with `shipped` and purchases declared.
        instance: Instance.
        routes: Admissible routes (J), for the upper bounds $M$.
    """
    if not (has_lot_constraint(instance.streams).any() or has_lot_constraint(instance.market).any()):
        return
    bounds, periods = compute_bounds(instance, routes), instance.periods
    most = index_by_name(bound_purchases(instance, bounds), instance.market.names)
    sent = dict(model.shipped.items()) if model.component("shipped") is not None else {}
    _add_order_rows(model, "", instance.streams, sent, index_by_name(bounds.sent, instance.streams.names, periods))
    bought = {key: pyo.quicksum(terms) for key, terms in collect_purchases(model).items()}
    _add_order_rows(model, "offer_", instance.market, bought, {key: most[key[0]] for key in bought})


def _add_order_rows(
    model: pyo.ConcreteModel,
    prefix: str,
    part: Streams | MarketOffers,
    sums: Mapping[_OrderKey, Any],
    most: Mapping[_OrderKey, float],
) -> None:
    """Add variables and constraints for streams or offers; `sums` are the quantities ordered per period."""
    lot, least = index_by_name(part.lot.value, part.names), index_by_name(part.minimum_order.value, part.names)
    in_lots = [key for key in sums if lot[key[0]] > 0]
    from_least = [key for key in sums if least[key[0]] > 0]
    counts = pyo.Var(in_lots, domain=pyo.NonNegativeIntegers, doc="n: number of lots ordered in a period")
    taken = pyo.Var(from_least, domain=pyo.Binary, doc="u: 1 if an order is placed in the period")
    model.add_component(f"{prefix}lots", counts)
    model.add_component(f"{prefix}ordered", taken)
    rows = (
        ("whole_lots", in_lots, lambda m, *key: (0.0, sums[key] - lot[key[0]] * counts[key], 0.0)),
        ("least_order", from_least, lambda m, *key: (0.0, sums[key] - least[key[0]] * taken[key], None)),
        ("most_order", from_least, lambda m, *key: (None, sums[key] - most[key] * taken[key], 0.0)),
    )
    for name, keys, rule in rows:
        family = pyo.Constraint(keys, rule=rule, doc=f"13. whole lots and minimum orders; {_NO_DUAL_DOC}")
        model.add_component(f"{prefix}{name}", family)
