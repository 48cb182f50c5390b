"""Sensitivity to the device mix: a curve for each device type, named mixes, and a triangle of three types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.sensitivity.mix.answers import Answer, Answers
from medalopt.analysis.sensitivity.mix.curve import Curve, curve
from medalopt.analysis.sensitivity.mix.named import NamedMix, named_mixes
from medalopt.analysis.sensitivity.mix.triangle import Triangle, chosen, triangle
from medalopt.analysis.variants import Variants
from medalopt.errors import SolverError
from medalopt.instance.instance import Instance


@dataclass(frozen=True)
class DeviceMix:
    """Results on the device mix: base case, one curve per device type, and types whose share is `fixed`."""

    instance: Instance
    measure: str
    base: Answer
    curves: tuple[Curve, ...]
    fixed: tuple[str, ...]
    named: tuple[NamedMix, ...]
    triangle: Triangle | None = None
    unproven: tuple[str, ...] = ()  # parts left out for lack of a verified result

    @property
    def unit(self) -> str:
        """Unit of the objective."""
        return {"cost": self.instance.currency, "footprint": "kg CO2e", "mass": "t"}[self.measure]

    @property
    def medals(self) -> int:
        """Number of medals ordered."""
        return int(self.instance.medals.count.sum())

    def title(self, metal: str) -> str:
        """Return the display name of a metal.

        Args:
            metal: Symbol.

        Returns:
            Display name.
        """
        return self.instance.metals.titles[self.instance.metals.names.index(metal)]

    @property
    def ranking(self) -> tuple[Curve, ...]:
        """Curves by largest effect: infeasible ones first, then by change of the objective."""
        return tuple(sorted(self.curves, key=_weight, reverse=True))


def _weight(curve: Curve) -> tuple[float, float]:
    """Return the sort key of a curve: missing kilograms, then change of the objective."""
    return max(curve.short_less, curve.short_more), max(abs(curve.less or 0.0), abs(curve.more or 0.0))


def device_mix(
    variants: Variants, three: Sequence[str] = (), tell: Callable[[str], None] = lambda doing: None
) -> DeviceMix:
    """Analyse the sensitivity to the device mix.

    Args:
        variants: Scenarios of the instance.
        three: Names of three device types for the triangle, or none.
        tell: Progress callback.

    Returns:
        Curves, named mixes and triangle.

    Raises:
        UsageError: If a named device type or bundle is not offered.
    """
    answers = Answers(variants)
    corners = chosen(answers, three) if three else None
    tell("the mixes of the file")
    unproven: list[str] = []
    named = named_mixes(answers, unproven)
    curves, fixed = _curves(answers, tell, unproven)
    split = None if corners is None else triangle(answers, corners, tell, unproven)
    base, left_out = answers.base, tuple(unproven)
    return DeviceMix(variants.instance, variants.measure, base, curves, fixed, named, split, left_out)


def _curves(
    answers: Answers, tell: Callable[[str], None], unproven: list[str]
) -> tuple[tuple[Curve, ...], tuple[str, ...]]:
    """Return the curves of all device types offered, and the names of types whose share is fixed.

    Curves without a verified result are added to `unproven`.
    """
    names = answers.variants.instance.devices.names
    offered = np.flatnonzero(answers.offer.shares() > 0).tolist()
    curves, fixed = [], []
    for number, device in enumerate(offered):
        tell(f"the share of {names[device]}, {number + 1} of {len(offered)}")
        try:
            found = curve(answers, device)
        except SolverError:
            unproven.append(f"the share of {names[device]}")
            continue
        if found is None:
            fixed.append(names[device])
        else:
            curves.append(found)
    return tuple(curves), tuple(fixed)
