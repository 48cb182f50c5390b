"""At which price more of a source comes in: asked of those that are refused, or taken in part."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from medalopt.analysis.explanation.groups import sources
from medalopt.analysis.explanation.near import Near
from medalopt.analysis.explanation.taking import NOTHING, entering
from medalopt.plan.plan import Plan

MOST = 40  # sources that are asked about, those with the most tonnes left first


def entry(plan: Plan) -> Mapping[int, float]:
    """Return by how much a tonne of a stream must cost less so that more of its source is taken, by stream.

    Infinite where no price does it. Streams of a bundle become cheaper together. What is taken whole is not asked, and
    what cannot be proven is not among them.
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
