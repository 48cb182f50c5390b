"""Crossover to an exact optimum: clearly decided cells are fixed, and a linear program decides those near a tie.

At nearly optimal duals the best route of a stream is almost always its route at the optimal ones. The other cells,
those with the smallest relative margin between best and second best alternative, form a program with the constraints on
linking variables. Its duals price all streams again; cells that would change join, until none does.

Each crossover program starts from the basis of the previous one, transferred by column and row.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from itertools import islice
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
from medalopt.solver.confidence import (
    MAX_CUT_ROUNDS,
    ConeCut,
    add_scaled_cut,
    list_cut_rows,
    merge_cuts,
    separate_cones,
)
from medalopt.solver.decomposition.master import DecomposedTask, LinkingProgram
from medalopt.solver.decomposition.pricing import RoutePricing
from medalopt.solver.decomposition.subproblems import (
    PricingProblem,
    SubproblemSolution,
    find_changed_cells,
    price_quantities,
    sum_linking_quantities,
    sum_over_bundles,
)
from medalopt.solver.highs import DUAL_SIMPLEX, METHODS, load_highs, solve_by_method
from medalopt.solver.program import BASIC, LOWER, UPPER, Basis, ProgramBuilder, SolverProgram, transfer_statuses
from medalopt.solver.scaling import ScaledProgram, generate_scalings, tighten_bounds_to_demand
from medalopt.tolerances import CROSSOVER_GAP, NEGLIGIBLE_SHARE, TIE_MARGIN

FIRST_OPEN_CELLS = 1_000  # number of cells opened in the first crossover program
OPEN_CELL_SHARE = 1.5e-3  # the same as a share of all cells; the larger number applies
MAX_CROSSOVER_STEPS = 40  # greatest number of crossover programs
MAX_CONTINUED_STEPS = 4  # the same where block solutions are the alternative
MAX_KEPT_CELLS = 2_500  # number of open cells up to which the next confidence begins with them
MAX_TIED_CELLS = 20_000  # greatest number of tied cells opened together


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


def _select_open_cells(
    problem: PricingProblem, solution: SubproblemSolution, weights: Floats, few: int, before: OpenCells | None = None
) -> OpenCells:
    """Return the open cells: those open before, those that changed, and about `few` cells nearest to a tie."""
    size, shift = (
        problem.pricing.compute_magnitude(weights, solution.by),
        solution.quantities[problem.instance.streams.region][:, None],
    )
    second, wait = solution.second - shift, _waiting_margins(problem, solution, weights)
    margin = _switch_margins(problem, solution, second, wait, size)
    finite = margin[np.isfinite(margin) & (margin > TIE_MARGIN)]  # about `few` cells without a tie
    near = max(TIE_MARGIN, float(np.partition(finite, few)[few])) if few < len(finite) else np.inf
    cells = margin <= near
    if before is not None:
        cells |= before.cells | _reduce_over_groups(
            problem, find_changed_cells(before.solution, solution), np.logical_or
        )
    cells &= has_supply(problem.instance) & ~problem.classes.is_explicit[:, None]
    sendable, keepable = (
        _find_open_shipments(problem, solution.reduced_costs + shift + near * size, weights, cells),
        cells & (wait <= near * size),
    )
    if before is not None:
        sendable, keepable = sendable | before.sendable, keepable | before.keepable
    return OpenCells(solution if before is None else before.solution, cells, sendable, keepable)


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


def _sum_fixed_quantities(problem: PricingProblem, state: OpenCells) -> Floats:
    """Return the linking amounts of everything that is fixed, (linking,)."""
    return sum_linking_quantities(problem.pricing, state.fixed(), np.zeros_like(problem.block), 1)[0]


def _build_crossover_program(
    problem: PricingProblem, half: LinkingProgram, bounds: VariableBounds, state: OpenCells, fixed: Floats
) -> tuple[Network, SolverProgram]:
    """Return network block, explicit streams first, and program of what is open; `fixed` is (linking,)."""
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


@dataclass(frozen=True, eq=False)
class Crossover:
    """Start of a sequence of crossover programs, with the subproblem `solution` at the prices `weights`."""

    left: OpenCells
    basis: CrossoverBasis
    cuts: tuple[ConeCut, ...]
    solution: SubproblemSolution
    weights: Floats


@dataclass(frozen=True, eq=False)
class CrossoverStep:
    """Solved crossover program: columns and duals, and the subproblem solution at its duals."""

    network: Network
    program: SolverProgram
    ready: ScaledProgram
    x: Floats
    y: Floats
    weights: Floats
    solution: SubproblemSolution
    gap: float
    method: str
    basis: Basis | None
    cuts: tuple[ConeCut, ...]
    cut_values: Floats  # dual values of the cuts

    @property
    def binding_cuts(self) -> tuple[ConeCut, ...]:
        """Cuts with a dual value, which alone give the same optimum."""
        return tuple(cut for cut, value in zip(self.cuts, self.cut_values.tolist(), strict=True) if value > 0)

    @property
    def next_basis(self) -> CrossoverBasis:
        """Basis for the next program."""
        return CrossoverBasis(self.network, self.program, self.basis)


def begin_crossover(split: DecomposedTask, y: Floats, solution: SubproblemSolution) -> Crossover:
    """Begin crossover with the cells nearest to a tie.

    Args:
        y (M + cuts,): Duals of the master problem.
        solution: Subproblem solution at these duals.

    Returns:
        The start.
    """
    problem, weights = split.full_problem, split.master.compute_prices(y)
    if problem.classes.need.any():
        solution = problem.solve(weights)[0]
    left = _select_open_cells(problem, solution, weights, _count_first_cells(solution))
    basis = CrossoverBasis(split.network, split.master.linear, split.master.read_basis())
    return Crossover(left, basis, merge_cuts(split.master.cuts, y[split.master.height :]), solution, weights)


def _count_first_cells(solution: SubproblemSolution) -> int:
    """Return the number of cells opened in the first crossover program."""
    return max(FIRST_OPEN_CELLS, int(solution.sent.size * OPEN_CELL_SHARE))


def solve_crossover(
    split: DecomposedTask, start: Crossover, scaling: int, method: str, required: bool
) -> tuple[OpenCells, CrossoverStep] | None:
    """Solve crossover programs until no cell changes.

    Args:
        start: Open cells, basis and cuts to start with.
        scaling: Number of the scaling.
        method: Method of HiGHS.
        required: Whether as many cells are opened as it takes; else at most `MAX_KEPT_CELLS`.

    Returns:
        Open cells, and the optimum of the last program; None where none is found.
    """
    problem, solution, weights = split.full_problem, start.solution, start.weights
    left, basis, cuts, few = start.left, start.basis, start.cuts, _count_first_cells(solution)
    for _ in range(MAX_CROSSOVER_STEPS if required else MAX_CONTINUED_STEPS):
        step = _solve_crossover_step(split, left, scaling, method, basis, cuts)
        if step is not None and separate_cones(split.linking.cones, step.x[step.program.network :]):
            cuts, basis = _collect_cuts(split, step)
            continue
        if step is None and not required:
            return None
        if step is None:
            few *= 2
            more = _select_open_cells(problem, solution, weights, few, left)
        else:
            method, basis = step.method, step.next_basis
            done = step.gap <= CROSSOVER_GAP  # ties are opened nevertheless: the secondary objectives may decide them
            more = _select_open_cells(problem, step.solution, step.weights, 0 if done else few, left)
            if done and more.cells.sum() > MAX_TIED_CELLS:
                return left, step
        if more.size == left.size and step is not None:
            return left, step  # the certificate decides on its quality
        if more.size == left.size and few > left.cells.size:
            return None
        if not required and more.cells.sum() > MAX_KEPT_CELLS:
            return None
        left = more
    return None


def _solve_crossover_step(
    split: DecomposedTask,
    left: OpenCells,
    scaling: int,
    method: str,
    basis: CrossoverBasis,
    cuts: tuple[ConeCut, ...],
) -> CrossoverStep | None:
    """Solve the crossover program of the open cells; return None without an optimum."""
    task, problem, half = split.task, split.full_problem, split.linking.with_cuts(cuts)
    fixed = _sum_fixed_quantities(problem, left)
    network, program = _build_crossover_program(problem, half, task.bounds, left, fixed)

    def useful() -> Floats:
        """Return the implied bounds of the columns, limited to amounts that demand can use."""
        return _build_crossover_program(
            problem, half, tighten_bounds_to_demand(task.instance, task.routes, task.bounds), left, fixed
        )[1].size

    ready = next(islice(generate_scalings(program, useful), scaling, None))
    start = basis.transfer(network, program, split.problem.pricing, left.solution)
    bare = ((each, None) for each in dict.fromkeys((method, *METHODS)))
    tries = (solve_by_method(ready, *each, task.budget) for each in ((method, start), *bare))
    result = next((each for each in tries if each.status != "unanswered"), None)
    if result is None or result.status != "optimal":
        return None
    x, y = (
        ready.unscale_columns(np.where(np.abs(result.x) < NEGLIGIBLE_SHARE, 0.0, result.x)),
        ready.unscale_duals(result.y),
    )
    of_master = select_master_duals(split, network, y, cuts)
    weights = split.master.compute_prices(of_master)
    solution, entries = problem.solve(weights)
    parts = np.concatenate([program.costs[0] * x, half.program.costs[0, : half.count] * fixed])
    bound = split.master.compute_bound_alone(of_master, cuts) + float(price_quantities(entries, weights).sum())
    gap = (parts.sum() - bound) / max(1.0, np.abs(parts).sum())
    return CrossoverStep(
        *(network, program, ready, x, y, weights, solution, float(gap), result.method, result.basis, cuts),
        of_master[len(of_master) - len(cuts) :],
    )


def _collect_cuts(split: DecomposedTask, step: CrossoverStep) -> tuple[tuple[ConeCut, ...], CrossoverBasis]:
    """Collect the cuts that a crossover program needs, by dual simplex in HiGHS; return them with the final basis."""
    session, cuts, program = load_highs(step.ready), step.cuts, step.program
    if session is None or step.basis is None:
        return (*cuts, *separate_cones(split.linking.cones, step.x[program.network :])), step.next_basis
    session.use_simplex(DUAL_SIMPLEX)
    session.set_basis(step.basis)
    basis: Basis | None = step.basis
    for _ in range(MAX_CUT_ROUNDS):
        if session.run(split.task.budget) != "optimal":
            break
        x = step.ready.unscale_columns(session.read_solution()[0])
        violated, basis = separate_cones(split.linking.cones, x[program.network :]), session.basis
        program = replace(step.program, rows=(*step.program.rows, *list_cut_rows(len(step.cuts), len(cuts))))
        if not violated:
            break
        for cut in violated:
            add_scaled_cut(session, cut, program.network, step.ready.column)
        cuts = (*cuts, *violated)
    return cuts, CrossoverBasis(step.network, program, basis)


def select_master_duals(split: DecomposedTask, network: Network, y: Floats, cuts: tuple[ConeCut, ...]) -> Floats:
    """Select the duals of the master problem's rows among those of a crossover program.

    Args:
        network: Network block of the crossover program.
        y: Duals of the crossover program.
        cuts: Cuts, whose duals come last.

    Returns:
        Duals (M + cuts,).
    """
    rows, own = len(network.supply_stream), split.network
    supply = np.zeros(split.problem.block.shape)
    supply[network.supply_stream, network.supply_period] = y[:rows]
    fractions = np.zeros((int(network.split_group.max(initial=-1)) + 1, len(split.task.instance.periods)))
    end = rows + len(network.split_group)
    fractions[network.split_group, network.split_period] = y[rows:end]
    rest = y[end : end + network.settlement_rows + len(split.linking.program.rows) + len(cuts)]
    return np.concatenate(
        [supply[own.supply_stream, own.supply_period], fractions[own.split_group, own.split_period], rest]
    )
