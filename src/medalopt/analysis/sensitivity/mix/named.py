"""Named device mixes of an instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from medalopt.analysis.sensitivity.mix.answers import Answer, Answers
from medalopt.errors import SolverError, UsageError
from medalopt.wording import did_you_mean, shown

WHOLE = 1e-4  # missing share that counts as 0


@dataclass(frozen=True)
class NamedMix:
    """Result of one named mix: its `shares` of all tonnes, or of those of a `bundle`.

    `missing`: share that is not collected, as the shares sum to less than 1. `absent`: device types named but not
    offered there, whose share is not collected either. `owed`: minimum charge of each metal, kg.
    """

    name: str
    bundle: str | None
    shares: Mapping[str, float]
    missing: float
    absent: tuple[str, ...]
    answer: Answer
    owed: Mapping[str, float]


def named_mixes(answers: Answers, unproven: list[str]) -> tuple[NamedMix, ...]:
    """Solve every mix in `mixes:` of the instance.

    Args:
        answers: Solver of device mixes.
        unproven: List to which mixes without a verified result are added.

    Returns:
        Results in the order of the file.

    Raises:
        UsageError: If a mix names an unknown bundle.
    """
    mixes: Mapping[str, Any] = answers.variants.instance.annex.get("mixes", {})
    found = []
    for name, mix in mixes.items():
        try:
            found.append(_answered(answers, name, mix))
        except SolverError:
            unproven.append(f"the mix {name}")
    return tuple(found)


def _answered(answers: Answers, name: str, mix: Mapping[str, Any]) -> NamedMix:
    """Solve one named mix."""
    instance = answers.variants.instance
    bundle: str | None = mix["bundle"] if isinstance(mix.get("shares"), dict) else None
    shares: Mapping[str, float] = mix if bundle is None else mix["shares"]
    bundles = sorted({own for _, own in instance.bundles})
    if bundle is not None and bundle not in bundles:
        known = did_you_mean(bundle, bundles) or (f"; there are {', '.join(bundles)}" if bundles else "")
        raise UsageError(f"mixes.{shown(name)}.bundle: no stream stands in a bundle {shown(bundle)}{known}")
    there = _offered(answers, bundle)
    absent = tuple(device for device, share in shares.items() if share > 0 and device not in there)
    missing = max(0.0, 1 - sum(share for device, share in shares.items() if device in there))
    answer = answers.of(answers.made(answers.offer.named(shares, bundle)))
    return NamedMix(name, bundle, shares, missing if missing > WHOLE else 0.0, absent, answer, answers.owed)


def _offered(answers: Answers, bundle: str | None) -> set[str]:
    """Return the device types offered anywhere, or in bundles of this name."""
    instance = answers.variants.instance
    streams, names = instance.streams, instance.devices.names
    if bundle is None:
        return {names[device] for device in np.flatnonzero(answers.offer.shares() > 0).tolist()}
    bundles = [own for _, own in instance.bundles]
    pairs = zip(streams.device.tolist(), streams.bundle.tolist(), strict=True)
    return {names[device] for device, own in pairs if own >= 0 and bundles[own] == bundle}
