from __future__ import annotations

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes

SURE = 1 + 1e-6  # routable supply over required participation, at least


def own_share(instance: Instance, found: Routes) -> Floats:
    """Compute the participation of regions whose constraint is separable.

    Such a region has no stockpiles and enough supply with a route, so that its decisions in one period affect another
    period through the sum alone; one price per region then decides.

    Args:
        instance: The instance.
        found: Its routes.

    Returns:
        Required tonnes (G,) of separable regions; 0 for the others.
    """
    streams, regions = instance.streams, len(instance.regions)
    tonnes, region = streams.available.value, streams.region
    free = free_tonnes(instance, found)
    asked = float(instance.policy.participation.value) * np.bincount(region, tonnes.sum(axis=1), regions)
    waits = np.bincount(region, streams.storable, regions) > 0
    possible = np.bincount(region, free, regions) >= SURE * asked
    return np.where(possible & ~waits, asked, 0.0)


def free_tonnes(instance: Instance, found: Routes) -> Floats:
    """Compute the supply of each stream that has a route, and whose bundle has no stream without one.

    Args:
        instance: The instance.
        found: Its routes.

    Returns:
        Tonnes over the horizon (I,).
    """
    streams, tonnes = instance.streams, instance.streams.available.value
    routed = np.zeros(len(streams.names), dtype=bool)
    routed[found.stream] = True
    held = np.zeros(
        (len(instance.bundles) + 1, tonnes.shape[1]), dtype=bool
    )  # (B + 1, T) bundles that contain a stream without a route
    bundled = streams.bundle >= 0
    np.logical_or.at(held, streams.bundle[bundled], ~routed[bundled, None] & (tonnes[bundled] > 0))
    return np.where(routed[:, None] & ~(held[streams.bundle] & bundled[:, None]), tonnes, 0.0).sum(axis=1)
