"""Column generation (Dantzig and Wolfe 1960): master problem and subproblems alternate until bound and objective meet.

Subproblems are priced between the best duals so far and those of the master problem, y = α ŷ + (1−α) ȳ (Wentges 1997;
in-out separation: Ben-Ameur and Neto 2007), since the latter alone oscillate. Each iteration gives a lower bound
(Lagrange): the value of the rows at y, and of the subproblems.

A task is partitioned into the pricing problem and the master problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.model.network import Network, build_network_part, select_network
from medalopt.solver.decomposition.cones import ConeCut, convert_cuts, lift_routes
from medalopt.solver.decomposition.master import LinkingProgram, MasterProblem, MasterSolution
from medalopt.solver.decomposition.participation import ParticipationNeeds
from medalopt.solver.decomposition.pricing import RoutePricing
from medalopt.solver.decomposition.subproblems import (
    PricingCache,
    StreamClasses,
    SubproblemSolution,
    assign_blocks,
    solve_subproblems,
    sum_linking_quantities,
    update_pricing_cache,
)
from medalopt.solver.program import SolverProgram
from medalopt.solver.solve_lp import SolveTask
from medalopt.tolerances import REDUCED_COST_TOLERANCE

INITIAL_SMOOTHING, MIN_SMOOTHING = 0.5, 0.02  # smoothing factor α: initial and least value


@dataclass(frozen=True, eq=False)
class ColumnGenerationState:
    """State after an iteration: master optimum `mix`, best duals `y` so far, and their lower `bound`."""

    number: int
    mix: MasterSolution
    y: Floats
    bound: float
    solution: SubproblemSolution  # subproblem solution at y; reduced costs may be older

    @property
    def gap(self) -> float:
        """Gap between the master objective and the bound, relative to the magnitude of the objective's terms."""
        return (self.mix.value - self.bound) / max(1.0, self.mix.size)


@dataclass(frozen=True, eq=False)
class PricingProblem:
    """Pricing problem: streams, prices by route, classes, participation minima and blocks."""

    instance: Instance
    pricing: RoutePricing
    classes: StreamClasses
    minima: ParticipationNeeds
    block: Ints  # (I, T)
    has_minimum: Bools  # (B,) participation blocks, for which sending nothing is infeasible

    @classmethod
    def build(
        cls, instance: Instance, pricing: RoutePricing, classes: StreamClasses, needs: ParticipationNeeds
    ) -> PricingProblem:
        """Set up the pricing problem.

        Returns:
            The pricing problem.
        """
        return cls(instance, pricing, classes, needs, *assign_blocks(instance, classes, needs))

    def solve(self, weights: Floats) -> tuple[SubproblemSolution, Floats]:
        """Solve the subproblems at given prices.

        Args:
            weights (linking,): Prices of the linking variables.

        Returns:
            The solution, and its linking amounts by block, (B, linking).
        """
        solution = solve_subproblems(self.instance, self.pricing, self.classes, self.minima, weights)
        return solution, sum_linking_quantities(self.pricing, solution, self.block, len(self.has_minimum))

    def reprice(self, weights: Floats, before: PricingCache | None) -> PricingCache:
        """Solve the subproblems with a cache of earlier prices.

        Args:
            weights (linking,): Prices of the linking variables.
            before: Cache, None at first.

        Returns:
            The cache at these prices; reduced costs may be older.
        """
        return update_pricing_cache(
            self.pricing, self.classes, self.minima, (self.block, len(self.has_minimum)), weights, before
        )


def price_quantities(quantities: Floats, weights: Floats) -> Floats:
    """Return the value of linking amounts; `einsum` uses one thread, which is faster here.

    Args:
        quantities (n, linking): Linking amounts.
        weights (linking,): Prices.

    Returns:
        Values (n,).
    """
    return np.einsum("bl,l->b", quantities, weights)


