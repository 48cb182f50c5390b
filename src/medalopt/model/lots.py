r"""Family 13, whole lots and minimum orders; they make the program a mixed-integer one.

A stream $i$ with lot size $\ell_i$ (t): $X_{it}=\ell_in_{it}$, $n_{it}$ integer; with a minimum order $m_i$ (t):
$m_iu_{it}\le X_{it}\le M_{it}u_{it}$, $u_{it}\in\{0,1\}$, $M_{it}$ an upper bound on the tonnes sent in $t$.
The same for offers, with the kilograms bought in $t$ as $X_{it}$.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyomo.core as pyo

from medalopt.instance.bounds import implied
from medalopt.instance.instance import Instance, Market, Streams
from medalopt.instance.lots import most_bought
from medalopt.instance.routes import Routes
from medalopt.model.balance import purchases
from medalopt.model.tables import by_name

WHOLE = frozenset({"lots", "ordered", "offer_lots", "offer_ordered"})  # integer variables
NO_DUAL = "dual: of no meaning, the program is not linear"

Key = tuple[str, str]


def lots(model: pyo.ConcreteModel, instance: Instance, found: Routes) -> None:
    """Add whole lots and minimum orders (family 13) of streams and offers; nothing if the instance has none.

    Args:
        model: Model with `shipped` and purchases declared.
        instance: Instance.
        found: Admissible routes (J), for the upper bounds $M$.
    """
    if not instance.lots:
        return
    bounds, periods = implied(instance, found), instance.periods
    most = by_name(most_bought(instance, bounds), instance.market.names)
    sent = dict(model.shipped.items()) if model.component("shipped") is not None else {}
    _ordered(model, "", instance.streams, sent, by_name(bounds.sent, instance.streams.names, periods))
    bought = {key: pyo.quicksum(terms) for key, terms in purchases(model).items()}
    _ordered(model, "offer_", instance.market, bought, {key: most[key[0]] for key in bought})


def _ordered(
    model: pyo.ConcreteModel, prefix: str, part: Streams | Market, sums: Mapping[Key, Any], most: Mapping[Key, float]
) -> None:
    """Add variables and constraints for streams or offers; `sums` are the quantities ordered per period."""
    lot, least = by_name(part.lot.value, part.names), by_name(part.minimum_order.value, part.names)
    in_lots = [key for key in sums if lot[key[0]] > 0]
    from_least = [key for key in sums if least[key[0]] > 0]
    counts = pyo.Var(in_lots, domain=pyo.NonNegativeIntegers, doc="n: whole lots ordered in a period")
    taken = pyo.Var(from_least, domain=pyo.Binary, doc="u: whether anything is ordered in a period")
    model.add_component(f"{prefix}lots", counts)
    model.add_component(f"{prefix}ordered", taken)
    rows = (
        ("whole_lots", in_lots, lambda m, *key: (0.0, sums[key] - lot[key[0]] * counts[key], 0.0)),
        ("least_order", from_least, lambda m, *key: (0.0, sums[key] - least[key[0]] * taken[key], None)),
        ("most_order", from_least, lambda m, *key: (None, sums[key] - most[key] * taken[key], 0.0)),
    )
    for name, keys, rule in rows:
        family = pyo.Constraint(keys, rule=rule, doc=f"13. whole lots and minimum orders; {NO_DUAL}")
        model.add_component(f"{prefix}{name}", family)
