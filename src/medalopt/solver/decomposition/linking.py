"""The linking quantities as one vector, in the order of `links`: where each of them stands in it.

Those of regions and streams are left out that no rule of the instance asks for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Bools, Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model.links import returned_at, told_regions, told_streams


@dataclass(frozen=True, eq=False)
class Linking:
    """The place of each linking quantity in a vector of `count`; -1 where there is no such quantity."""

    feed: Ints  # (K, T)
    treated: Ints  # (H, T)
    returned: Ints  # (K, E, T + the longest lead), by the period in which the metal is back
    device: Ints  # (D,)
    region: Ints  # (G,)
    stream: Ints  # (I,)
    spend: Ints  # (T,)
    footprint: int
    count: int

    @classmethod
    def of(cls, instance: Instance, found: Routes) -> Linking:
        """Return the places of the linking quantities of `instance`."""
        periods, smelters, treatments = len(instance.periods), len(instance.smelters.names), instance.treatments.names
        back = np.zeros((smelters, len(instance.metals.names), periods + instance.smelters.lead.max(initial=0)), bool)
        back[returned_at(instance, found)] = True
        every = (
            np.ones((smelters, periods), dtype=bool),
            np.ones((len(treatments), periods), dtype=bool),
            back,
            np.ones(len(instance.devices.names), dtype=bool),
            told_regions(instance, found, whole=False),
            told_streams(instance, whole=False),
            np.ones(periods, dtype=bool),
        )
        ends = np.cumsum([family.sum() for family in every]).tolist()
        feed, treated, returned, device, region, stream, spend = map(_counted, every, ends)
        return cls(feed, treated, returned, device, region, stream, spend, ends[-1], ends[-1] + 1)


def _counted(there: Bools, end: int) -> Ints:
    """Return the numbers up to `end` where something is there, in order, and -1 elsewhere."""
    places = np.full(there.shape, -1, dtype=np.intp)
    places[there] = np.arange(end - int(there.sum()), end)
    return places


def at(weights: Floats, places: Ints) -> Floats:
    """Return the weights at `places`, 0 where there is none."""
    return np.append(weights, 0.0)[places]
