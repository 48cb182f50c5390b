"""Objective as a function of the share of one device type, from none to twice the present share."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from medalopt.analysis.scenario_runner import ScenarioProgram
from medalopt.analysis.sensitivity.device_mix.compositions import MixResult, MixSolver
from medalopt.solver.parametric_line import ProgramLine, fit_program_line, have_same_structure
from medalopt.tolerances import VALUE_TOLERANCE

MAX_SHARE_FACTOR = 2.0  # largest factor on the present share
INITIAL_INTERVALS = 4  # initial intervals of a curve; the midpoint of each is solved as well
CURVE_ACCURACY = 0.01  # fraction of the base objective: tolerated deviation of a midpoint from the chord
MAX_BISECTIONS = 3  # maximum number of bisections of an interval
EDGE_ACCURACY = 0.01  # fraction of the present share to which the end of feasibility is located
LINE_END_MARGIN = 1e-9  # fraction of the line's end in which it is not used
RANKING_STEP = 0.1  # relative change of the share for the ranking


@dataclass(frozen=True)
class SharePoint:
    """Result with `times` the present share of a device type; `share` of all tonnes offered."""

    times: float
    share: float
    result: MixResult


@dataclass(frozen=True)
class ShareCurve:
    """Curve of one device type with its present `share` of all tonnes, points by ascending share.

    `less` and `more`: change of the objective for 10 % less and 10 % more of the share; None if infeasible, and then
    `shortage_less` and `shortage_more` are the missing kilograms of metal.
    """

    device: str
    share: float
    points: tuple[SharePoint, ...]
    less: float | None
    more: float | None
    shortage_less: float  # kg
    shortage_more: float

    @property
    def least_point(self) -> SharePoint:
        """Point of the least share: first point of the curve."""
        return self.points[0]

    @property
    def greatest_point(self) -> SharePoint:
        """Point of the greatest share: last point of the curve."""
        return self.points[-1]

    @property
    def feasible_range(self) -> tuple[float, float] | None:
        """Least and greatest feasible share: fractions of all tonnes; None if none is feasible."""
        result = [point.share for point in self.points if point.result.value is not None]
        return (result[0], result[-1]) if result else None


class DeviceShareLine:
    """All shares of one device type; programs are interpolated where the LP is affine in the share.

    Args:
        solver: Solver of device mixes.
        device: Index of the device type.
    """

    def __init__(self, solver: MixSolver, device: int) -> None:
        self.solver, self.device = solver, device
        some, every = solver.offer.compute_max_factors(device)
        self.moves = every < np.inf
        self.end = min(MAX_SHARE_FACTOR, every)
        self._straight = min(MAX_SHARE_FACTOR, some)
        self._known: dict[float, SharePoint] = {}

    def solve_at(self, times: float, short: bool = True) -> SharePoint:
        """Solve the instance with a multiple of the present share.

        Args:
            times: Factor on the present share.
            short: Determine the metal shortage if infeasible.

        Returns:
            The point of the curve.
        """
        known = self._known.get(times)
        if known is None or (short and known.result.value is None and known.result.shortage is None):
            result = self.solver.base if times == 1 else self.solver.solve_mix(self._build_scenario(times), short)
            known = self._known[times] = SharePoint(times, result.shares[self.device], result)
        return known

    def _build_scenario(self, times: float) -> ScenarioProgram:
        """Return the scenario by interpolation, or built in full beyond the affine part."""
        instance = self.solver.offer.scale_share(self.device, times)
        if self._program_line is None or not 0 < times < self._straight * (1 - LINE_END_MARGIN):
            return self.solver.build_scenario(instance)
        return dataclasses.replace(
            self.solver.runner.base, instance=instance, program=self._program_line.interpolate(times)
        )

    @cached_property
    def _program_line(self) -> ProgramLine | None:
        """Affine family of programs up to the factor at which the first source is exhausted; None if not affine."""
        base, span = self.solver.runner.base, self._straight
        program, two, other = (
            self.solver.build_scenario(self.solver.offer.scale_share(self.device, times)).program
            for times in (span / 4, span * 3 / 4, span / 2)
        )
        drawn = fit_program_line(program, span / 4, two, span * 3 / 4, other, span / 2)
        return (
            drawn.shaped_as(base.program) if drawn is not None and have_same_structure(program, base.program) else None
        )


def compute_share_curve(solver: MixSolver, device: int) -> ShareCurve | None:
    """Compute the curve of one device type by bisection.

    Args:
        solver: Solver of device mixes.
        device: Index of the device type.

    Returns:
        The curve; None if the share cannot change, as no source offers this type beside another one.
    """
    line = DeviceShareLine(solver, device)
    if not line.moves:
        return None
    coarse = sorted({*(line.end * n / INITIAL_INTERVALS for n in range(INITIAL_INTERVALS + 1)), 1.0})
    points = {times: line.solve_at(times) for times in coarse}
    size = abs(solver.base.value or 0.0)
    for low, high in pairwise(coarse):
        points |= {
            point.times: point for point in _refine_interval(line, points[low], points[high], size, MAX_BISECTIONS)
        }
    share = solver.offer.compute_shares().tolist()[device]
    less, more = line.solve_at(1 - RANKING_STEP), line.solve_at(min(1 + RANKING_STEP, line.end))
    (down, short_down), (up, short_up) = (_compare_with_base(solver.base, point) for point in (less, more))
    ordered = tuple(points[times] for times in sorted(points))
    return ShareCurve(solver.runner.instance.devices.names[device], share, ordered, down, up, short_down, short_up)


def _refine_interval(
    line: DeviceShareLine, low: SharePoint, high: SharePoint, size: float, deep: int
) -> list[SharePoint]:
    """Return further points of an interval: midpoints off the chord, and the ends of feasibility."""
    one, two = low.result.value, high.result.value
    if one is None and two is None:
        return [] if high.times - low.times <= EDGE_ACCURACY else [line.solve_at((low.times + high.times) / 2)]
    if one is None or two is None:
        return _bisect_feasible_edge(line, low, high)
    middle = line.solve_at((low.times + high.times) / 2)
    value = middle.result.value
    if value is None or not deep:
        return [middle]
    if abs(value - (one + two) / 2) <= CURVE_ACCURACY * size:
        return [middle]
    return [
        *_refine_interval(line, low, middle, size, deep - 1),
        middle,
        *_refine_interval(line, middle, high, size, deep - 1),
    ]


def _bisect_feasible_edge(line: DeviceShareLine, low: SharePoint, high: SharePoint) -> list[SharePoint]:
    """Return the last feasible and the first infeasible point by bisection."""
    points: list[SharePoint] = []
    while high.times - low.times > EDGE_ACCURACY:
        middle = line.solve_at((low.times + high.times) / 2, short=False)
        points.append(middle)
        if (middle.result.value is None) == (low.result.value is None):
            low = middle
        else:
            high = middle
    return [point for point in points if point.result.value is not None or point in (low, high)]


def _compare_with_base(base: MixResult, point: SharePoint) -> tuple[float | None, float]:
    """Return the change of the objective from the base (0 within rounding), or None and the missing kilograms."""
    if point.times == 1 or base.value is None:
        return None, 0.0
    if point.result.value is None:
        return None, point.result.total_shortage
    change = point.result.value - base.value
    return (change if abs(change) > VALUE_TOLERANCE * max(1.0, abs(base.value)) else 0.0), 0.0
