"""Assembly of the program from the network (built as arrays) and the other constraints (compiled from Pyomo).

With extensions the whole Pyomo model is compiled instead, since they may use any variable.

For export, the whole program has a name for every row and column.
"""

from __future__ import annotations

import io

import numpy as np

from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.bounds import VariableBounds, compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, build_routes
from medalopt.linear_program import NamedLinearProgram, format_component_name
from medalopt.model.build import build_master
from medalopt.model.extensions import Extension, apply_extension, name_extension, redirect_output
from medalopt.model.network import Network, build_network
from medalopt.model.network_to_pyomo import (
    SETTLEMENT_ROWS,
    attach_network,
    list_column_keys,
    list_settlement_keys,
)
from medalopt.model.variables import LinkingFamily, iterate_linking_variables, list_linking_families
from medalopt.solver.compile import CompiledMaster, CompiledModel, compile_model, list_variable_keys
from medalopt.solver.extensions import separate_extensions
from medalopt.solver.program import (
    ComponentKey,
    ProgramBuilder,
    SolverProgram,
    find_integer_columns,
    order_by_column,
)
from medalopt.solver.scaling import bound_metal_columns, bound_network_columns, bound_row_activities


def assemble_program(
    instance: Instance,
    found: Routes,
    block: Network,
    bounds: VariableBounds,
    measure: str,
    known: CompiledMaster | None = None,
) -> SolverProgram:
    """Assemble the whole program of an instance.

    Args:
        instance: Instance.
        found: Routes.
        block: Network block as arrays.
        bounds: Implied bounds of the variables.
        measure: Name of the objective.
        known: Compiled part of a similar instance, reused if possible.

    Returns:
        The program in own units, rows in the order supply, settlement, linking definitions, compiled constraints.
    """
    kept = CompiledMaster.of(instance, found, measure) if known is None else known.like(instance, found, measure)
    half, count = kept.compiled, kept.linking
    sizes = bound_network_columns(found, block, bounds)
    linking_sizes = bound_row_activities(block.defining, count, sizes)
    built = ProgramBuilder(len(half.costs))
    built.add_network_columns(block.upper, sizes)
    columns = built.add_columns(
        kept.places,
        half.lower,
        half.upper,
        np.concatenate([linking_sizes, bound_metal_columns(instance, bounds, kept.places[count:])]),
        half.costs,
    )
    supply = add_supply_rows(built, instance, block)
    settlement = built.add_rows(_list_settlement_rows(instance, block), *_settlement_bounds(block))
    defining = built.add_rows(_list_defining_rows(kept.families), 0.0, 0.0)
    rows = built.add_rows(half.rows, half.row_lower, half.row_upper)
    for first, part, sign in (
        (supply, block.supply, 1),
        (settlement, block.settlement, 1),
        (defining, block.defining, -1),
    ):
        built.add_entries(first[part.row], part.column, sign * part.value)
    built.add_entries(defining, columns[:count])
    built.add_entries(rows[half.entries.row], columns[half.entries.column], half.entries.value)
    return built.build()


def add_supply_rows(built: ProgramBuilder, instance: Instance, block: Network) -> Ints:
    """Add the supply rows of a network block: equations for streams sold in bundles, else upper bounds.

    Args:
        built: Program under construction.
        instance: Instance, for the names.
        block: Network block.

    Returns:
        Numbers of the rows, without their entries.
    """
    lower = np.where(block.supply_bundled, 0.0, -np.inf)
    return built.add_rows(list_supply_rows(instance, block), lower, block.supply_upper)


def list_supply_rows(instance: Instance, block: Network) -> list[ComponentKey]:
    """Return the keys of the supply rows of a network block.

    Args:
        instance: Instance, for the names.
        block: Network block.

    Returns:
        `supply` or, for streams sold in bundles, `bundle_supply`, with stream and period.
    """
    streams, periods = instance.streams.names, instance.periods
    at = zip(block.supply_stream.tolist(), block.supply_period.tolist(), block.supply_bundled.tolist(), strict=True)
    return [("bundle_supply" if bundled else "supply", (streams[i], periods[t])) for i, t, bundled in at]


def _list_settlement_rows(instance: Instance, block: Network) -> list[ComponentKey]:
    """Return the keys of the settlement rows of pooled lots."""
    keys = list_settlement_keys(instance, block)
    return [(name, key) for name, _, _ in SETTLEMENT_ROWS for key in keys]


