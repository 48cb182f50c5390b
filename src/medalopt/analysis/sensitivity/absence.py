"""Outages: elements that may drop out of a plan, and the linear program without one of them in some periods.

The program is not rebuilt: upper bounds of the columns concerned, and right-hand sides of supply, become 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.variants import Variant
from medalopt.errors import UsageError
from medalopt.instance.figures import Bools, Floats
from medalopt.instance.instance import Instance
from medalopt.instance.paths import PathError, parse, render
from medalopt.solver.linear import Linear
from medalopt.wording import shown

_COMMITTED = {"streams": "stream_commitment", "smelters": "feed_total", "market": "purchase"}


@dataclass(frozen=True, eq=False)
class Absence:
    """An element that can drop out: the `names` of its members along one axis of the instance."""

    kind: str  # display word: smelter, treatment, region, channel, offer, bundle or stream
    name: str
    path: str
    axis: str  # streams, treatments, smelters or market
    names: frozenset[str]


def absences(instance: Instance) -> list[Absence]:
    """Return every smelter, treatment, region, channel (bundle or single device in all regions) and offer."""
    streams = instance.streams
    regions = [instance.regions[region] for region in streams.region.tolist()]
    return [
        *_each("smelter", "smelters", instance.smelters.names),
        *_each("treatment", "treatments", instance.treatments.names),
        *_grouped("region", "regions", regions, streams.names),
        *_grouped("channel", "channels", channels(instance), streams.names),
        *_each("offer", "market", instance.market.names),
    ]


def channels(instance: Instance) -> list[str]:
    """Return the channel of each stream (I,): the name of its bundle, or of its device if it belongs to none."""
    streams = instance.streams
    pairs = zip(streams.bundle.tolist(), streams.device.tolist(), strict=True)
    return [instance.bundles[b][1] if b >= 0 else instance.devices.names[d] for b, d in pairs]


def contracts(instance: Instance) -> list[Absence]:
    """Return the elements that are contracted one by one.

    Args:
        instance: The instance.

    Returns:
        Each bundle of a region, each stream outside bundles, each smelter's feed, and each market offer.
    """
    streams = instance.streams
    pairs = list(zip(streams.names, streams.bundle.tolist(), strict=True))
    bundled = {name: "@".join(reversed(instance.bundles[bundle])) for name, bundle in pairs if bundle >= 0}
    return [
        *_grouped("bundle", "bundles", list(bundled.values()), list(bundled)),
        *_each("stream", "streams", [name for name in streams.names if name not in bundled]),
        *_each("smelter", "smelters", instance.smelters.names),
        *_each("offer", "market", instance.market.names),
    ]


def chosen(instance: Instance, paths: Sequence[str]) -> list[Absence]:
    """Return the outages that `paths` name, such as `smelters.kosaka`; raise UsageError for an unknown path."""
    known = {absence.path: absence for absence in absences(instance)}
    found = []
    for path in paths:
        try:
            absence = known.get(render(parse(path)))
        except PathError as error:
            raise UsageError(f"{shown(path)}: {error}") from error
        if absence is None:
            near = [one for one in known if one.split(".")[0] == path.split(".")[0]] or list(known)
            raise UsageError(
                f"{shown(path)}: nothing that can drop out has that name; there are {shown(', '.join(near), 400)}"
            )
        found.append(absence)
    return found


def closed(variant: Variant, away: Absence, periods: Bools, bound: bool = False) -> Linear:
    """Return the program of a scenario without one element in some periods.

    Args:
        variant: Scenario whose program is changed.
        away: Element that drops out.
        periods (T,): True for periods of the outage.
        bound: Keep its commitments and the region's participation target; by default they are released with it.

    Returns:
        The program with closed columns, zero supply and, unless `bound`, released lower row bounds.
    """
    linear, offset = variant.linear, len(variant.block.route) + len(variant.block.stock_stream)
    upper, row_upper = linear.upper.copy(), linear.row_upper.copy()
    upper[: len(variant.block.route)][_routes(variant, away, periods)] = 0.0
    when = {name for name, gone in zip(variant.instance.periods, periods, strict=True) if gone}
    if away.axis == "streams":
        upper[offset : offset + len(variant.block.take_bundle)][_shares(variant, away, periods)] = 0.0
        for row in _rows(linear, "supply"):
            stream, period = linear.rows[row][1]
            if stream in away.names and period in when:
                row_upper[row] = 0.0
    if away.axis == "market":
        stocked = {index[0] for place, index in linear.places if place == "acquire"}
        bought = [
            linear.network + number
            for number, (place, index) in enumerate(linear.places)
            if place in ("acquire", "buy") and index[0] in away.names and index[-1] in when
            if place == "acquire" or index[0] not in stocked
        ]
        upper[bought] = 0.0
    row_lower = linear.row_lower if bound else _released(variant, away, periods)
    return dataclasses.replace(linear, upper=upper, row_upper=row_upper, row_lower=row_lower)


def _routes(variant: Variant, away: Absence, periods: Bools) -> Bools:
    """Return the shipment columns (C,) that pass through the element in the periods of the outage."""
    block, found = variant.block, variant.found
    axes = {"smelters": found.smelter, "treatments": found.treatment}
    if away.axis not in axes:
        return np.zeros(len(block.route), dtype=bool)
    members = np.append(_members(variant.instance, away), False)  # last: index -1 of a route without a smelter
    return members[axes[away.axis][block.route]] & periods[block.period]


def _shares(variant: Variant, away: Absence, periods: Bools) -> Bools:
    """Return the columns of bundle shares that belong to the element in the periods of the outage."""
    gone = np.zeros(len(variant.instance.bundles) + 1, dtype=bool)
    gone[variant.instance.streams.bundle[_members(variant.instance, away)]] = True
    return gone[variant.block.take_bundle] & periods[variant.block.take_period]


def _released(variant: Variant, away: Absence, periods: Bools) -> Floats:
    """Return the lower row bounds without the element's commitments and its part of the participation targets."""
    linear, instance = variant.linear, variant.instance
    lower = linear.row_lower.copy()
    for row in _rows(linear, _COMMITTED.get(away.axis, "")):
        if linear.rows[row][1] in away.names:
            lower[row] = -np.inf
    if away.axis == "streams":
        members = _members(instance, away)
        for row in _rows(linear, "participation"):
            region = instance.streams.region == instance.regions.index(str(linear.rows[row][1]))
            gone = np.outer(members[region], periods)
            offers = np.where(gone, 0.0, instance.streams.available.value[region])  # no subtraction: no rounding error
            lower[row] = float(instance.policy.participation.value) * float(offers.sum())
    return lower


def _rows(linear: Linear, rule: str) -> Iterator[int]:
    """Yield the numbers of the rows of one constraint family."""
    return (number for number, (name, _) in enumerate(linear.rows) if name == rule)


def _members(instance: Instance, away: Absence) -> Bools:
    """Return the members of the element along its axis, as booleans."""
    names: tuple[str, ...] = getattr(instance, away.axis).names
    return np.array([name in away.names for name in names], dtype=bool)


def _each(kind: str, axis: str, names: Sequence[str]) -> Iterator[Absence]:
    """Yield one outage for each name."""
    for name in names:
        yield Absence(kind, name, render((axis, name)), axis, frozenset({name}))


def _grouped(kind: str, section: str, labels: Sequence[str], streams: Sequence[str]) -> Iterator[Absence]:
    """Yield one outage for each label, with all streams that carry it."""
    for name in sorted(set(labels)):
        names = frozenset(stream for label, stream in zip(labels, streams, strict=True) if label == name)
        yield Absence(kind, name, render((section, name)), "streams", names)
