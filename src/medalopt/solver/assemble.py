"""Assembly of the program from the network (built as arrays) and the other constraints (compiled from Pyomo).

A Pyomo model is compiled to arrays by Pyomo's linear representation, without an intermediate file. The compiled part is
shared by scenarios that differ in the network only. For export, the whole program has a name for every row and column.
"""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.core as pyo
from pyomo.common.errors import InvalidValueError
from pyomo.repn.linear import LinearRepnVisitor
from pyomo.repn.util import VarRecorder

from medalopt.errors import UsageError
from medalopt.instance.arrays import ExactArray
from medalopt.instance.bounds import VariableBounds, compute_bounds
from medalopt.instance.confidence import build_program_routes
from medalopt.instance.instance import Instance
from medalopt.instance.routes import ConfidenceCut, Routes, build_routes
from medalopt.instance.smelter_terms import leaves_metal
from medalopt.instance.uncertainty import get_uncertainty_budget
from medalopt.linear_program import NamedLinearProgram, format_component_name
from medalopt.model.build import (
    SETTLEMENT_ROWS,
    build_master,
    list_column_keys,
    list_fraction_keys,
    list_settlement_keys,
)
from medalopt.model.extensions import redirect_output
from medalopt.model.network import Network, SparseEntries, build_network
from medalopt.model.variables import LinkingFamily, iterate_linking_variables, list_linking_families
from medalopt.solver.program import ComponentKey, ProgramBuilder, SolverProgram, find_integer_columns, order_by_column
from medalopt.solver.scaling import bound_metal_columns, bound_network_columns, bound_row_activities


def compile_model(model: pyo.ConcreteModel, first: Sequence[Any]) -> tuple[SolverProgram, tuple[Any, ...]]:
    """Return the variables, active constraints and objectives (main, cost, tonnes) of a model as arrays.

    Args:
        model: Pyomo model.
        first: Variables that become the first columns, in this order.

    Returns:
        Program without implied bounds, a constant in a constraint body moved to the right-hand side; and the Pyomo
        variable of each column.

    Raises:
        UsageError: An expression (of an extension) is nonlinear, not finite or uses a variable of another model.
    """
    order = {id(column): number for number, column in enumerate(first)}
    columns = list(first)
    for column in model.component_data_objects(pyo.Var):
        if id(column) not in order:
            order[id(column)] = len(columns)
            columns.append(column)
    walk, names = _LinearWalker(order), _ComponentNames()
    rows: list[ComponentKey] = []
    lower: list[float] = []
    upper: list[float] = []
    for constraint in model.component_data_objects(pyo.Constraint, active=True):
        low, body, high = _split_bounds(constraint)
        offset = walk.record_row(body, len(rows), constraint)
        rows.append((names(constraint), constraint.index()))
        lower.append(-math.inf if low is None else low - offset)
        upper.append(math.inf if high is None else high - offset)
    objectives = (model.objective.expr, model.cost, model.tonnes)
    costs = np.zeros((len(objectives), len(columns)))
    for number, objective in enumerate(objectives):
        for column, value in walk.collect_terms(objective, None)[1]:
            costs[number, column] = value
    program = SolverProgram(
        network=0,
        places=tuple((column.parent_component().name, column.index()) for column in columns),
        lower=np.array([-math.inf if column.lb is None else column.lb for column in columns], dtype=np.float64),
        upper=np.array([math.inf if column.ub is None else column.ub for column in columns], dtype=np.float64),
        size=np.full(len(columns), np.inf),
        costs=costs,
        rows=tuple(rows),
        row_lower=np.array(lower, dtype=np.float64),
        row_upper=np.array(upper, dtype=np.float64),
        entries=walk.get_entries(),
    )
    return program, tuple(columns)


def _describe_row(row: Any) -> str:
    """Return the name of a constraint for messages, `objective` for None."""
    return "objective" if row is None else str(row.name)


def _split_bounds(constraint: Any) -> tuple[float | None, Any, float | None]:
    """Return lower bound, body and upper bound of a constraint."""
    try:
        low, body, high = constraint.to_bounded_expression(evaluate_bounds=True)
    except ValueError as error:
        raise UsageError(f"{constraint.name} has a bound that is no number: {error}") from error
    return low, body, high


