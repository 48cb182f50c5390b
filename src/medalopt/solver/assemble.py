"""Assembly of the program from the network (built as arrays) and the other constraints (compiled from Pyomo).

With extensions the whole Pyomo model is compiled instead, since they may use any variable, and compared with the one
without them: they may add rows, variables and costs, and tighten the bounds of existing variables, which become rows.

For export, the whole program has a name for every row and column.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from medalopt.errors import UsageError
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.bounds import VariableBounds, compute_bounds
from medalopt.instance.confidence import build_program_routes
from medalopt.instance.instance import Instance
from medalopt.instance.lots import STEP_KINDS
from medalopt.instance.routes import Routes, build_routes
from medalopt.linear_program import NamedLinearProgram, format_component_name
from medalopt.model.build import build_master
from medalopt.model.extensions import Extension, apply_extension, name_extension, redirect_output
from medalopt.model.network import Network, SparseEntries, build_network
from medalopt.model.network_to_pyomo import (
    SETTLEMENT_ROWS,
    attach_network,
    list_column_keys,
    list_fraction_keys,
    list_settlement_keys,
)
from medalopt.model.variables import LinkingFamily, iterate_linking_variables, list_linking_families
from medalopt.proof.extensions import ExtensionData, ExtensionRow, ExtensionTerm, ExtensionVariable
from medalopt.solver.compile import CompiledMaster, CompiledModel, compile_model, list_variable_keys
from medalopt.solver.program import ComponentKey, ProgramBuilder, SolverProgram, find_integer_columns, order_by_column
from medalopt.solver.scaling import bound_metal_columns, bound_network_columns, bound_row_activities
from medalopt.text import check_control_characters, escape_text


def assemble_program(
    instance: Instance,
    routes: Routes,
    network: Network,
    bounds: VariableBounds,
    objective: str,
    known: CompiledMaster | None = None,
) -> SolverProgram:
    """Assemble the whole program of an instance.

    Args:
        network: Network block as arrays.
        known: Compiled part of a similar instance, reused if possible.

    Returns:
        The program in own units, rows in the order supply, fractions, settlement, definitions, compiled constraints.
    """
    kept = (
        CompiledMaster.compile(instance, routes, objective)
        if known is None
        else known.adapt(instance, routes, objective)
    )
    half, count = kept.compiled, kept.linking
    sizes = bound_network_columns(routes, network, bounds)
    linking_sizes = bound_row_activities(network.defining, count, sizes)
    built = ProgramBuilder(len(half.costs))
    built.add_network_columns(network.upper, sizes)
    columns = built.add_columns(
        kept.places,
        half.lower,
        half.upper,
        np.concatenate([linking_sizes, bound_metal_columns(instance, bounds, kept.places[count:])]),
        half.costs,
    )
    supply = add_supply_rows(built, instance, network)
    splitting = built.add_rows(list_fraction_rows(instance, routes, network), 0.0, 0.0)
    settlement = add_settlement_rows(built, instance, network)
    defining = built.add_rows(_list_defining_rows(kept.families), 0.0, 0.0)
    rows = built.add_rows(half.rows, half.row_lower, half.row_upper)
    for first, part, sign in (
        (supply, network.supply, 1),
        (splitting, network.splitting, 1),
        (settlement, network.settlement, 1),
        (defining, network.defining, -1),
    ):
        built.add_entries(first[part.row], part.column, sign * part.value)
    built.add_entries(defining, columns[:count])
    built.add_entries(rows[half.entries.row], columns[half.entries.column], half.entries.value)
    program = built.build()
    return program if instance.whole is None else _break_ties_by_total_cost(program, instance.whole)


def _break_ties_by_total_cost(program: SolverProgram, whole: Instance) -> SolverProgram:
    """Return the program of one party's costs with ties broken by the costs of all parties."""
    routes = build_routes(whole)
    network, master = build_network(whole, routes), CompiledMaster.compile(whole, routes, "cost")
    keys = [(link.name, key) for link in master.families for key in link.keys]
    spend = np.array([name == "spend" for name, _ in keys])
    defining = network.defining
    paid = spend[defining.row]
    total = program.costs.copy()
    total[1, : program.network] = np.bincount(defining.column[paid], defining.value[paid], program.network)
    total[1, program.network :] = master.compiled.costs[1]
    total[1, program.network + np.flatnonzero(spend)] = 0.0  # counted on the columns of the network
    return replace(program, costs=total)


def add_supply_rows(built: ProgramBuilder, instance: Instance, network: Network) -> Ints:
    """Add the supply rows of a network block: equations for streams sold in bundles, else upper bounds.

    Args:
        built: Program under construction.
        instance: Instance, for the names.

    Returns:
        Numbers of the rows, without their entries.
    """
    lower = np.where(network.supply_bundled, 0.0, -np.inf)
    return built.add_rows(_list_supply_rows(instance, network), lower, network.supply_upper)


def _list_supply_rows(instance: Instance, network: Network) -> list[ComponentKey]:
    """Return the keys of the supply rows of a network block."""
    streams, periods = instance.streams.names, instance.periods
    at = zip(
        network.supply_stream.tolist(), network.supply_period.tolist(), network.supply_bundled.tolist(), strict=True
    )
    return [("bundle_supply" if bundled else "supply", (streams[i], periods[t])) for i, t, bundled in at]