def _settlement_bounds(block: Network) -> tuple[Floats, Floats]:
    """Return lower and upper bounds of the settlement rows of pooled lots."""
    least = np.repeat([least for _, least, _ in SETTLEMENT_ROWS], len(block.withheld_pool))
    return np.where(least, 0.0, -np.inf), np.where(least, np.inf, 0.0)


def _list_defining_rows(families: tuple[LinkingFamily, ...]) -> list[ComponentKey]:
    """Return the keys of the rows that define linking variables."""
    return [
        (f"define_{link.name}", key if len(key) > 1 else key[0] if key else None)
        for link in families
        for key in link.keys
    ]


def assemble_extended_program(
    instance: Instance,
    found: Routes,
    block: Network,
    bounds: VariableBounds,
    measure: str,
    extensions: tuple[Extension, ...],
) -> SolverProgram:
    """Assemble the program with the constraints of extensions, compiled from the whole Pyomo model.

    Args:
        instance: Instance.
        found: Routes.
        block: Network block.
        bounds: Implied bounds of the variables.
        measure: Name of the objective.
        extensions: Python files or functions that add constraints.

    Returns:
        The program; rows and variables of extensions come last.
    """
    with redirect_output(io.StringIO()):  # Pyomo logs at length when interrupted
        model = build_master(instance, found, measure)
        network = attach_network(model, instance, found, block)
    before = compile_model(model, [model.objective.expr, model.cost, model.tonnes], first=network)
    for extension in extensions:
        apply_extension(model, instance, extension)
    after = compile_model(model, [model.objective.expr, model.cost, model.tonnes], first=network)
    whole, added = separate_extensions(before, after, ", ".join(map(name_extension, extensions)))
    return SolverProgram(
        network=len(network),
        places=list_variable_keys(whole.columns[len(network) :]),
        lower=whole.lower,
        upper=whole.upper,
        size=_bound_columns(instance, found, block, bounds, model, whole),
        costs=whole.costs,
        rows=whole.rows,
        row_lower=whole.row_lower,
        row_upper=whole.row_upper,
        entries=whole.entries,
        added=added,
    )


def _bound_columns(
    instance: Instance, found: Routes, block: Network, bounds: VariableBounds, model: object, whole: CompiledModel
) -> Floats:
    """Return the implied bound of each column of the model with extensions, (N,)."""
    own = bound_network_columns(found, block, bounds)
    sizes = np.concatenate([own, bound_metal_columns(instance, bounds, list_variable_keys(whole.columns[len(own) :]))])
    linking = {
        id(column): n
        for n, column in enumerate(iterate_linking_variables(model, list_linking_families(instance, found)))
    }
    sums = bound_row_activities(block.defining, len(linking), own)
    for at, column in enumerate(whole.columns):
        if id(column) in linking:
            sizes[at] = sums[linking[id(column)]]
    return sizes


def build_named_program(instance: Instance, measure: str = "cost") -> NamedLinearProgram:
    """Build the program that `build` returns as a Pyomo model, as unscaled arrays with names.

    Args:
        instance: Instance.
        measure: Name of the objective.

    Returns:
        The named program, columns sorted by rows (compressed sparse columns).
    """
    found = build_routes(instance)
    block = build_network(instance, found)
    linear = assemble_program(instance, found, block, compute_bounds(instance, found), measure)
    entries = linear.entries
    order, start = order_by_column(entries, len(linear.lower))
    return NamedLinearProgram(
        columns=tuple(
            _format_component(place) for place in (*list_column_keys(instance, found, block), *linear.places)
        ),
        lower=linear.lower,
        upper=linear.upper,
        cost=linear.costs[0],
        offset=0.0,
        rows=tuple(_format_component(place) for place in linear.rows),
        row_lower=linear.row_lower,
        row_upper=linear.row_upper,
        indptr=start.astype(np.int32),
        indices=entries.row[order].astype(np.int32),
        data=entries.value[order],
        integer_columns=frozenset(np.flatnonzero(find_integer_columns(linear)).tolist()),
    )


def _format_component(place: ComponentKey) -> str:
    """Return the export name of a component index."""
    component, index = place
    if index is None:
        return format_component_name(component)
    return format_component_name(component, *(index if isinstance(index, tuple) else (index,)))
