"""Master problem of the decomposition: constraints on linking variables, and for each block a convex combination.

Minimise c z + Σ c[b,p] λ[b,p] subject to A z + Σ a[b,p] λ[b,p] within the row bounds and Σ_p λ[b,p] ≤ 1 for each block
b, where p counts the solutions of the block so far; the share missing to 1 sends nothing. For a participation block the
sum is 1. In phase one, while no feasible combination is known, the relative violation of right-hand sides is minimised
instead (cost 1 for a full right-hand side).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medalopt.instance.figures import Bools, Floats, Ints
from medalopt.model.network import Entries
from medalopt.solver.budget import Budget
from medalopt.solver.decomposition.half import Half
from medalopt.solver.highs import PRIMAL, kept, run
from medalopt.solver.linear import Linear, greatest
from medalopt.solver.scaling import scaled
from medalopt.solver.standing import begun


@dataclass(frozen=True, eq=False)
class Mix:
    """Optimum of the master problem; `size` is the sum of the magnitudes of the terms of its objective `value`."""

    value: float
    size: float
    y: Floats  # (M,) duals of the rows, without the block rows
    blocks: Floats  # (B,) duals of the block rows
    x: Floats  # (N,) columns that are no block solutions
    shares: Floats  # (answers,) shares of the block solutions


class Master:
    """Master problem over `linear` and the block solutions found so far, kept in HiGHS.

    Args:
        half: Constraints on linking variables.
        linear: Program of these and of the explicit streams.
        first: Prices with the block solutions to them, (B, linking) each; these determine the scaling.
        owing (B,): Mask of the participation blocks, whose shares add up to 1.
        budget: Time limit.
    """

    def __init__(
        self, half: Half, linear: Linear, first: list[tuple[Floats, Floats]], owing: Bools, budget: Budget
    ) -> None:
        self.half, self.linear, self.budget = half, linear, budget
        self.blocks, self.width, self.height = len(owing), len(linear.lower), len(linear.rows)
        self.asked = [weights for weights, _ in first]
        answers, self.block = (
            np.concatenate([made for _, made in first]),
            np.tile(np.arange(self.blocks), len(first)),
        )
        self.costs = self._costs(answers)  # (objectives, answers)
        self.to = np.repeat(np.arange(len(first)), self.blocks)  # index in `asked` of the prices of each block solution
        self.row_lower = np.concatenate([linear.row_lower, np.where(owing, 1.0, -np.inf)])
        self.row_upper = np.concatenate([linear.row_upper, np.ones(self.blocks)])
        self.missed = np.flatnonzero((self.row_lower > 0) | (self.row_upper < 0))
        self.first = self.width + len(self.missed)  # number of the column of the first block solution
        self.program = scaled(self._whole(answers))
        self._solver = kept(self.program, "the plan of so many streams could not be sought")
        self._solver.setOptionValue("simplex_strategy", PRIMAL)
        self.phase_one = len(self.missed) > 0
        if self.phase_one:
            self._cost(np.concatenate([np.zeros(self.width), np.ones(len(self.missed)), np.zeros(len(self.block))]))

    def _whole(self, first: Floats) -> Linear:
        """Return the program with columns for violations (phase one) and for the first block solutions."""
        linear, answers = self.linear, self._columns(first, self.block)
        ends = np.where(self.row_lower > 0, self.row_lower, self.row_upper)[self.missed]
        columns = (len(self.missed), len(self.block))
        added = (np.zeros(columns[0]), np.zeros(columns[1]))
        missed = Entries(self.missed, self.width + np.arange(columns[0]), np.sign(ends))
        return replace(
            linear,
            lower=np.concatenate([linear.lower, *added]),
            upper=np.concatenate([linear.upper, *(side + np.inf for side in added)]),
            size=np.concatenate([linear.size, np.abs(ends), added[1] + 1]),
            costs=np.concatenate([linear.costs, np.zeros((len(linear.costs), columns[0])), self.costs], axis=1),
            rows=(*linear.rows, *((("block", number)) for number in range(self.blocks))),
            row_lower=self.row_lower,
            row_upper=self.row_upper,
            entries=Entries(
                np.concatenate([linear.entries.row, missed.row, answers.row]),
                np.concatenate([linear.entries.column, missed.column, self.first + answers.column]),
                np.concatenate([linear.entries.value, missed.value, answers.value]),
            ),
        )

    def _costs(self, answers: Floats) -> Floats:
        """Return the costs of block solutions, (objectives, answers)."""
        return np.einsum("ol,bl->ob", self.half.program.costs[:, : self.half.count], answers)

    def _columns(self, answers: Floats, block: Ints) -> Entries:
        """Return the entries of block solutions as columns from 0, in constraint rows and block rows."""
        column, place = np.nonzero(answers)
        supply = self.height - len(self.half.program.rows)
        made = self.half.carried(Entries(place, column, answers[column, place]), len(block))
        return Entries(
            np.concatenate([supply + made.row, self.height + block]),
            np.concatenate([made.column, np.arange(len(block))]),
            np.concatenate([made.value, np.ones(len(block))]),
        )

    def _cost(self, costs: Floats) -> None:
        """Set the costs in HiGHS."""
        self._solver.changeColsCost(len(costs), np.arange(len(costs), dtype=np.int32), costs)

    def end_phase_one(self) -> None:
        """Fix the violations at 0 and restore the costs of the objective."""
        self.phase_one = False
        costs = np.zeros(self.first)
        costs[: self.width] = self.program.costs[0, : self.width]
        scaled_answers = np.ldexp(self.costs[0], self.program.cost[0])
        self._cost(np.concatenate([costs, scaled_answers]))
        for column in range(self.width, self.first):
            self._solver.changeColBounds(column, 0.0, 0.0)

    def add(self, weights: Floats, answers: Floats, block: Ints) -> None:
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
        self._solver.addCols(
            len(block), costs, none, endless, len(row), start.astype(np.int32), row.astype(np.int32), value
        )
        self.costs, self.block = np.concatenate([self.costs, own], axis=1), np.concatenate([self.block, block])
        self.to = np.concatenate([self.to, np.full(len(block), len(self.asked))])
        self.asked.append(weights)

    def solved(self) -> Mix | None:
        """Solve the master problem.

        Returns:
            The optimum; None where HiGHS finds none, or at the time limit.
        """
        if run(self._solver, self.budget) != "optimal":
            return None
        solution = self._solver.getSolution()
        unit = 0 if self.phase_one else self.program.cost[0]
        x, y = np.array(solution.col_value), np.ldexp(np.array(solution.row_dual), self.program.row - unit)
        costs = np.ldexp(np.array(self._solver.getLp().col_cost_), -unit)
        terms = costs * x
        return Mix(
            *(float(terms.sum()), float(np.abs(terms).sum()), y[: self.height], y[self.height :]),
            x=np.ldexp(x[: self.width], self.program.column[: self.width]),
            shares=x[self.first :],
        )

    def basis(self) -> Any:
        """Return the basis of the columns and rows of `linear`.

        Returns:
            A HiGHS basis.
        """
        standing = self._solver.getBasis()
        return begun(standing.col_status[: self.width], standing.row_status[: self.height])

    def weights(self, y: Floats) -> Floats:
        """Return the prices of the linking variables.

        Args:
            y (M,): Duals of the rows.

        Returns:
            Objective per unit of each linking variable, (linking,); negative where a further unit reduces it.
        """
        pulled = self.half.pulled(y[self.height - len(self.half.program.rows) :])
        return -pulled if self.phase_one else self.half.program.costs[0, : self.half.count] - pulled

    def alone(self, y: Floats) -> float:
        """Return the Lagrangian bound of the master problem without block solutions.

        Args:
            y (M,): Duals of the rows.

        Returns:
            Least value of the rows and all other columns at these duals.
        """
        linear, entries = self.linear, self.linear.entries
        end = np.where(y > 0, linear.row_lower, linear.row_upper)
        usable = np.isfinite(end)
        y, end = np.where(usable, y, 0.0), np.where(usable, end, 0.0)
        costs = linear.costs[0] * (not self.phase_one)
        parts = entries.value * y[entries.row]
        pull = np.bincount(entries.column, parts, self.width) - costs
        terms = np.bincount(entries.column, np.abs(parts), self.width) + np.abs(costs)
        return float(y @ end) - float(greatest(pull, terms, linear.lower, np.minimum(linear.upper, linear.size)))