def list_fraction_rows(instance: Instance, routes: Routes, network: Network) -> list[ComponentKey]:
    """Return the keys of the rows of fractions of a network block.

    Args:
        instance: Instance, for the names.

    Returns:
        `fractions` with stream, fraction and period.
    """
    return [("fractions", key) for key in list_fraction_keys(instance, routes, network)]


def add_settlement_rows(built: ProgramBuilder, instance: Instance, network: Network) -> Ints:
    """Add the settlement rows of pooled lots of a network block; return their numbers, without their entries.

    Args:
        built: Program under construction.
        instance: Instance.
        network: Block of streams with its pooled lots.

    Returns:
        Numbers of the rows, in the order of `list_settlement_rows`.
    """
    minimum = np.repeat([least for _, least, _ in SETTLEMENT_ROWS], len(network.withheld_pool))
    keys = list_settlement_rows(instance, network)
    return built.add_rows(keys, np.where(minimum, 0.0, -np.inf), np.where(minimum, np.inf, 0.0))


def list_settlement_rows(instance: Instance, network: Network) -> list[ComponentKey]:
    """Return the keys of the settlement rows of pooled lots.

    Args:
        instance: Instance.
        network: Block of streams with its pooled lots.

    Returns:
        Name and index of each row, by kind and then by lot.
    """
    keys = list_settlement_keys(instance, network)
    return [(name, key) for name, _, _ in SETTLEMENT_ROWS for key in keys]


def _list_defining_rows(families: tuple[LinkingFamily, ...]) -> list[ComponentKey]:
    """Return the keys of the rows that define linking variables."""
    return [
        (f"define_{link.name}", key if len(key) > 1 else key[0] if key else None)
        for link in families
        for key in link.keys
    ]


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


def build_named_program(
    instance: Instance, objective: str = "cost", routes: Routes | None = None
) -> NamedLinearProgram:
    """Build the program that `build` returns as a Pyomo model, as unscaled arrays with names.

    Args:
        routes: Routes of the instance, with cuts of the promised confidence; None: without cuts.

    Returns:
        The named program, columns sorted by rows (compressed sparse columns).
    """
    routes = build_program_routes(instance) if routes is None else routes
    network = build_network(instance, routes)
    program = assemble_program(instance, routes, network, compute_bounds(instance, routes), objective)
    entries = program.entries
    order, start = order_by_column(entries, len(program.lower))
    return NamedLinearProgram(
        columns=tuple(
            _format_component(place) for place in (*list_column_keys(instance, routes, network), *program.places)
        ),
        lower=program.lower,
        upper=program.upper,
        cost=program.costs[0],
        offset=0.0,
        rows=tuple(_format_component(place) for place in program.rows),
        row_lower=program.row_lower,
        row_upper=program.row_upper,
        indptr=start.astype(np.int32),
        indices=entries.row[order].astype(np.int32),
        data=entries.value[order],
        integer_columns=frozenset(np.flatnonzero(find_integer_columns(program)).tolist()),
    )


def _format_component(place: ComponentKey) -> str:
    """Return the export name of a component index."""
    component, index = place
    if index is None:
        return format_component_name(component)
    return format_component_name(component, *(index if isinstance(index, tuple) else (index,)))


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
    _check_price_steps({names[column][0] for column in after.entries.column[own].tolist()}, where)
    entries = (axis[own].tolist() for axis in (after.entries.row, after.entries.column, after.entries.value))
    for row, column, value in zip(*entries, strict=True):
        terms[row].append(_make_term(names[column], value))
    _check_names(
        [*(_format_row_name(*row) for row in after.rows[height:]), *(name for name, _ in names[width:])], where
    )
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
        tuple(_make_term(names[number], float(dearer[number])) for number in np.flatnonzero(dearer).tolist()),
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


def _make_term(name: tuple[str, tuple[str, ...]], coefficient: float) -> ExtensionTerm:
    """Return the term of a named column with a coefficient."""
    return ExtensionTerm(name[0], name[1], coefficient)


def _split_column_name(column: Any) -> tuple[str, tuple[str, ...]]:
    """Return component name and index of a Pyomo variable."""
    index = column.index()
    return column.parent_component().name, index if isinstance(index, tuple) else () if index is None else (index,)


def _format_row_name(component: str, index: Any) -> str:
    """Return `component[index]` as text."""
    if index is None:
        return component
    return f"{component}[{','.join(str(part) for part in (index if isinstance(index, tuple) else (index,)))}]"


def _check_price_steps(components: Iterable[str], where: str) -> None:
    """Raise UsageError where a row of an extension has the quantity beyond the limit of a price step."""
    if {f"{kind.name}_excess" for kind in STEP_KINDS} & set(components):
        raise UsageError(f"{where}: an extension constraint contains the cost of price steps; write it in quantities")


def _check_names(names: Sequence[str], where: str) -> None:
    """Raise UsageError where a component name contains control characters."""
    for name in names:
        if problem := check_control_characters(name):
            raise UsageError(f"{where}: in the name of a component, {problem}")


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
