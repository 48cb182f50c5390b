"""Other compositions of what is offered: the tonnes of each source stay, their split between device types moves.

A source is a bundle of a region, or all streams of a region that stand in no bundle. Nothing is offered where
nothing of its kind is offered now: a bundle of kettles cannot become one of phones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Bools, Figures, Floats, Ints
from medalopt.instance.instance import Instance

ALL = 1e-9  # of a source's tonnes, below which what is left of the others is rounding


@dataclass(frozen=True, eq=False)
class Offer:
    """What an instance offers, in sources: S of them, I streams, T periods."""

    instance: Instance
    source: Ints  # (I,)
    available: Floats  # (I, T) t

    @classmethod
    def of(cls, instance: Instance) -> Offer:
        """Return what `instance` offers."""
        streams = instance.streams
        source = np.where(streams.bundle >= 0, streams.bundle, len(instance.bundles) + streams.region)
        return cls(instance, source, streams.available.value)

    def by_source(self, tonnes: Floats) -> Floats:
        """Return the sums over the streams of each source, (S, T), of `tonnes`, (I, T)."""
        sums = np.zeros((len(self.instance.bundles) + len(self.instance.regions), tonnes.shape[1]))
        np.add.at(sums, self.source, tonnes)
        return sums

    def shares(self, instance: Instance | None = None) -> Floats:
        """Return each device's share of all tonnes that the instance, or another made from it, offers, (D,)."""
        available = self.available if instance is None else instance.streams.available.value
        sums = np.bincount(
            self.instance.streams.device, available.sum(axis=1), minlength=len(self.instance.devices.names)
        )
        return np.asarray(sums / max(float(available.sum()), np.finfo(float).tiny))

    def offering(self, available: Floats) -> Instance:
        """Return the instance with other tonnes on offer, (I, T)."""
        figures = Figures(available, np.zeros((1, 1), dtype=np.intp))
        return dataclasses.replace(self.instance, streams=dataclasses.replace(self.instance.streams, available=figures))

    def _mine(self, device: int) -> Bools:
        return np.asarray(self.instance.streams.device == device)

    def reach(self, device: int) -> tuple[float, float]:
        """Return how many times its present share `device` can have: in every source, and in any.

        A source that offers nothing beside it cannot be changed and sets no end; (inf, inf) where none can.
        """
        own = self.by_source(np.where(self._mine(device)[:, None], self.available, 0.0))
        whole = self.by_source(self.available)
        moves = (own > 0) & (own < whole)
        if not moves.any():
            return np.inf, np.inf
        times = whole[moves] / own[moves]
        return float(times.min()), float(times.max())

    def scaled(self, device: int, times: float) -> Instance:
        """Return the instance in which `device` has `times` its share of each source, the others in proportion.

        It has all of a source where it would have more; where nothing else is offered it keeps it.
        """
        mine = self._mine(device)[:, None]
        own, whole = self.by_source(np.where(mine, self.available, 0.0)), self.by_source(self.available)
        rest = whole - own
        wanted = np.where(own * times < whole * (1 - ALL), own * times, whole)
        wanted = np.where(rest > 0, wanted, own)
        more = np.divide(wanted, own, out=np.ones_like(own), where=own > 0)
        less = np.divide(whole - wanted, rest, out=np.ones_like(own), where=rest > 0)
        return self.offering(self.available * np.where(mine, more[self.source], less[self.source]))

    def split(self, parts: Mapping[int, float]) -> Instance:
        """Return the instance in which the tonnes of some devices in each source are split anew among them.

        Each has its part of them, by device; where a source does not offer all of them then, those it offers have
        theirs in proportion, and where none of these has a part they stay as they are.
        """
        weight = np.zeros(len(self.instance.devices.names))
        weight[list(parts)] = list(parts.values())
        own = self._among(parts)
        weighed = np.where(own > 0, weight[self.instance.streams.device][:, None] * self._portion(), 0.0)
        before, after = self.by_source(own), self.by_source(weighed)
        factor = np.divide(before, after, out=np.zeros_like(after), where=after > 0)
        moved = np.where((after > 0)[self.source], weighed * factor[self.source], own)
        return self.offering(self.available - own + moved)

    def together(self, devices: Collection[int]) -> Floats:
        """Return the tonnes of each of `devices` where a source offers it beside another of them, (len(devices),)."""
        own = self._among(devices)
        kinds = sum(
            (self.by_source(np.where(self._mine(device)[:, None], own, 0.0)) > 0).astype(int) for device in devices
        )
        shared = np.where((np.asarray(kinds) > 1)[self.source], own, 0.0)
        return np.array([shared[self._mine(device)].sum() for device in devices])

    def _among(self, devices: Collection[int]) -> Floats:
        chosen = np.isin(self.instance.streams.device, list(devices))
        return np.where(chosen[:, None], self.available, 0.0)

    def named(self, shares: Mapping[str, float], bundle: str | None = None) -> Instance:
        """Return the instance with the named mix: `shares` of all tonnes on offer, or of those of one `bundle`.

        What is missing to all is not handed in. Of all tonnes: each device comes from where it comes from now, in
        proportion. Of a bundle: in each region and period, and what stands in no such bundle stays as it is.
        """
        devices = self.instance.devices.names
        share = np.array([shares.get(name, 0.0) for name in devices])[self.instance.streams.device][:, None]
        if bundle is None:
            present = self.shares()[self.instance.streams.device][:, None]
            return self.offering(
                self.available * np.divide(share, present, out=np.zeros_like(share), where=present > 0)
            )
        inside = np.array([number for number, (_, name) in enumerate(self.instance.bundles) if name == bundle])
        tonnes = self.by_source(self.available)[self.source] * share * self._portion()
        return self.offering(np.where(np.isin(self.source, inside)[:, None], tonnes, self.available))

    def _portion(self) -> Floats:
        """Return what part each stream has of its device in its source, (I, T): several may offer the same."""
        devices = len(self.instance.devices.names)
        kind = self.source * devices + self.instance.streams.device
        own = np.zeros(((len(self.instance.bundles) + len(self.instance.regions)) * devices, self.available.shape[1]))
        np.add.at(own, kind, self.available)
        equal = 1 / np.bincount(kind)[kind][:, None]
        return np.divide(self.available, own[kind], out=equal + 0 * self.available, where=own[kind] > 0)
