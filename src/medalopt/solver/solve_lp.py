"""Solve one instance as a linear program: assemble, scale, and try primal simplex, dual simplex and interior point.

Where no solution can be verified, those of `refinement` follow. Decisions and duals in own units are read from columns
and rows of the program. A verified plan is converted back, from which every post-optimal analysis starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arrays import Bools, Floats
from medalopt.instance.bounds import VariableBounds, is_stocked, may_miss
from medalopt.instance.instance import Instance
from medalopt.instance.lots import UsedContracts, list_excess_columns
from medalopt.instance.routes import ConfidenceCut, Routes
from medalopt.instance.smelter_terms import leaves_metal, list_terms_names
from medalopt.model.extensions import Extension
from medalopt.model.network import Network, NetworkSelection, build_network, build_network_part
from medalopt.proof.extensions import NO_EXTENSIONS, ExtensionData, ExtensionTerm, QuantityIndex, evaluate_quantity
from medalopt.proof.prices import Duals
from medalopt.solver.assemble import CompiledMaster, assemble_program
from medalopt.solver.confidence import compute_budget_columns
from medalopt.solver.extended_program import assemble_extended_program, relax_extension_rows
from medalopt.solver.highs import METHODS, NO_TIME_LIMIT, HighsResult, TimeBudget, solve_by_method
from medalopt.solver.infeasibility import compute_farkas_margin, find_farkas_multipliers
from medalopt.solver.program import (
    Basis,
    ProgramBasis,
    SolverProgram,
    eliminate_linking_variables,
    find_defining_rows,
    substitute_linking_variable,
)
from medalopt.solver.refinement import refine_iteratively, solve_exactly
from medalopt.solver.scaling import ScaledProgram, generate_scalings, tighten_bounds_to_demand
from medalopt.solver.verification import compute_bound_and_violation
from medalopt.tolerances import NEGLIGIBLE_SHARE, SUM_TOLERANCE

EXACT_METHOD = "exact simplex"
LOOSENING_SHARE = 2.0**-33  # share of its right-hand side by which a row is relaxed that rounding makes infeasible
LARGEST_PROGRAM = 1_000  # matrix entries up to which a program is solved in fractions


_CUT_METHODS = (METHODS[1], METHODS[0], METHODS[2])  # a basis with further rows stays dual feasible


@dataclass(frozen=True, eq=False)
class SolveTask:
    """Instance to solve, with its routes and implied bounds, objective and extensions.

    `basis` is the basis of a similar instance; `relaxed` replaces the bounds of extension rows, by name; `master` is
    the compiled part of a similar instance; `used` are the contracts with lots or charges of a similar plan.
    """

    instance: Instance
    routes: Routes
    bounds: VariableBounds
    objective: str = "cost"
    extensions: tuple[Extension, ...] = ()
    basis: ProgramBasis | None = None
    budget: TimeBudget = NO_TIME_LIMIT
    relaxed: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    master: CompiledMaster | None = None
    columns: NetworkSelection | None = None  # of the network; None: all
    used: UsedContracts | None = None


def build_program(task: SolveTask) -> tuple[Network, SolverProgram]:
    """Build the program of a task.

    Returns:
        Network block, and the whole program in own units with unused linking variables eliminated.
    """
    network = (
        build_network(task.instance, task.routes)
        if task.columns is None
        else build_network_part(task.instance, task.routes, task.columns)
    )
    arguments = (task.instance, task.routes, network, task.bounds, task.objective)
    program = (
        relax_extension_rows(assemble_extended_program(*arguments, task.extensions), task.relaxed)
        if task.extensions
        else assemble_program(*arguments, task.master)
    )
    return network, substitute_linking_variable(eliminate_linking_variables(program), "assured")


def solve_linear_program(task: SolveTask) -> Iterator[Solution]:
    """Yield the solution of one scaling and method after the other.

    The caller verifies each and stops at the first valid one. Where a method reports infeasibility, or no plan is
    accepted, Farkas multipliers are yielded. At the time limit the last solution is `stopped`, with decisions where a
    feasible one was found.

    Yields:
        Unverified solutions.
    """
    network, program = build_program(task)
    cut = task.basis is not None and any(name == "confidence" for name, _ in task.basis.program.rows)
    methods = _CUT_METHODS if cut else METHODS
    for ready in generate_scalings(program, lambda: _useful_sizes(task)):
        refused = False
        for method in methods:
            start = task.basis.transfer(program) if task.basis is not None and method == methods[0] else None
            result = (
                solve_by_method(ready, method, start, task.budget)
                if task.budget.seconds_left()
                else HighsResult("stopped", method)
            )
            if result.status == "optimal" or len(result.x):
                yield build_solution(task, network, program, ready, result)
            elif result.status == "unbounded" and task.extensions:
                yield Solution("unbounded", method)
            elif result.status == "infeasible" and not refused:
                refused = True
                yield from _yield_multipliers(task, network, program, ready, method)
            if result.status == "stopped":
                yield Solution("stopped", method)
                return
        if not refused:
            yield from _yield_multipliers(task, network, program, ready, METHODS[-1])
    yield from _yield_refined(task, network, program)
    if not task.budget.seconds_left():
        yield Solution("stopped", METHODS[-1])


def _yield_refined(task: SolveTask, network: Network, program: SolverProgram) -> Iterator[Solution]:
    """Yield the solutions of iterative refinement, for demands of very different size, then an exact optimum."""
    bases: list[Basis] = []
    for ready in generate_scalings(program, lambda: _useful_sizes(task)):
        for method in METHODS[:2]:
            basis = None
            for finer, zoom in refine_iteratively(ready, method, task.budget):
                yield build_solution(task, network, program, ready, finer, zoom)
                basis = finer.basis
            bases += [] if basis is None else [basis]
    if len(program.entries.value) > LARGEST_PROGRAM:
        return
    for basis in bases:
        optimum = solve_exactly(program, basis, task.budget)
        if optimum is not None:
            yield _make_solution(task, network, program, HighsResult("optimal", EXACT_METHOD, *optimum, basis))
            return


def build_solution(
    task: SolveTask, network: Network, program: SolverProgram, ready: ScaledProgram, result: HighsResult, zoom: int = 0
) -> Solution:
    """Build the solution in own units from a result of HiGHS.

    Args:
        program: Program in own units.
        ready: The same program, scaled.
        result: Result of HiGHS.
        zoom: Exponent of the scale of refinement, which lowers the threshold of negligible columns.

    Returns:
        Decisions and duals; with variables of extensions, lower bound and violation on the compiled program.
    """
    x = ready.unscale_columns(np.where(np.abs(result.x) < np.ldexp(NEGLIGIBLE_SHARE, -zoom), 0.0, result.x))
    y = ready.unscale_duals(result.y)
    return _make_solution(task, network, program, HighsResult("optimal", result.method, x, y, result.basis))


def _make_solution(task: SolveTask, network: Network, program: SolverProgram, result: HighsResult) -> Solution:
    """Return the solution of columns and duals in own units."""
    x, y = result.x, result.y
    decisions = extract_decisions(task.instance, task.routes, network, program, x)
    value, duals = float(program.costs[0] @ x), extract_duals(program, y)
    basis = None if result.basis is None else ProgramBasis(program, result.basis)
    compiled = compute_bound_and_violation(program, x, y) if program.added.variables else (0.0, 0.0)
    return Solution(
        "optimal", result.method, decisions, duals, value, compiled, basis, fill_extension_values(program, x, y)
    )


def _yield_multipliers(
    task: SolveTask, network: Network, program: SolverProgram, ready: ScaledProgram, method: str
) -> Iterator[Solution]:
    """Yield Farkas multipliers with their margin, and after the first the solution with all rows slightly relaxed.

    The relaxation by `LOOSENING_SHARE` covers programs that are infeasible by rounding only; it keeps each row to 1e-9
    of its size.
    """
    free = replace(program, dual_offsets={})  # feasibility program: no costs
    for number, y in enumerate(find_farkas_multipliers(ready, task.budget)):
        weights, compiled = np.ldexp(y, ready.row), (compute_farkas_margin(program, ready, y), 0.0)
        added = fill_extension_values(program, np.zeros(len(program.lower)), weights)
        yield Solution("infeasible", method, duals=extract_duals(free, weights), compiled=compiled, added=added)
        if not number:
            yield from _yield_loosened(task, network, program, ready)


def _yield_loosened(
    task: SolveTask, network: Network, program: SolverProgram, ready: ScaledProgram
) -> Iterator[Solution]:
    """Yield the solution of `ready` with every row relaxed by `LOOSENING_SHARE` of its right-hand side, if feasible."""
    low, high = (
        np.where(np.isfinite(side), np.abs(side), 0.0) * LOOSENING_SHARE for side in (ready.row_lower, ready.row_upper)
    )
    looser = replace(ready, row_lower=ready.row_lower - low, row_upper=ready.row_upper + high)
    result = solve_by_method(looser, METHODS[0], None, task.budget)
    if result.status == "optimal":
        yield build_solution(task, network, program, ready, result)


def _useful_sizes(task: SolveTask) -> Floats:
    """Return the implied bounds of the columns, limited to amounts that demand can use."""
    return build_program(replace(task, bounds=tighten_bounds_to_demand(task.instance, task.routes, task.bounds)))[
        1
    ].size


@dataclass(frozen=True, eq=False)
class Solution:
    """Solution in own units.

    `status` is `optimal`, `infeasible`, `unbounded` or `stopped`; `decisions` are there if a plan was found. `duals`
    belong to the plan, or are Farkas multipliers of infeasibility. `compiled` is evaluated on the compiled program:
    lower bound and greatest violation of a plan with variables of extensions, or the margin of the multipliers.
    """

    status: str
    method: str
    decisions: Decisions | None = None
    duals: Duals = field(default_factory=dict)
    value: float = 0.0  # objective at the solver's columns
    compiled: tuple[float, float] = (0.0, 0.0)
    basis: ProgramBasis | None = None
    added: ExtensionData = NO_EXTENSIONS  # data of extensions with duals and values
    search_bound: float | None = None  # dual bound of branch and bound on the objective, not verified
    cuts: tuple[ConfidenceCut, ...] | None = None  # cuts that `duals` refer to; None: those of the task


def extract_decisions(
    instance: Instance, routes: Routes, network: Network, program: SolverProgram, x: Floats
) -> Decisions:
    """Read the decisions from the columns of a program.

    Args:
        routes: J routes.
        x (N,): Columns in own units.

    Returns:
        The decisions, none below 0.
    """
    x = np.maximum(x, 0.0)
    sent = np.zeros((len(routes), len(instance.periods)))
    shipments = len(network.route)
    sent[network.route, network.period] = x[:shipments]
    stockpile = np.zeros((len(instance.streams.names), len(instance.periods)))
    stockpile[network.stock_stream, network.stock_period] = x[shipments : shipments + len(network.stock_stream)]
    withheld = np.zeros((int(instance.terms.pooled.sum()), len(instance.metals.names), len(instance.periods)))
    end = len(network.upper)
    indices = (network.withheld_pool, network.withheld_metal, network.withheld_period)
    withheld[indices] = x[end - len(network.withheld_pool) : end]
    metals, alloys, offers = instance.metals.names, instance.alloys.names, instance.market.names
    axes = {
        "charge": (alloys, metals, instance.periods),
        "buy": (offers, alloys, instance.periods),
        "surplus": (metals, instance.periods),
        "recharge": (alloys, instance.periods),
        "acquire": (offers, instance.periods),
        "missed": (instance.medals.names,),
    }
    if leaves_metal(instance):
        axes["left"] = (list_terms_names(instance), metals, instance.periods)
    tables = {name: np.zeros(tuple(len(axis) for axis in along)) for name, along in axes.items()}
    place = {
        name: [{label: number for number, label in enumerate(axis)} for axis in along] for name, along in axes.items()
    }
    for (name, index), value in zip(program.places, x[program.network :].tolist(), strict=True):
        if name in tables:
            labels = index if isinstance(index, tuple) else (index,)
            to = tuple(axis[label] for axis, label in zip(place[name], labels, strict=True))
            tables[name][to] = value
    purchased = tables["acquire"][is_stocked(instance)]
    behind = (tables["charge"], tables["buy"], tables["surplus"], tables["recharge"], purchased)
    missed = np.minimum(tables["missed"], instance.medals.count) if may_miss(instance).any() else np.zeros(0)
    left = {"left": tables["left"]} if "left" in tables else {}
    return Decisions(sent, stockpile, *behind, withheld, missed, **left)


def extract_duals(program: SolverProgram, y: Floats) -> Duals:
    """Read the duals of the rows by constraint and index, without those of extensions.

    Args:
        y (M,): Duals in own units.

    Returns:
        Duals, with the offsets of eliminated linking variables added.
    """
    duals: dict[str, dict[Any, float]] = {}
    own = len(program.rows) - len(program.added.rows)
    for (name, index), value in zip(program.rows[:own], y[:own].tolist(), strict=True):
        duals.setdefault(name, {})[index] = value
    for (name, index), shift in program.dual_offsets.items():
        rows = duals.setdefault(name, {})
        rows[index] = rows.get(index, 0.0) + shift
    return duals


def fill_extension_values(program: SolverProgram, x: Floats, y: Floats) -> ExtensionData:
    """Fill in the duals of extension rows and the values of extension variables.

    Args:
        program: Program with its extension data.
        x (N,): Columns in own units.
        y (M,): Duals in own units.

    Returns:
        The extension data with duals and values.
    """
    added = program.added
    duals, values = (
        y[len(y) - len(added.rows) :],
        np.clip(x, program.lower, program.upper)[len(x) - len(added.variables) :],
    )
    return replace(
        added,
        rows=tuple(replace(row, dual=dual) for row, dual in zip(added.rows, duals.tolist(), strict=True)),
        variables=tuple(
            replace(variable, value=value) for variable, value in zip(added.variables, values.tolist(), strict=True)
        ),
    )


def reconstruct_columns(
    account: PlanAccount, block: Network, program: SolverProgram, added: ExtensionData = NO_EXTENSIONS
) -> Floats:
    """Reconstruct the columns of a program from a plan.

    Args:
        account: Plan with its accounting.
        added: Extension data with the values of its variables, which are the last columns.

    Returns:
        Columns (N,) in own units.
    """
    decisions = account.decisions
    network = [
        decisions.sent[block.route, block.period],
        decisions.stockpile[block.stock_stream, block.stock_period],
        np.clip(evaluate_quantity(account, "take"), 0.0, 1.0)[block.take_bundle, block.take_period],
        decisions.withheld[block.withheld_pool, block.withheld_metal, block.withheld_period]
        if len(block.withheld_pool)
        else np.zeros(0),
    ]
    own = [variable.value for variable in added.variables]
    given = {**compute_budget_columns(account), **list_excess_columns(account)}
    index, arrays = QuantityIndex(account.instance, account.routes, ()), dict[str, Floats]()
    definition = find_defining_rows(program)
    linking = {name.removeprefix("define_") for (name, _), it in zip(program.rows, definition, strict=True) if it}
    places = program.places[: len(program.places) - len(own)]
    behind = np.array([given.get(place, 0.0) for place in places], dtype=np.float64)
    for number, (name, key) in enumerate(places):
        at = index.locate(ExtensionTerm(name, key if isinstance(key, tuple) else (key,), 0.0))
        if at is not None and name not in linking:
            if name not in arrays:
                arrays[name] = np.asarray(evaluate_quantity(account, at[0]), dtype=np.float64)
            behind[number] = max(float(arrays[name].flat[at[1]]), 0.0)
    x = np.concatenate([*network, behind, np.array(own)])
    defined = np.zeros(len(x), dtype=bool)
    defined[program.network : len(x) - len(own)] = [name in linking for name, _ in places]
    return np.maximum(_compute_defined_columns(program, x, definition, defined), program.lower)


def reconstruct_duals(duals: Duals, program: SolverProgram, added: ExtensionData = NO_EXTENSIONS) -> Floats:
    """Reconstruct the duals of the rows of a program from those of a plan.

    Args:
        duals: Duals by constraint and index.
        added: Extension data with the duals of its rows, which are the last rows.

    Returns:
        Duals (M,) in own units; 0 for rows the plan has no dual of, but those of fractions, which the others imply.
    """
    own = [row.dual for row in added.rows]
    rows = program.rows[: len(program.rows) - len(own)]
    model = [duals.get(name, {}).get(index, 0.0) - program.dual_offsets.get((name, index), 0.0) for name, index in rows]
    return _imply_fraction_duals(np.array([*model, *own], dtype=np.float64), program)


def _imply_fraction_duals(y: Floats, program: SolverProgram) -> Floats:
    """Return duals with those of fractions: the least reduced cost of the branches, the columns with coefficient 1."""
    fractions = np.array([name == "fractions" for name, _ in program.rows], dtype=bool)
    if not fractions.any():
        return y
    y, entries = np.where(fractions, 0.0, y), program.entries
    pulled = np.bincount(entries.column, entries.value * y[entries.row], len(program.lower))
    own = np.flatnonzero(fractions[entries.row] & (entries.value == 1))
    least = np.full(len(y), np.inf)
    np.minimum.at(least, entries.row[own], (program.costs[0] - pulled)[entries.column[own]])
    return np.where(fractions & np.isfinite(least), least, y)


def _compute_defined_columns(program: SolverProgram, x: Floats, rows: Bools, columns: Bools) -> Floats:
    """Return `x` with each linking variable, so far 0, computed from its defining row."""
    entries = program.entries
    sums = np.bincount(entries.row, entries.value * x[entries.column], len(program.rows))
    own = rows[entries.row] & columns[entries.column]
    x[entries.column[own]] = -sums[entries.row[own]] / entries.value[own]
    return x


def leave_rounding(account: PlanAccount) -> PlanAccount:
    """Return the plan with all credited metal left where no more than rounding is called back of it.

    Otherwise instructions to smelters would list metals to return of which there is nothing.

    Args:
        account: Plan.
    """
    left = account.decisions.left
    if not left.size:
        return account
    credited = account.credited_by_line
    left = np.where(np.abs(credited - left) <= SUM_TOLERANCE * credited, credited, left)
    return account.replace_left(left)
