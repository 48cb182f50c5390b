from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.paths import Path, render

LEAST = 6.0  # decades from which a spread is reported


class Spread(NamedTuple):
    """The smallest and largest parameter of one kind, as path, value and unit, and the decades between them."""

    least: str
    greatest: str
    decades: float

    def __str__(self) -> str:
        return f"{self.least} and {self.greatest} lie {self.decades:.0f} decades apart; check their units"


def widest_spread(instance: Instance) -> Spread | None:
    """Return the two parameters of one kind whose magnitudes lie farthest apart.

    Args:
        instance: The instance to examine.

    Returns:
        The widest spread; None where it is less than six decades.
    """
    spreads = [_spread(*kind) for kind in _kinds(instance)]
    widest = max((one for one in spreads if one is not None), key=lambda one: one.decades, default=None)
    return widest if widest is not None and widest.decades >= LEAST else None


def _kinds(instance: Instance) -> Iterator[tuple[Floats, str, Callable[[Any], Path]]]:
    """Yield the parameters of each kind, their unit, and a function from an index to the path."""
    metals, alloys, medals = instance.metals.names, instance.alloys.names, instance.medals.names
    devices, streams, offers = instance.devices.names, instance.streams.names, instance.market.names
    yield instance.medals.parts.value, "kg", lambda at: ("medals", medals[at[0]], "parts", alloys[at[1]])
    yield instance.medals.count.astype(np.float64), "", lambda at: ("medals", medals[at[0]], "count")
    yield instance.devices.assay.value, "kg/t", lambda at: ("devices", devices[at[0]], "content", metals[at[1]])
    yield instance.streams.available.value, "t", lambda at: ("streams", streams[at[0]], "available")
    money = instance.currency
    yield instance.streams.collection.value, f"{money}/t", lambda at: ("streams", streams[at[0]], "collection")
    yield instance.market.price.value, f"{money}/kg", lambda at: ("market", offers[at[0]], "price")


def _spread(values: Floats, unit: str, path: Callable[[Any], Path]) -> Spread | None:
    """Return the spread of the finite nonzero `values`; None where there are none."""
    size = np.abs(values)
    some = (size > 0) & np.isfinite(size)
    if not some.any():
        return None
    ends = (np.argmin(np.where(some, size, np.inf)), np.argmax(np.where(some, size, 0.0)))
    at = [np.unravel_index(int(end), size.shape) for end in ends]
    least, greatest = (f"{render(path(one))} ({values[one]:.4g}{f' {unit}' if unit else ''})" for one in at)
    return Spread(least, greatest, float(np.log10(size[at[1]]) - np.log10(size[at[0]])))
