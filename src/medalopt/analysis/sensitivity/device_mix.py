"""Sensitivity to the device mix: a curve for each device type, named mixes, and a triangular grid of three types."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.supply_mix import MixResult, MixSolver
from medalopt.errors import SolverError, UsageError
from medalopt.instance.instance import Instance
from medalopt.instance.payers import has_payers
from medalopt.plan.plan import OBJECTIVE_UNITS
from medalopt.solver.parametric_sweep import ProgramLine, fit_program_line
from medalopt.solver.program import have_same_structure
from medalopt.text import escape_text, suggest_name
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
        """First point of the curve, of the least share."""
        return self.points[0]

    @property
    def greatest_point(self) -> SharePoint:
        """Last point of the curve, of the greatest share."""
        return self.points[-1]

    @property
    def feasible_range(self) -> tuple[float, float] | None:
        """Least and greatest feasible share of all tonnes; None if none is feasible."""
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
        if self.solver.in_lots or self._program_line is None or not 0 < times < self._straight * (1 - LINE_END_MARGIN):
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


def _compute_share_curve(solver: MixSolver, device: int) -> ShareCurve | None:
    """Compute the curve of one device type by bisection."""
    line = DeviceShareLine(solver, device)
    if not line.moves:
        return None
    coarse = sorted({*(line.end * n / INITIAL_INTERVALS for n in range(INITIAL_INTERVALS + 1)), 1.0})
    points = {times: line.solve_at(times) for times in coarse}
    size, bisections = abs(solver.base.value or 0.0), 0 if solver.in_lots else MAX_BISECTIONS
    for low, high in pairwise(coarse):
        points |= {point.times: point for point in _refine_interval(line, points[low], points[high], size, bisections)}
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


MISSING_SHARE_TOLERANCE = 1e-4  # missing share that counts as 0


@dataclass(frozen=True)
class NamedMix:
    """Result of one named mix: its `shares` of all tonnes, or of those of a `bundle`.

    `missing`: share that is not collected, as the shares sum to less than 1. `absent`: device types named but not
    offered there, whose share is not collected either. `min_charge`: minimum charge of each metal, kg.
    """

    name: str
    bundle: str | None
    shares: Mapping[str, float]
    missing: float
    absent: tuple[str, ...]
    result: MixResult
    min_charge: Mapping[str, float]


def solve_named_mixes(solver: MixSolver, unproven: list[str]) -> tuple[NamedMix, ...]:
    """Solve every mix in `mixes:` of the instance.

    Args:
        unproven: List to which mixes without a verified result are added.

    Returns:
        Results in the order of the file.

    Raises:
        UsageError: If a mix names an unknown bundle.
    """
    mixes: Mapping[str, Any] = solver.runner.instance.annex.get("mixes", {})
    result = []
    for name, mix in mixes.items():
        try:
            result.append(_solve_named_mix(solver, name, mix))
        except SolverError:
            unproven.append(f"the mix {name}")
    return tuple(result)


def _solve_named_mix(solver: MixSolver, name: str, mix: Mapping[str, Any]) -> NamedMix:
    """Solve one named mix."""
    instance = solver.runner.instance
    bundle: str | None = mix["bundle"] if isinstance(mix.get("shares"), dict) else None
    shares: Mapping[str, float] = mix if bundle is None else mix["shares"]
    bundles = sorted({own for _, own in instance.bundles})
    if bundle is not None and bundle not in bundles:
        known = suggest_name(bundle, bundles) or (f"; there are {', '.join(bundles)}" if bundles else "")
        raise UsageError(
            f"mixes.{escape_text(name)}.bundle: no stream belongs to a bundle {escape_text(bundle)}{known}"
        )
    there = _list_offered_devices(solver, bundle)
    absent = tuple(device for device, share in shares.items() if share > 0 and device not in there)
    missing = max(0.0, 1 - sum(share for device, share in shares.items() if device in there))
    result = solver.solve_mix(solver.build_scenario(solver.offer.apply_named_mix(shares, bundle)))
    missing = missing if missing > MISSING_SHARE_TOLERANCE else 0.0
    return NamedMix(name, bundle, shares, missing, absent, result, solver.shortage_solver.min_charge)


def _list_offered_devices(solver: MixSolver, bundle: str | None) -> set[str]:
    """Return the device types offered anywhere, or in bundles of this name."""
    instance = solver.runner.instance
    streams, names = instance.streams, instance.devices.names
    if bundle is None:
        return {names[device] for device in np.flatnonzero(solver.offer.compute_shares() > 0).tolist()}
    bundles = [own for _, own in instance.bundles]
    pairs = zip(streams.device.tolist(), streams.bundle.tolist(), strict=True)
    return {names[device] for device, own in pairs if own >= 0 and bundles[own] == bundle}


TRIANGLE_STEPS = 10  # steps along each side


@dataclass(frozen=True)
class TriangleSplit:
    """Result of one split; `parts` of the three types sum to 1."""

    parts: tuple[float, float, float]
    result: MixResult


@dataclass(frozen=True)
class MixTriangle:
    """Three device types and a grid of splits of the tonnes that sources offer of them side by side.

    `share`: these tonnes as a share of all supply; `present`: the present split with the base-case result.
    """

    devices: tuple[str, str, str]
    share: float
    present: TriangleSplit
    splits: tuple[TriangleSplit, ...]


def _select_triangle_devices(solver: MixSolver, names: Sequence[str]) -> tuple[int, int, int]:
    """Return the indices of three device types; raise UsageError unless they are distinct and offered side by side."""
    known = solver.runner.instance.devices.names
    for name in names:
        if name not in known:
            raise UsageError(
                f"--triangle: {escape_text(name)} is no device of this instance{suggest_name(name, known)}"
            )
        if solver.offer.compute_shares()[known.index(name)] <= 0:
            raise UsageError(f"--triangle: no stream offers {escape_text(name)}; name a device that is offered")
    if len(names) != 3 or len(set(names)) != 3:
        raise UsageError("--triangle requires three devices: write A,B,C, such as --triangle phone,laptop,tablet")
    devices = (known.index(names[0]), known.index(names[1]), known.index(names[2]))
    for name, tonnes in zip(names, solver.offer.sum_joint_supply(devices), strict=True):
        if tonnes <= 0:
            raise UsageError(
                f"--triangle: {escape_text(name)} is offered together with neither of the other two, "
                "in a bundle or by one region outside bundles, and cannot replace them; choose devices offered together"
            )
    return devices


def _solve_triangle(
    solver: MixSolver, devices: tuple[int, int, int], report_progress: Callable[[str], None], unproven: list[str]
) -> MixTriangle:
    """Solve all splits in steps of 10 %; splits without a verified result are added to `unproven`."""
    tonnes = solver.offer.sum_joint_supply(devices)
    names = solver.runner.instance.devices.names
    grid, splits = _list_triangle_points(), []
    for number, parts in enumerate(grid):
        if number % (TRIANGLE_STEPS + 1) == 0:
            report_progress(f"the split of {', '.join(names[device] for device in devices)}, {number} of {len(grid)}")
        scenario = solver.build_scenario(solver.offer.split_joint_supply(dict(zip(devices, parts, strict=True))))
        try:
            splits.append(
                TriangleSplit(
                    (parts[0] / TRIANGLE_STEPS, parts[1] / TRIANGLE_STEPS, parts[2] / TRIANGLE_STEPS),
                    solver.solve_mix(scenario),
                )
            )
        except SolverError:
            unproven.append(f"the split {' : '.join(str(part) for part in parts)} of the triangle")
    first, second, third = (tonnes / tonnes.sum()).tolist()
    share = float(tonnes.sum() / solver.offer.available.sum())
    corners = (names[devices[0]], names[devices[1]], names[devices[2]])
    return MixTriangle(corners, share, TriangleSplit((first, second, third), solver.base), tuple(splits))


def _list_triangle_points() -> list[tuple[int, int, int]]:
    """Return the grid points row by row in alternating direction, so that successive programs differ little."""
    rows = ([(TRIANGLE_STEPS - a - b, b, a) for b in range(TRIANGLE_STEPS - a + 1)] for a in range(TRIANGLE_STEPS + 1))
    return [point for number, row in enumerate(rows) for point in (row[::-1] if number % 2 else row)]


@dataclass(frozen=True)
class DeviceMix:
    """Results on the device mix: base case, one curve per device type, and types whose share is `fixed`."""

    instance: Instance
    measure: str
    base: MixResult
    curves: tuple[ShareCurve, ...]
    fixed: tuple[str, ...]
    named: tuple[NamedMix, ...]
    triangle: MixTriangle | None = None
    unproven: tuple[str, ...] = ()  # parts left out for lack of a verified result
    in_lots: bool = False  # lots and charges count, each point by a search of its own

    @property
    def unit(self) -> str:
        """Unit of the objective: the currency, `kg CO2e` or `t`."""
        return OBJECTIVE_UNITS.get(self.measure, self.instance.currency)

    @property
    def medals(self) -> int:
        """Number of medals ordered, to state a value per medal; 0 for a cost that several parties pay."""
        shared = self.measure == "cost" and has_payers(self.instance)
        return 0 if shared else int(self.instance.medals.count.sum())

    def title_metal(self, metal: str) -> str:
        """Return the display name of a metal.

        Args:
            metal: Symbol.

        Returns:
            Display name.
        """
        return self.instance.metals.titles[self.instance.metals.names.index(metal)]

    @property
    def ranking(self) -> tuple[ShareCurve, ...]:
        """Curves by largest effect: infeasible ones first, then by change of the objective."""

        def rank(curve: ShareCurve) -> tuple[float, float]:
            """Return the missing kilograms, then the change of the objective."""
            return max(curve.shortage_less, curve.shortage_more), max(abs(curve.less or 0.0), abs(curve.more or 0.0))

        return tuple(sorted(self.curves, key=rank, reverse=True))


def analyse_device_mix(
    runner: ScenarioRunner, three: Sequence[str] = (), report_progress: Callable[[str], None] = lambda activity: None
) -> DeviceMix:
    """Analyse the sensitivity to the device mix.

    Args:
        three: Names of three device types for the triangle, or none.

    Returns:
        Curves, named mixes and triangle.

    Raises:
        UsageError: If a named device type or bundle is not offered.
    """
    solver = MixSolver(runner)
    corners = _select_triangle_devices(solver, three) if three else None
    report_progress("the mixes of the file")
    unproven: list[str] = []
    named = solve_named_mixes(solver, unproven)
    curves, fixed = _compute_share_curves(solver, report_progress, unproven)
    split = None if corners is None else _solve_triangle(solver, corners, report_progress, unproven)
    base, left_out = solver.base, tuple(unproven)
    return DeviceMix(runner.instance, runner.objective, base, curves, fixed, named, split, left_out, solver.in_lots)


def _compute_share_curves(
    solver: MixSolver, report_progress: Callable[[str], None], unproven: list[str]
) -> tuple[tuple[ShareCurve, ...], tuple[str, ...]]:
    """Return the curves of all device types offered, and the names of types whose share is fixed.

    Curves without a verified result are added to `unproven`.
    """
    names = solver.runner.instance.devices.names
    offered = np.flatnonzero(solver.offer.compute_shares() > 0).tolist()
    curves, fixed = [], []
    for number, device in enumerate(offered):
        report_progress(f"the share of {names[device]}, {number + 1} of {len(offered)}")
        try:
            curve = _compute_share_curve(solver, device)
        except SolverError:
            unproven.append(f"the share of {names[device]}")
            continue
        if curve is None:
            fixed.append(names[device])
        else:
            curves.append(curve)
    return tuple(curves), tuple(fixed)
