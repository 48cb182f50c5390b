"""Shares of the variance (Sobol' indices) from two samples and those between them, with what is sure of each.

With f(A), f(B) of two independent samples and f(A_i) of the first with cause i from the second: the total share of i is
E (f(A) - f(A_i))² / 2V (Jansen 1999), what i does alone is the correlation of f(B) with f(A_i) (Janon et al. 2014).
A row in which one of the three has no value is left out, for that cause.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Floats

SEED, ROUNDS = 1958, 200
CERTAIN = (2.5, 97.5)  # per cent, between which 95 % of the rounds lie
FEWEST = 8  # rows from which shares are told


@dataclass(frozen=True)
class Share:
    """The part of the variance that one cause explains, with the ends of its interval of 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Shares:
    """What a cause does alone (`first`) and with all others (`total`); None where too few rows have a value."""

    first: Share | None
    total: Share | None
    rows: int


def shares(a: Floats, b: Floats, mixed: Floats) -> tuple[Shares, ...]:
    """Return the shares of every cause for values of the samples, (N,) each, and the mixed ones, (C, N); NaN: none."""
    return tuple(_shares(a, b, own) for own in mixed)


def _shares(a: Floats, b: Floats, own: Floats) -> Shares:
    there = np.isfinite(a) & np.isfinite(b) & np.isfinite(own)
    rows = int(there.sum())
    a, b, own = a[there], b[there], own[there]
    if rows < FEWEST or not _spread(a, b):
        return Shares(None, None, rows)
    random = np.random.Generator(np.random.PCG64(SEED))
    drawn = random.integers(0, rows, (ROUNDS, rows))
    first = _told(_first(b, own), np.array([_first(b[at], own[at]) for at in drawn]))
    total = _told(_total(a, b, own), np.array([_total(a[at], b[at], own[at]) for at in drawn]))
    return Shares(_at_most(first, total.high), total, rows)


def _at_most(share: Share, most: float) -> Share:
    """Return `share` cut at `most`: alone no cause explains more than together with all others."""
    return Share(min(share.value, most), min(share.low, most), min(share.high, most))


def _told(value: float, rounds: Floats) -> Share:
    low, high = np.percentile(rounds[np.isfinite(rounds)], CERTAIN).tolist()
    return Share(value, low, high)


def _spread(a: Floats, b: Floats) -> bool:
    """Whether values differ by more than rounding."""
    both = np.concatenate([a, b])
    return bool(np.ptp(both) > 1e-9 * np.abs(both).max())


def _first(b: Floats, own: Floats) -> float:
    middle = float((b + own).mean() / 2)
    variance = float((b**2 + own**2).mean() / 2 - middle**2)
    return (float((b * own).mean()) - middle**2) / variance if variance > 0 else np.nan


def _total(a: Floats, b: Floats, own: Floats) -> float:
    variance = float(np.concatenate([a, b]).var())
    return float(((a - own) ** 2).mean()) / (2 * variance) if variance > 0 else np.nan
