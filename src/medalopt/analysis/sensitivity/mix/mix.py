"""How the plan depends on what is handed in: the share of each device type, named mixes, and a triangle of three."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.sensitivity.mix.answers import Answer, Answers
from medalopt.analysis.sensitivity.mix.curve import Curve, curve
from medalopt.analysis.variants import Variants
from medalopt.instance.instance import Instance


@dataclass(frozen=True)
class DeviceMix:
    """What is known of the mix: the present answer, a curve of each device that can move, and those that cannot."""

    instance: Instance
    measure: str
    base: Answer
    curves: tuple[Curve, ...]
    fixed: tuple[str, ...]

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


def device_mix(variants: Variants, tell: Callable[[str], None] = lambda doing: None) -> DeviceMix:
    """Return how the plan of `variants` depends on its mix of devices; `tell` is told each step."""
    answers = Answers(variants)
    instance = variants.instance
    offered = np.flatnonzero(answers.offer.shares() > 0).tolist()
    curves, fixed = [], []
    for number, device in enumerate(offered):
        tell(f"the share of {instance.devices.names[device]}, {number + 1} of {len(offered)}")
        found = curve(answers, device)
        if found is None:
            fixed.append(instance.devices.names[device])
        else:
            curves.append(found)
    return DeviceMix(instance, variants.measure, answers.base, tuple(curves), tuple(fixed))
