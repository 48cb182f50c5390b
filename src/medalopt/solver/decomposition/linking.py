"""The linking variables form one vector, ordered as `list_linking_families` lists them.

Sums by region and by stream are included only where a constraint of the instance uses them.
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
    """Position of each linking variable in a vector of `count`; -1 where it does not exist."""

    feed: Ints  # (K, T)
    treated: Ints  # (H, T)
    returned: Ints  # (K, E, T + longest lead time), by the period in which the metal is returned
    device: Ints  # (D,)
    region: Ints  # (G,)
    stream: Ints  # (I,)
    spend: Ints  # (T,)
    footprint: int
    count: int

    @classmethod
    def of(cls, instance: Instance, found: Routes) -> Linking:
        """Number the linking variables of an instance.

        Args:
            instance: Instance.
            found: Routes.

        Returns:
            The positions.
        """
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
    """Return consecutive numbers that end before `end` where the mask is set, -1 elsewhere."""
    places = np.full(there.shape, -1, dtype=np.intp)
    places[there] = np.arange(end - int(there.sum()), end)
    return places


def at(weights: Floats, places: Ints) -> Floats:
    """Select weights by position.

    Args:
        weights (linking,): Vector of weights.
        places: Positions, -1 for none.

    Returns:
        Weights of the shape of `places`; 0 where there is no position.
    """
    return np.append(weights, 0.0)[places]
