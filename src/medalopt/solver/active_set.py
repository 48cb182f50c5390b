"""Active set of an optimum x*: columns and rows at a bound, and the programs in the differences d = x − x*."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.solver.scaling import ScaledProgram
from medalopt.solver.warm_solver import BASIC, LOWER, UPPER

ACTIVE_TOLERANCE = 1e-11  # relative distance within which a row or column is active
PRICED_ACTIVE_TOLERANCE = 1e-8  # the same for a row or column with a nonzero dual or reduced cost
DUAL_TOLERANCE = 1e-9  # scaled; a reduced cost or dual above this magnitude is nonzero


@dataclass(frozen=True, eq=False)
class ActiveSet:
    """Distances of the columns (N,) and rows (M,) of x* from their bounds, scaled; 0 where the bound is active."""

    below: Floats  # <= 0
    above: Floats  # >= 0
    row_below: Floats
    row_above: Floats

    @classmethod
    def of(cls, program: ScaledProgram, x: Floats, y: Floats, reduced: Floats) -> ActiveSet:
        """Return the active set of an optimum; all arguments are scaled.

        A bound with a nonzero dual counts as active even where rounding leaves x* slightly off it.

        Args:
            program: Scaled program.
            x (N,): Columns.
            y (M,): Duals.
            reduced (N,): Reduced costs.

        Returns:
            The active set.
        """
        terms = program.value * x[program.entry_columns]
        height = len(program.row_lower)
        activity = np.bincount(program.index, terms, height)
        size = np.maximum(np.bincount(program.index, np.abs(terms), height), 1.0)
        return cls(
            *_clear_active_slack(program.lower - x, program.upper - x, np.ones(len(x)), reduced),
            *_clear_active_slack(program.row_lower - activity, program.row_upper - activity, size, y),
        )

    @property
    def columns(self) -> Ints:
        """Status of each column, (N,): LOWER, BASIC (between its bounds) or UPPER."""
        return _classify_statuses(self.below, self.above)

    @property
    def rows(self) -> Ints:
        """Status of each row, (M,)."""
        return _classify_statuses(self.row_below, self.row_above)

    def cone(self, program: ScaledProgram) -> ScaledProgram:
        """Return the program in d on the cone of feasible directions, with the active bounds only.

        Args:
            program: Scaled program.

        Returns:
            Program whose optimum is a one-sided derivative, valid for small steps.
        """
        return dataclasses.replace(
            program,
            lower=np.where(self.below == 0, 0.0, -np.inf),
            upper=np.where(self.above == 0, 0.0, np.inf),
            row_lower=np.where(self.row_below == 0, 0.0, -np.inf),
            row_upper=np.where(self.row_above == 0, 0.0, np.inf),
        )

    def whole(self, program: ScaledProgram) -> ScaledProgram:
        """Return the program in d on the whole polyhedron.

        Args:
            program: Scaled program.

        Returns:
            Program for steps of any length.
        """
        return dataclasses.replace(
            program, lower=self.below, upper=self.above, row_lower=self.row_below, row_upper=self.row_above
        )

    def face(self, program: ScaledProgram, column_held: Bools, row_held: Bools) -> ScaledProgram:
        """Return the program in d with some columns and rows fixed, such as the optimal face.

        Args:
            program: Scaled program.
            column_held (N,): Mask of the fixed columns.
            row_held (M,): Mask of the fixed rows.

        Returns:
            Program on the face.
        """
        return dataclasses.replace(
            program,
            lower=np.where(column_held, 0.0, self.below),
            upper=np.where(column_held, 0.0, self.above),
            row_lower=np.where(row_held, 0.0, self.row_below),
            row_upper=np.where(row_held, 0.0, self.row_above),
        )

    def reward_leaving(self, program: ScaledProgram) -> Floats:
        """Return costs that reward the total distance from all active bounds, each at rate 1.

        Args:
            program: Scaled program.

        Returns:
            Scaled costs (N,) for minimisation.
        """
        wish = -np.sign(_active_side(self.below, self.above))
        row_wish = -np.sign(_active_side(self.row_below, self.row_above))
        return np.asarray(wish + program.pulled(row_wish))


def _clear_active_slack(below: Floats, above: Floats, size: Floats, price: Floats) -> tuple[Floats, Floats]:
    """Return lower and upper distances with the active ones set to 0."""
    low, high = (
        size * np.where(sign * price > DUAL_TOLERANCE, PRICED_ACTIVE_TOLERANCE, ACTIVE_TOLERANCE) for sign in (1, -1)
    )
    return np.where(below >= -low, 0.0, below), np.where(above <= high, 0.0, above)


def _classify_statuses(below: Floats, above: Floats) -> Ints:
    """Return the statuses for distances from the lower and upper bound."""
    return np.where(below == 0, LOWER, np.where(above == 0, UPPER, BASIC))


def _active_side(below: Floats, above: Floats) -> Floats:
    """Return 1 at a lower bound, -1 at an upper bound, 0 between them or where both are active."""
    return (below == 0).astype(np.float64) - (above == 0).astype(np.float64)
