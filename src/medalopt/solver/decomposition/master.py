"""Master problem of the decomposition: constraints on linking variables, and for each block a convex combination.

Minimise c z + Σ c[b,p] λ[b,p] subject to A z + Σ a[b,p] λ[b,p] within the row bounds and Σ_p λ[b,p] ≤ 1 for each block
b, where p counts the solutions of the block so far; the share missing to 1 sends nothing. For a participation block the
sum is 1. In phase one, while no feasible combination is known, the relative violation of right-hand sides is minimised
instead (cost 1 for a full right-hand side).

The linking variables are substituted, q = q0 + D x, so they have neither columns nor rows in the master problem.

A task is partitioned into the pricing problem and the master problem.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.bounds import VariableBounds
from medalopt.instance.confidence import build_confidence
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model.network import Network, SparseEntries, build_network_part, select_network
from medalopt.solver.assemble import CompiledMaster, add_network_rows
from medalopt.solver.confidence import (
    Cone,
    ConeCut,
    add_cone_cuts,
    add_cones,
    add_scaled_cut,
    assign_cuts,
    change_quantiles,
    convert_cuts,
    lift_routes,
    separate_cones,
)
from medalopt.solver.decomposition.pricing import RoutePricing
from medalopt.solver.decomposition.subproblems import (
    ParticipationNeeds,
    PricingProblem,
    StreamClasses,
)
from medalopt.solver.highs import DUAL_SIMPLEX, PRIMAL_SIMPLEX, TimeBudget, load_simplex
from medalopt.solver.program import Basis, ProgramBuilder, SolverProgram, maximise_over_bounds
from medalopt.solver.scaling import bound_metal_columns, bound_network_columns, scale_program
from medalopt.solver.solve_lp import SolveTask

MAX_CUT_TURNS = 4  # greatest number of times that cuts are added to one master problem before it is priced
HIGHS_SCALING = 2  # value of HiGHS's option simplex_scale_strategy, where it finds no optimum as scaled here


@dataclass(frozen=True, eq=False)
class LinkingProgram:
    """Constraints on linking and metal variables; the linking variables are the first columns of `program`."""

    program: SolverProgram  # with implied bounds of the metal variables
    count: int  # number of linking variables
    start: Ints  # (count + 1,) first entry of each linking variable in `row` and `value`
    row: Ints
    value: Floats
    cones: tuple[Cone, ...] = ()  # chance constraints, with columns behind the linking variables

    @classmethod
    def compile(cls, instance: Instance, routes: Routes, bounds: VariableBounds, objective: str) -> LinkingProgram:
        """Compile the constraints of an instance outside its network.

        Returns:
            The linking program.
        """
        master = CompiledMaster.compile(instance, routes, objective, whole=False)
        program, count = master.program, master.linking
        sizes = [program.size[:count], bound_metal_columns(instance, bounds, program.places[count:])]
        program, cones = add_cones(instance, routes, replace(program, size=np.concatenate(sizes)), count)
        entries = program.entries
        order = np.flatnonzero(entries.column < count)
        order = order[np.argsort(entries.column[order], kind="stable")]
        start = np.searchsorted(entries.column[order], np.arange(count + 1))
        return cls(program, count, start, entries.row[order], entries.value[order], cones)

    def with_cuts(self, cuts: tuple[ConeCut, ...]) -> LinkingProgram:
        """Return the program with rows of cuts, which come last.

        Args:
            cuts: Cuts of its cones.

        Returns:
            The program.
        """
        return replace(self, program=add_cone_cuts(self.program, cuts, self.count))

    def with_quantiles(self, instance: Instance) -> LinkingProgram | None:
        """Return the program with the quantiles of an instance that promises another confidence.

        Args:
            instance: Instance that differs in its promised confidence alone.

        Returns:
            The program; None where it has other chance constraints.
        """
        policy = build_confidence(instance)
        changed = None if policy is None else change_quantiles(self.program, self.cones, policy.rows)
        return None if changed is None else replace(self, program=changed[0], cones=changed[1])

    def transpose_multiply(self, y: Floats) -> Floats:
        """Return A'y restricted to the linking variables.

        Args:
            y (rows,): Duals.

        Returns:
            A'y (linking,).
        """
        each = np.repeat(np.arange(self.count), np.diff(self.start))
        return np.bincount(each, self.value * y[self.row], self.count).astype(np.float64)

    def _compute_entries(self, quantities: SparseEntries, width: int) -> SparseEntries:
        """Return the row entries of columns that are given by their linking amounts."""
        counts = np.diff(self.start)[quantities.row]
        each = np.repeat(np.arange(len(counts)), counts)
        at = np.arange(len(each)) - np.repeat(np.cumsum(counts) - counts, counts) + self.start[quantities.row][each]
        cell, place = np.unique(self.row[at] * width + quantities.column[each], return_inverse=True)
        value = np.bincount(place, self.value[at] * quantities.value[each], len(cell))
        kept = value != 0
        return SparseEntries(cell[kept] // max(width, 1), cell[kept] % max(width, 1), value[kept])

    def _compute_costs(self, quantities: SparseEntries, width: int) -> Floats:
        """Return the costs of columns that are given by their linking amounts."""
        rate = self.program.costs[:, quantities.row] * quantities.value
        return np.array([np.bincount(quantities.column, each, width) for each in rate]).reshape(len(rate), width)

    def with_part(
        self, instance: Instance, routes: Routes, bounds: VariableBounds, part: Network, fixed: Floats
    ) -> SolverProgram:
        """Return the program of these constraints and a part of the network.

        Args:
            part: Part of the network.
            fixed (linking,): Linking amounts of everything else.

        Returns:
            The program; `fixed` is subtracted from the right-hand sides.
        """
        half, count = self.program, self.count
        own = half.entries.column >= count
        shift = np.bincount(self.row, self.value * np.repeat(fixed, np.diff(self.start)), len(half.rows))
        built = ProgramBuilder(len(half.costs))
        network = built.add_network_columns(
            part.upper, bound_network_columns(routes, part, bounds), self._compute_costs(part.defining, len(part.upper))
        )
        arrays = (each[..., count:] for each in (half.lower, half.upper, half.size, half.costs))
        columns = built.add_columns(half.places[count:], *arrays)
        add_network_rows(built, instance, routes, part)
        rows = built.add_rows(half.rows, half.row_lower - shift, half.row_upper - shift)
        carried = self._compute_entries(part.defining, len(network))
        built.add_entries(rows[carried.row], carried.column, carried.value)
        built.add_entries(
            rows[half.entries.row[own]], columns[half.entries.column[own] - count], half.entries.value[own]
        )
        return built.build()


@dataclass(frozen=True, eq=False)
class MasterSolution:
    """Optimum of the master problem; `size` is the sum of the magnitudes of the terms of its objective `value`."""

    value: float
    size: float
    y: Floats  # (M + cuts,) duals of the rows and cuts, without the block rows
    blocks: Floats  # (B,) duals of the block rows
    x: Floats  # (N,) columns that are no block solutions
    shares: Floats  # (answers,) shares of the block solutions


class MasterProblem:
    """Master problem over `program` and the block solutions found so far, kept in HiGHS.

    Args:
        half: Constraints on linking variables.
        program: Program of these and of the explicit streams.
        first: Prices with the block solutions to them, (B, linking) each; these determine the scaling.
        owing (B,): Mask of the participation blocks, whose shares add up to 1.
        budget: Time limit.
    """

    def __init__(
        self,
        half: LinkingProgram,
        program: SolverProgram,
        first: list[tuple[Floats, Floats]],
        owing: Bools,
        budget: TimeBudget,
    ) -> None:
        self.half, self.linear, self.budget = half, program, budget
        self.blocks, self.width, self.height = len(owing), len(program.lower), len(program.rows)
        self.prices = [weights for weights, _ in first]
        self.cuts: tuple[ConeCut, ...] = ()
        answers, self.block = (
            np.concatenate([result for _, result in first]),
            np.tile(np.arange(self.blocks), len(first)),
        )
        self.costs = self._costs(answers)  # (objectives, answers)
        self.to = np.repeat(np.arange(len(first)), self.blocks)  # index in `prices` for each block solution
        self.row_lower = np.concatenate([program.row_lower, np.where(owing, 1.0, -np.inf)])
        self.row_upper = np.concatenate([program.row_upper, np.ones(self.blocks)])
        self.missed = np.flatnonzero((self.row_lower > 0) | (self.row_upper < 0))
        self.first = self.width + len(self.missed)  # number of the column of the first block solution
        self.program = scale_program(self._whole(answers))
        self._session = load_simplex(self.program, "the plan of so many streams could not be sought")
        self._cut_exponents = np.zeros(0, dtype=np.intp)
        self._scaled_costs = self.program.costs[0]
        self.phase_one = len(self.missed) > 0
        if self.phase_one:
            self._change_costs(
                np.concatenate([np.zeros(self.width), np.ones(len(self.missed)), np.zeros(len(self.block))])
            )

    def _whole(self, first: Floats) -> SolverProgram:
        """Return the program with columns for violations (phase one) and for the first block solutions."""
        bounds = np.where(self.row_lower > 0, self.row_lower, self.row_upper)[self.missed]
        built = ProgramBuilder.extend(self.linear)
        built.add_rows([("block", number) for number in range(self.blocks)])
        missed = built.add_columns([("missed", row) for row in self.missed.tolist()], size=np.abs(bounds))
        columns = built.add_columns([("answer", n) for n in range(len(self.block))], costs=self.costs)
        built.add_entries(self.missed, missed, np.sign(bounds))
        answers = self._columns(first, self.block)
        built.add_entries(answers.row, columns[answers.column], answers.value)
        return replace(built.build(), row_lower=self.row_lower, row_upper=self.row_upper)

    def _costs(self, answers: Floats) -> Floats:
        """Return the costs of block solutions, (objectives, answers)."""
        return np.einsum("ol,bl->ob", self.half.program.costs[:, : self.half.count], answers)

    def _columns(self, answers: Floats, block: Ints) -> SparseEntries:
        """Return the entries of block solutions as columns from 0, in constraint rows and block rows."""
        column, place = np.nonzero(answers)
        supply = self.height - len(self.half.program.rows)
        entries = self.half._compute_entries(SparseEntries(place, column, answers[column, place]), len(block))
        return SparseEntries(
            np.concatenate([supply + entries.row, self.height + block]),
            np.concatenate([entries.column, np.arange(len(block))]),
            np.concatenate([entries.value, np.ones(len(block))]),
        )

    def end_phase_one(self) -> None:
        """Fix the violations at 0 and restore the costs of the objective."""
        self.phase_one = False
        costs = np.zeros(self.first)
        costs[: self.width] = self.program.costs[0, : self.width]
        scaled_answers = np.ldexp(self.costs[0], self.program.cost[0])
        self._change_costs(np.concatenate([costs, scaled_answers]))
        missed = np.arange(self.width, self.first)
        self._session.change_columns(missed, np.zeros(len(missed)), np.zeros(len(missed)))

    def _change_costs(self, costs: Floats) -> None:
        """Change the costs of all columns in HiGHS."""
        self._scaled_costs = costs
        self._session.change_costs(np.arange(len(costs)), costs)

    def add_columns(self, weights: Floats, answers: Floats, block: Ints) -> None:
        """Add block solutions as columns.

        Args:
            weights (linking,): Prices they are optimal at.
            answers (n, linking): Linking amounts.
            block (n,): Block of each.
        """
        entries = self._columns(answers, block)
        order = np.lexsort((entries.row, entries.column))
        row = entries.row[order]
        value = np.ldexp(entries.value[order], self.program.row[row])
        own = self._costs(answers)
        costs = np.zeros(len(block)) if self.phase_one else np.ldexp(own[0], self.program.cost[0])
        start = np.searchsorted(entries.column[order], np.arange(len(block)))
        none, endless = np.zeros(len(block)), np.full(len(block), np.inf)
        self._session.add_columns(costs, none, endless, start, row, value)
        self._scaled_costs = np.append(self._scaled_costs, costs)
        self.costs, self.block = np.concatenate([self.costs, own], axis=1), np.concatenate([self.block, block])
        self.to = np.concatenate([self.to, np.full(len(block), len(self.prices))])
        self.prices.append(weights)

    def change_quantiles(self, half: LinkingProgram, program: SolverProgram) -> None:
        """Change the quantiles of the chance constraints; block solutions, cuts and basis are kept.

        Args:
            half: The constraints on linking variables with other quantiles.
            program: Program of these and of the explicit streams.
        """
        entries, other = self.linear.entries, program.entries
        changed = np.flatnonzero(entries.value != other.value)
        row, column = other.row[changed], other.column[changed]
        values = np.ldexp(other.value[changed], self.program.row[row] + self.program.column[column])
        self._session.change_coefficients(row, column, values)
        self.half, self.linear, self.cuts = half, program, assign_cuts(half.cones, self.cuts)

    def add_cuts(self, cuts: tuple[ConeCut, ...]) -> None:
        """Add rows of cuts, behind all others.

        Args:
            cuts: Cuts of the cones of `half`.
        """
        self.cuts += cuts
        for cut in cuts:
            row = add_scaled_cut(self._session, cut, self.linear.network, self.program.column)
            self._cut_exponents = np.append(self._cut_exponents, row)

    def solve(self) -> MasterSolution | None:
        """Solve the master problem; while its solution violates cones, add cuts, at most `MAX_CUT_TURNS` times.

        Returns:
            The optimum; None where HiGHS finds none, or at the time limit.
        """
        self._session.use_simplex(PRIMAL_SIMPLEX)
        found = self._solve_linear()
        for _ in range(MAX_CUT_TURNS):
            violated = () if found is None else separate_cones(self.half.cones, found.x[self.linear.network :])
            if not violated:
                return found
            self.add_cuts(violated)
            self._session.use_simplex(DUAL_SIMPLEX)
            found = self._solve_linear()
        return found

    def _solve_linear(self) -> MasterSolution | None:
        """Solve the master problem with the present cuts; None where HiGHS finds no optimum, or at the time limit."""
        status = self._session.run(self.budget)
        if status == "unanswered":
            self._session.set_options(simplex_scale_strategy=HIGHS_SCALING)
            status = self._session.run(self.budget)
            self._session.set_options(simplex_scale_strategy=0)
        if status != "optimal":
            return None
        unit = 0 if self.phase_one else self.program.cost[0]
        x, y = self._session.read_solution()
        exponents = np.concatenate([self.program.row, self._cut_exponents])
        y, terms = np.ldexp(y, exponents - unit), np.ldexp(self._scaled_costs, -unit) * x
        rows, blocks, cuts = np.split(y, [self.height, self.height + self.blocks])
        return MasterSolution(
            *(float(terms.sum()), float(np.abs(terms).sum()), np.append(rows, np.maximum(cuts, 0.0)), blocks),
            x=np.ldexp(x[: self.width], self.program.column[: self.width]),
            shares=x[self.first :],
        )

    def read_basis(self) -> Basis | None:
        """Read the basis of the columns and rows of `linear`.

        Returns:
            The basis, to be completed; None without one.
        """
        basis = self._session.basis
        return None if basis is None else Basis(basis.columns[: self.width], basis.rows[: self.height])

    def compute_prices(self, y: Floats) -> Floats:
        """Return the prices of the linking variables.

        Args:
            y (M + cuts,): Duals of the rows and cuts.

        Returns:
            Objective per unit of each linking variable, (linking,); negative where a further unit reduces it.
        """
        pulled = self.half.transpose_multiply(y[self.height - len(self.half.program.rows) : self.height])
        return -pulled if self.phase_one else self.half.program.costs[0, : self.half.count] - pulled

    def compute_bound_alone(self, y: Floats, cuts: tuple[ConeCut, ...] | None = None) -> float:
        """Return the Lagrangian bound of the master problem without block solutions.

        Args:
            y (M + cuts,): Duals of the rows and of the first cuts.
            cuts: Cuts; None: those of the master problem.

        Returns:
            Least value of the rows and all other columns at these duals.
        """
        program, entries = self.linear, self.linear.entries
        y, of_cuts = y[: self.height], y[self.height :]
        end = np.where(y > 0, program.row_lower, program.row_upper)
        usable = np.isfinite(end)
        y, end = np.where(usable, y, 0.0), np.where(usable, end, 0.0)
        costs = program.costs[0] * (not self.phase_one)
        parts = entries.value * y[entries.row]
        pull = np.bincount(entries.column, parts, self.width) - costs
        terms = np.bincount(entries.column, np.abs(parts), self.width) + np.abs(costs)
        cuts = self.cuts if cuts is None else cuts
        for cut, value in zip(cuts, of_cuts.tolist(), strict=False):  # the right-hand side of a cut is 0
            pull[program.network + cut.columns] += value * cut.coefficients
            terms[program.network + cut.columns] += value * np.abs(cut.coefficients)
        return float(y @ end) - float(
            maximise_over_bounds(pull, terms, program.lower, np.minimum(program.upper, program.size))
        )


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
        problem = PricingProblem.build(pricing, classes, ParticipationNeeds.without_minimum(instance))
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
        problem = PricingProblem.build(self.problem.pricing, self.problem.classes, needs)
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
