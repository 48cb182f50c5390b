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
from medalopt.instance.routes import Routes, has_supply
from medalopt.model.network import (
    Network,
    NetworkSelection,
    build_network_part,
    find_indices,
    select_network,
)
from medalopt.solver.basis import BASIC, LOWER, UPPER, Basis, transfer_statuses
from medalopt.solver.decomposition.aggregate import sum_linking_quantities
from medalopt.solver.decomposition.iterations import PricingProblem
from medalopt.solver.decomposition.master import LinkingProgram
from medalopt.solver.decomposition.participation import sum_over_bundles
from medalopt.solver.decomposition.subproblems import SubproblemSolution
from medalopt.solver.program import ProgramBuilder, SolverProgram
from medalopt.tolerances import TIE_MARGIN


@dataclass(frozen=True, eq=False)
class OpenCells:
    """Open cells (a stream in a period) and routes of the crossover program; all else is fixed as in `answer`."""

    answer: SubproblemSolution
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
        sent, kept = (np.where(self.cells, 0.0, each) for each in (self.answer.sent, self.answer.kept))
        return replace(self.answer, sent=sent, kept=kept)


def select_open_cells(
    asked: PricingProblem, answer: SubproblemSolution, weights: Floats, few: int, before: OpenCells | None = None
) -> OpenCells:
    """Select the open cells: those open before, those that changed, and about `few` cells nearest to a tie.

    Args:
        asked: Pricing problem.
        answer: Subproblem solution at `weights`.
        weights (linking,): Prices of the linking variables.
        few: Number of cells to open.
        before: Open cells so far.

    Returns:
        The open cells.
    """
    size, shift = asked.pricing.size(weights, answer.by), answer.asked[asked.instance.streams.region][:, None]
    second, wait = answer.second - shift, _waiting_margins(asked, answer, weights)
    margin = _switch_margins(asked, answer, second, wait, size)
    near = _margin_threshold(margin, few)
    cells = margin <= near
    if before is not None:
        cells |= before.cells | _reduce_over_groups(asked, _find_changed_cells(before.answer, answer), np.logical_or)
    cells &= has_supply(asked.instance) & ~asked.sorts.explicit[:, None]
    sendable, keepable = (
        _find_open_shipments(asked, answer.own + shift + near * size, weights, cells),
        cells & (wait <= near * size),
    )
    if before is not None:
        sendable, keepable = sendable | before.sendable, keepable | before.keepable
    return OpenCells(answer if before is None else before.answer, cells, sendable, keepable)


def _find_changed_cells(one: SubproblemSolution, other: SubproblemSolution) -> Bools:
    """Return the cells whose shipment, route or stock differs, (I, T)."""
    another = (one.by != other.by) & (other.sent > 0)
    return np.asarray((one.sent != other.sent) | (one.kept != other.kept) | another)


def _margin_threshold(margin: Floats, few: int) -> float:
    """Return the margin that about `few` cells without a tie do not exceed; infinite where there are no more."""
    finite = margin[np.isfinite(margin) & (margin > TIE_MARGIN)]
    return max(TIE_MARGIN, float(np.partition(finite, few)[few])) if few < len(finite) else np.inf


def _waiting_margins(asked: PricingProblem, answer: SubproblemSolution, weights: Floats) -> Floats:
    """Return the additional cost of storing a tonne over its best alternative, (I, T)."""
    streams = asked.instance.streams
    if not asked.sorts.waiting.any():
        return np.full_like(answer.own, np.inf)
    later = np.concatenate([answer.own[:, 1:], np.zeros((len(answer.own), 1))], axis=1)
    cost = np.multiply.outer(streams.storage_cost.value, weights[asked.pricing.linking.spend])
    with np.errstate(invalid="ignore"):
        return np.where(asked.sorts.waiting[:, None], cost + later - answer.own, np.inf)


def _switch_margins(
    asked: PricingProblem, answer: SubproblemSolution, second: Floats, wait: Floats, size: Floats
) -> Floats:
    """Return the relative margin between the best and second best alternative of each cell, (I, T).

    Of streams that are decided together the least; infinite without an alternative.
    """
    bundled, some = asked.sorts.bundled, has_supply(asked.instance)
    if asked.sorts.alone.all():  # alternatives: send or do not send
        return np.where(some, np.minimum(np.abs(answer.best), second - answer.own) / size, np.inf)
    with np.errstate(invalid="ignore"):  # a bundle with a stream that has no route is never sent
        ways = [answer.best - answer.own, second - answer.own, wait]
    ways.append(np.where(bundled[:, None], np.inf, -answer.own))
    least, margin = np.full_like(second, np.inf), np.full_like(second, np.inf)
    for way in ways:
        np.copyto(way, np.inf, where=np.isnan(way))
        np.minimum(margin, np.maximum(least, way), out=margin)
        np.minimum(least, way, out=least)
    margin /= size
    if bundled.any():
        whole, weight = (sum_over_bundles(asked.instance, each, bundled) for each in (answer.best, size))
        taken = np.abs(whole) / np.where(weight > 0, weight, 1.0)
        margin = np.where(bundled[:, None], np.minimum(margin, taken[asked.instance.streams.bundle]), margin)
        never = bundled[:, None] & np.isinf(whole)[asked.instance.streams.bundle]
        margin = np.where(never, np.inf, margin)
    return _reduce_over_groups(asked, np.where(some & ~asked.sorts.explicit[:, None], margin, np.inf), np.minimum)


