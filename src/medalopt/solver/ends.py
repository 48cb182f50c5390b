"""Where a plan stands: which columns and rows are at an end, and the programs in differences from there."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Bools, Floats, Ints
from medalopt.solver.scaling import Scaled
from medalopt.solver.warm import BASIC, LOWER, UPPER

HOLDS = 1e-11  # of its size, within which a row or column stands at its end
NEARLY = 1e-8  # of its size, within which it does so if it has a price
PRICED = 1e-9  # scaled: a reduced cost or dual above this is a price


@dataclass(frozen=True, eq=False)
class Ends:
    """How far each column (N,) and row (M,) of a plan is from its ends, scaled; 0 where it holds the plan."""

    below: Floats  # <= 0
    above: Floats  # >= 0
    row_below: Floats
    row_above: Floats

    @classmethod
    def of(cls, program: Scaled, x: Floats, y: Floats, reduced: Floats) -> Ends:
        """Return the ends around `x`, (N,), with the duals `y`, (M,), and reduced costs, (N,), all scaled.

        What has a price holds the plan even where rounding leaves it a little off its end.
        """
        terms = program.value * x[program.of_entry]
        height = len(program.row_lower)
        activity = np.bincount(program.index, terms, height)
        size = np.maximum(np.bincount(program.index, np.abs(terms), height), 1.0)
        return cls(
            *_ends(program.lower - x, program.upper - x, np.ones(len(x)), reduced),
            *_ends(program.row_lower - activity, program.row_upper - activity, size, y),
        )

    @property
    def columns(self) -> Ints:
        """Where each column stands, (N,): at its lower end, between, at its upper end."""
        return _places(self.below, self.above)

    @property
    def rows(self) -> Ints:
        """Where each row stands, (M,)."""
        return _places(self.row_below, self.row_above)

    def cone(self, program: Scaled) -> Scaled:
        """Return the program of small steps: only the ends that hold the plan are there."""
        return dataclasses.replace(
            program,
            lower=np.where(self.below == 0, 0.0, -np.inf),
            upper=np.where(self.above == 0, 0.0, np.inf),
            row_lower=np.where(self.row_below == 0, 0.0, -np.inf),
            row_upper=np.where(self.row_above == 0, 0.0, np.inf),
        )

    def whole(self, program: Scaled) -> Scaled:
        """Return the program of all steps."""
        return dataclasses.replace(
            program, lower=self.below, upper=self.above, row_lower=self.row_below, row_upper=self.row_above
        )

    def face(self, program: Scaled, column_held: Bools, row_held: Bools) -> Scaled:
        """Return the program of the steps that leave what is held where it is."""
        return dataclasses.replace(
            program,
            lower=np.where(column_held, 0.0, self.below),
            upper=np.where(column_held, 0.0, self.above),
            row_lower=np.where(row_held, 0.0, self.row_below),
            row_upper=np.where(row_held, 0.0, self.row_above),
        )

    def leaving(self, program: Scaled) -> Floats:
        """Return the costs, (N,), that reward every distance from an end that holds the plan by 1."""
        wish = -np.sign(_side(self.below, self.above))
        row_wish = -np.sign(_side(self.row_below, self.row_above))
        return np.asarray(wish + program.pulled(row_wish))


def _ends(below: Floats, above: Floats, size: Floats, price: Floats) -> tuple[Floats, Floats]:
    low, high = (size * np.where(sign * price > PRICED, NEARLY, HOLDS) for sign in (1, -1))
    return np.where(below >= -low, 0.0, below), np.where(above <= high, 0.0, above)


def _places(below: Floats, above: Floats) -> Ints:
    return np.where(below == 0, LOWER, np.where(above == 0, UPPER, BASIC))


def _side(below: Floats, above: Floats) -> Floats:
    """Return 1 at a lower end, -1 at an upper end, 0 between or where both are one."""
    return (below == 0).astype(np.float64) - (above == 0).astype(np.float64)
