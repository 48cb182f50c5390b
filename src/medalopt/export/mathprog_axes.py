"""Index sets of a MathProg data file: every name of an instance as a quoted symbol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medalopt.export.mathprog_data import Axis
from medalopt.export.names import LONGEST_SYMBOL, symbols, unlike
from medalopt.instance.instance import Instance
from medalopt.program import percent_encoded


@dataclass(frozen=True)
class Axes:
    """Subscripts of every index set, as written in the file."""

    periods: Axis
    metals: Axis
    devices: Axis
    regions: Axis
    streams: Axis
    bundles: Axis  # by bundle index, the default last (index -1)
    treatments: Axis
    smelters: Axis
    terms: Axis
    offers: Axis
    alloys: Axis
    medals: Axis
    windows: Axis


def axes(instance: Instance) -> Axes:
    """Return the subscripts of an instance.

    Args:
        instance: Instance.

    Returns:
        The subscripts; a line of smelter terms is `smelter:line`.
    """
    smelter_of = [instance.smelters.names[k] for k in instance.terms.smelter]
    terms = [
        f"{percent_encoded(k)}:{percent_encoded(line)}" if line else percent_encoded(k)
        for k, line in zip(smelter_of, instance.terms.names, strict=True)
    ]
    return Axes(
        periods=[str(t + 1) for t in range(len(instance.periods))],
        metals=quoted(instance.metals.names),
        devices=quoted(instance.devices.names),
        regions=quoted(instance.regions),
        streams=quoted(instance.streams.names),
        bundles=[*quoted([bundle for _, bundle in instance.bundles]), "."],
        treatments=quoted(instance.treatments.names),
        smelters=quoted(instance.smelters.names),
        terms=[f"'{symbol}'" for symbol in unlike(terms, LONGEST_SYMBOL)],
        offers=quoted(instance.market.names),
        alloys=quoted(instance.alloys.names),
        medals=quoted(instance.medals.names),
        windows=quoted(instance.policy.windows),
    )


def quoted(names: Sequence[str]) -> Axis:
    """Return the quoted symbol of each name."""
    symbol = symbols(names)
    return [f"'{symbol[name]}'" for name in names]


def picked(axis: Axis, places: NDArray[np.intp]) -> Axis:
    """Return the subscripts at the given indices.

    Args:
        axis: Subscripts of an index set.
        places: Indices into it.

    Returns:
        The selected subscripts.
    """
    return [axis[place] for place in places.tolist()]


def cut_names(instance: Instance) -> Iterator[str]:
    """Yield a comment with the full name for every name that is too long for a symbol."""
    listed = (
        instance.metals,
        instance.devices,
        instance.streams,
        instance.treatments,
        instance.smelters,
        instance.market,
        instance.alloys,
        instance.medals,
    )
    names = {*instance.regions, *instance.policy.windows, *(bundle for _, bundle in instance.bundles)}
    for name in sorted(names.union(*(axis.names for axis in listed))):
        if len(percent_encoded(name)) > LONGEST_SYMBOL:
            yield f"# '{symbols([name])[name]}' is {percent_encoded(name)}"
