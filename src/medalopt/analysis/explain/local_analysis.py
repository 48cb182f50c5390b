"""Local analysis of a verified plan: its dual values and one-sided derivatives of the objective at the optimum.

Perturbations: the change of row and column bounds of the LP by one unit of a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from medalopt.analysis.sensitivity.parameter_derivatives import compute_demand_shift
from medalopt.errors import SolverError, UsageError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import FLOAT_ARITHMETIC
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.bounds import VariableBounds, compute_bounds
from medalopt.instance.demand import can_be_in_stock
from medalopt.instance.instance import Instance
from medalopt.model.extensions import Extension, name_extension
from medalopt.model.network import Network
from medalopt.plan.plan import Plan
from medalopt.proof.bound import BoundContext, ObjectiveWeights, price_routes
from medalopt.proof.certificate import sum_absolute_costs
from medalopt.proof.confidence import compute_cone_payments, merge_payments, parse_cone_prices
from medalopt.proof.extension_rows import apply_extension_prices, compute_extended_bound
from medalopt.proof.extensions import PlacedExtensions, place_extensions
from medalopt.proof.prices import Prices, build_prices
from medalopt.solve_instance import DUAL_SHRINKAGE, shrink_duals
from medalopt.solver.confidence import merge_cut_duals, split_cut_duals
from medalopt.solver.local_analysis import BoundChange, LocalAnalysis, MeterRow, OptimumShift
from medalopt.solver.solution import extract_duals, fill_extension_values, reconstruct_columns, reconstruct_duals
from medalopt.solver.solve_lp import SolveTask, build_program
from medalopt.tolerances import ALTERNATIVE_TOLERANCE, GAP_TOLERANCE

MIN_COLUMN_SIZE = 1e-300


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
            plan: Verified plan.
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
        """Instance of the plan.

        Returns:
            The instance as solved.
        """
        return self.plan.instance

    @property
    def account(self) -> PlanAccount:
        """Plan accounting: decisions and all quantities derived from them.

        Returns:
            Accounting of the plan.
        """
        return self.plan.account

    def _find_row(self, name: str, *index: str) -> int | None:
        """Look up the number of an LP row."""
        return self.row_numbers.get((name, index if len(index) > 1 else index[0] if index else None))

    @cached_property
    def placed_extensions(self) -> PlacedExtensions:
        """Terms of the extensions placed on the plan's decisions.

        Returns:
            Terms with their dual values.
        """
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
        """Dual values of metal on the account, with those of its chance constraints at later deadlines.

        Returns:
            (E, T) objective per kg.
        """
        prices = np.array(self.prices.balance)
        for cone in parse_cone_prices(self.instance, self.plan.duals):
            prices[cone.row.metal, : cone.row.period + 1] -= cone.value
        return prices

    @property
    def context(self) -> BoundContext:
        """Context of the dual bound, including the prices of extension rows.

        Returns:
            Context in floating-point arithmetic.
        """
        return self._extension_context[0]

    @property
    def extension_reduced_costs(self) -> Floats:
        """Reduced costs of the variables that extensions added.

        Returns:
            (V,) objective per unit.
        """
        return self._extension_context[1]

    @property
    def weights(self) -> ObjectiveWeights:
        """Weights of the objective.

        Returns:
            Weights of cost, footprint and mass.
        """
        return ObjectiveWeights.from_objective(self.plan.measure)

    @cached_property
    def route_prices(self) -> Floats:
        """Reduced cost of one tonne on each route.

        Returns:
            (J, T) objective per t.
        """
        each = price_routes(self.instance, self.account.routes, self.prices, self.weights)
        return np.asarray(self.context.subtract_payments("sent", each))

    @property
    def _has_dual_bound(self) -> bool:
        """Return whether instance and extensions give a dual bound."""
        return self.plan.certificate.arithmetic != FLOAT_ARITHMETIC.name

    def compute_slope(self, change: BoundChange) -> OptimumShift | None:
        """Compute the one-sided derivative of the objective for a perturbation.

        Args:
            change: Change of row bounds and column bounds.

        Returns:
            Derivative, direction of the plan and duals; None if no plan is feasible in this direction.
        """
        return self.local.solve_direction(change)

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

        Args:
            change: Change of row bounds and column bounds.

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


RowMove = tuple[tuple[str, ...], float, float]  # constraint with index, moves of its lower and its upper bound


def make_row_change(neighbourhood: PlanNeighbourhood, rows: Iterable[RowMove]) -> BoundChange:
    """Combine moves of rows into one perturbation; moves of one row add up, and missing rows are skipped.

    Args:
        neighbourhood: Neighbourhood of the plan.
        rows: Constraint with index, and moves of its lower and upper bound.

    Returns:
        The perturbation.
    """
    moves: dict[int, tuple[float, float]] = {}
    for (name, *index), low, high in rows:
        number = neighbourhood._find_row(name, *index)
        if number is not None:
            before = moves.get(number, (0.0, 0.0))
            moves[number] = (before[0] + low, before[1] + high)
    return BoundChange(moves)


def make_metal_change(neighbourhood: PlanNeighbourhood, e: int, by: int) -> BoundChange | None:
    """Perturb the need of a metal by one kilogram.

    The kilogram is needed where the plan charges the metal, in the same proportions: it vanishes from the charge. Of a
    metal that is never charged, it is taken from the surplus.

    Args:
        neighbourhood: Neighbourhood of the plan.
        e: Number of the metal.
        by: 1 for one kilogram more, -1 for one less.

    Returns:
        The perturbation; None if the plan neither charges the metal nor has a surplus of it.
    """
    charged = neighbourhood.account.composition[:, e]  # (A, T)
    if charged.sum() > 0:
        shares = charged / charged.sum()
        places = zip(*(axis.tolist() for axis in np.nonzero(shares)), strict=True)
        return make_row_change(
            neighbourhood,
            (row for a, t in places for row in _list_charge_rows(neighbourhood, a, e, t, by * float(shares[a, t]))),
        )
    surplus = neighbourhood.account.decisions.surplus[e]
    if not can_be_in_stock(neighbourhood.instance, neighbourhood.account.routes)[e] or not surplus.sum() > 0:
        return None
    name, periods = neighbourhood.instance.metals.names[e], neighbourhood.instance.periods
    shares = by * surplus / surplus.sum()
    return make_row_change(
        neighbourhood,
        ((("balance", name, t), -share, -share) for t, share in zip(periods, shares.tolist(), strict=True)),
    )


def _list_charge_rows(neighbourhood: PlanNeighbourhood, a: int, e: int, t: int, kilograms: float) -> Iterable[RowMove]:
    """Yield the rows affected by a kilogram of metal missing from the charge of an alloy.

    The row of recycled content is not affected: its floor holds for this kilogram, which has been charged.
    """
    instance = neighbourhood.instance
    alloys, metals = instance.alloys, instance.metals.names
    alloy, period = alloys.names[a], instance.periods[t]
    factors: list[tuple[tuple[str, ...], float]] = [(("melt", alloy, period), -(1 - float(alloys.loss.value[a])))]
    for f, name in enumerate(metals):
        is_same = float(f == e)
        factors.append((("fineness_low", alloy, name, period), is_same - float(alloys.low.value[a, f])))
        factors.append((("fineness_high", alloy, name, period), is_same - float(alloys.high.value[a, f])))
    factors.append((("others", alloy, period), 1 - float(alloys.named[a, e]) - float(alloys.others.value[a])))
    return ((place, factor * kilograms, factor * kilograms) for place, factor in factors)


def make_medal_change(neighbourhood: PlanNeighbourhood, m: int, by: int) -> BoundChange:
    """Perturb the number of medals of a kind by one.

    Args:
        neighbourhood: Neighbourhood of the plan.
        m: Number of the kind.
        by: 1 for one medal more, -1 for one less.

    Returns:
        The perturbation.
    """
    instance, medals = neighbourhood.instance, neighbourhood.instance.medals
    each = by * medals.parts.value[m] * (1 + medals.allowance.value[m])
    late = instance.periods[int(medals.due[m]) :]
    alloys = zip(instance.alloys.names, each.tolist(), strict=True)
    rows = (row for alloy, kg in alloys if kg for t in late for row in compute_demand_shift(alloy, t, kg))
    missed = neighbourhood.columns.get(("missed", medals.names[m]))
    return BoundChange(make_row_change(neighbourhood, rows).rows, {} if missed is None else {missed: float(by)})


def make_supply_change(neighbourhood: PlanNeighbourhood, streams: Ints) -> BoundChange:
    """Perturb the supply of streams by one tonne in all, spread in proportion to supply; bundles stay proportional.

    The participation constraint scales with supply, so that its right-hand side rises as well.

    Args:
        neighbourhood: Neighbourhood of the plan.
        streams: Numbers of the streams.

    Returns:
        The perturbation.
    """
    instance, network = neighbourhood.instance, neighbourhood.network
    available = instance.streams.available.value
    total = float(available[streams].sum())
    names, bundle, region = instance.streams.names, instance.streams.bundle, instance.streams.region
    rows: list[RowMove] = []
    for i in streams.tolist():
        required_share = float(instance.policy.participation.value * available[i].sum()) / total
        rows.append((("participation", instance.regions[region[i]]), required_share, 0.0))
        if bundle[i] < 0:
            each = zip(instance.periods, (available[i] / total).tolist(), strict=True)
            rows += [(("supply", names[i], t), 0.0, tonnes) for t, tonnes in each]
    first = len(network.route) + len(network.stock_stream)
    member = bundle[streams]
    taken = np.flatnonzero(np.isin(network.take_bundle, np.unique(member[member >= 0])))
    return BoundChange(make_row_change(neighbourhood, rows).rows, dict.fromkeys((first + taken).tolist(), 1 / total))


def make_storage_change(neighbourhood: PlanNeighbourhood, stream: int) -> BoundChange:
    """Perturb the storage limit of a stream by one tonne.

    Args:
        neighbourhood: Neighbourhood of the plan.
        stream: Number of the stream.

    Returns:
        The perturbation.
    """
    columns = len(neighbourhood.network.route) + np.flatnonzero(neighbourhood.network.stock_stream == stream)
    return BoundChange({}, dict.fromkeys(columns.tolist(), 1.0))


def make_capacity_change(neighbourhood: PlanNeighbourhood, constraint: str, name: str) -> BoundChange:
    """Perturb a capacity by one unit in every period.

    Args:
        neighbourhood: Neighbourhood of the plan.
        constraint: Name of the constraint.
        name: Name of the smelter, treatment or alloy.

    Returns:
        The perturbation.
    """
    return make_row_change(neighbourhood, ((((constraint, name, t)), 0.0, 1.0) for t in neighbourhood.instance.periods))


def make_composition_change(
    neighbourhood: PlanNeighbourhood, constraint: str, alloy: str, metal_name: str | None, by: Floats
) -> BoundChange:
    """Perturb one end of a composition window.

    Args:
        neighbourhood: Neighbourhood of the plan.
        constraint: Name of the constraint.
        alloy: Name of the alloy.
        metal_name: Name of the metal; None for the share of unnamed metals.
        by: Move of the row in each period, (T,) [kg].

    Returns:
        The perturbation.
    """
    index = (alloy,) if metal_name is None else (alloy, metal_name)
    periods = zip(neighbourhood.instance.periods, by.tolist(), strict=True)
    return make_row_change(neighbourhood, ((((constraint, *index, t)), kg, kg) for t, kg in periods))
