"""Entry prices: discount at which more of a rejected or partly taken stream would be collected."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from medalopt.analysis.explanation.groups import sources
from medalopt.analysis.explanation.near import Near
from medalopt.analysis.explanation.taking import NOTHING, entering
from medalopt.plan.plan import Plan

MOST = 40  # maximum number of sources priced, those with the most tonnes left


def entry(plan: Plan) -> Mapping[int, float]:
    """Compute the price reduction at which more of a source enters the optimal plan.

    Args:
        plan: Optimal plan.

    Returns:
        Discount per tonne by stream index, money/t, for sources not fully taken (at most MAX_PRICED_SOURCES, largest
        rest first). Streams of a bundle get cheaper together. Infinite if no price is low enough.
    """
    instance = plan.instance
    left = {}
    for source in sources(instance):
        offered = float(instance.streams.available.value[source.streams].sum())
        rest = offered - float(np.asarray(plan.account.sent)[source.streams].sum())
        if rest > NOTHING * offered:
            left[source.name] = (rest, source)
    asked = [source for _, (_, source) in sorted(left.items(), key=lambda item: (-item[1][0], item[0]))[:MOST]]
    if not asked:
        return {}
    near = Near.of(plan, [source.streams for source in asked])
    lower = entering(near, len(asked))
    pairs = [(source, by) for source, by in zip(asked, lower, strict=True) if by is not None]
    return {int(i): by for source, by in pairs for i in source.streams}
