"""How the plan depends on what is handed in: the share of each device type, named mixes, and a triangle of three."""

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
    """What is known of the mix: the present answer, a curve of each device that can move, and those that cannot."""

    instance: Instance
    measure: str
    base: Answer
    curves: tuple[Curve, ...]
    fixed: tuple[str, ...]
    named: tuple[NamedMix, ...]
    triangle: Triangle | None = None
    unproven: tuple[str, ...] = ()  # what is left out, as no answer could be proven

    @property
    def unit(self) -> str:
        """The unit of the measure."""
        return {"cost": self.instance.currency, "footprint": "kg CO2e", "mass": "t"}[self.measure]

    @property
    def medals(self) -> int:
        """The medals ordered."""
        return int(self.instance.medals.count.sum())

    def title(self, metal: str) -> str:
        """Return what a person calls a metal."""
        return self.instance.metals.titles[self.instance.metals.names.index(metal)]

    @property
    def ranking(self) -> tuple[Curve, ...]:
        """The curves, that on whose share the cost depends most first: what has no plan before all others."""
        return tuple(sorted(self.curves, key=_weight, reverse=True))


def _weight(curve: Curve) -> tuple[float, float]:
    return max(curve.short_less, curve.short_more), max(abs(curve.less or 0.0), abs(curve.more or 0.0))


def device_mix(
    variants: Variants, three: Sequence[str] = (), tell: Callable[[str], None] = lambda doing: None
) -> DeviceMix:
    """Return how the plan of `variants` depends on its mix of devices, and on the split among `three` where given.

    `tell` is told each step. Raises UsageError where a device or a bundle that is named is not offered.
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
    """Return a curve of each device that can move, and the names of those that cannot.

    A device along whose curve something cannot be proven goes to `unproven`.
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
