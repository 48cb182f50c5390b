"""Which regions can see to their share by themselves: participation where nothing waits, tonne by tonne."""

from __future__ import annotations

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes

SURE = 1 + 1e-6  # times what is asked of a region, that it must be able to send


def own_share(instance: Instance, found: Routes) -> Floats:
    """Return the tonnes asked of each region that can be decided there by price alone, (G,); 0 of the others.

    Such a region has no stockpiles, and can send what is asked: nothing that it decides in one period then bears on
    another, but for the sum.
    """
    streams, regions = instance.streams, len(instance.regions)
    tonnes, region = streams.available.value, streams.region
    free = free_tonnes(instance, found)
    asked = float(instance.policy.participation.value) * np.bincount(region, tonnes.sum(axis=1), regions)
    waits = np.bincount(region, streams.storable, regions) > 0
    possible = np.bincount(region, free, regions) >= SURE * asked
    return np.where(possible & ~waits, asked, 0.0)


def free_tonnes(instance: Instance, found: Routes) -> Floats:
    """Return what can go somewhere of each stream, (I,), t: it has a route, and so has all that is bundled with it."""
    streams, tonnes = instance.streams, instance.streams.available.value
    routed = np.zeros(len(streams.names), dtype=bool)
    routed[found.stream] = True
    held = np.zeros((len(instance.bundles) + 1, tonnes.shape[1]), dtype=bool)  # a bundle with a stream without a route
    bundled = streams.bundle >= 0
    np.logical_or.at(held, streams.bundle[bundled], ~routed[bundled, None] & (tonnes[bundled] > 0))
    return np.where(routed[:, None] & ~(held[streams.bundle] & bundled[:, None]), tonnes, 0.0).sum(axis=1)
