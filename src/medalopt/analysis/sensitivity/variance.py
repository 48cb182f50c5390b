"""Variance-based global sensitivity analysis: distribution of the objective, infeasible fraction, Sobol' indices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.analysis import pool
from medalopt.analysis.journal import Answer, Journal
from medalopt.analysis.sensitivity.sampling import Cause, causes, sample
from medalopt.analysis.sensitivity.shares import Shares, shares
from medalopt.analysis.variants import Variants
from medalopt.errors import UsageError
from medalopt.instance.figures import Floats

LEAST, MOST = 8, 100_000  # limits of the rows of a sample
QUANTILES = (5, 50, 95)  # per cent


@dataclass(frozen=True)
class Variance:
    """Statistics of a Saltelli sample of `count` rows; `held` is the fraction of draws capped at an upper limit."""

    causes: tuple[Cause, ...]
    count: int
    asked: int
    answered: int
    without: float  # infeasible fraction of both samples
    held: float
    quantiles: tuple[float, ...]  # of the objective at QUANTILES, over feasible rows
    spread: float  # standard deviation of the objective
    measure: tuple[Shares, ...]  # indices of the objective, by input
    feasible: tuple[Shares, ...]  # indices of feasibility, by input
    interrupted: bool = False


def variance(
    variants: Variants,
    count: int,
    jobs: int | None = None,
    journal: Journal | None = None,
    told: pool.Told = pool.quiet,
) -> Variance:
    """Estimate the distribution of the objective and the Sobol' indices; it takes (inputs + 2) · `count` solves.

    Args:
        variants: Scenarios of the instance.
        count: Rows of each sample.
        jobs: Number of processes; None for the default.
        journal: Cache of results.
        told: Progress callback.

    Returns:
        Quantiles, standard deviation, infeasible fraction, and indices of objective and feasibility.

    Raises:
        UsageError: If `count` is out of range, or the instance has no uncertain input.
    """
    if not LEAST <= count <= MOST:
        raise UsageError(f"--global {count}: a sample has {LEAST} to {MOST} rows; 256 tell the greatest causes apart")
    found = causes(variants)
    if not found:
        raise UsageError("--global: this instance has no assay, recovery, return or price that could vary")
    drawn = sample(found, count)
    asked = list(drawn.changes())
    answers = pool.answered(variants, asked, jobs, journal, told)
    value, feasible = (np.array([each(one) for one in answers.found]).reshape(-1, count) for each in (_value, _exists))
    both = value[:2][np.isfinite(value[:2])]
    known = feasible[:2][np.isfinite(feasible[:2])]
    return Variance(
        found,
        count,
        len(asked),
        sum(one is not None for one in answers.found),
        1 - float(known.mean()) if len(known) else 0.0,
        drawn.held,
        tuple(np.percentile(both, QUANTILES).tolist()) if len(both) else (),
        float(both.std()) if len(both) else 0.0,
        _shared(value),
        _shared(feasible),
        answers.interrupted,
    )


def _shared(values: Floats) -> tuple[Shares, ...]:
    """Return the indices of all inputs from values by sample and row, (2 + C, N)."""
    return shares(values[0], values[1], values[2:])


def _value(answer: Answer | None) -> float:
    """Return the objective, NaN if there is none."""
    return np.nan if answer is None or answer.value is None else answer.value


def _exists(answer: Answer | None) -> float:
    """Return 1 if feasible, 0 if infeasible, NaN if not verified."""
    return {"optimal": 1.0, "infeasible": 0.0}.get(answer.status, np.nan) if answer is not None else np.nan
