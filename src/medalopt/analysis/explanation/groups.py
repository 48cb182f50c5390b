"""Sources: what one region offers of one kind. A stream on its own, or the bundle that it comes in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Ints
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render

MOST = 12  # sources that are told one by one


@dataclass(frozen=True, eq=False)
class Source:
    """Streams that are told together: `region` is empty where it is those of all regions."""

    what: str
    region: str
    streams: Ints

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return f"{self.what} from {self.region}" if self.region else self.what

    def paths(self, instance: Instance) -> list[str]:
        """Return the paths of its streams."""
        return [render(("streams", instance.streams.names[i])) for i in self.streams.tolist()]


def sources(instance: Instance) -> tuple[Source, ...]:
    """Return every source of `instance`."""
    return _grouped([_key(instance, i) for i in range(len(instance.streams.names))])


def told(instance: Instance) -> tuple[Source, ...]:
    """Return the sources as they are told: one by one where they are few, else by kind, all regions together."""
    each = sources(instance)
    if len(each) <= MOST:
        return each
    return _grouped([(_key(instance, i)[0], "") for i in range(len(instance.streams.names))])


def of_stream(instance: Instance, stream: int) -> Source:
    """Return the source that a stream belongs to."""
    return next(source for source in sources(instance) if stream in source.streams)


def _key(instance: Instance, stream: int) -> tuple[str, str]:
    streams = instance.streams
    region, bundle = instance.regions[streams.region[stream]], streams.bundle[stream]
    if bundle >= 0:
        return f"{instance.bundles[bundle][1]} (bundle)", region
    return streams.names[stream].removesuffix(f"@{region}"), region


def _grouped(keys: list[tuple[str, str]]) -> tuple[Source, ...]:
    members: dict[tuple[str, str], list[int]] = {}
    for stream, key in enumerate(keys):
        members.setdefault(key, []).append(stream)
    return tuple(Source(*key, np.array(streams, dtype=np.intp)) for key, streams in members.items())
