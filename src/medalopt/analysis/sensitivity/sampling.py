"""Saltelli samples of the uncertain inputs: two Latin hypercube samples A and B, and A with one input taken from B.

A parameter with a coefficient of variation is lognormal with its value as mean; one without is uniform within ±10 %.
Correlated assays of one device are drawn by a Gaussian copula with equal correlation and form one input.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from medalopt.analysis.sensitivity.uncertain import Factor, correlation, factors
from medalopt.analysis.variants import Variants
from medalopt.instance.figures import Floats
from medalopt.instance.paths import Path

SEED = 2020
FARTHEST = 1e-12  # least distance of a uniform variate from 0 and 1


@dataclass(frozen=True)
class Cause:
    """Parameter groups that are drawn jointly with a common `correlation`; a single group has none."""

    path: Path
    factors: tuple[Factor, ...]
    correlation: float = 0.0

    @property
    def width(self) -> int:
        """Number of uniform variates per draw: one per group, and one for the common term if correlated."""
        return len(self.factors) + bool(self.correlation)

    def drawn(self, evenly: Floats) -> Floats:
        """Transform uniform variates to factors of the groups.

        Args:
            evenly (N, width): Uniform variates in [0, 1].

        Returns:
            (N, F): factors with mean 1.
        """
        normal = NormalDist()
        z = np.vectorize(normal.inv_cdf, otypes=[float])(np.clip(evenly, FARTHEST, 1 - FARTHEST))
        if self.correlation:
            z = math.sqrt(self.correlation) * z[:, -1:] + math.sqrt(1 - self.correlation) * z[:, :-1]
        return np.stack([_factor(one, z[:, at]) for at, one in enumerate(self.factors)], axis=1)


def causes(variants: Variants) -> tuple[Cause, ...]:
    """Find the uncertain inputs.

    Args:
        variants: Scenarios of the instance.

    Returns:
        All groups with a coefficient of variation; without any, all assays, recoveries, returns and offer prices.
    """
    moved = [factor for factor in factors(variants) if factor.may_vary]
    given = [factor for factor in moved if factor.cv]
    found: dict[Path, list[Factor]] = {}
    for factor in given or moved:
        own = factor.path[0] == "devices" and correlation(variants, str(factor.path[1])) > 0
        found.setdefault(factor.path[:2] if own else factor.path, []).append(factor)
    return tuple(_cause(variants, path, tuple(group)) for path, group in found.items())


def _cause(variants: Variants, path: Path, group: tuple[Factor, ...]) -> Cause:
    """Return the input of one group, or of correlated groups."""
    if len(group) == 1:
        return Cause(group[0].path, group)
    return Cause(path, group, correlation(variants, str(path[1])))


def _factor(factor: Factor, z: Floats) -> Floats:
    """Return the factors for standard normal variates: lognormal with mean 1, or uniform within the step."""
    if factor.cv is None:
        share = np.vectorize(NormalDist().cdf, otypes=[float])(z)
        return 1 + factor.step * (2 * share - 1)
    spread = math.sqrt(math.log1p(factor.cv**2))
    return np.exp(spread * z - spread**2 / 2)


@dataclass(frozen=True, eq=False)
class Sample:
    """Samples A (`first`) and B (`second`) of `count` rows, and for each input the sample A with that input from B."""

    causes: tuple[Cause, ...]
    count: int
    first: tuple[Floats, ...]  # per input the factors of its groups, (N, F)
    second: tuple[Floats, ...]

    def changes(self) -> Iterator[dict[str, str]]:
        """Iterate over the changes of all rows of the design.

        Yields:
            Changes of A, then of B, then of A with input i from B, for each i: (2 + inputs) · count rows.
        """
        yield from self.draws()
        yield from (self._row(self.second, row) for row in range(self.count))
        for at in range(len(self.causes)):
            mixed = (*self.first[:at], self.second[at], *self.first[at + 1 :])
            yield from (self._row(mixed, row) for row in range(self.count))

    def _row(self, drawn: tuple[Floats, ...], row: int) -> dict[str, str]:
        """Return the changes of one row."""
        found: dict[str, str] = {}
        for cause, own in zip(self.causes, drawn, strict=True):
            for factor, by in zip(cause.factors, own[row].tolist(), strict=True):
                found.update(factor.changes(by))
        return found

    def draws(self) -> Iterator[dict[str, str]]:
        """Iterate over the changes of sample A.

        Returns:
            An iterator over `count` rows.
        """
        return (self._row(self.first, row) for row in range(self.count))

    @property
    def held(self) -> float:
        """Fraction of the draws of sample A that are capped at an upper limit."""
        held = [
            bool(factor.held(by))
            for cause, own in zip(self.causes, self.first, strict=True)
            for factor, column in zip(cause.factors, own.T, strict=True)
            for by in column.tolist()
        ]
        return sum(held) / len(held) if held else 0.0


def sample(found: tuple[Cause, ...], count: int, seed: int = SEED) -> Sample:
    """Draw two Latin hypercube samples.

    Args:
        found: Uncertain inputs.
        count: Rows of each sample.
        seed: Seed of the random generator.

    Returns:
        Both samples, as factors on the parameters.
    """
    width = sum(cause.width for cause in found)
    random = np.random.Generator(np.random.PCG64(seed))
    ranks = np.stack([random.permutation(count) for _ in range(2 * width)], axis=1) if width else np.zeros((count, 0))
    evenly = (ranks + random.random(ranks.shape)) / count
    edges = np.cumsum([0, *(cause.width for cause in found)])
    pieces = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    first, second = evenly[:, :width], evenly[:, width:]
    return Sample(
        found,
        count,
        tuple(cause.drawn(first[:, a:b]) for cause, (a, b) in zip(found, pieces, strict=True)),
        tuple(cause.drawn(second[:, a:b]) for cause, (a, b) in zip(found, pieces, strict=True)),
    )
