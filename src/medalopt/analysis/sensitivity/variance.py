"""All uncertain figures moved at once: how the cost spreads, how often there is no plan, and what causes that."""

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

LEAST, MOST = 8, 100_000  # rows of a sample
QUANTILES = (5, 50, 95)  # per cent


@dataclass(frozen=True)
class Variance:
    """What a sample of `count` rows, and those mixed of two, gave; `held`: how often a share could not rise further."""

    causes: tuple[Cause, ...]
    count: int
    asked: int
    answered: int
    without: float  # the part of both samples that has no plan
    held: float
    quantiles: tuple[float, ...]  # of the measure, at QUANTILES, where there is a plan
    spread: float  # the standard deviation
    measure: tuple[Shares, ...]  # of each cause
    feasible: tuple[Shares, ...]  # likewise of whether there is a plan
    interrupted: bool = False


def variance(
    variants: Variants,
    count: int,
    jobs: int | None = None,
    journal: Journal | None = None,
    told: pool.Told = pool.quiet,
) -> Variance:
    """Return the shares of the variance by samples of `count` rows; it takes `count` solves for each cause, and two.

    Raises UsageError where nothing is uncertain, or `count` is out of range.
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
    return shares(values[0], values[1], values[2:])


def _value(answer: Answer | None) -> float:
    return np.nan if answer is None or answer.value is None else answer.value


def _exists(answer: Answer | None) -> float:
    return {"optimal": 1.0, "infeasible": 0.0}.get(answer.status, np.nan) if answer is not None else np.nan
