"""Checks of policies over the whole horizon, past and remaining, which the remaining plan satisfies only for itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.replanning.past import Past
from medalopt.analysis.replanning.stock import IN_STOCK
from medalopt.instance.figures import Floats
from medalopt.instance.paths import render
from medalopt.plan.plan import Plan
from medalopt.proof.rows import BROKEN


@dataclass(frozen=True)
class Missed:
    """A policy violated over the whole horizon: its path, required share and actual share."""

    path: str
    asked: float
    comes: float


def missed(past: Past, plan: Plan) -> tuple[Missed, ...]:
    """Return the violated policies on device shares, participation of regions and recycled content."""
    return (*_windows(past, plan), *_participation(past, plan), *_recycled(past, plan))


def _sent(past: Past, plan: Plan) -> tuple[Floats, Floats]:
    """Return the tonnes sent over the whole horizon by device (D,) and by region (G,) of the original instance."""
    instance, left = past.instance, plan.instance
    gone = np.zeros(len(instance.streams.names))
    np.add.at(gone, past.found.stream, (past.sent + past.mint.decisions.sent).sum(axis=1))
    by_device, by_region = np.zeros(len(left.devices.names)), np.zeros(len(instance.regions))
    np.add.at(by_device, instance.streams.device, gone)
    np.add.at(by_device, left.streams.device, plan.account.sent)
    np.add.at(by_region, instance.streams.region, gone)
    home = {name: g for g, name in enumerate(instance.regions)}
    home |= {IN_STOCK.format(name): g for g, name in enumerate(instance.regions)}
    of = np.array([home.get(name, -1) for name in left.regions], dtype=np.intp)[left.streams.region]
    np.add.at(by_region, of[of >= 0], plan.account.sent[of >= 0])
    return by_device[: len(instance.devices.names)], by_region


def _windows(past: Past, plan: Plan) -> Iterator[Missed]:
    """Yield the device share windows that are violated."""
    policy, by_device = past.instance.policy, _sent(past, plan)[0]
    everything = float(by_device.sum())
    for w, name in enumerate(policy.windows):
        share = float(by_device[policy.members[w]].sum()) / everything if everything else 0.0
        low, high = float(policy.window_low.value[w]), float(policy.window_high.value[w])
        if everything and not low - BROKEN <= share <= high + BROKEN:
            yield Missed(render(("policy", "device_share", name)), low if share < low else high, share)


def _participation(past: Past, plan: Plan) -> Iterator[Missed]:
    """Yield the regions whose participation is too low."""
    instance, by_region = past.instance, _sent(past, plan)[1]
    asked, offered = float(instance.policy.participation.value), np.zeros(len(past.instance.regions))
    np.add.at(offered, instance.streams.region, instance.streams.available.value.sum(axis=1))
    for g in np.flatnonzero(by_region < (asked - BROKEN) * offered).tolist():
        region = instance.regions[g]
        yield Missed(f"{render(('policy', 'participation'))} of {region}", asked, float(by_region[g] / offered[g]))


def _recycled(past: Past, plan: Plan) -> Iterator[Missed]:
    """Yield the metals whose recycled content is too low."""
    instance, floors = past.instance, past.instance.policy.recycled.value
    content = instance.market.composition.value * (1 - instance.market.recycled.value)[:, None]  # (O, E)
    bought = past.mint.decisions.bought.sum(axis=(1, 2)) + plan.account.decisions.bought.sum(axis=(1, 2))
    charged = past.mint.composition.sum(axis=(0, 2)) + plan.account.composition.sum(axis=(0, 2))
    new = bought @ content
    for metal in np.flatnonzero((floors > 0) & (new > (1 - floors + BROKEN) * charged)).tolist():
        path = render(("policy", "recycled", instance.metals.names[metal]))
        yield Missed(path, float(floors[metal]), 1 - float(new[metal] / charged[metal]))
