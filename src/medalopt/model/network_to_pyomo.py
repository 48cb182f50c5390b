"""Variables and constraints of the network as Pyomo components, from the arrays of `network`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyomo.core as pyo
from pyomo.core.expr.numeric_expr import LinearExpression

from medalopt.instance.arrays import Ints
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.instance.smelter_terms import list_pool_names
from medalopt.model.network import Network, SparseEntries
from medalopt.model.variables import LinkingFamily, iterate_linking_variables, list_linking_families

SETTLEMENT_ROWS = (  # settlement constraints in the order of the network: name, whether a lower bound, meaning
    ("withheld_least", True, "deduction; dual: marginal value of a kilogram less deducted"),
    ("withheld_most", False, "at most the deductions of its routes; dual: shadow price, <= 0"),
    ("withheld_all", False, "at most the payable share; dual: shadow price, <= 0"),
)


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
    labels = [
        (streams[i], periods[t])
        for i, t in zip(network.supply_stream.tolist(), network.supply_period.tolist(), strict=True)
    ]
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
    names, metals, periods = list_pool_names(instance), instance.metals.names, instance.periods
    at = zip(
        _to_list(network.withheld_pool),
        _to_list(network.withheld_metal),
        _to_list(network.withheld_period),
        strict=True,
    )
    return [(names[p], metals[e], periods[t]) for p, e, t in at]


def list_fraction_keys(instance: Instance, routes: Routes, network: Network) -> list[tuple[str, ...]]:
    """Return the index of each row of fractions: stream, fraction and period.

    Returns:
        One triple of names per row, in the row order of the network.
    """
    streams, treatments, periods = instance.streams.names, instance.treatments.names, instance.periods
    at = zip(
        _to_list(routes.stream[network.split_route]),
        _to_list(network.split_treatment),
        _to_list(network.split_period),
        strict=True,
    )
    return [(streams[i], treatments[h], periods[t]) for i, h, t in at]


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
        *(_to_list(axis[network.route]) for axis in (routes.stream, routes.treatment, routes.smelter)),
        _to_list(network.period),
        strict=True,
    )
    keys: list[tuple[str, tuple[str, ...]]] = [
        ("ship", (streams[i], treatments[h], smelters[k], periods[t]))
        if k >= 0
        else ("leave", (streams[i], treatments[h], periods[t]))
        for i, h, k, t in sent
    ]
    stocks = zip(_to_list(network.stock_stream), _to_list(network.stock_period), strict=True)
    keys += [("stockpile", (streams[i], periods[t])) for i, t in stocks]
    takes = zip(_to_list(network.take_bundle), _to_list(network.take_period), strict=True)
    keys += [("take", (*instance.bundles[b], periods[t])) for b, t in takes]
    return keys + [("withheld", key) for key in list_settlement_keys(instance, network)]


def _to_list(axis: Ints) -> list[int]:
    """Return an integer array as a list."""
    listed: list[int] = axis.tolist()
    return listed


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
