"""The whole program with a name for every row and column, for export."""

from __future__ import annotations

import numpy as np

from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.linear_program import NamedLinearProgram, format_component_name
from medalopt.model.network import build_network
from medalopt.model.network_to_pyomo import list_column_keys
from medalopt.solver.assemble import assemble_program
from medalopt.solver.mip import find_integer_columns
from medalopt.solver.program import ComponentKey


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
    order = np.lexsort((entries.row, entries.column))
    counts = np.bincount(entries.column, minlength=len(linear.lower))
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
        indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        indices=entries.row[order].astype(np.int32),
        data=entries.value[order],
        whole=frozenset(np.flatnonzero(find_integer_columns(linear)).tolist()),
    )


def _format_component(place: ComponentKey) -> str:
    """Return the export name of a component index."""
    component, index = place
    if index is None:
        return format_component_name(component)
    return format_component_name(component, *(index if isinstance(index, tuple) else (index,)))
