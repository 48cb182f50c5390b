"""Sobol' indices of first and total order from Saltelli samples, with bootstrap confidence intervals.

With f(A), f(B) and f(A_i), the sample A with input i from B: total index = E (f(A) − f(A_i))² / 2V (Jansen 1999); first
order = correlation of f(B) with f(A_i) (Janon et al. 2014). For each input, rows without all three values are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Floats

SEED, ROUNDS = 1958, 200
CERTAIN = (2.5, 97.5)  # percentiles of the 95 % bootstrap interval
FEWEST = 8  # minimum number of complete rows for an index


@dataclass(frozen=True)
class Share:
    """Fraction of the variance explained by one input, with the bounds of its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Shares:
    """First-order index (`first`) and total index (`total`) of one input; None if too few rows have values."""

    first: Share | None
    total: Share | None
    rows: int


def shares(a: Floats, b: Floats, mixed: Floats) -> tuple[Shares, ...]:
    """Estimate the Sobol' indices of all inputs.

    Args:
        a (N,): Values of sample A; NaN if missing.
        b (N,): Values of sample B.
        mixed (C, N): Values of A with input i from B.

    Returns:
        First-order and total index of each of the C inputs.
    """
    return tuple(_shares(a, b, own) for own in mixed)


def _shares(a: Floats, b: Floats, own: Floats) -> Shares:
    """Estimate both indices of one input, with bootstrap intervals over the rows."""
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
    """Cap an index at `most`: a first-order index cannot exceed the total index."""
    return Share(min(share.value, most), min(share.low, most), min(share.high, most))


def _told(value: float, rounds: Floats) -> Share:
    """Return the index with the percentile interval of its bootstrap values."""
    low, high = np.percentile(rounds[np.isfinite(rounds)], CERTAIN).tolist()
    return Share(value, low, high)


def _spread(a: Floats, b: Floats) -> bool:
    """Return True if the values differ by more than rounding."""
    both = np.concatenate([a, b])
    return bool(np.ptp(both) > 1e-9 * np.abs(both).max())


def _first(b: Floats, own: Floats) -> float:
    """Return the first-order index (Janon et al. 2014)."""
    middle = float((b + own).mean() / 2)
    variance = float((b**2 + own**2).mean() / 2 - middle**2)
    return (float((b * own).mean()) - middle**2) / variance if variance > 0 else np.nan


def _total(a: Floats, b: Floats, own: Floats) -> float:
    """Return the total index (Jansen 1999)."""
    variance = float(np.concatenate([a, b]).var())
    return float(((a - own) ** 2).mean()) / (2 * variance) if variance > 0 else np.nan
