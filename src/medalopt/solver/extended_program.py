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
from medalopt.instance.arrays import Bools
from medalopt.instance.bounds import VariableBounds
from medalopt.instance.instance import Instance
from medalopt.instance.lots import STEP_KINDS
from medalopt.instance.routes import Routes
from medalopt.model.build import attach_network, build_master
from medalopt.model.extensions import Extension, apply_extension, name_extension, redirect_output
from medalopt.model.network import Network
from medalopt.model.variables import iterate_linking_variables, list_linking_families
from medalopt.proof.extensions import ExtensionData, ExtensionRow, ExtensionTerm, ExtensionVariable
from medalopt.solver.assemble import compile_model
from medalopt.solver.program import ProgramBuilder, SolverProgram
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
    before, known = compile_model(model, network)
    for extension in extensions:
        apply_extension(model, instance, extension)
    after, columns = compile_model(model, network)
    where = ", ".join(map(name_extension, extensions))
    there = len(columns) >= len(known) and all(a is b for a, b in zip(known, columns, strict=False))
    if not there or after.rows[: len(before.rows)] != before.rows:
        raise UsageError(f"{where}: an index of the model was added or removed; add separate constraints instead")
    whole = _separate_extensions(before, after, columns, where)
    own = bound_network_columns(routes, block, bounds)
    places = whole.places[len(network) :]
    sizes = np.concatenate([own, bound_metal_columns(instance, bounds, places)])
    linking = list(iterate_linking_variables(model, list_linking_families(instance, routes)))
    sums = dict(zip(map(id, linking), bound_row_activities(block.defining, len(linking), own).tolist(), strict=True))
    sizes = np.array([sums.get(id(column), size) for column, size in zip(columns, sizes.tolist(), strict=True)])
    return replace(whole, network=len(network), places=places, size=sizes)


def _separate_extensions(
    before: SolverProgram, after: SolverProgram, columns: tuple[Any, ...], where: str
) -> SolverProgram:
    """Return `after` with the rows, variables and costs that extensions added; raise UsageError where more changed."""
    _check_unchanged(before, after, columns, where)
    after = _convert_bounds_to_rows(before, after, columns)
    width, height = len(before.lower), len(before.rows)
    names: list[tuple[str, tuple[str, ...]]] = [
        (name, index if isinstance(index, tuple) else () if index is None else (index,))
        for name, index in after.places[:width]
    ]
    names += [(column.name, ()) for column in columns[width:]]
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
    ends = zip(after.row_lower[height:].tolist(), after.row_upper[height:].tolist(), strict=True)
    rows = [
        ExtensionRow(_format_row_name(*name), *end, tuple(own))
        for name, end, own in zip(after.rows[height:], ends, terms[height:], strict=True)
    ]
    bounds = zip(after.lower[width:].tolist(), after.upper[width:].tolist(), strict=True)
    variables = [ExtensionVariable(name, *end) for (name, _), end in zip(names[width:], bounds, strict=True)]
    costs = [ExtensionTerm(*names[number], float(dearer[number])) for number in np.flatnonzero(dearer).tolist()]
    return replace(after, added=ExtensionData(tuple(rows), tuple(variables), tuple(costs)))


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


def _format_row_name(component: str, index: Any) -> str:
    """Return `component[index]` as text."""
    if index is None:
        return component
    return f"{component}[{','.join(str(part) for part in (index if isinstance(index, tuple) else (index,)))}]"


def _check_unchanged(before: SolverProgram, after: SolverProgram, columns: tuple[Any, ...], where: str) -> None:
    """Raise UsageError where numbers of existing parts changed, apart from tighter bounds and the main objective."""
    width = len(before.lower)
    changed = _find_changed_rows(before, after, len(before.rows))
    if changed.any():
        name = _format_row_name(*before.rows[int(np.argmax(changed))])
        raise UsageError(f"{where}: `{escape_text(name)}` of the model was changed; add a separate constraint instead")
    if (after.costs[1:, :width] != before.costs[1:]).any() or after.costs[1:, width:].any():
        raise UsageError(f"{where}: `cost` or `tonnes` of the model was changed; add what it costs to `objective`")
    wider = (after.lower[:width] < before.lower) | (after.upper[:width] > before.upper)
    if wider.any():
        name = escape_text(columns[int(np.argmax(wider))].name)
        raise UsageError(f"{where}: `{name}` was given a value or a bound outside those of the model; keep within them")


def _find_changed_rows(before: SolverProgram, after: SolverProgram, height: int) -> Bools:
    """Return which of the first `height` rows differ from before, (height,)."""
    changed = (after.row_lower[:height] != before.row_lower) | (after.row_upper[:height] != before.row_upper)
    old, new = ((part.row, part.column, part.value) for part in (before.entries, after.entries))
    in_model = new[0] < height
    new = (new[0][in_model], new[1][in_model], new[2][in_model])
    if not all(np.array_equal(a, b) for a, b in zip(old, new, strict=True)):
        sets = (set(zip(*(axis.tolist() for axis in part), strict=True)) for part in (old, new))
        changed[[entry[0] for entry in set.symmetric_difference(*sets)]] = True
    return changed


def _convert_bounds_to_rows(before: SolverProgram, after: SolverProgram, columns: tuple[Any, ...]) -> SolverProgram:
    """Return `after` with the original bounds, each tightened bound being a row of its own."""
    width = len(before.lower)
    tight = np.flatnonzero((after.lower[:width] != before.lower) | (after.upper[:width] != before.upper))
    lower, upper = (np.append(old, new[width:]) for old, new in zip(before.bounds[2:], after.bounds[2:], strict=True))
    built = ProgramBuilder.extend(replace(after, lower=lower, upper=upper))
    names = [(f"bounds of {columns[number].name}", None) for number in tight.tolist()]
    built.add_entries(built.add_rows(names, after.lower[tight], after.upper[tight]), tight)
    return built.build()
