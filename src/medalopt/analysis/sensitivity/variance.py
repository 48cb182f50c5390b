"""Variance-based global sensitivity analysis: distribution of the objective, infeasible fraction, Sobol' indices.

With f(A), f(B) and f(A_i), the sample A with input i from B: total index = E (f(A) − f(A_i))² / 2V (Jansen 1999); first
order = correlation of f(B) with f(A_i) (Janon et al. 2014), with bootstrap confidence intervals. For each input, rows
without all three values are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medalopt.analysis.process_pool import ProgressCallback, ScenarioResult, solve_scenarios
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.uncertain_parameters import (
    UncertainInput,
    draw_saltelli_sample,
    find_uncertain_inputs,
)
from medalopt.errors import UsageError
from medalopt.instance.arrays import Floats

if TYPE_CHECKING:
    from medalopt.analysis.result_cache import ResultCache

BOOTSTRAP_SEED, BOOTSTRAP_ROUNDS = 1958, 200
CONFIDENCE_PERCENTILES = (2.5, 97.5)  # percentiles of the 95 % bootstrap interval
MIN_COMPLETE_ROWS = 8  # minimum number of complete rows for an index


@dataclass(frozen=True)
class SobolIndex:
    """Fraction of the variance explained by one input, with the bounds of its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class SobolIndices:
    """First-order index (`first`) and total index (`total`) of one input; None if too few rows have values."""

    first: SobolIndex | None
    total: SobolIndex | None
    rows: int


def estimate_sobol_indices(a: Floats, b: Floats, mixed: Floats) -> tuple[SobolIndices, ...]:
    """Estimate the Sobol' indices of all inputs.

    Args:
        a (N,): Values of sample A; NaN if missing.
        b (N,): Values of sample B.
        mixed (C, N): Values of A with input i from B.

    Returns:
        First-order and total index of each of the C inputs.
    """
    return tuple(_estimate_input_indices(a, b, own) for own in mixed)


def _estimate_input_indices(a: Floats, b: Floats, mixed: Floats) -> SobolIndices:
    """Estimate both indices of one input, with bootstrap intervals over the rows."""
    there = np.isfinite(a) & np.isfinite(b) & np.isfinite(mixed)
    rows = int(there.sum())
    a, b, mixed = a[there], b[there], mixed[there]
    both = np.concatenate([a, b])
    if rows < MIN_COMPLETE_ROWS or np.ptp(both) <= 1e-9 * np.abs(both).max():  # equal within rounding
        return SobolIndices(None, None, rows)
    random = np.random.Generator(np.random.PCG64(BOOTSTRAP_SEED))
    drawn = random.integers(0, rows, (BOOTSTRAP_ROUNDS, rows))
    first = _make_index(
        _estimate_first_order(b, mixed), np.array([_estimate_first_order(b[at], mixed[at]) for at in drawn])
    )
    total = _make_index(
        _estimate_total(a, b, mixed), np.array([_estimate_total(a[at], b[at], mixed[at]) for at in drawn])
    )
    most = total.high  # a first-order index cannot exceed the total index
    capped = SobolIndex(*(min(one, most) for one in (first.value, first.low, first.high)))
    return SobolIndices(capped, total, rows)


def _make_index(value: float, rounds: Floats) -> SobolIndex:
    """Return the index with the percentile interval of its bootstrap values."""
    low, high = np.percentile(rounds[np.isfinite(rounds)], CONFIDENCE_PERCENTILES).tolist()
    return SobolIndex(value, low, high)


def _estimate_first_order(b: Floats, mixed: Floats) -> float:
    """Return the first-order index (Janon et al. 2014)."""
    middle = float((b + mixed).mean() / 2)
    variance = float((b**2 + mixed**2).mean() / 2 - middle**2)
    return (float((b * mixed).mean()) - middle**2) / variance if variance > 0 else np.nan


def _estimate_total(a: Floats, b: Floats, mixed: Floats) -> float:
    """Return the total index (Jansen 1999)."""
    variance = float(np.concatenate([a, b]).var())
    return float(((a - mixed) ** 2).mean()) / (2 * variance) if variance > 0 else np.nan


MIN_SAMPLE_ROWS, MAX_SAMPLE_ROWS = 8, 100_000  # limits of the rows of a sample
QUANTILES = (5, 50, 95)  # per cent


@dataclass(frozen=True)
class VarianceAnalysis:
    """Statistics of a Saltelli sample of `count` rows; `capped_fraction` of the draws are at an upper limit."""

    inputs: tuple[UncertainInput, ...]
    count: int
    scenario_count: int
    solved_count: int
    without: float  # infeasible fraction of both samples
    capped_fraction: float
    quantiles: tuple[float, ...]  # of the objective at QUANTILES, over feasible rows
    spread: float  # standard deviation of the objective
    objective_indices: tuple[SobolIndices, ...]  # indices of the objective, by input
    feasibility_indices: tuple[SobolIndices, ...]  # indices of feasibility, by input
    interrupted: bool = False


def analyse_variance(
    runner: ScenarioRunner,
    count: int,
    jobs: int | None = None,
    cache: ResultCache | None = None,
    report_progress: ProgressCallback = lambda done, of: None,
) -> VarianceAnalysis:
    """Estimate the distribution of the objective and the Sobol' indices; it takes (inputs + 2) · `count` solves.

    Args:
        count: Rows of each sample.
        jobs: Number of processes; None for the default.

    Returns:
        Quantiles, standard deviation, infeasible fraction, and indices of objective and feasibility.

    Raises:
        UsageError: If `count` is out of range, or the instance has no uncertain input.
    """
    if not MIN_SAMPLE_ROWS <= count <= MAX_SAMPLE_ROWS:
        raise UsageError(
            f"--global {count}: a sample has {MIN_SAMPLE_ROWS} to {MAX_SAMPLE_ROWS} rows; 256 suffice "
            "to separate the largest causes"
        )
    uncertain_inputs = find_uncertain_inputs(runner)
    if not uncertain_inputs:
        raise UsageError("--global: this instance has no assay, recovery, return or price that could vary")
    drawn = draw_saltelli_sample(uncertain_inputs, count)
    samples = list(drawn.iterate_changes())
    results = solve_scenarios(runner, samples, jobs, cache, report_progress)
    value, feasible = (
        np.array([each(result) for result in results.results]).reshape(-1, count)
        for each in (_get_objective, _get_feasibility)
    )
    both = value[:2][np.isfinite(value[:2])]
    known = feasible[:2][np.isfinite(feasible[:2])]
    return VarianceAnalysis(
        uncertain_inputs,
        count,
        len(samples),
        sum(result is not None for result in results.results),
        1 - float(known.mean()) if len(known) else 0.0,
        drawn.capped_fraction,
        tuple(np.percentile(both, QUANTILES).tolist()) if len(both) else (),
        float(both.std()) if len(both) else 0.0,
        _estimate_all_indices(value),
        _estimate_all_indices(feasible),
        results.interrupted,
    )


def _estimate_all_indices(values: Floats) -> tuple[SobolIndices, ...]:
    """Return the indices of all inputs from values by sample and row, (2 + C, N)."""
    return estimate_sobol_indices(values[0], values[1], values[2:])


def _get_objective(result: ScenarioResult | None) -> float:
    """Return the objective, NaN if there is none."""
    return np.nan if result is None or result.value is None else result.value


def _get_feasibility(result: ScenarioResult | None) -> float:
    """Return 1 if feasible, 0 if infeasible, NaN if not verified."""
    return {"optimal": 1.0, "infeasible": 0.0}.get(result.status, np.nan) if result is not None else np.nan
