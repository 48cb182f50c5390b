"""Local analysis of a verified plan: its dual values and one-sided derivatives of the objective at the optimum.

A supply source is the supply of one region and kind: a single stream, or the bundle it belongs to.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from medalopt.analysis.scenario_runner import ScenarioProgram
from medalopt.errors import SolverError, UsageError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import FLOAT_ARITHMETIC
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.bounds import VariableBounds, compute_bounds
from medalopt.instance.instance import Instance
from medalopt.model.extensions import Extension, name_extension
from medalopt.model.network import Network
from medalopt.plan.plan import Plan
from medalopt.proof.bound import BoundContext, ObjectiveWeights, price_routes
from medalopt.proof.certificate import sum_absolute_costs
from medalopt.proof.confidence import compute_cone_payments, merge_payments, parse_cone_prices
from medalopt.proof.extension_rows import apply_extension_prices, compute_extended_bound
from medalopt.proof.extensions import PlacedExtensions, place_extensions
from medalopt.proof.prices import DUAL_SHRINKAGE, Prices, build_prices, shrink_duals
from medalopt.solver.confidence import merge_cut_duals, split_cut_duals
from medalopt.solver.local_analysis import BoundChange, LocalAnalysis, MeterRow, OptimumShift
from medalopt.solver.solve_lp import (
    SolveTask,
    build_program,
    extract_duals,
    fill_extension_values,
    reconstruct_columns,
    reconstruct_duals,
)
from medalopt.text import render_path
from medalopt.tolerances import ALTERNATIVE_TOLERANCE, GAP_TOLERANCE

MIN_COLUMN_SIZE = 1e-300
RowMove = tuple[tuple[str, ...], float, float]  # constraint with index, moves of its lower and its upper bound


@dataclass(frozen=True, eq=False)
class PlanNeighbourhood:
    """Plan with its dual values, and its LP prepared for perturbations; `sources` are groups of streams to analyse."""

    plan: Plan
    prices: Prices
    bounds: VariableBounds
    network: Network
    local: LocalAnalysis
    row_numbers: dict[tuple[str, object], int]  # constraint and index to number of the row
    columns: dict[tuple[str, object], int]  # variable and index to number of the column, without network columns
    extensions: tuple[Extension, ...]  # files the plan was made with

    @classmethod
    def build(cls, plan: Plan, sources: Sequence[Ints] = (), extensions: Sequence[Extension] = ()) -> PlanNeighbourhood:
        """Rebuild the LP of a plan and prepare it for perturbations.

        Args:
            sources: Numbers of the streams of each group to analyse.
            extensions: Python files or functions of the extensions the plan was made with.

        Returns:
            The neighbourhood of the plan.

        Raises:
            UsageError: If the extensions no longer add the same constraints.
        """
        account, files = plan.account, tuple(extensions)
        bounds = compute_bounds(plan.instance, account.routes)
        network, program = build_program(SolveTask(plan.instance, account.routes, bounds, plan.measure, files))
        if program.added.without_solution() != plan.added.without_solution():
            named = ", ".join(map(name_extension, files))
            raise UsageError(f"{named}: it adds something else each time it is run; let it add the same")
        stream = np.where(account.routes.treats, account.routes.stream, -1)[network.route]  # branches take no devices
        sums = [MeterRow.sum(np.flatnonzero(np.isin(stream, streams))) for streams in sources]
        x, y = (
            reconstruct_columns(account, network, program, plan.added),
            reconstruct_duals(split_cut_duals(plan.instance, account.routes.cuts, plan.duals), program, plan.added),
        )
        local = LocalAnalysis(program, x, y, sums)
        own_rows, own_columns = (len(part) for part in (plan.added.rows, plan.added.variables))
        numbers = {place: row for row, place in enumerate(program.rows[: len(program.rows) - own_rows])}
        places = program.places[: len(program.places) - own_columns]
        columns = {place: program.network + number for number, place in enumerate(places)}
        return cls(plan, build_prices(plan.instance, plan.duals), bounds, network, local, numbers, columns, files)

    @property
    def instance(self) -> Instance:
        """Instance of the plan."""
        return self.plan.instance

    @property
    def account(self) -> PlanAccount:
        """Plan accounting: decisions and all quantities derived from them."""
        return self.plan.account

    @property
    def scenario(self) -> ScenarioProgram:
        """Program of the plan as a scenario."""
        return ScenarioProgram(self.instance, self.account.routes, self.bounds, self.network, self.local.linear)

    def move_rows(self, rows: Iterable[RowMove], columns: dict[int, float] | None = None) -> BoundChange:
        """Combine moves of rows into one perturbation; moves of one row add up, and missing rows are skipped.

        Args:
            rows: Constraint with index, and moves of its lower and upper bound.
            columns: Move of the upper bound by number of the column.

        Returns:
            The perturbation.
        """
        moves: dict[int, tuple[float, float]] = {}
        for (name, *index), low, high in rows:
            number = self.row_numbers.get((name, tuple(index) if len(index) > 1 else index[0] if index else None))
            if number is not None:
                before = moves.get(number, (0.0, 0.0))
                moves[number] = (before[0] + low, before[1] + high)
        return BoundChange(moves, columns or {})

    @cached_property
    def placed_extensions(self) -> PlacedExtensions:
        """Terms of the extensions, with their dual values, placed on the plan's decisions."""
        return place_extensions(self.instance, self.account.routes, self.plan.added, FLOAT_ARITHMETIC.lift)

    @cached_property
    def _extension_context(self) -> tuple[BoundContext, Floats]:
        """Context of the dual bound with the prices of extension rows, and reduced costs of extension variables."""
        context, reduced = apply_extension_prices(
            BoundContext(self.instance, self.account.routes, self.bounds), self.placed_extensions
        )
        cones = compute_cone_payments(self.instance, self.account.routes, self.plan.duals, self.account.read)
        return replace(context, pull=merge_payments(context.pull, cones)), reduced

    @cached_property
    def metal_prices(self) -> Floats:
        """Dual values of metal, with those of its chance constraints at later deadlines, (E, T) objective per kg."""
        prices = np.array(self.prices.balance)
        for cone in parse_cone_prices(self.instance, self.plan.duals):
            prices[cone.row.metal, : cone.row.period + 1] -= cone.value
        return prices

    @property
    def context(self) -> BoundContext:
        """Context of the dual bound in floating-point arithmetic, including the prices of extension rows."""
        return self._extension_context[0]

    @property
    def extension_reduced_costs(self) -> Floats:
        """Reduced costs of the variables that extensions added, (V,) objective per unit."""
        return self._extension_context[1]

    @property
    def weights(self) -> ObjectiveWeights:
        """Weights of cost, footprint and mass in the objective."""
        return ObjectiveWeights.from_objective(self.plan.measure)

    @cached_property
    def route_prices(self) -> Floats:
        """Reduced cost of one tonne on each route, (J, T) objective per t."""
        each = price_routes(self.instance, self.account.routes, self.prices, self.weights)
        return np.asarray(self.context.subtract_payments("sent", each))

    @property
    def _has_dual_bound(self) -> bool:
        """Return whether instance and extensions give a dual bound."""
        return self.plan.certificate.arithmetic != FLOAT_ARITHMETIC.name

    def compute_slope(self, change: BoundChange) -> OptimumShift | None:
        """Compute the one-sided derivative of the objective for a perturbation.

        Returns:
            Derivative, direction of the plan and duals; None if no plan is feasible in this direction.
        """
        return self.local.solve_direction(change)

    def compute_source_slope(self, group: int, by: int) -> float:
        """Compute the price change at which the tonnes of a source change.

        Args:
            group: Number of the source among those analysed.
            by: 1 for more of it as the price falls, -1 for less as it rises.

        Returns:
            Change per tonne, 0 if any change has the effect; infinite if none has.
        """
        shift = self.local.solve_metered_direction(group, by)
        return math.inf if shift is None else max(shift.value, 0.0)

    def is_verified(self, shift: OptimumShift | None) -> float | None:
        """Verify a derivative: its duals must bound the plan itself, computed from the instance alone.

        Such duals bound every plan in this direction. If only the compiled LP bounds the plan, nothing is verified.

        Args:
            shift: Derivative; None if there is no feasible direction.

        Returns:
            The derivative; None if there is no feasible direction.

        Raises:
            SolverError: If it cannot be verified.
        """
        if shift is None:
            return None
        if not self._has_dual_bound:
            return shift.value
        cuts = self.account.routes.cuts
        duals = merge_cut_duals(self.instance, cuts, extract_duals(self.local.linear, shift.y))
        added = fill_extension_values(self.local.linear, np.zeros_like(self.local.x), shift.y)
        context = BoundContext(self.instance, self.account.routes, self.bounds)
        directions = [(duals, added)]
        if added.variables:  # rounding in a dual makes the bound infinite if a variable has none
            directions.append((shrink_duals(duals), added.scale_duals(1 - DUAL_SHRINKAGE)))
        bounds = [
            compute_extended_bound(
                context,
                build_prices(self.instance, y),
                self.plan.measure,
                replace(self.placed_extensions, added=rows),
                compute_cone_payments(self.instance, self.account.routes, y, self.account.read),
            )
            for y, rows in directions
        ]
        bound = max(float(bound) for bound in bounds)
        if self.plan.objective - bound > GAP_TOLERANCE * max(1.0, sum_absolute_costs(self.account, self.plan.measure)):
            raise SolverError(f"{self.instance.name}: a shadow price could not be verified")
        return shift.value

    def compute_price(self, change: BoundChange) -> float | None:
        """Compute and verify the one-sided derivative of the objective for a perturbation.

        Returns:
            The derivative; None if no plan is feasible in this direction.

        Raises:
            SolverError: If it cannot be verified.
        """
        return self.is_verified(self.compute_slope(change))

    def find_alternatives(self) -> tuple[str, ...]:
        """Compare with an alternative optimum.

        Returns:
            Kinds of decisions in which another optimal plan differs; empty if the optimum is verified to be unique.
        """
        moved = self.local.find_other_optimum()
        if moved is None:
            return ()
        network, noise = self.network, ALTERNATIVE_TOLERANCE * np.maximum(self.local.linear.size, MIN_COLUMN_SIZE)
        moves = np.abs(moved) > noise
        sent = np.zeros(len(self.account.routes))
        np.add.at(sent, network.route, np.where(moves[: len(network.route)], moved[: len(network.route)], 0.0))
        behind = {name for (name, _), column in self.columns.items() if moves[column]}
        differs = {
            "routes": bool((np.abs(sent) > ALTERNATIVE_TOLERANCE).any()),
            "the timing of shipments": bool(moves[: len(network.route)].any()),
            "purchases": bool(behind & {"buy", "acquire"}),
            "deductions of pooled lots": bool(
                moves[len(network.upper) - len(network.withheld_pool) : len(network.upper)].any()
            ),
            "medals not made": "missed" in behind,
            "melts": bool(behind & {"charge", "cast", "recharge"}),
            "the timing of surplus": "surplus" in behind,
            "variables of the extension": bool(moves[len(moves) - len(self.plan.added.variables) :].any()),
        }
        return tuple(text for text, so in differs.items() if so) or ("shares of bundles without supply",)


