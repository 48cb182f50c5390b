"""Supply may be left: more never costs more, and its split into streams has no effect."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from random import Random
from typing import Any

import numpy as np
import pytest
from tests.laws import pool
from tests.laws.figures import changed, plain

from medalopt import Instance
from medalopt.instance.arrays import ExactArray, Ints


def streams(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the streams of an instance as they are written."""
    return list(document.get("streams", []))


ALONE = pool.seeds(lambda document: any("bundle" not in stream for stream in streams(document)))
BUNDLED = pool.seeds(lambda document: sum("bundle" in stream for stream in streams(document)) > 1)


def with_more(instance: Instance, chosen: Iterable[int], random: Random, extra: float = 0.0) -> Instance:
    """Return `instance` with more of the `chosen` streams on offer, alike, in one period or in all; `extra` is in t."""
    available = instance.streams.available.value.copy()
    period = random.choice((slice(None), random.randrange(len(instance.periods))))
    available[list(chosen), period] *= random.uniform(1.05, 3)
    available[list(chosen), period] += extra
    return changed(instance, "streams", available=plain(available))


def halved(values: Any, order: Ints, halves: list[int]) -> Any:
    """Return figures by stream in another order, those of `halves` at half."""
    unit = np.broadcast_to(values.unit, values.raw.shape)
    raw = values.raw[order]
    raw[halves] /= 2
    return ExactArray(raw, unit[order], values.factors)


def split(instance: Instance, stream: int) -> Instance:
    """Return `instance` with `stream` offered in two halves, each with half of its limits."""
    whole, last = instance.streams, len(instance.streams.names)
    order = np.append(np.arange(last), stream)
    fields: dict[str, Any] = {"names": (*whole.names, "the other half")}
    for field in dataclasses.fields(whole):
        values = getattr(whole, field.name)
        if isinstance(values, ExactArray):
            limits = field.name in ("available", "committed", "storage_limit")
            fields[field.name] = halved(values, order, [stream, last] if limits else [])
        elif isinstance(values, np.ndarray):
            fields[field.name] = values[order]
    return changed(instance, "streams", **fields)


def no_participation(seed: int) -> Instance:
    """Return a random instance without participation."""
    return changed(pool.instance(seed), "policy", participation=plain(0))


def never_dearer(instance: Instance, other: Instance, measure: str) -> None:
    """Fail if `other` costs more than `instance`, or has no plan where that has one."""
    plan, better = pool.solved(instance, measure), pool.solved(other, measure)
    assert pool.value(better) <= pool.value(plan) + pool.slack(plan, better)


@pytest.mark.parametrize("seed", ALONE)
def test_more_of_a_stream_never_costs_more(seed: int) -> None:
    """More supply of a stream outside bundles never increases the cost, also from 0: surplus is not taken."""
    instance, random = no_participation(seed), Random(seed)
    chosen = random.choice(np.flatnonzero(instance.streams.bundle < 0).tolist())
    never_dearer(instance, with_more(instance, [chosen], random, extra=0.5), pool.MEASURES[seed % 3])


@pytest.mark.parametrize("seed", BUNDLED)
def test_more_of_a_whole_bundle_never_costs_more(seed: int) -> None:
    """More of all streams of a bundle, in proportion, is never dearer."""
    instance, random = no_participation(seed), Random(seed)
    members = np.flatnonzero(instance.streams.bundle == random.randrange(len(instance.bundles)))
    never_dearer(instance, with_more(instance, members.tolist(), random), pool.MEASURES[seed % 3])


@pytest.mark.parametrize("seed", sorted({*ALONE[:24], *BUNDLED[:24]}))
def test_a_stream_in_two_halves_costs_the_same(seed: int) -> None:
    """A stream split in two halves with half of its limits costs the same, in a bundle too."""
    instance, measure = pool.instance(seed), pool.MEASURES[seed % 3]
    plan = pool.plan(seed, measure)
    other = pool.solved(split(instance, Random(seed).randrange(len(instance.streams.names))), measure)
    assert pool.value(other) == pytest.approx(pool.value(plan), rel=0, abs=pool.slack(plan, other))


def test_more_supply_matters() -> None:
    """Among the random instances are some in which more of everything is cheaper, or makes a plan possible."""
    cheaper = 0
    for seed in ALONE[:15]:
        instance, random = no_participation(seed), Random(seed)
        everything = range(len(instance.streams.names))
        plan, better = pool.solved(instance), pool.solved(with_more(instance, everything, random))
        cheaper += pool.value(better) < pool.value(plan) - 10 * pool.slack(plan, better)
    assert cheaper >= 3
