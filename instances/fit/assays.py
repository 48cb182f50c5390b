"""Mix and assays of the devices, fitted together to what Japan recovered per tonne of small appliances.

With m the metal in the feed of one tonne of devices (assay times recovery), an anchor counts as recovered the lower of
a share of m and m less a deduction on the feed, pi tonnes per tonne: max(0, min(r m, m - d pi)). As the recovery is
reported, r is 97 % (gold) or 95 % (silver) and d is 0; read as metal paid for by smelters, both are theirs. The
national recovery is the mean of that over the device mix and the national mix of treatments.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from instances.fit import evidence
from instances.fit.evidence import Anchor, DeviceEvidence, Triple

Mix = dict[str, float]  # device to share of the municipal tonnes
Assays = dict[str, Triple]


@dataclass(frozen=True)
class Fit:
    """A device mix and the assays that go with it; `step` and `scale` say how far they were moved."""

    anchor: Anchor
    mix: Mix
    assays: Assays
    step: float
    scale: float

    @property
    def recovered(self) -> Triple:
        """What the national mix of treatments recovers: g/t Au, g/t Ag, kg/t Cu."""
        return national(self.mix, self.assays, self.anchor)


def in_range(devices: Mapping[str, DeviceEvidence], anchor: Anchor) -> Fit:
    """Fit with every assay inside its range: gold and copper towards the low end, silver towards the high end.

    The step (share of the way, in logarithms) of gold and silver is the smallest multiple of 5 % at which the gold
    recovered is within the record once the share of rich goods has been scaled so that the silver is right. Copper
    then has a step of its own, so that it is right as well.
    """
    for twentieths in range(21):
        step = twentieths / 20
        assays = {name: _moved(device, step) for name, device in devices.items()}
        scale = _scale_for(1, assays, anchor)
        if national(_mix(scale), assays, anchor)[0] <= anchor.gold_limit:
            return _rounded(anchor, scale, _with_copper(devices, scale, assays, anchor), step)
    raise ValueError("no step inside the ranges recovers as little gold as the record shows")


def base_assays(devices: Mapping[str, DeviceEvidence], anchor: Anchor) -> Fit:
    """Fit with base assays: the share of rich goods by the gold, the silver of low-grade goods by the silver.

    Copper is fitted as in `in_range`; it decides nothing.
    """
    assays = {name: device.base for name, device in devices.items()}
    scale = _scale_for(0, assays, anchor)

    def with_silver(grade: float) -> Assays:
        gold, _, copper = devices[evidence.LOW_GRADE].base
        return {**assays, evidence.LOW_GRADE: (gold, grade, copper)}

    grade = _bisect(lambda q: national(_mix(scale), with_silver(q), anchor)[1] - anchor.recovered[1], 1.0, 1000.0)
    return _rounded(anchor, scale, _with_copper(devices, scale, with_silver(grade), anchor), 0.0)


def national(mix: Mapping[str, float], assays: Assays, anchor: Anchor) -> Triple:
    """Return what the national mix of treatments recovers from a tonne of `mix`: g/t Au, g/t Ag, kg/t Cu."""
    total = [0.0, 0.0, 0.0]
    for device, share in mix.items():
        for treatment, part in treatments_of(device).items():
            for place, grams in enumerate(recovered(assays[device], treatment, anchor)):
                total[place] += share * part * grams
    return total[0], total[1], total[2]


def treatments_of(device: str) -> dict[str, float]:
    """Return the national mix of treatments of one device type."""
    if device in evidence.PHONES:
        return {"whole": 1.0}
    return evidence.NATIONAL_LOW if device == evidence.LOW_GRADE else evidence.NATIONAL_RICH


def recovered(assay: Triple, treatment: str, anchor: Anchor) -> list[float]:
    """Return what counts as recovered from one tonne of devices of that assay: g Au, g Ag, kg Cu."""
    how = evidence.TREATMENTS[treatment]
    result = []
    figures = zip(assay, how.recovery, anchor.returned, anchor.deduction, strict=True)
    for content, recovery, share, deduction in figures:
        in_feed = content * recovery
        result.append(max(0.0, min(share * in_feed, in_feed - deduction * how.to_smelter)))
    return result


def _scale_for(metal: int, assays: Assays, anchor: Anchor) -> float:
    """Return the scale of the rich goods at which the record of that metal is met."""
    return _bisect(lambda scale: national(_mix(scale), assays, anchor)[metal] - anchor.recovered[metal], 0.1, 3.0)


def _moved(device: DeviceEvidence, step: float) -> Triple:
    """Move gold towards its low end and silver towards its high end; phones stay, they were measured in Japan."""
    if device.name in evidence.PHONES:
        return device.base
    gold = device.base[0] * (device.low[0] / device.base[0]) ** step
    silver = device.base[1] * (device.high[1] / device.base[1]) ** step
    return gold, silver, device.base[2]


def _with_copper(devices: Mapping[str, DeviceEvidence], scale: float, assays: Assays, anchor: Anchor) -> Assays:
    """Move copper, but for phones, towards the low ends until the mix recovers what was recorded, if it does at all."""

    def moved(step: float) -> Assays:
        result = dict(assays)
        for name, device in devices.items():
            if name not in evidence.PHONES:
                gold, silver, copper = assays[name]
                result[name] = gold, silver, copper * (device.low[2] / device.base[2]) ** step
        return result

    def missing(step: float) -> float:
        return anchor.recovered[2] - national(_mix(scale), moved(step), anchor)[2]

    return moved(_bisect(missing, 0.0, 1.0))


def _mix(scale: float) -> Mix:
    """Return the municipal mix with both shares of rich goods scaled."""
    mix = {device: evidence.BOX_SHARE * scale * share for device, share in evidence.BOX.items()}
    mix |= {device: evidence.PICK_UP_SHARE * scale * share for device, share in evidence.PICK_UP.items()}
    return {**mix, evidence.LOW_GRADE: 1 - sum(mix.values())}


def _rounded(anchor: Anchor, scale: float, assays: Assays, step: float) -> Fit:
    """Round the mix to hundredths of a percent and the assays to two significant digits."""
    mix = {device: round(share, 4) for device, share in _mix(scale).items()}
    mix[evidence.LOW_GRADE] = round(1 - sum(mix.values()) + mix[evidence.LOW_GRADE], 4)
    short = {name: (two_digits(a[0]), two_digits(a[1]), two_digits(a[2])) for name, a in assays.items()}
    return Fit(anchor, mix, short, step, scale)


def two_digits(figure: float) -> float:
    """Round to two significant digits."""
    digits = 1 - math.floor(math.log10(figure))
    return round(figure, digits)


def _bisect(excess: Callable[[float], float], low: float, high: float) -> float:
    """Return where the rising function `excess` is zero between `low` and `high`."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return (low + high) / 2
