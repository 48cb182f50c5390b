"""Supply sources: the supply of one region and kind, which is a single stream or the bundle it belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Ints
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render

MOST = 12  # sources reported one by one


@dataclass(frozen=True, eq=False)
class Source:
    """Streams that are reported together; `region` is empty for all regions."""

    what: str
    region: str
    streams: Ints

    @property
    def name(self) -> str:
        """Name of the source for a sentence."""
        return f"{self.what} from {self.region}" if self.region else self.what

    def paths(self, instance: Instance) -> list[str]:
        """Return the paths of its streams.

        Args:
            instance: Instance.

        Returns:
            One path per stream.
        """
        return [render(("streams", instance.streams.names[i])) for i in self.streams.tolist()]


def sources(instance: Instance) -> tuple[Source, ...]:
    """List the sources of an instance.

    Args:
        instance: Instance.

    Returns:
        Sources in the order of their first streams.
    """
    return _grouped([_key(instance, i) for i in range(len(instance.streams.names))])


def told(instance: Instance) -> tuple[Source, ...]:
    """Group streams for a report: by source if there are at most twelve, else by kind over all regions.

    Args:
        instance: Instance.

    Returns:
        The groups.
    """
    each = sources(instance)
    if len(each) <= MOST:
        return each
    return _grouped([(_key(instance, i)[0], "") for i in range(len(instance.streams.names))])


def of_stream(instance: Instance, stream: int) -> Source:
    """Find the source of a stream.

    Args:
        instance: Instance.
        stream: Number of the stream.

    Returns:
        The source.
    """
    return next(source for source in sources(instance) if stream in source.streams)


def _key(instance: Instance, stream: int) -> tuple[str, str]:
    """Return kind and region of the source of a stream."""
    streams = instance.streams
    region, bundle = instance.regions[streams.region[stream]], streams.bundle[stream]
    if bundle >= 0:
        return f"{instance.bundles[bundle][1]} (bundle)", region
    return streams.names[stream].removesuffix(f"@{region}"), region


def _grouped(keys: list[tuple[str, str]]) -> tuple[Source, ...]:
    """Group streams by their keys."""
    members: dict[tuple[str, str], list[int]] = {}
    for stream, key in enumerate(keys):
        members.setdefault(key, []).append(stream)
    return tuple(Source(*key, np.array(streams, dtype=np.intp)) for key, streams in members.items())
