"""Stockpiles as supply: devices in stock become streams that are already collected and paid, available at once.

They form a region of their own, `NAME, in stock`, with the lanes and treatments of their region of origin, so that no
delivery is ordered twice.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from medalopt.instance.figures import Figures, Floats, Ints
from medalopt.instance.instance import Instance, Lanes, Streams

IN_STOCK = "{}, in stock"
_NONE = ("committed", "lot", "minimum_order", "price", "collection", "footprint")


def with_stock(instance: Instance, tonnes: Floats) -> Instance:
    """Add stockpiled devices to an instance as free streams.

    Args:
        instance: The instance.
        tonnes (I,): Stock of each stream, t.

    Returns:
        The instance with one more stream per stockpile; unchanged if there is no stock.
    """
    waits = np.flatnonzero(tonnes > 0)
    if not len(waits):
        return instance
    homes = np.unique(instance.streams.region[waits])
    region = len(instance.regions) + np.searchsorted(homes, instance.streams.region[waits])
    regions = np.append(np.arange(len(instance.regions)), homes)
    lanes = instance.lanes
    return replace(
        instance,
        regions=(*instance.regions, *(IN_STOCK.format(instance.regions[home]) for home in homes.tolist())),
        streams=_streams(instance.streams, waits, tonnes[waits], region),
        treatments=replace(instance.treatments, regions=instance.treatments.regions[:, regions]),
        lanes=Lanes(lanes.exists[regions], _rows(lanes.cost, regions), _rows(lanes.footprint, regions)),
    )


def _rows(figures: Figures, which: Ints) -> Figures:
    """Return the chosen entries of an array along its first axis."""
    unit = np.broadcast_to(figures.unit, figures.shape)
    return replace(figures, raw=figures.raw[which], unit=unit[which])


def _streams(streams: Streams, waits: Ints, tonnes: Floats, region: Ints) -> Streams:
    """Return the streams with those in stock appended."""
    which, first = np.append(np.arange(len(streams.names)), waits), len(streams.names)
    made: dict[str, Any] = {}
    for field in fields(streams):
        part = getattr(streams, field.name)
        if isinstance(part, Figures):
            made[field.name] = _rows(part, which)
        elif isinstance(part, np.ndarray):
            made[field.name] = part[which]
    for name in _NONE:
        made[name].raw[first:] = 0.0
    offered = streams.available.value[which]
    offered[first:] = 0.0
    offered[first:, 0] = tonnes
    made["available"] = Figures(offered, np.zeros(offered.shape, dtype=np.intp))
    made["bundle"][first:], made["region"][first:] = -1, region
    names = (*streams.names, *(IN_STOCK.format(streams.names[i]) for i in waits.tolist()))
    return replace(streams, **{**made, "names": names})
