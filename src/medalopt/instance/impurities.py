r"""Impurities in feeds: content, acceptance and penalties.

The content of a feed is the metal or impurity in it by assay and recovery, in kg per tonne of feed. A feed whose
content is above `refuse` has no route. A penalty is $c\max(0,(a-\theta)/p)$ per tonne of feed of content $a$; per tonne
of devices, of which $\pi$ become feed with $m=\pi a$, it is $c\max(0,m-\theta\pi)/p$.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medalopt.instance.arithmetic import Numbers, make_zeros, read_floats
from medalopt.instance.arrays import Bools, ExactArray, Ints
from medalopt.instance.instance import Instance
from medalopt.tolerances import AMOUNT_TOLERANCE


def compute_impurity_content(
    instance: Instance, read: Callable[[ExactArray], Numbers], device: Ints, treatment: Ints
) -> Numbers:
    """Compute the impurities in the feed per tonne of devices, before any condition of a smelter.

    Args:
        instance: The instance.
        read: Reads parameters in the arithmetic of the result.
        device (N,): Index of the device.
        treatment (N,): Index of the treatment.

    Returns:
        Assay times recovery (N, X), kg/t of devices.
    """
    impurities = instance.impurities
    content = read(impurities.assay)[device] * read(impurities.recovery)[treatment, device]
    for x, metal in enumerate(impurities.metal.tolist()):
        if metal >= 0:
            assay, recovery = read(instance.devices.assay), read(instance.treatments.recovery)
            content[:, x] = assay[device, metal] * recovery[treatment, device, metal]
    return content


def find_refused_elements(instance: Instance) -> Bools:
    """Find which feeds are above the content that a smelter accepts; equal, within rounding, is accepted.

    Returns:
        By smelter, device, treatment and element (K, D, H, X), False where no line of terms settles the feed.
    """
    impurities, line = instance.impurities, instance.smelters.line
    refused = np.zeros((*line.shape, len(impurities.names)), dtype=np.bool_)
    if not np.isfinite(impurities.refuse.raw).any():
        return refused
    k, d, h = np.nonzero(line >= 0)
    content = compute_impurity_content(instance, read_floats, d, h)
    share = instance.treatments.to_smelter.value[h, d][:, None]
    limit = impurities.refuse.value[line[k, d, h]]
    with np.errstate(invalid="ignore"):
        above = content > limit * share * (1 + AMOUNT_TOLERANCE)
    refused[k, d, h] = above & np.isfinite(limit)
    return refused


def find_accepted_lines(instance: Instance) -> Ints:
    """Find the line of terms of every feed that a smelter accepts.

    Returns:
        By smelter, device and treatment (K, D, H), -1 where the feed is not accepted.
    """
    line = instance.smelters.line
    if not np.isfinite(instance.impurities.refuse.raw).any():
        return line
    return np.where(find_refused_elements(instance).any(axis=-1), -1, line)


def has_limit(instance: Instance) -> Bools:
    """Return which elements a smelter limits in its feed.

    Args:
        instance: The instance.

    Returns:
        Mask (K, X).
    """
    return np.isfinite(instance.impurities.limit.raw)


def compute_penalties(
    instance: Instance,
    read: Callable[[ExactArray], Numbers],
    line: Ints,
    content: Numbers,
    to_smelter: Numbers,
) -> Numbers:
    """Compute the penalties of feeds.

    Args:
        instance: The instance.
        read: Reads parameters in the arithmetic of the result.
        line (N,): Index of the line of terms, -1 without a smelter.
        content (N, X): Impurities in the feed, kg/t of devices.
        to_smelter (N,): Mass fraction sent on to the smelter.

    Returns:
        Penalties by element (N, X, 1 or T), money/t of devices.
    """
    impurities = instance.impurities
    total = make_zeros((*content.shape, impurities.penalty_charge.shape[1]), content)
    above, per, charge = map(read, (impurities.penalty_above, impurities.penalty_per, impurities.penalty_charge))
    for n, (of, x) in enumerate(
        zip(impurities.penalty_line.tolist(), impurities.penalty_element.tolist(), strict=True)
    ):
        those = np.flatnonzero(line == of)
        excess = np.maximum(content[those, x] - above[n] * to_smelter[those], 0)
        total[those, x] = total[those, x] + charge[n] * excess[:, None] / per[n]
    return total
