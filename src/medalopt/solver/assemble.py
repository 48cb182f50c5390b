"""Assembly of the program from the network (built as arrays) and the other constraints (compiled from Pyomo).

With extensions the whole Pyomo model is compiled instead, since they may use any variable.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import VariableBounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model.build import build_master
from medalopt.model.extensions import apply_extension, redirect_output
from medalopt.model.network import Network, SparseEntries
from medalopt.model.network_to_pyomo import SETTLEMENT_ROWS, attach_network, list_settlement_keys
from medalopt.model.variables import LinkingFamily, iterate_linking_variables, list_linking_families
from medalopt.solver.compile import CompiledMaster, CompiledModel, compile_model, list_variable_keys
from medalopt.solver.extensions import separate_extensions
from medalopt.solver.program import ComponentKey, SolverProgram
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
    width = len(block.upper)
    lower, upper = _settlement_bounds(block)
    return SolverProgram(
        network=width,
        places=kept.places,
        lower=np.concatenate([np.zeros(width), half.lower]),
        upper=np.concatenate([block.upper, half.upper]),
        size=np.concatenate(
            [
                sizes,
                bound_row_activities(block.defining, count, sizes),
                bound_metal_columns(instance, bounds, kept.places[count:]),
            ]
        ),
        costs=np.concatenate([np.zeros((len(half.costs), width)), half.costs], axis=1),
        rows=(
            *list_supply_rows(instance, block),
            *_list_settlement_rows(instance, block),
            *_list_defining_rows(kept.families),
            *half.rows,
        ),
        row_lower=np.concatenate(
            [np.where(block.supply_bundled, 0.0, -np.inf), lower, np.zeros(count), half.row_lower],
        ),
        row_upper=np.concatenate([block.supply_upper, upper, np.zeros(count), half.row_upper]),
        entries=_stack_entries(block, half, count),
        given={},
    )


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


def _stack_entries(block: Network, half: CompiledModel, count: int) -> SparseEntries:
    """Stack the entries of supply, pooled settlement, linking definitions and the compiled constraints."""
    width, supply_rows = len(block.upper), len(block.supply_stream)
    first, numbers = supply_rows + len(SETTLEMENT_ROWS) * len(block.withheld_pool), np.arange(count)
    row = [
        block.supply.row,
        supply_rows + block.settlement.row,
        first + block.defining.row,
        first + numbers,
        first + count + half.entries.row,
    ]
    column = [
        block.supply.column,
        block.settlement.column,
        block.defining.column,
        width + numbers,
        width + half.entries.column,
    ]
    value = [block.supply.value, block.settlement.value, -block.defining.value, np.ones(count), half.entries.value]
    return SparseEntries(np.concatenate(row), np.concatenate(column), np.concatenate(value))


def assemble_extended_program(
    instance: Instance,
    found: Routes,
    block: Network,
    bounds: VariableBounds,
    measure: str,
    extensions: tuple[Path, ...],
) -> SolverProgram:
    """Assemble the program with the constraints of extensions, compiled from the whole Pyomo model.

    Args:
        instance: Instance.
        found: Routes.
        block: Network block.
        bounds: Implied bounds of the variables.
        measure: Name of the objective.
        extensions: Python files that add constraints.

    Returns:
        The program; rows and variables of extensions come last.
    """
    with redirect_output(io.StringIO()):  # Pyomo logs at length when interrupted
        model = build_master(instance, found, measure)
        network = attach_network(model, instance, found, block)
    before = compile_model(model, [model.objective.expr, model.cost, model.tonnes], first=network)
    for path in extensions:
        apply_extension(model, instance, path)
    after = compile_model(model, [model.objective.expr, model.cost, model.tonnes], first=network)
    whole, added = separate_extensions(before, after, ", ".join(str(path) for path in extensions))
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
        given={},
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
