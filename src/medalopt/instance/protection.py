r"""Norms of an uncertainty: the reserve that a plan must have, and the directions of the cuts that bound it from below.

With the deviations $w=L^\top Dg_{et}(x)$ of independent variates the reserve is a norm of $w$:

- promised confidence: $z_\alpha\lVert w\rVert_2$, the quantile times the standard deviation;
- budget of uncertainty $\Gamma$ (Bertsimas and Sim 2004, The Price of Robustness): the $\Gamma$ largest $|w_n|$, as
  if so many variates were one standard deviation off at once, the last one in part where $\Gamma$ is no integer.

A norm is the largest $u^\top w$ over the ball of its dual norm, so that every $u$ of that ball gives a linear cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np

from medalopt.instance.arrays import Floats


class ProtectionNorm(Protocol):
    """A norm of the deviations $w$ (Z,) of independent variates, with the ball of its dual norm."""

    def measure(self, deviations: Floats) -> float:
        """Return the norm.

        Args:
            deviations: (Z,) deviations.

        Returns:
            In their unit.
        """
        ...

    def find_direction(self, deviations: Floats) -> Floats:
        """Return the vector of the dual ball whose product with the deviations is their norm.

        Args:
            deviations: (Z,) deviations.

        Returns:
            (Z,), dimensionless.
        """
        ...

    def measure_dual(self, vector: Floats) -> float:
        """Return the dual norm of a vector.

        Args:
            vector: (Z,) vector.

        Returns:
            At most 1 within the ball.
        """
        ...

    def is_within(self, vector: Floats, most: float) -> bool:
        """Return whether the dual norm of a vector is at most a limit, proven in fractions.

        Args:
            vector: (Z,) vector.
            most: Limit.

        Returns:
            True if it is proven.
        """
        ...


@dataclass(frozen=True)
class StandardDeviation:
    """The Euclidean norm: the standard deviation of the sum of independent variates."""

    def measure(self, deviations: Floats) -> float:
        """Return the Euclidean norm.

        Args:
            deviations (Z,): Deviations.

        Returns:
            In their unit.
        """
        return float(np.linalg.norm(deviations))

    def find_direction(self, deviations: Floats) -> Floats:
        """Return the unit vector of the deviations.

        Args:
            deviations (Z,): Deviations.

        Returns:
            (Z,): unit vector; 0 where all deviations are.
        """
        length = np.linalg.norm(deviations)
        return np.asarray(deviations / length if length > 0 else deviations)

    def measure_dual(self, vector: Floats) -> float:
        """Return the Euclidean norm, which is its own dual.

        Args:
            vector (Z,): Vector.

        Returns:
            Its length.
        """
        return float(np.linalg.norm(vector))

    def is_within(self, vector: Floats, most: float) -> bool:
        """Compare the squares of the length and of `most` in fractions.

        Args:
            vector (Z,): Vector.
            most: Greatest length.

        Returns:
            True if it is not longer.
        """
        return sum((Fraction(value) ** 2 for value in vector.tolist()), Fraction(0)) <= Fraction(most) ** 2


@dataclass(frozen=True)
class UncertaintyBudget:
    """The sum of the `budget` largest absolute values, the last one in part."""

    budget: float

    def weigh_ranks(self, count: int) -> Floats:
        """Return the weight of each rank, the largest deviation first.

        Args:
            count: Number of deviations.

        Returns:
            (count,): 1 for as many as the budget, a fraction for the next, 0 beyond.
        """
        return np.clip(self.budget - np.arange(count), 0.0, 1.0)

    @staticmethod
    def find_attained(deviations: Floats, reserve: float) -> float:
        """Find the largest budget whose loss a reserve covers.

        Args:
            deviations (Z,): Deviations.
            reserve: Possible loss, in their unit.

        Returns:
            The budget; infinite where the reserve covers all deviations at once, 0 where it is negative.
        """
        sizes = np.sort(np.abs(deviations[deviations != 0]))[::-1]
        losses = np.concatenate([[0.0], np.cumsum(sizes)])
        return np.inf if reserve >= losses[-1] else float(np.interp(reserve, losses, np.arange(len(losses))))

    def measure(self, deviations: Floats) -> float:
        """Return the sum of the largest absolute values.

        Args:
            deviations (Z,): Deviations.

        Returns:
            In their unit.
        """
        return float(self.weigh_ranks(len(deviations)) @ np.sort(np.abs(deviations))[::-1])

    def find_direction(self, deviations: Floats) -> Floats:
        """Return the signs of the largest deviations, the last one in part.

        Args:
            deviations (Z,): Deviations.

        Returns:
            (Z,): numbers from -1 to 1.
        """
        direction = np.zeros(len(deviations))
        order = np.argsort(-np.abs(deviations), kind="stable")
        direction[order] = self.weigh_ranks(len(deviations))
        return direction * np.sign(deviations)

    def measure_dual(self, vector: Floats) -> float:
        """Return the dual norm: the largest absolute value, or the sum of all over the budget.

        Args:
            vector (Z,): Vector.

        Returns:
            At most 1 for the directions of cuts.
        """
        sizes = np.abs(vector)
        return max(float(sizes.max(initial=0.0)), float(sizes.sum()) / self.budget)

    def is_within(self, vector: Floats, most: float) -> bool:
        """Compare every absolute value, and their sum, in fractions.

        Args:
            vector (Z,): Vector.
            most: Greatest dual norm.

        Returns:
            True if it is not greater.
        """
        sizes, limit = [abs(Fraction(value)) for value in vector.tolist()], Fraction(most)
        return max(sizes, default=Fraction(0)) <= limit and sum(sizes, Fraction(0)) <= Fraction(self.budget) * limit