def _reduce_over_groups(asked: PricingProblem, cells: Any, by: np.ufunc) -> Any:
    """Return cell values reduced by `by` over storable streams and bundles, whose cells are decided together."""
    instance, sorts = asked.instance, asked.sorts
    if sorts.alone.all():
        return cells
    result = cells.copy(order="K")
    result[sorts.waiting] = by.reduce(cells[sorts.waiting], axis=1)[:, None]
    those = np.flatnonzero(sorts.bundled)
    whole = np.full((len(instance.bundles), cells.shape[1]), False if cells.dtype == bool else np.inf)
    by.at(whole, instance.streams.bundle[those], cells[those])
    result[those] = whole[instance.streams.bundle[those]]
    return result


def _find_open_shipments(asked: PricingProblem, limit: Floats, weights: Floats, cells: Bools) -> Bools:
    """Return the shipments of open cells with a reduced cost of at most `limit`, (J, T)."""
    pricing = asked.pricing
    result = np.zeros((len(pricing.found), cells.shape[1]), dtype=bool)
    stream, period = np.nonzero(cells)
    for those, route, price in pricing.ways_of(weights, stream, period):
        result[route, period[those]] = price <= limit[stream[those], period[those]]
    return result


def sum_fixed_quantities(asked: PricingProblem, state: OpenCells) -> Floats:
    """Sum the linking amounts of everything that is fixed.

    Args:
        asked: Pricing problem.
        state: Open cells.

    Returns:
        Amounts (linking,).
    """
    return sum_linking_quantities(asked.pricing, state.fixed(), np.zeros_like(asked.block), 1)[0]


def build_crossover_program(
    asked: PricingProblem, half: LinkingProgram, bounds: VariableBounds, state: OpenCells, fixed: Floats
) -> tuple[Network, SolverProgram]:
    """Build the crossover program: open network, explicit streams and constraints on linking variables.

    Args:
        asked: Pricing problem.
        half: Constraints on linking variables.
        bounds: Implied bounds of the variables.
        state: Open cells.
        fixed (linking,): Linking amounts of the fixed part.

    Returns:
        Network block, explicit streams first, and the program in own units.
    """
    instance, found = asked.instance, asked.pricing.found
    columns = select_network(instance, found, asked.sorts.explicit).joined(_choose_open_columns(asked, state))
    block = build_network_part(instance, found, columns, whole=False)
    linear = half.with_part(instance, found, bounds, block, fixed)
    return block, _add_participation_rows(asked, linear, block, state.fixed()) if asked.sorts.need.any() else linear


def _add_participation_rows(
    asked: PricingProblem, linear: SolverProgram, block: Network, stays: SubproblemSolution
) -> SolverProgram:
    """Return the program with a participation row for each region with a minimum and an open shipment."""
    instance, regions = asked.instance, len(asked.instance.regions)
    region = instance.streams.region[asked.pricing.found.stream[block.route]]
    opens = (np.bincount(region, minlength=regions) > 0) & (asked.sorts.need > 0)
    sent = np.bincount(instance.streams.region, stays.sent.sum(axis=1), regions)
    built, row = ProgramBuilder.extend(linear), np.full(regions, -1)
    which = np.flatnonzero(opens)
    keys = [("participation", instance.regions[g]) for g in which.tolist()]
    row[which] = built.add_rows(keys, (asked.sorts.need - sent)[which])
    columns = np.flatnonzero(row[region] >= 0)
    built.add_entries(row[region[columns]], columns)
    return built.build()


def _choose_open_columns(asked: PricingProblem, state: OpenCells) -> NetworkSelection:
    """Return the open shipments, stockpiles, bundles and supply rows."""
    instance, those = asked.instance, np.flatnonzero(asked.sorts.bundled)
    bundles = np.zeros((len(instance.bundles), state.cells.shape[1]), dtype=bool)
    np.logical_or.at(bundles, instance.streams.bundle[those], state.cells[those])
    return NetworkSelection(
        find_indices(state.sendable), find_indices(state.keepable), find_indices(bundles), find_indices(state.cells)
    )


@dataclass(frozen=True, eq=False)
class CrossoverBasis:
    """Simplex `basis` on `linear`, whose network is `block`; None where there is none."""

    block: Network
    linear: SolverProgram
    basis: Basis | None

    def transfer(self, block: Network, linear: SolverProgram, found: Routes, answer: SubproblemSolution) -> Basis:
        """Transfer the basis to the next program.

        New cells start as in `answer`: a shipment that is sent is basic, and its supply row is at its upper bound.

        Args:
            block: Network block of the next program.
            linear: The next program.
            found: Routes.
            answer: Subproblem solution.

        Returns:
            The basis, to be completed.
        """
        fresh = np.ones(answer.sent.shape, dtype=bool)
        fresh[self.block.supply_stream, self.block.supply_period] = False
        sends = fresh & (answer.sent > 0)
        stream = found.stream[block.route]
        goes = sends[stream, block.period] & (answer.by[stream, block.period] == block.route)
        columns = np.full(len(linear.lower), LOWER, dtype=np.int8)
        columns[: len(goes)][goes] = BASIC
        rows = np.full(len(linear.rows), BASIC, dtype=np.int8)
        rows[: len(block.supply_stream)][sends[block.supply_stream, block.supply_period]] = UPPER
        if self.basis is None:
            return Basis(columns, rows)
        names = (_name_columns(self.block, self.linear), _name_columns(block, linear))
        return Basis(
            transfer_statuses(self.basis.columns, *names, columns),
            transfer_statuses(self.basis.rows, self.linear.rows, linear.rows, rows),
        )


def _name_columns(block: Network, linear: SolverProgram) -> list[Hashable]:
    """Return a key for each column."""
    pairs = (
        (block.route, block.period),
        (block.stock_stream, block.stock_period),
        (block.take_bundle, block.take_period),
    )
    of_network = [
        (kind, *each)
        for kind, (one, period) in enumerate(pairs)
        for each in zip(one.tolist(), period.tolist(), strict=True)
    ]
    return [*of_network, *linear.places]
