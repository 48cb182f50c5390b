"""The whole program with a name for every row and column, for export."""

from __future__ import annotations

import numpy as np

from medalopt.instance.bounds import implied
from medalopt.instance.instance import Instance
from medalopt.instance.routes import routes
from medalopt.model.attach import column_keys
from medalopt.model.network import network
from medalopt.program import Program, component_name
from medalopt.solver.assemble import assembled
from medalopt.solver.linear import Place
from medalopt.solver.whole import must_be_whole


def named_program(instance: Instance, measure: str = "cost") -> Program:
    """Build the program that `build` returns as a Pyomo model, as unscaled arrays with names.

    Args:
        instance: Instance.
        measure: Name of the objective.

    Returns:
        The named program, columns sorted by rows (compressed sparse columns).
    """
    found = routes(instance)
    block = network(instance, found)
    linear = assembled(instance, found, block, implied(instance, found), measure)
    entries = linear.entries
    order = np.lexsort((entries.row, entries.column))
    counts = np.bincount(entries.column, minlength=len(linear.lower))
    return Program(
        columns=tuple(_name(place) for place in (*column_keys(instance, found, block), *linear.places)),
        lower=linear.lower,
        upper=linear.upper,
        cost=linear.costs[0],
        offset=0.0,
        rows=tuple(_name(place) for place in linear.rows),
        row_lower=linear.row_lower,
        row_upper=linear.row_upper,
        indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        indices=entries.row[order].astype(np.int32),
        data=entries.value[order],
        whole=frozenset(np.flatnonzero(must_be_whole(linear)).tolist()),
    )


def _name(place: Place) -> str:
    """Return the export name of a component index."""
    component, index = place
    if index is None:
        return component_name(component)
    return component_name(component, *(index if isinstance(index, tuple) else (index,)))
