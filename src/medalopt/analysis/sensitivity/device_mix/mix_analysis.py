"""Sensitivity to the device mix: a curve for each device type, named mixes, and a triangular grid of three types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.device_mix.compositions import MixResult, MixSolver
from medalopt.analysis.sensitivity.device_mix.share_curves import ShareCurve, compute_share_curve
from medalopt.errors import SolverError, UsageError
from medalopt.instance.instance import Instance
from medalopt.text import escape_text, suggest_name

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
        solver: Solver of device mixes.
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
    return NamedMix(
        name, bundle, shares, missing if missing > MISSING_SHARE_TOLERANCE else 0.0, absent, result, solver.min_charge
    )


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

    @property
    def unit(self) -> str:
        """Unit of the objective: the currency, `kg CO2e` or `t`."""
        return {"cost": self.instance.currency, "footprint": "kg CO2e", "mass": "t"}[self.measure]

    @property
    def medals(self) -> int:
        """Number of medals ordered: pieces."""
        return int(self.instance.medals.count.sum())

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
        return tuple(sorted(self.curves, key=_get_ranking_key, reverse=True))


def _get_ranking_key(curve: ShareCurve) -> tuple[float, float]:
    """Return the sort key of a curve: missing kilograms, then change of the objective."""
    return max(curve.shortage_less, curve.shortage_more), max(abs(curve.less or 0.0), abs(curve.more or 0.0))


def analyse_device_mix(
    runner: ScenarioRunner, three: Sequence[str] = (), report_progress: Callable[[str], None] = lambda activity: None
) -> DeviceMix:
    """Analyse the sensitivity to the device mix.

    Args:
        runner: Scenarios of the instance.
        three: Names of three device types for the triangle, or none.
        report_progress: Progress callback.

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
    return DeviceMix(runner.instance, runner.objective, base, curves, fixed, named, split, left_out)


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
            curve = compute_share_curve(solver, device)
        except SolverError:
            unproven.append(f"the share of {names[device]}")
            continue
        if curve is None:
            fixed.append(names[device])
        else:
            curves.append(curve)
    return tuple(curves), tuple(fixed)
