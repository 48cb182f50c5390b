"""Family 6, demand: the alloy of every medal is cast by the end of its due period; castings may be stored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyomo.core as pyo

from medalopt.instance.bounds import compute_cumulative_demand, has_casting_holding_cost, has_demand, may_miss
from medalopt.instance.instance import Instance
from medalopt.model.variables import index_by_name, select_names


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