def generate_columns(
    master: MasterProblem, problem: PricingProblem, maximum: int, first: Floats | None = None
) -> Iterator[ColumnGenerationState]:
    """Iterate column generation in the current phase of the master problem.

    Args:
        master: Master problem.
        maximum: Greatest number of iterations.
        first (M,): Duals to begin with, if better ones than the master's are known.

    Yields:
        The state after each iteration.
    """
    best: ColumnGenerationState | None = None
    kept, last = INITIAL_SMOOTHING, None
    for number in range(maximum):
        mix = master.solve()
        if mix is None:
            return
        start = mix.y if first is None else _append_zeros(first, len(mix.y))
        y = start if best is None else kept * _append_zeros(best.y, len(mix.y)) + (1 - kept) * mix.y
        weights = master.compute_prices(y)
        last = problem.reprice(weights, last)
        result = last.reduced_costs
        bound = master.compute_bound_alone(y) + float(price_quantities(result, weights).sum())
        better = best is None or bound > best.bound
        best = (
            ColumnGenerationState(number, mix, y, bound, last.solution)
            if better or best is None
            else replace(best, number=number, mix=mix)
        )
        pays = price_quantities(result, master.compute_prices(mix.y)) - mix.blocks < -REDUCED_COST_TOLERANCE * max(
            1.0, mix.size
        )
        yield best
        if not pays.any() and not kept:
            return  # no block solution prices out at the unsmoothed duals: optimal up to rounding
        if pays.any():
            master.add_columns(weights, result[pays], np.flatnonzero(pays))
        kept = min(INITIAL_SMOOTHING, 1.5 * kept) if pays.any() else (kept / 2 if kept > MIN_SMOOTHING else 0.0)


def _append_zeros(y: Floats, count: int) -> Floats:
    """Return duals with zeros for the cuts added since, (count,)."""
    return np.append(y, np.zeros(count - len(y)))


@dataclass(frozen=True, eq=False)
class DecomposedTask:
    """Decomposed task: pricing problem, linking program, network of the explicit streams, and master problem."""

    task: SolveTask
    problem: PricingProblem
    linking: LinkingProgram
    network: Network
    master: MasterProblem

    @classmethod
    def decompose(cls, task: SolveTask) -> DecomposedTask:
        """Decompose a task; participation minima are not included yet.

        Returns:
            The decomposed task.
        """
        instance, routes = task.instance, lift_routes(task.instance, task.routes)
        given, task = task.routes.cuts, replace(task, routes=routes)
        pricing, classes = RoutePricing.group(instance, routes), StreamClasses.classify(instance, routes)
        problem = PricingProblem.build(instance, pricing, classes, ParticipationNeeds.without_minimum(instance))
        half = LinkingProgram.compile(instance, routes, task.bounds, task.objective)
        own = build_network_part(instance, routes, select_network(instance, routes, classes.is_explicit), whole=False)
        program = half.with_part(instance, routes, task.bounds, own, np.zeros(half.count))
        cuts = convert_cuts(half.cones, given)
        master = _build_master(task, problem, half, program, [_initial_prices(problem)], cuts)
        return cls(task, problem, half, own, master)

    @property
    def full_problem(self) -> PricingProblem:
        """Pricing problem with the full participation minimum."""
        return replace(
            self.problem, minima=ParticipationNeeds.full_minimum(self.task.instance, self.problem.classes.need)
        )

    def with_promise(self, instance: Instance) -> DecomposedTask | None:
        """Return the decomposition for another promised confidence; the master problem is changed, not copied.

        Args:
            instance: Instance that differs in its promised confidence alone.

        Returns:
            The decomposition; None where it has other chance constraints.
        """
        half, task = self.linking.with_quantiles(instance), replace(self.task, instance=instance)
        if half is None or not half.cones:
            return None
        program = half.with_part(instance, task.routes, task.bounds, self.network, np.zeros(half.count))
        self.master.change_quantiles(half, program)
        return replace(self, task=task, linking=half)

    def require_participation(self, sure: Bools, last: int) -> DecomposedTask:
        """Return the decomposition with participation minima outside of surely profitable cells.

        Args:
            sure (I, T): Mask of the cells left to ordinary blocks.
            last: Number of latest prices whose solutions the new master problem starts with.

        Returns:
            The new decomposition.
        """
        needs = ParticipationNeeds.remaining_minimum(self.task.instance, self.problem.classes.need, sure)
        problem = PricingProblem.build(self.task.instance, self.problem.pricing, self.problem.classes, needs)
        before = self.master
        master = _build_master(self.task, problem, self.linking, before.linear, before.prices[-last:], before.cuts)
        return replace(self, problem=problem, master=master)


def _build_master(
    task: SolveTask,
    problem: PricingProblem,
    half: LinkingProgram,
    program: SolverProgram,
    first: list[Floats],
    cuts: tuple[ConeCut, ...],
) -> MasterProblem:
    """Return the master problem with the block solutions to the given prices, and with cuts."""
    priced = [(weights, problem.solve(weights)[1]) for weights in first]
    master = MasterProblem(half, program, priced, problem.has_minimum, task.budget)
    master.add_cuts(cuts)
    return master


def _initial_prices(problem: PricingProblem) -> Floats:
    """Return initial prices: −1 for returned metal, else 0."""
    weights, places = np.zeros(problem.pricing.linking.count), problem.pricing.linking.returned
    weights[places[places >= 0]] = -1.0
    return weights
