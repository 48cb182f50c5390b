"""Relaxing a constraint never increases the cost; tightening never reduces it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from itertools import count, islice

import numpy as np
import pytest
from tests.laws import pool
from tests.laws.figures import changed, plain, times

from medalopt import Instance
from medalopt.instance.bounds import is_excluded_by_unnamed
from medalopt.instance.instance import compute_digest

NUMBER = 8  # instances for each rule: more than 200 in all
LOOSER, TIGHTER = Fraction(5, 4), Fraction(4, 5)

Change = Callable[[Instance], Instance]


def scale(section: str, field: str, factor: Fraction) -> Change:
    """Return the change that multiplies all figures of one field."""
    return lambda instance: times(instance, {section: (field,)}, factor)


def policy(**fields: float) -> Change:
    """Return the change that gives a rule of the policy one value, for all that it is given by."""
    return lambda instance: changed(
        instance,
        "policy",
        **{name: plain(np.full(getattr(instance.policy, name).shape, value)) for name, value in fields.items()},
    )


def windows(low: float, high: float) -> Change:
    """Return the change that moves the ends of all composition windows, by a factor, within 0 to 1."""
    return lambda instance: changed(
        instance,
        "alloys",
        low=plain(instance.alloys.low.value * low),
        high=plain(np.minimum(instance.alloys.high.value * high, 1)),
    )


def due(periods: int) -> Change:
    """Return the change that moves the dates of all medals by some periods."""

    def moved(instance: Instance) -> Instance:
        last = len(instance.periods) - 1
        return changed(instance, "medals", due=np.clip(instance.medals.due + periods, 0, last))

    return moved


def supplied(instance: Instance) -> Instance:
    """Return the instance with streams of bundles let out of them."""
    alone = np.full(len(instance.streams.names), -1)
    return dataclasses.replace(changed(instance, "streams", bundle=alone), bundles=())


LOOSENED: dict[str, Change] = {
    "no recycled content": policy(recycled=0),
    "no device mix": policy(window_low=0, window_high=1),
    "no participation": policy(participation=0),
    "no footprint cap": policy(footprint_cap=np.inf),
    "no bundles": supplied,
    "later": due(1),
    "wider windows": windows(0.99, 1.01),
    "more feed": scale("smelters", "capacity", LOOSER),
    "more treated": scale("treatments", "capacity", LOOSER),
    "more cast": scale("alloys", "capacity", LOOSER),
    "more feed in all": scale("smelters", "limit", LOOSER),
    "more to buy": scale("market", "limit", LOOSER),
    "larger stockpiles": scale("streams", "storage_limit", LOOSER),
    "a higher cap": scale("policy", "footprint_cap", LOOSER),
    "fewer streams committed": scale("streams", "committed", TIGHTER),
    "less feed committed": scale("smelters", "committed", TIGHTER),
    "less to buy committed": scale("market", "committed", TIGHTER),
}
TIGHTENED: dict[str, Change] = {
    "all recycled": policy(recycled=1),
    "participation of a tenth": policy(participation=0.1),
    "earlier": due(-1),
    "less feed": scale("smelters", "capacity", TIGHTER),
    "less treated": scale("treatments", "capacity", TIGHTER),
    "less cast": scale("alloys", "capacity", TIGHTER),
    "less feed in all": scale("smelters", "limit", TIGHTER),
    "less to buy": scale("market", "limit", TIGHTER),
    "smaller stockpiles": scale("streams", "storage_limit", TIGHTER),
    "a lower cap": scale("policy", "footprint_cap", Fraction(1, 10)),
    "more streams committed": scale("streams", "committed", LOOSER),
    "more feed committed": scale("smelters", "committed", LOOSER),
    "more to buy committed": scale("market", "committed", LOOSER),
}


def met(change: Change, feasible: bool = False) -> list[int]:
    """Return the first seeds of instances in which `change` changes a figure, and with `feasible` that have a plan."""

    def changes(seed: int) -> bool:
        instance = pool.instance(seed)
        return compute_digest(change(instance)) != compute_digest(instance) and not (
            feasible and pool.plan(seed) is None
        )

    return list(islice((seed for seed in count() if changes(seed)), NUMBER))


def strictly(change: Change, seed: int, sign: int) -> bool:
    """Fail unless `change` moves the cost in the direction of `sign` or not at all; return whether it does."""
    plan, other = pool.plan(seed), pool.solved(change(pool.instance(seed)))
    slack = pool.slack(plan, other)
    before, after = sign * pool.value(plan), sign * pool.value(other)
    assert after >= before - slack, f"{pool.value(plan)} became {pool.value(other)} in instance {seed}"
    return after > before + slack


@pytest.mark.parametrize("name", LOOSENED)
def test_asking_less_never_costs_more(name: str) -> None:
    """A policy dropped, a capacity or limit raised, a date later: never dearer, and never without a plan."""
    for seed in met(LOOSENED[name]):
        strictly(LOOSENED[name], seed, -1)


@pytest.mark.parametrize("name", TIGHTENED)
def test_asking_more_never_costs_less(name: str) -> None:
    """A policy stricter, a capacity or limit lower, a date earlier: never cheaper, and never a plan where was none."""
    for seed in met(TIGHTENED[name], feasible=True):
        strictly(TIGHTENED[name], seed, +1)


def test_some_rules_bind() -> None:
    """The rules cost something in some of the instances: the comparisons above could fail."""
    for name in ("no device mix", "wider windows", "no bundles"):
        assert any(strictly(LOOSENED[name], seed, -1) for seed in met(LOOSENED[name]))
    for name in ("all recycled", "earlier", "participation of a tenth"):
        assert any(strictly(TIGHTENED[name], seed, +1) for seed in met(TIGHTENED[name], feasible=True))


def test_others_left_out_is_none_of_them() -> None:
    """If every offer has unnamed matter, `others` omitted and `others: 0 %` are equal."""
    plans = []
    for seed in pool.SEEDS:
        left_out = times(pool.instance(seed), {"market": ("composition",)}, Fraction(999, 1000))
        none = changed(left_out, "alloys", admits_others=np.ones_like(left_out.alloys.admits_others))
        one, other = pool.solved(left_out), pool.solved(none)
        assert (one is None) == (other is None), f"instance {seed}"
        if one is not None and other is not None:
            assert one.objective == pytest.approx(other.objective, rel=0, abs=pool.slack(one, other))
            plans.append(is_excluded_by_unnamed(left_out).any())
    assert any(plans) and len(plans) < len(pool.SEEDS)
