"""Tornado analysis: every uncertain parameter varied alone, ranked by effect on feasibility and objective."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from medalopt.analysis.process_pool import ProgressCallback, ignore_progress, solve_scenarios
from medalopt.analysis.result_cache import ResultCache, ScenarioResult
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.base_case import MetalShortage, ShortageSolver
from medalopt.analysis.sensitivity.uncertain_parameters import ParameterGroup, find_parameter_groups
from medalopt.errors import SolverError
from medalopt.instance.loading import NO_CHANGES

MAX_MEASURED_SHORTAGES = 40  # maximum number of bars with a metal shortage


@dataclass(frozen=True)
class TornadoEnd:
    """One parameter group scaled by `factor`; `capped_count` of its parameters are capped at their upper limit.

    If infeasible, `shortage` is the least external metal in kg (None if no metal restores feasibility); it is
    determined
    for the first bars only, `measured`.
    """

    factor: float
    capped_count: int
    result: ScenarioResult
    shortage: MetalShortage | None = None
    measured: bool = False


@dataclass(frozen=True)
class TornadoBar:
    """One parameter group varied in both directions."""

    factor: ParameterGroup
    down: TornadoEnd
    up: TornadoEnd

    @property
    def ends(self) -> tuple[TornadoEnd, TornadoEnd]:
        """Both ends of the bar: decrease, increase."""
        return self.down, self.up

    def count_status_changes(self, base: ScenarioResult) -> int:
        """Count the ends at which feasibility changes.

        Returns:
            0, 1 or 2.
        """
        return sum(
            end.result.status in ("optimal", "infeasible") and end.result.status != base.status for end in self.ends
        )

    def compute_swing(self, base: ScenarioResult) -> float:
        """Return the larger absolute change of the objective.

        Returns:
            The change in the unit of the objective, 0 where infeasible.
        """
        return max(abs(end.result.compute_effect(base) or 0.0) for end in self.ends)

    def is_idle(self, base: ScenarioResult) -> bool:
        """Check if the parameter has no effect in either direction.

        Returns:
            True if neither feasibility nor objective changes.
        """
        return not self.count_status_changes(base) and all(
            end.result.compute_effect(base) == 0.0 or self._is_infeasible(end, base) for end in self.ends
        )

    def _is_infeasible(self, end: TornadoEnd, base: ScenarioResult) -> bool:
        """Return True if both this and the base case are infeasible."""
        return end.result.status == base.status == "infeasible"


@dataclass(frozen=True)
class Tornado:
    """All bars, the largest effect first; `parameter_count` exceeds the number of bars if interrupted."""

    base: ScenarioResult
    bars: tuple[TornadoBar, ...]
    parameter_count: int
    interrupted: bool = False


def compute_tornado(
    runner: ScenarioRunner,
    jobs: int | None = None,
    cache: ResultCache | None = None,
    report_progress: ProgressCallback = ignore_progress,
) -> Tornado:
    """Vary every parameter by its coefficient of variation, or by 10 % if the instance gives none.

    Bars that change feasibility rank first, by smallest step; the others follow by largest change of the objective.

    Args:
        jobs: Number of processes; None for the default.

    Returns:
        Base case and ranked bars.
    """
    moved = find_parameter_groups(runner)
    steps = [(max(1 - factor.relative_step, 0.0), 1 + factor.relative_step) for factor in moved]
    scenarios = [
        NO_CHANGES,
        *(factor.make_changes(by) for factor, bounds in zip(moved, steps, strict=True) for by in bounds),
    ]
    results = solve_scenarios(runner, scenarios, jobs, cache, report_progress)
    base, found = results.results[0], results.results[1:]
    if base is None:
        raise KeyboardInterrupt
    bars = []
    for number, (factor, bounds) in enumerate(zip(moved, steps, strict=True)):
        low, high = found[2 * number], found[2 * number + 1]
        if low is not None and high is not None:
            down, up = (
                TornadoEnd(by, factor.count_capped(by), result) for by, result in zip(bounds, (low, high), strict=True)
            )
            bars.append(TornadoBar(factor, down, up))
    bars = list(rank_bars(bars, base))
    if not results.interrupted:
        shortage = ShortageSolver(runner.instance)
        bars[:MAX_MEASURED_SHORTAGES] = [
            _measure_shortages(runner, shortage, bar, base) for bar in bars[:MAX_MEASURED_SHORTAGES]
        ]
    return Tornado(base, tuple(bars), len(moved), results.interrupted)


def rank_bars(bars: Sequence[TornadoBar], base: ScenarioResult) -> tuple[TornadoBar, ...]:
    """Rank bars by effect.

    Returns:
        The bars, largest effect first.
    """
    return tuple(sorted(bars, key=lambda bar: _get_bar_rank(bar, base)))


def _measure_shortages(
    runner: ScenarioRunner, shortage: ShortageSolver, bar: TornadoBar, base: ScenarioResult
) -> TornadoBar:
    """Return `bar` with the metal shortage at ends that become infeasible."""

    def measured(end: TornadoEnd) -> TornadoEnd:
        """Return an end with its metal shortage, if it is infeasible and the base case is not."""
        if end.result.status != "infeasible" or not base.feasible:
            return end
        changed = runner.apply_changes(bar.factor.make_changes(end.factor))
        try:
            missing = shortage.compute_for_instance(changed)
        except SolverError:  # infeasibility is proven, the shortage is not
            return end
        if missing == {} and runner.in_lots:  # feasible but for whole lots
            missing = None
        return dataclasses.replace(end, shortage=missing, measured=True)

    return TornadoBar(bar.factor, measured(bar.down), measured(bar.up))


def _get_bar_rank(bar: TornadoBar, base: ScenarioResult) -> tuple[bool, float, float]:
    """Return the sort key of a bar."""
    turns = bar.count_status_changes(base)
    return not turns, bar.factor.relative_step if turns else 0.0, -bar.compute_swing(base)
