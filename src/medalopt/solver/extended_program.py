"""Program with the constraints of extensions: the whole Pyomo model is compiled, since they may use any variable of it.

It is compared with the one without them: extensions may add rows, variables and costs, and tighten the bounds of
existing variables, which become rows.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from medalopt.errors import UsageError
from medalopt.instance.arrays import Bools, Floats
from medalopt.instance.bounds import VariableBounds
from medalopt.instance.instance import Instance
from medalopt.instance.lots import STEP_KINDS
from medalopt.instance.routes import Routes
from medalopt.model.build import build_master
from medalopt.model.extensions import Extension, apply_extension, name_extension, redirect_output
from medalopt.model.network import Network, SparseEntries
from medalopt.model.network_to_pyomo import (
    attach_network,
)
from medalopt.model.variables import iterate_linking_variables, list_linking_families
from medalopt.proof.extensions import ExtensionData, ExtensionRow, ExtensionTerm, ExtensionVariable
from medalopt.solver.assemble import CompiledModel, compile_model, list_variable_keys
from medalopt.solver.program import (
    SolverProgram,
)
from medalopt.solver.scaling import bound_metal_columns, bound_network_columns, bound_row_activities
from medalopt.text import check_control_characters, escape_text


def assemble_extended_program(
    instance: Instance,
    routes: Routes,
    block: Network,
    bounds: VariableBounds,
    objective: str,
    extensions: tuple[Extension, ...],
) -> SolverProgram:
    """Assemble the program with the constraints of extensions, compiled from the whole Pyomo model.

    Args:
        extensions: Python files or functions that add constraints.

    Returns:
        The program; rows and variables of extensions come last.
    """
    with redirect_output(io.StringIO()):  # Pyomo logs at length when interrupted
        model = build_master(instance, routes, objective)
        network = attach_network(model, instance, routes, block)
    before = compile_model(model, [model.objective.expr, model.cost, model.tonnes], first=network)
    for extension in extensions:
        apply_extension(model, instance, extension)
    after = compile_model(model, [model.objective.expr, model.cost, model.tonnes], first=network)
    whole, added = _separate_extensions(before, after, ", ".join(map(name_extension, extensions)))
    return SolverProgram(
        network=len(network),
        places=list_variable_keys(whole.columns[len(network) :]),
        lower=whole.lower,
        upper=whole.upper,
        size=_bound_columns(instance, routes, block, bounds, model, whole),
        costs=whole.costs,
        rows=whole.rows,
        row_lower=whole.row_lower,
        row_upper=whole.row_upper,
        entries=whole.entries,
        added=added,
    )


def _bound_columns(
    instance: Instance, routes: Routes, network: Network, bounds: VariableBounds, model: object, whole: CompiledModel
) -> Floats:
    """Return the implied bound of each column of the model with extensions, (N,)."""
    own = bound_network_columns(routes, network, bounds)
    sizes = np.concatenate([own, bound_metal_columns(instance, bounds, list_variable_keys(whole.columns[len(own) :]))])
    linking = {
        id(column): n
        for n, column in enumerate(iterate_linking_variables(model, list_linking_families(instance, routes)))
    }
    sums = bound_row_activities(network.defining, len(linking), own)
    for index, column in enumerate(whole.columns):
        if id(column) in linking:
            sizes[index] = sums[linking[id(column)]]
    return sizes


def _separate_extensions(
    before: CompiledModel, after: CompiledModel, where: str
) -> tuple[CompiledModel, ExtensionData]:
    """Separate the rows, variables and costs that extensions added. Raises UsageError."""
    _check_unchanged(before, after, where)
    after = _convert_bounds_to_rows(before, after)
    width, height = len(before.columns), len(before.rows)
    names: list[tuple[str, tuple[str, ...]]] = [_split_column_name(column) for column in after.columns[:width]]
    names += [(column.name, ()) for column in after.columns[width:]]
    terms: list[list[ExtensionTerm]] = [[] for _ in after.rows]
    own = after.entries.row >= height
    if {f"{kind.name}_excess" for kind in STEP_KINDS} & {names[at][0] for at in after.entries.column[own].tolist()}:
        raise UsageError(f"{where}: an extension constraint contains the cost of price steps; write it in quantities")
    entries = (axis[own].tolist() for axis in (after.entries.row, after.entries.column, after.entries.value))
    for row, column, value in zip(*entries, strict=True):
        component, key = names[column]
        terms[row].append(ExtensionTerm(component, key, value))
    for name in (*(_format_row_name(*row) for row in after.rows[height:]), *(name for name, _ in names[width:])):
        if problem := check_control_characters(name):
            raise UsageError(f"{where}: in the name of a component, {problem}")
    dearer = after.costs[0].copy()
    dearer[:width] -= before.costs[0]
    return after, ExtensionData(
        tuple(
            ExtensionRow(
                _format_row_name(*after.rows[row]),
                float(after.row_lower[row]),
                float(after.row_upper[row]),
                tuple(terms[row]),
            )
            for row in range(height, len(after.rows))
        ),
        tuple(
            ExtensionVariable(after.columns[number].name, float(after.lower[number]), float(after.upper[number]))
            for number in range(width, len(after.columns))
        ),
        tuple(ExtensionTerm(*names[number], float(dearer[number])) for number in np.flatnonzero(dearer).tolist()),
    )


def relax_extension_rows(program: SolverProgram, ends: Mapping[str, tuple[float, float]]) -> SolverProgram:
    """Return the program with other bounds for some rows of extensions.

    Args:
        program: Program with extension rows.
        ends: New lower and upper bound by row name.

    Returns:
        The relaxed program; rows that are not named keep their bounds.
    """
    rows = tuple(
        replace(row, lower=low, upper=high)
        for row in program.added.rows
        for low, high in [ends.get(row.name, (row.lower, row.upper))]
    )
    first = len(program.rows) - len(rows)
    return replace(
        program,
        row_lower=np.append(program.row_lower[:first], [row.lower for row in rows]),
        row_upper=np.append(program.row_upper[:first], [row.upper for row in rows]),
        added=replace(program.added, rows=rows),
    )


def _split_column_name(column: Any) -> tuple[str, tuple[str, ...]]:
    """Return component name and index of a Pyomo variable."""
    index = column.index()
    return column.parent_component().name, index if isinstance(index, tuple) else () if index is None else (index,)


def _format_row_name(component: str, index: Any) -> str:
    """Return `component[index]` as text."""
    if index is None:
        return component
    return f"{component}[{','.join(str(part) for part in (index if isinstance(index, tuple) else (index,)))}]"


def _check_unchanged(before: CompiledModel, after: CompiledModel, where: str) -> None:
    """Raise UsageError where existing parts changed, apart from tighter bounds and the main objective."""
    width, height = len(before.columns), len(before.rows)
    there = len(after.columns) >= width and all(a is b for a, b in zip(before.columns, after.columns, strict=False))
    if not there or after.rows[:height] != before.rows:
        raise UsageError(f"{where}: an index of the model was added or removed; add separate constraints instead")
    changed = _find_changed_rows(before, after, height)
    if changed.any():
        name = _format_row_name(*before.rows[int(np.argmax(changed))])
        raise UsageError(f"{where}: `{escape_text(name)}` of the model was changed; add a separate constraint instead")
    if (after.costs[1:, :width] != before.costs[1:]).any() or after.costs[1:, width:].any():
        raise UsageError(f"{where}: `cost` or `tonnes` of the model was changed; add what it costs to `objective`")
    wider = (after.lower[:width] < before.lower) | (after.upper[:width] > before.upper)
    if wider.any():
        name = escape_text(before.columns[int(np.argmax(wider))].name)
        raise UsageError(f"{where}: `{name}` was given a value or a bound outside those of the model; keep within them")


def _find_changed_rows(before: CompiledModel, after: CompiledModel, height: int) -> Bools:
    """Return which of the first `height` rows differ from before, (height,)."""
    changed = (after.row_lower[:height] != before.row_lower) | (after.row_upper[:height] != before.row_upper)
    old, new = ((part.row, part.column, part.value) for part in (before.entries, after.entries))
    in_model = new[0] < height
    new = (new[0][in_model], new[1][in_model], new[2][in_model])
    if not all(np.array_equal(a, b) for a, b in zip(old, new, strict=True)):
        sets = (set(zip(*(axis.tolist() for axis in part), strict=True)) for part in (old, new))
        changed[[entry[0] for entry in set.symmetric_difference(*sets)]] = True
    return changed


def _convert_bounds_to_rows(before: CompiledModel, after: CompiledModel) -> CompiledModel:
    """Return `after` with the original bounds, each tightened bound being a row of its own."""
    width = len(before.columns)
    lower, upper = after.lower[:width], after.upper[:width]
    tight = np.flatnonzero((lower != before.lower) | (upper != before.upper))
    rows = len(after.rows) + np.arange(len(tight))
    entries = after.entries
    return replace(
        after,
        lower=np.concatenate([before.lower, after.lower[width:]]),
        upper=np.concatenate([before.upper, after.upper[width:]]),
        rows=(*after.rows, *((f"bounds of {after.columns[number].name}", None) for number in tight.tolist())),
        row_lower=np.concatenate([after.row_lower, lower[tight]]),
        row_upper=np.concatenate([after.row_upper, upper[tight]]),
        entries=SparseEntries(
            np.concatenate([entries.row, rows]),
            np.concatenate([entries.column, tight]),
            np.concatenate([entries.value, np.ones(len(tight))]),
        ),
    )