class _ComponentNames:
    """Cache of component names by component, since Pyomo composes a name at each access."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def __call__(self, part: Any) -> str:
        """Return the name of the component that a constraint or variable belongs to."""
        component = part.parent_component()
        if id(component) not in self._known:
            self._known[id(component)] = component.name
        return self._known[id(component)]


class _LinearWalker:
    """Collector of the constants, columns and coefficients of linear expressions."""

    def __init__(self, order: dict[int, int]) -> None:
        self.order = order
        self.visitor = LinearRepnVisitor({}, var_recorder=VarRecorder({}, None))
        self.at: list[tuple[int, int]] = []
        self.values: list[float] = []

    def collect_terms(self, body: Any, row: Any) -> tuple[float, list[tuple[int, float]]]:
        """Collect the terms of a linear expression. Raises UsageError."""
        try:
            form = self.visitor.walk_expression(body)
            finite = all(math.isfinite(value) for value in (form.constant, *form.linear.values()))
        except InvalidValueError as error:
            raise UsageError(f"{_describe_row(row)} contains a value that is not a number: {error}") from error
        if form.nonlinear is not None:
            raise UsageError(f"{_describe_row(row)} is not linear: write it as a sum of variables, each times a number")
        if not finite:
            raise UsageError(
                f"{_describe_row(row)} contains a number that is not finite: check the parameters of the expression"
            )
        try:
            result = [(self.order[which], value) for which, value in form.linear.items()]
        except KeyError:
            text = f"{_describe_row(row)} contains a variable that is not part of the model: add it to the model"
            raise UsageError(text) from None
        return float(form.constant), result

    def record_row(self, body: Any, number: int, constraint: Any) -> float:
        """Record the coefficients of a row."""
        constant, result = self.collect_terms(body, constraint)
        self.at += [(number, column) for column, _ in result]
        self.values += [value for _, value in result]
        return constant

    def get_entries(self) -> SparseEntries:
        """Return the nonzero coefficients of all recorded rows."""
        index = np.array(self.at, dtype=np.intp).reshape(-1, 2)
        values = np.array(self.values, dtype=np.float64)
        kept = values != 0
        return SparseEntries(index[kept, 0], index[kept, 1], values[kept])


_METADATA_FIELDS = {"name", "title", "annex", "sources", "files", "figures", "warnings"}  # metadata, in no constraint

_NETWORK_FIELDS: Mapping[str, frozenset[str]] = {
    "devices": frozenset({"assay", "unit_mass"}),
    "streams": frozenset({"price", "collection", "credited", "storage_limit", "storage_cost", "footprint"}),
    "treatments": frozenset({"cost", "to_smelter", "recovery", "residue_value", "footprint", "sold"}),
    "smelters": frozenset({"footprint"}),
    "terms": frozenset({"treatment_charge", "refining_charge", "returned", "deduction"}),
    "lanes": frozenset({"cost", "footprint"}),
    "impurities": frozenset(
        {"assay", "recovery", "refuse", *(f"penalty_{of}" for of in ("line", "element", "above", "per", "charge"))}
    ),
}


@dataclass(frozen=True, eq=False)
class CompiledMaster:
    """Rows, costs and columns outside the network, compiled from `instance` for one objective."""

    instance: Instance
    objective: str
    families: tuple[LinkingFamily, ...]
    program: SolverProgram  # without implied bounds
    linking: int  # number of linking variables, which are the first columns

    @classmethod
    def compile(cls, instance: Instance, routes: Routes, objective: str, whole: bool = True) -> CompiledMaster:
        """Compile the part of an instance outside its network.

        Args:
            routes: Routes of the instance.
            whole: Whether all linking variables are declared, as in `list_linking_families`.

        Returns:
            The compiled part.
        """
        with redirect_output(io.StringIO()):  # Pyomo logs at length when interrupted
            model = build_master(instance, routes, objective, whole)
        families = list_linking_families(instance, routes, whole)
        linking = list(iterate_linking_variables(model, families))
        return cls(instance, objective, families, compile_model(model, linking)[0], len(linking))

    def adapt(self, instance: Instance, routes: Routes, objective: str) -> CompiledMaster:
        """Return the compiled part for another instance, `self` if the two differ in network data only.

        Args:
            instance: The other instance.

        Returns:
            `self`, or a newly compiled part.
        """
        budgets = get_uncertainty_budget(self.instance), get_uncertainty_budget(instance)
        same = objective == self.objective and budgets[0] == budgets[1]
        own, others = ([link.keys for link in of] for of in (self.families, list_linking_families(instance, routes)))
        if same and own == others:
            sections = [field.name for field in dataclasses.fields(Instance) if field.name not in _METADATA_FIELDS]
            one, other = self.instance.terms.refining_charge, instance.terms.refining_charge
            charged = not leaves_metal(instance) or _equal_beside_network(one, other)  # metal left saves its charge
            if charged and all(
                _equal_beside_network(getattr(self.instance, name), getattr(instance, name), name) for name in sections
            ):
                return self
        return CompiledMaster.compile(instance, routes, objective)


def _equal_beside_network(one: Any, other: Any, section: str = "") -> bool:
    """Return whether two parts of an instance are equal, apart from fields that enter the network alone."""
    if one is other:
        return True
    if isinstance(one, ExactArray):
        alike = np.array_equal(one.raw, other.raw) and np.array_equal(one.unit, other.unit)
        return alike and one.factors == other.factors
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if dataclasses.is_dataclass(one):
        names = {field.name for field in dataclasses.fields(one)} - _NETWORK_FIELDS.get(section, frozenset())
        return all(_equal_beside_network(getattr(one, name), getattr(other, name)) for name in names)
    return bool(one == other)


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
    half, count = kept.program, kept.linking
    sizes = bound_network_columns(routes, network, bounds)
    linking_sizes = bound_row_activities(network.defining, count, sizes)
    built = ProgramBuilder(len(half.costs))
    built.add_network_columns(network.upper, sizes)
    columns = built.add_columns(
        half.places,
        half.lower,
        half.upper,
        np.concatenate([linking_sizes, bound_metal_columns(instance, bounds, half.places[count:])]),
        half.costs,
    )
    add_network_rows(built, instance, routes, network)
    defining = built.add_rows(list_defining_rows(kept.families), 0.0, 0.0)
    rows = built.add_rows(half.rows, half.row_lower, half.row_upper)
    built.add_entries(defining[network.defining.row], network.defining.column, -network.defining.value)
    built.add_entries(defining, columns[:count])
    built.add_entries(rows[half.entries.row], columns[half.entries.column], half.entries.value)
    program = built.build()
    if instance.whole is None:
        return program
    return _break_ties_by_total_cost(program, replace(instance.whole, annex=instance.annex), routes.cuts)


def _break_ties_by_total_cost(
    program: SolverProgram, whole: Instance, cuts: tuple[ConfidenceCut, ...]
) -> SolverProgram:
    """Return the program of one party's costs with ties broken by the costs of all parties.

    With the same cuts and promises, the program of `whole` has the same columns.
    """
    routes = replace(build_routes(whole), cuts=cuts)
    network, master = build_network(whole, routes), CompiledMaster.compile(whole, routes, "cost")
    keys = [(link.name, key) for link in master.families for key in link.keys]
    spend = np.array([name == "spend" for name, _ in keys])
    defining = network.defining
    paid = spend[defining.row]
    total = program.costs.copy()
    total[1, : program.network] = np.bincount(defining.column[paid], defining.value[paid], program.network)
    total[1, program.network :] = master.program.costs[1]
    total[1, program.network + np.flatnonzero(spend)] = 0.0  # counted on the columns of the network
    return replace(program, costs=total)


def add_network_rows(built: ProgramBuilder, instance: Instance, routes: Routes, network: Network) -> None:
    """Add the rows of a network block with their entries: supply, then fractions, then settlement of pooled lots.

    Supply rows are equations for streams sold in bundles, else upper bounds.

    Args:
        built: Program under construction, whose first columns are those of the block.
        instance: Instance, for the names.
    """
    streams, periods = instance.streams.names, instance.periods
    at = zip(*(axis.tolist() for axis in (network.supply_stream, network.supply_period)), strict=True)
    names = np.where(network.supply_bundled, "bundle_supply", "supply").tolist()
    keys = [(name, (streams[i], periods[t])) for name, (i, t) in zip(names, at, strict=True)]
    supply = built.add_rows(keys, np.where(network.supply_bundled, 0.0, -np.inf), network.supply_upper)
    split = [("fractions", key) for key in list_fraction_keys(instance, routes, network)]
    splitting = built.add_rows(split, 0.0, 0.0)
    minimum = np.repeat([least for _, least, _ in SETTLEMENT_ROWS], len(network.withheld_pool))
    settlement = built.add_rows(
        list_settlement_rows(instance, network), np.where(minimum, 0.0, -np.inf), np.where(minimum, np.inf, 0.0)
    )
    built.add_entries(supply[network.supply.row], network.supply.column, network.supply.value)
    built.add_entries(splitting[network.splitting.row], network.splitting.column, network.splitting.value)
    built.add_entries(settlement[network.settlement.row], network.settlement.column, network.settlement.value)


def list_settlement_rows(instance: Instance, network: Network) -> list[ComponentKey]:
    """Return the keys of the settlement rows of pooled lots.

    Args:
        network: Block of streams with its pooled lots.

    Returns:
        Name and index of each row, by kind and then by lot.
    """
    keys = list_settlement_keys(instance, network)
    return [(name, key) for name, _, _ in SETTLEMENT_ROWS for key in keys]


def list_defining_rows(families: tuple[LinkingFamily, ...]) -> list[ComponentKey]:
    """Return the keys of the rows that define linking variables.

    Returns:
        Name and index of each row.
    """
    return [
        (f"define_{link.name}", key if len(key) > 1 else key[0] if key else None)
        for link in families
        for key in link.keys
    ]


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
