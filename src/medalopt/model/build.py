"""The sourcing program as a Pyomo model: a recipe of one call per constraint family; cost, footprint and mass.

The variables and constraints of the network are made from the arrays of `network`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyomo.core as pyo
from pyomo.core.expr.numeric_expr import LinearExpression

from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.bounds import compute_casting_price, compute_offer_holding_cost, compute_scrap_rate
from medalopt.instance.confidence import build_program_routes
from medalopt.instance.instance import Instance, Names
from medalopt.instance.lots import ACTIVITY_KINDS, STEP_KINDS
from medalopt.instance.routes import Routes
from medalopt.instance.smelter_terms import compute_worth_left, leaves_metal, list_pool_names, list_terms_names
from medalopt.model.balance_and_limits import (
    add_capacity_constraints,
    add_charge_limits,
    add_commitment_constraints,
    add_impurity_limits,
    add_left_metal_constraints,
    add_metal_balance,
    add_offer_balance,
    add_offer_stock_limits,
    add_process_scrap_constraints,
    add_reserve_constraints,
    collect_purchases,
)
from medalopt.model.fineness_and_demand import (
    add_casting_stock,
    add_demand_constraints,
    add_fineness_constraints,
    add_melt_constraints,
    declare_missed_medals,
)
from medalopt.model.lots import add_activity_constraints, add_lot_constraints, add_price_steps
from medalopt.model.network import Network, SparseEntries, build_network
from medalopt.model.policy import (
    add_concentration_constraints,
    add_confidence_cuts,
    add_policy_constraints,
    declare_footprint,
)
from medalopt.model.variables import (
    LinkingFamily,
    declare_linking_variables,
    declare_metal_variables,
    index_by_name,
    iterate_linking_variables,
    list_linking_families,
)

OBJECTIVES = ("cost", "footprint", "mass")
SETTLEMENT_ROWS = (  # settlement constraints in the order of the network: name, whether a lower bound, meaning
    ("withheld_least", True, "deduction; dual: marginal value of a kilogram less deducted"),
    ("withheld_most", False, "at most the deductions of its routes; dual: shadow price, <= 0"),
    ("withheld_all", False, "at most the payable share; dual: shadow price, <= 0"),
)


def build(instance: Instance, objective: str = "cost") -> pyo.ConcreteModel:
    """Return the unsolved sourcing program of `instance`. Reads no file and calls no solver.

    Component names and indices are documented in `models/sourcing.md`.

    Args:
        instance: Instance.
        objective: Objective to minimise: `cost` (money), `footprint` (kg CO2e) or `mass` (t).

    Returns:
        The complete linear program, or mixed-integer program if the instance has whole lots, minimum orders,
        lots of feed, fixed charges or falling prices.
    """
    routes = build_program_routes(instance)
    model = build_master(instance, routes, objective)
    attach_network(model, instance, routes, build_network(instance, routes))
    return model


def build_master(instance: Instance, routes: Routes, objective: str = "cost", whole: bool = True) -> pyo.ConcreteModel:
    """Return the master problem: all variables and constraints except the network.

    Args:
        instance: Instance.
        routes: Admissible routes (J).
        objective: Objective to minimise: `cost`, `footprint` or `mass`.
        whole: Declare a linking variable for every region and stream, see `list_linking_families`.

    Returns:
        The model; linking variables are declared, their definitions are left to `attach_network`.
    """
    model = pyo.ConcreteModel(instance.name)
    declare_linking_variables(model, list_linking_families(instance, routes, whole))
    declare_metal_variables(model, instance, routes)
    declare_missed_medals(model, instance)
    declare_footprint(model, instance)
    add_capacity_constraints(model, instance)
    add_metal_balance(model, instance)
    add_offer_balance(model, instance)
    add_offer_stock_limits(model, instance)
    add_charge_limits(model, instance)
    add_reserve_constraints(model, instance)
    add_melt_constraints(model, instance)
    add_fineness_constraints(model, instance)
    add_demand_constraints(model, instance)
    add_casting_stock(model, instance)
    add_commitment_constraints(model, instance)
    add_policy_constraints(model, instance)
    add_process_scrap_constraints(model, instance)
    add_concentration_constraints(model, instance)
    add_left_metal_constraints(model)
    add_impurity_limits(model, instance)
    add_lot_constraints(model, instance, routes)
    add_activity_constraints(model, instance, routes)
    add_price_steps(model, instance, routes)
    add_confidence_cuts(model, instance, routes)
    declare_cost_expressions(model, instance)
    set_objective(model, objective)
    return model


def declare_cost_expressions(model: pyo.ConcreteModel, instance: Instance) -> None:
    r"""Declare the total cost as expression `cost` (money) and the devices sent as `tonnes` (t).

    $\sum_tc_t+\sum_{ot}p_{ot}b^+_{ot}+\sum_{et}h_{et}z_{et}+\sum_{ot}h_{ot}z_{ot}+\sum_{at}h_{at}z_{at}-\sum_{et}p_{et}g_{et}
    -\sum_{\ell et}(p_{\ell et}+\zeta_{\ell e})L_{\ell et}-\sum_{at}p_{at}(1-\sigma_a)k_{at}
    -\sum_a\nu_a\bigl(n_{an}+\omega_a\sigma_a\sum_{t>n-\mu_a}k_{at}\bigr)+\sum_m\varpi_mu_m
    +\sum_n\eta_ny_n+\sum_n\Delta_ne_n$.

    Args:
        model: Model with all variables declared.
        instance: Instance.
    """
    market, metals, alloys, periods = instance.market, instance.metals, instance.alloys, instance.periods
    price = index_by_name(market.price.value, market.names, periods)
    terms = list(model.spend.values())
    terms += [price[key] * b for key, quantities in collect_purchases(model).items() if price[key] for b in quantities]
    prices: list[tuple[str, Floats, *tuple[Names, ...]]] = [
        ("stock", metals.holding.value, metals.names, periods),
        ("offer_stock", compute_offer_holding_cost(instance), market.names, periods),
        ("cast", -compute_casting_price(instance), alloys.names, periods),
        ("cast_stock", alloys.holding.value, alloys.names, periods),
        ("surplus", -metals.sell.value, metals.names, periods),
        ("missed", instance.medals.shortfall.value, instance.medals.names),
    ]
    if leaves_metal(instance):  # its payments, and the refining charge saved
        prices.append(("left", -compute_worth_left(instance), list_terms_names(instance), metals.names, periods))
    for kind in ACTIVITY_KINDS:
        prices.append((f"{kind.name}_used", kind.get_charge(instance).value, kind.list_names(instance)))
    for steps in STEP_KINDS:
        surcharge = steps.get_steps(instance).surcharge.value
        prices.append((f"{steps.name}_excess", surcharge, steps.list_steps(instance)))
    for name, figures, *axes in prices:
        terms += _price_component(model, name, figures, *axes)
    terms += _scrap_value_terms(model, instance)
    model.cost = pyo.Expression(expr=pyo.quicksum(terms), doc="cost of the plan, money")
    model.tonnes = pyo.Expression(expr=model.sent, doc="devices sent in all, t")


def _price_component(model: pyo.ConcreteModel, name: str, price: Floats, *axes: Names) -> list[object]:
    """Return the variables of a component at the prices of the first names of their index; empty without it."""
    variables, by_name = model.component(name), index_by_name(price, *axes)
    if variables is None:
        return []
    width = len(axes)
    keyed = (
        (key if not isinstance(key, tuple) else key[:width] if width > 1 else key[0], each)
        for key, each in variables.items()
    )
    return [by_name[key] * each for key, each in keyed if by_name[key]]


def _scrap_value_terms(model: pyo.ConcreteModel, instance: Instance) -> list[object]:
    """Return the credit for process scrap in hand at the end, or available too late to be recharged (negative)."""
    periods = instance.periods
    worth = index_by_name(instance.alloys.scrap_value.value, instance.alloys.names)
    rate = index_by_name(compute_scrap_rate(instance), instance.alloys.names)
    lead = index_by_name(instance.alloys.scrap_lead, instance.alloys.names)
    terms: list[object] = []
    for a in instance.alloys.names:
        if (a, periods[-1]) in model.scrap and worth[a]:
            late = periods[max(0, len(periods) - int(lead[a])) :]
            terms.append(-worth[a] * model.scrap[a, periods[-1]])
            terms += [-worth[a] * rate[a] * model.cast[a, t] for t in late]
    return terms


def set_objective(model: pyo.ConcreteModel, objective: str) -> None:
    """Set the objective to minimise.

    Args:
        model: Model with `cost`, `footprint` and `tonnes` declared.
        objective: One of `OBJECTIVES`.
    """
    body = {"cost": model.cost, "footprint": model.footprint, "mass": model.tonnes}[objective]
    model.objective = pyo.Objective(expr=body, sense=pyo.minimize, doc=f"least {objective}")


def attach_network(model: pyo.ConcreteModel, instance: Instance, routes: Routes, network: Network) -> list[Any]:
    """Add shipments, stockpiles, bundle shares, supply, pooled settlement and linking definitions to `model`.

    Args:
        model: Model with the linking variables, from `build_master`.
        instance: Instance.
        routes: Admissible routes (J).
        network: Network arrays of the instance.

    Returns:
        The new variables in the column order of the network.
    """
    columns = _declare_network_variables(model, instance, routes, network)
    rows = _row_expressions(network.supply, columns, len(network.supply_stream))
    streams, periods = instance.streams.names, instance.periods
    labels = _name_indices((streams, network.supply_stream), (periods, network.supply_period))
    place = {key: number for number, key in enumerate(labels)}
    upper, bundled = network.supply_upper.tolist(), network.supply_bundled.tolist()
    model.supply = pyo.Constraint(
        [key for key in labels if not bundled[place[key]]],
        rule=lambda m, *key: (None, rows[place[key]], upper[place[key]]),
        doc="1. supply; dual: shadow price of supply, <= 0, money/t",
    )
    model.bundle_supply = pyo.Constraint(
        [key for key in labels if bundled[place[key]]],
        rule=lambda m, *key: (0.0, rows[place[key]], 0.0),
        doc="1. supply of a stream in a bundle; dual: marginal value of a tonne less taken, money/t",
    )
    _add_fraction_rows(model, instance, routes, network, columns)
    _add_settlement_rows(model, instance, network, columns)
    families = list_linking_families(instance, routes)
    _add_defining_rows(
        model, families, _row_expressions(network.defining, columns, sum(len(link.keys) for link in families))
    )
    return columns


def list_settlement_keys(instance: Instance, network: Network) -> list[tuple[str, ...]]:
    """Return the index of each withheld-metal variable: settlement terms, metal and period of shipment.

    Returns:
        One triple of names per variable, in the column order of the network.
    """
    return _name_indices(
        (list_pool_names(instance), network.withheld_pool),
        (instance.metals.names, network.withheld_metal),
        (instance.periods, network.withheld_period),
    )


def list_fraction_keys(instance: Instance, routes: Routes, network: Network) -> list[tuple[str, ...]]:
    """Return the index of each row of fractions: stream, fraction and period.

    Returns:
        One triple of names per row, in the row order of the network.
    """
    return _name_indices(
        (instance.streams.names, routes.stream[network.split_route]),
        (instance.treatments.names, network.split_treatment),
        (instance.periods, network.split_period),
    )


def _name_indices(*axes: tuple[Sequence[Any], Ints]) -> list[tuple[Any, ...]]:
    """Return the names at indices along several axes, given as pairs of names and indices of equal length."""
    return list(zip(*([names[n] for n in index.tolist()] for names, index in axes), strict=True))


def _add_fraction_rows(
    model: pyo.ConcreteModel, instance: Instance, routes: Routes, network: Network, columns: list[Any]
) -> None:
    """Add the rows of fractions (family 20); nothing if no treatment has several products."""
    keys = list_fraction_keys(instance, routes, network)
    if not keys:
        return
    rows = _row_expressions(network.splitting, columns, len(keys))
    rule = {key: (0.0, row, 0.0) for key, row in zip(keys, rows, strict=True)}
    doc = "20. fractions: all of a fraction goes on; dual: marginal value of a tonne of devices, money/t"
    model.fractions = pyo.Constraint(keys, rule=rule, doc=doc)


def _add_settlement_rows(model: pyo.ConcreteModel, instance: Instance, network: Network, columns: list[Any]) -> None:
    """Add the bounds on metal withheld from pooled lots (family 14); nothing if no terms are pooled."""
    keys = list_settlement_keys(instance, network)
    rows = _row_expressions(network.settlement, columns, len(SETTLEMENT_ROWS) * len(keys))
    for number, (name, least, text) in enumerate(SETTLEMENT_ROWS if keys else ()):
        own = dict(zip(keys, rows[number * len(keys) : (number + 1) * len(keys)], strict=True))
        bounds = (0.0, None) if least else (None, 0.0)
        rule = {key: (bounds[0], row, bounds[1]) for key, row in own.items()}
        model.add_component(name, pyo.Constraint(keys, rule=rule, doc=f"14. pooled settlement, {text}, money/kg"))


def _declare_network_variables(
    model: pyo.ConcreteModel, instance: Instance, routes: Routes, network: Network
) -> list[Any]:
    """Declare the network columns as variables, with their upper bounds; return them in column order."""
    keys = list_column_keys(instance, routes, network)
    free = {"domain": pyo.NonNegativeReals}
    named = {name: [key for which, key in keys if which == name] for name in ("ship", "leave", "stockpile", "take")}
    model.ship = pyo.Var(named["ship"], **free, doc="x: devices sent on a route to a smelter, t")
    model.leave = pyo.Var(named["leave"], **free, doc="x: devices passed on to ordinary recycling after a treatment, t")
    model.stockpile = pyo.Var(named["stockpile"], **free, doc="s': stockpile of a stream at the end of a period, t")
    model.take = pyo.Var(named["take"], **free, doc="theta: share of a bundle taken in a period")
    if len(network.withheld_pool):
        withheld = [key for which, key in keys if which == "withheld"]
        model.withheld = pyo.Var(withheld, **free, doc="W: metal deducted from a pooled lot, kg")
    columns = [model.component(which)[key] for which, key in keys]
    for column, upper in zip(columns, network.upper.tolist(), strict=True):
        if upper < float("inf"):
            column.setub(upper)
    return columns


def list_column_keys(instance: Instance, routes: Routes, network: Network) -> list[tuple[str, tuple[str, ...]]]:
    """Return Pyomo component name and index of each network column.

    Returns:
        Pairs of component (`ship`, `leave`, `stockpile`, `take`, `withheld`) and index, in column order.
    """
    streams, treatments, periods = instance.streams.names, instance.treatments.names, instance.periods
    smelters = instance.smelters.names
    sent = zip(
        *(axis[network.route].tolist() for axis in (routes.stream, routes.treatment, routes.smelter)),
        network.period.tolist(),
        strict=True,
    )
    keys: list[tuple[str, tuple[str, ...]]] = [
        ("ship", (streams[i], treatments[h], smelters[k], periods[t]))
        if k >= 0
        else ("leave", (streams[i], treatments[h], periods[t]))
        for i, h, k, t in sent
    ]
    stocks = _name_indices((streams, network.stock_stream), (periods, network.stock_period))
    keys += [("stockpile", key) for key in stocks]
    takes = _name_indices((instance.bundles, network.take_bundle), (periods, network.take_period))
    keys += [("take", (*bundle, period)) for bundle, period in takes]
    return keys + [("withheld", key) for key in list_settlement_keys(instance, network)]


def _row_expressions(entries: SparseEntries, columns: list[Any], height: int) -> list[LinearExpression]:
    """Return the rows of a sparse matrix over `columns` as linear expressions."""
    order = np.argsort(entries.row, kind="stable")
    ends = np.searchsorted(entries.row[order], np.arange(height + 1)).tolist()
    at, values = entries.column[order].tolist(), entries.value[order].tolist()
    return [
        LinearExpression(constant=0.0, linear_coefs=values[a:b], linear_vars=[columns[n] for n in at[a:b]])
        for a, b in pairwise(ends)
    ]


def _add_defining_rows(
    model: pyo.ConcreteModel, families: tuple[LinkingFamily, ...], rows: list[LinearExpression]
) -> None:
    """Add the equations that define each linking variable by the network columns."""
    quantities = list(iterate_linking_variables(model, families))
    first = 0
    for link in families:
        span = range(first, first + len(link.keys))
        first += len(link.keys)
        doc = f"linking: {link.doc}; dual: marginal cost of a unit"
        if link.keys == ((),):
            number = span.start
            rule = pyo.Constraint(expr=(0.0, quantities[number] - rows[number], 0.0), doc=doc)
        else:
            component = model.component(link.name)
            defined = {
                key: (0.0, quantities[number] - rows[number], 0.0) for key, number in zip(component, span, strict=True)
            }
            rule = pyo.Constraint(list(component), rule=defined, doc=doc)
        model.add_component(f"define_{link.name}", rule)