MAX_SOURCES = 12  # sources reported one by one


@dataclass(frozen=True, eq=False)
class SupplySource:
    """Streams that are reported together; `region` is empty for all regions."""

    kind_name: str
    region: str
    streams: Ints

    @property
    def name(self) -> str:
        """Name of the source for a sentence: kind, and region if there is one."""
        return f"{self.kind_name} from {self.region}" if self.region else self.kind_name

    def list_paths(self, instance: Instance) -> list[str]:
        """Return the paths of its streams.

        Returns:
            One path per stream.
        """
        return [render_path(("streams", instance.streams.names[i])) for i in self.streams.tolist()]


def list_sources(instance: Instance) -> tuple[SupplySource, ...]:
    """List the sources of an instance.

    Returns:
        Sources in the order of their first streams.
    """
    labels, of = instance.group_streams()
    return _group_streams([labels[source][::-1] for source in of.tolist()])


def group_sources(instance: Instance) -> tuple[SupplySource, ...]:
    """Group streams for a report: by source if there are at most twelve, else by kind over all regions.

    Returns:
        The groups.
    """
    each = list_sources(instance)
    if len(each) <= MAX_SOURCES:
        return each
    labels, of = instance.group_streams()
    return _group_streams([(labels[source][1], "") for source in of.tolist()])


def find_source(instance: Instance, stream: int) -> SupplySource:
    """Find the source of a stream.

    Returns:
        The source.
    """
    return next(source for source in list_sources(instance) if stream in source.streams)


def _group_streams(keys: list[tuple[str, str]]) -> tuple[SupplySource, ...]:
    """Group streams by their keys."""
    members: dict[tuple[str, str], list[int]] = {}
    for stream, key in enumerate(keys):
        members.setdefault(key, []).append(stream)
    return tuple(SupplySource(*key, np.array(streams, dtype=np.intp)) for key, streams in members.items())
