"""Samples of what is uncertain: two that fill the space evenly, and those between them that tell causes apart.

A figure with a `cv` is lognormal about what the file says, one without is even within 10 % of it. Metals of one device
that are correlated are drawn together, by a Gaussian copula, and count as one cause.
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
FARTHEST = 1e-12  # how near a share may come to 0 or 1 before it is read as a quantile


@dataclass(frozen=True)
class Cause:
    """Figures that vary together, with the `correlation` between them; a single one has none."""

    path: Path
    factors: tuple[Factor, ...]
    correlation: float = 0.0

    @property
    def width(self) -> int:
        """How many numbers draw it: one for each figure, and one for what they share."""
        return len(self.factors) + bool(self.correlation)

    def drawn(self, evenly: Floats) -> Floats:
        """Return the factors of the figures, (N, F), for numbers evenly from 0 to 1, (N, `width`)."""
        normal = NormalDist()
        z = np.vectorize(normal.inv_cdf, otypes=[float])(np.clip(evenly, FARTHEST, 1 - FARTHEST))
        if self.correlation:
            z = math.sqrt(self.correlation) * z[:, -1:] + math.sqrt(1 - self.correlation) * z[:, :-1]
        return np.stack([_factor(one, z[:, at]) for at, one in enumerate(self.factors)], axis=1)


def causes(variants: Variants) -> tuple[Cause, ...]:
    """Return what varies: all that has a `cv`; where nothing has, assays, recoveries, returns and prices of offers."""
    moved = [factor for factor in factors(variants) if factor.may_vary]
    given = [factor for factor in moved if factor.cv]
    found: dict[Path, list[Factor]] = {}
    for factor in given or moved:
        own = factor.path[0] == "devices" and correlation(variants, str(factor.path[1])) > 0
        found.setdefault(factor.path[:2] if own else factor.path, []).append(factor)
    return tuple(_cause(variants, path, tuple(group)) for path, group in found.items())


def _cause(variants: Variants, path: Path, group: tuple[Factor, ...]) -> Cause:
    if len(group) == 1:
        return Cause(group[0].path, group)
    return Cause(path, group, correlation(variants, str(path[1])))


def _factor(factor: Factor, z: Floats) -> Floats:
    """Return the factor that belongs to standard normal numbers."""
    if factor.cv is None:
        share = np.vectorize(NormalDist().cdf, otypes=[float])(z)
        return 1 + factor.step * (2 * share - 1)
    spread = math.sqrt(math.log1p(factor.cv**2))
    return np.exp(spread * z - spread**2 / 2)


@dataclass(frozen=True, eq=False)
class Sample:
    """`count` rows of two samples, and for each cause the first with that cause from the second."""

    causes: tuple[Cause, ...]
    count: int
    first: tuple[Floats, ...]  # for each cause its figures' factors, (N, F)
    second: tuple[Floats, ...]

    def changes(self) -> Iterator[dict[str, str]]:
        """Yield the changes of all rows: of the first sample, of the second, then of the mixed one of each cause."""
        yield from self.draws()
        yield from (self._row(self.second, row) for row in range(self.count))
        for at in range(len(self.causes)):
            mixed = (*self.first[:at], self.second[at], *self.first[at + 1 :])
            yield from (self._row(mixed, row) for row in range(self.count))

    def _row(self, drawn: tuple[Floats, ...], row: int) -> dict[str, str]:
        found: dict[str, str] = {}
        for cause, own in zip(self.causes, drawn, strict=True):
            for factor, by in zip(cause.factors, own[row].tolist(), strict=True):
                found.update(factor.changes(by))
        return found

    def draws(self) -> Iterator[dict[str, str]]:
        """Yield the changes of the rows of the first sample."""
        return (self._row(self.first, row) for row in range(self.count))

    @property
    def held(self) -> float:
        """In which part of all draws of the first sample a figure is held at the most it can be."""
        held = [
            bool(factor.held(by))
            for cause, own in zip(self.causes, self.first, strict=True)
            for factor, column in zip(cause.factors, own.T, strict=True)
            for by in column.tolist()
        ]
        return sum(held) / len(held) if held else 0.0


def sample(found: tuple[Cause, ...], count: int, seed: int = SEED) -> Sample:
    """Return two samples of `count` rows; each is a Latin hypercube, so that every figure is spread evenly."""
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
