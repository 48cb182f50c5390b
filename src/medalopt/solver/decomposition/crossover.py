"""Crossover to an exact optimum: clearly decided cells are fixed, and a linear program decides those near a tie.

At nearly optimal duals the best route of a stream is almost always its route at the optimal ones. The other cells,
those with the smallest relative margin between best and second best alternative, form a program with the constraints on
linking variables. Its duals price all streams again; cells that would change join, until none does.

Each crossover program starts from the basis of the previous one, transferred by column and row.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medalopt.instance.arrays import Bools, Floats
from medalopt.instance.bounds import VariableBounds
from medalopt.instance.routes import has_supply
from medalopt.model.network import (
    Network,
    NetworkSelection,
    build_network_part,
    find_indices,
    select_network,
)
from medalopt.solver.basis import BASIC, LOWER, UPPER, Basis, transfer_statuses
from medalopt.solver.decomposition.iterations import PricingProblem
from medalopt.solver.decomposition.master import LinkingProgram
from medalopt.solver.decomposition.participation import sum_over_bundles
from medalopt.solver.decomposition.pricing import RoutePricing
from medalopt.solver.decomposition.subproblems import SubproblemSolution, sum_linking_quantities
from medalopt.solver.program import ProgramBuilder, SolverProgram
from medalopt.tolerances import TIE_MARGIN


@dataclass(frozen=True, eq=False)
class OpenCells:
    """Open cells (a stream in a period) and routes of the crossover program; all else is fixed as in `solution`."""

    solution: SubproblemSolution
    cells: Bools  # (I, T)
    sendable: Bools  # (J, T)
    keepable: Bools  # (I, T)

    @property
    def size(self) -> tuple[int, int, int]:
        """Number of open cells, shipments and stockpiles."""
        return int(self.cells.sum()), int(self.sendable.sum()), int(self.keepable.sum())

    def fixed(self) -> SubproblemSolution:
        """Return the fixed part of the solution.

        Returns:
            Shipments and stocks of the cells that are not open.
        """
        sent, kept = (np.where(self.cells, 0.0, each) for each in (self.solution.sent, self.solution.stocks))
        return replace(self.solution, sent=sent, stocks=kept)


def select_open_cells(
    problem: PricingProblem, solution: SubproblemSolution, weights: Floats, few: int, before: OpenCells | None = None
) -> OpenCells:
    """Select the open cells: those open before, those that changed, and about `few` cells nearest to a tie.

    Args:
        solution: Subproblem solution at `weights`.
        weights (linking,): Prices of the linking variables.
        few: Number of cells to open.
        before: Open cells so far.

    Returns:
        The open cells.
    """
    size, shift = (
        problem.pricing.compute_magnitude(weights, solution.by),
        solution.quantities[problem.instance.streams.region][:, None],
    )
    second, wait = solution.second - shift, _waiting_margins(problem, solution, weights)
    margin = _switch_margins(problem, solution, second, wait, size)
    near = _margin_threshold(margin, few)
    cells = margin <= near
    if before is not None:
        cells |= before.cells | _reduce_over_groups(
            problem, _find_changed_cells(before.solution, solution), np.logical_or
        )
    cells &= has_supply(problem.instance) & ~problem.classes.is_explicit[:, None]
    sendable, keepable = (
        _find_open_shipments(problem, solution.reduced_costs + shift + near * size, weights, cells),
        cells & (wait <= near * size),
    )
    if before is not None:
        sendable, keepable = sendable | before.sendable, keepable | before.keepable
    return OpenCells(solution if before is None else before.solution, cells, sendable, keepable)


def _find_changed_cells(solution: SubproblemSolution, other: SubproblemSolution) -> Bools:
    """Return the cells whose shipment, route or stock differs, (I, T)."""
    another = (solution.by != other.by) & (other.sent > 0)
    return np.asarray((solution.sent != other.sent) | (solution.stocks != other.stocks) | another)


def _margin_threshold(margin: Floats, few: int) -> float:
    """Return the margin that about `few` cells without a tie do not exceed; infinite where there are no more."""
    finite = margin[np.isfinite(margin) & (margin > TIE_MARGIN)]
    return max(TIE_MARGIN, float(np.partition(finite, few)[few])) if few < len(finite) else np.inf


def _waiting_margins(problem: PricingProblem, solution: SubproblemSolution, weights: Floats) -> Floats:
    """Return the additional cost of storing a tonne over its best alternative, (I, T)."""
    streams = problem.instance.streams
    if not problem.classes.waiting.any():
        return np.full_like(solution.reduced_costs, np.inf)
    later = np.concatenate([solution.reduced_costs[:, 1:], np.zeros((len(solution.reduced_costs), 1))], axis=1)
    cost = np.multiply.outer(streams.storage_cost.value, weights[problem.pricing.linking.spend])
    with np.errstate(invalid="ignore"):
        return np.where(problem.classes.waiting[:, None], cost + later - solution.reduced_costs, np.inf)


def _switch_margins(
    problem: PricingProblem, solution: SubproblemSolution, second: Floats, wait: Floats, size: Floats
) -> Floats:
    """Return the relative margin between the best and second best alternative of each cell, (I, T).

    Of streams that are decided together the least; infinite without an alternative.
    """
    bundled, some = problem.classes.bundled, has_supply(problem.instance)
    if problem.classes.alone.all():  # alternatives: send or do not send
        return np.where(some, np.minimum(np.abs(solution.best), second - solution.reduced_costs) / size, np.inf)
    with np.errstate(invalid="ignore"):  # a bundle with a stream that has no route is never sent
        margins = [solution.best - solution.reduced_costs, second - solution.reduced_costs, wait]
    margins.append(np.where(bundled[:, None], np.inf, -solution.reduced_costs))
    minimum, margin = np.full_like(second, np.inf), np.full_like(second, np.inf)
    for loss in margins:
        np.copyto(loss, np.inf, where=np.isnan(loss))
        np.minimum(margin, np.maximum(minimum, loss), out=margin)
        np.minimum(minimum, loss, out=minimum)
    margin /= size
    if bundled.any():
        whole, weight = (sum_over_bundles(problem.instance, each, bundled) for each in (solution.best, size))
        taken = np.abs(whole) / np.where(weight > 0, weight, 1.0)
        margin = np.where(bundled[:, None], np.minimum(margin, taken[problem.instance.streams.bundle]), margin)
        never = bundled[:, None] & np.isinf(whole)[problem.instance.streams.bundle]
        margin = np.where(never, np.inf, margin)
    return _reduce_over_groups(
        problem, np.where(some & ~problem.classes.is_explicit[:, None], margin, np.inf), np.minimum
    )


def _reduce_over_groups(problem: PricingProblem, cells: Any, by: np.ufunc) -> Any:
    """Return cell values reduced by `by` over storable streams and bundles, whose cells are decided together."""
    instance, classes = problem.instance, problem.classes
    if classes.alone.all():
        return cells
    result = cells.copy(order="K")
    result[classes.waiting] = by.reduce(cells[classes.waiting], axis=1)[:, None]
    those = np.flatnonzero(classes.bundled)
    whole = np.full((len(instance.bundles), cells.shape[1]), False if cells.dtype == bool else np.inf)
    by.at(whole, instance.streams.bundle[those], cells[those])
    result[those] = whole[instance.streams.bundle[those]]
    return result


def _find_open_shipments(problem: PricingProblem, limit: Floats, weights: Floats, cells: Bools) -> Bools:
    """Return the shipments of open cells with a reduced cost of at most `limit`, (J, T)."""
    pricing = problem.pricing
    result = np.zeros((len(pricing.routes), cells.shape[1]), dtype=bool)
    stream, period = np.nonzero(cells)
    for those, route, price in pricing.ways_of(weights, stream, period):
        opens = price <= limit[stream[those], period[those]]
        for member in pricing.combinations.member[route].T:
            own = np.flatnonzero(member >= 0)
            result[member[own], period[those[own]]] |= opens[own]
    return result


def sum_fixed_quantities(problem: PricingProblem, state: OpenCells) -> Floats:
    """Sum the linking amounts of everything that is fixed.

    Args:
        state: Open cells.

    Returns:
        Amounts (linking,).
    """
    return sum_linking_quantities(problem.pricing, state.fixed(), np.zeros_like(problem.block), 1)[0]


def build_crossover_program(
    problem: PricingProblem, half: LinkingProgram, bounds: VariableBounds, state: OpenCells, fixed: Floats
) -> tuple[Network, SolverProgram]:
    """Build the crossover program: open network, explicit streams and constraints on linking variables.

    Args:
        half: Constraints on linking variables.
        state: Open cells.
        fixed (linking,): Linking amounts of the fixed part.

    Returns:
        Network block, explicit streams first, and the program in own units.
    """
    instance, routes = problem.instance, problem.pricing.routes
    columns = select_network(instance, routes, problem.classes.is_explicit).joined(_choose_open_columns(problem, state))
    network = build_network_part(instance, routes, columns, whole=False)
    program = half.with_part(instance, routes, bounds, network, fixed)
    return network, _add_participation_rows(
        problem, program, network, state.fixed()
    ) if problem.classes.need.any() else program


def _add_participation_rows(
    problem: PricingProblem, program: SolverProgram, network: Network, stays: SubproblemSolution
) -> SolverProgram:
    """Return the program with a participation row for each region with a minimum and an open shipment."""
    instance, regions = problem.instance, len(problem.instance.regions)
    routes = problem.pricing.routes
    region = instance.streams.region[routes.stream[network.route]]
    opens = (np.bincount(region, minlength=regions) > 0) & (problem.classes.need > 0)
    sent = np.bincount(instance.streams.region, stays.sent.sum(axis=1), regions)
    built, row = ProgramBuilder.extend(program), np.full(regions, -1)
    open_rows = np.flatnonzero(opens)
    keys = [("participation", instance.regions[g]) for g in open_rows.tolist()]
    row[open_rows] = built.add_rows(keys, (problem.classes.need - sent)[open_rows])
    columns = np.flatnonzero((row[region] >= 0) & routes.treats[network.route])
    built.add_entries(row[region[columns]], columns)
    return built.build()


def _choose_open_columns(problem: PricingProblem, state: OpenCells) -> NetworkSelection:
    """Return the open shipments, stockpiles, bundles and supply rows."""
    instance, those = problem.instance, np.flatnonzero(problem.classes.bundled)
    bundles = np.zeros((len(instance.bundles), state.cells.shape[1]), dtype=bool)
    np.logical_or.at(bundles, instance.streams.bundle[those], state.cells[those])
    return NetworkSelection(
        find_indices(state.sendable), find_indices(state.keepable), find_indices(bundles), find_indices(state.cells)
    )


@dataclass(frozen=True, eq=False)
class CrossoverBasis:
    """Simplex `basis` on `program`, whose network is `network`; None where there is none."""

    network: Network
    program: SolverProgram
    basis: Basis | None

    def transfer(
        self, network: Network, program: SolverProgram, pricing: RoutePricing, solution: SubproblemSolution
    ) -> Basis:
        """Transfer the basis to the next program.

        New cells start as in `solution`: a shipment that is sent is basic, and its supply row is at its upper bound.

        Args:
            network: Network block of the next program.
            program: The next program.
            solution: Subproblem solution.

        Returns:
            The basis, to be completed.
        """
        fresh = np.ones(solution.sent.shape, dtype=bool)
        fresh[self.network.supply_stream, self.network.supply_period] = False
        sends = fresh & (solution.sent > 0)
        stream = pricing.routes.stream[network.route]
        chosen = pricing.combinations.member[solution.by[stream, network.period]]  # (C1, M)
        goes = sends[stream, network.period] & (chosen == network.route[:, None]).any(axis=1)
        columns = np.full(len(program.lower), LOWER, dtype=np.int8)
        columns[: len(goes)][goes] = BASIC
        rows = np.full(len(program.rows), BASIC, dtype=np.int8)
        rows[: len(network.supply_stream)][sends[network.supply_stream, network.supply_period]] = UPPER
        first, split = len(network.supply_stream), pricing.routes.stream[network.split_route]
        taken = pricing.combinations.member[solution.by[split, network.split_period], 0] == network.split_route
        rows[first : first + len(split)][sends[split, network.split_period] & taken] = UPPER
        if self.basis is None:
            return Basis(columns, rows)
        names = (_name_columns(self.network, self.program), _name_columns(network, program))
        return Basis(
            transfer_statuses(self.basis.columns, *names, columns),
            transfer_statuses(self.basis.rows, self.program.rows, program.rows, rows),
        )


def _name_columns(network: Network, program: SolverProgram) -> list[Hashable]:
    """Return a key for each column."""
    pairs = (
        (network.route, network.period),
        (network.stock_stream, network.stock_period),
        (network.take_bundle, network.take_period),
    )
    of_network = [
        (kind, *each)
        for kind, (one, period) in enumerate(pairs)
        for each in zip(one.tolist(), period.tolist(), strict=True)
    ]
    withheld = (network.withheld_pool, network.withheld_metal, network.withheld_period)
    pools = zip(*(axis.tolist() for axis in withheld), strict=True)
    return [*of_network, *(("withheld", *each) for each in pools), *program.places]
